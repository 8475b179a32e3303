"""Confidence intervals of one proportion, and the limits of a difference for every table of a trial.

``x`` of ``n`` patients respond, n at least 1; ``level`` is the confidence, above 0 and below 1. Clopper-Pearson alone
covers the true rate with at least the stated probability whatever that rate is.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincinv, ndtri

from anatrial.numerics import FloatArray, IntArray

HALVINGS = 60  # of an interval of length 1: down to rounding


def normal_quantile(level: float) -> float:
    """The z beyond which, on both sides together, a standard normal lies with probability one minus ``level``."""
    return -float(ndtri((1 - level) / 2))


def clopper_pearson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for ``x`` of ``n``: 0 and 1 are exact ends at ``x = 0`` and ``x = n``.

    Source: Clopper & Pearson (1934), Biometrika 26:404-413, by quantiles of Beta laws.
    """
    tail = (1 - level) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    # The upper limit is one minus the lower limit of the non-responders: their tail stays small and keeps its digits.
    upper = 1.0 if x == n else 1.0 - float(betaincinv(n - x, x + 1, tail))
    return lower, upper


def wilson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for ``x`` of ``n``."""
    lower, upper = wilson_limits(np.array([x]), n, normal_quantile(level))
    return float(lower[0]), float(upper[0])


def jeffreys(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Equal-tailed posterior interval under Jeffreys's prior: quantiles of Beta(x + 1/2, n - x + 1/2).

    Not moved to 0 at ``x = 0`` nor to 1 at ``x = n``, as some programs do.
    Source: Brown, Cai & DasGupta (2001), Statist. Sci. 16:101-133, without its modification.
    """
    tail = (1 - level) / 2
    return float(betaincinv(x + 0.5, n - x + 0.5, tail)), 1.0 - float(betaincinv(n - x + 0.5, x + 0.5, tail))


def agresti_coull(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wald's interval after z^2 / 2 responders and as many non-responders are added; cut at 0 and 1.

    Source: Agresti & Coull (1998), Amer. Statist. 52:119-126.
    """
    z = normal_quantile(level)
    return _wald((x + z * z / 2) / (n + z * z), n + z * z, z)


def wald(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Rate and z standard errors on both sides, cut at 0 and 1: for comparison with papers only.

    It covers far less often than stated where counts are small, and has length 0 at ``x = 0`` and ``x = n``.
    """
    return _wald(x / n, n, normal_quantile(level))


def _wald(rate: float, n: float, z: float) -> tuple[float, float]:
    half = z * (rate * (1 - rate) / n) ** 0.5
    return max(rate - half, 0.0), min(rate + half, 1.0)


def mid_p(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson's interval with half of the observed count's probability in each tail: shorter, not guaranteed.

    Source: Lancaster (1961), JASA 56:223-234; Berry & Armitage (1995), Statistician 44:417-423.
    """
    tail = (1 - level) / 2
    return _mid_p_lower(x, n, tail), 1.0 - _mid_p_lower(n - x, n, tail)


def _mid_p_lower(x: int, n: int, tail: float) -> float:
    """The rate at which P(X > x) + P(X = x) / 2 is ``tail``."""
    if x == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        rate = 0.5 * (low + high)
        more = float(betainc(x + 1, n - x, rate)) if x < n else 0.0
        below = 0.5 * (float(betainc(x, n - x + 1, rate)) + more) < tail
        low, high = (rate, high) if below else (low, rate)
    return low


def wilson_limits(x: IntArray, n: int, z: float) -> tuple[FloatArray, FloatArray]:
    """Wilson's score limits (Wilson 1927, JASA 22:209-212) for counts ``x`` of ``n``, each of the shape of ``x``."""
    rate = x / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


def newcombe_limits(n_t: int, n_c: int, z: float) -> tuple[FloatArray, FloatArray]:
    """Newcombe's hybrid score limits for p_t - p_c of every table, each of shape (n_t + 1, n_c + 1).

    Source: Newcombe (1998), Statist. Med. 17:873-890, method 10.
    """
    x_t, x_c = np.arange(n_t + 1), np.arange(n_c + 1)
    (low_t, high_t), (low_c, high_c) = wilson_limits(x_t, n_t, z), wilson_limits(x_c, n_c, z)
    rate_t, rate_c = (x_t / n_t)[:, None], (x_c / n_c)[None, :]
    difference = rate_t - rate_c
    lower = difference - np.hypot(rate_t - low_t[:, None], high_c[None, :] - rate_c)
    upper = difference + np.hypot(high_t[:, None] - rate_t, rate_c - low_c[None, :])
    return lower, upper
