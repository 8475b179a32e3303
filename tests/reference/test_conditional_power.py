"""Conditional and predictive power by normal theory against rpact and closed forms; interim.json has the digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from tests.building import cases, named

from anatrial.numerics.conditional_power import (
    conditional_power,
    conditional_power_of_rates,
    predictive_power,
    trend,
)
from anatrial.numerics.normal_sizes import Rates
from anatrial.numerics.two_by_two import z_grid

Case = dict[str, Any]
FILE = "interim.json"


@pytest.mark.parametrize("case", cases(FILE, "conditional_power_z"), ids=named)
def test_conditional_and_predictive_power(case: Case) -> None:
    """Under the trend, no effect, the planned effect, and a normal prior on the effect, the values are the peer's."""
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    z, fraction, final = given["interim_z"], given["information_fractions"][0], given["final_efficacy_z"]
    assert trend(z, fraction) == pytest.approx(given["drift_at_full_information_trend"])
    for name in ("trend", "null", "design"):
        found = conditional_power(z, fraction, final, drift=given[f"drift_at_full_information_{name}"])
        assert found == pytest.approx(expected[f"cp_{name}"], abs=tolerance["abs"]), name
    prior = given["normal_prior_drift_mean"], given["normal_prior_drift_sd"]
    key = "predictive_power_normal_prior"
    assert predictive_power(z, fraction, final, prior=prior) == pytest.approx(expected[key], abs=tolerance[key])


@pytest.mark.parametrize("case", cases(FILE, "futility_scale_conversion"), ids=named)
def test_scales_of_futility(case: Case) -> None:
    """A futility bound on z is the peer's conditional power, predictive power, reverse conditional power and level."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    fraction, final = given["information_fraction"], given["final_efficacy_z"]
    z = given["interim_z"]
    trends = [conditional_power(one, fraction, final, drift=trend(one, fraction)) for one in z]
    flat = [predictive_power(one, fraction, final) for one in z]
    assert trends == pytest.approx(expected["conditional_power_at_observed_trend"], abs=within)
    assert flat == pytest.approx(expected["predictive_power_flat_prior"], abs=within)
    assert flat == pytest.approx(expected["reverse_conditional_power"], abs=within)
    assert ndtr(-np.array(z)).tolist() == pytest.approx(expected["p_value_one_sided"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "conditional_power_rates"), ids=named)
def test_conditional_power_of_assumed_rates(case: Case) -> None:
    """The interim z, and the chance of success by each look to come, are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    done = len(given["events_treatment_per_stage"])
    n_t, n_c = sum(given["n_treatment_per_stage"]), sum(given["n_control_per_stage"])
    z = float(z_grid(n_t, n_c)[sum(given["events_treatment_per_stage"]), sum(given["events_control_per_stage"])])
    assert z == pytest.approx(expected["interim_z"], abs=within)
    total = sum(given["planned_n_total_per_remaining_stage"])
    ratio = given["allocation_treatment_per_control"]
    found = conditional_power_of_rates(
        z,
        np.array(given["information_fractions"][done - 1 :]),
        np.array(given["efficacy_z"][done:]),
        rates=Rates(given["assumed_rate_treatment"], given["assumed_rate_control"]),
        ahead=(total * ratio / (1 + ratio), total / (1 + ratio)),
    )
    assert found.tolist() == pytest.approx(expected["conditional_power_by_remaining_stage"], abs=within)
