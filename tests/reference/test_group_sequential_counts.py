"""Group-sequential tests of counts, exactly, against an independent recursion and rpact's simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.building import cases, named, points

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.sequential import Sequential
from anatrial.engine import type_one
from anatrial.engine.course import Course, trial
from anatrial.engine.stops import patients, stops
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.z_bounds import FutilityZ, GivenZ

Case = dict[str, Any]
CASES = cases("group_sequential.json", "two_arm_group_sequential_operating_characteristics")


def course(given: Case) -> Course:
    """The trial of a case."""
    futility = given["futility_z_interims"]
    rule = GroupSequential(
        kind="group_sequential",
        alpha=0.025,
        efficacy=GivenZ(family="z", bounds=tuple(given["efficacy_z"])),
        futility=None if futility is None else FutilityZ(family="z", bounds=tuple(futility)),
    )
    totals = zip(given["cumulative_n_treatment"], given["cumulative_n_control"], strict=True)
    looks = tuple(ArmSizes(treatment=n_t, control=n_c) for n_t, n_c in totals)
    design = Sequential.model_validate({"kind": "sequential", "looks": looks})
    assert list(rule.misfits(design.looks())) == []
    found = trial(rule, design)
    assert isinstance(found, Course)
    return found


@pytest.mark.parametrize("case", CASES, ids=named)
def test_where_trials_end(case: Case) -> None:
    """Power, the probability of each stop and the expected size are those of the independent recursion."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    found, truth = course(given), points(given["rate_treatment"], given["rate_control"])
    ends = stops(found, truth.law)
    rejects = [stop.success for stop in ends]
    assert sum(rejects) == pytest.approx(expected["exact_power"], abs=within)
    assert rejects == pytest.approx(expected["exact_reject_per_stage"], abs=within)
    assert [stop.futility for stop in ends[:-1]] == pytest.approx(expected["exact_futility_per_stage"], abs=within)
    assert patients(found, truth.law)[0].estimate.value == pytest.approx(expected["exact_expected_n"], abs=within)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_worst_type_one_error_without_futility(case: Case) -> None:
    """With futility that does not bind, type I error along the peer's grid of rates has the peer's maximum."""
    expected, within = case["expected"], case["tolerance"]["abs"]
    grid = np.linspace(0.005, 0.995, 397)
    worst = float(type_one.along(course(case["inputs"]), grid, 0.0).max())
    key = "exact_max_type1_without_futility_on_grid_0p005_to_0p995_step_0p0025"
    assert worst == pytest.approx(expected[key], abs=within)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_peers_simulation_agrees(case: Case) -> None:
    """The peer's 100,000 simulated trials have our exact power within four standard errors."""
    given, expected = case["inputs"], case["expected"]
    truth = points(given["rate_treatment"], given["rate_control"])
    exact = sum(stop.success for stop in stops(course(given), truth.law))
    error = math.sqrt(exact * (1 - exact) / expected["simulation_runs"])
    assert expected["simulated_power"] == pytest.approx(exact, abs=4 * error)
