"""A sweep of real scenarios, gathered cell by cell: the same numbers as runs, and what the file itself has."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import anatrial
from anatrial.documents.sweeps import Axis, Sweep
from anatrial.domain.sweeps import Swept, SweptAxis, own_point
from anatrial.engine.workers import Workers
from anatrial.files.scenarios import read_base
from anatrial.files.sweeps import read_sweep
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.sweep import SweepPlan, sweep
from anatrial.plan.swept import frame, gathered, own_value

ROOT = Path(__file__).parents[2] / "scenarios"


def plan(name: str, layout: str, *axes: dict[str, Any]) -> SweepPlan:
    """A shipped scenario with these axes in place of its own."""
    made = tuple(Axis.model_validate_json(json.dumps(axis)) for axis in axes)
    changed = Sweep.model_validate({"layout": layout})
    return replace(read_sweep(ROOT / name), axes=made, sweep=changed, tipping_points=(), pareto=None)


def finished(asked: SweepPlan) -> Swept:
    found = Swept(frame(asked))
    run = sweep(asked, Asker(MemoryStore(), "test", Workers()))
    assert [cell.number for cell in gathered(run, found)] == list(range(asked.cells))
    return found


def test_a_sweep_holds_the_numbers_and_verdicts_of_runs() -> None:
    """The cell of nothing changed is the run of the file; one with another certainty is the run of such a file."""
    asked = plan("sjia-next-trial.toml", "one_at_a_time", {"path": "rule.certainty", "values": [0.99]})
    found = finished(asked)
    run = anatrial.evaluate(anatrial.read_scenario(ROOT / "sjia-next-trial.toml"))
    for k, verdict in enumerate(run.verdicts):
        point = own_point(found, 0, k)
        assert point is not None
        assert (point.estimate, point.outcome) == (verdict.estimate, verdict.outcome)
    assert found.settings(1) == (("rule.certainty", 0.99),)
    assert found.point(1, 0).estimate.value < run.verdicts[0].estimate.value


def test_a_cell_that_does_not_stand_is_a_failure_with_its_reason() -> None:
    """Values that are fine alone and not together fail in their cell, and the others are told."""
    rates = {"path": "truths.no-effect.control.from", "values": [0.10, 0.30]}
    ends = {"path": "truths.no-effect.control.to", "values": [0.20, 0.40]}
    asked = plan("sjia-next-trial.toml", "grid", rates, ends)
    found = finished(asked)
    assert [one.settings for one in found.failures] == [(("truths.no-effect.control.from", 0.30), (ends["path"], 0.20))]
    assert found.told(0, 0).tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("path", "values", "own"),
    [
        ("rule.certainty", (0.9,), 0.98),
        ("rule.analysis_prior.robust_weight", (0.5,), 0.2),
        ("rule.analysis_prior.control.robust_weight", (0.5,), 0.2),
        ("design.n", (10, 20), 24),
        ("design.n", ({"treatment": 10, "control": 5},), {"treatment": 24, "control": 24}),
        ("looks", (1, 2), 1),
        ("drift", (0.5,), 0),
        ("truths.expected.rates.control", (0.3,), 0.25),
        ("priors.placebo-discounted.discount.weight", (0.5,), 0.25),
        ("priors.placebo-discounted.without", ("anastills",), None),
        ("allocation", (1, 2), None),
    ],
)
def test_what_the_file_has_is_told_in_the_form_of_the_axis(path: str, values: tuple[Any, ...], own: Any) -> None:
    """Fields as they are written, the weight that a recipe sets, and nothing where no single value tells it."""
    base, _ = read_base(ROOT / "sjia-next-trial.toml")
    assert own_value(base, SweptAxis(path, path, values)) == own


@pytest.mark.parametrize(
    ("name", "layout", "cells"),
    [
        ("sjia-next-trial", "one_at_a_time", 49),
        ("sjia-next-trial-map", "map", 99),
        ("anajis-boschloo", "grid", 33),
        ("sjia-response-adaptive", "grid", 4),
    ],
)
def test_shipped_sweeps_change_no_digest(name: str, layout: str, cells: int) -> None:
    """Each kind of picture has a shipped sweep; without its axes the scenario has the same digest."""
    asked = read_sweep(ROOT / f"{name}.toml")
    assert (asked.sweep.layout, asked.cells) == (layout, cells)
    _, used = read_base(ROOT / f"{name}.toml")
    bare = used.resolved.model_copy(update={"axes": (), "sweep": Sweep(), "tipping_points": (), "pareto": None})
    assert replace(used, resolved=bare).digest == used.digest
