"""Effective sample sizes against their definitions: closed forms, digits of the defining integrals, and algebra."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import mixture
from tests.tolerances import ROUNDING, printed

from anatrial.domain.mixture import BetaMixture, Strength
from anatrial.errors import ComputationError
from anatrial.numerics import beta, information
from anatrial.numerics.quadrature import integral, partition

Parts = list[tuple[float, float, float]]

few = settings(deadline=None, max_examples=25, derandomize=True)
AT_LEAST_ONE = st.one_of(st.just(1.0), st.floats(1.0, 60.0))
SHAPES = st.floats(1.0, 300.0)


@st.composite
def proper(draw: st.DrawFn) -> Parts:
    """One to three Betas whose shapes are all at least 1."""
    shapes = draw(st.lists(st.tuples(AT_LEAST_ONE, AT_LEAST_ONE), min_size=1, max_size=3))
    raw = [draw(st.floats(0.05, 1)) for _ in shapes]
    return [(w / math.fsum(raw), a, b) for w, (a, b) in zip(raw, shapes, strict=True)]


@pytest.mark.parametrize(("a", "b"), [(1.02, 6.5), (1.001, 9), (1.2, 9), (5, 15), (1e6, 3.5)])
def test_one_beta_is_worth_its_shapes(a: float, b: float) -> None:
    """One Beta with shapes above 1 is worth a + b on both scales: nothing is integrated, nothing clamped."""
    prior = BetaMixture.beta(a, b)
    assert prior.elir == a + b
    assert prior.elir_log_odds == a + b


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.001, 40), (1, 1)])
def test_one_beta_on_log_odds_needs_no_shape_above_one(a: float, b: float) -> None:
    """On the log-odds scale one Beta is worth a + b whatever its shapes."""
    assert BetaMixture.beta(a, b).elir_log_odds == a + b


@pytest.mark.parametrize(("b", "worth"), [(1, 0), (2, Fraction(1)), (5, Fraction(1)), (40, Fraction(1))])
def test_a_shape_of_one_costs_the_density_at_the_end(b: int, worth: Fraction) -> None:
    """Beta(1, b) has local information (b - 1) / (1 - theta)^2, whose ratio averages to 1, and to 0 where b = 1."""
    assert BetaMixture.beta(1, b).elir == pytest.approx(float(worth), abs=ROUNDING)


def test_a_negative_value_stays_negative() -> None:
    """0.5 Beta(1, 1) + 0.5 Beta(1, 10) is worth -1.310 patients on the response scale, 4.6897 on log odds."""
    prior = mixture([[0.5, 1, 1], [0.5, 1, 10]])
    assert prior.elir == pytest.approx(-1.310, abs=printed(3))
    assert prior.elir_log_odds == pytest.approx(4.6897, abs=printed(4))


# mpmath 1.4.1, 25 to 250 digits: quad over log odds of (q'^2 / q - q'') / (theta (1 - theta)), or of the same with the
# density of the rate; the two slow tails as a + b minus the variance of the slopes, over |log odds| up to 80,000
ON_LOG_ODDS = [
    ([(0.5, 1, 1), (0.5, 1, 10)], 4.6896924364810053),
    ([(0.6, 0.4, 7), (0.4, 12, 2)], 9.7022686292569125),
    ([(0.3, 0.5, 3), (0.7, 1.5, 5)], 2.4406724895945761),
    ([(0.3, 0.5, 3), (0.7, 1.001, 5)], -870.25109281528899),
    ([(0.5, 0.001, 1.001), (0.5, 1.001, 0.001)], 0.002),
    ([(0.5, 1000, 3000), (0.5, 1200, 2800)], 3969.38513674638873),
    ([(0.5, 2e5, 3e5), (0.4, 1, 1), (0.1, 2.01e5, 2.99e5)], 202409.578000184158),
]
ON_RATES = [
    ([(0.5, 1, 1), (0.5, 1, 10)], -1.3103075635189947),
    ([(0.5, 1.02, 6.5), (0.5, 1.2, 9)], 8.3816115598105942),
    ([(0.4, 1.001, 9), (0.6, 30, 103)], 61.037431309789513),
    ([(0.8, 34, 103), (0.2, 2.3, 5.5)], 88.187453198704691),
]


@pytest.mark.parametrize(("parts", "expected"), ON_LOG_ODDS)
def test_elir_on_log_odds_is_its_integral(parts: Parts, expected: float) -> None:
    """ELIR on log odds is the defining integral, slow tails, narrow parts and shapes of 1e5 included."""
    assert mixture(parts).elir_log_odds == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize(("parts", "expected"), ON_RATES)
def test_elir_is_its_integral(parts: Parts, expected: float) -> None:
    """ELIR on the response scale is the defining integral, shapes just above 1 included."""
    assert mixture(parts).elir == pytest.approx(expected, rel=ROUNDING)


@few
@given(parts=proper(), n=st.integers(1, 12))
def test_elir_is_predictively_consistent(parts: Parts, n: int) -> None:
    """Averaged over what n patients may show, the posterior is worth n patients more than the prior, on both scales."""
    prior = mixture(parts)
    posteriors = [prior.updated(x, n) for x in range(n + 1)]
    law = prior.predictive(n)
    for number in (information.elir, information.elir_log_odds):
        # a mixture's terms may cancel, so an absolute tolerance stands beside the relative one
        averaged = float(law @ [number(posterior.array) for posterior in posteriors])
        assert averaged == pytest.approx(number(prior.array) + n, rel=1e-10, abs=1e-10)


@few
@given(a=SHAPES, b=SHAPES, weight=st.floats(0.01, 0.99))
def test_equal_parts_are_one(a: float, b: float, weight: float) -> None:
    """A mixture of equal parts is worth what the part is worth."""
    prior = mixture([[weight, a, b], [1 - weight, a, b]])
    assert prior.elir_log_odds == pytest.approx(a + b, rel=ROUNDING)
    assert prior.elir == pytest.approx(information.elir(np.array([[1.0, a, b]])), rel=ROUNDING, abs=ROUNDING * (a + b))


@few
@given(parts=proper())
def test_counting_the_others_changes_nothing(parts: Parts) -> None:
    """Non-response instead of response leaves ELIR as it is, and turns the mode round."""
    prior, turned = mixture(parts), mixture([(w, b, a) for w, a, b in parts])
    scale = sum(a + b for _, a, b in parts)
    assert turned.elir == pytest.approx(prior.elir, abs=ROUNDING * scale)
    assert turned.elir_log_odds == pytest.approx(prior.elir_log_odds, abs=ROUNDING * scale)


def test_a_part_without_weight_says_nothing() -> None:
    """Parts of weight 0 are left out, shapes below 1 included."""
    prior = mixture([[1, 8, 26], [0, 0.5, 0.5]])
    assert (prior.elir, prior.elir_log_odds) == (34, 34)
    assert prior.mode == pytest.approx(7 / 32, rel=ROUNDING)
    assert prior.morita == pytest.approx(BetaMixture.beta(8, 26).morita, rel=ROUNDING)


@pytest.mark.parametrize(
    ("number", "parts", "reason"),
    [
        ("elir", [(0.8, 0.5, 10), (0.2, 1, 1)], "a shape below 1 (0.5): the density is infinite at rate 0"),
        ("elir", [(0.8, 2, 0.25), (0.2, 1, 1)], "a shape below 1 (0.25): the density is infinite at rate 1"),
        ("elir_log_odds", [(0.8, 0.5, 10), (0.2, 1, 1)], "two different shapes that do not exceed 1 (0.5 and 1) at ra"),
        ("elir_log_odds", [(0.8, 5, 0.5), (0.2, 1, 0.75)], "two different shapes that do not exceed 1 (0.5 and 0.75)"),
        ("mode", [(1, 0.5, 0.5)], "a shape below 1 (0.5): the density is infinite at rate 0"),
        ("mode", [(1, 1, 1)], "the density is the same at every rate"),
        ("mode", [(0.5, 1, 2), (0.5, 2, 1)], "the density is the same at every rate"),
        ("morita", [(1, 1, 10)], "the density is highest at rate 0, where its curvature says nothing"),
        ("morita", [(0.9, 20, 1), (0.1, 5, 5)], "the density is highest at rate 1, where its curvature says nothing"),
        ("morita", [(0.9, 20, 10), (0.1, 0.5, 5)], "a shape below 1 (0.5): the density is infinite at rate 0"),
    ],
)
def test_what_does_not_exist_says_why(number: Strength, parts: Parts, reason: str) -> None:
    """A number that does not exist is None, gives its reason in words, and is refused by the formula."""
    prior = mixture(parts)
    assert getattr(prior, number) is None
    assert prior.why_no(number).startswith(reason)
    with pytest.raises(ComputationError, match="does not exist"):
        getattr(information, number)(prior.array)


@pytest.mark.parametrize("number", ["elir", "elir_log_odds", "mode", "morita"])
def test_what_exists_needs_no_reason(number: Strength) -> None:
    """A number that exists has no reason not to."""
    prior = mixture([[0.8, 8, 26], [0.2, 1, 1]])
    assert isinstance(getattr(prior, number), float)
    assert not prior.why_no(number)


@pytest.mark.parametrize(("second", "exists"), [(0.5, True), (0.51, False), (1.0, False), (1.0001, True), (3, True)])
def test_log_odds_elir_exists_where_the_second_shape_exceeds_one(second: float, exists: bool) -> None:
    """Two parts with smallest shape 0.5: the expectation converges if the other's is the same or above 1."""
    for parts in ([(0.5, 0.5, 4), (0.5, second, 4)], [(0.5, 4, 0.5), (0.5, 4, second)]):
        assert (mixture(parts).elir_log_odds is not None) == exists


@pytest.mark.parametrize(("a", "b"), [(2, 2), (11, 32), (3, 30), (1001, 3), (1.0625, 9)])
def test_morita_of_one_beta_in_fractions(a: float, b: float) -> None:
    """One Beta: the curvature at its mode, the vague Beta's and one patient's information, in fractions."""
    shape_a, shape_b = Fraction(a), Fraction(b)
    n = shape_a + shape_b
    m, mean = (shape_a - 1) / (n - 2), shape_a / n
    curvature = (shape_a - 1) / m**2 + (shape_b - 1) / (1 - m) ** 2
    vague = (m / 100 - 1) / m**2 + ((1 - m) / 100 - 1) / (1 - m) ** 2
    prior = BetaMixture.beta(a, b)
    assert prior.mode == pytest.approx(float(m), rel=ROUNDING)
    assert prior.morita == pytest.approx(
        float((curvature - vague) / (mean / m**2 + (1 - mean) / (1 - m) ** 2)), rel=ROUNDING
    )


@pytest.mark.parametrize(
    "parts",
    [
        [(0.8, 8, 26), (0.2, 1, 1)],
        [(0.5, 3, 30), (0.5, 29, 3)],
        [(0.5, 10, 20), (0.5, 14, 20)],
        [(0.3, 1, 3), (0.7, 2.5, 5)],
        [(0.02, 4000, 6000), (0.98, 5, 9)],
        [(0.6, 1.001, 400), (0.4, 6, 2)],
        [(0.5, 2, 1), (0.5, 1, 1)],
        [(0.9, 1, 40), (0.1, 30, 10)],
    ],
)
def test_no_rate_is_denser_than_the_mode(parts: Parts) -> None:
    """On a fine grid of rates, ends included, no density exceeds that at the mode."""
    prior = mixture(parts)
    assert prior.mode is not None
    fine = np.concatenate([np.linspace(0, 1, 20001), np.geomspace(1e-9, 0.01, 2001)])
    highest = float(np.exp(beta.log_density(prior.array, fine).max()))
    assert prior.density(prior.mode) >= highest * (1 - ROUNDING)


def test_the_lowest_of_equal_modes() -> None:
    """Of two modes as high, the lower one is named."""
    assert mixture([[0.5, 30, 3], [0.5, 3, 30]]).mode == pytest.approx(0.0645, abs=printed(4))


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.5), (-1.1, 0.3), (2.0, 1.5)])
def test_logit_normal_by_a_plain_sum(mean: float, sd: float) -> None:
    """One normal: both numbers are E[1 / (theta (1 - theta))] / sd^2, by a fine sum over the log odds."""
    eta = mean + sd * np.linspace(-14, 14, 20001)
    law = np.exp(-0.5 * ((eta - mean) / sd) ** 2)
    expected = float(law @ (2 + 2 * np.cosh(eta)) / law.sum()) / sd**2
    one = np.array([[1.0, mean, sd]])
    assert information.logit_normal_elir(one) == pytest.approx(expected, rel=ROUNDING)
    assert information.logit_normal_moment(one) == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize(
    "parts",
    [[(0.3, -1, 0.4), (0.7, 0.5, 1.2)], [(0.5, -4, 0.1), (0.4, 3, 0.05), (0.1, 0, 2.0)], [(1, 0, 1), (0, 3, 9)]],
)
def test_logit_normal_mixture_by_differences(parts: Parts) -> None:
    """A mixture: the second derivative of its log density by differences of a fine grid, averaged as a plain sum."""
    eta, step = np.linspace(-30, 30, 600_001, retstep=True)
    terms = [w / s * np.exp(-0.5 * ((eta - m) / s) ** 2) for w, m, s in parts]
    law = np.sum(terms, axis=0) / math.sqrt(2 * math.pi)
    inside = law > 1e-200
    logs = np.log(law[inside])
    second = (logs[2:] - 2 * logs[1:-1] + logs[:-2]) / step**2
    middle = slice(1, -1)
    ratio = -second * (2 + 2 * np.cosh(eta[inside][middle]))
    expected = float((law[inside][middle] * ratio).sum() * step)
    # the differences err by step^2 and round to 1e-16 |log| / step^2
    assert information.logit_normal_elir(np.array(parts)) == pytest.approx(expected, rel=1e-5)


def test_logit_normals_beyond_floats_are_refused() -> None:
    """Log odds so wide that e^(sd^2 / 2) overflows are a failure of the method, not a number."""
    with pytest.raises(ComputationError, match="no expectation"):
        information.logit_normal_elir(np.array([[1.0, 0.0, 40.0]]))


def test_an_integral_that_does_not_settle_is_refused() -> None:
    """Neither a pole nor a value that is no number passes for an integral."""
    edges = partition(-1.0, 1.0, np.array([0.3]), np.array([0.1]))
    with np.errstate(divide="ignore"), pytest.raises(ComputationError, match="did not settle"):
        integral(lambda x: 1 / np.abs(x - 1 / math.pi), edges)
    with pytest.raises(ComputationError, match="did not settle"):
        integral(lambda x: np.full_like(x, math.nan), edges)


def test_a_narrow_peak_far_from_the_middle_is_found() -> None:
    """A normal density of width 1e-6 between ends a million apart integrates to 1."""
    edges = partition(-1e6, 1e6, np.array([123.4]), np.array([2e-6]))
    found = integral(lambda x: np.exp(-0.5 * ((x - 123.4) / 1e-6) ** 2) / (1e-6 * math.sqrt(2 * math.pi)), edges)
    assert found == pytest.approx(1, rel=1e-8)  # 123.4 itself is only known to 1.4e-14, a hundred-millionth of it
