"""Beta mixtures as arrays: density, distribution, quantiles and beta-binomial predictions, in log space.

A mixture is an array ``parts`` of shape (K, 3): weight, a, b.
Source of the beta-binomial: Skellam (1948), JRSS B 10:257-261.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, betaln, logsumexp, xlog1py, xlogy

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import log_choose


def log_density(parts: FloatArray, x: FloatArray) -> FloatArray:
    """Log density at rates ``x`` of shape (m,)."""
    w, a, b = (column[:, None] for column in parts.T)
    with np.errstate(divide="ignore"):
        terms = np.log(w) + xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)
    return np.asarray(logsumexp(terms, axis=0))


def cdf(parts: FloatArray, x: FloatArray) -> FloatArray:
    """P(rate <= x), shape (m,)."""
    w, a, b = (column[:, None] for column in parts.T)
    return np.asarray((w * betainc(a, b, x)).sum(axis=0))


def survival(parts: FloatArray, x: FloatArray) -> FloatArray:
    """P(rate > x), shape (m,); keeps its relative accuracy where it is small."""
    w, a, b = (column[:, None] for column in parts.T)
    return np.asarray((w * betaincc(a, b, x)).sum(axis=0))


def quantile(parts: FloatArray, p: float) -> float:
    """The rate below which the mixture has probability ``p`` in [0, 1].

    Bisection between the smallest and largest quantile of the parts, on the logarithm of the rate where it is small:
    quantiles of Beta(0.001, 1) lie below 1e-300. The side with the smaller tail is the one compared.
    """
    if p <= 0 or p >= 1:
        return 0.0 if p <= 0 else 1.0
    ends = betaincinv(parts[:, 1], parts[:, 2], p)
    low, high = float(ends.min()), float(ends.max())
    if high > 0.9:  # close to 1, rates lose digits: turn the mixture round
        flipped = parts[:, [0, 2, 1]]
        ends = betaincinv(flipped[:, 1], flipped[:, 2], 1 - p)
        if float(ends.max()) < 0.9:
            return 1.0 - quantile(flipped, 1 - p)
    while high - low > 4e-16 * high:
        middle = np.sqrt(low * high) if 0 < low < 0.1 * high else 0.5 * (low + high)
        if middle in (low, high):
            break
        at = np.array([middle])
        below = cdf(parts, at)[0] < p if p < 0.5 else survival(parts, at)[0] > 1 - p
        low, high = (middle, high) if below else (low, middle)
    return float(high)


def beta_binomial(parts: FloatArray, n: int) -> FloatArray:
    """Probability of x = 0..n responders in the next n patients, shape (n + 1,); sums to 1."""
    x = np.arange(n + 1)
    ways = log_choose(n)
    total = np.zeros(n + 1)
    for w, a, b in parts:
        pmf = np.exp(ways + betaln(a + x, b + n - x) - betaln(a, b))
        total += w * pmf / pmf.sum()
    return total
