"""Sample sizes of exact tests against rpact, gsDesign, Exact, clinfun and whole enumeration; in frequentist.json."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from tests.building import TESTS, cases, decided, named, points, resolved, sided

from anatrial.domain.counts import Look, Regions
from anatrial.engine.characteristics import power
from anatrial.plan.size import size
from anatrial.rules.exact_binomial import ExactBinomial

Case = dict[str, Any]
FILE = "frequentist.json"
SIZES = cases(FILE, "two_arm_exact_sample_size")


def two_sided(case: Case) -> bool:
    """Whether the peer's test looks both ways."""
    return bool(case["inputs"]["alternative"] == "two-sided")


@cache
def regions_of(test: str, alpha: float, looks: tuple[Look, ...], *, both: bool) -> tuple[Regions, ...]:
    """Regions of every size, made once for all rates."""
    return sided(test, alpha, two_sided=both).regions(looks)


@pytest.mark.parametrize("case", SIZES, ids=named)
def test_sample_sizes_of_two_arm_tests(case: Case) -> None:
    """Over the whole range of sizes, the first n, the n from which power holds and the power there are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    low, high = given["n_control_search_range"]
    high = min(high, 200)  # far beyond every stable n
    ratio = given["allocation_treatment_per_control"]
    looks = tuple(Look(ratio * n, n) for n in range(low, high + 1))
    regions = regions_of(given["test"], given["alpha"], looks, both=two_sided(case))
    rates = points(given["rate_treatment"], given["rate_control"])
    powers = dict(zip(range(low, high + 1), (sum(power(r, rates)) for r in regions), strict=True))
    for target in given["target_power"]:
        suffix = f"{100 * target:.0f}"
        first = min(n for n, p in powers.items() if p >= target)
        stable = 1 + max(n for n, p in powers.items() if p < target)
        assert (first, stable) == (expected[f"n_first_{suffix}"], expected[f"n_stable_{suffix}"])
        assert powers[first] == pytest.approx(expected[f"power_at_first_{suffix}"], abs=within)
        assert powers[stable - 1] == pytest.approx(expected[f"power_one_below_stable_{suffix}"], abs=within)


FAST = [c for c in SIZES if c["inputs"]["test"] == "fisher" and not two_sided(c)]
SLOW = [c for c in SIZES if c not in FAST and c["expected"]["n_stable_90"] < 25]  # whole regions at every size


@pytest.mark.parametrize("case", [*FAST, *SLOW], ids=named)
def test_size_search_finds_the_peers_sizes(case: Case) -> None:
    """The size command's search gives the first n, and the n that holds to the end of the range, of the peer."""
    given, expected = case["inputs"], case["expected"]
    low, high = given["n_control_search_range"]
    high = high if case in FAST else 60
    ratio = given["allocation_treatment_per_control"]
    written = "\n".join(f'{key} = "{value}"' for key, value in TESTS[given["test"]][1].items())
    level = f"alpha{'_two_sided' if two_sided(case) else ''} = {given['alpha']!r}"
    result = size(
        resolved(f"""
        design = {{ kind = "fixed", n = {{ treatment = {ratio * 10}, control = 10 }} }}
        [rule]
        {written}
        {level}
        [truths.expected]
        kind = "points"
        rates = {{ treatment = {given["rate_treatment"]!r}, control = {given["rate_control"]!r} }}
        [[targets]]
        metric = "power"
        truth = "expected"
        at_least = 0.8
        [[targets]]
        metric = "power"
        truth = "expected"
        at_least = 0.9
        [size]
        control = {{ from = {low}, to = {high} }}
        ratio = {ratio}
        """)
    )
    joint, at_80, at_90 = result.answers
    assert (at_80.first_n, at_80.holds_from) == (expected["n_first_80"], expected["n_stable_80"])
    assert (at_90.first_n, at_90.holds_from) == (expected["n_first_90"], expected["n_stable_90"])
    assert joint.holds_from == at_90.holds_from
    assert at_80.safe_n == at_80.holds_from  # every range goes at least max(20, 10 %) further


@pytest.mark.parametrize("case", cases(FILE, "single_arm_exact_sample_size"), ids=named)
def test_single_arm_sample_size(case: Case) -> None:
    """The search gives the peer's first and stable n of a single arm, with critical count, level and power there."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    low, high = given["n_search_range"]
    result = size(
        resolved(f"""
        design = {{ kind = "fixed", n = {{ treatment = 10 }} }}
        rule = {{ kind = "exact_binomial", alpha = {given["alpha_one_sided"]!r}, null_rate = {given["null_rate"]!r} }}
        truths.expected = {{ kind = "points", rates = {{ treatment = {given["alternative_rate"]!r} }} }}
        targets = [{{ metric = "power", truth = "expected", at_least = {given["power"]!r} }}]
        size = {{ per_arm = {{ from = {low}, to = {high} }} }}
        """)
    )
    answer = result.answers[0]
    assert (answer.first_n, answer.holds_from) == (expected["n_first"], expected["n_stable"])
    rule = ExactBinomial(kind="exact_binomial", alpha=given["alpha_one_sided"], null_rate=given["null_rate"])
    for at in ("first", "stable"):
        n = expected[f"n_{at}"]
        regions = decided(rule, n, 0)
        assert regions.success.staircase == (expected[f"critical_value_{at}"],)
        assert power(regions, points(given["null_rate"]))[0] == pytest.approx(expected[f"alpha_exact_{at}"], abs=within)
        chance = next(p.estimates[0].value for p in result.points if p.n == n)
        assert chance == pytest.approx(expected[f"power_{at}"], abs=within)
