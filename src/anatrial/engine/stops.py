"""Where a trial with looks ends under one truth: probabilities of each stop, patients, and the estimates there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Literal

import numpy as np

from anatrial.domain.counts import Look, Region
from anatrial.domain.results import Metric, Stop, exactly
from anatrial.engine.course import Course
from anatrial.engine.estimators import at_each_stop
from anatrial.numerics import FloatArray
from anatrial.numerics.looks import carried
from anatrial.truths.base import Law
from anatrial.truths.points import Points

RARE = 1e-9  # below it a mean among the trials that end at a look is rounding
TIE = 1e-12  # a share of trials is reached however the sum was rounded

Decision = Literal["success", "futility"]
Laws = Callable[[Look], Law]
"""The law of the counts at each look under one truth, a single row per arm."""


def stops(course: Course, laws: Laws) -> tuple[Stop, ...]:
    """What happens at each look; at the last one nothing stops for futility any more."""
    found = []
    for regions, weight in zip(course.regions, course.reached, strict=True):
        law, none = laws(regions.look), Region(regions.look, ())
        last = regions.look == course.look
        futility, overlap = (none, none) if last else (regions.futility or none, regions.overlap or none)
        decisions = (regions.success, futility, regions.harm, overlap)
        decided = (_chance(weight * region.grid, law) for region in decisions)
        found.append(Stop(regions.look, _chance(weight, law), *decided))
    return tuple(found)


def error_spent(course: Course, laws: Laws) -> tuple[float, ...]:
    """P(success or harm by a look), per look, as type I error counts it: without futility that does not bind."""
    spent = (
        _chance(weight * wins, laws(look))
        for look, weight, wins in zip(course.looks, course.reached_for_error, course.errors, strict=True)
    )
    return tuple(accumulate(spent))


def stops_of_rates(course: Course, truth: Points) -> tuple[Stop, ...]:
    """The same, with what the pipeline takes back and how the observed effect errs among trials that end at a look."""
    found = []
    seen = zip(stops(course, truth.law), at_each_stop(truth, course), strict=True)
    for index, (stop, (won, other)) in enumerate(seen):
        ends = won.probability + other.probability
        found.append(
            stop._replace(
                success_turned=_turned(course, index, "success", truth.law),
                futility_turned=_turned(course, index, "futility", truth.law),
                bias_success=_mean(won.bias, won.probability),
                bias_otherwise=_mean(other.bias, other.probability),
                coverage=_mean(won.coverage + other.coverage, ends),
            )
        )
    return tuple(found)


def turning(course: Course, index: int, decision: Decision) -> FloatArray | None:
    """P(the decision at a look | counts with the pipeline) on the tables that no longer say so, else 0.

    None where nobody waits, or the look never decides so.
    """
    now, again = getattr(course.regions[index], decision), course.again[index]
    if again is None or now is None or not now.runs:
        return None
    still: Region | None = getattr(again, decision)
    before = carried(course.reached[index] * now.grid, now.look, again.look)
    kept = np.zeros(before.shape, dtype=np.bool_) if still is None else still.grid
    if decision == "futility" and again.look == course.look:  # at the end what is no success has failed
        kept = kept | ~again.success.grid
    return np.where(kept, 0.0, before)


def _turned(course: Course, index: int, decision: Decision, laws: Laws) -> float | None:
    lost, again = turning(course, index, decision), course.again[index]
    return None if lost is None or again is None else _chance(lost, laws(again.look))


def _mean(total: float, probability: float) -> float | None:
    """The mean among trials of this probability; None where it would be rounding."""
    return total / probability if probability > RARE else None


def patients(course: Course, laws: Laws) -> tuple[Metric, ...]:
    """Mean, median and 90th percentile of the patients recruited by the end, those in the pipeline included."""
    totals = [sum(look) + sum(more) for look, more in zip(course.looks, course.waiting, strict=True)]
    ends = _endings(course, laws)
    mean = sum(n * p for n, p in zip(totals, ends, strict=True))
    below = np.cumsum(ends)
    median, most = (totals[int(np.searchsorted(below, share - TIE))] for share in (0.5, 0.9))
    return (
        Metric("expected_n", exactly(mean)),
        Metric("median_n", exactly(float(median))),
        Metric("n_90", exactly(float(most))),
    )


def observed_patients(course: Course, laws: Laws) -> tuple[float, float]:
    """Mean number of patients per arm whose result is seen at the look that ends the trial."""
    ends = _endings(course, laws)
    n_t, n_c = (sum(p * look[arm] for p, look in zip(ends, course.looks, strict=True)) for arm in (0, 1))
    return n_t, n_c


def _endings(course: Course, laws: Laws) -> list[float]:
    """Probability that the trial ends at each look; they sum to 1."""
    return [_chance(ends, laws(look)) for look, ends in zip(course.looks, course.ends, strict=True)]


def _chance(values: FloatArray, law: Law) -> float:
    return float(min(law.treatment[0] @ values @ law.control[0], 1.0))
