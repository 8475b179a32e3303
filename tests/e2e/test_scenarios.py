"""Every file that ships works: scenarios hold their targets, derived priors are what their recipes make."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.tolerances import ROUNDING

from anatrial import evaluate, read_indication, read_scenario
from anatrial.cli import main
from anatrial.documents.derived import Derived
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.cells import CellResult
from anatrial.domain.checked import Baseline
from anatrial.domain.results import Estimate, Evaluation
from anatrial.domain.trial import TrialEvaluation
from anatrial.files.baselines import baseline_text, read_baseline
from anatrial.files.indications import Shelf, indication_names, read_derived
from anatrial.plan.baseline import entry, movement
from anatrial.plan.derive import integrated
from anatrial.report.machine import json_bytes, run_content
from anatrial.report.numbers import WIDEST
from anatrial.report.run_text import exit_code
from anatrial.report.table_lines import table_lines

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))
BASELINE = ROOT / "scenarios" / "baseline.json"
MOST_BYTES = 400_000
SHELF = Shelf(ROOT / "priors", shipped=False)
PRIORS = [(name, prior) for name in indication_names(SHELF) for prior in read_indication(name, SHELF).priors]


class Shipped(NamedTuple):
    """A shipped scenario and its run."""

    used: ResolvedTrial[Any]
    result: Evaluation | TrialEvaluation


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda path: path.stem)
def shipped(request: pytest.FixtureRequest) -> Shipped:
    """Each shipped scenario, evaluated once for all tests of it, which therefore run one after another."""
    used = read_scenario(request.param)
    return Shipped(used, evaluate(used))


def test_a_shipped_scenario_holds_all_its_targets(shipped: Shipped) -> None:
    """Every verdict is a pass, those of upper bounds included, and the exit code is 0."""
    result = shipped.result
    assert [v.outcome for v in result.verdicts] == ["PASS"] * len(result.verdicts)
    assert exit_code(result) == 0


@cache
def kept() -> Baseline:
    """The committed baseline."""
    return read_baseline(BASELINE)


def test_a_shipped_scenario_is_as_in_its_baseline(shipped: Shipped) -> None:
    """Inputs, numbers and verdicts of a run are unchanged: the baseline was renewed with whatever moved them."""
    used, result = shipped
    said = [target.said for target in used.scenario.targets]
    now = entry(used, CellResult(result.characteristics), list(zip(said, result.verdicts, strict=True)))
    assert movement(kept()[used.name], now) == ("unchanged", (), (), ())


def test_the_baseline_has_exactly_the_shipped_scenarios() -> None:
    """None is missing and none is left over; it is small, and its bytes are those that would be written."""
    assert kept().keys() == {path.stem for path in SCENARIOS}
    assert BASELINE.stat().st_size < MOST_BYTES
    assert baseline_text(kept()).encode() == BASELINE.read_bytes()


def test_the_tables_of_a_shipped_scenario_can_be_written(shipped: Shipped) -> None:
    """Names and keys of their own, rows as long as the labels, chances from 0 to 1, and no number that is none."""
    result = shipped.result
    names = [table.name for table in result.tables]
    assert len(set(names)) == len(names)
    for table in result.tables:
        keys = [column.key for column in table.columns]
        assert len(set(keys)) == len(keys)
        assert {len(row) for row in table.rows} <= {len(keys)}
        assert table.figure is None or {table.figure.x, *table.figure.y} <= set(keys)
        for column in table.columns:
            cells = [cell.value if isinstance(cell, Estimate) else cell for cell in table.column(column.key)]
            numbers = [cell for cell in cells if isinstance(cell, float)]
            assert all(math.isfinite(number) for number in numbers)
            assert column.form not in {"chance", "percent"} or all(0 <= number <= 1 for number in numbers)
        assert max(map(len, table_lines(table)), default=0) <= WIDEST
    json_bytes(run_content(result))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_runs_by_name_from_anywhere(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The command finds it by name outside the tree, ends with 0, and tells what its file tells."""
    monkeypatch.chdir(tmp_path)
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "anatrial", "run", path.stem]
    by_name = subprocess.run(command, env=surroundings, capture_output=True, check=False)
    monkeypatch.setattr(sys, "argv", ["anatrial", "run", str(path)])  # in this process: half the time of a second one
    with pytest.raises(SystemExit) as by_path:
        main()
    assert (by_name.returncode, by_path.value.code) == (0, 0), by_name.stderr
    assert by_name.stdout == capsysbinary.readouterr().out != b""


@pytest.mark.parametrize(("name", "prior"), PRIORS)
def test_a_kept_prior_is_fresh_and_what_its_recipe_makes(name: str, prior: str) -> None:
    """Its digest matches, and deriving it again gives the same parts and contributions."""
    indication = read_indication(name, SHELF)
    kept, again = read_derived(SHELF, indication, prior), integrated(indication, prior).derived
    assert kept.contributions == again.contributions
    assert (kept.title, kept.endpoint, kept.equated) == (again.title, again.endpoint, again.equated)
    if kept.fit is None:
        assert numbers(kept) == pytest.approx(numbers(again), rel=ROUNDING)
    else:  # parts that nearly do the same work may share it differently on another machine
        levels = (0.025, 0.1, 0.5, 0.9, 0.975)
        ours, theirs = (found.value(0.0).mixture for found in (kept, again))
        assert [ours.quantile(p) for p in levels] == pytest.approx([theirs.quantile(p) for p in levels], abs=1e-6)
        assert kept.fit.divergence <= 1e-3
        assert kept.fit.cdf_error <= 0.005


def numbers(derived: Derived) -> list[float]:
    parts = [*derived.informative, *([derived.robust] if derived.robust else [])]
    return [number for part in parts for number in (part.weight, part.a, part.b)]


def test_no_kept_prior_lacks_a_recipe() -> None:
    """A renamed recipe leaves no file behind."""
    kept = {(path.parent.name, path.stem) for path in (ROOT / "priors" / "derived").glob("*/*.json")}
    assert kept == set(PRIORS)
