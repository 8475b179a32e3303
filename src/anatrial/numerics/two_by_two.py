"""P-values of two-by-two tables: conditional tests of whole grids, z statistics, every named test of one table."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, ndtr

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import log_choose

SAME = 1 + 1e-9  # two tables are equally likely if their probabilities agree to this ratio


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
    upper = np.cumsum(p[:, ::-1], axis=1)[:, ::-1]
    lower = np.cumsum(p, axis=1)
    order = np.argsort(log_p, axis=1)
    ranked = np.take_along_axis(log_p, order, axis=1)
    summed = np.cumsum(np.take_along_axis(p, order, axis=1), axis=1)
    # A unimodal law takes each value at most twice, so a tie is with the next in rank alone.
    with np.errstate(invalid="ignore"):
        tied = ranked[:, 1:] - ranked[:, :-1] <= np.log(SAME)
    summed[:, :-1] = np.where(tied, summed[:, 1:], summed[:, :-1])
    both = np.empty_like(summed)
    np.put_along_axis(both, order, summed, axis=1)
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    at = (x_t + x_c, np.broadcast_to(x_t, (n_t + 1, n_c + 1)))
    return np.minimum(upper[at], 1.0), np.minimum(lower[at], 1.0), np.minimum(both[at], 1.0)


def z_grid(n_t: int, n_c: int) -> FloatArray:
    """Pooled z of every table, shape (n_t + 1, n_c + 1); 0 where no or all patients respond."""
    x_t, x_c = np.ogrid[: n_t + 1, : n_c + 1]
    total = x_t + x_c
    n = n_t + n_c
    cross = (x_t * n_c - x_c * n_t).astype(np.float64)
    variance = total * (n - total) * (n_t * n_c / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(variance > 0, cross / np.sqrt(variance), 0.0))


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
