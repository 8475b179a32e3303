"""The file of virtual patients: names and types of ADaM, a row per patient and visit, the trials that are simulated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.domain.simulation import Simulation
from anatrial.domain.tally import SimulationSettings
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.files.parquet import write_parquet
from anatrial.plan.simulate import MOST_PATIENTS, refuse_patients, simulate, truths_to_simulate
from anatrial.report import adam
from anatrial.report.adam_trials import rows

TRIALS = 200
HOW = SimulationSettings(TRIALS, 4)
COLUMNS = {
    "STUDYID": "string",
    "USUBJID": "string",
    "SUBJID": "string",
    "SIMTRUTH": "string",
    "SIMTRIAL": "int64",
    "STRATAR": "string",
    "TRT01P": "string",
    "TRT01PN": "int64",
    "TRTA": "string",
    "PARAMCD": "string",
    "PARAM": "string",
    "AVISIT": "string",
    "AVISITN": "int64",
    "AVAL": "double",
    "AVALC": "string",
    "DTYPE": "string",
    "ICEREAS": "string",
    "DCSREAS": "string",
    "ANL01FL": "string",
}


def batches(used: ResolvedScenario, how: SimulationSettings = HOW) -> Iterator[dict[str, Any]]:
    """Rows of every truth of a scenario."""
    for truth in truths_to_simulate(used):
        yield from rows(used, truth, how)


@cache
def written(name: str) -> tuple[dict[str, np.ndarray[Any, Any]], Simulation]:
    """The columns of a scenario's file of virtual patients, and the simulation of the same trials."""
    used = counts_trial(read_scenario(name), "simulate")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patients.parquet"
        rows = write_parquet(path, batches(used))
        table = pq.read_table(path)
    assert table.num_rows == rows
    assert {field.name: str(field.type) for field in table.schema} == COLUMNS
    return {key: table[key].to_numpy() for key in COLUMNS}, simulate(used, HOW)


def value(result: Simulation, truth: str, metric: str) -> float:
    """A simulated number."""
    found = next(one for one in result.truths if one.truth == truth)
    return next(row.simulated.value for row in found.rows if row.metric == metric)


@pytest.mark.parametrize("name", ["sjia-anajis-switch", "sjia-safety", "as-group-sequential", "sjia-strata"])
def test_the_file_holds_the_trials_that_are_simulated(name: str) -> None:
    """Counted again from the file: responders, those after the switch, and one row per patient, parameter and visit."""
    cells, result = written(name)
    keys = [cells[key].astype(str) for key in ("USUBJID", "PARAMCD", "AVISITN")]
    assert len(set(zip(*keys, strict=True))) == len(cells["AVAL"])
    assert set(cells["AVALC"][cells["AVAL"] == 1]) == {"Y"}
    assert ((cells["TRT01P"] == "anakinra") == (cells["TRT01PN"] == 1)).all()
    for found in result.truths:
        here = (cells["SIMTRUTH"] == found.truth) & (cells["PARAMCD"] == "RESP")
        first = here & (cells["ANL01FL"] == "Y")
        assert set(np.unique(cells["SIMTRIAL"][here])) == set(range(1, TRIALS + 1))
        if name in {"sjia-anajis-switch", "sjia-strata"}:  # no look ends these
            assert cells["AVAL"][first].sum() == round(value(result, found.truth, "expected_responders") * TRIALS)
        if name == "sjia-anajis-switch":
            second = here & (cells["AVISITN"] == 2) & (cells["TRT01PN"] == 2)
            assert second.sum() == round(value(result, found.truth, "expected_switched") * TRIALS)
            assert cells["AVAL"][second].sum() == round(
                value(result, found.truth, "expected_switch_responders") * TRIALS
            )


def test_fishers_test_on_the_file_gives_the_simulated_power() -> None:
    """A program that reads the file and tests each trial by itself finds as many successes as the simulation."""
    from scipy.stats import fisher_exact

    cells, result = written("sjia-strata")
    for truth, metric in (("expected", "power"), ("no-effect", "success")):
        here = (cells["SIMTRUTH"] == truth) & (cells["ANL01FL"] == "Y")
        arm, hits = (cells["SIMTRIAL"] * 2 - cells["TRT01PN"])[here], cells["AVAL"][here]
        tables = np.stack([np.bincount(arm, hits), np.bincount(arm, 1 - hits)], axis=1).reshape(TRIALS, 2, 2)[:, ::-1]
        kinds, times = np.unique(tables, axis=0, return_counts=True)
        wins = [float(fisher_exact(kind, alternative="greater").pvalue) <= 0.025 for kind in kinds]
        assert np.array(wins) @ times == round(value(result, truth, metric) * TRIALS)


def test_reasons_to_leave_and_imputed_rows() -> None:
    """Who stopped the open-label drug says why, and has an imputed non-response; subjects are named per truth."""
    cells, _ = written("sjia-anajis-switch")
    last = (cells["AVISITN"] == 3) & (cells["PARAMCD"] == "RESP")
    left = last & (cells["DTYPE"] == "NRI")
    assert set(cells["DCSREAS"][left]) == {"ADVERSE-EVENT", "LACK-OF-EFFICACY", "FLARE"}
    assert set(cells["DCSREAS"][last & ~left]) == {""}
    assert not cells["AVAL"][left].any()
    assert set(cells["TRTA"][last]) == {"anakinra"}
    assert cells["USUBJID"][0] == "sjia-anajis-switch-expected-0000001-0001"
    assert set(cells["STRATAR"]) == {"ALL"}


def test_batches_do_not_depend_on_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are the same, visit by visit, where a block is written in many batches."""
    used, how = counts_trial(read_scenario("sjia-anajis-switch"), "simulate"), replace(HOW, trials=5)

    def rows() -> list[tuple[Any, ...]]:
        found = []
        for batch in batches(used, how):
            columns = [np.array(c.values)[c.codes] if isinstance(c, adam.Words) else c for c in batch.values()]
            found += list(zip(*columns, strict=True))
        return sorted(found, key=str)

    whole = rows()
    monkeypatch.setattr(adam, "CHUNK", 48)
    assert rows() == whole


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """An error on the way leaves the old file, and nothing beside it."""
    path = tmp_path / "patients.parquet"
    path.write_text("old")

    def broken() -> Iterator[dict[str, Any]]:
        yield {"AVAL": np.array([1.0])}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(path, broken())
    assert [found.name for found in tmp_path.iterdir()] == ["patients.parquet"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "path", "how", "message"),
    [
        ("anajis", "p.csv", HOW, "p.csv\n  got       the ending '.csv'\n  expected  .parquet"),
        (
            "anajis",
            "p.parquet",
            replace(HOW, trials=10**6),
            (
                f"patients\n  got       72,000,000 virtual patients\n  expected  at most {MOST_PATIENTS:,}\n"
                "  fix       ask for fewer --trials"
            ),
        ),
        (
            "anajis",
            "p.parquet",
            replace(HOW, target_mcse=0.01),
            (
                "patients\n  got       a target_mcse\n  expected  a stated number of trials\n"
                "  fix       leave target_mcse out"
            ),
        ),
        (
            "sjia-withdrawal",
            "p.parquet",
            replace(HOW, trials=10**6),
            (
                f"patients\n  got       192,000,000 virtual patients\n  expected  at most {MOST_PATIENTS:,}\n"
                "  fix       ask for fewer --trials"
            ),
        ),
    ],
)
def test_what_cannot_be_written_is_refused(name: str, path: str, how: SimulationSettings, message: str) -> None:
    """Another ending, too many patients of any kind of trial, no stated number of trials."""
    with pytest.raises(InputError) as refused:
        refuse_patients(Path(path), read_scenario(name), how)
    assert [str(fault) for fault in refused.value.faults] == [message]
