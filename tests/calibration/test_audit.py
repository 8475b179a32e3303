"""Every shipped scenario of every kind, simulated patient by patient against its exact numbers, as ``--audit`` does."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Estimate, exactly
from anatrial.domain.simulation import MOST_ERRORS
from anatrial.domain.tally import SimulationSettings, Sum
from anatrial.files import read_scenario
from anatrial.plan import patients
from anatrial.plan.simulate import apart, simulate
from anatrial.report.simulate_text import agreement

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
TRIALS = 20_000
FEWER = {
    "as-visits": 4_000,
    "il1-basket": 4_000,
    "ra-adaptive-doses": 500,
    "ra-two-doses": 5_000,
    "sjia-flare-posterior": 500,
    "sjia-flare-time": 2_000,
    "sjia-response-adaptive": 500,
    "sjia-valencia": 5_000,
    "sjia-withdrawal": 5_000,
}
"""Kinds of trial whose analysis takes long."""
NOT_ENUMERATED = {"ra-adaptive-doses", "sjia-response-adaptive", "sjia-strata"}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_simulated_numbers_are_the_exact_ones(path: Path) -> None:
    """No number lies further than four combined standard errors from the enumerated one, under any truth."""
    used = read_scenario(path)
    found = simulate(used, SimulationSettings(FEWER.get(path.stem, TRIALS), used.resolved.seed))
    compared = [row for truth in found.truths for row in truth.rows if row.errors is not None]
    assert bool(compared) != (path.stem in NOT_ENUMERATED)
    assert found.agrees, agreement(found)


def test_chances_are_compared_by_binomial_tails() -> None:
    """Eight hits where one is expected: the binomial tail is as improbable as 4.25 normal deviates, not as seven."""
    tail = 1 - sum(math.comb(10_000, k) * 1e-4**k * (1 - 1e-4) ** (10_000 - k) for k in range(8))
    deviates = apart(Sum(10_000, 8.0, 8.0, chance=True), exactly(1e-4))
    assert 0.5 * math.erfc(deviates / math.sqrt(2)) == pytest.approx(tail, rel=1e-6)
    assert deviates == pytest.approx(4.26, abs=0.01)


def test_what_cannot_happen_and_does_is_far_away() -> None:
    """A single hit of a chance that is 0, or a single miss of one that is 1, is no agreement."""
    assert apart(Sum(100, 1.0, 1.0, chance=True), exactly(0.0)) == math.inf
    assert apart(Sum(100, 99.0, 99.0, chance=True), exactly(1.0)) == math.inf
    assert apart(Sum(100, 0.0, 0.0, chance=True), exactly(0.0)) == 0


def test_means_are_compared_by_their_error() -> None:
    """Mean 3 with standard error 0.1 is five errors from 2.5; exact bounds that hold it are no distance."""
    total = Sum(100, 300.0, 900.0 + 99.0, chance=False)
    assert total.estimate().mcse == pytest.approx(math.sqrt(0.99 / 99))
    assert apart(total, exactly(2.5)) == pytest.approx(5.0)
    assert apart(total, Estimate(2.5, 2.0, 3.5)) == 0
    assert apart(Sum(2, 4.0, 8.0, chance=False), exactly(1.0)) == math.inf


def test_a_wrong_exact_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exact power that is one percentage point off is beyond four errors at 100,000 trials."""
    used, right = read_scenario("anajis"), patients.enumerated

    def wrong(used: ResolvedScenario, result: object, name: str) -> dict[str, Estimate]:
        found = right(used, result, name)  # type: ignore[arg-type]
        return found | ({"power": exactly(found["power"].value + 0.01)} if "power" in found else {})

    monkeypatch.setattr(patients, "enumerated", wrong)
    found = simulate(used, SimulationSettings(100_000, 1))
    assert found.furthest is not None
    assert found.furthest > MOST_ERRORS
    assert "they do not agree" in agreement(found)
