"""Both engines against fractions, stored mpmath digits and each other; one test per pitfall of the method."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import product
from math import comb, factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tolerances import ROUNDING

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, superiority
from anatrial.numerics.superiority import (
    by_quadrature,
    by_recurrence,
    greater_than_rate,
    log_beta,
    posterior_weights,
    probability_greater,
)

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "superiority_mpmath.json").read_text())
ENGINES = 1e-10  # asked of the two engines up to n = 500; they reach 2e-13

UNIFORM = np.array([[1.0, 1.0, 1.0]])
SINGULAR = np.array([[1.0, 0.01, 0.01]])
THREE = np.array([[0.5, 0.5, 0.5], [0.3, 12.0, 30.0], [0.2, 1.0, 1.0]])
FIVE = np.array([[0.3, 0.2, 0.3], [0.2, 5.0, 9.0], [0.2, 40.0, 60.0], [0.2, 1.0, 1.0], [0.1, 900.0, 100.0]])
SHARP = np.array([[1.0, 1e5, 1.5e5]])
SHARPER = np.array([[1.0, 1.005e5, 1.5e5]])


def beta_function(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def exact(a: int, b: int, c: int, d: int, margin: Fraction = Fraction(0)) -> Fraction:
    """P(Beta(a, b) > Beta(c, d) + margin) for whole shapes: polynomials in v, p = margin + (1 - margin) v."""
    if margin < 0:
        return 1 - exact(c, d, a, b, -margin)
    rest, m = 1 - margin, c + d - 1
    total = Fraction(0)
    for i, j in product(range(a), range(c, m + 1)):
        for k in range(m - j + 1):
            ways = comb(a - 1, i) * comb(m, j) * comb(m - j, k)
            powers = margin ** (a - 1 - i + m - j - k) * rest ** (i + j + k + b)
            total += ways * powers * beta_function(i + j + 1, b + k)
    return total / beta_function(a, b)


def exact_weights(parts: list[tuple[Fraction, int, int]], x: int, n: int) -> list[Fraction]:
    """Posterior weights of a mixture with whole shapes."""
    raw = [w * beta_function(a + x, b + n - x) / beta_function(a, b) for w, a, b in parts]
    return [value / sum(raw) for value in raw]


def as_array(parts: list[tuple[Fraction, int, int]]) -> FloatArray:
    return np.array([[float(w), a, b] for w, a, b in parts])


@pytest.mark.parametrize(("n_t", "n_c"), [(0, 0), (0, 3), (4, 0), (1, 1), (5, 5), (3, 8), (9, 4)])
@pytest.mark.parametrize("shapes", [(1, 1, 1, 1), (2, 3, 1, 4), (6, 1, 2, 2)])
def test_recurrence_equals_fractions(n_t: int, n_c: int, shapes: tuple[int, int, int, int]) -> None:
    """Every table of the recurrence grid is the exact fraction, small ones to the same number of digits."""
    a, b, c, d = shapes
    grid = by_recurrence(np.array([[1.0, a, b]]), n_t, np.array([[1.0, c, d]]), n_c)
    for x_t, x_c in product(range(n_t + 1), range(n_c + 1)):
        value = float(exact(a + x_t, b + n_t - x_t, c + x_c, d + n_c - x_c))
        assert grid[x_t, x_c] == pytest.approx(value, rel=ROUNDING)


@pytest.mark.parametrize("margin", ["0", "0.1", "-0.05", "0.6", "-0.9", "0.00001", "0.99"])
@pytest.mark.parametrize(("n_t", "n_c"), [(0, 0), (0, 3), (3, 0), (5, 4)])
def test_quadrature_equals_fractions_at_any_margin(n_t: int, n_c: int, margin: str) -> None:
    """Every table of the quadrature grid is the exact fraction, with arms that have no patients too."""
    grid = by_quadrature(np.array([[1.0, 2, 1]]), n_t, np.array([[1.0, 1, 3]]), n_c, float(margin))
    for x_t, x_c in product(range(n_t + 1), range(n_c + 1)):
        value = float(exact(2 + x_t, 1 + n_t - x_t, 1 + x_c, 3 + n_c - x_c, Fraction(margin)))
        assert grid[x_t, x_c] == pytest.approx(value, abs=ROUNDING)


def test_mixtures_equal_fractions() -> None:
    """A mixture is the sum over its parts with exactly updated weights, in both engines (pitfall 3)."""
    parts_t = [(Fraction(3, 4), 1, 1), (Fraction(1, 4), 3, 9)]
    parts_c = [(Fraction(2, 5), 8, 2), (Fraction(1, 5), 1, 2), (Fraction(2, 5), 2, 2)]
    n_t, n_c = 6, 4
    grids = [engine(as_array(parts_t), n_t, as_array(parts_c), n_c) for engine in (by_recurrence, probability_greater)]
    for x_t, x_c in product(range(n_t + 1), range(n_c + 1)):
        weights_t, weights_c = exact_weights(parts_t, x_t, n_t), exact_weights(parts_c, x_c, n_c)
        value = sum(
            w * v * exact(a + x_t, b + n_t - x_t, c + x_c, d + n_c - x_c)
            for (w, (_, a, b)), (v, (_, c, d)) in product(
                zip(weights_t, parts_t, strict=True), zip(weights_c, parts_c, strict=True)
            )
        )
        for grid in grids:
            assert grid[x_t, x_c] == pytest.approx(float(value), abs=ROUNDING)


@pytest.mark.parametrize("n", [0, 1, 7, 40])
def test_weights_equal_fractions(n: int) -> None:
    """Posterior weights contain each part's whole prediction, Gamma(a + b + n) included (pitfall 3)."""
    parts = [(Fraction(1, 2), 1, 1), (Fraction(1, 3), 30, 70), (Fraction(1, 6), 5, 1)]
    weights = posterior_weights(as_array(parts), n)
    assert weights.shape == (n + 1, 3)
    for x in range(n + 1):
        assert weights[x] == pytest.approx([float(w) for w in exact_weights(parts, x, n)], rel=ROUNDING)


def test_a_part_without_weight_changes_nothing() -> None:
    """A part of weight 0 has weight 0 afterwards and leaves the probabilities as they are."""
    idle = np.array([[1.0, 2.0, 3.0], [0.0, 50.0, 1.0]])
    assert np.array_equal(posterior_weights(idle, 5)[:, 1], np.zeros(6))
    for margin in (0.0, 0.1):
        grid = probability_greater(idle, 5, UNIFORM, 5, margin)
        assert np.array_equal(grid, probability_greater(idle[:1], 5, UNIFORM, 5, margin))


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda c: f"{c['name']}, margin {c['margin']:g}")
def test_engines_equal_mpmath(case: dict[str, Any]) -> None:
    """Both engines give the digits of a 40-digit integration, with shapes from 0.01 to 1e5 (pitfalls 2 and 10)."""
    parts_t, parts_c = np.array(case["parts_t"]), np.array(case["parts_c"])
    arms = (parts_t, case["n_t"], parts_c, case["n_c"])
    value = float(case["probability"])
    assert by_quadrature(*arms, case["margin"])[case["x_t"], case["x_c"]] == pytest.approx(value, abs=ROUNDING)
    if case["margin"] == 0:
        assert by_recurrence(*arms)[case["x_t"], case["x_c"]] == pytest.approx(value, abs=ROUNDING)


@pytest.mark.parametrize(("n_t", "n_c"), [(0, 0), (1, 0), (20, 20), (100, 50), (150, 500), (500, 500)])
@pytest.mark.parametrize(
    ("parts_t", "parts_c"),
    [(UNIFORM, UNIFORM), (SINGULAR, SINGULAR), (THREE, UNIFORM), (SHARP, SHARPER), (SHARP, SINGULAR)],
    ids=["uniform", "singular", "K = 3", "sharp", "sharp and singular"],
)
def test_engines_agree(n_t: int, n_c: int, parts_t: FloatArray, parts_c: FloatArray) -> None:
    """The recurrence and the quadrature, which share no formula, agree on every table."""
    by_sum, by_nodes = by_recurrence(parts_t, n_t, parts_c, n_c), by_quadrature(parts_t, n_t, parts_c, n_c, 0.0)
    assert np.abs(by_sum - by_nodes).max() < ENGINES


@pytest.mark.parametrize("n", [60, 500])
def test_engines_agree_for_five_parts(n: int) -> None:
    """The engines agree on every table for 25 pairs of parts."""
    assert np.abs(by_recurrence(FIVE, n, FIVE, n) - by_quadrature(FIVE, n, FIVE, n, 0.0)).max() < ENGINES


def test_engines_agree_in_large_trials() -> None:
    """The engines agree to 1e-9 with 2000 patients per arm."""
    by_sum, by_nodes = by_recurrence(UNIFORM, 2000, THREE, 2000), by_quadrature(UNIFORM, 2000, THREE, 2000, 0.0)
    assert np.abs(by_sum - by_nodes).max() < 1e-9


@pytest.mark.parametrize("shape", [1e-3, 0.01, 0.2, 0.5, 1.0, 1e5])
@pytest.mark.parametrize("n", [0, 1, 30])
def test_equal_data_are_a_coin(shape: float, n: int) -> None:
    """With one prior and one result in both arms the probability is a half, at shapes below 1 too (pitfalls 2, 10)."""
    parts = np.array([[1.0, shape, shape]])
    for grid in (by_recurrence(parts, n, parts, n), by_quadrature(parts, n, parts, n, 0.0)):
        assert np.diag(grid) == pytest.approx(np.full(n + 1, 0.5), abs=ROUNDING)


def test_tables_hold_no_denormals() -> None:
    """What gets multiplied stays above e^-231, and nothing overflows or divides by zero (pitfall 1)."""
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for margin in (0.0, 0.1):
            nodes = superiority._nodes(SINGULAR, 800, margin, 900.0)
            posterior = superiority.Posterior(SINGULAR, 800)
            assert min(posterior.density(nodes).min(), posterior.distribution(nodes).min()) > math.exp(-231)
        assert np.isfinite(by_recurrence(SINGULAR, 800, SHARP, 800)).all()


def test_negative_margin_is_the_other_arm_s_complement() -> None:
    """P(p_t > p_c - m) = 1 - P(p_c > p_t + m) for every table (pitfall 4)."""
    below = probability_greater(THREE, 30, SINGULAR, 20, -0.08)
    above = probability_greater(SINGULAR, 20, THREE, 30, 0.08)
    assert np.abs(below - (1 - above.T)).max() < ROUNDING


def test_small_probabilities_keep_their_digits() -> None:
    """Sums run upwards from the least probable corner, so that 1e-60 is as accurate as 0.5 (pitfall 5)."""
    n = 100
    grid = by_recurrence(UNIFORM, n, UNIFORM, n)
    for x_t, x_c in [(0, n), (0, n - 1), (1, n), (3, 90), (20, 80)]:
        a, b, c, d = 1 + x_t, 1 + n - x_t, 1 + x_c, 1 + n - x_c
        terms = (beta_function(c + i, b + d) / ((b + i) * beta_function(1 + i, b)) for i in range(a))
        assert grid[x_t, x_c] == pytest.approx(float(sum(terms) / beta_function(c, d)), rel=1e-11)


@pytest.mark.parametrize("rate", ["0.1", "0.5", "0.93"])
def test_greater_than_rate_equals_fractions(rate: str) -> None:
    """P(p > rate) is a binomial lower tail, with all its digits where it is small (pitfall 5)."""
    n = 40
    values = greater_than_rate(np.array([[1.0, 2, 3]]), n, float(rate))
    q = Fraction(rate)
    for x in range(n + 1):
        tail = sum(comb(n + 4, i) * q**i * (1 - q) ** (n + 4 - i) for i in range(x + 2))
        assert values[x] == pytest.approx(float(tail), rel=1e-11)


def test_greater_than_rate_at_the_edges() -> None:
    """Every rate exceeds 0, none exceeds 1, and without patients the prior speaks."""
    assert greater_than_rate(THREE, 9, 0.0) == pytest.approx(np.ones(10), abs=ROUNDING)
    assert np.array_equal(greater_than_rate(THREE, 9, 1.0), np.zeros(10))
    assert greater_than_rate(UNIFORM, 0, 0.3) == pytest.approx([0.7], abs=ROUNDING)
    assert greater_than_rate(UNIFORM, 500, 0.5)[0] == pytest.approx(2.0**-501, rel=1e-11)


def test_engine_is_chosen_by_margin_and_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recurrence serves margin 0 with up to 4 pairs, the quadrature everything else."""
    monkeypatch.setattr(superiority, "by_recurrence", lambda *_: "recurrence")
    monkeypatch.setattr(superiority, "by_quadrature", lambda *_: "quadrature")
    picked = [probability_greater(p, 1, q, 1, m) for p, q, m in [(UNIFORM, THREE, 0.0), (THREE, THREE, 0.0)]]
    assert [*picked, probability_greater(UNIFORM, 1, UNIFORM, 1, 0.1)] == ["recurrence", "quadrature", "quadrature"]


def test_blocks_of_nodes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Working through few nodes at a time gives the same grid."""
    whole = by_quadrature(THREE, 30, UNIFORM, 20, 0.1)
    monkeypatch.setattr(superiority, "BLOCK", 300)
    assert np.abs(by_quadrature(THREE, 30, UNIFORM, 20, 0.1) - whole).max() < ROUNDING


@pytest.mark.parametrize("value", [math.nan, 1 + 1e-8, -1e-8])
def test_a_probability_outside_its_range_stops_the_run(value: float) -> None:
    """What cannot be rounding is an error, never clipped away."""
    with pytest.raises(ComputationError, match="left"):
        superiority._bounded(np.array([[0.5, value]]))


def test_rounding_beyond_the_range_is_clipped() -> None:
    """A rounding error of 1e-15 beyond 0 or 1 does not reach the user."""
    clipped = superiority._bounded(np.array([[-1e-15, 1 + 1e-15]]))
    assert np.array_equal(clipped, np.array([[0.0, 1.0]]))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (3, 200), (14, 15), (16, 400)])
def test_log_beta_equals_fractions(a: int, b: int) -> None:
    """The relative logarithm of the Beta function is that of the exact fraction, on both sides of Stirling's series."""
    rate = Fraction(1, 4)
    value = beta_function(a, b) / (rate**a * (1 - rate) ** b)
    digits = math.log(value.numerator) - math.log(value.denominator)
    assert float(log_beta(np.array(float(a)), np.array(float(b)), 0.25)) == pytest.approx(digits, abs=ROUNDING)
