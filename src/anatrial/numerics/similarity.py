"""How alike two Beta distributions are, and posteriors that borrow in proportion to it.

Source: Fujikawa, Teramukai, Yokota & Daimon (2020), Biom. J. 62:330-338: similarity is one minus the
Jensen-Shannon divergence (natural logarithms) of two posteriors, sharpened by a power and cut off below a threshold.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaln, xlogy

from anatrial.numerics import FloatArray, IntArray

FLATTEST = 0.1
"""Least shape of a Beta that the grid can hold."""
TAIL = 38.0  # e^-38 is 3e-17
MOST_CELLS = 4_000_000  # numbers held at once, 32 MB


def divergence(first: FloatArray, second: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence, natural logarithms, of every pair of two lists of Betas; shape (m, k), in [0, ln 2].

    Parameters
    ----------
    first, second
        Shapes a, b per row, shape (m, 2) and (k, 2), each at least 0.1; anything less raises ``ValueError``.

    The trapezoid rule in log odds, where Betas are bell-shaped: its step is far below their width and below the
    distance at which the logarithm of their mixture has a singularity, so that its error is that of rounding.
    """
    both = np.concatenate([first, second])
    if float(both.min()) < FLATTEST:
        raise ValueError(f"shapes of at least {FLATTEST:g}: {float(both.min()):g}")
    lowest, highest = float(_end(both, -1.0).min()), float(_end(both, 1.0).max())
    fastest = float(max(np.ptp(both[:, 0]), np.ptp(both[:, 1]), 1.0))
    narrowest = float(np.sqrt(1 / both[:, 0] + 1 / both[:, 1]).min())
    step = min(narrowest / 3, math.pi / (4 * fastest), 0.25)
    points = np.linspace(lowest, highest, math.ceil((highest - lowest) / step) + 1)
    log_p, log_q = (_log_densities(shapes, points) for shapes in (first, second))
    found = np.empty((len(first), len(second)))
    rows = max(1, MOST_CELLS // log_q.size)
    q = np.exp(log_q)
    q_log_q = (q * log_q).sum(axis=1)
    for start in range(0, len(first), rows):
        part = log_p[start : start + rows]
        p = np.exp(part)
        mean = 0.5 * (p[:, None, :] + q[None, :, :])
        entropy = xlogy(mean, mean).sum(axis=2)
        found[start : start + rows] = 0.5 * ((p * part).sum(axis=1)[:, None] + q_log_q[None, :]) - entropy
    return np.asarray(np.clip(found * (points[1] - points[0]), 0.0, math.log(2)))


def _end(shapes: FloatArray, side: float) -> FloatArray:
    """A point below (-1) or above (1) the mode where the density has fallen by e^-38, shape (m,); it is log-concave."""
    mode = np.log(shapes[:, 0] / shapes[:, 1])
    peak, distance = _at(shapes, mode), np.full(len(shapes), 0.01)
    while bool((near := _at(shapes, mode + side * distance) > peak - TAIL).any()):
        distance = np.where(near, 1.25 * distance, distance)
    return np.asarray(mode + side * distance)


def _at(shapes: FloatArray, points: FloatArray) -> FloatArray:
    """Log density of each Beta's log odds at a point of its own, without its constant, shape (m,)."""
    return np.asarray(-shapes[:, 0] * np.logaddexp(0.0, -points) - shapes[:, 1] * np.logaddexp(0.0, points))


def _log_densities(shapes: FloatArray, points: FloatArray) -> FloatArray:
    """Log densities of the log odds, shape (m, points)."""
    a, b = shapes[:, :1], shapes[:, 1:]
    return np.asarray(-a * np.logaddexp(0.0, -points) - b * np.logaddexp(0.0, points) - betaln(a, b))


def weights(found: FloatArray, sharpness: float, threshold: float) -> FloatArray:
    """How much of one basket counts in another: (1 - divergence)^sharpness where that exceeds the threshold, else 0."""
    similarity = (1 - found) ** sharpness
    return np.where(similarity > threshold, similarity, 0.0)


Shared = tuple[tuple[FloatArray, ...], ...]
"""Per pair of baskets, how much of the second counts in the first at every pair of counts."""


def borrowed(counts: IntArray, sizes: tuple[int, ...], prior: tuple[float, float], shared: Shared) -> FloatArray:
    """Shapes of the posterior of every basket, shape (2, K, m), for tables of counts of shape (K, m).

    Each is the sum over baskets of weight times the posterior shapes of that basket alone; a basket counts fully in
    itself. ``shared[i][j]`` holds the weights of basket j in basket i for every pair of counts, shape
    (n_i + 1, n_j + 1).
    """
    alone = np.array([(prior[0] + row, prior[1] + n - row) for row, n in zip(counts, sizes, strict=True)])
    total = alone.transpose(1, 0, 2).astype(np.float64)
    for i, row in enumerate(shared):
        for j, weight in enumerate(row):
            if i != j:
                total[:, i] += weight[counts[i], counts[j]] * alone[j]
    return total
