"""Beta mixtures: updating, moments, tails, quantiles, predictions and comparisons against hand arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from tests.building import mixture
from tests.tolerances import ROUNDING

from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.errors import ComputationError, InputError
from anatrial.numerics import beta

ROBUST = mixture([[0.8, 8, 26], [0.2, 1, 1]])
TINY = mixture([[0.5, 1e-3, 1e-3], [0.5, 0.5, 2]])


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def beta_binomial(x: int, n: int, a: int, b: int) -> Fraction:
    """P(x of n) with the rate drawn from Beta(a, b), whole shapes."""
    return comb(n, x) * whole_beta(a + x, b + n - x) / whole_beta(a, b)


def above(a_t: int, b_t: int, a_c: int, b_c: int) -> Fraction:
    """P(treatment rate > control rate): the chance that a_t + b_t - 1 uniforms and a_c + b_c - 1 others are so ordered.

    A Beta with whole shapes is an order statistic, so the answer is a count of interleavings.
    """
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    # k of the control uniforms lie below the a_t-th of treatment; it exceeds the a_c-th of control if k >= a_c
    ways = sum(comb(a_t - 1 + k, k) * comb(n_t - a_t + n_c - k, n_c - k) for k in range(a_c, n_c + 1))
    return Fraction(ways, comb(n_t + n_c, n_c))


@pytest.mark.parametrize(("x", "n"), [(0, 0), (0, 7), (7, 7), (3, 7), (18, 20)])
def test_update_in_fractions(x: int, n: int) -> None:
    """Posterior weights are proportional to weight times prediction; shapes add responders and non-responders."""
    parts = [(Fraction(4, 5), 4, 16), (Fraction(1, 5), 1, 1)]
    raw = [w * beta_binomial(x, n, a, b) for w, a, b in parts]
    found = mixture([[0.8, 4, 16], [0.2, 1, 1]]).updated(x, n)
    for part, weight, (_, a, b) in zip(found.parts, raw, parts, strict=True):
        assert part.weight == pytest.approx(float(weight / sum(raw)), rel=ROUNDING)
        assert part[1:] == (a + x, b + n - x)


def test_update_by_nobody_changes_nothing() -> None:
    """0 of 0 leaves every weight and shape as it was."""
    found = ROBUST.updated(0, 0)
    assert np.array(found.parts) == pytest.approx(np.array(ROBUST.parts), rel=ROUNDING)


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_update_refuses_impossible_counts(x: int, n: int) -> None:
    """Responders below 0 or above n are an input error, never clipped."""
    with pytest.raises(InputError):
        ROBUST.updated(x, n)


def test_update_survives_extreme_conflict() -> None:
    """A prior that thinks the data all but impossible still gives weights that sum to 1."""
    found = mixture([[0.999999, 1, 10_000], [0.000001, 1, 1]]).updated(2000, 2000)
    assert math.fsum(part.weight for part in found.parts) == pytest.approx(1, abs=1e-12)
    assert found.parts[1].weight == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ((0.5, 1, 1),),
        ((0.6, 1, 1), (0.6, 1, 1)),
        ((1.5, 1, 1), (-0.5, 1, 1)),
        ((1.0, 0, 1),),
        ((1.0, -1, 1),),
        ((1.0, 1, math.inf),),
        ((1.0, math.nan, 1),),
        ((math.nan, 1, 1),),
        ((1.0, 1e-4, 1),),
        ((1.0, 1, 2e6),),
    ],
)
def test_impossible_mixtures_are_refused(parts: tuple[tuple[float, float, float], ...]) -> None:
    """Weights that are no weights and shapes out of range are an input error."""
    with pytest.raises(InputError):
        BetaMixture(tuple(BetaPart(*part) for part in parts))


def test_moments_in_fractions() -> None:
    """Mean and variance of a mixture by the law of total variance in fractions."""
    parts = [(Fraction(4, 5), 8, 26), (Fraction(1, 5), 1, 1)]
    mean = sum((w * Fraction(a, a + b) for w, a, b in parts), Fraction(0))
    second = sum((w * Fraction(a * (a + 1), (a + b) * (a + b + 1)) for w, a, b in parts), Fraction(0))
    assert ROBUST.mean == pytest.approx(float(mean), rel=ROUNDING)
    assert ROBUST.sd == pytest.approx(math.sqrt(second - mean**2), rel=ROUNDING)
    assert ROBUST.effective_n == pytest.approx(float(mean * (1 - mean) / (second - mean**2) - 1), rel=1e-11)


def test_effective_n_of_one_beta_is_its_shapes() -> None:
    """One Beta is worth a + b patients, exactly."""
    assert BetaMixture.beta(11, 32).effective_n == 43
    assert BetaMixture.beta(0.3, 0.2).effective_n == 0.5


@pytest.mark.parametrize("n", [0, 1, 2, 24, 117])
def test_predictive_in_fractions(n: int) -> None:
    """The predictive law of a mixture is the weighted sum of beta-binomials, every count in fractions."""
    law = mixture([[0.25, 3, 5], [0.75, 1, 2]]).predictive(n)
    for x in range(n + 1):
        exact = Fraction(1, 4) * beta_binomial(x, n, 3, 5) + Fraction(3, 4) * beta_binomial(x, n, 1, 2)
        assert law[x] == pytest.approx(float(exact), rel=1e-11)


@pytest.mark.parametrize("prior", [ROBUST, TINY, mixture([[1, 1e5, 1e5]]), mixture([[1, 1e-3, 1e5]])])
@pytest.mark.parametrize("n", [0, 1, 30, 2000])
def test_predictive_sums_to_one(prior: BetaMixture, n: int) -> None:
    """Predictive laws sum to 1 and have the prior's mean, for shapes from 0.001 to 100,000."""
    law = prior.predictive(n)
    assert float(law.sum()) == pytest.approx(1, abs=ROUNDING)
    assert float(law @ np.arange(n + 1)) == pytest.approx(n * prior.mean, rel=1e-9)


def test_predicted_quantile_at_its_edges() -> None:
    """The uniform predicts each count equally: the median of 0..9 is 4, and the last quantile is n."""
    uniform = BetaMixture.beta(1, 1)
    assert uniform.predicted_quantile(0.5, 9) == 4
    assert uniform.predicted_quantile(1.0, 9) == 9
    assert uniform.predicted_quantile(0.05, 9) == 0
    assert uniform.predicted_quantile(0.5, 0) == 0


@pytest.mark.parametrize("prior", [ROBUST, TINY, mixture([[0.5, 3, 300], [0.5, 300, 3]])])
@pytest.mark.parametrize("p", [1e-9, 1e-3, 0.025, 0.5, 0.975, 0.999, 1 - 1e-9])
def test_quantile_is_the_inverse(prior: BetaMixture, p: float) -> None:
    """The distribution function at the quantile of p is p, and just below it is less."""
    found = prior.quantile(p)
    assert 0 <= found <= 1
    assert prior.cdf(found) >= p * (1 - 1e-9) or prior.survival(found) <= (1 - p) * (1 + 1e-6)
    below = found * (1 - 1e-7) if found > 1e-300 else 0.0  # shapes of 0.001 have quantiles that no number can hold
    assert prior.cdf(below) <= p * (1 + 1e-9) + 1e-15


def test_quantile_at_the_ends() -> None:
    """Probability 0 and 1 lie at the rates 0 and 1."""
    assert (ROBUST.quantile(0.0), ROBUST.quantile(1.0)) == (0.0, 1.0)


def test_mirrored_mixture_has_mirrored_quantiles() -> None:
    """Turning responders and non-responders round turns every quantile round."""
    mirrored = mixture([[0.8, 26, 8], [0.2, 1, 1]])
    for p in (0.001, 0.025, 0.3, 0.5, 0.8, 0.975):
        assert mirrored.quantile(1 - p) == pytest.approx(1 - ROBUST.quantile(p), abs=1e-12)


def test_distribution_by_a_binomial_sum() -> None:
    """P(Beta(a, b) <= x) with whole shapes is an upper binomial tail, and the other tail its complement."""
    a, b, x = 8, 26, Fraction(3, 10)
    n = a + b - 1
    tail = sum((comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1)), Fraction(0))
    one = BetaMixture.beta(a, b)
    assert one.cdf(0.3) == pytest.approx(float(tail), rel=ROUNDING)
    assert one.survival(0.3) == pytest.approx(float(1 - tail), rel=ROUNDING)


def test_density_at_the_ends() -> None:
    """The density is a b-fold power at 0: 0, finite or infinite, never not-a-number."""
    assert BetaMixture.beta(2, 2).density(0.0) == 0
    assert BetaMixture.beta(1, 3).density(0.0) == pytest.approx(3, rel=ROUNDING)
    assert BetaMixture.beta(0.5, 1).density(0.0) == math.inf
    assert BetaMixture.beta(3, 1).density(1.0) == pytest.approx(3, rel=ROUNDING)


def test_density_integrates_to_one() -> None:
    """Midpoints of 200,000 intervals add up to 1."""
    rates = (np.arange(200_000) + 0.5) / 200_000
    assert float(np.exp(beta.log_density(ROBUST.array, rates)).mean()) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(("a_t", "b_t", "a_c", "b_c"), [(1, 1, 1, 1), (9, 5, 2, 12), (1, 30, 30, 1), (15, 11, 26, 8)])
def test_superiority_by_interleavings(a_t: int, b_t: int, a_c: int, b_c: int) -> None:
    """P(one rate > another) for whole shapes equals a count of interleavings, tiny values included."""
    found = BetaMixture.beta(a_t, b_t).probability_above(BetaMixture.beta(a_c, b_c))
    exact = above(a_t, b_t, a_c, b_c)
    assert found == pytest.approx(float(exact), rel=1e-10, abs=1e-14)


def test_superiority_against_a_riemann_sum() -> None:
    """P(rate > other + margin) of mixtures equals a direct sum over a fine grid of the rate."""
    other = mixture([[0.7, 5, 7], [0.3, 2, 1]])
    for margin in (-0.3, -0.1, 0.0, 0.05, 0.4):
        rates = (np.arange(100_000) + 0.5) / 100_000
        density = np.exp(beta.log_density(ROBUST.array, rates))
        below = beta.cdf(other.array, np.clip(rates - margin, 0, 1))
        assert ROBUST.probability_above(other, margin) == pytest.approx(float((density * below).mean()), abs=1e-8)


def test_superiority_beyond_the_range() -> None:
    """No difference of rates exceeds 1, and every one exceeds -1."""
    assert ROBUST.probability_above(TINY, 1.0) == 0
    assert ROBUST.probability_above(TINY, -1.0) == 1


def test_robustified_keeps_proportions() -> None:
    """A robust part of weight 0.2 scales the others by 0.8; weight 0 adds nothing; weight 1 leaves only itself."""
    history = mixture([[0.3, 4, 16], [0.7, 8, 26]])
    found = history.robustified(BetaPart(0.2, 1, 1))
    assert np.array(found.parts) == pytest.approx(np.array([[0.24, 4, 16], [0.56, 8, 26], [0.2, 1, 1]]), rel=ROUNDING)
    assert history.robustified(BetaPart(0.0, 1, 1)) == history
    alone = history.robustified(BetaPart(1.0, 1, 1))
    assert alone.mean == 0.5
    assert alone.updated(3, 9).mean == pytest.approx(4 / 11, rel=ROUNDING)


def test_median_and_interval_are_met() -> None:
    """A median with a 90 % interval makes the Beta with that median and that much probability inside."""
    found = BetaMixture.with_median(0.3, 0.15, 0.5, 0.9)
    assert found.cdf(0.3) == pytest.approx(0.5, abs=1e-9)
    assert found.cdf(0.5) - found.cdf(0.15) == pytest.approx(0.9, abs=1e-9)


def test_impossible_median_is_refused() -> None:
    """An interval so wide that even the vaguest Beta is inside more often is refused, not approximated."""
    with pytest.raises(ComputationError):
        BetaMixture.with_median(0.5, 1e-9, 1 - 1e-9, 0.01)


def test_equal_mixtures_are_equal_and_hashable() -> None:
    """Mixtures are values: equal parts make equal mixtures, which find each other in a set."""
    again = mixture([[0.8, 8, 26], [0.2, 1, 1]])
    assert again == ROBUST
    assert len({again, ROBUST}) == 1
    assert ROBUST.said() == "0.8 Beta(8, 26) + 0.2 Beta(1, 1)"
