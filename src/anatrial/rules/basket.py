"""When a basket wins: its posterior alone, or one that borrows from the baskets that look alike."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics.similarity import FLATTEST
from anatrial.spec import OpenRate, Spec

Level = Annotated[float, Field(gt=0, le=0.5)]


class BasketRule(Spec):
    """A basket wins where P(its rate > its benchmark | data) exceeds a certainty (strictly).

    The certainty is stated, or the least one (four decimals) that keeps ``familywise_alpha``: the chance that any
    basket wins while every rate is its benchmark.
    """

    analysis_prior: PriorRef
    """The same for every basket."""
    certainty: OpenRate | None = None
    familywise_alpha: Level | None = None

    @model_validator(mode="after")
    def _one_level(self) -> Self:
        if (self.certainty is None) == (self.familywise_alpha is None):
            raise ValueError(f"{'neither' if self.certainty is None else 'both'} | certainty or familywise_alpha")
        return self

    def misfits(self) -> Iterator[Fault]:
        """What of the resolved prior the rule cannot use; places are named without the file."""
        yield from ()

    def _how(self) -> str:
        """What is special about the posterior."""
        raise TypeError

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        del control
        if self.certainty is not None:
            level = f"{self.certainty:.12g}"
        else:
            level = f"the least certainty that keeps the familywise error at {self.familywise_alpha:g}"
        return f"A basket wins if P(its rate on {treatment} > its rate to beat | data) > {level}; {self._how()}."


class Independent(BasketRule):
    """Every basket is judged by its own patients alone."""

    kind: Literal["independent"]

    def _how(self) -> str:
        return "each is judged by its own patients alone"


class Shared(BasketRule):
    """Every basket borrows from the others in proportion to how alike their posteriors are.

    A basket counts (1 - Jensen-Shannon divergence of the two posteriors)^sharpness in another one, and nothing where
    that is at most ``threshold``. Source: Fujikawa et al. (2020), Biom. J. 62:330-338.
    """

    kind: Literal["shared"]
    sharpness: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Larger: less is borrowed from a basket that differs."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Similarity up to which nothing is borrowed."""

    def misfits(self) -> Iterator[Fault]:
        """Similarity is that of two Betas, so the prior must be one."""
        parts = self.analysis_prior.mixture().parts
        if len(parts) > 1:
            got = f"a mixture of {len(parts)} Betas"
            fix = "give a and b, or use the rule of kind independent"
            yield Fault("rule.analysis_prior", got, "one Beta: similarity compares two of them", fix)
        elif min(parts[0][1:]) < FLATTEST:
            yield Fault("rule.analysis_prior", self.analysis_prior.mixture().said(), f"shapes of at least {FLATTEST:g}")

    def _how(self) -> str:
        beyond = f" above a similarity of {self.threshold:g}" if self.threshold > 0 else ""
        return f"each borrows from the others by similarity{beyond} (sharpness {self.sharpness:g})"


AnyBasketRule = Annotated[Independent | Shared, Field(discriminator="kind")]
