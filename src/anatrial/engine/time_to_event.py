"""Trials of times to an event: simulated patient by patient, thousands at once; exact sums where nobody is censored.

Where everyone is followed to the event, an exponential analysis asks only for each arm's total time: a Gamma, or with
an uncertain hazard a ratio of Gammas.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, gammainc, gammaincc, gammainccinv, gammaincinv

from anatrial.designs.time_to_event import TimeToEvent
from anatrial.domain.tally import Tally
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.log_rank import RiskSets, cox_log_hazard_ratio, risk_sets
from anatrial.numerics.quadrature import integral
from anatrial.numerics.time_to_event import NEVER, Gamma, Weibull, event_probability
from anatrial.numerics.weibull import Times
from anatrial.rules.time_to_event import LogRank, PosteriorHazardRatio, PosteriorMedian
from anatrial.truths.time_to_event import Exponential, NoEffectTime, UncertainHazard, WeibullTruth

BIAS = "expected_bias_of_log_hazard_ratio"
KnownTruth = Exponential | WeibullTruth | NoEffectTime


class TimeTrial(NamedTuple):
    """A trial under one truth."""

    design: TimeToEvent
    rule: LogRank | PosteriorHazardRatio | PosteriorMedian
    truth: KnownTruth | UncertainHazard

    @property
    def sizes(self) -> tuple[int, ...]:
        """Patients per arm, treatment first."""
        return (self.design.n.treatment,) if self.design.single_arm else (self.design.n.treatment, self.control)

    @property
    def control(self) -> int:
        """Patients on control, 0 in a single-arm trial."""
        return self.design.n.control or 0

    @property
    def laws(self) -> tuple[Weibull, ...]:
        """Times per arm where they are known; empty for uncertain hazards."""
        return () if isinstance(self.truth, UncertainHazard) else self.truth.laws()[: len(self.sizes)]

    @property
    def success_name(self) -> str:
        """What the chance of success is called under this truth."""
        names = {"no_effect": "type_i_error", "uncertain_hazard": "assurance"}
        return names.get(self.truth.kind, "power")

    @property
    def log_hazard_ratio(self) -> float | None:
        """The true one, treatment to control; None in one arm, where it is uncertain or changes with time."""
        if len(self.laws) < 2 or self.laws[0].shape != self.laws[1].shape:
            return None
        treatment, control = self.laws
        return treatment.shape * math.log(control.scale / treatment.scale)


class Watched(NamedTuple):
    """What simulated trials saw, one row per trial: patients on treatment come first; shape (m, n) each."""

    times: Times
    entry: FloatArray
    """Calendar time of entry, from the first possible one."""
    lost: BoolArray
    """Lost before the event and before the end of the follow-up."""


def watched(trial: TimeTrial, rng: np.random.Generator, trials: int) -> Watched:
    """Every patient's time to the event, to being lost or to the end of the follow-up.

    Three uniform numbers per patient, then one per arm where hazards are uncertain: truths that differ little share
    their random numbers.
    """
    watch, sizes = trial.design.watch, trial.sizes
    uniform = rng.random((3, trials, sum(sizes)))
    cumulated = -np.log1p(-uniform[0])
    lost = -np.log1p(-uniform[1]) / watch.drop_out if watch.drop_out else np.full(cumulated.shape, np.inf)
    spread = watch.longest - watch.shortest if math.isfinite(watch.longest) else 0.0
    entry = uniform[2] * spread
    event = np.empty_like(cumulated)
    starts = np.cumsum([0, *sizes])
    for arm, (start, end) in enumerate(pairwise(starts)):
        if isinstance(trial.truth, UncertainHazard):
            shape, rate = trial.truth.gammas()[arm]
            hazard = gammaincinv(shape, rng.random((trials, 1))) / rate
            event[:, start:end] = cumulated[:, start:end] / hazard
        else:
            law = trial.laws[arm]
            event[:, start:end] = law.scale * cumulated[:, start:end] ** (1 / law.shape)
    follow_up = watch.longest - entry
    end_of_watch = np.minimum(lost, follow_up)
    happened = event <= end_of_watch
    return Watched(Times(np.minimum(event, end_of_watch), happened), entry, ~happened & (lost < follow_up))


def succeeded(trial: TimeTrial, rng: np.random.Generator, trials: int) -> Tally:
    """Many trials, simulated and judged: the chance of success alone."""
    seen = watched(trial, rng, trials).times
    success, failed = judged(trial, seen, sets_of(trial, seen))
    return Tally.of(trials, failed, **{trial.success_name: success})


def tallied(trial: TimeTrial, rng: np.random.Generator, trials: int) -> Tally:
    """Many trials, simulated and analysed: success, events, duration, bias of Cox's log hazard ratio.

    Duration is the calendar time until the last patient's watch ends, of known times only: with an uncertain hazard
    its mean may be infinite. The bias is taken over the trials in which Cox's estimate is finite.
    """
    seen, entry, _ = watched(trial, rng, trials)
    sets = sets_of(trial, seen)
    success, failed = judged(trial, seen, sets)
    arrays: dict[str, BoolArray | FloatArray] = {
        trial.success_name: success,
        "expected_events": seen.happened.sum(axis=1).astype(float),
    }
    if trial.laws:
        arrays["expected_duration"] = (entry + seen.time).max(axis=1)
    if sets is not None and trial.log_hazard_ratio is not None:
        arrays[BIAS] = cox_log_hazard_ratio(sets) - trial.log_hazard_ratio
    return Tally.of(trials, failed, **arrays)


def sets_of(trial: TimeTrial, seen: Times) -> RiskSets | None:
    """Risk sets of two arms; None in one."""
    on_treatment = np.arange(seen.time.shape[1]) < trial.sizes[0]
    return risk_sets(seen.time, seen.happened, on_treatment) if len(trial.sizes) == 2 else None


def judged(trial: TimeTrial, seen: Times, sets: RiskSets | None) -> tuple[BoolArray, int]:
    """Which trials succeed, shape (m,), and how many have a posterior that was not found: no success."""
    if isinstance(trial.rule, LogRank):
        assert sets is not None
        return trial.rule.successes(sets, trial.design.event), 0
    first = trial.sizes[0]
    parts = [slice(None, first), slice(first, None)][: len(trial.sizes)]
    data = tuple(Times(seen.time[:, part], seen.happened[:, part]) for part in parts)
    probability = trial.rule.probability(data, trial.design.event)
    return np.asarray(probability > trial.rule.certainty), int(np.isnan(probability).sum())


def expected_events(trial: TimeTrial) -> float:
    """Mean number of events that the trial sees, under known times; by closed form or integral."""
    chances = [event_probability(law, trial.design.watch) for law in trial.laws]
    return math.fsum(n * p for n, p in zip(trial.sizes, chances, strict=True))


def expected_duration(trial: TimeTrial) -> float:
    """Mean time until the last patient's event, where everyone is followed to it and enters at once.

    The integral of 1 - P(all have had it by then); for n exponential times it is (1 + 1/2 + ... + 1/n) / hazard.
    """
    last = max(
        law.scale * (NEVER + math.log(n)) ** (1 / law.shape) for law, n in zip(trial.laws, trial.sizes, strict=True)
    )

    def waiting(at: FloatArray) -> FloatArray:
        logs = [n * np.log1p(-law.survival(at)) for law, n in zip(trial.laws, trial.sizes, strict=True)]
        return np.asarray(-np.expm1(np.sum(logs, axis=0)))

    return integral(waiting, np.linspace(0.0, last, 33))


def enumerable(trial: TimeTrial) -> bool:
    """Whether the chance of success is an exact sum: no censoring, exponential times, an exponential analysis."""
    if isinstance(trial.rule, LogRank) or trial.rule.shape_prior is not None:
        return False
    constant = all(law.shape == 1 for law in trial.laws)
    return trial.design.until_event and trial.design.drop_out is None and constant


class TotalTime(NamedTuple):
    """Total time of n patients followed to an exponential event, under a known hazard or a Gamma prior of it."""

    n: int
    hazard: float | None
    prior: Gamma | None

    def below(self, total: FloatArray) -> FloatArray:
        """P(total time < total): a Gamma, or with an uncertain hazard a scaled ratio of Gammas."""
        at = np.maximum(total, 0.0)
        if self.prior is None:
            assert self.hazard is not None
            return np.asarray(gammainc(self.n, self.hazard * at))
        return np.asarray(betaincc(self.prior.shape, self.n, self.prior.rate / (self.prior.rate + at)))

    def above(self, total: FloatArray) -> FloatArray:
        """P(total time > total)."""
        at = np.maximum(total, 0.0)
        if self.prior is None:
            assert self.hazard is not None
            return np.asarray(gammaincc(self.n, self.hazard * at))
        return np.asarray(betainc(self.prior.shape, self.n, self.prior.rate / (self.prior.rate + at)))

    def both_quantiles(self, p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The totals with p in (0, 1) below, and with p above; infinite where a vague prior leaves the floats."""
        if self.prior is None:
            assert self.hazard is not None
            return np.asarray(gammaincinv(self.n, p) / self.hazard), np.asarray(gammainccinv(self.n, p) / self.hazard)
        low, high = betaincinv(self.n, self.prior.shape, p), betaincinv(self.prior.shape, self.n, p)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(self.prior.rate * low / (1 - low)), np.asarray(self.prior.rate * ((1 - high) / high))


def total_times(trial: TimeTrial) -> tuple[TotalTime, ...]:
    """The law of each arm's total time, treatment first; exponential times, nobody censored."""
    if isinstance(trial.truth, UncertainHazard):
        return tuple(TotalTime(n, None, g) for n, g in zip(trial.sizes, trial.truth.gammas(), strict=True))
    return tuple(TotalTime(n, 1 / law.scale, None) for n, law in zip(trial.sizes, trial.laws, strict=True))


def boundary(trial: TimeTrial) -> float:
    """One arm: the total time below which (response) or above which (flare) the trial succeeds; may be negative."""
    rule, n = trial.rule, trial.sizes[0]
    assert isinstance(rule, PosteriorMedian)
    prior = rule.analysis_prior.gammas()[0]
    solve = gammainccinv if trial.design.event == "response" else gammaincinv
    return float(solve(prior.shape + n, rule.certainty)) * rule.benchmark / math.log(2) - prior.rate


def exact_success(trial: TimeTrial) -> float:
    """Chance of success of an ``enumerable`` trial: a Gamma or Beta probability, with two arms an integral of one.

    One arm succeeds on one side of a total time. Two arms succeed where (prior + total time on treatment) lies on one
    side of a multiple of the same on control, the multiple being a Beta quantile.
    Source: Johnson, Kotz & Balakrishnan (1995), Continuous Univariate Distributions vol. 2, section 25.2.
    """
    rule, early = trial.rule, trial.design.event == "response"
    totals = total_times(trial)
    if isinstance(rule, PosteriorMedian):
        limit = np.array(boundary(trial))
        return float(totals[0].below(limit) if early else totals[0].above(limit))
    assert isinstance(rule, PosteriorHazardRatio)
    prior_t, prior_c = rule.analysis_prior.gammas()
    shapes = prior_t.shape + trial.sizes[0], prior_c.shape + trial.control
    share = float(betaincinv(*shapes, 1 - rule.certainty if early else rule.certainty))
    multiple = share / (1 - share)

    chance = totals[0].below if early else totals[0].above

    def succeeds(level: FloatArray) -> FloatArray:
        ends = totals[1].both_quantiles(level)
        return np.asarray(sum(chance(multiple * (prior_c.rate + total) - prior_t.rate) for total in ends))

    return integral(succeeds, np.linspace(0.0, 0.5, 5), least=1e-4)  # to 1e-16, however rare a success is


class Told(NamedTuple):
    """What a total time would tell of the median, in one arm."""

    total: float
    median: float
    lower: float
    upper: float
    """Posterior median, and central 95 % interval."""
    certainty: float
    """P(median on the good side of the benchmark | data)."""


def told(trial: TimeTrial, total: float) -> Told:
    """The posterior of the median after n events in so much time; exponential analysis of one arm."""
    rule = trial.rule
    assert isinstance(rule, PosteriorMedian)
    prior = rule.analysis_prior.gammas()[0]
    events, time = prior.shape + trial.sizes[0], prior.rate + total
    median, lower, upper = (math.log(2) * time / float(gammaincinv(events, p)) for p in (0.5, 0.975, 0.025))
    at = math.log(2) * time / rule.benchmark
    good = gammaincc(events, at) if trial.design.event == "response" else gammainc(events, at)
    return Told(total, median, lower, upper, float(good))


def predicted_survival(law: Weibull | Gamma, times: FloatArray) -> FloatArray:
    """Share without the event by each time: of a known time, or averaged over a Gamma prior of its hazard."""
    if isinstance(law, Weibull):
        return law.survival(times)
    return np.asarray((law.rate / (law.rate + times)) ** law.shape)
