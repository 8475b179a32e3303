"""The simulator against a numpy loop over trials and the exact engine; workers, streams, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from tests.benchmarks.measure import Row, cpu

from anatrial.documents.scenario import counts_trial
from anatrial.domain.counts import Regions
from anatrial.domain.tally import Block, SimulationSettings, Tally
from anatrial.engine.characteristics import power
from anatrial.engine.course import Course, Trial, trial
from anatrial.engine.simulation import block_stream, one_block, simulated
from anatrial.files import read_scenario
from anatrial.plan.patients import block, virtual_trial
from anatrial.truths.points import Points

LOOP = 2_000  # trials of a loop, multiplied up
PRECISE = SimulationSettings(1_000, 1, target_mcse=5e-4)
MEMORY = """
import sys
from anatrial.domain.tally import SimulationSettings
from anatrial.engine.simulation import simulated
from anatrial.files import read_scenario
from anatrial.plan.patients import block
simulated(block(read_scenario("anajis").resolved, "expected"), SimulationSettings(int(sys.argv[1]), 1))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def rows() -> Iterator[Row]:
    """Rows of every part of the suite."""
    for name, truth in (("anajis", "expected"), ("sjia-next-trial", "expected"), ("as-group-sequential", "expected")):
        yield _against_a_loop(name, truth)
    for name, truth in (("anajis", "expected"), ("as-group-sequential", "expected")):
        yield _against_exact(name, truth)
    yield _workers()
    yield from _streams()
    yield _memory()


def _planned(name: str, truth: str) -> tuple[Block, Trial, Points]:
    plan = counts_trial(read_scenario(name), "the benchmark").resolved
    rates = virtual_trial(plan, truth).setting.truth
    assert isinstance(rates, Points)
    return block(plan, truth), trial(plan.rule, plan.design), rates


def _against_a_loop(name: str, truth: str) -> Row:
    """Trials per second; the loop draws each arm of one trial with numpy, and asks the same regions look by look."""
    virtual, run, rates = _planned(name, truth)
    loop = _loop(run.regions if isinstance(run, Course) else (run,), rates)
    ours, peer = cpu(lambda: one_block(virtual, 1, 0, virtual.size), loop)
    ours, peer = ours / virtual.size * 1e5, peer / LOOP * 1e5
    return Row(f"1e5 trials of {name}", ours, peer, peer / ours, ">= 5")


def _loop(regions: tuple[Regions, ...], rates: Points) -> Callable[[], int]:
    """A plain simulation, one trial after the other: its successes."""
    rate_t, rate_c = rates.trial_rates()
    last = regions[-1].look
    grids = [
        (tuple(found.look), found.success.grid, None if found.futility is None else found.futility.grid)
        for found in regions
    ]

    def run() -> int:
        random, wins = np.random.default_rng(1), 0
        for _ in range(LOOP):
            treatment, control = random.random(last.n_t) < rate_t, random.random(last.n_c) < rate_c
            for (n_t, n_c), success, futility in grids:
                table = treatment[:n_t].sum(), control[:n_c].sum()
                if success[table]:
                    wins += 1
                    break
                if futility is not None and futility[table]:
                    break
        return wins

    return run


def _against_exact(name: str, truth: str) -> Row:
    """The power to three decimals: simulated to a standard error of 0.0005, and enumerated."""
    virtual, run, rates = _planned(name, truth)
    found = dict(simulated(virtual, PRECISE).sums)["power"].estimate()
    exact = power(run, rates)[0]
    ours, peer = cpu(lambda: simulated(virtual, PRECISE), lambda: power(run, rates), repetitions=3)
    apart = abs(found.value - exact) / (found.mcse or 1.0)
    accuracy = f"{found.value:.4f} ± {found.mcse:.4f} in {found.draws:,} trials, exact {exact:.4f}: {apart:.1f} errors"
    return Row(f"power of {name} v exact", ours, peer, ours / peer, "reported", accuracy)


def _workers() -> Row:
    """The same bits from one process, two and three; wall times of one and two."""
    virtual = _planned("sjia-next-trial", "expected")[0]
    found: dict[int, Tally] = {}
    times = {}
    for workers in (2, 3, 1, 2):  # processes are started the first time
        start = time.perf_counter()
        found[workers] = simulated(virtual, SimulationSettings(2_000_000, 1, workers))
        times[workers] = time.perf_counter() - start
    same = found[1] == found[2] == found[3]
    accuracy = f"1, 2 and 3 workers {'bit-identical' if same else 'DIFFER'}"
    return Row("2e6 trials, 1 worker v 2 (wall)", times[1], times[2], times[1] / times[2], "alike", accuracy)


def _streams() -> Iterator[Row]:
    """Making the two streams of a block, against running it."""
    for name in ("anajis", "sjia-next-trial", "as-group-sequential"):
        virtual = _planned(name, "expected")[0]
        stream, whole = cpu(lambda: block_stream(1, 7).spawn(1), lambda v=virtual: one_block(v, 1, 7, v.size))  # type: ignore[misc]
        yield Row(f"streams of {name} v its blocks", stream, whole, stream / whole, "<= 0.01")


def _memory() -> Row:
    """Peak resident memory of whole processes."""
    peaks, times = [], []
    for trials in (100_000, 10_000_000):
        start = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-c", MEMORY, str(trials)], check=True, capture_output=True, text=True, env=os.environ
        )
        times.append(time.perf_counter() - start)
        peaks.append(int(told.stdout) / 1024)
    accuracy = f"peak memory (VmHWM) {peaks[1]:.0f} MB and {peaks[0]:.0f} MB: the ratio"
    return Row("1e7 trials v 1e5 (wall)", times[1], times[0], peaks[1] / peaks[0], "<= 1.05", accuracy)
