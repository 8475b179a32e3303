"""Sweeps made of plain numbers: what text, pictures, rows and JSON are tested with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

from anatrial.domain.cells import CellResult, Settings
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, SizeTarget, Verdict, judged
from anatrial.domain.sweeps import Frame, Layout, Swept, SweptAxis, SweptCell, SweptScenario

POWER = SizeTarget("power at least 0.8 if expected", "power", "expected", "at_least", 0.8)
ERROR = SizeTarget("type I error at most 0.05 if no-effect", "type_i_error", "no-effect", "at_most", 0.05)
N = SweptAxis("design.n", "patients", (10, 20, 30, 40))
WEIGHT = SweptAxis("rule.weight", "weight", (0.0, 0.25, 1.0))
TEST = SweptAxis("rule", "test", ({"kind": "fisher", "alpha": 0.05}, {"kind": "boschloo", "alpha": 0.05}))

Numbers = Callable[[str, dict[str, Any]], tuple[float, ...] | str]
"""Per scenario and settings one number per target, or why the cell failed."""


def settings(axes: Sequence[SweptAxis], layout: Layout) -> list[Settings]:
    """Every cell of one scenario: all combinations, or the file itself and then each axis alone."""
    if layout == "one_at_a_time":
        return [(), *(((axis.path, value),) for axis in axes for value in axis.values)]
    paths = [axis.path for axis in axes]
    return [tuple(zip(paths, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def cells(frame: Frame, numbers: Numbers, error: float | None = None) -> Iterator[tuple[SweptCell, list[Verdict]]]:
    """Every cell with its verdicts; with ``error`` its numbers are simulated, with bounds 4 errors away."""
    asked = [(one, cell) for one in frame.scenarios for cell in settings(frame.axes, frame.layout)]
    for index, (scenario, changed) in enumerate(asked):
        found = numbers(scenario.name, dict(changed))
        if isinstance(found, str):
            yield SweptCell(index, scenario.name, changed, CellResult(failure=found)), []
            continue
        verdicts = [_verdict(goal, value, error) for goal, value in zip(scenario.targets, found, strict=True)]
        told = tuple(
            OperatingCharacteristics(one.truth, "points", (Metric(one.metric, one.estimate),)) for one in verdicts
        )
        yield SweptCell(index, scenario.name, changed, CellResult(told, 48)), verdicts


def _verdict(goal: SizeTarget, value: float, error: float | None) -> Verdict:
    wide = 4 * (error or 0.0)
    estimate = Estimate(value, value - wide, value + wide, error, None if error is None else 1000)
    outcome = judged(estimate, goal.bound, goal.threshold)
    return Verdict(outcome, goal.metric, goal.truth, estimate, goal.bound, goal.threshold)


def frame(
    axes: Sequence[SweptAxis],
    layout: Layout,
    *,
    names: Sequence[str] = ("a-trial",),
    targets: tuple[SizeTarget, ...] = (POWER, ERROR),
    own: tuple[Any, ...] | None = None,
) -> Frame:
    """What is swept: scenarios of these names, all with the same targets."""
    scenarios = tuple(SweptScenario(name, f"Title of {name}", targets, own or (None,) * len(axes)) for name in names)
    return Frame("A made sweep", layout, tuple(axes), scenarios, len(settings(axes, layout)) * len(names))


def swept(made: Frame, numbers: Numbers, error: float | None = None) -> Swept:
    """A sweep that is finished."""
    found = Swept(made)
    for cell, verdicts in cells(made, numbers, error):
        found.put(cell, verdicts)
    return found


def by_weight(_: str, changed: dict[str, Any]) -> tuple[float, float]:
    """Power n / 40 less a tenth of the weight; type I error 0.04 plus 0.02 times the weight; 30 and 0.25 unchanged."""
    n, weight = changed.get("design.n", 30), changed.get("rule.weight", 0.25)
    return n / 40 - weight / 10, 0.04 + 0.02 * weight
