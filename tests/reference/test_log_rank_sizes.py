"""Log-rank sizes, the test itself, and posteriors of hazards against published data, rpact and digits of mpmath 1.4.1.

Members that are vouched for here: log_rank, posterior_hazard_ratio, posterior_median; exponential, weibull,
uncertain_hazard, no_effect of a time_to_event trial.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.tolerances import QUADRATURE, ROUNDING, printed

from anatrial.numerics.log_rank import cox_log_hazard_ratio, log_rank, one_sided_p, risk_sets
from anatrial.numerics.time_to_event import (
    Gamma,
    Watch,
    Weibull,
    event_probability,
    freedman_events,
    schoenfeld_events,
    schoenfeld_power,
)
from anatrial.numerics.weibull import ShapePrior, Times, exponential_posterior, weibull_posterior

Z_80, Z_90, Z_975 = 0.8416212335729142, 1.2815515655446004, 1.9599639845400542  # normal quantiles, in any table

# Freireich et al. (1963), Blood 21:699-716: weeks of remission of leukaemia on 6-mercaptopurine and on placebo, as
# printed in Cox & Oakes (1984), Analysis of Survival Data, table 1.1; + marks censoring.
MP = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def read(text: str) -> tuple[list[float], list[bool]]:
    """Times and whether each is an event."""
    return [float(word.rstrip("+")) for word in text.split()], [not word.endswith("+") for word in text.split()]


@pytest.mark.parametrize(
    ("cumulated", "events", "patients"),
    [(0.4, 58.52451, 197.78666), (0.5, 31.248898, 90.804254), (0.6, 20.120262, 51.314209)],
)
def test_events_and_patients_are_those_of_rpact(cumulated: float, events: float, patients: float) -> None:
    """Schoenfeld's events, and patients under uniform accrual, are rpact's (its own tests, January 2024).

    One-sided alpha 0.01, power 0.8, 20 % events on control by time 12, accrual 12, follow-up 6, exponential times.
    """
    hazards = [-math.log1p(-share) / 12 for share in (cumulated, 0.2)]
    found = schoenfeld_events(hazards[0] / hazards[1], alpha=0.01, power=0.8)
    assert found == pytest.approx(events, rel=1e-7)
    chances = [event_probability(Weibull(1.0, 1 / hazard), Watch(6.0, 18.0)) for hazard in hazards]
    assert found / (sum(chances) / 2) == pytest.approx(patients, rel=1e-7)


@pytest.mark.parametrize(
    ("ratio", "share_t", "factor"),
    [
        (Fraction(1, 2), Fraction(1, 2), Fraction(9)),
        (Fraction(2, 3), Fraction(1, 2), Fraction(25)),
        (Fraction(3, 4), Fraction(1, 2), Fraction(49)),
        (Fraction(1, 2), Fraction(2, 3), Fraction(8)),  # (1 + 2 / 2)^2 / (2 (1 / 2)^2)
        (Fraction(3, 2), Fraction(1, 2), Fraction(25)),
    ],
)
def test_freedmans_events_by_hand(ratio: Fraction, share_t: Fraction, factor: Fraction) -> None:
    """Events are a rational factor of Freedman's formula times (z_alpha + z_power) squared."""
    found = freedman_events(float(ratio), alpha=0.025, power=0.8, share_t=float(share_t))
    assert found == pytest.approx(float(factor) * (Z_975 + Z_80) ** 2, rel=1e-12)


def test_the_events_that_every_trialist_knows() -> None:
    """Schoenfeld: 508 events for a hazard ratio of 0.75 and 331 for 0.7 with 90 % power at two-sided 5 %."""
    assert math.ceil(schoenfeld_events(0.75, alpha=0.025, power=0.9)) == 508
    assert math.ceil(schoenfeld_events(0.7, alpha=0.025, power=0.9)) == 331
    by_hand = 4 * (Z_975 + Z_90) ** 2 / math.log(0.75) ** 2
    assert schoenfeld_events(0.75, alpha=0.025, power=0.9) == pytest.approx(by_hand, rel=1e-12)


def test_power_and_events_are_inverse() -> None:
    """The events that give a power have that power, with unequal arms too."""
    for ratio, share_t in ((0.5, 0.5), (1.8, 2 / 3)):
        events = schoenfeld_events(ratio, alpha=0.05, power=0.85, share_t=share_t)
        assert schoenfeld_power(ratio, events, alpha=0.05, share_t=share_t) == pytest.approx(0.85, abs=ROUNDING)


def test_log_rank_of_the_leukaemia_trial() -> None:
    """Chi-square 16.79 and a log hazard ratio of 1.509 (Breslow's ties), as in textbooks; statsmodels 0.15.0."""
    mp, placebo = read(MP), read(PLACEBO)
    time, happened = np.array([mp[0] + placebo[0]]), np.array([mp[1] + placebo[1]])
    sets = risk_sets(time, happened, np.arange(42) < 21)
    surplus, variance = log_rank(sets)
    assert surplus[0] ** 2 / variance[0] == pytest.approx(16.79, abs=printed(2))
    assert surplus[0] ** 2 / variance[0] == pytest.approx(16.792940989216525, abs=ROUNDING * 100)
    assert 2 * one_sided_p(surplus, variance)[0] == pytest.approx(4.1688091093394775e-05, rel=1e-9)
    assert cox_log_hazard_ratio(sets)[0] == pytest.approx(-1.50919141, abs=printed(8))


def test_posterior_hazard_ratio_of_the_leukaemia_trial() -> None:
    """9 relapses in 359 weeks v 21 in 182: P(hazard ratio < 1) is the Beta probability."""
    mp, placebo = read(MP), read(PLACEBO)
    assert (sum(mp[1]), sum(mp[0]), sum(placebo[1]), sum(placebo[0])) == (9, 359, 21, 182)
    arms = tuple(Times(np.array([time]), np.array([happened])) for time, happened in (mp, placebo))
    found = exponential_posterior(arms, (Gamma(0.5, 3.0), Gamma(2.0, 8.0)))
    # I(362 / 552; 9.5, 23) and digamma(9.5) - log 362 - digamma(23) + log 190
    assert found.treatment_slower()[0] == pytest.approx(0.9999887220433745, abs=ROUNDING)
    assert found.log_hazard_ratio()[0] == pytest.approx(-1.560479848578078, abs=ROUNDING)


def test_posterior_median_with_a_weibull_shape() -> None:
    """P(median < 7) after 2, 4, 4+ and 10 is a ratio of two integrals over the shape k, by mpmath.

    With t in units of 6, w(k) = 1 / 6 + sum t^k and the prior of k: the density is prior k^3 (t1 t2 t4)^k w^-3.5, and
    given k the probability is Q(3.5, w log 2 (6 / 7)^k).
    """
    arm = Times(np.array([[2.0, 4.0, 4.0, 10.0]]), np.array([[True, True, False, True]]))
    found = weibull_posterior((arm,), (Gamma(0.5, 1.0),), ShapePrior(1.2, 0.8, 6.0))
    assert found.median_below(7.0)[0] == pytest.approx(0.7618880656251306, abs=QUADRATURE)
