"""The largest type I error over a nuisance rate, with a proven upper bound.

arcsin sqrt(P(region)) moves along a path of rates at most as fast as the laws do in the Hellinger angle
(Cauchy-Schwarz with the Fisher information): with theta = arcsin sqrt(p), by sqrt(n_t + n_c) per unit of theta where
both arms share one rate, and by sqrt(n_t) |d theta_t| + sqrt(n_c) |d theta_c| in general. Between two points the value
can thus not pass a known height, and splitting the intervals that could still hold a larger value ends with a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray

GAP = 1e-6
MOST_CELLS = 60_000_000  # work limit: evaluated points times table size; the bound stays valid when it is met


class Supremum(NamedTuple):
    """Largest value found, where (control rate), and the bound that no rate in the range can pass."""

    found: float
    at: float
    bound: float


def supremum(
    value: Callable[[FloatArray], FloatArray],
    ends: tuple[float, float],
    sizes: tuple[int, int],
    *,
    margin: float = 0.0,
    threshold: float | None = None,
) -> Supremum:
    """Largest ``value`` over control rates in ``ends``, along treatment rate = control rate + ``margin``.

    Parameters
    ----------
    value
        Maps control rates of shape (m,) to probabilities of shape (m,).
    ends
        Lowest and highest control rate; both rates must stay in [0, 1].
    sizes
        Patients per arm, treatment and control.
    threshold
        Where given, stop as soon as the answer is known to lie above it or to be at most it.

    Returns
    -------
    Found value, its rate, and a bound at most 1e-6 above it unless the work limit was met.
    """
    low, high = ends
    n_t, n_c = sizes
    angles = np.arcsin(np.sqrt([low, high]))
    points = 2 + int(np.ceil(6 * np.sqrt(n_t + n_c) * (angles[1] - angles[0])))
    rates = np.clip(np.sin(np.linspace(angles[0], angles[1], points)) ** 2, low, high)
    rates[[0, -1]] = low, high
    heights = _angle(value(rates))
    best = int(np.argmax(heights))
    found, at = heights[best], rates[best]
    left, right = rates[:-1], rates[1:]
    a, b = heights[:-1], heights[1:]
    proven, cells = 0.0, points * (n_t + n_c + 2)
    while True:
        bounds = np.minimum(0.5 * (a + b + _length(left, right, sizes, margin)), np.pi / 2)
        goal = _angle(np.array([min(1.0, np.sin(found) ** 2 + GAP)]))[0]
        if threshold is not None:
            if np.sin(found) ** 2 > threshold:
                goal = np.pi / 2  # already above: no need to find how far
            elif threshold < 1:
                goal = max(goal, _angle(np.array([threshold]))[0])
        open_ = (bounds > goal) & (right > left)
        proven = max(proven, float(bounds[~open_].max(initial=0.0)))
        if not open_.any() or cells > MOST_CELLS:
            proven = max(proven, float(bounds[open_].max(initial=0.0)), found)
            break
        left, right, a, b = left[open_], right[open_], a[open_], b[open_]
        middle = _middle(left, right)
        h = _angle(value(middle))
        cells += len(middle) * (n_t + n_c + 2)
        best = int(np.argmax(h))
        if h[best] > found:
            found, at = h[best], middle[best]
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        a, b = np.concatenate([a, h]), np.concatenate([h, b])
    return Supremum(float(np.sin(found) ** 2), float(at), float(np.sin(proven) ** 2))


def _angle(p: FloatArray) -> FloatArray:
    return np.arcsin(np.sqrt(np.clip(p, 0.0, 1.0)))


def _middle(left: FloatArray, right: FloatArray) -> FloatArray:
    middle = np.sin(0.5 * (_angle(left) + _angle(right))) ** 2
    return np.where((middle > left) & (middle < right), middle, 0.5 * (left + right))


def _length(left: FloatArray, right: FloatArray, sizes: tuple[int, int], margin: float) -> FloatArray:
    control = _angle(right) - _angle(left)
    if margin == 0:
        return np.asarray(np.sqrt(sum(sizes)) * control)
    treatment = _angle(right + margin) - _angle(left + margin)
    return np.asarray(np.sqrt(sizes[0]) * treatment + np.sqrt(sizes[1]) * control)
