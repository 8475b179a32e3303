"""Normal-theory sizes and power against rpact, gsDesign and clinfun; normal_sizes.json names the peer of each."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from tests.building import cases, decided, named, points, sided

from anatrial.engine.characteristics import power
from anatrial.numerics.normal_sizes import (
    Rates,
    Spread,
    casagrande_pike_smith,
    difference_spread,
    odds_ratio_spread,
    ratio_spread,
    restricted_odds_ratio,
    score_power,
    total_size,
)

Case = dict[str, Any]
FILE = "normal_sizes.json"


def rates(given: Case) -> Rates:
    """Where the trial really is."""
    return Rates(given["rate_treatment"], given["rate_control"])


def spread(given: Case) -> Spread:
    """The statistic on the scale of the case."""
    ratio = given["allocation_treatment_per_control"]
    if "null_odds_ratio" in given:
        return odds_ratio_spread(rates(given), ratio, given["null_odds_ratio"])
    if "null_risk_ratio" in given:
        return ratio_spread(rates(given), ratio, given["null_risk_ratio"])
    key = "null_difference" if "null_difference" in given else "null_difference_treatment_minus_control"
    return difference_spread(rates(given), ratio, given[key])


@pytest.mark.parametrize("case", cases(FILE, "two_arm_score_sample_size"), ids=named)
def test_sizes_on_three_scales(case: Case) -> None:
    """Unrounded sizes for differences, risk ratios and odds ratios, any null value and allocation, are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    ratio = given["allocation_treatment_per_control"]
    total = total_size(spread(given), ratio=ratio, alpha=given["alpha_one_sided"], power=given["power"])
    assert total == pytest.approx(expected["n_total_unrounded"], abs=within)
    assert total * ratio / (1 + ratio) == pytest.approx(expected["n_treatment_unrounded"], abs=within)
    if "constrained_rate_treatment" in expected:
        edge = restricted_odds_ratio(rates(given), ratio, given["null_odds_ratio"])
        assert edge.treatment == pytest.approx(expected["constrained_rate_treatment"], abs=within)
        assert edge.control == pytest.approx(expected["constrained_rate_control"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "two_arm_score_power"), ids=named)
def test_power_of_a_given_size(case: Case) -> None:
    """The normal power is the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    ratio, total = given["allocation_treatment_per_control"], given["n_total"]
    found = score_power(spread(given), ratio=ratio, alpha=given["alpha_one_sided"], total=total)
    assert found == pytest.approx(expected["power"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "two_arm_fisher_sample_size_local_search"), ids=named)
def test_corrected_formula_for_fishers_test(case: Case) -> None:
    """The formula's size, its exact power, and the least size near it from which the power holds are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    ratio = Fraction(given["allocation_2_per_1"])
    low, high = given["rate_1"], given["rate_2"]
    alpha = given["alpha_two_sided"]
    n = casagrande_pike_smith(Rates(high, low), ratio=float(ratio), alpha=alpha / 2, power=given["power"])

    def exact(n_1: int, n_2: int) -> float:
        """P(the doubled Fisher test rejects), either way."""
        return sum(power(decided(sided("fisher_doubled", alpha, two_sided=True), n_2, n_1), points(high, low)))

    def around(shift: int) -> tuple[int, int]:
        return math.ceil(n + shift), math.ceil(float(ratio) * (n + shift))

    assert around(0) == (expected["cps_n1"], expected["cps_n2"])
    assert exact(*around(0)) == pytest.approx(expected["cps_exact_power"], abs=within)
    # The peer looks at sizes up to five patients away, and there the least from which all the greater ones hold.
    least = around(1 + max(shift for shift in range(-5, 6) if exact(*around(shift)) < given["power"]))
    assert least == (expected["fisher_n1"], expected["fisher_n2"])
    assert exact(*least) == pytest.approx(expected["fisher_exact_power"], abs=within)


def test_rates_at_the_edge_have_no_size() -> None:
    """Where there is no effect no size has the power, and the error says so."""
    with pytest.raises(ValueError, match="no size"):
        total_size(difference_spread(Rates(0.3, 0.5), 1.0, -0.2), ratio=1.0, alpha=0.025, power=0.8)
