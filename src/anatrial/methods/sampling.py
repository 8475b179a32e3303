"""Posteriors of the hierarchical models by PyMC's NUTS: a second opinion on integration, and draws for ArviZ."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple, assert_never

import numpy as np
from scipy.special import expit, ndtr, ndtri

from anatrial.domain.prior import Contribution
from anatrial.domain.sampled import Agreement, Diagnostics, Sampler
from anatrial.domain.synthesis import LEVELS, Spread, Synthesis
from anatrial.methods.heterogeneity import MOST, Exponential, Fixed, HalfCauchy, HalfNormal, Heterogeneity, Uniform
from anatrial.methods.hierarchical import NormalPrior, Sampling, counted
from anatrial.methods.nuts import MODE, NUTS, Progress, by_nuts
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.beta_laws import PRECISION, LogNormal
from anatrial.posterior_io import Array, Draws, diagnose, effective_size
from anatrial.rng import seed_of, stream

PER_STUDY = ("study", "study_rate", "responders", "patients", "weights")
FALSE_ALARMS = 1e-5
"""Chance that a sound fit is called wrong, a tenth of what is promised: effective sizes are estimates themselves."""


class Records(NamedTuple):
    """Counts per study, each of shape (studies,): unique names, whole counts, and the weight of each study."""

    names: tuple[str, ...]
    responders: IntArray
    patients: IntArray
    weights: FloatArray

    @property
    def discounted(self) -> tuple[FloatArray, FloatArray]:
        """Responders and non-responders by weight, as the likelihood counts them."""
        return self.weights * self.responders, self.weights * (self.patients - self.responders)


def records_of(contributions: tuple[Contribution, ...]) -> Records:
    """The counts of the contributions that count, named by outcome."""
    used = counted(contributions)
    return Records(
        tuple(c.outcome for c in used),
        np.array([c.responders for c in used], dtype=np.int64),
        np.array([c.n for c in used], dtype=np.int64),
        np.array([c.weight for c in used], dtype=np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LogitNormalModel:
    """Log odds of study i: ``base + covariate_i * slope + tau[stratum_i] * e_i`` with e_i standard normal.

    ``mean`` is the prior of ``base``. ``stratum`` holds per study an index into ``heterogeneity``; ``covariate`` is
    True for the studies that have it. The new study is of ``predicted_stratum``, and has the covariate if
    ``predicted_has_it``.

    Quantities of the draws: ``mean`` (log odds, of the predicted group) and ``mean_rate``; ``tau[0]``, ``tau[1]``, ...;
    ``study[name]`` (log odds) and ``study_rate[name]``; ``predicted`` (log odds of the new study) and
    ``predicted_rate``; ``slope`` where there is a covariate.

    Source: Neuenschwander, Capkun-Niggli, Branson & Spiegelhalter (2010), Clin. Trials 7:5-18.
    """

    records: Records
    mean: NormalPrior
    heterogeneity: tuple[Heterogeneity, ...]
    stratum: IntArray
    predicted_stratum: int = 0
    covariate: BoolArray | None = None
    slope: NormalPrior | None = None
    predicted_has_it: bool = False

    def built(self) -> Any:
        """The PyMC model, its counts data, not constants: what is compiled once serves every set of counts.

        Each e_i is moved and scaled to where its study's log odds (half a patient of each kind added) and tau put it:
        what NUTS sees is near normal, with a funnel neither at a small tau nor at a large study.
        Source: Papaspiliopoulos, Roberts & Sköld (2007), Statist. Sci. 22:59-73 (partial non-centring).
        """
        import pymc
        import pytensor.tensor as pt

        x, rest = self.records.discounted
        with pymc.Model() as model:
            responders, others = pymc.Data("responders", x), pymc.Data("others", rest)
            mean = pymc.Normal("base", self.mean.mean, self.mean.sd)
            if self.slope is not None:
                mean = mean + self._has_it * pymc.Normal("slope", self.slope.mean, self.slope.sd)
            spreads = [_prior_of(spread, f"tau_{i}") for i, spread in enumerate(self.heterogeneity)]
            tau = pt.stack(spreads)[self.stratum]
            variance = 1 / (responders + 0.5) + 1 / (others + 0.5)
            seen = pt.log((responders + 0.5) / (others + 0.5))
            scale = pt.sqrt(variance / (variance + tau**2))
            place = tau / (variance + tau**2) * (seen - mean)
            scatter = pymc.Deterministic("scatter", place + scale * pymc.Flat("placed", shape=len(x)))
            pymc.Potential("standard normal", (pt.log(scale) - scatter**2 / 2).sum())
            log_odds = mean + tau * scatter
            log_p = -responders * pt.softplus(-log_odds) - others * pt.softplus(log_odds)
            pymc.Potential("likelihood", log_p.sum())
        return model

    def posterior(self, free: Mapping[str, Array], random: np.random.Generator) -> dict[str, FloatArray]:
        """The quantities, from draws of the PyMC model's variables; the new study's scatter is drawn here."""
        base = free["base"]
        spreads = [
            np.full(base.shape, spread.value) if isinstance(spread, Fixed) else free[f"tau_{i}"]
            for i, spread in enumerate(self.heterogeneity)
        ]
        tau = np.stack(spreads, axis=-1)
        slope = free["slope"] if self.slope is not None else np.zeros(base.shape)
        study = base[..., None] + slope[..., None] * self._has_it + tau[..., self.stratum] * free["scatter"]
        mean = base + slope if self.predicted_has_it else base
        predicted = mean + tau[..., self.predicted_stratum] * random.standard_normal(base.shape)
        found = {"mean": mean, "tau": tau, "study": study, "predicted": predicted}
        rates = {"mean_rate": expit(mean), "study_rate": expit(study), "predicted_rate": expit(predicted)}
        return {**found, **rates, **({"slope": slope} if self.slope is not None else {})}

    def prior(self, draws: int, random: np.random.Generator) -> dict[str, FloatArray]:
        """The quantities drawn from their prior, as one chain."""
        free = {f"tau_{i}": _tau_at(spread, random.random((1, draws))) for i, spread in enumerate(self.heterogeneity)}
        free["base"] = random.normal(self.mean.mean, self.mean.sd, (1, draws))
        free["scatter"] = random.standard_normal((1, draws, len(self.records.names)))
        if self.slope is not None:
            free["slope"] = random.normal(self.slope.mean, self.slope.sd, (1, draws))
        return self.posterior(free, random)

    @property
    def _has_it(self) -> FloatArray:
        has = np.zeros(len(self.stratum)) if self.covariate is None else self.covariate
        return np.asarray(has, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BetaBinomialModel:
    """Rates of studies are Beta(mean_rate * precision, (1 - mean_rate) * precision); mean_rate is Beta(a, b).

    Quantities of the draws: ``mean_rate``, ``precision``, ``study_rate[name]``, ``predicted_rate``. NUTS samples the
    first two; given them, rates of studies are Betas and are drawn as such.
    """

    records: Records
    a: float
    b: float
    precision: LogNormal

    def built(self) -> Any:
        """The PyMC model, rates of studies integrated out; counts are data, not constants."""
        import pymc
        import pytensor.tensor as pt

        x, rest = self.records.discounted
        with pymc.Model() as model:
            mean = pymc.Beta("mean_rate", self.a, self.b)
            law = pymc.Normal.dist(math.log(self.precision.median), self.precision.sd_log)
            low, high = (math.log(limit) for limit in PRECISION)
            precision = pt.exp(pymc.Truncated("log_precision", law, lower=low, upper=high))
            a, b = mean * precision, (1 - mean) * precision
            responders, others = pymc.Data("responders", x), pymc.Data("others", rest)
            log_p = pt.gammaln(a + responders) + pt.gammaln(b + others) - pt.gammaln(a + b + responders + others)
            pymc.Potential("likelihood", (log_p - pt.gammaln(a) - pt.gammaln(b) + pt.gammaln(a + b)).sum())
        return model

    def posterior(self, free: Mapping[str, Array], random: np.random.Generator) -> dict[str, FloatArray]:
        """The quantities, from draws of the PyMC model's variables."""
        return _rates(free["mean_rate"], np.exp(free["log_precision"]), self.records.discounted, random)

    def prior(self, draws: int, random: np.random.Generator) -> dict[str, FloatArray]:
        """The quantities drawn from their prior, as one chain."""
        low, high = (ndtr(math.log(limit / self.precision.median) / self.precision.sd_log) for limit in PRECISION)
        at = ndtri(low + random.random((1, draws)) * (high - low))
        precision = self.precision.median * np.exp(self.precision.sd_log * at)
        nothing = np.zeros(len(self.records.names))
        return _rates(random.beta(self.a, self.b, (1, draws)), precision, (nothing, nothing), random)


AnyModel = LogitNormalModel | BetaBinomialModel


@dataclass(frozen=True, slots=True, eq=False)
class SampledPosterior:
    """Draws of the posterior and the prior, how well the chains mixed, and what drew them."""

    draws: Draws
    diagnostics: Diagnostics
    sampler: Sampler


def sample(model: AnyModel, settings: Sampling, names: tuple[str, ...], progress: Progress) -> SampledPosterior:
    """The posterior by NUTS; ``names`` (indication, prior) choose the random stream together with the seed.

    The prior is one chain; ``prior_predictive`` holds responders of the studies at their full size. Chains run one
    after the other: the same draws as side by side, without other processes that an interruption would have to reach.

    Raises ``ComputationError`` where the sampler fails, ``KeyboardInterrupt`` where it was interrupted. Diagnostics
    that miss their limits do not raise: see ``Diagnostics.faults``.
    """
    free, stats = by_nuts(model.built, settings, seed_of(settings.seed, "nuts", *names), progress)
    prior = model.prior(settings.draws, stream(settings.seed, "prior", *names))
    counts = stream(settings.seed, "prior predictive", *names)
    records, sampler = model.records, _sampler()
    strata = tuple(map(str, range(prior["tau"].shape[-1]))) if "tau" in prior else ()
    draws = Draws(
        {
            "posterior": model.posterior(free, stream(settings.seed, "posterior predictive", *names)),
            "sample_stats": stats,
            "prior": prior,
            "prior_predictive": {"responders": counts.binomial(records.patients, prior["study_rate"])},
            "observed_data": {"responders": records.responders},
            "constant_data": {"patients": records.patients, "weights": records.weights},
        },
        dims={"tau": ("stratum",), **dict.fromkeys(PER_STUDY, ("outcome",))},
        coords={"outcome": records.names, "stratum": strata},
        attrs={**settings.model_dump(), **sampler.model_dump()},
    )
    return SampledPosterior(draws, Diagnostics(**diagnose(draws)._asdict()), sampler)


def exact_of(synthesis: Synthesis) -> dict[str, Spread]:
    """What integration found, by the names of the draws; what is fixed is left out."""
    found = {"mean_rate": synthesis.typical.posterior, "predicted_rate": synthesis.predicted.posterior}
    found |= {q.name: q.posterior for q in (*synthesis.heterogeneity, *synthesis.others)}
    found |= {f"study_rate[{study.outcome}]": study.rate for study in synthesis.studies}
    return {name: spread for name, spread in found.items() if spread.quantiles[0] < spread.quantiles[-1]}


def audit(sampled: SampledPosterior, exact: Mapping[str, Spread]) -> tuple[Agreement, ...]:
    """The draws beside exact numbers: per quantity its mean, and the share of draws below each exact quantile.

    Shares need no density at the quantile, and their standard error no normal law of the draws.
    """
    found, quantities = [], sampled.draws.quantities()
    for name, spread in exact.items():
        values = quantities[name]
        told = [("mean", values, spread.mean, float(values.std(ddof=1)))]
        for level, quantile in zip(LEVELS, spread.quantiles, strict=True):
            below = (values < quantile).astype(np.float64)
            told.append((f"share below {quantile:.4g}", below, level, math.sqrt(level * (1 - level))))
        for compared, drawn, expected, sd in told:
            mean, error = float(drawn.mean()), sd / math.sqrt(effective_size(drawn))
            found.append(
                Agreement(quantity=name, compared=compared, sampled=mean, exact=expected, standard_error=error)
            )
    return tuple(found)


def disagreements(agreements: tuple[Agreement, ...]) -> tuple[str, ...]:
    """In words, those too far apart to be chance: a sound fit alarms falsely less than once in 10,000 audits.

    The limit in standard errors is Bonferroni's for so many comparisons at 1e-5: 5.2 for ten quantities.
    """
    limit = -float(ndtri(FALSE_ALARMS / (2 * max(len(agreements), 1))))
    return tuple(agreement.said() for agreement in agreements if not abs(agreement.z) <= limit)


def _prior_of(spread: Heterogeneity, name: str) -> Any:
    """A prior of tau as PyMC's random variable, cut where integration cuts it; data where it is fixed."""
    import pymc

    match spread:
        case Fixed():
            return pymc.Data(name, spread.value)
        case Uniform():
            return pymc.Uniform(name, 0.0, spread.upper)
        case HalfNormal():
            law = pymc.HalfNormal.dist(spread.scale)
        case HalfCauchy():
            law = pymc.HalfCauchy.dist(spread.scale)
        case Exponential():
            law = pymc.Exponential.dist(spread.rate)
        case _:
            assert_never(spread)
    return pymc.Truncated(name, law, lower=0.0, upper=MOST)


def _tau_at(spread: Heterogeneity, u: FloatArray) -> FloatArray:
    """Quantiles of a prior of tau at probabilities u, the cut included."""
    match spread:
        case Fixed():
            return np.full(u.shape, spread.value)
        case Uniform():
            return spread.upper * u
        case HalfNormal():
            return np.asarray(spread.scale * ndtri(0.5 + u * (ndtr(MOST / spread.scale) - 0.5)))
        case HalfCauchy():
            return np.asarray(spread.scale * np.tan(u * math.atan(MOST / spread.scale)))
        case Exponential():
            return np.asarray(-np.log1p(u * np.expm1(-spread.rate * MOST)) / spread.rate)
        case _:
            assert_never(spread)


def _rates(
    mean: FloatArray, precision: FloatArray, seen: tuple[FloatArray, FloatArray], random: np.random.Generator
) -> dict[str, FloatArray]:
    """Quantities of the beta-binomial model given its two parameters and (responders, others) of each study."""
    a, b = mean * precision, (1 - mean) * precision
    return {
        "mean_rate": mean,
        "precision": precision,
        "study_rate": _betas(a[..., None] + seen[0], b[..., None] + seen[1], random),
        "predicted_rate": _betas(a, b, random),
    }


def _betas(a: FloatArray, b: FloatArray, random: np.random.Generator) -> FloatArray:
    """Beta draws; where rounding left a shape at 0 the law is its limit: all of it at 0 (a = 0) or 1 (b = 0)."""
    edge = (a == 0) | (b == 0)
    return np.where(edge, b == 0, random.beta(np.where(edge, 1.0, a), np.where(edge, 1.0, b)))


def _sampler() -> Sampler:
    versions = {package: version(package) for package in ("numpy", "numba", "pytensor", "pymc", "arviz")}
    return Sampler(nuts_sampler=NUTS, mode=MODE, python=platform.python_version(), **versions)
