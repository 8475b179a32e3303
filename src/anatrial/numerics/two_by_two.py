"""P-values of two-by-two tables: conditional tests of whole grids, z statistics, every named test of one table."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtrc, ndtr

from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.binomial import log_choose
from anatrial.numerics.unconditional import p_value

SAME = 1 + 1e-9  # two tables are equally likely if their probabilities agree to this ratio
LOG_SAME = 1e-10  # logarithms of Fisher's p-values that differ by less are equal: they err by 1e-12
EXACT = 2**53  # whole numbers up to here are floating-point numbers


def hypergeometric(n_t: int, n_c: int) -> tuple[FloatArray, FloatArray]:
    """Law of the treatment count given the total and its logarithm, shape (n_t + n_c + 1, n_t + 1): a row per total."""
    k = np.arange(n_t + n_c + 1)[:, None]
    x_t = np.arange(n_t + 1)[None, :]
    x_c = k - x_t
    possible = (x_c >= 0) & (x_c <= n_c)
    log_c = log_choose(n_c)[np.clip(x_c, 0, n_c)]
    log_p = np.where(possible, log_choose(n_t)[None, :] + log_c - log_choose(n_t + n_c)[:, None], -np.inf)
    p = np.exp(np.maximum(log_p, -700.0)) * possible
    return p / p.sum(axis=1, keepdims=True), log_p


def fisher_grids(n_t: int, n_c: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fisher p-values of every table, each of shape (n_t + 1, n_c + 1): better, worse, no more likely.

    Source: Fisher (1935), JRSS 98:39-82; the two-sided sum over tables no more likely is that of Irwin (1935).
    """
    p, log_p = hypergeometric(n_t, n_c)
    order = np.argsort(log_p, axis=1)
    ranked = np.take_along_axis(log_p, order, axis=1)
    summed = np.cumsum(np.take_along_axis(p, order, axis=1), axis=1)
    # A unimodal law takes each value at most twice, so a tie is with the next in rank alone.
    with np.errstate(invalid="ignore"):
        tied = ranked[:, 1:] - ranked[:, :-1] <= np.log(SAME)
    summed[:, :-1] = np.where(tied, summed[:, 1:], summed[:, :-1])
    both = np.empty_like(summed)
    np.put_along_axis(both, order, summed, axis=1)
    return (*_tails(p, n_t, n_c), np.minimum(both[_by_total(n_t, n_c)], 1.0))


def fisher_tails(n_t: int, n_c: int) -> tuple[FloatArray, FloatArray]:
    """The first two of ``fisher_grids``, in a quarter of the time."""
    return _tails(hypergeometric(n_t, n_c)[0], n_t, n_c)


def _tails(p: FloatArray, n_t: int, n_c: int) -> tuple[FloatArray, FloatArray]:
    """Upper and lower sums of the laws given the total, for every table."""
    at = _by_total(n_t, n_c)
    upper, lower = np.cumsum(p[:, ::-1], axis=1)[:, ::-1], np.cumsum(p, axis=1)
    return np.minimum(upper[at], 1.0), np.minimum(lower[at], 1.0)


def _by_total(n_t: int, n_c: int) -> tuple[IntArray, IntArray]:
    """Where tables (x_t, x_c) stand in an array of shape (totals, treatment counts)."""
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    return x_t + x_c, np.broadcast_to(x_t, (n_t + 1, n_c + 1))


def z_grid(n_t: int, n_c: int, *, continuity: bool = False) -> FloatArray:
    """Pooled z of every table, shape (n_t + 1, n_c + 1); 0 where no or all patients respond.

    With ``continuity`` responders are moved by up to half a patient per arm towards no difference (Yates 1934, JRSS
    Supplement 1:217-235).
    """
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    total = x_t + x_c
    n = n_t + n_c
    cross = (x_t * n_c - x_c * n_t).astype(np.float64)
    if continuity:
        cross = np.sign(cross) * np.maximum(abs(cross) - 0.5 * n, 0.0)
    variance = total * (n - total) * (n_t * n_c / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(variance > 0, cross / np.sqrt(variance), 0.0))


def pooled_order(n_t: int, n_c: int) -> FloatArray:
    """The square of the pooled z up to a factor, with the sign of z; shape (n_t + 1, n_c + 1).

    A quotient of whole numbers, rounded once: tables with the same z have the same value to the last bit.
    """
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    cross, total = x_t * n_c - x_c * n_t, x_t + x_c
    return _signed_square(cross, total * (n_t + n_c - total))


def unpooled_order(n_t: int, n_c: int) -> FloatArray:
    """The square of the z with a variance for each arm, up to a factor and with its sign; shape (n_t + 1, n_c + 1).

    Infinite where one arm has only and the other no responders. As exact as ``pooled_order``.
    """
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    common = math.gcd(n_t, n_c)
    m_t, m_c = n_t // common, n_c // common
    return _signed_square(x_t * m_c - x_c * m_t, x_t * (n_t - x_t) * m_c**3 + x_c * (n_c - x_c) * m_t**3)


def _signed_square(cross: IntArray, variance: IntArray) -> FloatArray:
    """Signed square of ``cross`` over ``variance``, 0 where ``cross`` is 0; equal quotients stay equal."""
    square = cross * abs(cross)
    if int(variance.max()) > EXACT:
        common = np.maximum(np.gcd(square, variance), 1)
        square, variance = square // common, variance // common
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(cross != 0, square / variance, 0.0))


def p_values(x_t: int, n_t: int, x_c: int, n_c: int) -> dict[str, float]:
    """The p-values of one table under the tests that papers use, by name.

    One-sided Fisher values are those of the observed direction; mid-p counts half of the observed table.
    """
    better, worse, both = (float(grid[x_t, x_c]) for grid in fisher_grids(n_t, n_c))
    seen = float(hypergeometric(n_t, n_c)[0][x_t + x_c, x_t])
    z = float(z_grid(n_t, n_c)[x_t, x_c])
    n = n_t + n_c
    expected = np.outer([n_t, n_c], [x_t + x_c, n - x_t - x_c]) / n
    off = np.abs(np.array([[x_t, n_t - x_t], [x_c, n_c - x_c]]) - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        yates = np.nan_to_num(np.maximum(off - 0.5, 0) ** 2 / expected).sum()
    return {
        "Fisher two-sided": both,
        "Fisher one-sided": min(better, worse),
        "Fisher doubled": min(1.0, 2 * min(better, worse)),
        "Fisher mid-p two-sided": both - 0.5 * seen,
        "Fisher mid-p doubled": min(1.0, 2 * min(better, worse) - seen),
        "Fisher mid-p one-sided": min(better, worse) - 0.5 * seen,
        "chi-square uncorrected": float(chdtrc(1, z * z)),
        "chi-square with Yates correction": float(chdtrc(1, yates)),
        "chi-square N-1": float(chdtrc(1, z * z * (n - 1) / n)),
        "z one-sided, treatment better": float(ndtr(-z)),
        "z one-sided, treatment worse": float(ndtr(z)),
    }


def wald_p_value(x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """Two-sided normal p-value of one table by the z with a variance for each arm; 0 where that is infinite."""
    return float(2 * ndtr(-np.sqrt(n_t * n_c / math.gcd(n_t, n_c) * abs(unpooled_order(n_t, n_c)[x_t, x_c]))))


def unconditional_p_values(x_t: int, n_t: int, x_c: int, n_c: int) -> dict[str, float]:
    """The unconditional exact p-values of one table, by name; each at most 1e-8 below the largest size.

    One-sided values are those of the observed direction. Two-sided, Boschloo ranks the tables by Fisher's sum over the
    tables no more likely, Barnard by the absolute z; ``doubled`` is twice the one-sided value, at most 1.
    """
    tails = fisher_grids(n_t, n_c)
    table = (x_t, x_c)
    better, worse, both = (p_value(np.log(tail), table, same=LOG_SAME).found for tail in tails)
    found = {
        "Boschloo one-sided": min(better, worse),
        "Boschloo two-sided": both,
        "Boschloo doubled": min(1.0, 2 * min(better, worse)),
    }
    for name, order in (("pooled", pooled_order(n_t, n_c)), ("unpooled", unpooled_order(n_t, n_c))):
        one = min(p_value(-order, table).found, p_value(order, table).found)
        found[f"Barnard {name} one-sided"] = one
        found[f"Barnard {name} two-sided"] = p_value(-abs(order), table).found
        found[f"Barnard {name} doubled"] = min(1.0, 2 * one)
    return found
