"""A sweep for other programs: what was swept, how far each target moves, and the cells where they are few."""

from __future__ import annotations

from typing import Any

from anatrial.domain import sweeps
from anatrial.domain.cells import Settings
from anatrial.domain.results import SizeTarget
from anatrial.domain.sweeps import OUTCOMES, Failed, Point, Swept
from anatrial.report.machine import SCHEMA_VERSION, plain

MOST_CELLS = 1000
"""Of more cells than this the content tells where they are written."""


def sweep_content(swept: Swept, computed: int, rows: str | None = None) -> dict[str, Any]:
    """A sweep as JSON content.

    ``computed``: cells that were not known before. ``rows``: the name of the Parquet file of all cells, if there is
    one. A sweep of more than ``MOST_CELLS`` cells has ``cells`` null.
    """
    frame = swept.frame
    counts = {"cells": frame.cells, "finished": swept.finished, "computed": computed, "failed": swept.failed}
    axes = [{"path": axis.path, "label": axis.said, "values": plain(axis.values)} for axis in frame.axes]
    few = frame.cells <= MOST_CELLS
    return {
        "format": "anatrial-sweep",
        "version": SCHEMA_VERSION,
        "title": frame.title,
        "layout": frame.layout,
        "axes": axes,
        "counts": counts,
        "scenarios": [_scenario(swept, k) for k in range(len(frame.scenarios))],
        "failures": [_failure(one) for one in swept.failures],
        "cells": [_cell(swept, cell) for cell in range(frame.cells) if swept.scenario[cell] >= 0] if few else None,
        "rows": rows,
    }


def _failure(one: Failed) -> dict[str, Any]:
    return {"cell": one.number, "scenario": one.scenario, "settings": _settings(one.settings), "why": one.why}


def _scenario(swept: Swept, scenario: int) -> dict[str, Any]:
    one = swept.frame.scenarios[scenario]
    return {
        "name": one.name,
        "title": one.title,
        "as_written": dict(zip((axis.path for axis in swept.frame.axes), map(plain, one.own), strict=True)),
        "cells": len(swept.of(scenario)),
        "all_targets_hold": swept.holding(scenario),
        "targets": [_target(swept, scenario, k, goal) for k, goal in enumerate(one.targets)],
    }


def _target(swept: Swept, scenario: int, target: int, goal: SizeTarget) -> dict[str, Any]:
    """What is asked, in how many cells it holds, and between which numbers it lies."""
    own, ends = sweeps.own_point(swept, scenario, target), sweeps.extremes(swept, scenario, target)
    outcomes = swept.outcomes[swept.told(scenario, target), target]
    content = {
        **plain(goal),
        "outcomes": {name: int((outcomes == k).sum()) for k, name in enumerate(OUTCOMES)},
        "as_written": None if own is None else _point(swept, own),
        "lowest": None if ends is None else _point(swept, ends[0]),
        "highest": None if ends is None else _point(swept, ends[1]),
    }
    if swept.frame.layout == "one_at_a_time":
        content["axes"] = [
            {
                "path": swept.frame.axes[reach.axis].path,
                "lowest": _point(swept, reach.lowest),
                "highest": _point(swept, reach.highest),
                "outcomes": list(reach.outcomes),
            }
            for reach in sweeps.reaches(swept, scenario, target)
        ]
    return content


def _point(swept: Swept, point: Point) -> dict[str, Any]:
    settings = _settings(swept.settings(point.cell))
    return {"cell": point.cell, "settings": settings, "estimate": _estimate(point), "outcome": point.outcome}


def _estimate(point: Point) -> dict[str, Any]:
    """The number with its bounds and error; its draws stand in the rows."""
    value, lower, upper, mcse, _ = point.estimate
    return {"value": value, "lower": lower, "upper": upper, "mcse": mcse}


def _settings(settings: Settings) -> dict[str, Any]:
    return {path: plain(value) for path, value in settings}


def _cell(swept: Swept, cell: int) -> dict[str, Any]:
    """One cell: the targets in the order of its scenario; none where it failed."""
    scenario = swept.frame.scenarios[swept.scenario[cell]]
    told = [k for k in range(len(scenario.targets)) if swept.outcomes[cell, k] >= 0]
    points = [swept.point(cell, k) for k in told]
    return {
        "cell": cell,
        "scenario": scenario.name,
        "settings": _settings(swept.settings(cell)),
        "targets": [{"estimate": _estimate(point), "outcome": point.outcome} for point in points],
    }
