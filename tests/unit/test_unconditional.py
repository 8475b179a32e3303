"""Unconditional exact tests against sizes that are polynomials with whole coefficients, and orders in fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import comb, inf, log, sqrt

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import decided, sided
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look, Region
from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.score import score_grid, score_p_value
from anatrial.numerics.supremum import Known, climbed, side, supremum
from anatrial.numerics.two_by_two import pooled_order, unpooled_order
from anatrial.numerics.unconditional import (
    given_total,
    p_value,
    rejection,
    shared_rate_supremum,
    table_chances,
)
from anatrial.rules.score import Score
from anatrial.rules.z_unpooled import ZUnpooled

Table = tuple[int, int]
SIZES = [(1, 1), (2, 5), (4, 4), (6, 3), (7, 5)]


def every(n_t: int, n_c: int) -> list[Table]:
    """Every table of two arms."""
    return list(product(range(n_t + 1), range(n_c + 1)))


def tables(region: Region) -> set[Table]:
    """The tables of a region."""
    return {(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)}


def largest(held: set[Table], n_t: int, n_c: int) -> float:
    """Largest probability of the tables over one rate for both arms: where the polynomial is flat, or at an end."""
    n = n_t + n_c
    size = np.polynomial.Polynomial([0.0])
    for total in range(n + 1):
        ways = sum(comb(n_t, x_t) * comb(n_c, x_c) for x_t, x_c in held if x_t + x_c == total)
        size += ways * np.polynomial.Polynomial([0, 1]) ** total * np.polynomial.Polynomial([1, -1]) ** (n - total)
    flat = [root.real for root in map(complex, size.deriv().roots()) if abs(root.imag) < 1e-7 and 0 <= root.real <= 1]
    return max(float(size(p)) for p in [0.0, 1.0, *flat])


def fisher_better(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's p-value for treatment better."""
    k = x_t + x_c
    return Fraction(sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1)), comb(n_t + n_c, k))


def fisher_two_sided(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's sum over the tables no more likely."""
    k = x_t + x_c
    ways = {i: comb(n_t, i) * comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}
    return Fraction(sum(w for w in ways.values() if w <= ways[x_t]), comb(n_t + n_c, k))


def pooled(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """The squared pooled z with its sign, negative where treatment is better."""
    k, n, lead = x_t + x_c, n_t + n_c, x_c * n_t - x_t * n_c
    return Fraction(lead * abs(lead), k * (n - k)) if lead else Fraction(0)


def unpooled(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction | float:
    """The squared unpooled z with its sign, negative where treatment is better."""
    gap = Fraction(x_c, n_c) - Fraction(x_t, n_t)
    spread = Fraction(x_t * (n_t - x_t), n_t**3) + Fraction(x_c * (n_c - x_c), n_c**3)
    if not gap:
        return Fraction(0)
    return gap * abs(gap) / spread if spread else inf * (1 if gap > 0 else -1)


Order = Callable[[int, int, int, int], Fraction | float]


def unpooled_either_way(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction | float:
    """Minus the absolute value of the squared unpooled z."""
    value = unpooled(x_t, n_t, x_c, n_c)
    return value if value < 0 else -value


ORDERS: list[tuple[str, bool, Order]] = [
    ("boschloo", False, fisher_better),
    ("boschloo", True, fisher_two_sided),
    ("barnard_z_pooled", False, pooled),
    ("barnard_z_pooled", True, lambda x_t, n_t, x_c, n_c: -abs(pooled(x_t, n_t, x_c, n_c))),
    ("barnard_z_unpooled", False, unpooled),
    ("barnard_z_unpooled", True, unpooled_either_way),
]


def by_hand(order: Order, n_t: int, n_c: int) -> dict[Table, float]:
    """The unconditional p-value of every table."""
    ranked = {table: order(table[0], n_t, table[1], n_c) for table in every(n_t, n_c)}
    return {
        table: largest({other for other in ranked if ranked[other] <= value}, n_t, n_c)
        for table, value in ranked.items()
    }


@pytest.mark.parametrize(("test", "two_sided", "order"), ORDERS)
@pytest.mark.parametrize(("n_t", "n_c"), SIZES)
def test_regions_are_those_of_the_p_values(test: str, two_sided: bool, order: Order, n_t: int, n_c: int) -> None:
    """A table rejects exactly where the largest size of all tables as extreme is at most alpha."""
    p = by_hand(order, n_t, n_c)
    for alpha in (0.013, 0.024, 0.051, 0.12, 0.3):
        assert min(abs(value - alpha) for value in p.values()) > 1e-8, "no case here may lie on the threshold"
        regions = decided(sided(test, alpha, two_sided=two_sided), n_t, n_c)
        rejects = {table for table, value in p.items() if value <= alpha}
        assert tables(regions.success) | tables(regions.harm) == rejects
        assert not two_sided or all(x_t * n_c > x_c * n_t for x_t, x_c in tables(regions.success))
        assert two_sided or not regions.harm.runs
        assert regions.ties == ()


@pytest.mark.parametrize(("test", "order"), [("boschloo_doubled", fisher_better), ("barnard_z_pooled_doubled", pooled)])
def test_doubled_is_one_side_at_half_the_level(test: str, order: Order) -> None:
    """Success is the one-sided region at alpha / 2, harm that of the swapped arms."""
    n_t, n_c, alpha = 7, 5, 0.11
    regions = decided(sided(test, alpha, two_sided=True), n_t, n_c)
    assert tables(regions.success) == {t for t, p in by_hand(order, n_t, n_c).items() if p <= alpha / 2}
    swapped = {(x_t, x_c) for (x_c, x_t), p in by_hand(order, n_c, n_t).items() if p <= alpha / 2}
    assert tables(regions.harm) == swapped
    assert swapped


@pytest.mark.parametrize(("n_t", "n_c"), [(4, 4), (7, 5)])
def test_p_value_of_every_table(n_t: int, n_c: int) -> None:
    """It is the largest value of the polynomial, from below, and its bound lies above."""
    expected = by_hand(pooled, n_t, n_c)
    for table in every(n_t, n_c):
        found = p_value(-pooled_order(n_t, n_c), table)
        assert found.found == pytest.approx(expected[table], abs=1e-8)
        assert found.found - 1e-12 <= expected[table] <= found.bound + 1e-12


def test_a_size_of_exactly_alpha_is_told_and_does_not_reject() -> None:
    """1 of 1 v 0 of 1 has p = max p (1 - p) = 1/4: at alpha 0.25 no search can tell, just above it rejects."""
    regions = decided(sided("barnard_z_pooled", 0.25, two_sided=False), 1, 1)
    assert not regions.success.runs
    (tie,) = regions.ties
    assert (tie.x_t, tie.x_c) == (1, 0)
    assert tie.value == pytest.approx(0.25, abs=1e-9)
    assert tables(decided(sided("barnard_z_pooled", 0.2500001, two_sided=False), 1, 1).success) == {(1, 0)}
    assert not decided(sided("barnard_z_pooled", 0.2499999, two_sided=False), 1, 1).ties


@pytest.mark.parametrize("test", ["barnard_z_pooled", "barnard_z_unpooled", "boschloo", "barnard_z_pooled_doubled"])
@pytest.mark.parametrize("two_sided", [True, False])
def test_no_responders_and_only_responders_never_reject(test: str, two_sided: bool) -> None:
    """0/n v 0/n and n/n v n/n stay out of both regions, even at alpha 0.5."""
    regions = decided(sided(test, 0.5, two_sided=two_sided), 9, 4)
    for corner in ((0, 0), (9, 4)):
        assert corner not in regions.success
        assert corner not in regions.harm


@pytest.mark.parametrize(("n_t", "n_c"), [(60, 30), (12, 12), (35, 21)])
def test_equal_z_are_equal_to_the_last_bit(n_t: int, n_c: int) -> None:
    """Two tables have the same value in floating point if and only if they have it in fractions."""
    for order, exactly in ((pooled_order, pooled), (unpooled_order, unpooled)):
        grid = order(n_t, n_c)
        groups: dict[Fraction | float, set[float]] = {}
        for x_t, x_c in every(n_t, n_c):
            groups.setdefault(exactly(x_t, n_t, x_c, n_c), set()).add(float(grid[x_t, x_c]))
        assert {len(values) for values in groups.values()} == {1}
        assert len(groups) == len(np.unique(grid))


def test_equal_z_are_equal_where_whole_numbers_round() -> None:
    """At 2,000 v 1,999 the denominators pass 2^53; a table and its complement still have exactly opposite values."""
    grid = unpooled_order(2000, 1999)
    assert (grid == -grid[::-1, ::-1]).all()
    x_t, x_c = 1234, 987
    assert grid[x_t, x_c] * 2000 * 1999 == pytest.approx(-float(unpooled(x_t, 2000, x_c, 1999)), rel=ROUNDING)


def test_all_against_none_is_the_most_extreme_unpooled_z() -> None:
    """Where only one arm responds and all of it, the variance is 0 and z infinite; with no difference z is 0."""
    grid = unpooled_order(5, 8)
    assert (grid[5, 0], grid[0, 8], grid[0, 0], grid[5, 8]) == (inf, -inf, 0, 0)
    assert tables(decided(sided("barnard_z_unpooled", 1e-3, two_sided=False), 5, 8).success) == {(5, 0)}


@pytest.mark.parametrize(("n_t", "n_c"), SIZES)
def test_chances_given_the_total(n_t: int, n_c: int) -> None:
    """They are hypergeometric; of all tables together they are 1 for every total."""
    found = table_chances(n_t, n_c)
    for x_t, x_c in every(n_t, n_c):
        expected = comb(n_t, x_t) * comb(n_c, x_c) / comb(n_t + n_c, x_t + x_c)
        assert found[x_t, x_c] == pytest.approx(expected, rel=ROUNDING)
    assert given_total(np.ones((n_t + 1, n_c + 1))) == pytest.approx(np.ones(n_t + n_c + 1), rel=ROUNDING)


def test_supremum_of_any_region_at_a_shared_rate() -> None:
    """Scattered tables, and decisions made by chance, have the largest probability of the polynomial."""
    random = np.random.default_rng(7)
    for n_t, n_c in ((5, 5), (3, 8)):
        grid = random.random((n_t + 1, n_c + 1)) < 0.3
        expected = largest({(int(x_t), int(x_c)) for x_t, x_c in np.argwhere(grid)}, n_t, n_c)
        for share in (1.0, 0.5):
            found = shared_rate_supremum(np.where(grid, share, 0.0))
            assert found.found - 1e-12 <= expected * share <= found.bound + 1e-12
            assert found.bound - found.found <= 1e-6 + 1e-12
    part = shared_rate_supremum(np.ones((3, 4), dtype=np.bool_), (0.25, 0.5))
    assert part.found == pytest.approx(1.0, rel=ROUNDING)
    assert 0.25 <= part.at <= 0.5


def test_a_comparison_ends_when_it_is_settled() -> None:
    """Against the peak 1/4 of p (1 - p): below it is found above, above it is proven, at it nobody can tell."""
    rates = np.array([0.0, 0.2, 0.9, 1.0])

    def parabola(p: FloatArray) -> FloatArray:
        return np.asarray(p * (1 - p))

    for level, expected in ((0.1, 1), (0.2499, 1), (0.25, 0), (0.2501, -1), (0.4, -1)):
        found = climbed(parabola, Known(rates, parabola(rates)), (1, 1), gap=1e-9, level=level)
        assert side(found, level) == expected
        assert found.found <= 0.25 <= found.bound or found.found > level


def test_a_small_gap_along_a_margin_is_proven() -> None:
    """The certificate of 1e-9 holds the largest of 4,000 double sums, at interior peaks and at the ends."""
    n_t, n_c, margin = 12, 9, -0.15
    for held in (Score(kind="score", alpha=0.1, margin=margin), Score(kind="score", alpha=0.4, margin=0.1)):
        heights = np.array([n_t + 1 if x is None else x for x in decided(held, n_t, n_c).success.staircase or ()])

        def size(rates: FloatArray, heights: IntArray = heights) -> FloatArray:
            above = np.array([[(law[first:]).sum() for first in heights] for law in binomial(n_t, rates + margin)])
            return np.asarray((above * binomial(n_c, rates)).sum(axis=1))

        found = supremum(size, (-margin, 1.0), (n_t, n_c), margin=margin, gap=1e-9)
        on_grid = size(np.linspace(-margin, 1.0, 4001)).max()
        assert on_grid - ROUNDING <= found.bound <= found.found + 1.001e-9
        assert on_grid <= found.found + 1e-9


def restricted(x_t: int, n_t: int, x_c: int, n_c: int, margin: float) -> float:
    """Most likely control rate at the margin, by golden section of the log likelihood."""
    low, high = max(0.0, -margin), min(1.0, 1.0 - margin)

    def likelihood(p_c: float) -> float:
        pairs = ((x_t, p_c + margin), (n_t - x_t, 1 - p_c - margin), (x_c, p_c), (n_c - x_c, 1 - p_c))
        return sum(count * log(max(p, 1e-300)) for count, p in pairs if count)

    for _ in range(90):
        a, b = high - (high - low) * 0.618033988749895, low + (high - low) * 0.618033988749895
        low, high = (a, high) if likelihood(a) < likelihood(b) else (low, b)
    return (low + high) / 2


@pytest.mark.parametrize("margin", [-0.2, -0.05, 0.15])
def test_score_z_of_every_table(margin: float) -> None:
    """It uses the rates that a search for the largest likelihood finds, at corner tables too."""
    n_t, n_c = 6, 9
    grid = score_grid(n_t, n_c, margin)
    for x_t, x_c in every(n_t, n_c):
        p_c = restricted(x_t, n_t, x_c, n_c, margin)
        p_t = p_c + margin
        z = (x_t / n_t - x_c / n_c - margin) / sqrt(p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c)
        assert grid[x_t, x_c] == pytest.approx(z, abs=1e-6)  # a flat top is found to the root of rounding


def test_score_z_at_a_corner_by_hand() -> None:
    """Without any responder the most likely rates at margin -0.2 are 0 and 0.2, so z is 0.2 / sqrt(0.16 / n_c)."""
    assert score_grid(5, 4, -0.2)[0, 0] == pytest.approx(0.2 / sqrt(0.16 / 4), rel=ROUNDING)
    assert score_grid(5, 4, 0.0)[0, 0] == 0
    assert score_grid(5, 4, 0.0)[5, 4] == 0


def masses(n: int, rate: Fraction) -> list[Fraction]:
    """Binomial probabilities as fractions."""
    return [comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(n + 1)]


@pytest.mark.parametrize(("n_t", "n_c", "margin"), [(8, 6, Fraction(-1, 5)), (7, 7, Fraction(1, 10))])
def test_score_region_is_the_largest_that_keeps_its_size(n_t: int, n_c: int, margin: Fraction) -> None:
    """At every rate its size in fractions is at most alpha, and with its next tables some rate passes alpha."""
    alpha = 0.05
    region = decided(Score(kind="score", alpha=alpha, margin=float(margin)), n_t, n_c).success
    assert region.staircase is not None
    z = score_grid(n_t, n_c, float(margin))
    following = max(z[table] for table in every(n_t, n_c) if table not in region)
    wider = {table for table in every(n_t, n_c) if z[table] >= following - 1e-9}
    assert tables(region) < wider
    assert min(z[table] for table in tables(region)) > following
    steps = [Fraction(k, 400) for k in range(401) if 0 <= Fraction(k, 400) + margin <= 1]
    sizes = {"region": 0.0, "wider": 0.0}
    for p_c in steps:
        law_t, law_c = masses(n_t, p_c + margin), masses(n_c, p_c)
        for name, held in (("region", tables(region)), ("wider", wider)):
            sizes[name] = max(sizes[name], float(sum(law_t[x_t] * law_c[x_c] for x_t, x_c in held)))
    assert sizes["region"] <= alpha < sizes["wider"]
    next_table = max(wider - tables(region))
    assert score_p_value(next_table, n_t, n_c, float(margin)) == pytest.approx(sizes["wider"], abs=2e-4)


def test_score_without_a_margin_is_the_pooled_z() -> None:
    """At margin 0 the restricted estimate is the pooled one, so the regions are equal."""
    score = Score(kind="score", alpha=0.04, margin=0.0)
    assert decided(score, 9, 13).success == decided(sided("barnard_z_pooled", 0.04, two_sided=False), 9, 13).success


def test_with_a_margin_the_statistic_must_be_monotone() -> None:
    """A statistic that rewards control responders has no proven size at the edge: an error instead of a number."""
    with pytest.raises(ComputationError, match="does not order"):
        rejection(score_grid(4, 4, -0.1), 0.05, margin=-0.1)


def test_a_margin_of_the_unpooled_z_is_refused_with_the_reason() -> None:
    """The message says that z would not be monotone, and names the test to use."""
    with pytest.raises(ValidationError, match=r"margin = -0.1 \| no margin: .* not monotone.*score"):
        ZUnpooled.model_validate({"kind": "z_unpooled", "alpha": 0.025, "margin": -0.1})


@pytest.mark.parametrize("margin", [-1.0, 1.0, 1.5])
def test_impossible_margins_are_refused(margin: float) -> None:
    """Rates cannot differ by 1 or more in a trial that could go either way."""
    with pytest.raises(ValidationError):
        Score(kind="score", alpha=0.025, margin=margin)


def test_each_rule_names_its_two_sided_form() -> None:
    """The sentence says which two-sided p-value is meant."""
    said = {test: sided(test, 0.05, two_sided=True).said("a", "b") for test in ("boschloo", "boschloo_doubled")}
    assert "Fisher's tables no more likely" in said["boschloo"]
    assert "(doubled)" in said["boschloo_doubled"]
    assert "(|z|)" in sided("barnard_z_unpooled", 0.05, two_sided=True).said()
    assert "(doubled)" in sided("barnard_z_pooled_doubled", 0.05, two_sided=True).said()
    assert "a rate > b rate - 0.1" in Score(kind="score", alpha=0.025, margin=-0.1).said("a", "b")


def test_a_thousand_patients_per_arm_are_within_reach() -> None:
    """So large a trial has a region of proven size that the certificate confirms."""
    found = rejection(-pooled_order(1000, 1000), 0.025)
    assert found.undecided == ()
    assert 0.0249 < shared_rate_supremum(found.rejects).found <= 0.025
    assert Region.from_grid(Look(1000, 1000), found.rejects).staircase is not None
