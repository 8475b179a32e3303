"""Tails, densities and quantiles of one rate and of differences: fractions, closed forms and mpmath's digits."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import mixture
from tests.tolerances import ROUNDING

from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.difference import Scale, density, probability_beyond, quantile, upper_tail
from anatrial.numerics.superiority import probability_greater

Parts = list[tuple[float, float, float]]
Shapes = tuple[int, int, int, int]

few = settings(deadline=None, max_examples=25, derandomize=True)
UNIFORM = [(1.0, 1.0, 1.0)]
ROBUST = [(0.8, 8.0, 26.0), (0.2, 1.0, 1.0)]
SINGULAR = [(0.5, 1e-3, 1e-3), (0.5, 0.5, 2.0)]
GRID = 1e-11  # what a table of probabilities promises


def rows(parts: Parts) -> FloatArray:
    """Parts as an array."""
    return np.array(parts, dtype=np.float64)


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def expanded(offset: Fraction, slope: Fraction, power: int) -> list[Fraction]:
    """Coefficients of (offset + slope v)^power."""
    return [comb(power, k) * offset ** (power - k) * slope**k for k in range(power + 1)]


def above(shapes: Shapes, one: tuple[Fraction, Fraction], two: tuple[Fraction, Fraction]) -> Fraction:
    """P(rate 1 > u) averaged over rate 2, in fractions: u = start + length v and rate 2 the same, v from 0 to 1.

    The tail of a Beta with whole shapes is a binomial sum; all is a polynomial in v and 1 - v.
    """
    a, b, c, d = shapes
    (start, length), (start_2, length_2) = one, two
    n, total = a + b - 1, Fraction(0)
    density = [
        (p, q, x * y)
        for p, x in enumerate(expanded(start_2, length_2, c - 1))
        for q, y in enumerate(expanded(1 - start_2 - length_2, length_2, d - 1))
        if x and y
    ]
    for j in range(a):
        for p, x in enumerate(expanded(start, length, j)):
            for q, y in enumerate(expanded(1 - start - length, length, n - j)):
                if x and y:
                    for p_2, q_2, z in density:
                        total += comb(n, j) * x * y * z * whole_beta(p + p_2 + 1, q + q_2 + 1)
    return total * length_2 / whole_beta(c, d)


def exceeds(shapes: Shapes, x: Fraction) -> Fraction:
    """P(rate 1 - rate 2 > x) for x from 0 to 1."""
    return above(shapes, (x, 1 - x), (Fraction(0), 1 - x))


@pytest.mark.parametrize(
    ("shapes", "x"),
    [
        ((1, 1, 1, 1), Fraction(1, 4)),
        ((3, 9, 2, 7), Fraction(1, 8)),
        ((9, 3, 2, 7), Fraction(0)),
        ((2, 14, 14, 2), Fraction(1, 4)),
        ((1, 20, 20, 1), Fraction(1, 2)),
        ((1, 20, 20, 1), Fraction(63, 64)),
        ((2, 16, 9, 3), Fraction(4095, 4096)),
    ],
)
def test_tails_of_differences_in_fractions(shapes: Shapes, x: Fraction) -> None:
    """Both tails keep their relative accuracy, down to 1e-65 and below."""
    a, b, c, d = shapes
    exact = exceeds(shapes, x)
    one, two = rows([(1, a, b)]), rows([(1, c, d)])
    assert upper_tail(one, two, float(x)) == pytest.approx(float(exact), rel=ROUNDING, abs=0)
    turned_one, turned_two = rows([(1, b, a)]), rows([(1, d, c)])  # of the complements: rate 2 - rate 1
    assert upper_tail(turned_two, turned_one, float(x)) == pytest.approx(float(exact), rel=ROUNDING, abs=0)
    assert upper_tail(two, one, -float(x)) == pytest.approx(float(1 - exact), rel=ROUNDING, abs=0)


def test_the_tails_in_fractions_reach_far() -> None:
    """The cases above go beyond 1e-65."""
    assert exceeds((1, 20, 20, 1), Fraction(63, 64)) < Fraction(1, 10**65)


@pytest.mark.parametrize("x", [Fraction(1, 2), Fraction(7, 8), Fraction(15, 16)])
def test_small_tails_below_zero_in_fractions(x: Fraction) -> None:
    """P(rate 1 - rate 2 > -x) keeps its digits where rate 2 is surely far above rate 1."""
    shapes = (1, 24, 25, 2)
    exact = 1 - exceeds((25, 2, 1, 24), x)
    a, b, c, d = shapes
    assert upper_tail(rows([(1, a, b)]), rows([(1, c, d)]), -float(x)) == pytest.approx(
        float(exact), rel=ROUNDING, abs=0
    )


@pytest.mark.parametrize("shapes", [(1, 1, 1, 1), (3, 9, 2, 7), (2, 14, 14, 2), (1, 20, 20, 1)])
@pytest.mark.parametrize("ratio", [Fraction(5, 4), Fraction(4), Fraction(1000)])
def test_tails_of_ratios_in_fractions(shapes: Shapes, ratio: Fraction) -> None:
    """P(rate 1 > ratio * rate 2), and of the other direction, keep their relative accuracy."""
    a, b, c, d = shapes
    exact = above(shapes, (Fraction(0), Fraction(1)), (Fraction(0), 1 / ratio))
    threshold = math.log(ratio)
    found = upper_tail(rows([(1, a, b)]), rows([(1, c, d)]), threshold, "log_ratio")
    assert found == pytest.approx(float(exact), rel=ROUNDING, abs=0)
    below = upper_tail(rows([(1, c, d)]), rows([(1, a, b)]), -threshold, "log_ratio")
    assert below == pytest.approx(float(1 - exact), rel=ROUNDING, abs=0)


@pytest.mark.parametrize("threshold", [0.5, 1.0, 6.0, 40.0, 150.0, 600.0])
def test_odds_ratio_of_two_uniforms(threshold: float) -> None:
    """Two uniform rates: P(odds ratio > r) = (r log r - r + 1) / (r - 1)^2, down to 1e-258."""
    ratio = Fraction(math.exp(threshold))
    exact = (ratio * Fraction(threshold) - ratio + 1) / (ratio - 1) ** 2
    found = upper_tail(rows(UNIFORM), rows(UNIFORM), threshold, "log_odds")
    assert found == pytest.approx(float(exact), rel=1e-11, abs=0)  # e^threshold is rounded: threshold * 1e-16 * slope
    below = upper_tail(rows(UNIFORM), rows(UNIFORM), -threshold, "log_odds")
    assert below == pytest.approx(float(1 - exact), rel=ROUNDING)


# mpmath 1.4.1 at 30 digits: quad over log odds of one density times the regularised incomplete Beta function
FROM_MPMATH: list[tuple[Parts, Parts, float, Scale, float]] = [
    ([(1, 0.5, 0.5)], [(1, 0.3, 2)], 0.25, "difference", 0.57611332431258581),
    ([(1, 0.5, 0.5)], [(1, 0.3, 2)], -0.125, "difference", 0.90722410993281778),
    ([(0.8, 0.2, 9), (0.2, 1, 1)], [(1, 40, 60)], -0.5, "difference", 0.98797583763772533),
    ([(1, 30, 70)], [(1, 70, 30)], 0.25, "difference", 4.7878544318615351e-21),
    ([(1, 60.5, 140)], [(0.5, 160, 40.25), (0.5, 170, 30)], 0.0625, "difference", 3.0821729711758936e-31),
    ([(1, 40.5, 160)], [(0.5, 160, 40.25), (0.5, 170, 30)], 0.0625, "difference", 8.671446265910951e-43),
    ([(1, 19, 23)], [(0.8, 44, 133), (0.2, 11, 31)], 4.0, "log_odds", 4.4642768303515211e-10),
    ([(1, 0.4, 0.6)], [(1, 0.2, 3)], 0.75, "log_odds", 0.7894093734027586),
    ([(1, 0.4, 0.6)], [(1, 0.2, 3)], -6.0, "log_odds", 0.98408432632897205),
    ([(1, 30, 70)], [(0.7, 70, 30), (0.3, 35, 40)], 1.5, "log_ratio", 7.3987804902720417e-19),
    ([(1, 0.4, 0.6)], [(1, 0.2, 3)], -2.5, "log_ratio", 0.94101006740747854),
    ([(1, 3, 90)], [(1, 60, 4)], -1.0, "log_ratio", 7.875239682696907e-14),
]


@pytest.mark.parametrize(("one", "two", "threshold", "scale", "expected"), FROM_MPMATH)
def test_tails_are_those_of_mpmath(one: Parts, two: Parts, threshold: float, scale: Scale, expected: float) -> None:
    """Mixtures, shapes below 1 and broken shapes, on every scale, to relative accuracy."""
    assert upper_tail(rows(one), rows(two), threshold, scale) == pytest.approx(expected, rel=ROUNDING, abs=0)


@pytest.mark.parametrize(("a", "b"), [(4, 16), (30, 41), (2, 60)])
@pytest.mark.parametrize("rate", [Fraction(1, 2), Fraction(127, 128), Fraction(4095, 4096)])
def test_survival_of_mixtures_in_fractions(a: int, b: int, rate: Fraction) -> None:
    """The upper tail of a mixture keeps its relative accuracy, down to 1e-65 and far below."""

    def tail(first: int, second: int) -> Fraction:
        n = first + second - 1
        return sum((comb(n, j) * rate**j * (1 - rate) ** (n - j) for j in range(first)), Fraction(0))

    exact = Fraction(3, 4) * tail(a, b) + Fraction(1, 4) * tail(a + 2, b + 9)
    found = mixture([[0.75, a, b], [0.25, a + 2, b + 9]]).survival(float(rate))
    assert found == pytest.approx(float(exact), rel=ROUNDING, abs=0)


# mpmath 1.4.1 at 40 digits: the continued fraction 26.5.8 of Abramowitz & Stegun, at the rates as floats
@pytest.mark.parametrize(
    ("a", "b", "deviations", "expected"),
    [(1e4, 3e4, 17, 1.7570737465738267e-61), (1e5, 1e5, 17, 3.7012706718587305e-65)],
)
def test_survival_of_precise_rates(a: float, b: float, deviations: float, expected: float) -> None:
    """So do laws worth 1e5 patients, 17 standard deviations out."""
    mean = a / (a + b)
    rate = mean + deviations * (mean * (1 - mean) / (a + b + 1)) ** 0.5
    assert BetaMixture.beta(a, b).survival(rate) == pytest.approx(expected, rel=1e-11, abs=0)  # the rate is rounded


# mpmath 1.4.1 at 40 digits: bisection on the logarithm of the rate
RARE = [
    (
        [(1, 0.01, 5)],
        [7.8036017356292927e-162, 1.2539904511228198e-101, 9.8922404241125256e-32, 3.330817994966613e-6],
    ),
    (
        [(1, 0.02, 100)],
        [4.5240300412461236e-83, 5.73488939723619e-53, 5.0936050019922454e-18, 2.9641425611774055e-5],
    ),
    (
        [(0.9, 0.05, 50), (0.1, 1, 1)],
        [8.828264114975297e-34, 9.7067790474929369e-22, 9.2571424355769678e-8, 0.034383597587835413],
    ),
]


@pytest.mark.parametrize(("parts", "expected"), RARE)
def test_quantiles_of_rare_rates(parts: Parts, expected: list[float]) -> None:
    """Quantiles of rates that are almost surely tiny are right as far down as 1e-161, and hold their probability."""
    prior = mixture(parts)
    for p, rate in zip((0.025, 0.1, 0.5, 0.9), expected, strict=True):
        assert prior.quantile(p) == pytest.approx(rate, rel=1e-12, abs=0)
        assert prior.cdf(prior.quantile(p)) == pytest.approx(p, rel=ROUNDING)


@pytest.mark.parametrize("x", [-0.999, -0.5, 0.0, 0.25, 0.999])
def test_density_of_two_uniforms(x: float) -> None:
    """The difference of two uniform rates has density 1 - |x|."""
    assert density(rows(UNIFORM), rows(UNIFORM), x) == pytest.approx(1 - abs(x), rel=ROUNDING)


@pytest.mark.parametrize("x", [Fraction(0), Fraction(1, 8), Fraction(3, 4), Fraction(255, 256)])
@pytest.mark.parametrize("shapes", [(3, 9, 2, 7), (1, 20, 20, 1), (14, 2, 2, 14)])
def test_density_in_fractions(shapes: Shapes, x: Fraction) -> None:
    """The density of a difference is an integral of a polynomial, to relative accuracy in the tails too."""
    a, b, c, d = shapes
    total = sum(
        (
            k * m * whole_beta(c + p, b + q) * (1 - x) ** (b + c - 1)
            for p, k in enumerate(expanded(x, 1 - x, a - 1))
            for q, m in enumerate(expanded(x, 1 - x, d - 1))
        ),
        Fraction(0),
    )
    exact = total / (whole_beta(a, b) * whole_beta(c, d))
    one, two = mixture([[1, a, b]]), mixture([[1, c, d]])
    assert one.difference_density(two, float(x)) == pytest.approx(float(exact), rel=ROUNDING, abs=0)
    assert two.difference_density(one, -float(x)) == pytest.approx(float(exact), rel=ROUNDING, abs=0)


def test_density_next_to_where_it_is_infinite() -> None:
    """Two rates piled up at 0: the density is infinite at 0 and the density of their sum of powers beside it."""
    one, two = rows([(1, 0.25, 1)]), rows([(1, 0.25, 1)])
    assert density(one, two, 0.0) == math.inf
    assert density(rows([(1, 3, 0.5)]), rows([(1, 3, 0.5)]), 0.0) == math.inf
    # Beta(1/4, 1) has density y^(-3/4) / 4: for small x the integral is x^(-1/2) B(1/4, 1/2) / 16, less O(1)
    x = 1e-20
    scale = math.gamma(0.25) * math.gamma(0.5) / math.gamma(0.75) / 16
    assert density(one, two, x) == pytest.approx(scale / math.sqrt(x) - 1 / 8, rel=ROUNDING)


def test_density_at_zero_with_small_shapes() -> None:
    """Shapes below 1 that add up to more than 1 leave the density at 0 finite: B(a + c - 1, ...) / (B B)."""
    found = density(rows([(1, 0.6, 0.7)]), rows([(1, 0.5, 0.9)]), 0.0)

    def function(a: float, b: float) -> float:
        return math.gamma(a) * math.gamma(b) / math.gamma(a + b)

    assert found == pytest.approx(function(0.1, 0.6) / (function(0.6, 0.7) * function(0.5, 0.9)), rel=ROUNDING)


def test_outside_of_one() -> None:
    """Rates never differ by 1 or more."""
    one, two = rows(ROBUST), rows(SINGULAR)
    assert (density(one, two, 1.0), density(one, two, -1.5)) == (0, 0)
    assert (upper_tail(one, two, 1.0), upper_tail(one, two, -1.0)) == (0, 1)
    assert (quantile(one, two, 0.0), quantile(one, two, 1.0)) == (-1, 1)


def test_ratios_beyond_floats_are_refused() -> None:
    """A threshold that no pair of floating-point rates can reach is a failure of the method."""
    with pytest.raises(ComputationError, match="beyond 700"):
        upper_tail(rows(UNIFORM), rows(UNIFORM), 701.0, "log_ratio")


def test_without_weight_without_effect() -> None:
    """Parts of weight 0 change nothing."""
    more = [*ROBUST, (0.0, 0.5, 90.0)]
    assert upper_tail(rows(more), rows(UNIFORM), 0.1) == upper_tail(rows(ROBUST), rows(UNIFORM), 0.1)
    assert density(rows(UNIFORM), rows(more), 0.1) == density(rows(UNIFORM), rows(ROBUST), 0.1)


@pytest.mark.parametrize("p", [1e-12, 0.02, 0.5])
def test_quantiles_of_two_uniforms(p: float) -> None:
    """The difference of two uniform rates has quantile sqrt(2 p) - 1 up to the median, and mirrored above it."""
    found = mixture(UNIFORM).difference_quantile(mixture(UNIFORM), p)
    assert found == pytest.approx(math.sqrt(2 * p) - 1, abs=ROUNDING)
    assert mixture(UNIFORM).difference_quantile(mixture(UNIFORM), 1 - p) == pytest.approx(-found, abs=1e-10)


@pytest.mark.parametrize("p", [1e-9, 0.025, 0.5, 0.975])
@pytest.mark.parametrize(("one", "two"), [(ROBUST, SINGULAR), (SINGULAR, [(1.0, 0.01, 5.0)])])
def test_quantiles_hold_their_probability(one: Parts, two: Parts, p: float) -> None:
    """Below a quantile lies its probability: exactly where the law is smooth, or it jumps over p within rounding."""
    x = quantile(rows(one), rows(two), p)
    step = 4e-15
    assert upper_tail(rows(two), rows(one), -(x - step)) <= p * (1 + 1e-10)
    assert upper_tail(rows(two), rows(one), -(x + step)) >= p * (1 - 1e-10)


@few
@given(
    shapes=st.tuples(*[st.floats(0.05, 400)] * 4),
    threshold=st.floats(-0.9, 0.9),
    scale=st.sampled_from(["difference", "log_odds", "log_ratio"]),
)
def test_two_tails_make_one(shapes: tuple[float, float, float, float], threshold: float, scale: Scale) -> None:
    """What exceeds a threshold and what does not add up to 1, on every scale."""
    a, b, c, d = shapes
    one, two = rows([(1, a, b)]), rows([(1, c, d)])
    assert upper_tail(one, two, threshold, scale) + upper_tail(two, one, -threshold, scale) == pytest.approx(
        1, abs=ROUNDING
    )


@pytest.mark.parametrize("scale", ["log_odds", "log_ratio"])
@pytest.mark.parametrize("threshold", [-8.0, -0.4, 1e-9, 0.7, 5.0])
@pytest.mark.parametrize(("one", "two"), [(ROBUST, UNIFORM), (SINGULAR, ROBUST), ([(1.0, 0.5, 1.0)], SINGULAR)])
def test_grids_are_the_tails_of_posteriors(one: Parts, two: Parts, threshold: float, scale: Scale) -> None:
    """Every table's probability is the tail of the two posteriors, taken one by one."""
    n_t, n_c = 7, 4
    found = probability_beyond(rows(one), n_t, rows(two), n_c, threshold, scale)
    assert found.shape == (n_t + 1, n_c + 1)
    for x_t in range(n_t + 1):
        for x_c in range(n_c + 1):
            treated, controls = mixture(one).updated(x_t, n_t), mixture(two).updated(x_c, n_c)
            expected = upper_tail(treated.array, controls.array, threshold, scale)
            assert found[x_t, x_c] == pytest.approx(expected, abs=GRID), (x_t, x_c)


def test_posteriors_of_the_least_shapes() -> None:
    """A shape of 0.001 stays what it is when every patient responds: b + n - n does not round below it."""
    assert mixture(SINGULAR).updated(60, 60).parts[0][1:] == (60.001, 0.001)


@pytest.mark.parametrize(("n_t", "n_c"), [(400, 200), (60, 2000)])
@pytest.mark.parametrize(("threshold", "scale"), [(1.5, "log_odds"), (-0.25, "log_ratio"), (0.25, "log_ratio")])
def test_large_grids(n_t: int, n_c: int, threshold: float, scale: Scale) -> None:
    """Large trials keep the promise in the corners and in the middle."""
    found = probability_beyond(rows(ROBUST), n_t, rows(ROBUST), n_c, threshold, scale)
    for x_t, x_c in ((0, 0), (0, n_c), (n_t, 0), (n_t, n_c), (n_t // 3, n_c // 3), (n_t // 2, n_c // 4)):
        treated, controls = mixture(ROBUST).updated(x_t, n_t), mixture(ROBUST).updated(x_c, n_c)
        expected = upper_tail(treated.array, controls.array, threshold, scale)
        assert found[x_t, x_c] == pytest.approx(expected, abs=GRID), (x_t, x_c)


def test_grids_of_ratios_in_fractions() -> None:
    """Uniform priors: P(rate 1 > 2 rate 2) of every table of 5 and 3 patients, in fractions."""
    found = probability_beyond(rows(UNIFORM), 5, rows(UNIFORM), 3, math.log(2), "log_ratio")
    for x_t in range(6):
        for x_c in range(4):
            shapes = (1 + x_t, 6 - x_t, 1 + x_c, 4 - x_c)
            exact = above(shapes, (Fraction(0), Fraction(1)), (Fraction(0), Fraction(1, 2)))
            assert found[x_t, x_c] == pytest.approx(float(exact), abs=GRID)


@pytest.mark.parametrize(("threshold", "scale"), [(0.0, "log_odds"), (0.0, "log_ratio"), (0.1, "difference")])
def test_what_other_grids_already_say(threshold: float, scale: Scale) -> None:
    """A threshold of 0 asks the same on every scale, and a difference is the margin."""
    found = probability_beyond(rows(ROBUST), 6, rows(UNIFORM), 5, threshold, scale)
    expected = probability_greater(rows(ROBUST), 6, rows(UNIFORM), 5, threshold)
    assert np.abs(found - expected).max() == 0
    near = probability_beyond(rows(ROBUST), 6, rows(UNIFORM), 5, 1e-13, "log_odds")
    zero = probability_greater(rows(ROBUST), 6, rows(UNIFORM), 5)
    assert np.abs(near - zero).max() < GRID


def test_odds_do_not_care_which_outcome_is_counted() -> None:
    """Swapping the arms and counting non-responders leaves every probability on the log-odds scale as it is."""
    turned = [(w, b, a) for w, a, b in ROBUST]
    found = probability_beyond(rows(ROBUST), 9, rows(UNIFORM), 6, 0.6, "log_odds")
    swapped = probability_beyond(rows(UNIFORM), 6, rows(turned), 9, 0.6, "log_odds")
    assert np.abs(found - swapped.T[::-1, ::-1]).max() < GRID
