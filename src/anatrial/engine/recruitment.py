"""What a trial is worth when patients may come too slowly: its numbers averaged over how many are recruited in time.

How many patients come and how they respond are independent, so every number is a sum over the number recruited by the
limit: exact, but for numbers of patients that are next to impossible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import NamedTuple

import numpy as np

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.recruitment import Recruitment
from anatrial.domain.counts import Look, Regions
from anatrial.engine.course import Course, paired
from anatrial.engine.stops import stops
from anatrial.numerics import FloatArray
from anatrial.numerics.recruitment import mean_time, reached, recruited, time_quantile
from anatrial.rules import AnyRule
from anatrial.truths.base import Law

IMPOSSIBLE = 1e-13  # numbers of patients less probable than this are not judged: 2e-10 of any number in all
TIE = 1e-12  # a share is reached however the sum was rounded
Laws = Callable[[Look], Law]
"""The law of the counts at each look under one truth, a single row per arm."""


class Milestone(NamedTuple):
    """When the patients of a look are recruited: the chance by the limit, the median and later months."""

    look: Look
    reached: float
    median: float
    late: float
    """The month by which it is reached with probability 0.9."""
    mean: float
    """Mean month at which this many are recruited or recruitment ends, whichever comes first."""


class Month(NamedTuple):
    """Patients recruited by a month: mean, the ends of the central 80 %, and the chance that all are there."""

    month: float
    mean: float
    low: int
    high: int
    reached: float


class Split(NamedTuple):
    """Patients per arm among those recruited so far, and the chance of this split."""

    look: Look
    chance: float


@dataclass(frozen=True)
class Recruited:
    """A trial that ends with full numbers, or with what is there at the limit.

    ``regions`` gives what the rule decides at some totals of a trial with one analysis.
    """

    recruitment: Recruitment
    looks: tuple[Look, ...]
    chances: FloatArray
    """Probability of 0..N patients by the limit, shape (N + 1,)."""
    regions: Callable[[Look], Regions]
    block: ArmSizes | None = None
    """Patients per arm in a permuted block."""

    @property
    def planned(self) -> Look:
        """Patients per arm at the end."""
        return self.looks[-1]

    def analysed(self, look: Look) -> bool:
        """Whether every arm of the trial has a patient."""
        return look.n_t > 0 and (look.n_c > 0) == (self.planned.n_c > 0)

    def power_at(self, n: int, laws: Laws) -> float:
        """P(success) of a trial with one analysis that must stop at ``n`` patients; 0 where it is given up."""
        if n < (self.recruitment.analyse_from or 1):
            return 0.0
        found = 0.0
        for look, chance in splits(self.block, self.planned, n):
            if self.analysed(look):
                found += chance * float(paired(self.regions(look).success, laws(look))[0])
        return found

    def power(self, laws: Laws) -> float:
        """P(success) averaged over the number recruited by the limit; with a design prior's laws, the assurance.

        Source: O'Hagan, Stevens & Campbell (2005), Pharm. Stat. 4:187-201, with the sample size among the unknowns.
        """
        likely = np.flatnonzero(self.chances > IMPOSSIBLE).tolist()
        return float(sum(self.chances[n] * self.power_at(n, laws) for n in likely))


def enrolment(
    recruitment: Recruitment, looks: tuple[Look, ...], rule: AnyRule, *, block: ArmSizes | None = None
) -> Recruited:
    """The trial as recruitment shapes it, with permuted blocks if there are any; judged totals are remembered."""
    total = sum(looks[-1])

    @cache
    def regions(look: Look) -> Regions:
        return rule.regions((look,))[0]

    return Recruited(recruitment, looks, recruited(recruitment.accrual(), recruitment.stop_at, total), regions, block)


def splits(block: ArmSizes | None, planned: Look, n: int) -> tuple[Split, ...]:
    """How the first ``n`` patients divide between the arms; the planned totals at the end.

    With permuted blocks every whole block is balanced, and the treatment patients among the first k of a block are
    hypergeometric. Without, treatment has its planned share, rounded to whole patients, halves up.
    """
    if n == sum(planned) or planned.n_c == 0:
        return (Split(planned if n == sum(planned) else Look(n, 0), 1.0),)
    if block is None:
        n_t = (2 * n * planned.n_t + sum(planned)) // (2 * sum(planned))
        return (Split(Look(n_t, n - n_t), 1.0),)
    size_t, size_c = block.treatment, block.control or 0
    whole, begun = divmod(n, size_t + size_c)
    found = []
    for k in range(max(0, begun - size_c), min(begun, size_t) + 1):
        n_t = whole * size_t + k
        ways = comb(size_t, k) * comb(size_c, begun - k)
        found.append(Split(Look(n_t, n - n_t), ways / comb(size_t + size_c, begun)))
    return tuple(found)


def milestones(recruitment: Recruitment, looks: tuple[Look, ...]) -> tuple[Milestone, ...]:
    """When each look's patients are recruited; their results come ``lag`` months later."""
    accrual, limit = recruitment.accrual(), recruitment.stop_at
    found = []
    for look in looks:
        n = sum(look)
        median, late = time_quantile(accrual, n, np.array([0.5, 0.9])).tolist()
        chance = float(reached(accrual, n, np.array(limit)))
        found.append(Milestone(look, chance, median, late, mean_time(accrual, n, limit)))
    return tuple(found)


def duration(recruitment: Recruitment, run: Course | Regions, laws: Laws) -> float:
    """Mean months from the first site on until the result of the trial, the follow-up of its last patient included.

    With looks, P(the trial ends at a look) times the mean time of that look; recruitment ends at its limit at the
    latest, and the results that are there then end the trial.
    """
    if isinstance(run, Regions):
        return milestones(recruitment, (run.look,))[0].mean + recruitment.lag
    total = recruitment.lag
    for look, ends, time in zip(run.looks, run.ends, milestones(recruitment, run.looks), strict=True):
        law = laws(look)
        total += float(law.treatment[0] @ ends @ law.control[0]) * time.mean
    return total


def power_of_looks(recruitment: Recruitment, run: Course, laws: Laws) -> float:
    """P(success) of a trial with looks that ends with the last look whose patients are recruited by the limit."""
    when = milestones(recruitment, run.looks)
    return sum(stop.success * time.reached for stop, time in zip(stops(run, laws), when, strict=True))


def by_month(recruitment: Recruitment, total: int, months: tuple[float, ...]) -> tuple[Month, ...]:
    """Patients recruited by each month, where recruitment ends with the ``total``-th."""
    accrual, found = recruitment.accrual(), []
    for month in months:
        chances = recruited(accrual, month, total)
        mean, (low, high) = float(np.arange(total + 1) @ chances), quantiles(chances, (0.1, 0.9))
        found.append(Month(month, mean, low, high, float(chances[-1])))
    return tuple(found)


def quantiles(chances: FloatArray, shares: tuple[float, ...]) -> tuple[int, ...]:
    """The least counts whose probability of at most so many reaches each share."""
    below = np.cumsum(chances)
    return tuple(min(int(np.searchsorted(below, share - TIE)), len(chances) - 1) for share in shares)
