"""Rows of the suite ``designs`` on trials with looks, against a million trials drawn with numpy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from tests.benchmarks.measure import Row, cpu

from anatrial.domain.counts import Look, Regions
from anatrial.engine.course import Course, crossed
from anatrial.engine.stops import stops
from anatrial.numerics.binomial import binomial
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.z_bounds import FutilityZ, OBrienFleming
from anatrial.truths.base import ArmRates, Law
from anatrial.truths.points import Points

LOOKS = tuple(Look(n, n) for n in (40, 80, 120, 160, 200))
TRUTH = Points(kind="points", rates=ArmRates(treatment=0.45, control=0.30))
TRIALS = 1_000_000


def looks_rows() -> Iterator[Row]:
    """Five looks of 200 per arm: one truth against simulation, then ten thousand truths against one."""
    rule = GroupSequential(
        kind="group_sequential",
        alpha=0.025,
        efficacy=OBrienFleming(family="obrien_fleming"),
        futility=FutilityZ(family="z", bounds=(0.0, 0.2, 0.4, 0.6)),
    )
    regions = rule.regions(LOOKS)

    def course() -> Course:
        nobody = (Look(0, 0),) * len(LOOKS)
        return Course(regions, binding=False, waiting=nobody, again=(None,) * len(LOOKS))

    def one_truth() -> float:
        return sum(stop.success for stop in stops(course(), TRUTH.law))

    def many_truths() -> float:
        fresh, rates = course(), np.linspace(0.05, 0.95, 100)
        return float(crossed(fresh.success, Law(binomial(200, rates), binomial(200, rates))).max())

    exact, many, drawn = cpu(one_truth, many_truths, lambda: simulated(regions), repetitions=3)
    whole = course()
    ends = sum(
        float(TRUTH.law(k).treatment[0] @ e @ TRUTH.law(k).control[0]) for k, e in zip(LOOKS, whole.ends, strict=True)
    )
    error = abs(one_truth() - simulated(regions))
    accuracy = f"sum of all ends {ends - 1:+.0e}; simulation off by {error:.1e}"
    yield Row("five looks, 200 per arm, one truth v 1e6 trials", exact, drawn, drawn / exact, ">= 100", accuracy)
    yield Row("the same: 10,000 truths v one", many, exact, many / exact, "<= 5")


def simulated(regions: tuple[Regions, ...]) -> float:
    """The share of a million trials that succeed."""
    random = np.random.default_rng(1)
    x_t = x_c = np.zeros(TRIALS, dtype=np.int64)
    going, won = np.ones(TRIALS, dtype=np.bool_), 0
    for (before, look), here in zip(pairwise((Look(0, 0), *LOOKS)), regions, strict=True):
        x_t = x_t + random.binomial(look.n_t - before.n_t, 0.45, TRIALS)
        x_c = x_c + random.binomial(look.n_c - before.n_c, 0.30, TRIALS)
        success = going & here.success.grid[x_t, x_c]
        won += int(success.sum())
        going &= ~success
        if here.futility is not None:
            going &= ~here.futility.grid[x_t, x_c]
    return won / TRIALS
