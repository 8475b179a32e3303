"""The largest type I error over a nuisance rate, with a proven upper bound.

Two bounds say how high P(region) can rise between two rates at which it is known; theta = arcsin sqrt(p).

* Slope: arcsin sqrt(P) moves at most as fast as the laws do in the Hellinger angle (Cauchy-Schwarz with the Fisher
  information): sqrt(n_t + n_c) per unit of theta where both arms share one rate, and
  sqrt(n_t) |d theta_t| + sqrt(n_c) |d theta_c| in general.
* Curvature: ``curvature`` bounds the second derivative of P in theta, along one shared rate and along a margin; a
  function of curvature M lies at most M w^2 / 8 above its chord.

Intervals that could still hold a larger value are split until none is left: the largest bound among the discarded ones
is proven. Source of the first bound: any textbook proof of the Cramer-Rao inequality; the second is worked out there.

Where only a comparison with a level is asked for, intervals whose bound is below the level need no split either, and
the search ends with the first value above it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray, curvature

GAP = 1e-6
PIECES = 4  # an interval is split into as many: fewer rounds of small arrays than halving
SURE = 1e-11  # sums of positive terms err by less, as a share of their value
MOST_CELLS = 20_000_000  # work limit: evaluated points times table size; the bound stays valid when it is met


class Supremum(NamedTuple):
    """Largest value found, where (control rate), and the bound that no rate in the range can pass."""

    found: float
    at: float
    bound: float


class Known(NamedTuple):
    """Values at sorted rates, both of shape (m,); the first and the last rate are the ends of the range."""

    rates: FloatArray
    values: FloatArray


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
    gap: float = GAP,
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
    Found value, its rate, and a bound at most ``gap`` above it unless the work limit was met.
    """
    if ends[0] == ends[1]:
        only = float(value(np.array(ends[:1]))[0])
        return Supremum(only, ends[0], only)
    rates = first_rates(ends, sizes)
    return climbed(value, Known(rates, value(rates)), sizes, margin=margin, gap=gap)


def first_rates(ends: tuple[float, float], sizes: tuple[int, int]) -> FloatArray:
    """Sorted rates from end to end at which a search begins: six for each standard error, equally far in theta."""
    theta = angle(np.array(ends))
    points = 2 + int(np.ceil(6 * np.sqrt(sum(sizes)) * (theta[1] - theta[0])))
    rates = np.clip(np.sin(np.linspace(theta[0], theta[1], points)) ** 2, *ends)
    rates[[0, -1]] = ends
    return np.asarray(rates)


def climbed(
    value: Callable[[FloatArray], FloatArray],
    known: Known,
    sizes: tuple[int, int],
    *,
    margin: float = 0.0,
    gap: float = GAP,
    level: float | None = None,
) -> Supremum:
    """Largest ``value`` between the ends of what is known already; ``supremum`` says what the arguments are.

    With a ``level`` the search goes only as far as the comparison needs: it ends with the first value above the level,
    and the bound need not be close to the found value once both are below. ``side`` reads the outcome.

    Returns
    -------
    Found value, its rate, and a bound at most ``gap`` above it (with a level: or below the level) unless the work limit
    was met.
    """
    below, above = (-np.inf, np.inf) if level is None else (level * (1 - SURE), level * (1 + SURE))
    rates, heights = known
    best = int(np.argmax(heights))
    found, at = float(heights[best]), float(rates[best])
    spans = Spans(rates[:-1], rates[1:], heights[:-1], heights[1:])
    proven, cells = found, rates.size * (sum(sizes) + 2)
    while True:
        bounds = np.minimum(_by_slope(spans, sizes, margin), _by_curvature(spans, sizes, margin))
        rising = (bounds > max(found + gap, below)) & (spans.right > spans.left)
        proven = max(proven, float(bounds[~rising].max(initial=0.0)))
        if not rising.any() or cells > MOST_CELLS or found > above:
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


def side(found: Supremum, level: float) -> int:
    """Where a supremum lies: -1 proven not to pass the level, 1 found above it, 0 too close to tell."""
    if found.bound <= level * (1 - SURE):
        return -1
    return 1 if found.found > level * (1 + SURE) else 0


def angle(p: FloatArray) -> FloatArray:
    """The theta of rates; those that rounding moved out of [0, 1] count as its ends."""
    return np.asarray(np.arcsin(np.sqrt(np.clip(p, 0.0, 1.0))))


def _split(left: FloatArray, right: FloatArray) -> FloatArray:
    """Edges of four pieces of each interval, equally wide in theta; shape (m, 5)."""
    low, high = angle(left)[:, None], angle(right)[:, None]
    edges = np.sin(low + (high - low) * np.linspace(0.0, 1.0, PIECES + 1)) ** 2
    edges = np.clip(edges, left[:, None], right[:, None])
    edges[:, 0], edges[:, -1] = left, right
    return np.asarray(edges)


def _by_slope(spans: Spans, sizes: tuple[int, int], margin: float) -> FloatArray:
    """Largest value that each interval could hold, as fast as the laws move."""
    left, right, a, b = spans
    low, high = angle(left), angle(right)
    if margin == 0:
        travelled = np.sqrt(sum(sizes)) * (high - low)
    else:
        treatment = angle(right + margin) - angle(left + margin)
        travelled = np.sqrt(sizes[0]) * treatment + np.sqrt(sizes[1]) * (high - low)
    return np.asarray(np.sin(np.minimum(0.5 * (angle(a) + angle(b) + travelled), np.pi / 2)) ** 2)


def _by_curvature(spans: Spans, sizes: tuple[int, int], margin: float) -> FloatArray:
    """Largest value that each interval could hold, as far as the values bend."""
    left, right, a, b = spans
    control = angle(left), angle(right)
    if margin == 0:
        rise = curvature.within_arm(sum(sizes), control) * (control[1] - control[0]) ** 2
    else:
        treatment = angle(left + margin), angle(right + margin)
        arms = (sizes[0], treatment), (sizes[1], control)
        by_either = (
            curvature.along_edge(first, second) * (first[1][1] - first[1][0]) ** 2
            for first, second in (arms, arms[::-1])
        )
        rise = np.minimum(*by_either)
    return np.asarray(np.maximum(a, b) + rise / 8)
