"""Sample sizes and power of tests of two rates by normal theory: quick approximations that exact sums replace."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import expit, logit, ndtr, ndtri

from anatrial.numerics import ratio_intervals, score
from anatrial.numerics.roots import root


class Rates(NamedTuple):
    """Rates of treatment and control, each in (0, 1)."""

    treatment: float
    control: float


class Spread(NamedTuple):
    """What one control patient, with ``ratio`` treatment patients, tells: a distance and two standard deviations."""

    distance: float
    without: float
    with_effect: float


def difference_spread(rates: Rates, ratio: float, null: float = 0.0) -> Spread:
    """The statistic p_t - p_c - null of Farrington and Manning.

    Parameters
    ----------
    rates
        Where the trial really is.
    ratio
        Treatment patients per control patient.
    null
        Treatment minus control rate at the edge of no effect, in (-1, 1).

    Source
    ------
    Farrington & Manning (1990), Statist. Med. 9:1447-1454: the restricted maximum-likelihood rates under the null.
    """
    p_c = float(score.restricted((ratio * rates.treatment, ratio), (rates.control, 1), null))
    edge = Rates(p_c + null, p_c)
    distance = rates.treatment - rates.control - null
    return Spread(distance, _deviation(edge, ratio), _deviation(rates, ratio))


def ratio_spread(rates: Rates, ratio: float, null: float = 1.0) -> Spread:
    """The statistic p_t - null p_c, for a risk ratio ``null`` above 0 at the edge of no effect.

    Source: Farrington & Manning (1990), Statist. Med. 9:1447-1454, section 3.
    """
    p_c = ratio_intervals.restricted(null, ratio * rates.treatment, ratio, rates.control, 1)
    edge = Rates(null * p_c, p_c)
    deviations = (_deviation(at, ratio, null) for at in (edge, rates))
    return Spread(rates.treatment - null * rates.control, *deviations)


def odds_ratio_spread(rates: Rates, ratio: float, null: float = 1.0) -> Spread:
    """The logarithm of the odds ratio, for an odds ratio ``null`` above 0 at the edge of no effect.

    Source: Wang, Chow & Li (2002), J. Biopharm. Stat. 12:471-483, with the restricted rates under the null of
    Miettinen & Nurminen (1985), Statist. Med. 4:213-226, as in gsDesign.
    """
    edge = restricted_odds_ratio(rates, ratio, null)
    distance = float(logit(rates.treatment) - logit(rates.control)) - math.log(null)
    deviations = (math.sqrt(1 / (ratio * _variance(p)) + 1 / _variance(q)) for p, q in (edge, rates))
    return Spread(distance, *deviations)


def total_size(spread: Spread, *, ratio: float, alpha: float, power: float) -> float:
    """Patients in both arms, unrounded, for a one-sided test at ``alpha`` in (0, 1) with ``power`` in (alpha, 1).

    Raises ``ValueError`` where the rates lie at or beyond the edge of no effect: no size has that power.
    """
    if spread.distance <= 0:
        raise ValueError("the rates lie at the edge of no effect or beyond it: no size gives the power")
    root_n = (float(ndtri(power)) * spread.with_effect - float(ndtri(alpha)) * spread.without) / spread.distance
    return (1 + ratio) * root_n**2


def score_power(spread: Spread, *, ratio: float, alpha: float, total: float) -> float:
    """Power in (0, 1) of a one-sided test at ``alpha`` with ``total`` patients in both arms."""
    root_n = math.sqrt(total / (1 + ratio))
    return float(ndtr((spread.distance * root_n + float(ndtri(alpha)) * spread.without) / spread.with_effect))


def casagrande_pike_smith(rates: Rates, *, ratio: float, alpha: float, power: float) -> float:
    """Control patients, unrounded, that Fisher's test at one-sided ``alpha`` needs, by the corrected normal formula.

    Margin 0 only; either rate may be the greater. Raises ``ValueError`` where they are equal.
    Source: Casagrande, Pike & Smith (1978), Biometrics 34:483-486, for unequal arms Fleiss, Tytun & Ury (1980),
    Biometrics 36:343-346.
    """
    spread = difference_spread(rates, ratio)
    spread = spread._replace(distance=abs(spread.distance))
    plain = total_size(spread, ratio=ratio, alpha=alpha, power=power) / (1 + ratio)
    return plain / 4 * (1 + math.sqrt(1 + 2 * (1 + ratio) / (plain * ratio * spread.distance))) ** 2


def restricted_odds_ratio(rates: Rates, ratio: float, null: float) -> Rates:
    """The most likely rates with an odds ratio of null above 0: they keep the expected responders of both arms."""
    responders, shift = ratio * rates.treatment + rates.control, math.log(null)
    odds = [float(logit(rate)) for rate in rates]
    low, high = min(odds) - abs(shift), max(odds) + abs(shift)
    at = root(lambda x: ratio * float(expit(x + shift)) + float(expit(x)) - responders, low, high)
    return Rates(float(expit(at + shift)), float(expit(at)))


def _variance(rate: float) -> float:
    """Of one patient's response."""
    return rate * (1 - rate)


def _deviation(rates: Rates, ratio: float, weight: float = 1.0) -> float:
    """Standard deviation of p_t - weight p_c with one control patient."""
    return math.sqrt(_variance(rates.treatment) / ratio + weight**2 * _variance(rates.control))
