"""A quick check of what ships agrees with the committed baseline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anatrial.domain.checked import Entry
from anatrial.engine.workers import Workers
from anatrial.files.baselines import read_baseline
from anatrial.files.checks import gather
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.check import against, check

ROOT = Path(__file__).parents[2]
KEPT = read_baseline(ROOT / "scenarios" / "baseline.json")


def simulated(found: Entry) -> bool:
    """Whether any number of a scenario has a Monte Carlo error; the others are what they are in a full check."""
    return any(one.mcse is not None for rows in found.results.values() for one in rows.values())


@pytest.mark.parametrize("name", [name for name, found in KEPT.items() if simulated(found)])
def test_a_quick_check_agrees_with_the_full_baseline(name: str) -> None:
    """A tenth of the trials gives the same numbers within their errors: no changed results, and no other inputs."""
    asked = replace(gather([str(ROOT / "scenarios" / f"{name}.toml")], quick=True), indications=())
    quick = check(asked, Asker(MemoryStore(), "test", Workers()))
    one = against(quick, KEPT, whole=False).scenarios[0]
    assert one.movement is not None
    assert one.movement.kind == "unchanged", one.movement
