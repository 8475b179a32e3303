"""Patients over calendar time against negative binomials by hand, integrals by hand and simulated calendars."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial.numerics.recruitment import (
    Accrual,
    Opening,
    expected_patients,
    mean_time,
    month_of,
    not_reached,
    opened_at,
    opened_over,
    reached,
    recruited,
    site_months,
    time_quantile,
)

ONE_SITE = opened_over(1, 0.0)


def negative_binomial(x: int, *, shape: int, seen: Fraction) -> Fraction:
    """P(X = x) where a rate from a gamma prior with a whole shape was worth ``seen`` of the exposure to come."""
    p = seen / (seen + 1)
    return math.comb(x + shape - 1, x) * p**shape * (1 - p) ** x


def test_uncertain_rate_gives_the_negative_binomial_in_fractions() -> None:
    """12 patients in 36 months make the count of the next 24 months negative binomial with p = 36 / 60."""
    accrual = Accrual(ONE_SITE, 12 / 36, 12.0)
    found = recruited(accrual, 24.0, 30)
    expected = [negative_binomial(x, shape=12, seen=Fraction(36, 24)) for x in range(30)]
    assert found[:30] == pytest.approx([float(p) for p in expected], rel=ROUNDING)
    assert found[30] == pytest.approx(float(1 - sum(expected)), rel=1e-10)


def test_known_rate_gives_poisson_by_hand() -> None:
    """With 0.5 a month for 8 months, P(x) = e^-4 4^x / x!, and the last entry holds all larger counts."""
    found = recruited(Accrual(ONE_SITE, 0.5, None), 8.0, 5)
    by_hand = [math.exp(-4) * 4**x / math.factorial(x) for x in range(5)]
    assert found.tolist() == pytest.approx([*by_hand, 1 - sum(by_hand)], rel=ROUNDING)


def test_laws_agree_with_scipy_stats() -> None:
    """Poisson and negative binomial of a trial with a ramp-up are those of scipy.stats."""
    from scipy import stats

    opening = opened_over(10, 6.0)
    months = np.array([2.0, 6.0, 14.5])
    exposure = np.array([10 * 4 / 12, 30.0, 30 + 85.0])  # by hand: t^2 * 10 / 12 on the ramp, then 10 a month
    for shape, law in ((None, stats.poisson(0.3 * exposure)), (4.5, stats.nbinom(4.5, 4.5 / (4.5 + 0.3 * exposure)))):
        accrual = Accrual(opening, 0.3, shape)
        assert reached(accrual, 7, months) == pytest.approx(law.sf(6), rel=1e-11)
        assert not_reached(accrual, 7, months) == pytest.approx(law.cdf(6), rel=1e-11)


def test_integral_of_a_linear_ramp_by_hand() -> None:
    """20 sites over 10 months: 20 t^2 / 20 site-months on the ramp, then 100 + 20 (t - 10)."""
    opening = opened_over(20, 10.0)
    months = np.array([0.0, 1.0, 5.0, 10.0, 16.0])
    assert site_months(opening, months).tolist() == pytest.approx([0.0, 1.0, 25.0, 100.0, 220.0], rel=ROUNDING)
    assert expected_patients(Accrual(opening, 0.25, None), months)[-1] == pytest.approx(55.0, rel=ROUNDING)


def test_integral_of_stated_openings_by_hand() -> None:
    """Sites that open at months 1, 3 and 3 have 0, 2, 3 * 1 + 2 = 5 site-months at months 1, 3 and 4."""
    opening = opened_at((3.0, 1.0, 3.0))
    assert site_months(opening, np.array([0.5, 1.0, 3.0, 4.0])).tolist() == [0.0, 0.0, 2.0, 5.0]
    assert month_of(opening, np.array([0.5, 2.0, 5.0])).tolist() == [1.5, 3.0, 4.0]


@pytest.mark.parametrize("opening", [ONE_SITE, opened_over(7, 4.0), opened_at((0.0, 0.0, 5.0)), opened_at((2.0, 9.0))])
def test_month_of_inverts_the_integral(opening: Opening) -> None:
    """The month at which the site-months of a month have passed is that month."""
    months = np.array([2.5, 4.0, 9.0, 200.0])
    assert month_of(opening, site_months(opening, months)) == pytest.approx(months, rel=ROUNDING)


def test_time_quantile_of_the_first_patient_by_hand() -> None:
    """The first of patients who come at 2 a month is there with probability 0.5 by month ln(2) / 2."""
    found = time_quantile(Accrual(ONE_SITE, 2.0, None), 1, np.array([0.5, 0.9]))
    assert found.tolist() == pytest.approx([math.log(2) / 2, math.log(10) / 2], rel=ROUNDING)
    # With a gamma(1) prior of mean 2 the waiting time is Lomax: P(T <= t) = 2 t / (1 + 2 t).
    uncertain = time_quantile(Accrual(ONE_SITE, 2.0, 1.0), 1, np.array([0.5, 0.9]))
    assert uncertain.tolist() == pytest.approx([0.5, 4.5], rel=ROUNDING)


@pytest.mark.parametrize("shape", [None, 0.7, 12.0, 300.0])
def test_time_quantiles_invert_the_chance_to_be_recruited(shape: float | None) -> None:
    """By the quantile of probability p the number is reached with probability p."""
    accrual = Accrual(opened_over(9, 12.0), 0.4, shape)
    shares = np.array([1e-9, 0.05, 0.5, 0.9, 1 - 1e-6])
    assert reached(accrual, 60, time_quantile(accrual, 60, shares)) == pytest.approx(shares, rel=1e-9)


def test_mean_time_is_that_of_gamma_and_lomax_times_by_hand() -> None:
    """Without a limit n patients take n / rate months; one within tau takes (1 - e^(-rate tau)) / rate."""
    assert mean_time(Accrual(ONE_SITE, 1.5, None), 30, 500.0) == pytest.approx(20.0, abs=QUADRATURE)
    limited = (1 - math.exp(-1.5 * 0.8)) / 1.5
    assert mean_time(Accrual(ONE_SITE, 1.5, None), 1, 0.8) == pytest.approx(limited, abs=QUADRATURE)
    lomax = math.log(1 + 2 * 5) / 2  # integral of 1 / (1 + 2 t) to 5
    assert mean_time(Accrual(ONE_SITE, 2.0, 1.0), 1, 5.0) == pytest.approx(lomax, abs=QUADRATURE)


def test_simulated_calendar_agrees() -> None:
    """Patients drawn at full speed and turned away in the share of sites not yet open are as many as the law says."""
    draws, limit, ramp, n = 40_000, 14.0, 9.0, 12
    rng = np.random.default_rng(5)
    rates = 8 * rng.gamma(6.0, 0.2 / 6.0, size=draws)  # all eight sites
    clock, counts = np.zeros(draws), np.zeros(draws, dtype=np.int64)
    while bool((clock <= limit).any()):
        clock += rng.exponential(size=draws) / rates
        counts += (clock <= limit) & (rng.uniform(size=draws) < clock / ramp)
    accrual = Accrual(opened_over(8, ramp), 0.2, 6.0)
    law = recruited(accrual, limit, 200)
    for count in (3, 9, n, 25):
        exact = float(law[count:].sum())
        assert float((counts >= count).mean()) == pytest.approx(exact, abs=monte_carlo(exact, draws))


@pytest.mark.parametrize("shape", [1e9, 1e12, 1e16, 1e20])
def test_a_rate_that_is_all_but_known_gives_the_poisson_law(shape: float) -> None:
    """A gamma prior of so many patients differs from a known rate by less than one part in its shape's worth."""
    known, nearly = (recruited(Accrual(ONE_SITE, 0.5, s), 36.0, 40) for s in (None, shape))
    assert nearly == pytest.approx(known, rel=1e3 / shape, abs=1e-13)
    assert nearly.sum() == pytest.approx(1, rel=ROUNDING)


def test_a_rate_of_which_next_to_nothing_is_known_may_take_for_ever() -> None:
    """A gamma shape of 0.001 puts the late quantile beyond any number: infinitely many months, and no warning."""
    vague = Accrual(opened_over(3, 2.0), 1.0, 0.001)
    with np.errstate(all="raise", under="ignore"):
        assert time_quantile(vague, 2, np.array([0.9]))[0] > 1e200
        assert time_quantile(vague, 1, np.array([1 - 1e-12]))[0] == math.inf
        assert 0 < mean_time(vague, 2, 12.0) <= 12
