"""A sweep: the same trial with some fields changed, in every combination or one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from anatrial.documents.base import Base
from anatrial.documents.sweeps import Axis, Pareto, Sweep, TippingPoint
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.domain.cells import CellResult, Settings
from anatrial.errors import Fault, InputError
from anatrial.plan.asking import Asker, Completed, Question
from anatrial.plan.ports import SILENT, Progress
from anatrial.plan.special_settings import faults_of_axes
from anatrial.plan.variants import variant

MOST_TRIED = 100
"""Values of an axis that are tried before a sweep starts; what does not fit later is a failed cell."""
MOST_TOLD = 3
"""Values that do not stand and are told in full; the others are counted."""
MOST_CELLS = 1_000_000
"""More than this is refused. So many, with two axes and two targets, take about 100 MB beside what any sweep takes
(90 MB, or 190 MB where rows are written): 4 bytes per cell and axis, 33 per cell and target, and what sorts them."""


@dataclass(frozen=True)
class SweepPlan:
    """What is to be swept: scenarios, axes and how they are combined."""

    name: str
    where: str
    """The file as messages name it."""
    title: str
    bases: tuple[Base, ...]
    scenarios: tuple[TrialScenario, ...]
    """The scenarios of the bases as they were written."""
    axes: tuple[Axis, ...]
    sweep: Sweep
    tipping_points: tuple[TippingPoint, ...]
    pareto: Pareto | None

    @property
    def cells_each(self) -> int:
        """Cells of one scenario."""
        many = [len(axis.taken()) for axis in self.axes]
        return 1 + sum(many) if self.sweep.layout == "one_at_a_time" else prod(many)

    @property
    def cells(self) -> int:
        """Cells of all scenarios."""
        return self.cells_each * len(self.bases)

    def questions(self) -> Iterator[Question]:
        """Every cell in its order: scenario after scenario, the last axis fastest.

        One at a time, the file's own values come first.
        """
        index = 0
        for base in self.bases:
            for settings in self._settings():
                yield Question(index, base, settings)
                index += 1

    def _settings(self) -> Iterator[Settings]:
        paths = [axis.path for axis in self.axes]
        if self.sweep.layout != "one_at_a_time":
            for values in product(*(axis.taken() for axis in self.axes)):
                yield tuple(zip(paths, values, strict=True))
            return
        yield ()
        for axis in self.axes:
            yield from (((axis.path, value),) for value in axis.taken())


@dataclass(frozen=True)
class SweepRun:
    """A sweep whose every cell is answered."""

    plan: SweepPlan
    asker: Asker
    completed: Completed

    def results(self) -> Iterator[tuple[Question, CellResult]]:
        """Every cell in its order, in bounded memory; can be asked for again."""
        return self.asker.results(self.plan.questions(), self.completed)


def sweep(plan: SweepPlan, asker: Asker, progress: Progress = SILENT) -> SweepRun:
    """Answer every cell; ``InputError`` before anything is computed where a path, a value or the number does not do."""
    refuse(plan)
    return answered(plan, asker, progress)


def answered(plan: SweepPlan, asker: Asker, progress: Progress = SILENT) -> SweepRun:
    """The same for a plan that was not refused."""
    return SweepRun(plan, asker, asker.complete(plan.questions(), plan.cells, progress))


def refuse(plan: SweepPlan) -> None:
    """``InputError`` with every fault of the axes: each value is tried on its own, on every scenario."""
    faults: list[Fault] = []
    if plan.sweep.layout == "map" and len(plan.axes) != 2:
        faults.append(Fault(f"{plan.where}: axes", f"{len(plan.axes)} axes", "two axes, for a map"))
    if not plan.axes and not plan.tipping_points:
        fix = 'add [[axes]] with path = "design.n" and values = [...], or [[tipping_points]]'
        faults.append(Fault(f"{plan.where}: axes", "nothing", "what is to be changed", fix))
    if plan.cells > MOST_CELLS:
        fix = "fewer values, or one file for each part"
        faults.append(Fault(f"{plan.where}: axes", f"{plan.cells:,} cells", f"at most {MOST_CELLS:,}", fix))
    for base, scenario in zip(plan.bases, plan.scenarios, strict=True):
        faults += faults_of_axes(base, scenario, [axis.path for axis in plan.axes])
    if faults:
        raise InputError(*faults)
    faults = [fault for base in plan.bases for axis in plan.axes for fault in _of_values(base, axis)]
    if faults:
        raise InputError(*faults)


def _of_values(base: Base, axis: Axis) -> Iterator[Fault]:
    """What is wrong with the first values that do not stand, and how many more there are."""
    wrong = [found for value in _tried(axis.taken()) if (found := _faults(base, axis, value))]
    for found in wrong[:MOST_TOLD]:
        yield from found
    if len(wrong) > MOST_TOLD:
        got = f"{len(wrong) - MOST_TOLD} more values that do not stand, of those tried"
        yield Fault(f'{base.where}: path "{axis.path}"', got, "values that stand")


def _tried(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """All values, or of many so many of them, the first and the last included."""
    last, many = len(values) - 1, min(len(values), MOST_TRIED)
    return tuple(values[k * last // max(many - 1, 1)] for k in range(many))


def _faults(base: Base, axis: Axis, value: Any) -> tuple[Fault, ...]:
    """What is wrong with the scenario if one value stands alone."""
    try:
        variant(base, ((axis.path, value),))
    except InputError as error:
        return error.faults
    except Exception:  # noqa: BLE001 - told by its cell, and the other cells go on
        return ()
    return ()
