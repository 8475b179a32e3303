"""What must hold for every prior, every trial and every rate: algebra, checked on cases that Hypothesis looks for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import decided, drawn, points, posterior, sided

from anatrial.domain.counts import Look, Region, Regions
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.rules import AnyRule
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.posterior import Posterior

small = settings(deadline=None, max_examples=60, derandomize=True)

Parts = tuple[tuple[float, float, float], ...]
SHAPES = st.floats(0.05, 200)
RATES = st.floats(0, 1)
SIZES = st.integers(1, 25)
ALPHAS = st.sampled_from([0.001, 0.01, 0.025, 0.05, 0.1, 0.5])


@st.composite
def priors(draw: st.DrawFn, most: int = 3) -> Parts:
    """One to three Betas with weights that sum to 1."""
    shapes = draw(st.lists(st.tuples(SHAPES, SHAPES), min_size=1, max_size=most))
    raw = [draw(st.floats(0.05, 1)) for _ in shapes]
    return tuple((w / math.fsum(raw), a, b) for w, (a, b) in zip(raw, shapes, strict=True))


def value(parts: Parts) -> BetaMixture:
    """The mixture of these parts."""
    return BetaMixture(tuple(BetaPart(*part) for part in parts))


def flipped(parts: Parts) -> Parts:
    """The prior of the rate of non-response."""
    return tuple((w, b, a) for w, a, b in parts)


@st.composite
def one_sided_rules(draw: st.DrawFn) -> AnyRule:
    """A rule that looks for success alone, with at most one Beta per arm."""
    kind = draw(st.sampled_from(["fisher", "chi2_uncorrected", "posterior"]))
    if kind != "posterior":
        return sided(kind, draw(ALPHAS), two_sided=False)
    return posterior(draw(priors(1)), draw(priors(1)), draw(st.floats(0.5, 0.99)), draw(st.floats(-0.3, 0.3)))


@st.composite
def rules(draw: st.DrawFn) -> AnyRule:
    """Any rule of two arms."""
    kind = draw(st.sampled_from(["fisher", "fisher_doubled", "chi2_uncorrected", "posterior"]))
    if kind != "posterior":
        return sided(kind, draw(ALPHAS), two_sided=draw(st.booleans()))
    return posterior(draw(priors()), draw(priors()), draw(st.floats(0.5, 0.99)), draw(st.floats(-0.3, 0.3)))


def tables(region: Region) -> set[tuple[int, int]]:
    """The tables of a region."""
    return {(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)}


@small
@given(priors(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4))
def test_batches_equal_one_update(parts: Parts, batches: list[tuple[int, int]]) -> None:
    """Updating batch by batch, in any order, is updating once with the sums."""
    prior = value(parts)
    x, n = sum(r for r, _ in batches), sum(r + f for r, f in batches)
    at_once = np.array(prior.updated(x, n).parts)
    for order in (batches, batches[::-1]):
        posterior_ = prior
        for responders, failures in order:
            posterior_ = posterior_.updated(responders, responders + failures)
        assert np.array(posterior_.parts) == pytest.approx(at_once, rel=1e-8, abs=1e-12)


@small
@given(priors(), st.integers(0, 40))
def test_prediction_and_update_agree(parts: Parts, n: int) -> None:
    """Averaged over what may be seen, the posterior mean is the prior mean, and predictions sum to 1."""
    prior = value(parts)
    law = prior.predictive(n)
    assert float(law.sum()) == pytest.approx(1, abs=1e-12)
    assert law.min() >= 0
    averaged = math.fsum(float(p) * prior.updated(x, n).mean for x, p in enumerate(law))
    assert averaged == pytest.approx(prior.mean, rel=1e-9)


@small
@given(priors(), st.integers(0, 1024))
def test_tails_are_complements(parts: Parts, steps: int) -> None:
    """P(rate <= x) and P(rate > x) sum to 1, and turning responders round swaps them."""
    prior, rate = value(parts), steps / 1024  # so that 1 - rate is exact
    assert prior.cdf(rate) + prior.survival(rate) == pytest.approx(1, abs=1e-12)
    assert value(flipped(parts)).cdf(1 - rate) == pytest.approx(prior.survival(rate), abs=1e-9)


@small
@given(priors(), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_quantiles_rise(parts: Parts, p: float, q: float) -> None:
    """A larger probability has a quantile at least as large, and the distribution there is that probability."""
    prior = value(parts)
    low, high = sorted((p, q))
    assert prior.quantile(low) <= prior.quantile(high)
    found = prior.quantile(p)
    if 1e-12 < found < 1 - 1e-12:  # nearer to the ends a rate has too few digits
        assert prior.cdf(found) == pytest.approx(p, abs=1e-8)


@small
@given(priors(), priors(), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_superiority_is_a_probability(parts_t: Parts, parts_c: Parts, margin: float, other: float) -> None:
    """P(t > c + m) and P(c > t - m) sum to 1, and a larger margin is passed less often."""
    treatment, control = value(parts_t), value(parts_c)
    assert treatment.probability_above(control, margin) + control.probability_above(
        treatment, -margin
    ) == pytest.approx(1, abs=1e-9)
    low, high = sorted((margin, other))
    assert treatment.probability_above(control, low) >= treatment.probability_above(control, high) - 1e-9


@small
@given(rules(), SIZES, SIZES, RATES, RATES)
def test_decisions_are_disjoint(rule: AnyRule, n_t: int, n_c: int, rate_t: float, rate_c: float) -> None:
    """No table is success and harm at once; their probabilities lie in [0, 1] and so does their sum."""
    regions = decided(rule, n_t, n_c)
    assert not tables(regions.success) & tables(regions.harm)
    success, harm = power(regions, points(rate_t, rate_c))
    assert success >= 0
    assert harm >= 0
    assert success + harm <= 1 + 1e-12


@small
@given(one_sided_rules(), SIZES, SIZES, st.tuples(RATES, RATES), st.tuples(RATES, RATES))
def test_power_rises_with_the_effect(
    rule: AnyRule, n_t: int, n_c: int, treatment: tuple[float, float], control: tuple[float, float]
) -> None:
    """A better treatment, or a worse control, never lowers the power of a rule whose region is a staircase."""
    regions = decided(rule, n_t, n_c)
    assert regions.success.staircase is not None
    (low_t, high_t), (low_c, high_c) = sorted(treatment), sorted(control)
    least = power(regions, points(low_t, high_c))[0]
    assert power(regions, points(high_t, high_c))[0] >= least - 1e-12
    assert power(regions, points(low_t, low_c))[0] >= least - 1e-12


@small
@given(one_sided_rules(), SIZES, SIZES)
def test_staircases_are_monotone(rule: AnyRule, n_t: int, n_c: int) -> None:
    """A rule with a fixed prior never asks for fewer treatment responders when control does better."""
    least = decided(rule, n_t, n_c).success.staircase
    assert least is not None
    heights = [n_t + 1 if height is None else height for height in least]
    assert heights == sorted(heights)


def turned(regions: Regions, look: Look) -> set[tuple[int, int]]:
    """The success tables with arms and outcomes swapped."""
    return {(look.n_c - x_c, look.n_t - x_t) for x_t, x_c in tables(regions.success)}


@small
@given(st.sampled_from(["fisher", "fisher_doubled", "chi2_uncorrected"]), ALPHAS, st.booleans(), SIZES, SIZES)
def test_swapping_arms_and_outcomes_in_tests(test: str, alpha: float, two_sided: bool, n_t: int, n_c: int) -> None:
    """Counting failures of control instead of responders of treatment gives the same decisions."""
    rule = sided(test, alpha, two_sided=two_sided)
    assert turned(decided(rule, n_t, n_c), Look(n_t, n_c)) == tables(decided(rule, n_c, n_t).success)


@small
@given(st.sampled_from(["fisher", "fisher_doubled", "chi2_uncorrected"]), ALPHAS, SIZES, SIZES)
def test_harm_is_success_with_swapped_arms(test: str, alpha: float, n_t: int, n_c: int) -> None:
    """A two-sided test finds harm where, with the arms swapped, it finds success."""
    rule = sided(test, alpha, two_sided=True)
    swapped = {(x_t, x_c) for x_c, x_t in tables(decided(rule, n_c, n_t).success)}
    assert tables(decided(rule, n_t, n_c).harm) == swapped


@small
@given(priors(), priors(), st.floats(-0.3, 0.3), SIZES, SIZES)
def test_swapping_arms_and_outcomes_in_posteriors(
    parts_t: Parts, parts_c: Parts, margin: float, n_t: int, n_c: int
) -> None:
    """The same for the posterior, with the priors turned round and swapped."""
    rule, back = posterior(parts_t, parts_c, 0.9, margin), posterior(flipped(parts_c), flipped(parts_t), 0.9, margin)
    there, here = rule.probability(Look(n_t, n_c), margin), back.probability(Look(n_c, n_t), margin)
    assert there == pytest.approx(here.T[::-1, ::-1], abs=1e-9)


@small
@given(st.floats(0.01, 0.5), st.floats(0.01, 0.99), st.integers(1, 200))
def test_exact_binomial_holds_its_level(alpha: float, null_rate: float, n: int) -> None:
    """The exact binomial test is never above its level at the null rate, and one more responder keeps a success."""
    regions = decided(ExactBinomial(kind="exact_binomial", alpha=alpha, null_rate=null_rate), n, 0)
    assert power(regions, points(null_rate))[0] <= alpha * (1 + 1e-9)
    assert regions.success.staircase is not None


@small
@given(ALPHAS, st.booleans(), SIZES, SIZES, RATES)
def test_fisher_holds_its_level_everywhere(alpha: float, two_sided: bool, n_t: int, n_c: int, rate: float) -> None:
    """Fisher's test is never above its level, whatever the common rate; the certificate says so."""
    regions = decided(sided("fisher", alpha, two_sided=two_sided), n_t, n_c)
    worst = type_one.worst(regions, (0.0, 1.0), 0.0)
    assert float(type_one.along(regions, np.array([rate]), 0.0)[0]) <= worst.bound + 1e-15
    assert worst.bound <= alpha + 1e-6


@small
@given(priors(), priors(), st.floats(0.5, 0.99), SIZES, SIZES)
def test_more_certainty_means_fewer_successes(
    parts_t: Parts, parts_c: Parts, certainty: float, n_t: int, n_c: int
) -> None:
    """Asking for more certainty, or a larger margin, or a second criterion, never adds a success."""
    less = tables(decided(posterior(parts_t, parts_c, certainty), n_t, n_c).success)
    more: list[Posterior] = [
        posterior(parts_t, parts_c, 0.5 * (1 + certainty)),
        posterior(parts_t, parts_c, certainty, 0.05),
        posterior(parts_t, parts_c, certainty, relevance=(0.5, 0.1)),
    ]
    for rule in more:
        assert tables(decided(rule, n_t, n_c).success) <= less


@small
@given(rules(), SIZES, SIZES, priors(), priors())
def test_assurance_lies_between_the_powers(rule: AnyRule, n_t: int, n_c: int, parts_t: Parts, parts_c: Parts) -> None:
    """Assurance is an average of powers: it lies in [0, 1], and a design prior of parts is the average over parts."""
    regions = decided(rule, n_t, n_c)
    whole = power(regions, drawn(parts_t, parts_c))[0]
    averaged = math.fsum(
        w * v * power(regions, drawn([(1, a, b)], [(1, c, d)]))[0] for w, a, b in parts_t for v, c, d in parts_c
    )
    assert 0 <= whole <= 1
    assert whole == pytest.approx(averaged, rel=1e-9, abs=1e-15)


@small
@given(st.integers(0, 8), st.integers(0, 8), st.data())
def test_regions_and_grids_are_one(n_t: int, n_c: int, data: st.DataObject) -> None:
    """Any set of tables survives the way into runs and back."""
    size = (n_t + 1) * (n_c + 1)
    flat = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    grid = np.array(flat, dtype=np.bool_).reshape(n_t + 1, n_c + 1)
    region = Region.from_grid(Look(n_t, n_c), grid)
    assert (region.grid == grid).all()
    assert region.tables == sum(flat)
