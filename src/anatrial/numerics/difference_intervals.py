"""Confidence intervals of the difference of two response rates, p_t - p_c, of one table.

``x_t`` of ``n_t`` patients respond on treatment and ``x_c`` of ``n_c`` on control, n at least 1; ``level`` is the
confidence, above 0 and below 1. ``exact`` alone covers the true difference with at least the stated probability
whatever the two rates are.

The score statistic of a difference d is (observed difference - d) over its standard error at the rates that are most
likely among those with p_t - p_c = d. It falls as d grows.
"""

from __future__ import annotations

import math

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.intervals import newcombe_limits, normal_quantile
from anatrial.numerics.score import score_grid, score_z
from anatrial.numerics.supremum import GAP, Known, climbed, first_rates, side
from anatrial.numerics.tables import paired

POINTS = 65  # of a search round: it narrows the limit by this factor
RESOLUTION = 1e-6  # of the exact limits, always outwards
FINEST = 1e-13  # differences that lie closer are one to floating point
FIRST_STEP = 0.1  # the walk begins at least so wide, however close to -1 it begins
SAME = 1e-9  # score statistics this near count as equal, which lengthens the interval
MOST_TABLES = 41_000  # 200 patients per arm take ten seconds


def newcombe(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's hybrid score interval, made of Wilson's intervals of both rates.

    Source: Newcombe (1998), Statist. Med. 17:873-890, method 10.
    """
    lower, upper = newcombe_limits(n_t, n_c, normal_quantile(level))
    return float(lower[x_t, x_c]), float(upper[x_t, x_c])


def wald(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Difference and z standard errors on both sides, cut at -1 and 1: for comparison with papers only."""
    return _around((x_t / n_t, n_t), (x_c / n_c, n_c), level)


def agresti_caffo(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Wald's interval after a responder and a non-responder are added to each arm; cut at -1 and 1.

    Source: Agresti & Caffo (2000), Amer. Statist. 54:280-288.
    """
    return _around(((x_t + 1) / (n_t + 2), n_t + 2), ((x_c + 1) / (n_c + 2), n_c + 2), level)


def _around(treatment: tuple[float, int], control: tuple[float, int], level: float) -> tuple[float, float]:
    """A difference of (rate, patients) with its Wald interval."""
    half = normal_quantile(level) * math.sqrt(sum(p * (1 - p) / n for p, n in (treatment, control)))
    difference = treatment[0] - control[0]
    return max(difference - half, -1.0), min(difference + half, 1.0)


def mee(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """The differences that the score test does not reject: those of Farrington and Manning's test, as it stands.

    Source: Mee (1984), Biometrics 40:1175-1176; Farrington & Manning (1990), Statist. Med. 9:1447-1454.
    """
    z = normal_quantile(level)
    return _score_lower(z, x_t, n_t, x_c, n_c), -_score_lower(z, x_c, n_c, x_t, n_t)


def miettinen_nurminen(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Mee's interval with the variance enlarged by N / (N - 1), N patients in both arms.

    Source: Miettinen & Nurminen (1985), Statist. Med. 4:213-226.
    """
    n = n_t + n_c
    z = normal_quantile(level) * math.sqrt(n / (n - 1))
    return _score_lower(z, x_t, n_t, x_c, n_c), -_score_lower(z, x_c, n_c, x_t, n_t)


def _score_lower(z: float, x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """The least difference whose score statistic is at most ``z``, above 0."""
    low, high = -1.0, 1.0
    while True:
        tried = np.linspace(low, high, POINTS)
        at = int(np.argmax(score_z((x_t, n_t), (x_c, n_c), tried) <= z))  # at 1 it is 0 or minus infinity
        if at == 0 or tried[1] - tried[0] < 1e-16 * max(abs(low), 1.0):
            return float(tried[at])
        low, high = float(tried[at - 1]), float(tried[at])


def exact(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Exact unconditional interval: the differences that neither of two one-sided score tests rejects.

    The lower limit is the least difference d at which a table as good as the observed one, or better, by the score
    statistic of d, has a probability above (1 - level) / 2 for some pair of rates with p_t - p_c = d; the upper limit
    is the same seen from control. So the lower limit lies above a margin where the unconditional score test at
    one-sided alpha = (1 - level) / 2 shows superiority by that margin, which is how trials are decided here. (One
    two-sided test by |z|, Agresti & Min 2001, gives a shorter interval, but does not say on which side it errs.)

    Returns
    -------
    Limits in [-1, 1] which are proven to be wide enough, and at most about 1e-5 wider than needed. ``ValueError`` for
    more than 41,000 possible tables.

    Source
    ------
    Chan & Zhang (1999), Biometrics 55:1202-1209.
    """
    if (n_t + 1) * (n_c + 1) > MOST_TABLES:
        raise ValueError(f"{n_t} + {n_c} patients | at most {MOST_TABLES:,} possible tables")
    tail = (1 - level) / 2
    return _exact_lower(tail, x_t, n_t, x_c, n_c), -_exact_lower(tail, x_c, n_c, x_t, n_t)


def _exact_lower(tail: float, x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """A proven lower limit: it walks up from -1 over stretches of differences that are rejected as a whole."""
    if x_t == 0 and x_c == n_c:
        return -1.0
    # So near to -1 the one table that can lie below the observed one has a probability of at least 1 - tail.
    reached = -math.pow(1 - tail, 1 / (n_t + n_c))
    step = max(1 + reached, FIRST_STEP)
    finest = min(RESOLUTION, max(0.25 * (1 + reached), FINEST))  # near -1 only steps of that size are rejected
    while step > finest:
        if reached + step < 1 and _rejected(tail, (x_t, n_t), (x_c, n_c), (reached, reached + step)):
            reached, step = reached + step, 2 * step
        else:
            step /= 2
    return reached


def _rejected(tail: float, treatment: tuple[int, int], control: tuple[int, int], span: tuple[float, float]) -> bool:
    """Whether every difference of the span is rejected.

    Statistics fall as the difference grows: a table which is as extreme as the observed one at any difference of the
    span has a statistic, at its first difference, of at least the observed one at its last. Tables that are better
    than one of these are added; the probability of the set is then largest at the last difference.
    """
    n_t, n_c = treatment[1], control[1]
    first, last = span
    least = float(score_z(treatment, control, last))
    grid = score_grid(n_t, n_c, first)
    extreme = grid >= least - SAME * max(1.0, abs(least))
    lowest = np.where(extreme.any(axis=0), np.argmax(extreme, axis=0), n_t + 1)
    lowest = np.minimum.accumulate(lowest[::-1])[::-1]  # fewer control responders are better still
    x_c = np.flatnonzero(lowest <= n_t)
    runs = np.column_stack([x_c, lowest[x_c], np.full(len(x_c), n_t)])

    def probability(rates: FloatArray) -> FloatArray:
        return paired(runs, binomial(n_t, np.clip(rates + last, 0.0, 1.0)), binomial(n_c, rates))

    rates = first_rates((max(0.0, -last), min(1.0, 1.0 - last)), (n_t, n_c))
    known = Known(rates, probability(rates))
    gap = min(GAP, 1e-4 * tail)
    return side(climbed(probability, known, (n_t, n_c), margin=last, gap=gap, level=tail), tail) < 0
