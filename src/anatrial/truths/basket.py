"""What may be real in a basket trial: a rate per basket, no effect in any, or rates that are drawn from priors."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.basket import Disease
from anatrial.domain.prior import PriorRef
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.superiority import greater_than_rate
from anatrial.spec import Name, Rate, Spec, Text

CLOSE = 1e-12  # a rate at its benchmark is without effect, however it was rounded
Diseases = tuple[Disease, ...]
Laws = tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]
"""Per basket the probability of 0..n responders, and of a rate above the benchmark given each count, shape (n + 1,)."""


class BasketTruth(Spec):
    """The reality assumed."""

    why: Text | None = None

    def names(self) -> tuple[str, ...] | None:
        """Baskets that the truth names; None where it needs not."""
        return None


class BasketPoints(BasketTruth):
    """A rate per basket; those at or below the benchmark are without effect."""

    kind: Literal["points"]
    rates: Annotated[dict[Name, Rate], Field(min_length=1)]

    def names(self) -> tuple[str, ...]:
        """Baskets that the truth names."""
        return tuple(self.rates)

    def works(self, diseases: Diseases) -> tuple[bool, ...]:
        """Whether each basket's rate lies above its benchmark."""
        return tuple(self.rates[basket.name] > basket.benchmark + CLOSE for basket in diseases)

    def laws(self, diseases: Diseases) -> Laws:
        """Binomial laws, and certainty about what works."""
        rates = [self.rates[basket.name] for basket in diseases]
        return _point_laws(diseases, rates, self.works(diseases))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        return "the rates are " + ", ".join(f"{rate:g} ({name})" for name, rate in self.rates.items())


class BasketNoEffect(BasketTruth):
    """Every rate is its benchmark: each win is a false one."""

    kind: Literal["no_effect"]

    def laws(self, diseases: Diseases) -> Laws:
        """Binomial laws at the benchmarks; nothing works."""
        return _point_laws(diseases, [basket.benchmark for basket in diseases], (False,) * len(diseases))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del control
        return f"{treatment} helps in no basket (every rate is the one to beat)"


class BasketPriors(BasketTruth):
    """A design prior per basket, independent: what is believed of each disease."""

    kind: Literal["design_prior"]
    rates: Annotated[dict[Name, PriorRef], Field(min_length=1)]

    def names(self) -> tuple[str, ...]:
        """Baskets that the truth names."""
        return tuple(self.rates)

    def laws(self, diseases: Diseases) -> Laws:
        """Beta-binomial laws, and P(rate > benchmark | count) under the prior."""
        laws, works = [], []
        for name, n, benchmark in diseases:
            prior = self.rates[name].mixture()
            laws.append(prior.predictive(n))
            works.append(greater_than_rate(prior.array, n, benchmark))
        return tuple(laws), tuple(works)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        return "the rates are drawn from the design priors of the baskets"


def _point_laws(diseases: Diseases, rates: list[float], works: tuple[bool, ...]) -> Laws:
    """Binomial laws of known rates, one per basket, and whether each works."""
    laws = tuple(binomial(basket.n, np.array([rate]))[0] for basket, rate in zip(diseases, rates, strict=True))
    return laws, tuple(np.full(basket.n + 1, float(good)) for basket, good in zip(diseases, works, strict=True))


AnyBasketTruth = Annotated[BasketNoEffect | BasketPoints | BasketPriors, Field(discriminator="kind")]
