"""What a run computes: numbers with their bounds, verdicts, and everything beside them. Values only, no formatting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from anatrial.domain.counts import Look, Regions
from anatrial.domain.prior import Prior

if TYPE_CHECKING:
    from anatrial.domain.trial import StatedEstimand, Table
    from anatrial.numerics.two_stage_inference import Inference, Stages

Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Bound = Literal["at_least", "at_most"]
ROUNDING = 1e-12  # a sum over tables is that exact


class Estimate(NamedTuple):
    """A number that lies between ``lower`` and ``upper``; Monte Carlo error and draws are None where it is exact."""

    value: float
    lower: float
    upper: float
    mcse: float | None = None
    draws: int | None = None


def exactly(value: float) -> Estimate:
    """An enumerated number: its bounds are itself."""
    return Estimate(value, value, value)


class Metric(NamedTuple):
    """A named number of a truth, and the control rate at which it is taken where there is a worst one."""

    name: str
    estimate: Estimate
    at: float | None = None


class Curve(NamedTuple):
    """A quantity along rates."""

    name: str
    rates: tuple[float, ...]
    values: tuple[float, ...]


class GridTable(NamedTuple):
    """Success (and harm) probabilities, one row per treatment rate, one column per control rate."""

    treatment: tuple[float, ...]
    control: tuple[float, ...]
    success: tuple[tuple[float, ...], ...]
    harm: tuple[tuple[float, ...], ...]


class Stop(NamedTuple):
    """One look of a trial under one truth: the probability to get there, and of each decision there.

    At the last look what is no success or harm has failed. ``overlap``: success and futility are both met.
    ``..._turned``: the decision is made and the patients in the pipeline take it back. ``bias_...``: of the observed
    effect among trials that end here with success, and otherwise; ``coverage`` of its 95 % interval among both. None
    where not defined.
    """

    look: Look
    reached: float
    success: float
    futility: float
    harm: float
    overlap: float
    success_turned: float | None = None
    futility_turned: float | None = None
    bias_success: float | None = None
    bias_otherwise: float | None = None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """What happens under one truth."""

    truth: str
    kind: str
    metrics: tuple[Metric, ...]
    curves: tuple[Curve, ...] = ()
    table: GridTable | None = None
    stops: tuple[Stop, ...] = ()
    """Per look of a trial that may stop early; under no effect at the worst rate of the stated range."""
    spent: tuple[float, ...] = ()
    """Under no effect: type I error up to each look at that rate, without futility that does not bind."""

    def metric(self, name: str) -> Metric:
        """The metric of this name; ``KeyError`` if this truth has none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Whether this truth has a metric of this name."""
        return any(metric.name == name for metric in self.metrics)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a target holds."""

    outcome: Outcome
    metric: str
    truth: str
    estimate: Estimate
    bound: Bound
    threshold: float
    at: float | None = None


def judged(estimate: Estimate, bound: Bound, threshold: float) -> Outcome:
    """PASS where both bounds are on the right side, FAIL where neither is, INCONCLUSIVE where they straddle it.

    At the threshold itself a target holds, however the sum was rounded.
    """
    if bound == "at_least":
        good, bad = estimate.lower >= threshold - ROUNDING, estimate.upper < threshold - ROUNDING
    else:
        good, bad = estimate.upper <= threshold + ROUNDING, estimate.lower > threshold + ROUNDING
    return "PASS" if good else "FAIL" if bad else "INCONCLUSIVE"


class Alternative(NamedTuple):
    """The same trial judged with another analysis prior or certainty."""

    label: str
    certainty: float
    power: float | None
    type1: Estimate | None


class Breach(NamedTuple):
    """Where a promised type I error breaks."""

    truth: str
    promised: float
    inside: bool
    """Whether it is passed within the stated range already; then ``above`` and ``below`` are not looked for."""
    above: float | None
    """Least rate above the stated range at which it is passed."""
    below: float | None
    """Largest rate below the stated range at which it is passed."""
    peak: Estimate
    peak_at: float


class KeptWeight(NamedTuple):
    """Posterior weight of the informative parts of the control prior after ``x`` responders."""

    x: int
    weight: float


@dataclass(frozen=True, slots=True)
class Borrowing:
    """What an informative analysis prior does, and where its promise breaks."""

    arms: tuple[str, ...]
    rows: tuple[Alternative, ...]
    without_study: tuple[Alternative, ...]
    kept: tuple[KeptWeight, ...]
    """Empty where the prior does not tell history from its robust part."""
    prior_weight: float | None
    predicted: tuple[int, int, int] | None
    """Control responders that the prior expects in this trial: median and central 95 % interval."""


class ZBound(NamedTuple):
    """A look of a group-sequential z test: share of information, bounds, one-sided level, errors spent by then.

    Errors in normal theory: ``spent`` of type I, ``beta`` of type II by stops for futility. None without such a bound.
    """

    information: float
    efficacy: float | None
    level: float | None
    futility: float | None
    spent: float
    beta: float | None
    trend: float | None
    """At the futility bound: the chance to reach the last efficacy bound if the trend goes on (conditional power)."""
    predicted: float | None
    """The same averaged over the effect, with a flat prior (predictive power)."""


class Inflation(NamedTuple):
    """Most patients over those of one analysis of this power, in normal theory."""

    factor: float
    power: float


@dataclass(frozen=True, slots=True)
class PlannedLook:
    """One look of a trial with several: what is decided there."""

    look: Look
    waiting: Look
    """Patients in the pipeline: recruited, without a result yet."""
    regions: Regions
    success_turns: bool | None
    """Whether patients in the pipeline could turn a success around; None where nobody waits or nothing succeeds."""
    futility_turns: bool | None
    """The same for a stop for futility."""
    bound: ZBound | None


@dataclass(frozen=True, slots=True)
class AfterTwoStage:
    """What each possible final result tells of the rate, the chance to stop early being accounted for."""

    stages: Stages
    success: int
    """Responders with which the trial succeeds."""
    null_rate: float
    level: float
    results: tuple[Inference, ...]


class ByTruth:
    """One run, whatever the trial: what happens under each truth."""

    __slots__ = ()
    characteristics: tuple[OperatingCharacteristics, ...]

    def of(self, truth: str) -> OperatingCharacteristics:
        """What happens under the truth of this name; ``KeyError`` if there is none."""
        for found in self.characteristics:
            if found.truth == truth:
                return found
        raise KeyError(truth)


@dataclass(frozen=True, slots=True)
class Evaluation(ByTruth):
    """One run: what was planned, what would happen, and whether every target holds."""

    scenario: str
    title: str
    estimand: StatedEstimand | None
    look: Look
    """The last look."""
    regions: Regions
    """What is decided at the last look."""
    looks: tuple[PlannedLook, ...]
    """Every look of a trial that may stop early; empty with one analysis."""
    inflation: Inflation | None
    """None without z bounds."""
    after: AfterTwoStage | None
    """Of a single arm that may stop at its first of two looks for futility; None for any other trial."""
    characteristics: tuple[OperatingCharacteristics, ...]
    verdicts: tuple[Verdict, ...]
    breaches: tuple[Breach, ...]
    borrowing: Borrowing | None
    tables: tuple[Table, ...]
    """What further sections of the file tell."""
    priors: tuple[tuple[str, Prior], ...]
    """Where the file uses a prior, and the prior."""
    notes: tuple[str, ...]
    scenario_digest: str
    tool_version: str


class SizePoint(NamedTuple):
    """One sample size: per target the estimate and its verdict, in the order of the targets."""

    n: int
    look: Look
    estimates: tuple[Estimate, ...]
    outcomes: tuple[Outcome, ...]


class SizeAnswer(NamedTuple):
    """The sample sizes that meet one target, or all of them jointly."""

    label: str
    first_n: int | None
    safe_n: int | None
    """Least n from which every larger n up to the end of the range holds; None where the range ends too soon to say."""
    holds_from: int | None
    """Least n from which the end of the range is held, whether or not the range goes far enough to call it safe."""
    meets: tuple[int, ...]


def answered(label: str, wanted: Sequence[int], holds: Sequence[bool]) -> SizeAnswer:
    """``first_n`` meets it; ``safe_n`` and every later size do, with at least max(20, 10 %) sizes to show it."""
    met = tuple(n for n, good in zip(wanted, holds, strict=True) if good)
    failing = [n for n, good in zip(wanted, holds, strict=True) if not good]
    lasting = tuple(n for n in met if not failing or n > failing[-1])
    from_here = lasting[0] if lasting else None
    safe = from_here if from_here is not None and wanted[-1] - from_here >= max(20, 0.1 * from_here) else None
    return SizeAnswer(label, met[0] if met else None, safe, from_here, met)


class SizeTarget(NamedTuple):
    """A target as a size search judges it."""

    said: str
    metric: str
    truth: str
    bound: Bound
    threshold: float


class NormalSize(NamedTuple):
    """Patients per arm by normal theory, unrounded, inflated by ``factor`` for looks."""

    target: str
    power: float
    treatment: float
    control: float
    factor: float


class Skipped(NamedTuple):
    """A size that was not judged, and why."""

    n: int
    why: str


@dataclass(frozen=True, slots=True)
class SizeSearch:
    """Every size of a range, judged."""

    scenario: str
    title: str
    targets: tuple[SizeTarget, ...]
    points: tuple[SizePoint, ...]
    skipped: tuple[Skipped, ...]
    answers: tuple[SizeAnswer, ...]
    """All targets jointly first, then each alone."""
    normal: tuple[NormalSize, ...]
    """For comparison, of tests in two arms: what normal theory says of each power target."""
    last_n: int
    scenario_digest: str
    tool_version: str
