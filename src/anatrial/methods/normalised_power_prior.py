"""The normalised power prior: the fraction at which history counts is itself unknown."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import LEVELS, Quantity, Spread, Synthesis
from anatrial.methods.hierarchical import Hierarchical, studies_of
from anatrial.methods.recipe import Base
from anatrial.methods.summaries import effective_n_of, rate_quantity
from anatrial.numerics.beta_laws import BetaNodes, on_grid
from anatrial.numerics.log_odds import Density
from anatrial.spec import Shape, Spec

NODES = 64


class Power(Spec):
    """Beta prior of the fraction at which history counts; the uniform without settings."""

    a: Annotated[Shape, Field(ge=0.1)] = 1.0
    b: Annotated[Shape, Field(ge=0.1)] = 1.0


class NormalisedPowerPrior(Hierarchical):
    """All history at one unknown fraction, integrated out with its normalising constant.

    The prior of a new trial is the mixture over the fraction of Beta(base a + fraction * responders, base b +
    fraction * non-responders). History alone says nothing of its own fraction; the new trial's counts will.
    Source: Duan, Ye & Smith (2006), Environmetrics 17:95-106; Neuenschwander, Branson & Spiegelhalter (2009),
    Statist. Med. 28:3562-3566.
    """

    method: Literal["normalised_power_prior"]
    base: Base = Base()
    power: Power = Power()

    def betas(self, contributions: tuple[Contribution, ...]) -> BetaNodes:
        """The Betas over Gauss-Jacobi nodes of the fraction."""
        from scipy.special import roots_jacobi

        at, weights = roots_jacobi(NODES, self.power.b - 1, self.power.a - 1)
        fraction, studies = 0.5 * (at + 1), studies_of(contributions)
        x, n = float(studies.responders.sum()), float(studies.patients.sum())
        return BetaNodes(weights / weights.sum(), self.base.a + fraction * x, self.base.b + fraction * (n - x))

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds."""
        return on_grid(self.betas(contributions))

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """Pooled rate at full weight, and the new trial's."""
        studies = studies_of(contributions)
        x, n = float(studies.responders.sum()), float(studies.patients.sum())
        full = BetaNodes(np.ones(1), np.array([self.base.a + x]), np.array([self.base.b + n - x]))
        predicted = rate_quantity("predicted_rate", "rate of a new trial", self.predicted(contributions))
        return Synthesis(
            typical=rate_quantity("mean_rate", "pooled rate at full weight", on_grid(full)),
            predicted=predicted,
            heterogeneity=(),
            others=(self._power(),),
            studies=(),
            sources=(),
            effective_n=effective_n_of(predicted.posterior),
            elir=None,
            no_elir="the fraction may be 0, where only the base prior is left",
        )

    def _power(self) -> Quantity:
        from scipy.special import betaincinv

        a, b = self.power.a, self.power.b
        sd = float(np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1))))
        quantiles = tuple(float(betaincinv(a, b, p)) for p in LEVELS)
        return Quantity("power", "fraction at which history counts", Spread(a / (a + b), sd, quantiles))

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """Priors of the fraction and of the rate."""
        return (
            ("fraction", f"Beta({self.power.a:g}, {self.power.b:g})"),
            ("rate before any study", f"Beta({self.base.a:g}, {self.base.b:g})"),
        )
