"""What a sweep found, in compact arrays: per cell where it lies on the axes, and each target's number and outcome."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from anatrial.domain.cells import CellResult, Settings
from anatrial.domain.results import Estimate, Outcome, SizeTarget, Verdict

Layout = Literal["grid", "one_at_a_time", "map"]
OUTCOMES: tuple[Outcome, ...] = ("PASS", "FAIL", "INCONCLUSIVE")
OWN = -1  # the place on an axis of a cell that leaves the field as its file has it
MOST_FAILURES = 10
Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int32]


class SweptAxis(NamedTuple):
    """A field that was changed: its path, its name in words, its values in their order."""

    path: str
    said: str
    values: tuple[Any, ...]

    @property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)

    @property
    def whole(self) -> bool:
        """Whether every value is a whole number."""
        return self.numeric and all(isinstance(value, int) for value in self.values)


class SweptScenario(NamedTuple):
    """A scenario that was swept: its targets, and its own value of each axis; None where the file states none."""

    name: str
    title: str
    targets: tuple[SizeTarget, ...]
    own: tuple[Any, ...]


class SweptCell(NamedTuple):
    """One cell: its number from 0, its scenario, what is changed in it, and what it gave."""

    number: int
    scenario: str
    settings: Settings
    result: CellResult


class Frame(NamedTuple):
    """What was swept, and how the axes are combined."""

    title: str
    layout: Layout
    axes: tuple[SweptAxis, ...]
    scenarios: tuple[SweptScenario, ...]
    cells: int


class Failed(NamedTuple):
    """A cell without numbers, and why."""

    number: int
    scenario: str
    settings: Settings
    why: str


class Places:
    """Where on each axis a cell lies."""

    def __init__(self, axes: Sequence[SweptAxis]) -> None:
        self._axis = {axis.path: k for k, axis in enumerate(axes)}
        self._value = [{_key(value): at for at, value in enumerate(axis.values)} for axis in axes]

    def of(self, settings: Settings) -> list[int]:
        """Per axis the place of the value in its list, from 0; ``OWN`` where the cell leaves the field alone.

        ``KeyError`` for a path or a value that is not on the axes.
        """
        found = [OWN] * len(self._axis)
        for path, value in settings:
            axis = self._axis[path]
            found[axis] = self._value[axis][_key(value)]
        return found


def _key(value: Any) -> Any:
    """The value as a key: 1, 1.0 and true are three values, tables with equal content one."""
    if isinstance(value, float):  # an axis may have a hundred thousand of them
        return value
    if isinstance(value, (dict, list, tuple)):
        return "table", json.dumps(value, sort_keys=True)
    return type(value), value


@dataclass(slots=True)
class Swept:
    """What text, pictures and JSON need of all cells: about 33 bytes per cell and target, and 4 per axis.

    Filled by ``put``, in any order; a cell that never came has no scenario.
    """

    frame: Frame
    scenario: Whole = field(init=False)
    """Shape (cells,): the place of its scenario; -1 where the cell is not finished."""
    at: Whole = field(init=False)
    """Shape (cells, axes): places on the axes; ``OWN`` where the field is as its file has it."""
    numbers: Numbers = field(init=False)
    """Shape (cells, targets, 4): value, lower, upper, Monte Carlo error; NaN where there is none."""
    outcomes: npt.NDArray[np.int8] = field(init=False)
    """Shape (cells, targets): place in ``OUTCOMES``; -1 where there is none."""
    failures: list[Failed] = field(init=False, default_factory=list)
    """Those of lowest number, at most ``MOST_FAILURES``."""
    failed: int = field(init=False, default=0)
    _places: Places = field(init=False)
    _scenarios: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        frame = self.frame
        targets = max((len(one.targets) for one in frame.scenarios), default=0)
        self.scenario = np.full(frame.cells, -1, np.int32)
        self.at = np.full((frame.cells, len(frame.axes)), OWN, np.int32)
        self.numbers = np.full((frame.cells, targets, 4), np.nan)
        self.outcomes = np.full((frame.cells, targets), -1, np.int8)
        self._places = Places(frame.axes)
        self._scenarios = {one.name: k for k, one in enumerate(frame.scenarios)}

    def put(self, cell: SweptCell, verdicts: Sequence[Verdict]) -> None:
        """Take in a finished cell, with the verdicts on the targets of its scenario; none if it failed."""
        self.scenario[cell.number] = self._scenarios[cell.scenario]
        self.at[cell.number] = self._places.of(cell.settings)
        if cell.result.failure is not None:
            self.failed += 1
            self.failures.append(Failed(cell.number, cell.scenario, cell.settings, cell.result.failure))
            self.failures.sort(key=lambda one: one.number)
            del self.failures[MOST_FAILURES:]
            return
        for k, verdict in enumerate(verdicts):
            value, lower, upper, mcse, _ = verdict.estimate
            self.numbers[cell.number, k] = value, lower, upper, np.nan if mcse is None else mcse
            self.outcomes[cell.number, k] = OUTCOMES.index(verdict.outcome)

    @property
    def finished(self) -> int:
        """Cells that were taken in."""
        return int((self.scenario >= 0).sum())

    def of(self, scenario: int) -> Whole:
        """The numbers of the finished cells of a scenario, rising."""
        found: Whole = np.flatnonzero(self.scenario == scenario).astype(np.int32)
        return found

    def told(self, scenario: int, target: int) -> Whole:
        """Those of them that have a number for a target."""
        cells = self.of(scenario)
        found: Whole = cells[self.outcomes[cells, target] >= 0]
        return found

    def holding(self, scenario: int) -> int:
        """In how many cells of a scenario every target holds; a failed cell holds none."""
        many = len(self.frame.scenarios[scenario].targets)
        return int((self.outcomes[self.of(scenario), :many] == 0).all(axis=1).sum()) if many else 0

    def settings(self, cell: int) -> Settings:
        """What is changed in a cell."""
        return tuple(
            (axis.path, axis.values[at]) for axis, at in zip(self.frame.axes, self.at[cell], strict=True) if at != OWN
        )

    def point(self, cell: int, target: int) -> Point:
        """The number of a target in a cell that has one."""
        value, lower, upper, mcse = self.numbers[cell, target].tolist()
        estimate = Estimate(value, lower, upper, None if np.isnan(mcse) else mcse)
        return Point(cell, estimate, OUTCOMES[self.outcomes[cell, target]])


class Point(NamedTuple):
    """What a target's number is in one cell; its draws are not kept."""

    cell: int
    estimate: Estimate
    outcome: Outcome


class Reach(NamedTuple):
    """How far a target's number moves along one axis, everything else as the file has it."""

    axis: int
    lowest: Point
    highest: Point
    outcomes: tuple[Outcome, ...]
    """Those that are met along the axis and at the file's own value, each once."""

    @property
    def spread(self) -> float:
        """From the lowest number to the highest."""
        return self.highest.estimate.value - self.lowest.estimate.value


def own_point(swept: Swept, scenario: int, target: int) -> Point | None:
    """The target's number where nothing is changed; None where no cell of the sweep asks for it, or it failed."""
    cells = swept.told(scenario, target)
    own = cells[(swept.at[cells] == OWN).all(axis=1)]
    return swept.point(int(own[0]), target) if len(own) else None


def reaches(swept: Swept, scenario: int, target: int) -> tuple[Reach, ...]:
    """Each axis alone, the widest spread first; the file's own value counts as a value of every axis.

    An axis without any finished number is left out. Of equal numbers the first value of the axis is named.
    """
    cells, own = swept.told(scenario, target), own_point(swept, scenario, target)
    found = []
    for axis in range(len(swept.frame.axes)):
        along = cells[swept.at[cells, axis] != OWN]
        if not len(along):
            continue
        points = [swept.point(int(cell), target) for cell in _extremes(swept, along, target)]
        outcomes = {OUTCOMES[k] for k in set(swept.outcomes[along, target].tolist())}
        if own is not None:
            points, outcomes = [*points, own], outcomes | {own.outcome}
        lowest = min(points, key=lambda point: point.estimate.value)
        highest = max(points, key=lambda point: point.estimate.value)
        found.append(Reach(axis, lowest, highest, tuple(one for one in OUTCOMES if one in outcomes)))
    return tuple(sorted(found, key=lambda reach: -reach.spread))


def extremes(swept: Swept, scenario: int, target: int) -> tuple[Point, Point] | None:
    """The lowest and the highest number of a target; None where no cell has one."""
    cells = swept.told(scenario, target)
    if not len(cells):
        return None
    low, high = _extremes(swept, cells, target)
    return swept.point(low, target), swept.point(high, target)


def _extremes(swept: Swept, cells: Whole, target: int) -> tuple[int, int]:
    values = swept.numbers[cells, target, 0]
    return int(cells[values.argmin()]), int(cells[values.argmax()])


def ranked(swept: Swept, scenario: int, target: int) -> Whole:
    """Cells from the best number to the worst, as the target asks; of equal numbers the earlier cell first."""
    cells = swept.told(scenario, target)
    sign = -1 if swept.frame.scenarios[scenario].targets[target].bound == "at_least" else 1
    return cells[np.argsort(sign * swept.numbers[cells, target, 0], kind="stable")]


def lattice(swept: Swept, scenario: int, axes: Sequence[int]) -> Whole:
    """The finished cells of a scenario by their places on these axes, -1 where there is none; shape one per axis.

    These are all the axes along which its cells differ: where two cells share a place the earlier one stands.
    """
    cells = swept.of(scenario)
    cells = cells[(swept.at[cells][:, list(axes)] != OWN).all(axis=1)][::-1]
    found = np.full([len(swept.frame.axes[axis].values) for axis in axes], -1, np.int32)
    found[tuple(swept.at[cells, axis] for axis in axes)] = cells
    return found


def spread_out(many: int, shown: int) -> list[int]:
    """At most ``shown`` places of ``many``, evenly spaced from the first, and the last one; all where they are few."""
    if many <= shown:
        return list(range(many))
    step = -(-(many - 1) // (shown - 1)) if shown > 1 else many
    found = list(range(0, many, step))
    return found if found[-1] == many - 1 or len(found) == shown else [*found, many - 1]
