"""Mid-p and the continuity-corrected chi-square, table by table, against whole numbers and hand formulas."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from math import comb

import pytest
from tests.building import decided, sided
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Region

Table = tuple[int, int]
SIZES = [(1, 1), (3, 3), (4, 7), (12, 12), (24, 6)]


def tables(region: Region) -> set[Table]:
    """The tables of a region."""
    return {(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)}


def every(n_t: int, n_c: int) -> list[Table]:
    """Every table of two arms."""
    return list(product(range(n_t + 1), range(n_c + 1)))


def mid_p(x_t: int, n_t: int, x_c: int, n_c: int) -> dict[str, Fraction]:
    """The three mid-p values: the tables beyond the observed one, and half of that one."""
    k = x_t + x_c
    ways = {i: comb(n_t, i) * comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}
    all_ways, seen = comb(n_t + n_c, k), Fraction(ways[x_t], 2)
    better = (sum(w for i, w in ways.items() if i > x_t) + seen) / all_ways
    worse = (sum(w for i, w in ways.items() if i < x_t) + seen) / all_ways
    both = (sum(w for w in ways.values() if w <= ways[x_t]) - seen) / all_ways
    return {"one-sided": better, "fisher_midp": 2 * min(better, worse), "fisher_midp_no_more_likely": both}


@pytest.mark.parametrize("alpha", [0.25, 0.1, 0.05, 0.025])
@pytest.mark.parametrize(("n_t", "n_c"), SIZES)
def test_mid_p(n_t: int, n_c: int, alpha: float) -> None:
    """A table rejects where its mid-p in whole numbers is at most alpha, as success or harm by the better arm."""
    level = Fraction(repr(alpha))
    p = {(x_t, x_c): mid_p(x_t, n_t, x_c, n_c) for x_t, x_c in every(n_t, n_c)}
    one = decided(sided("fisher_midp", alpha, two_sided=False), n_t, n_c)
    assert tables(one.success) == {table for table, values in p.items() if values["one-sided"] <= level}
    assert not one.harm.runs
    for test in ("fisher_midp", "fisher_midp_no_more_likely"):
        both = decided(sided(test, alpha, two_sided=True), n_t, n_c)
        rejects = {table for table, values in p.items() if values[test] <= level}
        assert tables(both.success) == {t for t in rejects if t[0] * n_c > t[1] * n_t}
        assert tables(both.harm) == {t for t in rejects if t[0] * n_c < t[1] * n_t}


def test_mid_p_ties_are_settled_in_whole_numbers() -> None:
    """3 of 3 v 0 of 3 has mid-p 1/40 exactly: it rejects at 0.025, is named, and does not reject just below."""
    regions = decided(sided("fisher_midp", 0.025, two_sided=False), 3, 3)
    assert tables(regions.success) == {(3, 0)}
    assert [(tie.x_t, tie.x_c, tie.value) for tie in regions.ties] == [(3, 0, 0.025)]
    assert not decided(sided("fisher_midp", 0.025 * (1 - 1e-9), two_sided=False), 3, 3).success.runs


def test_two_sided_forms_of_mid_p_are_named() -> None:
    """The sentence says which p-value is meant."""
    assert "(doubled)" in sided("fisher_midp", 0.05, two_sided=True).said()
    assert "(tables no more likely)" in sided("fisher_midp_no_more_likely", 0.05, two_sided=True).said()
    assert "one-sided" in sided("fisher_midp", 0.05, two_sided=False).said()


@pytest.mark.parametrize(("n_t", "n_c"), [(12, 12), (10, 20), (24, 6)])
def test_continuity_correction(n_t: int, n_c: int) -> None:
    """Rejects where (|ad - bc| - n / 2)^2 n / (products of the margins) passes the chi-square on 1 degree."""
    n, alpha = n_t + n_c, 0.05
    both = decided(sided("chi2_yates", alpha, two_sided=True), n_t, n_c)
    one = decided(sided("chi2_yates", alpha, two_sided=False), n_t, n_c)
    for x_t, x_c in every(n_t, n_c):
        k = x_t + x_c
        lead = x_t * n_c - x_c * n_t
        spread = n_t * n_c * k * (n - k)
        square = max(abs(lead) - n / 2, 0) ** 2 * n / spread if spread else 0.0
        p = math.erfc(math.sqrt(square / 2))
        assert abs(p - alpha) > ROUNDING
        assert ((x_t, x_c) in both.success) == (p <= alpha and lead > 0)
        assert ((x_t, x_c) in both.harm) == (p <= alpha and lead < 0)
        assert ((x_t, x_c) in one.success) == (p / 2 <= alpha and lead > 0)
    assert "continuity-corrected" in sided("chi2_yates", alpha, two_sided=True).said()
