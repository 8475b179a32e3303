"""When a trial of times to an event succeeds: the log-rank test, posterior hazard ratio, posterior median."""

from math import comb
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.domain.hazards import Duration, HazardPrior
from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.log_rank import RiskSets, log_rank, one_sided_p, permutation_p
from anatrial.numerics.time_to_event import Gamma
from anatrial.numerics.weibull import (
    HazardPosterior,
    ShapePrior,
    Times,
    exponential_posterior,
    weibull_posterior,
)
from anatrial.spec import OpenRate, Spec

Event = Literal["response", "flare"]
MOST_DEALS = 20_000
"""Ways to deal the treatment that the permutation test lists for each trial."""


class LogRank(Spec):
    """Rejects at one-sided ``p <= alpha`` that the hazards are equal.

    ``asymptotic``: the normal distribution of the statistic (Mantel 1966), which with few events or unequal arms may
    reject far more often than ``alpha``. ``permutation``: its exact distribution
    over all ways to deal the treatment to these patients (Peto and Peto 1972), for small trials: exact where both arms
    are censored alike. Tied events share one risk set.
    """

    kind: Literal["log_rank"]
    alpha: OpenRate
    p_value: Literal["asymptotic", "permutation"] = "asymptotic"
    arms: ClassVar[int] = 2

    def p_values(self, sets: RiskSets, event: Event) -> FloatArray:
        """One-sided p of each trial, shape (m,): of fewer flares on treatment than expected, or more responses."""
        if self.p_value == "permutation":
            fewer, more = permutation_p(sets)
            return fewer if event == "flare" else more
        surplus, variance = log_rank(sets)
        return one_sided_p(surplus if event == "flare" else -surplus, variance)

    def successes(self, sets: RiskSets, event: Event) -> BoolArray:
        """Which trials succeed, shape (m,)."""
        return self.p_values(sets, event) <= self.alpha

    def faults(self, treatment: int, control: int) -> list[Fault]:
        """Too many deals to list; places are named without the file."""
        deals = comb(treatment + control, treatment)
        if self.p_value == "asymptotic" or deals <= MOST_DEALS:
            return []
        expected = f"at most {MOST_DEALS:,} (8 + 8 patients have 12,870)"
        got = f"permutation with {deals:.3g} ways to deal {treatment} + {control} patients"
        return [
            Fault("rule.p_value", got, expected, 'p_value = "asymptotic" is close to it in larger trials of equal arms')
        ]

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        how = (
            "exact log-rank test (all ways to deal the treatment)" if self.p_value == "permutation" else "log-rank test"
        )
        return f"Success if the {how} finds {treatment} better than {control}, one-sided p <= {self.alpha:g}."


class WeibullPrior(Spec):
    """The analysis lets the hazard rise or fall with time: log-normal prior of the Weibull shape, one for all arms.

    The prior of the hazard then speaks of the hazard cumulated up to ``reference_time``, divided by that time.
    """

    median: Annotated[float, Field(ge=0.1, le=20)] = 1.0
    log_sd: Annotated[float, Field(ge=0.1, le=1)]
    """1: with 95 % the shape lies between a seventh and seven times its median."""
    reference_time: Duration

    def shape_prior(self) -> ShapePrior:
        """The prior as the engine takes it."""
        return ShapePrior(self.median, self.log_sd, self.reference_time)


class HazardPriors(Spec):
    """What the final analysis assumes of the hazards before it sees data; no control in a single-arm trial."""

    treatment: HazardPrior
    control: HazardPrior | None = None

    def gammas(self) -> tuple[Gamma, ...]:
        """Treatment, then control."""
        return tuple(prior.gamma() for prior in (self.treatment, self.control) if prior is not None)


class HazardRule(Spec):
    """What both posterior rules share: certainty, priors, and whether the hazard is constant or a power of time."""

    certainty: OpenRate
    analysis_prior: HazardPriors
    shape_prior: WeibullPrior | None = None
    """Without it the analysis takes the hazards as constant."""

    def posterior(self, arms: tuple[Times, ...]) -> HazardPosterior:
        """What is believed of the hazards after these data."""
        if self.shape_prior is None:
            return exponential_posterior(arms, self.analysis_prior.gammas())
        return weibull_posterior(arms, self.analysis_prior.gammas(), self.shape_prior.shape_prior())

    @property
    def model_said(self) -> str:
        """The model of the analysis, as the end of a sentence."""
        return "Weibull times" if self.shape_prior else "exponential times"


class PosteriorHazardRatio(HazardRule):
    """Succeeds when the posterior is sure enough that the hazard ratio is on the good side of 1.

    Exponential times: the hazards are Gamma, P(ratio < 1 | data) is a Beta probability. Weibull times: the same given
    the shape, which is integrated.
    """

    kind: Literal["posterior_hazard_ratio"]
    arms: ClassVar[int] = 2

    def probability(self, arms: tuple[Times, ...], event: Event) -> FloatArray:
        """P(hazard ratio < 1 | data) for a flare, P(hazard ratio > 1 | data) for a response; shape (m,)."""
        slower = self.posterior(arms).treatment_slower()
        return slower if event == "flare" else 1 - slower

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        asked = f"P(hazard ratio of {treatment} to {control} on the good side of 1 | data) > {self.certainty:g}"
        return f"Success if {asked}, {self.model_said}."


class PosteriorMedian(HazardRule):
    """One arm: succeeds when the posterior is sure enough that the median time is on the good side of a benchmark."""

    kind: Literal["posterior_median"]
    benchmark: Duration
    arms: ClassVar[int] = 1

    def probability(self, arms: tuple[Times, ...], event: Event) -> FloatArray:
        """P(median < benchmark | data) for a response, P(median > benchmark | data) for a flare; shape (m,)."""
        below = self.posterior(arms).median_below(self.benchmark)
        return below if event == "response" else 1 - below

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        del control
        asked = f"P(median time on {treatment} better than {self.benchmark:g} | data) > {self.certainty:g}"
        return f"Success if {asked}, {self.model_said}."


TimeRule = Annotated[LogRank | PosteriorHazardRatio | PosteriorMedian, Field(discriminator="kind")]
