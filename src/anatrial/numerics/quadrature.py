"""Integrals over log odds: intervals that follow the parts of a mixture, Gauss-Legendre on them, halved where needed.

On the log-odds scale a Beta density falls exponentially at both ends, however small its shapes; a rate is given by the
logarithms of itself and of its complement, so that neither end is ever rounded away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import log_expit

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.superiority import log_beta, relative

ORDER = 16
TOLERANCE = 1e-12  # of the whole integral, per interval, between one interval and its halves; the halves err far less
ROUNDS = 60
LEAST = 1e-290  # integrals below this are accurate to this much only: their terms leave the range of floats


def integral(function: Callable[[FloatArray], FloatArray], edges: FloatArray, *, least: float = LEAST) -> float:
    """Integral of a function that is nowhere negative, over adjoining intervals.

    Parameters
    ----------
    function
        Values at points of shape (m,), in the same shape.
    edges
        Ends of the intervals, ascending.
    least
        An integral below this need not be resolved further.

    Returns
    -------
    The integral, relative error about 1e-12; raises ``ComputationError`` where 60 halvings do not reach it.
    """
    low, high = edges[:-1], edges[1:]
    coarse, done = _gauss(function, low, high), 0.0
    for _ in range(ROUNDS):
        middle = 0.5 * (low + high)
        left, right = _gauss(function, low, middle), _gauss(function, middle, high)
        fine = left + right
        total = done + float(fine.sum())
        if not math.isfinite(total):
            break
        rough = np.abs(fine - coarse) > TOLERANCE * max(total, least)
        if not rough.any():
            return total
        done += float(fine[~rough].sum())
        low, high = np.append(low[rough], middle[rough]), np.append(middle[rough], high[rough])
        coarse = np.append(left[rough], right[rough])
    raise ComputationError("an integral over log odds did not settle")


def partition(low: float, high: float, centres: FloatArray, widths: FloatArray) -> FloatArray:
    """Edges of intervals on [low, high] that are short beside each centre and grow with the distance from it.

    Parameters
    ----------
    low, high
        Ends.
    centres, widths
        Where something happens and on which scale, shape (c,); widths above 0.

    Returns
    -------
    Edges, ascending: no interval is longer than twice (width + distance), for any centre.
    """
    edges = np.array([low, high])
    while True:
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        distance = np.maximum(np.abs(middle - centres[:, None]) - half, 0.0)
        long = (half > widths[:, None] + distance).any(axis=0)
        if not long.any():
            return edges
        edges = np.sort(np.append(edges, middle[long]))


def centres_of(parts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log odds of each part's mean, and two standard deviations of them or 1 if that is less; shape (K,) each."""
    a, b = parts[:, 1], parts[:, 2]
    return np.log(a / b), np.minimum(2.0 * np.sqrt(1.0 / a + 1.0 / b), 1.0)


def logs_of(log_odds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithms of the rates and of their complements."""
    return log_expit(log_odds), log_expit(-log_odds)


def log_parts(parts: FloatArray, log_rate: FloatArray, log_not: FloatArray) -> FloatArray:
    """Logarithm of each part's density of the log odds, times its weight.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight above 0, a, b.
    log_rate, log_not
        Logarithms of rates and of their complements, shape (m,).

    Returns
    -------
    Shape (K, m): log of w theta^a (1 - theta)^b / B(a, b), with digits that shapes of 1e6 would cost a plain sum.
    """
    w, a, b = (column[:, None] for column in parts.T)
    mean = parts[:, 1] / (parts[:, 1] + parts[:, 2])
    near, far = (np.array(rows) for rows in relative(log_rate, log_not, mean[:, None]))
    return np.asarray(np.log(w) - log_beta(a, b, mean[:, None]) + a * near + b * far)


@cache
def _nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on [-1, 1]."""
    return np.polynomial.legendre.leggauss(ORDER)


def _gauss(function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Gauss-Legendre sum over each interval, shape of ``low``."""
    at, weight = _nodes()
    half = 0.5 * (high - low)
    points = (0.5 * (high + low))[:, None] + half[:, None] * at
    return np.asarray(half * (function(points.ravel()).reshape(points.shape) @ weight))
