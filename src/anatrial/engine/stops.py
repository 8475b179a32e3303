"""Where a trial with looks ends under one truth: probabilities of each stop, patients, and the estimates there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

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

Laws = Callable[[Look], Law]
"""The law of the counts at each look under one truth, a single row per arm."""


def stops(course: Course, laws: Laws) -> tuple[Stop, ...]:
    """What happens at each look; at the last one nothing stops for futility any more."""
    found = []
    for regions, weight in zip(course.regions, course.reached, strict=True):
        law, none = laws(regions.look), Region(regions.look, ())
        futility = none if regions.futility is None or regions.look == course.look else regions.futility
        decided = (_chance(weight * region.grid, law) for region in (regions.success, futility, regions.harm))
        found.append(Stop(regions.look, _chance(weight, law), *decided))
    return tuple(found)


def error_spent(course: Course, laws: Laws) -> tuple[float, ...]:
    """P(success or harm by a look), per look, as type I error counts it: without futility that does not bind."""
    spent = (
        _chance(weight * (regions.success.grid | regions.harm.grid), laws(regions.look))
        for regions, weight in zip(course.regions, course.reached_for_error, strict=True)
    )
    return tuple(accumulate(spent))


def stops_of_rates(course: Course, truth: Points) -> tuple[Stop, ...]:
    """The same, with what the pipeline takes back and how the observed effect errs among trials that end at a look."""
    found = []
    for index, (stop, seen) in enumerate(zip(stops(course, truth.law), at_each_stop(truth, course), strict=True)):
        again = course.again[index]
        turned = None if again is None else _chance(turning(course, index, again), truth.law(again.look))
        known = seen.probability > RARE
        bias, coverage = (seen.bias / seen.probability, seen.coverage / seen.probability) if known else (None, None)
        found.append(stop._replace(turned=turned, bias=bias, coverage=coverage))
    return tuple(found)


def turning(course: Course, index: int, again: Region) -> FloatArray:
    """P(success at a look | counts with the pipeline) on the tables that are no success any more, else 0."""
    now = course.regions[index]
    success = carried(course.reached[index] * now.success.grid, now.look, again.look)
    return np.where(again.grid, 0.0, success)


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
