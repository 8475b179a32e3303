"""Exact tests and sizes against rpact, gsDesign, Exact, clinfun and scipy; frequentist.json names the peer of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from tests.building import cases, decided, named, points, sided

from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.numerics.score import score_grid, score_p_value
from anatrial.numerics.two_by_two import p_values, unconditional_p_values, wald_p_value
from anatrial.numerics.unconditional import shared_rate_supremum
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.score import Score
from anatrial.rules.unconditional import Unconditional

Case = dict[str, Any]
FILE = "frequentist.json"
KEYS = {
    "fisher_two_sided": "Fisher two-sided",
    "fisher_doubled": "Fisher doubled",
    "fisher_midp_greater": "Fisher mid-p one-sided",
    "fisher_midp_no_more_likely": "Fisher mid-p two-sided",
    "fisher_midp_doubled": "Fisher mid-p doubled",
    "fisher_greater": "Fisher one-sided",
    "chi2_uncorrected_greater": "z one-sided, treatment better",
    "chi2_uncorrected_two_sided": "chi-square uncorrected",
    "chi2_yates_two_sided": "chi-square with Yates correction",
    "boschloo_greater": "Boschloo one-sided",
    "boschloo_two_sided": "Boschloo two-sided",
    "boschloo_doubled": "Boschloo doubled",
    "barnard_z_pooled_greater": "Barnard pooled one-sided",
    "barnard_z_pooled_two_sided": "Barnard pooled two-sided",
    "barnard_z_unpooled_greater": "Barnard unpooled one-sided",
    "barnard_z_unpooled_two_sided": "Barnard unpooled two-sided",
    "wald_unpooled_two_sided": "Wald",
    "noninferiority_margin_0.1_unconditional_score_greater": "score at margin -0.1",
}


def two_sided(case: Case) -> bool:
    """Whether the peer's test looks both ways."""
    return bool(case["inputs"]["alternative"] == "two-sided")


@pytest.mark.parametrize("case", cases(FILE, "two_arm_exact_power"), ids=named)
def test_power_and_tables_of_two_arm_tests(case: Case) -> None:
    """P(rejects) at every pair of rates, type I error at null rates and the number of tables are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    rule = sided(given["test"], given["alpha"], two_sided=two_sided(case))
    regions = decided(rule, given["n_treatment"], given["n_control"])
    found = [sum(power(regions, points(*pair))) for pair in given["rate_pairs_treatment_control"]]
    assert found == pytest.approx(expected["power"], abs=within)
    nulls = type_one.along(regions, np.array(given["null_rates"]), 0.0).tolist()
    assert nulls == pytest.approx(expected["type1_at_null_rates"], abs=within)
    assert regions.success.tables + regions.harm.tables == expected["number_of_rejected_tables"]


@pytest.mark.parametrize("case", cases(FILE, "two_arm_exact_power"), ids=named)
def test_certificate_holds_the_peers_worst_type_one_error(case: Case) -> None:
    """The peer's refined maximum is met by the found value, and no value of the peer passes the bound."""
    given, expected = case["inputs"], case["expected"]
    rule = sided(given["test"], given["alpha"], two_sided=two_sided(case))
    regions = decided(rule, given["n_treatment"], given["n_control"])
    worst = type_one.worst(regions, (0.0, 1.0), 0.0)
    again = shared_rate_supremum(regions.success.grid | regions.harm.grid)
    assert (again.found, again.bound) == pytest.approx((worst.found, worst.bound), abs=1e-6)
    if isinstance(rule, Unconditional):
        assert worst.found <= given["alpha"]
    assert worst.found == pytest.approx(expected["type1_max"], abs=case["tolerance"]["type1_max"])
    assert worst.found - 1e-12 <= expected["type1_max"] <= worst.bound + 1e-12 or worst.found >= expected["type1_max"]
    assert worst.found <= worst.bound <= worst.found + 2e-6
    assert max(expected["type1_at_null_rates"]) <= worst.bound


@pytest.mark.parametrize("case", cases(FILE, "two_arm_p_values"), ids=named)
def test_p_values_of_one_table(case: Case) -> None:
    """Every p-value that papers use is the peer's."""
    given, within = case["inputs"], case["tolerance"]["abs"]
    x_t, n_t, x_c, n_c = (given[f"{what}_{arm}"] for arm in ("treatment", "control") for what in ("events", "n"))
    found = {
        **p_values(x_t, n_t, x_c, n_c),
        **unconditional_p_values(x_t, n_t, x_c, n_c),
        "Wald": wald_p_value(x_t, n_t, x_c, n_c),
        "score at margin -0.1": score_p_value((x_t, x_c), n_t, n_c, -0.1),
    }
    assert set(case["expected"]) == set(KEYS)
    for key, expected in case["expected"].items():
        assert found[KEYS[key]] == pytest.approx(expected, abs=within), key


@pytest.mark.parametrize("case", cases(FILE, "single_arm_exact_power"), ids=named)
def test_single_arm_exact_test(case: Case) -> None:
    """The critical count, the exact level and the power of the exact binomial test are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    rule = ExactBinomial(kind="exact_binomial", alpha=given["alpha_one_sided"], null_rate=given["null_rate"])
    regions = decided(rule, given["n"], 0)
    assert regions.success.staircase == (expected["critical_value"],)
    assert power(regions, points(given["null_rate"]))[0] == pytest.approx(expected["alpha_exact"], abs=within)
    assert power(regions, points(given["alternative_rate"]))[0] == pytest.approx(expected["power"], abs=within)
    mirrored = rule.model_copy(update={"null_rate": 1 - given["null_rate"]})  # the lower tail, by counting the others
    least = (decided(mirrored, given["n"], 0).success.staircase or (None,))[0]
    assert (-1 if least is None else given["n"] - least) == expected["critical_value_lower_tail"]
    lower = power(decided(mirrored, given["n"], 0), points(1 - given["null_rate"]))[0]
    assert lower == pytest.approx(expected["alpha_exact_lower_tail"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "score_test_statistic"), ids=named)
def test_score_statistic(case: Case) -> None:
    """Farrington and Manning's z, and its normal p-value, are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    z = score_grid(given["n_treatment"], given["n_control"], given["null_difference"])
    found = float(z[given["events_treatment"], given["events_control"]])
    assert found == pytest.approx(expected["z"], abs=within)
    assert ndtr(-found) == pytest.approx(expected["p_greater"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "two_arm_exact_noninferiority_power"), ids=named)
def test_exact_non_inferiority(case: Case) -> None:
    """Power, number of tables and worst type I error along the margin are the peer's, who writes the margin as loss."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]
    rule = Score(kind="score", alpha=given["alpha_one_sided"], margin=-given["margin"])
    regions = decided(rule, given["n_treatment"], given["n_control"])
    chance = power(regions, points(given["rate_treatment"], given["rate_control"]))[0]
    assert chance == pytest.approx(expected["power"], abs=within["abs"])
    assert regions.success.tables == expected["number_of_rejected_tables"]
    worst = type_one.worst(regions, (given["margin"], 1.0), -given["margin"])
    size = expected["size_sup_on_null_boundary"]
    assert worst.found == pytest.approx(size, abs=within["size_sup_on_null_boundary"])
    assert size <= worst.bound <= given["alpha_one_sided"]
