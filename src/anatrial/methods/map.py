"""The meta-analytic-predictive prior: log odds of studies are normal around a mean, a new trial is one more of them."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import Quantity, Shrunk, Spread, Synthesis
from anatrial.methods.heterogeneity import HalfNormal, Heterogeneity
from anatrial.methods.hierarchical import NormalPrior, Sampled, counted, studies_of
from anatrial.methods.summaries import (
    CURVE,
    effective_n_of,
    information,
    pairs,
    plain_spread,
    rate_quantity,
    rate_spread,
    tau_quantity,
)
from anatrial.numerics.log_odds import Density, Model, Synthesised, concentrated, narrowest, synthesise
from anatrial.numerics.predicted_information import FAR
from anatrial.spec import Name, Spec, Text

if TYPE_CHECKING:
    from anatrial.methods.sampling import LogitNormalModel


class Covariate(Spec):
    """A trait of populations that moves the mean log odds, such as new onset; ``slope`` is its effect."""

    name: Name
    studies: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Ids of the studies whose patients have it."""
    predict: bool
    """Whether the new trial's patients have it."""
    slope: NormalPrior = NormalPrior(mean=0.0, sd=1.0)
    why: Text


class Stratum(Spec):
    """Studies whose spread has a prior of its own; the new trial is like the studies that no stratum names."""

    name: Name
    studies: Annotated[tuple[Name, ...], Field(min_length=1)]
    heterogeneity: Heterogeneity
    why: Text


class Map(Sampled):
    """Binomial counts, log odds normal between studies (Neuenschwander et al. 2010, Clin. Trials 7:5-18)."""

    method: Literal["map"]
    mean: NormalPrior = NormalPrior()
    heterogeneity: Heterogeneity = HalfNormal(family="half_normal", scale=0.5)
    covariate: Covariate | None = None
    stratum: Stratum | None = None

    @model_validator(mode="after")
    def _one_extension(self) -> Self:
        if self.covariate is not None and self.stratum is not None:
            raise ValueError("covariate and stratum | one of them: three parameters are what integration covers")
        return self

    @property
    def spreads(self) -> tuple[Heterogeneity, ...]:
        """Priors of tau: of the stratum that is predicted, and of the other one where there is one."""
        return (self.heterogeneity,) if self.stratum is None else (self.heterogeneity, self.stratum.heterogeneity)

    def model(self, contributions: tuple[Contribution, ...], stretch: float = 1.0) -> Model:
        """The hierarchy as numerics take it, studies in the order of those that count; ``stretch`` as for ``tau``."""
        used = counted(contributions)
        sharpest = narrowest(studies_of(contributions))
        apart = set(self.stratum.studies) if self.stratum else set()
        has = set(self.covariate.studies) if self.covariate else set()
        return Model(
            mean=self.mean.law,
            tau=tuple(spread.tau(sharpest, stretch=stretch) for spread in self.spreads),
            reach=max(spread.reach[0] for spread in self.spreads),
            stratum=np.array([int(c.study in apart) for c in used], dtype=np.int64),
            covariate=np.array([c.study in has for c in used], dtype=np.bool_) if self.covariate else None,
            slope=self.covariate.slope.law if self.covariate else None,
            predicted_has_it=self.covariate.predict if self.covariate else False,
        )

    def found(self, contributions: tuple[Contribution, ...], *, each_study: bool) -> Synthesised:
        """The posterior by integration; a second time where tau is found to live at few of its nodes."""
        studies, model = studies_of(contributions), self.model(contributions)
        found = synthesise(studies, model, each_study=each_study)
        limits = [concentrated(tau, prior.reach[1]) for tau, prior in zip(found.tau, self.spreads, strict=True)]
        if not any(limits):
            return found
        sharpest, refined = narrowest(studies), zip(self.spreads, limits, strict=True)
        model = model._replace(tau=tuple(prior.tau(sharpest, within=within) for prior, within in refined))
        return synthesise(studies, model, each_study=each_study)

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds."""
        return self.found(contributions, each_study=False).predicted

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """Typical rate, new trial, heterogeneity, slope and shrunken studies."""
        found = self.found(contributions, each_study=True)
        predicted = rate_quantity("predicted_rate", "rate of a new trial", found.predicted)
        studies = studies_of(contributions)
        elir, reason = information(
            self.heterogeneity, lambda: synthesise(studies, self.model(contributions, FAR), each_study=False)
        )
        labels = ["between studies", f"between studies of stratum {self.stratum.name}" if self.stratum else ""]
        return Synthesis(
            typical=rate_quantity("mean_rate", "typical rate", found.typical),
            predicted=predicted,
            heterogeneity=tuple(
                tau_quantity(f"tau[{i}]", labels[i], self.spreads[i], tau) for i, tau in enumerate(found.tau)
            ),
            others=self._slope(found),
            studies=tuple(
                Shrunk(c.outcome, rate_spread(law))
                for c, law in zip(counted(contributions), found.studies, strict=True)
            ),
            sources=(),
            effective_n=effective_n_of(predicted.posterior),
            elir=elir,
            no_elir=reason,
        )

    def sampler_model(self, contributions: tuple[Contribution, ...]) -> "LogitNormalModel":
        """The same hierarchy for PyMC."""
        from anatrial.methods.sampling import LogitNormalModel, records_of

        model = self.model(contributions)
        return LogitNormalModel(
            records=records_of(contributions),
            mean=self.mean,
            heterogeneity=self.spreads,
            stratum=model.stratum,
            covariate=model.covariate,
            slope=self.covariate.slope if self.covariate else None,
            predicted_has_it=model.predicted_has_it,
        )

    def _slope(self, found: Synthesised) -> tuple[Quantity, ...]:
        if found.slope is None or self.covariate is None:
            return ()
        spread: Spread = plain_spread(found.slope)
        at = np.linspace(spread.mean - 5 * spread.sd, spread.mean + 5 * spread.sd, CURVE)
        curve = pairs(at, np.interp(at, found.slope.grid, found.slope.values))
        return (Quantity("slope", f"effect of {self.covariate.name} on the log odds", spread, curve),)

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """Priors of the mean, of the spread and of the slope."""
        said = [("mean", self.mean.said()), ("between studies", f"tau {self.heterogeneity.said()}")]
        if self.stratum is not None:
            said.append(
                (f"stratum {self.stratum.name}", f"tau {self.stratum.heterogeneity.said()}: {self.stratum.why}")
            )
        if self.covariate is not None:
            who = "with" if self.covariate.predict else "without"
            said.append(
                (
                    f"covariate {self.covariate.name}",
                    f"slope {self.covariate.slope.said()}; the new trial is {who} it: {self.covariate.why}",
                )
            )
        return tuple(said)
