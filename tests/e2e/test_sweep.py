"""A sweep as a process of its own: whatever ends it, what was finished stays, and the results are the same."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.cli.project import ENVIRONMENT

CELLS = 60
SWEEP = (Path(__file__).parents[2] / "scenarios" / "anajis.toml").read_text(encoding="utf-8").partition("[size]")[0]
SWEEP += """
[[axes]]
path = "truths.expected.rates.control"
range = { from = 0.05, to = 0.34, step = 0.01 }

[[axes]]
path = "rule.kind"
values = ["fisher", "fisher_midp"]
"""
PATIENCE = 120
"""Seconds after which something is wrong, however busy the machine is."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(SWEEP, encoding="utf-8")
    return tmp_path


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "anatrial", "sweep", "plan.toml", "--json", *options]


def swept(folder: Path, *options: str) -> dict[str, Any]:
    """A whole sweep: its JSON."""
    done = subprocess.run(
        command(*options), cwd=folder, env=ENVIRONMENT, check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A sweep that runs, with its interruption as a person's shell would leave it."""
    return subprocess.Popen(
        command(*options),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - sets one signal
    )


def kept(folder: Path) -> int:
    """Cells in the store; none before it is made."""
    place = folder / ".anatrial" / "cells.sqlite"
    if not place.exists():
        return 0
    with closing(sqlite3.connect(place)) as store:
        try:
            return int(store.execute("SELECT count(*) FROM cells").fetchone()[0])
        except sqlite3.OperationalError:  # it is being made
            return 0


def stopped_in_the_middle(folder: Path, process: subprocess.Popen[str], number: int) -> int:
    """Send a signal as soon as some cells are kept; how many are kept then."""
    end = time.monotonic() + PATIENCE
    while not kept(folder) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.killpg(process.pid, number)
    process.communicate(timeout=PATIENCE)
    return kept(folder)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_sweep_goes_on_where_it_stopped(folder: Path, workers: str) -> None:
    """After kill -9 nothing that was kept is computed again, and the results are those of a sweep in one go."""
    whole = folder / "whole"
    whole.mkdir()
    (whole / "plan.toml").write_text(SWEEP, encoding="utf-8")
    swept(whole, "--out", "out")
    process = started(folder, "--workers", workers)
    before = stopped_in_the_middle(folder, process, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL or before == CELLS  # it may be quicker than the kill
    again = swept(folder, "--workers", workers, "--out", "out")
    assert again["counts"] == {"cells": CELLS, "finished": CELLS, "computed": CELLS - before, "failed": 0}
    for name in ("sweep.parquet", "sweep.csv"):
        assert (folder / "out" / name).read_bytes() == (whole / "out" / name).read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished(folder: Path, workers: str) -> None:
    """Exit code 130, a line that says where the cells are, no traceback, and the second start goes on."""
    process = started(folder, "--workers", workers)
    end = time.monotonic() + PATIENCE
    while not kept(folder) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    before = kept(folder)
    assert process.returncode == 130 or before == CELLS
    assert "Traceback" not in said
    assert "goes on from there" in said or before == CELLS
    assert swept(folder)["counts"]["computed"] == CELLS - before


def test_two_sweeps_at_once_share_a_store(folder: Path) -> None:
    """Both end well with the same results, and every cell is kept once."""
    both = [started(folder, "--out", name) for name in ("one", "two")]
    told = [process.communicate(timeout=PATIENCE) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert kept(folder) == CELLS
    assert (folder / "one" / "sweep.parquet").read_bytes() == (folder / "two" / "sweep.parquet").read_bytes()
    assert swept(folder)["counts"]["computed"] == 0


def test_a_cell_that_fails_is_reported_and_the_others_go_on(folder: Path) -> None:
    """Values that fit alone and not together: one cell fails, its row says why; exit code 4; the rest is told."""
    axes = """
[[axes]]
path = "truths.no-effect.control.from"
values = [0.1, 0.4]
[[axes]]
path = "truths.no-effect.control.to"
values = [0.3, 0.9]
"""
    (folder / "plan.toml").write_text(SWEEP.partition("[[axes]]")[0] + axes, encoding="utf-8")
    done = subprocess.run(
        command("--out", "out"), check=False, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 4, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"] == {"cells": 4, "finished": 4, "computed": 4, "failed": 1}
    ends = {f"truths.no-effect.control.{end}": value for end, value in (("from", 0.4), ("to", 0.3))}
    assert told["failures"][0]["settings"] == ends
    rows = pq.read_table(folder / "out" / "sweep.parquet").to_pylist()
    assert [row["cell"] for row in rows if row["failure"] is not None] == [2]
    assert {row["cell"] for row in rows} == {0, 1, 2, 3}


def test_the_long_table_has_a_row_per_cell_truth_and_metric(folder: Path) -> None:
    """Cells, axes, truths, metrics, and the numbers of a run of the file as it is."""
    swept(folder, "--out", "out")
    table = pq.read_table(folder / "out" / "sweep.parquet").to_pylist()
    assert {row["cell"] for row in table} == set(range(CELLS))
    own = [r for r in table if r["truths.expected.rates.control"] == 0.1 and r["rule.kind"] == "fisher"]
    done = subprocess.run(
        [sys.executable, "-m", "anatrial", "run", "plan.toml", "--json"],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    run = json.loads(done.stdout)
    for truth in run["characteristics"]:
        for metric in truth["metrics"]:
            (row,) = [r for r in own if r["truth"] == truth["truth"] and r["metric"] == metric["name"]]
            assert row["value"] == metric["estimate"]["value"]
            assert row["engine"] == "exact"
