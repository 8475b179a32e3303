"""Tipping points: the first number on a path at which a target no longer has the outcome that it has at the start.

A grid is tried first; then the interval in which a target first changes its outcome is halved down to the resolution.
Type I error along a drift is a hump and rules on counts are steps, so that a target can flip more than once: every
change between neighbours of the grid is told, and what lies between two of them that agree is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from anatrial.documents.base import Base
from anatrial.documents.sweeps import TippingPoint
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.domain.cells import CellResult
from anatrial.domain.results import Verdict
from anatrial.domain.tipping import Crossing, Held, TippedTarget, Tipping, Unanswered
from anatrial.errors import Fault, InputError
from anatrial.plan.asking import Asker, Question
from anatrial.plan.cells import with_verdicts
from anatrial.plan.ports import SILENT, Progress
from anatrial.plan.special_settings import faults_of_axes
from anatrial.plan.sweep import SweepPlan
from anatrial.plan.variants import variant

MOST_CELLS = 100_000
"""More numbers to try first are refused: what becomes of every target is held for each."""
Number = int | float
Answer = tuple[Verdict, ...] | str
"""The verdict of every target, in the order of the file; or why there is none."""
Ask = Callable[[Sequence[tuple[int, Number]]], Sequence[Answer]]
"""Answers for numbers of several paths at once: each comes with the place of its path."""


def tipping(plan: SweepPlan, asker: Asker, progress: Progress = SILENT) -> tuple[Tipping, ...]:
    """Where each number that moves first flips a target: per scenario of the plan and tipping point, in their order.

    Every number is a cell of its own, kept and computed as those of a sweep. Raises ``InputError`` as ``refuse_points``
    does, before anything is computed; a cell that fails later is told, and no crossing beside it is claimed.
    """
    refuse_points(plan)
    paths = [
        (base, asked, p) for base, asked in zip(plan.bases, plan.scenarios, strict=True) for p in plan.tipping_points
    ]
    rounds = _Rounds(progress)

    def ask(wanted: Sequence[tuple[int, Number]]) -> list[Answer]:
        cells = [Question(at, paths[k][0], ((paths[k][2].path, value),)) for at, (k, value) in enumerate(wanted)]
        results = asker.all_of(cells, rounds)
        rounds.before += len(cells)
        return [_answer(paths[k][1], result) for (k, _), result in zip(wanted, results, strict=True)]

    tried = located([point for _, _, point in paths], ask)
    return tuple(_told(*path, known) for path, known in zip(paths, tried, strict=True))


def refuse_points(plan: SweepPlan) -> None:
    """``InputError`` with every fault of the tipping points: unknown paths, ends that do not do, too many numbers."""
    many = len(plan.bases) * sum(len(grid(point)) for point in plan.tipping_points)
    if many > MOST_CELLS:
        fix = "fewer points, or one file for each part"
        raise InputError(Fault(f"{plan.where}: tipping_points", f"{many:,} cells", f"at most {MOST_CELLS:,}", fix))
    faults: list[Fault] = []
    for base, scenario in zip(plan.bases, plan.scenarios, strict=True):
        for point in plan.tipping_points:
            faults += faults_of_axes(base, scenario, (point.path,)) or _ends(base, point)
    if faults:
        raise InputError(*dict.fromkeys(faults))


def _ends(base: Base, point: TippingPoint) -> list[Fault]:
    """What is wrong with the scenario at either end of the path."""
    faults: list[Fault] = []
    between = isinstance(point.lowest, int) and isinstance(point.highest, int) and not _whole(point)
    for end in (grid(point)[0], grid(point)[-1]):
        try:
            variant(base, ((point.path, end),))
        except InputError as error:
            faults += error.faults
    fix = "resolution = 1 keeps to whole numbers" if between else ""
    return [fault._replace(fix=fault.fix or fix) for fault in faults]


class _Rounds:
    """Progress over several calls: what earlier ones did counts as done, what later ones will ask is not known yet."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.before = progress, 0

    def advance(self, done: int, total: int) -> None:
        self.progress.advance(self.before + done, self.before + total)


def _answer(scenario: TrialScenario, result: CellResult) -> Answer:
    told, verdicts = with_verdicts(scenario, result)
    return verdicts if told.failure is None else told.failure


def _told(base: Base, scenario: TrialScenario, point: TippingPoint, known: dict[Number, Answer]) -> Tipping:
    targets = (
        TippedTarget(target.said, answered(known, k), crossings(known, k)) for k, target in enumerate(scenario.targets)
    )
    missing = (Unanswered(at, answer) for at, answer in known.items() if isinstance(answer, str))
    return Tipping(base.name, point.path, point.said, grid(point), point.resolution, tuple(targets), tuple(missing))


def located(points: Sequence[TippingPoint], ask: Ask) -> list[dict[Number, Answer]]:
    """Every number that was tried on each path, with its answer, in the order of the path.

    Parameters
    ----------
    points
        The paths; all grids are asked for in one call, then the halves of all intervals in one call per round.
    ask
        Answers in the order asked for. The number of targets is the same for every number of a path.
    """
    known: list[dict[Number, Answer]] = [{} for _ in points]
    wanted = [(k, value) for k, point in enumerate(points) for value in grid(point)]
    while wanted:
        for (k, value), answer in zip(wanted, ask(wanted), strict=True):
            known[k][value] = answer
        known = [_along(point, found) for point, found in zip(points, known, strict=True)]
        wanted = [(k, value) for k, point in enumerate(points) for value in _halves(point, known[k])]
    return known


def grid(point: TippingPoint) -> tuple[Number, ...]:
    """The numbers that are tried first, from the start of the path to its end; whole ones where the path has no others.

    Whole numbers are the nearest to equally spaced ones, each once.
    """
    first, last = _exact(point.lowest), _exact(point.highest)
    spaced = [first + (last - first) * k / (point.points - 1) for k in range(point.points)]
    return tuple(dict.fromkeys(round(value) if _whole(point) else float(value) for value in spaced))


def answered(known: dict[Number, Answer], target: int) -> tuple[Held, ...]:
    """What became of a target at every number that has an answer."""
    return tuple(Held(at, answer[target]) for at, answer in known.items() if not isinstance(answer, str))


def crossings(known: dict[Number, Answer], target: int) -> tuple[Crossing, ...]:
    """Every change of a target's outcome between numbers that follow each other, those without an answer left out."""
    missing = [at for at, answer in known.items() if isinstance(answer, str)]
    return tuple(
        Crossing(one, other, tuple(at for at in missing if min(one.at, other.at) < at < max(one.at, other.at)))
        for one, other in pairwise(answered(known, target))
        if one.verdict.outcome != other.verdict.outcome
    )


def _halves(point: TippingPoint, known: dict[Number, Answer]) -> list[Number]:
    """The next number inside each crossing that is sought, where it is to be pinned down further."""
    start = next(iter(known.values()))
    if isinstance(start, str):  # no outcome to differ from
        return []
    sought = [one for target in range(len(start)) for one in _sought(crossings(known, target))]
    halves = [_between(point, one) for one in sought if not one.unanswered and _apart(one)]
    return list(dict.fromkeys(half for half in halves if half is not None))


def _sought(found: tuple[Crossing, ...]) -> tuple[Crossing, ...]:
    """The first crossing; where it leads to an outcome that cannot be told, the one that leads out of it, too."""
    return found[: 2 if found and found[0].after.verdict.outcome == "INCONCLUSIVE" else 1]


def _between(point: TippingPoint, crossing: Crossing) -> Number | None:
    """The multiple of the resolution that is nearest to the middle; None where both ends are near enough.

    A gap wider than the resolution has a multiple strictly inside, and it reads better than the middle itself.
    """
    one, other = _exact(crossing.before.at), _exact(crossing.after.at)
    unit = _exact(point.resolution)
    if abs(one - other) <= unit:
        return None
    unit = Fraction(math.floor(unit)) if _whole(point) else unit
    nearest = round((one + other) / 2 / unit) * unit
    value = int(nearest) if _whole(point) else float(nearest)
    ends = (crossing.before.at, crossing.after.at)
    return None if value in ends else value  # a resolution finer than the numbers that a computer knows


def _apart(crossing: Crossing) -> bool:
    """Whether the numbers on both sides are further apart than twice their combined Monte Carlo error.

    Where they are not, a half would tell the noise of the simulation, not the place of the crossing.
    """
    one, other = crossing.before.verdict.estimate, crossing.after.verdict.estimate
    error = math.hypot(one.mcse or 0.0, other.mcse or 0.0)
    return error == 0 or abs(one.value - other.value) > 2 * error


def _along(point: TippingPoint, known: dict[Number, Answer]) -> dict[Number, Answer]:
    return {at: known[at] for at in sorted(known, reverse=point.lowest > point.highest)}


def _whole(point: TippingPoint) -> bool:
    return isinstance(point.lowest, int) and isinstance(point.highest, int) and point.resolution >= 1


def _exact(value: Number) -> Fraction:
    """The number as it is written, without the rounding of a binary fraction."""
    return Fraction(repr(value))
