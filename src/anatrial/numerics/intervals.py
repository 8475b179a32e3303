"""Confidence intervals of one proportion, and of the difference of two."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri

from anatrial.numerics import FloatArray, IntArray


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
    lower, upper = wilson_limits(np.array([x]), n, -float(ndtri((1 - level) / 2)))
    return float(lower[0]), float(upper[0])


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
