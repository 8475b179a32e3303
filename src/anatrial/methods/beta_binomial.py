"""Rates of studies from one common Beta, with its mean and precision unknown; a new trial draws from it too."""

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import LEVELS, Quantity, Shrunk, Spread, Synthesis
from anatrial.methods.hierarchical import Sampled, counted, studies_of
from anatrial.methods.recipe import Base
from anatrial.methods.summaries import CURVE, effective_n_of, pairs, rate_quantity, rate_spread
from anatrial.numerics.beta_laws import CommonBeta, LogNormal, common_beta, on_grid
from anatrial.numerics.densities import GaussLaw
from anatrial.numerics.log_odds import Density
from anatrial.spec import Spec

if TYPE_CHECKING:
    from anatrial.methods.sampling import BetaBinomialModel


class Precision(Spec):
    """Log-normal prior of the common Beta's a + b: how many patients one study tells us about another."""

    family: Literal["log_normal"] = "log_normal"
    median: Annotated[float, Field(ge=1, le=1000)] = 20.0
    sd_log: Annotated[float, Field(gt=0, le=3)] = 1.0

    @property
    def law(self) -> LogNormal:
        """As numerics take it."""
        return LogNormal(self.median, self.sd_log)


class BetaBinomial(Sampled):
    """Beta-binomial hierarchy (Gelman et al., Bayesian Data Analysis, section 5.3, with these priors)."""

    method: Literal["beta_binomial"]
    mean: Base = Base()
    precision: Precision = Precision()

    def found(self, contributions: tuple[Contribution, ...]) -> CommonBeta:
        """The posterior of mean and precision by integration."""
        return common_beta(studies_of(contributions), (self.mean.a, self.mean.b), self.precision.law)

    def sampler_model(self, contributions: tuple[Contribution, ...]) -> "BetaBinomialModel":
        """The same hierarchy for PyMC."""
        from anatrial.methods.sampling import BetaBinomialModel, records_of

        return BetaBinomialModel(
            records=records_of(contributions), a=self.mean.a, b=self.mean.b, precision=self.precision.law
        )

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds."""
        return on_grid(self.found(contributions).betas)

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """Typical rate, new trial, precision and shrunken studies."""
        found, studies = self.found(contributions), studies_of(contributions)
        laws = (on_grid(found.study(x, n)) for x, n in zip(studies.responders, studies.patients, strict=True))
        predicted = rate_quantity("predicted_rate", "rate of a new trial", on_grid(found.betas))
        return Synthesis(
            typical=rate_quantity("mean_rate", "typical rate", found.typical),
            predicted=predicted,
            heterogeneity=(self._precision(found),),
            others=(),
            studies=tuple(
                Shrunk(c.outcome, rate_spread(law)) for c, law in zip(counted(contributions), laws, strict=True)
            ),
            sources=(),
            effective_n=effective_n_of(predicted.posterior),
            elir=None,
            no_elir="the common Beta may have shapes below 1",
        )

    def _precision(self, found: CommonBeta) -> Quantity:
        """The posterior of the precision: its nodes are Gauss-Legendre in the logarithm."""
        weights, nodes = found.weights.sum(axis=0), found.precision
        law, logs, middle = GaussLaw(weights), np.log(nodes), np.log(self.precision.median)
        half = (logs[-1] - logs[0]) / (law.nodes[-1] - law.nodes[0])
        start = logs[0] - half * law.nodes[0]
        mean = float(weights @ nodes)
        quantiles = np.exp(start + half * law.quantiles(LEVELS))
        spread = Spread(mean, float(np.sqrt(weights @ (nodes - mean) ** 2)), tuple(quantiles.tolist()))
        at = np.exp(np.linspace(start - half, min(np.log(1.5 * quantiles[-1]), start + half), CURVE))
        curve = law.density((np.log(at) - start) / half) / half / at
        prior = np.exp(-0.5 * ((np.log(at) - middle) / self.precision.sd_log) ** 2)
        prior /= at * self.precision.sd_log * np.sqrt(2 * np.pi)
        label = "precision (a + b of the common Beta)"
        return Quantity("precision", label, spread, pairs(at, curve), pairs(at, prior))

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """Priors of the mean and of the precision."""
        median, sd = self.precision.median, self.precision.sd_log
        return (
            ("mean", f"Beta({self.mean.a:g}, {self.mean.b:g})"),
            ("precision", f"log-normal(median {median:g}, sd of the log {sd:g}), cut to 1 to 10,000"),
        )
