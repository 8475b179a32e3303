"""The largest type I error over a nuisance rate, with a proven upper bound.

Two bounds say how high P(region) can rise between two rates at which it is known; theta = arcsin sqrt(p).

* Slope: arcsin sqrt(P) moves at most as fast as the laws do in the Hellinger angle (Cauchy-Schwarz with the Fisher
  information): sqrt(n_t + n_c) per unit of theta where both arms share one rate, and
  sqrt(n_t) |d theta_t| + sqrt(n_c) |d theta_c| in general.
* Curvature, where both arms share one rate: with the score U of N = n_t + n_c patients the second derivative of P in
  theta is E[1(region) (U^2 + U')], and because E[U^2 + U'] = 0 it is at most half of E|U^2 + U'| <= 2 (4 N) +
  2 sqrt(N) |p - q| / sqrt(p q), that is, at most 4 N + 2 sqrt(N) |cot 2 theta|. A function of curvature M lies at most
  M w^2 / 8 above its chord.

Intervals that could still hold a larger value are split until none is left: the largest bound among the discarded ones
is proven. Source of the first bound: any textbook proof of the Cramer-Rao inequality; the second is worked out above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray

GAP = 1e-6
PIECES = 4  # an interval is split into as many: fewer rounds of small arrays than halving
MOST_CELLS = 100_000_000  # work limit: evaluated points times table size; the bound stays valid when it is met


class Supremum(NamedTuple):
    """Largest value found, where (control rate), and the bound that no rate in the range can pass."""

    found: float
    at: float
    bound: float


class Spans(NamedTuple):
    """Intervals of control rates with the values at their ends, each of shape (m,)."""

    left: FloatArray
    right: FloatArray
    a: FloatArray
    b: FloatArray


def supremum(
    value: Callable[[FloatArray], FloatArray],
    ends: tuple[float, float],
    sizes: tuple[int, int],
    *,
    margin: float = 0.0,
) -> Supremum:
    """Largest ``value`` over control rates in ``ends``, along treatment rate = control rate + ``margin``.

    Parameters
    ----------
    value
        Maps control rates of shape (m,) to probabilities of shape (m,).
    ends
        Lowest and highest control rate; both arms' rates must stay in [0, 1].
    sizes
        Patients per arm, treatment and control.

    Returns
    -------
    Found value, its rate, and a bound at most 1e-6 above it unless the work limit was met.
    """
    if ends[0] == ends[1]:
        only = float(value(np.array(ends[:1]))[0])
        return Supremum(only, ends[0], only)
    theta = _angle(np.array(ends))
    points = 2 + int(np.ceil(6 * np.sqrt(sum(sizes)) * (theta[1] - theta[0])))
    rates = np.clip(np.sin(np.linspace(theta[0], theta[1], points)) ** 2, *ends)
    rates[[0, -1]] = ends
    heights = value(rates)
    best = int(np.argmax(heights))
    found, at = float(heights[best]), float(rates[best])
    spans = Spans(rates[:-1], rates[1:], heights[:-1], heights[1:])
    proven, cells = found, points * (sum(sizes) + 2)
    while True:
        bounds = _bounds(spans, sizes, margin)
        rising = (bounds > found + GAP) & (spans.right > spans.left)
        proven = max(proven, float(bounds[~rising].max(initial=0.0)))
        if not rising.any() or cells > MOST_CELLS:
            return Supremum(found, at, max(proven, float(bounds[rising].max(initial=0.0))))
        edges = _split(spans.left[rising], spans.right[rising])
        inner = edges[:, 1:-1]
        new = value(inner.ravel()).reshape(inner.shape)
        cells += new.size * (sum(sizes) + 2)
        best = int(np.argmax(new))
        if new.flat[best] > found:
            found, at = float(new.flat[best]), float(inner.flat[best])
        values = np.column_stack([spans.a[rising], new, spans.b[rising]])
        spans = Spans(edges[:, :-1].ravel(), edges[:, 1:].ravel(), values[:, :-1].ravel(), values[:, 1:].ravel())


def _angle(p: FloatArray) -> FloatArray:
    return np.arcsin(np.sqrt(np.clip(p, 0.0, 1.0)))


def _split(left: FloatArray, right: FloatArray) -> FloatArray:
    """Edges of four pieces of each interval, equally wide in theta; shape (m, 5)."""
    low, high = _angle(left)[:, None], _angle(right)[:, None]
    edges = np.sin(low + (high - low) * np.linspace(0.0, 1.0, PIECES + 1)) ** 2
    edges = np.clip(edges, left[:, None], right[:, None])
    edges[:, 0], edges[:, -1] = left, right
    return np.asarray(edges)


def _bounds(spans: Spans, sizes: tuple[int, int], margin: float) -> FloatArray:
    """Largest value that each interval could hold."""
    left, right, a, b = spans
    low, high = _angle(left), _angle(right)
    if margin == 0:
        travelled = np.sqrt(sum(sizes)) * (high - low)
    else:
        treatment = _angle(right + margin) - _angle(left + margin)
        travelled = np.sqrt(sizes[0]) * treatment + np.sqrt(sizes[1]) * (high - low)
    by_slope = np.sin(np.minimum(0.5 * (_angle(a) + _angle(b) + travelled), np.pi / 2)) ** 2
    if margin != 0:
        return np.asarray(by_slope)
    n = sum(sizes)
    with np.errstate(divide="ignore"):
        steepest = np.maximum(np.abs(1 / np.tan(2 * low)), np.abs(1 / np.tan(2 * high)))
    by_curvature = np.maximum(a, b) + (4 * n + 2 * np.sqrt(n) * steepest) * (high - low) ** 2 / 8
    return np.asarray(np.minimum(by_slope, by_curvature))
