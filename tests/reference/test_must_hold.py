"""Figures that the project stands for, digit by digit: published trials, their plans, and known traps."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from tests.building import decided, points, posterior, sided
from tests.tolerances import ROUNDING, printed

from anatrial.domain.counts import Region, Regions
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.numerics.two_by_two import p_values

AS_RULE = posterior([[1, 0.5, 1]], [[1, 11, 32]], 0.95)


def no_more_likely(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's two-sided p-value by counting the tables that are no more likely, in whole numbers."""
    k = x_t + x_c
    ways = {i: comb(n_t, i) * comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}
    return Fraction(sum(w for w in ways.values() if w <= ways[x_t]), comb(n_t + n_c, k))


def rejected(regions: Regions) -> set[tuple[int, int]]:
    """Tables on which either direction is decided."""
    found = set()
    for region in (regions.success, regions.harm):
        found |= {(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)}
    return found


def test_anajis_p_values() -> None:
    """ANAJIS, 8 of 12 v 1 of 12: uncorrected chi-square 0.0032, Fisher two-sided 0.0094."""
    found = p_values(8, 12, 1, 12)
    assert found["chi-square uncorrected"] == pytest.approx(0.0032, abs=printed(4))
    assert found["Fisher two-sided"] == pytest.approx(0.0094, abs=printed(4))


@pytest.mark.parametrize(("test", "chance", "size"), [("fisher", 0.8262, 0.0228), ("chi2_uncorrected", 0.9202, 0.0640)])
def test_anajis_plan(test: str, chance: float, size: float) -> None:
    """ANAJIS as planned, 12 v 12 at 0.70 v 0.10, two-sided 5 %: Fisher 0.8262 (0.0228), chi-square 0.9202 (0.0640)."""
    regions = decided(sided(test, 0.05, two_sided=True), 12, 12)
    assert power(regions, points(0.7, 0.1))[0] == pytest.approx(chance, abs=printed(4))
    worst = type_one.worst(regions, (0.0, 1.0), 0.0)
    assert worst.found == pytest.approx(size, abs=printed(4))
    assert worst.bound == pytest.approx(size, abs=printed(4))


@pytest.mark.parametrize(
    ("control", "size"), [(0.20, 0.005), (0.25, 0.020), (0.30, 0.057), (0.35, 0.126), (0.40, 0.234), (0.47, 0.442)]
)
def test_type_one_error_of_the_as_design(control: float, size: float) -> None:
    """24 v 6 with Beta(11, 32) on control: false successes rise from 0.005 to 0.442 as the placebo rate drifts."""
    success, harm = power(decided(AS_RULE, 24, 6), points(control, control))
    assert success == pytest.approx(size, abs=printed(3))
    assert harm == 0


def test_power_of_the_as_design() -> None:
    """24 v 6 with Beta(11, 32) on control has power 0.920 at 0.60 v 0.25."""
    assert power(decided(AS_RULE, 24, 6), points(0.60, 0.25))[0] == pytest.approx(0.920, abs=printed(3))


def test_prior_predictive_of_measure_4() -> None:
    """Under Beta(11, 32) 55 or more placebo responders of 117 have probability 0.0065."""
    law = BetaMixture.beta(11, 32).predictive(117)
    assert float(law[55:].sum()) == pytest.approx(0.0065, abs=printed(4))


def test_conflict_moves_all_weight_to_the_robust_part() -> None:
    """0.8 Beta(4, 16) + 0.2 Beta(1, 1) after 18 of 20: weights 0.000220398 and 0.999779602."""
    prior = BetaMixture((BetaPart(0.8, 4, 16), BetaPart(0.2, 1, 1)))
    history, vague = prior.updated(18, 20).parts
    assert history.weight == pytest.approx(0.000220398, abs=printed(9))
    assert vague.weight == pytest.approx(0.999779602, abs=printed(9))
    assert (history[1:], vague[1:]) == ((22, 18), (19, 3))


def test_46_v_11_has_a_hole() -> None:
    """46 v 11 at two-sided 0.05: 14 of 46 v 0 of 11 rejects, 15 does not, 16 does; the hole is not filled."""
    regions = decided(sided("fisher", 0.05, two_sided=True), 46, 11)
    assert [(x_t, 0) in regions.success for x_t in (14, 15, 16)] == [True, False, True]
    assert regions.success.staircase is None


@pytest.mark.parametrize(("n_t", "n_c", "alpha"), [(46, 11, Fraction(1, 20)), (48, 24, Fraction(1, 40))])
def test_two_sided_region_is_the_p_value(n_t: int, n_c: int, alpha: Fraction) -> None:
    """Every table rejects exactly if its p-value, in whole numbers, is at most alpha; the better arm names the side."""
    regions = decided(sided("fisher", float(alpha), two_sided=True), n_t, n_c)
    by_counting = {
        (x_t, x_c) for x_t in range(n_t + 1) for x_c in range(n_c + 1) if no_more_likely(x_t, n_t, x_c, n_c) <= alpha
    }
    assert rejected(regions) == by_counting
    for x_t, x_c in by_counting:
        better = x_t * n_c > x_c * n_t
        assert ((x_t, x_c) in regions.success, (x_t, x_c) in regions.harm) == (better, not better)


def test_48_v_24_has_holes() -> None:
    """48 v 24 at two-sided 0.025: the region, success or harm, is no staircase; a rule that fills it is wrong."""
    regions = decided(sided("fisher", 0.025, two_sided=True), 48, 24)
    per_control = [run.x_c for region in (regions.success, regions.harm) for run in region.runs]
    by_side = [len({run.x_c for run in region.runs}) for region in (regions.success, regions.harm)]
    assert sum(by_side) < len(per_control)


def test_smallest_tie_rejects() -> None:
    """3 of 3 v 0 of 3 has p = 1/20 exactly: Fisher one-sided rejects at 0.05, and only there."""
    regions = decided(sided("fisher", 0.05, two_sided=False), 3, 3)
    assert rejected(regions) == {(3, 0)}
    assert [(tie.x_t, tie.x_c, tie.value) for tie in regions.ties] == [(3, 0, 0.05)]
    assert regions.harm == Region(regions.success.look, ())
    assert power(regions, points(1.0, 0.0)) == (1.0, 0.0)
    assert power(regions, points(0.5, 0.5))[0] == pytest.approx(1 / 64, rel=ROUNDING)
