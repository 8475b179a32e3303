"""What the hierarchical recipes share: priors of their parameters, the engine, and from law to closed form."""

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.evidence import Discount, Tier
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import MOST_CDF_ERROR, MOST_DIVERGENCE, FitScore, Synthesis
from anatrial.methods.recipe import DISCOUNTS, Counted
from anatrial.numerics.log_odds import Density, Normal, Studies
from anatrial.numerics.mixture_fit import fitted
from anatrial.spec import Spec

if TYPE_CHECKING:
    from anatrial.methods.sampling import BetaBinomialModel, LogitNormalModel

Engine = Literal["quadrature", "nuts"]


class NormalPrior(Spec):
    """A normal prior on the log-odds scale; N(0, 2^2) leaves rates from 0.02 to 0.98 open."""

    mean: Annotated[float, Field(ge=-10, le=10)] = 0.0
    sd: Annotated[float, Field(ge=0.05, le=10)] = 2.0

    @property
    def law(self) -> Normal:
        """As numerics take it."""
        return Normal(self.mean, self.sd)

    def said(self) -> str:
        """In words."""
        return f"N({self.mean:g}, {self.sd:g}^2) on the log odds"


class Sampling(Spec):
    """How PyMC samples, with its own NUTS: equal seeds give equal draws on one machine and stack."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    chains: Annotated[int, Field(ge=2, le=16)] = 4
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    tune: Annotated[int, Field(ge=100, le=100_000)] = 1000
    target_accept: Annotated[float, Field(ge=0.5, lt=1)] = 0.99


class Hierarchical(Counted):
    """A recipe that integrates over what it does not know, and fits a closed form to what a new trial would see."""

    by_tier: bool = False
    """True: studies count by the table of design tiers; else each counts in full."""

    def default_weight(self, tier: Tier) -> Discount:
        """1, or the weight of the design tier; 0 for a tier that says nothing of a rate or repeats other studies."""
        if self.by_tier or DISCOUNTS[tier].weight == 0:
            return DISCOUNTS[tier]
        return Discount(weight=1.0, why="counts in full: the model says how far studies differ")

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds, by integration."""
        raise TypeError(contributions)

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """Everything that integration found."""
        raise TypeError(contributions)

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """The priors of the model's parameters, as (what, in words)."""
        raise TypeError

    def closed_form(self, contributions: tuple[Contribution, ...]) -> tuple[BetaMixture, FitScore]:
        """The mixture of fewest Betas that stands for the law, and how far it is from it.

        Raises ``ComputationError`` where four Betas are not close enough.
        """
        found = fitted(self.predicted(contributions), MOST_DIVERGENCE, MOST_CDF_ERROR)
        parts = tuple(BetaPart(w, a, b) for w, a, b in found.parts.tolist())
        total = sum(part.weight for part in parts)
        mixture = BetaMixture(tuple(part._replace(weight=part.weight / total) for part in parts))
        return mixture, FitScore(divergence=found.divergence, cdf_error=found.cdf_error)

    def mixture(self, contributions: tuple[Contribution, ...]) -> BetaMixture:
        """The closed form, without the robust part."""
        return self.closed_form(contributions)[0]


class Sampled(Hierarchical):
    """A hierarchical recipe that PyMC can sample too, as a second opinion on the integration."""

    engine: Engine = "quadrature"
    """``nuts`` samples the posterior with PyMC too: the two must agree, and the draws are kept for ArviZ."""
    sampling: Sampling = Sampling()

    def sampler_model(self, contributions: tuple[Contribution, ...]) -> "LogitNormalModel | BetaBinomialModel":
        """The model as PyMC samples it."""
        raise TypeError(contributions)


def studies_of(contributions: tuple[Contribution, ...]) -> Studies:
    """Weighted counts of the studies that count."""
    used = counted(contributions)
    return Studies(
        np.array([c.weight * c.responders for c in used], dtype=np.float64),
        np.array([c.weight * c.n for c in used], dtype=np.float64),
    )


def counted(contributions: tuple[Contribution, ...]) -> tuple[Contribution, ...]:
    """The studies of positive weight."""
    return tuple(c for c in contributions if c.weight > 0)
