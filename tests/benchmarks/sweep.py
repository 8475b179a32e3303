"""Ten thousand exact two-arm cells through the whole program: store, workers, warm store, kill -9, memory."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from tests.benchmarks.measure import Row

import anatrial
from anatrial.files.scenarios import scenario_paths
from anatrial.files.sweeps import read_sweep
from anatrial.plan.cells import cell_result
from anatrial.plan.variants import variant

AXES = """
[[axes]]
path = "design.n"
range = {{ from = 20, to = {last}, step = 1 }}

[[axes]]
path = "rule.certainty"
range = {{ from = 0.95, to = 0.995, points = 10 }}

[[axes]]
path = "rule.analysis_prior.control.robust_weight"
range = {{ from = 0.05, to = 0.95, points = 10 }}
"""
SMALL = """
version = 1
title = "A single arm of five"
question = "How much memory do many cells take?"
indication = "sjia"
endpoint = "acr30-no-fever"
[design]
kind = "fixed"
n = {{ treatment = 5 }}
[rule]
kind = "exact_binomial"
alpha = 0.05
null_rate = 0.2
[truths.expected]
kind = "points"
rates = {{ treatment = 0.6 }}
[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
[[axes]]
path = "truths.expected.rates.treatment"
range = {{ from = 0.2, to = 0.9, points = {cells} }}
"""
SAMPLE = 100
"""Cells in a row whose bare evaluation is timed, at each of five places of a sweep."""


def rows() -> Iterator[Row]:
    """Every part of the suite; each sweep is a process of its own, started as a user would."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, part = _written(folder / "whole.toml", last=119), _written(folder / "part.toml", last=39)
        bare = _bare(whole)
        cold = _swept(folder, whole, "cold.sqlite")
        warm = _swept(folder, whole, "cold.sqlite")
        speed = f"{10_000 / cold:.0f} cells a second; bare evaluation {1e3 * bare:.2f} ms a cell"
        yield Row("1e4 cells, end to end v bare (wall)", cold, 1e4 * bare, cold / (1e4 * bare), "<= 2", speed)
        yield Row("1e4 cells, first run v warm store (wall)", cold, warm, cold / warm, ">= 50")
        two = _swept(folder, whole, "two.sqlite", "--workers", "2")
        yield Row("1e4 cells, 1 worker v 2 (wall)", cold, two, cold / two, ">= 1.6")
        yield _resumed(folder, part)
        yield _memory(folder)


def _written(path: Path, last: int) -> Path:
    text = scenario_paths()["sjia-next-trial"].read_text(encoding="utf-8")
    start = min(
        text.find(mark) if mark in text else len(text) for mark in ("[[axes]]", "[sweep]", "[[tipping_points]]")
    )
    path.write_text(text[:start] + AXES.format(last=last), encoding="utf-8")
    return path


def _bare(path: Path) -> float:
    """Seconds that the engine alone takes for a cell: neighbours, as a sweep takes them, at five places of it."""
    plan = read_sweep(path)
    starts = range(plan.cells // 10, plan.cells, plan.cells // 5)
    cells = [one for start in starts for one in islice(plan.questions(), start, start + SAMPLE)]
    trials = [variant(one.base, one.settings) for one in cells]
    began = time.perf_counter()
    for trial in trials:
        cell_result(trial)
    return (time.perf_counter() - began) / len(trials)


def _swept(folder: Path, path: Path, store: str, *options: str) -> float:
    start = time.perf_counter()
    told = [*_command(path, folder / store), "--out", str(folder / store) + "-out", *options]
    subprocess.run(told, check=True, stdout=subprocess.DEVNULL, env=_environment())
    return time.perf_counter() - start


def _command(path: Path, store: Path) -> list[str]:
    return [sys.executable, "-m", "anatrial", "sweep", str(path), "--store", str(store)]


def _environment() -> dict[str, str]:
    """Every module is compiled by the first process, as an installed package is."""
    source = str(Path(anatrial.__file__).parents[1])
    found = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": source}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def _resumed(folder: Path, path: Path) -> Row:
    """A sweep is killed in the middle; the second start computes what was not kept."""
    store = folder / "killed.sqlite"
    told = [*_command(path, store), "--json", "--workers", "2"]
    start = time.perf_counter()
    process = subprocess.Popen(told, start_new_session=True, stdout=subprocess.DEVNULL, env=_environment())
    while _kept(store) < 800 and process.poll() is None:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    first, kept = time.perf_counter() - start, _kept(store)
    start = time.perf_counter()
    done = subprocess.run(told, check=True, capture_output=True, env=_environment())
    second, computed = time.perf_counter() - start, json.loads(done.stdout)["counts"]["computed"]
    accuracy = f"{kept} cells kept at the kill, then {computed} computed"
    return Row("2,000 cells, killed and resumed (wall)", first, second, (kept + computed) / 2000, "1", accuracy)


def _kept(store: Path) -> int:
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as cells, suppress(sqlite3.OperationalError):  # it may be being made
        return int(cells.execute("SELECT count(*) FROM cells").fetchone()[0])
    return 0


def _memory(folder: Path) -> Row:
    """Peak resident memory of whole sweeps, in one process each."""
    peaks, times = [], []
    for cells in (1_000, 100_000):
        path = folder / f"{cells}.toml"
        path.write_text(SMALL.format(cells=cells), encoding="utf-8")
        start = time.perf_counter()
        told = _command(path, folder / "memory.sqlite")
        process = subprocess.Popen(told, stdout=subprocess.DEVNULL, env=_environment())
        _, process.returncode, used = os.wait4(process.pid, 0)
        peaks.append(used.ru_maxrss / 1024)
        times.append(time.perf_counter() - start)
    accuracy = f"peak memory {peaks[1]:.0f} MB and {peaks[0]:.0f} MB: the ratio"
    return Row("1e5 cells v 1e3 (wall)", times[1], times[0], peaks[1] / peaks[0], "flat", accuracy)
