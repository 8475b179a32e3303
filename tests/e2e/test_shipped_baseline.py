"""The baseline of the shipped scenarios is committed and holds; a check says what a run says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from anatrial import evaluate, read_scenario
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.checked import Baseline, CheckedScenario
from anatrial.engine.workers import Workers
from anatrial.files.baselines import baseline_text, read_baseline
from anatrial.files.checks import gather
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.check import against, check

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))
BASELINE = ROOT / "scenarios" / "baseline.json"
MOST_BYTES = 400_000


@cache
def kept() -> Baseline:
    """The committed baseline."""
    return read_baseline(BASELINE)


def checked(path: Path, *, quick: bool) -> CheckedScenario:
    """One scenario, checked beside the baseline."""
    asked = replace(gather([str(path)], quick=quick), indications=())
    return against(check(asked, Asker(MemoryStore(), "test", Workers())), kept(), whole=False).scenarios[0]


def test_the_baseline_has_exactly_the_shipped_scenarios() -> None:
    """None is missing and none is left over; it is small, and its bytes are those that would be written."""
    assert kept().keys() == {path.stem for path in SCENARIOS}
    assert BASELINE.stat().st_size < MOST_BYTES
    assert baseline_text(kept()).encode() == BASELINE.read_bytes()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_is_as_in_its_baseline_and_as_in_a_run(path: Path) -> None:
    """Inputs and results are unchanged, and every verdict has the bits of a run's."""
    one = checked(path, quick=False)
    assert one.movement is not None
    assert (one.movement.kind, one.code) == ("unchanged", 0), one.movement
    verdicts = tuple(item.verdict for item in one.items if item.kind == "target")
    assert verdicts == evaluate(read_scenario(path)).verdicts


OTHERS = [path for path in SCENARIOS if not isinstance(read_scenario(path), ResolvedScenario)]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_a_quick_check_agrees_with_the_full_baseline(path: Path) -> None:
    """A tenth of the trials gives the same numbers within their errors: no changed results, and no other inputs."""
    one = checked(path, quick=True)
    assert one.movement is not None
    assert one.movement.kind == "unchanged", one.movement
