"""Laws of final counts given interim ones, against every future result in fractions and scipy's beta-binomial."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look, Region
from anatrial.numerics import FloatArray, predictive, tables

small = settings(deadline=None, max_examples=60, derandomize=True)

Whole = Sequence[tuple[Fraction, int, int]]
UNIFORM: Whole = [(Fraction(1), 1, 1)]
HISTORY: Whole = [(Fraction(4, 5), 8, 26), (Fraction(1, 5), 1, 1)]


def array(parts: Whole) -> FloatArray:
    """The prior as the numerics have it."""
    return np.array([[float(number) for number in part] for part in parts])


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def law(parts: Whole, x: int, n: int, total: int) -> list[Fraction]:
    """Law of the final count after x of n: the parts are updated, then each predicts the patients to come."""
    seen = [w * whole_beta(a + x, b + n - x) / whole_beta(a, b) for w, a, b in parts]
    weights, m = [part / sum(seen) for part in seen], total - n
    chances = [Fraction(0)] * (total + 1)
    for weight, (_, a, b) in zip(weights, parts, strict=True):
        for y in range(m + 1):
            more = whole_beta(a + x + y, b + n - x + m - y) / whole_beta(a + x, b + n - x)
            chances[x + y] += weight * comb(m, y) * more
    return chances


def binomial_law(rate: Fraction, x: int, n: int, total: int) -> list[Fraction]:
    """Law of the final count after x of n at a known rate."""
    m = total - n
    added = [comb(m, y) * rate**y * (1 - rate) ** (m - y) for y in range(m + 1)]
    return [Fraction(0)] * x + added + [Fraction(0)] * (n - x)


def chance(region: Region, law_t: list[Fraction], law_c: list[Fraction]) -> Fraction:
    """Sum over all final tables of the region."""
    return sum((p * q for i, p in enumerate(law_t) for j, q in enumerate(law_c) if (i, j) in region), Fraction(0))


def jagged(n_t: int, n_c: int, seed: int = 5) -> Region:
    """A region without order, so that holes and islands count too."""
    return Region.from_grid(Look(n_t, n_c), np.random.default_rng(seed).random((n_t + 1, n_c + 1)) < 0.4)


@pytest.mark.parametrize(
    "parts", [UNIFORM, HISTORY, [(Fraction(1, 4), 3, 7), (Fraction(1, 2), 1, 9), (Fraction(1, 4), 40, 2)]]
)
@pytest.mark.parametrize(("n", "total"), [(0, 5), (1, 1), (4, 11), (9, 24), (24, 24)])
def test_predicted_laws_are_those_of_the_updated_parts(parts: Whole, n: int, total: int) -> None:
    """Each row is the sum of the parts' beta-binomials, with weights that follow how well they predicted the count."""
    found = predictive.predicted(array(parts), n, total)
    exact = [[float(p) for p in law(parts, x, n, total)] for x in range(n + 1)]
    assert found == pytest.approx(np.array(exact), rel=1e-11, abs=1e-15)
    assert found.sum(axis=1) == pytest.approx(1, abs=ROUNDING)


def test_a_part_without_weight_changes_nothing() -> None:
    """Weight 0 before the data is weight 0 after them."""
    parts = np.array([[1.0, 2.0, 3.0], [0.0, 50.0, 1.0]])
    assert predictive.predicted(parts, 6, 14) == pytest.approx(predictive.predicted(parts[:1], 6, 14), abs=ROUNDING)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.001, 0.001), (12.3, 30.7), (1e5, 3e5), (1.0, 1e-3)])
def test_predicted_laws_of_any_shapes_agree_with_scipy(a: float, b: float) -> None:
    """One Beta of any shapes gives scipy's beta-binomial of its posterior, up to that function's logarithms."""
    found = predictive.predicted(np.array([[1.0, a, b]]), 100, 200)
    for x in (0, 1, 37, 99, 100):
        exact = stats.betabinom(100, a + x, b + 100 - x).pmf(np.arange(101))
        assert found[x, x : x + 101] == pytest.approx(exact, abs=1e-10 if a > 1e3 else ROUNDING)
        assert not found[x, :x].any()
        assert not found[x, x + 101 :].any()


def test_laws_at_known_rates() -> None:
    """Each row adds a binomial count at its own rate; rates 0 and 1 are certain."""
    rates = [Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]
    found = predictive.conditional(np.array([float(rate) for rate in rates]), 3, 8)
    exact = [[float(p) for p in binomial_law(rate, x, 3, 8)] for x, rate in enumerate(rates)]
    assert found == pytest.approx(np.array(exact), abs=ROUNDING)


@pytest.mark.parametrize(("now", "end"), [((3, 2), (6, 7)), ((0, 4), (3, 4)), ((5, 5), (5, 9)), ((2, 0), (5, 0))])
def test_predictive_probability_counts_every_future(now: tuple[int, int], end: tuple[int, int]) -> None:
    """Summed over all future results in fractions, for a region with holes, two priors and either arm."""
    region = jagged(*end)
    laws = [
        predictive.predicted(array(parts), *n)
        for parts, n in zip((HISTORY, UNIFORM), zip(now, end, strict=True), strict=True)
    ]
    found = tables.crossed(region.array, *laws)
    for x_t in range(now[0] + 1):
        for x_c in range(now[1] + 1):
            exact = chance(region, law(HISTORY, x_t, now[0], end[0]), law(UNIFORM, x_c, now[1], end[1]))
            assert found[x_t, x_c] == pytest.approx(float(exact), abs=ROUNDING)


@pytest.mark.parametrize(("now", "end"), [((3, 2), (6, 7)), ((4, 4), (4, 7)), ((1, 5), (6, 6))])
def test_chances_at_the_pooled_rate_count_every_future(now: tuple[int, int], end: tuple[int, int]) -> None:
    """Summed over all future results in fractions, both arms going on at the rate of all patients so far."""
    region = jagged(*end)
    found = predictive.at_pooled_rate(region.array, now, end)
    assert found.shape == (now[0] + 1, now[1] + 1)
    for x_t in range(now[0] + 1):
        for x_c in range(now[1] + 1):
            rate = Fraction(x_t + x_c, sum(now))
            exact = chance(region, binomial_law(rate, x_t, now[0], end[0]), binomial_law(rate, x_c, now[1], end[1]))
            assert found[x_t, x_c] == pytest.approx(float(exact), abs=ROUNDING)


def test_a_large_grid_agrees_with_beta_binomial_sums() -> None:
    """From 100 to 200 patients per arm, tables of the grid are scipy's double sums."""
    region = jagged(200, 200)
    parts = np.array([[1.0, 1.0, 1.0]])
    found = tables.crossed(region.array, predictive.predicted(parts, 100, 200), predictive.predicted(parts, 100, 200))
    y, grid = np.arange(101), region.grid
    for x_t, x_c in ((0, 0), (50, 30), (100, 7), (61, 99)):
        more = [stats.betabinom(100, 1 + x, 101 - x).pmf(y) for x in (x_t, x_c)]
        exact = more[0] @ grid[x_t : x_t + 101, x_c : x_c + 101] @ more[1]
        assert found[x_t, x_c] == pytest.approx(exact, abs=1e-11)


@st.composite
def mixtures(draw: st.DrawFn) -> FloatArray:
    """One to three Betas of any shapes."""
    shapes = draw(st.lists(st.tuples(st.floats(0.05, 300), st.floats(0.05, 300)), min_size=1, max_size=3))
    raw = np.array([draw(st.floats(0.05, 1)) for _ in shapes])
    return np.column_stack([raw / raw.sum(), np.array(shapes)])


@small
@given(mixtures(), st.lists(st.integers(0, 30), min_size=3, max_size=3).map(sorted))
def test_two_steps_are_one(parts: FloatArray, sizes: list[int]) -> None:
    """What a middle look predicts, averaged over the middle look, is what the first look predicts."""
    first, middle, last = sizes
    steps = predictive.predicted(parts, first, middle) @ predictive.predicted(parts, middle, last)
    assert steps == pytest.approx(predictive.predicted(parts, first, last), abs=1e-11)


@small
@given(
    st.tuples(st.integers(1, 12), st.integers(0, 12)),
    st.tuples(st.integers(0, 12), st.integers(0, 12)),
    st.integers(0, 99),
)
def test_predictive_probability_averages_to_assurance(now: tuple[int, int], more: tuple[int, int], seed: int) -> None:
    """With uniform priors every interim and every final table is equally likely: the mean is a share of tables."""
    end = (now[0] + more[0], now[1] + more[1])
    region = jagged(*end, seed=seed)
    laws = [predictive.predicted(array(UNIFORM), n, total) for n, total in zip(now, end, strict=True)]
    share = Fraction(region.tables, (end[0] + 1) * (end[1] + 1))
    assert tables.crossed(region.array, *laws).mean() == pytest.approx(float(share), abs=ROUNDING)
