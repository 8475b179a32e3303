"""Confidence intervals of the ratio of two response rates and of the odds ratio, treatment over control.

``x_t`` of ``n_t`` patients respond on treatment and ``x_c`` of ``n_c`` on control, n at least 1; ``level`` is the
confidence, above 0 and below 1. None of them covers with certainty as often as stated.
"""

from __future__ import annotations

import math

from anatrial.numerics.intervals import HALVINGS, normal_quantile

FARTHEST = 300.0  # no limit has a log ratio beyond it, and its square is still a float


def risk_ratio_wald(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float] | None:
    """Wald's interval of the logarithm of the ratio of rates; None where no patient of an arm responds.

    Source: Katz, Baptista, Azen & Pike (1978), Biometrics 34:469-474, method C.
    """
    if x_t == 0 or x_c == 0:
        return None
    ratio = (x_t / n_t) / (x_c / n_c)
    return _around(ratio, 1 / x_t - 1 / n_t + 1 / x_c - 1 / n_c, level)


def odds_ratio_wald(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float] | None:
    """Wald's interval of the logarithm of the odds ratio; None where a cell of the table is empty.

    Source: Woolf (1955), Ann. Hum. Genet. 19:251-253.
    """
    cells = (x_t, n_t - x_t, x_c, n_c - x_c)
    if 0 in cells:
        return None
    return _around(x_t * (n_c - x_c) / ((n_t - x_t) * x_c), sum(1 / cell for cell in cells), level)


def _around(ratio: float, variance: float, level: float) -> tuple[float, float]:
    factor = math.exp(normal_quantile(level) * math.sqrt(variance))
    return ratio / factor, ratio * factor


def risk_ratio_koopman(x_t: int, n_t: int, x_c: int, n_c: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the ratio of rates: the ratios that Pearson's chi-square does not reject.

    The lower limit is 0 where nobody responds on treatment, the upper one infinite where nobody does on control.
    Source: Koopman (1984), Biometrics 40:513-517.
    """
    z = normal_quantile(level)
    lower = 0.0 if x_t == 0 else _ratio_at(z, x_t, n_t, x_c, n_c)
    return lower, math.inf if x_c == 0 else _ratio_at(-z, x_t, n_t, x_c, n_c)


def _ratio_at(z: float, x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """The ratio whose score statistic is z; the statistic falls as the ratio grows."""
    low, high = -FARTHEST, FARTHEST
    for _ in range(HALVINGS + 10):
        middle = 0.5 * (low + high)
        above = _ratio_z(math.exp(middle), x_t, n_t, x_c, n_c) > z
        low, high = (middle, high) if above else (low, middle)
    return math.exp(0.5 * (low + high))


def _ratio_z(ratio: float, x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """Score statistic of ``p_t = ratio p_c``."""
    p_c = restricted(ratio, x_t, n_t, x_c, n_c)
    p_t = min(ratio * p_c, 1.0)
    variance = p_t * (1 - p_t) / n_t + ratio * ratio * p_c * max(1 - p_c, 0.0) / n_c
    distance = x_t / n_t - ratio * x_c / n_c
    if variance == 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def restricted(ratio: float, x_t: float, n_t: float, x_c: float, n_c: float) -> float:
    """The control rate that is most likely where p_t = ratio p_c: it solves a quadratic equation."""
    half = 0.5 * (n_t * ratio + x_t + n_c + x_c * ratio)
    total = x_t + x_c
    root = math.sqrt(max(half * half - (n_t + n_c) * ratio * total, 0.0))
    return total / (half + root)  # the smaller root, without cancellation
