"""Every shipped design, simulated patient by patient and look by look, against its exact numbers."""

from __future__ import annotations

import tomllib
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tests.calibration.test_simulation import SEEDS, falls, rates_of
from tests.tolerances import monte_carlo

from anatrial.documents.trials import COUNTS
from anatrial.domain.counts import Look, Region, Regions
from anatrial.domain.results import OperatingCharacteristics
from anatrial.engine.characteristics import characteristics, null_margins
from anatrial.engine.course import Course, Trial, trial
from anatrial.files import read_scenario
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.rules import AnyRule
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

SCENARIOS = [
    path
    for path in sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
    if tomllib.loads(path.read_text())["design"]["kind"] in COUNTS
]
"""Trials that count responders in one arm or two; ``test_audit`` simulates the others."""
DRAWS = 50_000


class Counts:
    """Responders per arm after so many patients, one patient at a time, at any totals that are asked for."""

    def __init__(self, random: np.random.Generator, totals: list[Look], rates: tuple[FloatArray, FloatArray]) -> None:
        self._arms = []
        for arm, rate in enumerate(rates):
            found, so_far, before = {}, np.zeros(rate.shape, dtype=np.int64), 0
            for total in sorted({look[arm] for look in totals}):
                for _ in range(total - before):
                    so_far = so_far + (random.random(rate.shape) < rate)
                found[total], before = so_far, total
            self._arms.append(found)

    def lie_in(self, region: Region | None) -> BoolArray:
        """Whether each trial's counts at the region's look lie in it."""
        if region is None:
            return np.zeros(DRAWS, dtype=np.bool_)
        x_t, x_c = (found[n] for found, n in zip(self._arms, region.look, strict=True))
        return falls(region, x_t, x_c)


class Ends(NamedTuple):
    """Which trials get to a look, and end there."""

    going: BoolArray
    success: BoolArray
    futility: BoolArray
    harm: BoolArray


def ends(regions: tuple[Regions, ...], counts: Counts, *, futility: bool = True) -> list[Ends]:
    """Look by look what happens to each trial."""
    going = np.ones(DRAWS, dtype=np.bool_)
    found = []
    for here in regions:
        success, harm = going & counts.lie_in(here.success), going & counts.lie_in(here.harm)
        futile = going & counts.lie_in(here.futility if futility else None)
        if not futility and here.overlap is not None and here is not regions[-1]:  # futility would have hidden it
            success = success | (going & counts.lie_in(here.overlap) & counts.lie_in(here.futility))
        found.append(Ends(going, success, futile, harm))
        going = going & ~success & ~harm & ~futile
    return found


def looked(run: Trial) -> tuple[tuple[Regions, ...], list[Look]]:
    """The regions of every look, and all totals at which something is decided."""
    if not isinstance(run, Course):
        return (run,), [run.look]
    return run.regions, [*run.looks, *(again.look for again in run.again if again is not None)]


def close(shares: BoolArray, value: float) -> None:
    """The share of simulated trials is the exact probability within Monte Carlo error."""
    assert shares.mean() == pytest.approx(value, abs=monte_carlo(value, DRAWS))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_design_agrees_with_simulation(path: Path, seed: int) -> None:
    """Success, no-go, stops, patients, the pipeline, and type I error without stops for futility, under every truth."""
    plan = read_scenario(path).resolved
    run = trial(plan.rule, plan.design)
    regions, totals = looked(run)
    for name, truth in plan.truths.items():
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        exact = characteristics(name, plan.rule, run, truth, rates=np.array([]))
        if isinstance(truth, NoEffect):
            no_effect(exact, plan.rule, run, random)
        elif isinstance(truth, Points | DesignPrior):
            counts = Counts(random, totals, drawn(truth, random))
            agree(exact, run, ends(regions, counts), counts)


def drawn(truth: Points | DesignPrior, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """True rates per simulated trial."""
    if isinstance(truth, Points):
        rate_t, rate_c = truth.trial_rates()
        return np.full(DRAWS, rate_t), np.full(DRAWS, rate_c)
    control = rates_of(random, truth.control.mixture(), DRAWS) if truth.control else np.zeros(DRAWS)
    return rates_of(random, truth.treatment.mixture(), DRAWS), control


def agree(exact: OperatingCharacteristics, run: Trial, seen: list[Ends], counts: Counts) -> None:
    """Everything told of a truth is what the simulated trials do."""
    won = np.any([end.success for end in seen], axis=0)
    close(won, exact.metric("power" if exact.has("power") else "assurance").estimate.value)
    if exact.has("no_go"):
        close(seen[-1].futility, exact.metric("no_go").estimate.value)
    if not isinstance(run, Course):
        return
    patients: IntArray = np.zeros(DRAWS, dtype=np.int64)
    for index, (stop, end) in enumerate(zip(exact.stops, seen, strict=True)):
        last = index == len(seen) - 1
        close(end.going, stop.reached)
        close(end.success, stop.success)
        close(end.harm, stop.harm)
        if not last:
            close(end.futility, stop.futility)
        stops = end.going if last else end.success | end.harm | end.futility
        patients[stops] = sum(run.looks[index]) + sum(run.waiting[index])
        again = run.again[index]
        if again is not None and stop.success_turned is not None:
            close(end.success & ~counts.lie_in(again.success), stop.success_turned)
        if again is not None and stop.futility_turned is not None:
            close(end.futility & ~counts.lie_in(again.futility), stop.futility_turned)
    error = 4.5 * float(patients.std()) / DRAWS**0.5
    assert patients.mean() == pytest.approx(exact.metric("expected_n").estimate.value, abs=error + 1e-9)


def no_effect(exact: OperatingCharacteristics, rule: AnyRule, run: Trial, random: np.random.Generator) -> None:
    """At the worst rate of the stated range as many trials err as the largest type I error says."""
    worst = exact.metric("type1_max")
    assert worst.at is not None
    regions, totals = looked(run)
    shares = []
    for margin in null_margins(rule, run):
        rates = np.full(DRAWS, min(max(worst.at + margin, 0.0), 1.0)), np.full(DRAWS, worst.at)
        seen = ends(regions, Counts(random, totals, rates), futility=not isinstance(run, Course) or run.binding)
        shares.append(np.any([end.success | end.harm for end in seen], axis=0))
    if len(shares) == 1:
        close(shares[0], worst.estimate.value)
    else:  # of two edges one has the worst
        assert max(share.mean() for share in shares) == pytest.approx(
            worst.estimate.value, abs=monte_carlo(worst.estimate.value, DRAWS)
        )
