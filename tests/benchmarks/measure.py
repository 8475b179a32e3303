"""CPU times that can be compared: interleaved repetitions, medians, and one table for every suite."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison; times in seconds of CPU, the ratio in the direction of the target."""

    what: str
    ours: float
    peer: float
    ratio: float
    target: str
    accuracy: str = ""


def cpu(*tasks: Callable[[], object], repetitions: int = 7, least: float = 0.05) -> list[float]:
    """Median CPU seconds of each task.

    The tasks take turns, so that a busy machine slows all of them alike. A task that takes less than ``least`` seconds
    is called several times per turn, because the clock of the process is coarse.
    """
    calls = []
    for task in tasks:
        first = _once(task, 1)  # imports and caches are warm in every repetition
        calls.append(1 if first > 10 * least else max(1, round(least / max(_once(task, 1), 1e-7))))
    turns = [[_once(task, k) for task, k in zip(tasks, calls, strict=True)] for _ in range(repetitions)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def ratio(ours: Callable[[], object], peer: Callable[[], object], repetitions: int = 7) -> tuple[float, float, float]:
    """CPU seconds of ours, of the peer, and ours over peer."""
    first, second = cpu(ours, peer, repetitions=repetitions)
    return first, second, first / second


def fresh(*programs: str, repetitions: int = 5) -> list[float]:
    """Median CPU seconds of fresh Python processes that run the programs in turns, BLAS on one thread.

    Every module is compiled beforehand, as an installed package is.
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for program in programs:
        _process(program, environment)
    turns = [[_process(program, environment) for program in programs] for _ in range(repetitions)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def show(name: str, about: str | None, rows: Iterable[Row]) -> None:
    """Print a suite as a table, row by row as the numbers come."""
    print(f"\n{name}: {about}\n")
    print(f"{'what':<44}{'ours':>10}{'peer':>11}{'ratio':>11}  {'target':<12}accuracy")
    for row in rows:
        figures = f"{_seconds(row.ours):>10}{_seconds(row.peer):>11}{row.ratio:>11.3g}"
        print(f"{row.what:<44}{figures}  {row.target:<12}{row.accuracy}", flush=True)


def _once(task: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        task()
    return (time.process_time() - start) / calls


def _process(program: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"
