"""A prior beside a planned number of patients: what it predicts, what would surprise it, what is left of history."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from anatrial.domain.mixture import BetaMixture, BetaPart, shapes_of
from anatrial.domain.prior import Prior
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.spec import MAX_N

Measure = Literal["moment", "morita", "elir", "elir_log_odds"]
MEASURES: tuple[Measure, ...] = ("moment", "morita", "elir", "elir_log_odds")
Curve = tuple[tuple[float, float], ...]
"""Points (rate, density)."""
EXTREME = 0.025
"""Counts are surprising where they, and all beyond them, have less than this probability."""
TIE = 1e-12  # a probability of 0.025 itself is not below it, whatever rounding says
RESULTS = 8
MOST_WEIGHT = 0.9
Variation = Literal[
    "this recipe", "half the weight", "twice the weight", "centred on history", "half the size", "twice the size"
]


class Strength(NamedTuple):
    """How many patients a prior is worth by one measure; None with the reason where that does not exist."""

    measure: Measure
    value: float | None
    why_not: str


class Summary(NamedTuple):
    """A mixture in numbers: mean, standard deviation, 95 % interval, moment effective n."""

    mean: float
    sd: float
    lower: float
    upper: float
    effective_n: float


class Predicted(NamedTuple):
    """Responders among the next n patients: mean, median, central 95 % interval, and the probability of each count.

    At most ``surprising_low`` responders, or at least ``surprising_high``, each has probability below 0.025; None
    where no count is so unlikely.
    """

    n: int
    mean: float
    median: int
    lower: int
    upper: int
    surprising_low: int | None
    surprising_high: int | None
    probabilities: tuple[float, ...]


class AfterResult(NamedTuple):
    """The prior after x responders: weight of each part, of history (None without a robust part), and the rate."""

    x: int
    weights: tuple[float, ...]
    history: float | None
    mean: float
    lower: float
    upper: float


class RobustRow(NamedTuple):
    """The prior with another robust part: its strength and how it takes two results.

    ``history_expected`` and ``history_surprising`` are the weights of history after those counts, ``mean_surprising``
    the mean rate after the second; None where there is no such count. Where the part cannot be made, all are None and
    ``why_not`` says why.
    """

    what: Variation
    part: BetaPart | None
    effective_n: float | None
    elir: float | None
    history_expected: float | None
    history_surprising: float | None
    mean_surprising: float | None
    why_not: str


@dataclass(frozen=True, slots=True)
class RobustAdvice:
    """Weight, mean and size of a robust part act together: the recipe's beside others, for a planned n.

    ``expected`` is the median count that history alone predicts, ``surprising`` the first count above that would
    surprise history (the first below where none above does; None where none does).

    Source: Schmidli et al. (2014), Biometrics 70:1023-1032.
    """

    expected: int
    surprising: int | None
    rows: tuple[RobustRow, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """A prior beside n patients; ``ratios`` are its strengths over n, ``robust`` None without a robust part."""

    n: int
    ratios: tuple[tuple[Measure, float | None], ...]
    results: tuple[AfterResult, ...]
    robust: RobustAdvice | None


@dataclass(frozen=True, slots=True)
class Update:
    """A prior before and after a result; ``likelihood`` is scaled to hold an area of 1."""

    x: int
    n: int
    prior: Curve
    likelihood: Curve
    posterior: Curve
    before: Summary
    after: Summary
    history: tuple[float, float] | None
    """Weight of history before and after; None without a robust part."""


def checked_size(n: int, where: str = "--n") -> int:
    """``n`` itself, if it is a number of patients that can be enumerated; else ``InputError``."""
    if not 1 <= n <= MAX_N:
        raise InputError(Fault(where, str(n), f"1 to {MAX_N:,} patients", f"{where} 24"))
    return n


def summarised(mixture: BetaMixture) -> Summary:
    """Mean, standard deviation, interval and effective n."""
    return Summary(mixture.mean, mixture.sd, *mixture.interval(), mixture.effective_n)


def strengths(mixture: BetaMixture) -> tuple[Strength, ...]:
    """What the mixture is worth in patients by every measure; 'elir' is on the scale of rates."""
    return tuple(strength(mixture, measure) for measure in MEASURES)


def strength(mixture: BetaMixture, measure: Measure) -> Strength:
    """What the mixture is worth in patients by one measure."""
    if measure == "moment":
        return Strength(measure, mixture.effective_n, "")
    try:
        value: float | None = getattr(mixture, measure)
        why_not = mixture.why_no(measure)
    except ComputationError as error:
        value, why_not = None, str(error)
    return Strength(measure, value, why_not)


def predicted(mixture: BetaMixture, n: int) -> Predicted:
    """The prior predictive among n patients with its surprising counts."""
    chances = mixture.predictive(n)
    median, low, high = (mixture.predicted_quantile(p, n) for p in (0.5, EXTREME, 1 - EXTREME))
    few = np.flatnonzero(np.cumsum(chances) < EXTREME - TIE)
    many = np.flatnonzero(np.cumsum(chances[::-1])[::-1] < EXTREME - TIE)
    return Predicted(
        n=n,
        mean=n * mixture.mean,
        median=median,
        lower=low,
        upper=high,
        surprising_low=int(few[-1]) if few.size else None,
        surprising_high=int(many[0]) if many.size else None,
        probabilities=tuple(chances.tolist()),
    )


def beside(prior: Prior, n: int) -> Beside:
    """The prior beside n planned patients."""
    counts = sorted({round(k * n / (RESULTS - 1)) for k in range(RESULTS)})
    return Beside(
        n=n,
        ratios=tuple((m, value / n if value is not None else None) for m, value, _ in strengths(prior.mixture)),
        results=tuple(_after(prior, x, n) for x in counts),
        robust=_advice(prior, n) if _is_robust(prior) else None,
    )


def update(prior: Prior, x: int, n: int) -> Update:
    """The prior before and after x responders of n; ``InputError`` where x is not a count of n."""
    checked_size(n, "--result, patients")
    after = prior.mixture.updated(x, n)
    seen = BetaMixture.beta(x + 1, n - x + 1)
    at = rates_for(prior.mixture, seen, after)
    kept = (_history(prior, prior.mixture), _history(prior, after)) if _is_robust(prior) else None
    return Update(
        x=x,
        n=n,
        prior=curve(prior.mixture, at),
        likelihood=curve(seen, at),
        posterior=curve(after, at),
        before=summarised(prior.mixture),
        after=summarised(after),
        history=kept,
    )


def rates_for(*mixtures: BetaMixture) -> tuple[float, ...]:
    """Rates at which the mixtures can be drawn: an even grid, and a finer one over each part."""
    grids = [np.arange(1, 400) / 400]
    for _, a, b in (part for mixture in mixtures for part in mixture.parts if part.weight > 0):
        mean = a / (a + b)
        grids.append(mean + 6 * math.sqrt(mean * (1 - mean) / (a + b + 1)) * np.linspace(-1, 1, 121))
    every = np.unique(np.concatenate(grids))
    return tuple(every[(every >= 1 / 400) & (every <= 399 / 400)].tolist())


def curve(mixture: BetaMixture, rates: tuple[float, ...]) -> Curve:
    """The density at these rates."""
    return tuple((rate, mixture.density(rate)) for rate in rates)


def _is_robust(prior: Prior) -> bool:
    return len(prior.mixture.parts) > len(prior.informative.parts)


def _history(prior: Prior, mixture: BetaMixture) -> float:
    """Weight of the parts that are not the robust one."""
    return math.fsum(part.weight for part in mixture.parts[: len(prior.informative.parts)])


def _after(prior: Prior, x: int, n: int) -> AfterResult:
    after = prior.mixture.updated(x, n)
    history = _history(prior, after) if _is_robust(prior) else None
    return AfterResult(x, tuple(part.weight for part in after.parts), history, after.mean, *after.interval())


def _advice(prior: Prior, n: int) -> RobustAdvice:
    expects = predicted(prior.informative, n)
    surprising = expects.surprising_high if expects.surprising_high is not None else expects.surprising_low
    robust = prior.mixture.parts[-1]
    mean, size = robust.a / (robust.a + robust.b), robust.a + robust.b
    tried: list[tuple[Variation, float, float, float]] = [
        ("this recipe", robust.weight, mean, size),
        ("half the weight", robust.weight / 2, mean, size),
        ("twice the weight", min(2 * robust.weight, MOST_WEIGHT), mean, size),
        ("centred on history", robust.weight, prior.informative.mean, size),
        ("half the size", robust.weight, mean, size / 2),
        ("twice the size", robust.weight, mean, 2 * size),
    ]
    if robust.weight >= MOST_WEIGHT:
        del tried[2]
    rows = (_row(prior, n, (expects.median, surprising), variation) for variation in tried)
    return RobustAdvice(expects.median, surprising, tuple(rows))


def _row(
    prior: Prior, n: int, counts: tuple[int, int | None], variation: tuple[Variation, float, float, float]
) -> RobustRow:
    what, weight, mean, size = variation
    try:
        part = BetaPart(weight, *shapes_of(mean, size))
    except ValueError as error:
        got, _, needed = str(error).partition(" | ")
        return RobustRow(what, None, None, None, None, None, None, f"{got}: not possible, {needed} are needed")
    mixture = prior.informative.robustified(part)
    expected, surprising = counts
    doubted = mixture.updated(surprising, n) if surprising is not None else None
    return RobustRow(
        what=what,
        part=part,
        effective_n=mixture.effective_n,
        elir=strength(mixture, "elir").value,
        history_expected=_history(prior, mixture.updated(expected, n)),
        history_surprising=_history(prior, doubted) if doubted else None,
        mean_surprising=doubted.mean if doubted else None,
        why_not="",
    )
