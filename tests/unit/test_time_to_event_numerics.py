"""Log-rank, permutation test, chances of an event and posteriors of hazards, by counting and by quadrature."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaincc
from scipy.stats import CensoredData, logrank
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo, printed

from anatrial.errors import ComputationError
from anatrial.numerics.log_rank import cox_log_hazard_ratio, log_rank, one_sided_p, permutation_p, risk_sets
from anatrial.numerics.time_to_event import (
    Gamma,
    Summary,
    Watch,
    Weibull,
    drop_out_hazard,
    event_probability,
    freedman_events,
    hazard_from_summary,
    schoenfeld_events,
)
from anatrial.numerics.weibull import ShapePrior, Times, exponential_posterior, weibull_posterior

# Ties within and between the arms, censoring at the time of an event.
TIME = [1, 2, 2, 3, 4, 4, 4, 6, 7, 9, 1, 1, 2, 2, 3, 3, 5, 5, 8, 8]
HAPPENED = [1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1]


def by_counting(time: list[int], happened: list[int], treated: list[bool]) -> tuple[Fraction, Fraction]:
    """Observed minus expected events on treatment and its hypergeometric variance, one event time after another."""
    surplus, variance = Fraction(0), Fraction(0)
    for at in sorted({t for t, h in zip(time, happened, strict=True) if h}):
        risk = [g for t, g in zip(time, treated, strict=True) if t >= at]
        events = [g for t, h, g in zip(time, happened, treated, strict=True) if t == at and h]
        y, y_t, d = len(risk), sum(risk), len(events)
        surplus += sum(events) - Fraction(d * y_t, y)
        if y > 1:
            variance += Fraction(d * y_t * (y - y_t) * (y - d), y * y * (y - 1))
    return surplus, variance


def test_log_rank_with_ties_by_counting() -> None:
    """The statistic and its variance are those of counting the risk sets in fractions."""
    treated = [True] * 10 + [False] * 10
    sets = risk_sets(np.array([TIME], float), np.array([HAPPENED], bool), np.array(treated))
    surplus, variance = log_rank(sets)
    wanted = by_counting(TIME, HAPPENED, treated)
    assert (surplus[0], variance[0]) == pytest.approx((float(wanted[0]), float(wanted[1])), abs=ROUNDING)


def test_log_rank_and_cox_with_ties_are_those_of_statsmodels() -> None:
    """Chi-square and Breslow's log hazard ratio of tied data: statsmodels 0.15.0 (survdiff, PHReg)."""
    sets = risk_sets(np.array([TIME], float), np.array([HAPPENED], bool), np.arange(20) < 10)
    surplus, variance = log_rank(sets)
    assert surplus[0] ** 2 / variance[0] == pytest.approx(0.3696526815603269, abs=ROUNDING)
    assert cox_log_hazard_ratio(sets)[0] == pytest.approx(-0.31170987, abs=printed(8))


def test_every_trial_of_a_table_is_that_of_scipy() -> None:
    """Rows of a table are separate trials, each with scipy's one-sided p-value (of a lower hazard on treatment)."""
    rng = np.random.default_rng(1)
    event, end = rng.weibull(1.3, (6, 15)) * 8, rng.uniform(2, 12, (6, 15))
    time, happened = np.minimum(event, end), event <= end
    treated = np.arange(15) < 6
    found = one_sided_p(*log_rank(risk_sets(time, happened, treated)))
    for k in range(6):
        arms = [CensoredData.right_censored(time[k, arm], ~happened[k, arm]) for arm in (treated, ~treated)]
        assert found[k] == pytest.approx(logrank(arms[0], arms[1], alternative="less").pvalue, abs=ROUNDING)


def test_nothing_to_compare_never_rejects() -> None:
    """Without events, or with one patient at risk at each, the variance is 0 and p is 1; there is no hazard ratio."""
    sets = risk_sets(np.array([[1.0, 2.0], [3.0, 3.0]]), np.zeros((2, 2), bool), np.array([True, False]))
    surplus, variance = log_rank(sets)
    assert variance.tolist() == [0, 0]
    assert one_sided_p(surplus, variance).tolist() == [1, 1]
    assert np.isnan(cox_log_hazard_ratio(sets)).all()


def test_hazard_ratio_is_not_defined_with_events_in_one_arm() -> None:
    """All events on control: the estimate is infinite, and told as not defined."""
    sets = risk_sets(
        np.array([[1.0, 2, 3, 4]]), np.array([[True, True, False, False]]), np.array([False, False, True, True])
    )
    assert np.isnan(cox_log_hazard_ratio(sets)[0])


@pytest.mark.parametrize("n_t", [3, 4])
def test_permutation_p_by_listing_every_deal(n_t: int) -> None:
    """Both one-sided p-values are the shares of deals whose log-rank surplus is as extreme, in fractions, with ties."""
    time, happened = [2, 2, 3, 5, 5, 8, 9], [1, 1, 0, 1, 1, 1, 0]
    deals = [[k in deal for k in range(7)] for deal in combinations(range(7), n_t)]
    all_of_them = [by_counting(time, happened, deal)[0] for deal in deals]
    for index in (0, 5, len(deals) - 1):
        # Patients are reordered so that those on treatment come first, as the function of one deal sees them.
        sets = risk_sets(np.array([time], float), np.array([happened], bool), np.array(deals[index]))
        fewer, more = permutation_p(sets)
        assert fewer[0] == pytest.approx(sum(s <= all_of_them[index] for s in all_of_them) / len(deals), abs=ROUNDING)
        assert more[0] == pytest.approx(sum(s >= all_of_them[index] for s in all_of_them) / len(deals), abs=ROUNDING)


@pytest.mark.parametrize("shape", [1.0, 0.7, 1.8])
@pytest.mark.parametrize("watch", [Watch(6.0, 6.0, 0.0), Watch(4.0, 4.0, 0.05), Watch(0.0, 9.0, 0.1), Watch(2.0, 9.0)])
def test_chance_of_an_event(shape: float, watch: Watch) -> None:
    """P(event seen) is the integral of the density over times and entries, by scipy's quadrature."""
    scale = 5.0

    def seen(t: float) -> float:
        hazard = shape / scale * (t / scale) ** (shape - 1)
        return float(hazard * math.exp(-((t / scale) ** shape) - watch.drop_out * t))

    def until(end: float) -> float:
        return float(quad(seen, 0, end, epsabs=1e-12, epsrel=1e-12, limit=200)[0])

    spread = watch.longest - watch.shortest
    wanted = until(watch.longest)
    if spread:
        wanted = quad(until, watch.shortest, watch.longest, epsabs=1e-10)[0] / spread
    assert event_probability(Weibull(shape, scale), watch) == pytest.approx(wanted, abs=QUADRATURE)


def test_everyone_has_the_event_in_the_end() -> None:
    """Without an end of the follow-up the chance is 1, and with drop-out the ratio of the hazards."""
    for shape in (1.0, 1.6):
        assert event_probability(Weibull(shape, 3.0), Watch(math.inf, math.inf)) == pytest.approx(1, abs=ROUNDING)
    assert event_probability(Weibull(1.0, 4.0), Watch(math.inf, math.inf, 0.75)) == pytest.approx(0.25, abs=ROUNDING)
    assert drop_out_hazard(0.5, 3.0) == pytest.approx(math.log(2) / 3, abs=ROUNDING)


def test_a_hazard_ratio_multiplies_the_hazard() -> None:
    """The cumulated hazard of the changed time is the ratio times the first one, at any time."""
    times = np.array([0.5, 2.0, 11.0])
    first = Weibull(1.4, 5.0)
    changed = -np.log(first.with_ratio(0.35).survival(times)) / -np.log(first.survival(times))
    assert changed == pytest.approx([0.35] * 3, abs=ROUNDING)
    assert first.survival(np.array([first.median]))[0] == pytest.approx(0.5, abs=ROUNDING)


def test_four_times_are_told_by_median_and_range() -> None:
    """Hedrich: 2, two that sum to 8, and 10 add up to 20 days whatever the two are, so that Gamma(4, 20) is exact."""
    assert hazard_from_summary(Summary(4, 2, 4, 10)) == Gamma(4, 20)
    assert hazard_from_summary(Summary(3, 2, 4, 10)) == Gamma(3, 16)
    assert hazard_from_summary(Summary(2, 2, 6, 10)) == Gamma(2, 12)
    assert hazard_from_summary(Summary(1, 5, 5, 5)) == Gamma(1, 5)


@pytest.mark.parametrize("n", [5, 8, 9])
def test_more_times_by_integrals(n: int) -> None:
    """Mean and variance of the hazard given least, median and greatest are those of scipy's double integrals."""
    low, middle, high = 2.0, 6.0, 21.0
    inner = (n - 3) // 2 if n % 2 else (n - 4) // 2

    def mass(h: float, a: float, b: float) -> float:
        return (math.exp(-h * a) - math.exp(-h * b)) ** inner

    def likelihood(h: float) -> float:
        ends = h**2 * math.exp(-h * (low + high))
        if n % 2:
            return ends * h * math.exp(-h * middle) * mass(h, low, middle) * mass(h, middle, high)

        def split(u: float) -> float:
            return mass(h, low, middle - u) * mass(h, middle + u, high)

        return ends * h**2 * math.exp(-2 * h * middle) * float(quad(split, 0, middle - low)[0])

    grid = [0.02, 0.05, 0.1, 0.2, 0.5]
    moments = [
        quad(lambda h, k=k: 1e12 * h ** (k - 1) * likelihood(h), 0, 3, points=grid, epsrel=1e-12, limit=200)[0]
        for k in range(3)
    ]
    mean = moments[1] / moments[0]
    variance = moments[2] / moments[0] - mean**2
    found = hazard_from_summary(Summary(n, low, middle, high))
    assert found.shape / found.rate == pytest.approx(mean, rel=1e-7)
    assert found.shape / found.rate**2 == pytest.approx(variance, rel=1e-6)


def test_exponential_posterior_is_prior_plus_data() -> None:
    """P(median < 7) after 3 events in 20 days with prior Gamma(1, 10) is P(Poisson(30 log 2 / 7) <= 3)."""
    arm = Times(np.array([[3.0, 5.0, 12.0]]), np.array([[True, True, True]]))
    found = exponential_posterior((arm,), (Gamma(1.0, 10.0),)).median_below(7.0)[0]
    mean = 30 * math.log(2) / 7
    assert found == pytest.approx(math.exp(-mean) * sum(mean**k / math.factorial(k) for k in range(4)), abs=ROUNDING)


def test_weibull_posterior_with_a_sharp_shape_is_the_exponential_one() -> None:
    """A shape that is known to be 1 gives the answers of exponential times, at any reference time."""
    rng = np.random.default_rng(3)
    arms = tuple(Times(rng.exponential(scale, (5, 8)), rng.random((5, 8)) < 0.7) for scale in (9.0, 5.0))
    priors = (Gamma(0.5, 2.0), Gamma(1.0, 4.0))
    plain = exponential_posterior(arms, priors)
    sharp = weibull_posterior(arms, priors, ShapePrior(1.0, 1e-5, 3.0))
    assert sharp.treatment_slower() == pytest.approx(plain.treatment_slower(), abs=1e-7)
    assert sharp.median_below(4.0) == pytest.approx(plain.median_below(4.0), abs=1e-7)
    assert sharp.log_hazard_ratio() == pytest.approx(plain.log_hazard_ratio(), abs=1e-6)


def test_weibull_hazard_ratio_by_two_dimensional_sampling() -> None:
    """P(hazard ratio < 1) agrees with weighting draws of the prior by the likelihood (importance sampling)."""
    arms = tuple(
        Times(np.array([t]), np.array([h]))
        for t, h in (([3.0, 8, 12], [True, False, False]), ([2.0, 4, 9], [True] * 3))
    )
    found = weibull_posterior(arms, (Gamma(1.0, 10.0),) * 2, ShapePrior(1.0, 0.5, 6.0)).treatment_slower()[0]
    rng, draws = np.random.default_rng(11), 400_000
    k = np.exp(0.5 * rng.standard_normal(draws))
    hazards = rng.gamma(1.0, 6.0 / 10.0, (2, draws))
    log_w = np.zeros(draws)
    for hazard, arm in zip(hazards, arms, strict=True):
        for t, happened in zip(arm.time[0] / 6, arm.happened[0], strict=True):
            log_w += happened * (np.log(hazard * k) + (k - 1) * math.log(t)) - hazard * t**k
    weight = np.exp(log_w - log_w.max())
    sampled = float(weight @ (hazards[0] < hazards[1]) / weight.sum())
    assert found == pytest.approx(sampled, abs=monte_carlo(sampled, int(weight.sum() ** 2 / (weight**2).sum())))


def test_what_cannot_be_answered_says_so() -> None:
    """A hazard ratio of 1 has no size; a median far from what the range tells has no hazard."""
    for formula in (schoenfeld_events, freedman_events):
        with pytest.raises(ValueError, match="no number of events gives the power"):
            formula(1.0, alpha=0.025, power=0.8)
    with pytest.raises(ComputationError, match="contradict"):
        hazard_from_summary(Summary(500, 0.001, 1.0, 1e5))


@pytest.mark.parametrize(
    ("prior", "unit", "benchmark", "most_lost"),
    [
        (Gamma(0.1, 1e4), 6.0, 20.0, 0),  # the prior expects nothing for thousands of units of time
        (Gamma(200.0, 100.0), 6.0, 3.0, 40),  # worth 200 events, beside one patient
        (Gamma(400.0, 10.0), 250.0, 1.0, 40),
        (Gamma(300.0, 1e6), 4.5, 20.0, 150),
    ],
)
def test_a_posterior_that_is_not_found_is_no_number(
    prior: Gamma, unit: float, benchmark: float, most_lost: int
) -> None:
    """Where prior and one patient's time contradict each other P(median < b) is that of a dense grid, or no number."""
    time = np.linspace(0.2, 30.0, 150)[:, None]
    arm = Times(time, np.ones(time.shape, dtype=bool))
    found = weibull_posterior((arm,), (prior,), ShapePrior(1.0, 1.0, unit)).median_below(benchmark)
    log_k = np.linspace(-12.0, 12.0, 20_001)
    k, x = np.exp(log_k), time / unit
    watched = np.logaddexp(math.log(prior.rate / unit), k * np.log(x))
    log_density = log_k + k * np.log(x) - (prior.shape + 1) * watched - 0.5 * log_k**2
    weight = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    at = np.exp(np.minimum(watched + math.log(math.log(2)) - k * math.log(benchmark / unit), 700.0))
    wanted = (weight * gammaincc(prior.shape + 1, at)).sum(axis=1) / weight.sum(axis=1)
    lost = np.isnan(found)
    assert lost.sum() <= most_lost
    assert found[~lost] == pytest.approx(wanted[~lost], abs=1e-3)
