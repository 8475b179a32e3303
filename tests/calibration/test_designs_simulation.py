"""Every shipped design, simulated patient by patient and look by look, against its exact numbers."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from tests.calibration.test_simulation import SEEDS, falls, rates_of
from tests.tolerances import monte_carlo

from anatrial.domain.counts import Look, Regions
from anatrial.domain.results import OperatingCharacteristics
from anatrial.engine.characteristics import characteristics
from anatrial.engine.course import Course, trial
from anatrial.files import read_scenario
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
DRAWS = 50_000


def cumulative(random: np.random.Generator, totals: list[int], rates: FloatArray) -> list[IntArray]:
    """Responders so far at each look, one patient at a time."""
    found, so_far = [], np.zeros(rates.shape, dtype=np.int64)
    for before, total in zip([0, *totals], totals, strict=False):
        for _ in range(total - before):
            so_far = so_far + (random.random(rates.shape) < rates)
        found.append(so_far)
    return found


def ends(
    regions: tuple[Regions, ...], x_t: list[IntArray], x_c: list[IntArray]
) -> list[tuple[BoolArray, BoolArray, BoolArray]]:
    """Per look: which trials get there, succeed there, and stop for futility there."""
    going = np.ones(x_t[0].shape, dtype=np.bool_)
    found = []
    for here, t, c in zip(regions, x_t, x_c, strict=True):
        success, harm = going & falls(here.success, t, c), going & falls(here.harm, t, c)
        futile = going & falls(here.futility, t, c) if here.futility else np.zeros_like(going)
        found.append((going, success, futile))
        going = going & ~success & ~harm & ~futile
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_design_agrees_with_simulation(path: Path, seed: int) -> None:
    """Under known and under uncertain rates: success, no-go and each stop are what trials do."""
    plan = read_scenario(path).resolved
    run = trial(plan.rule, plan.design)
    regions = run.regions if isinstance(run, Course) else (run,)
    checked = 0
    for name, truth in plan.truths.items():
        if not isinstance(truth, Points | DesignPrior):
            continue
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        if isinstance(truth, Points):
            rates_t, rates_c = (np.full(DRAWS, rate) for rate in truth.trial_rates())
        else:
            rates_t = rates_of(random, truth.treatment.mixture(), DRAWS)
            rates_c = rates_of(random, truth.control.mixture(), DRAWS) if truth.control else np.zeros(DRAWS)
        x_t = cumulative(random, [r.look.n_t for r in regions], rates_t)
        x_c = cumulative(random, [r.look.n_c for r in regions], rates_c)
        exact = characteristics(name, plan.rule, run, truth, rates=np.array([]))
        agree(exact, ends(regions, x_t, x_c), tuple(r.look for r in regions))
        checked += 1
    assert checked or not any(isinstance(t, Points | DesignPrior) for t in plan.truths.values())


def agree(
    exact: OperatingCharacteristics, seen: list[tuple[BoolArray, BoolArray, BoolArray]], looks: tuple[Look, ...]
) -> None:
    """The shares of simulated trials are the exact probabilities within Monte Carlo error."""

    def close(share: float, value: float) -> None:
        assert share == pytest.approx(value, abs=monte_carlo(value, DRAWS))

    success = sum(won.mean() for _, won, _ in seen)
    close(success, exact.metric("power" if exact.has("power") else "assurance").estimate.value)
    if exact.has("no_go"):
        close(seen[-1][2].mean(), exact.metric("no_go").estimate.value)
    for stop, (going, won, futile), look in zip(exact.stops, seen, looks, strict=bool(exact.stops)):
        assert stop.look == look
        close(going.mean(), stop.reached)
        close(won.mean(), stop.success)
        if look != looks[-1]:
            close(futile.mean(), stop.futility)
