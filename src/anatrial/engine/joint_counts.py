"""Counts of several endpoints in the same patients, and the chance of every combination of decisions on them.

Nested endpoints: given how many patients reach a level, those who reach the next one are binomial among them (with
Dirichlet shares beta-binomial, because the shares of a Dirichlet law are products of independent Betas). So only the
count of the last level has to be carried on, and a trial of hundreds of patients is summed in well under a second.

Endpoints of components: the counts have no such order, so their joint law is held as a whole, with an axis of n + 1
counts per endpoint; both arms are brought together one endpoint after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.special import betaln, gammaln, xlog1py, xlogy

from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.binomial import binomial

MOST_WORK = 1e10  # products of one truth: some ten seconds
NIL = 1e-150  # a chance below counts as 0: products of two would be denormal numbers, which are slow
MOST_CELLS = 4e7  # of the largest array held at once: 320 MB


@dataclass(frozen=True, slots=True)
class NestedCounts:
    """Per arm and level: row m holds the chances of 0..n patients at this level, given m at the level before.

    The first has a single row, of all patients; shapes (1, n + 1), then (n + 1, n + 1).
    """

    treatment: tuple[FloatArray, ...]
    control: tuple[FloatArray, ...]

    def patterns(self, labels: tuple[IntArray, ...], most: int) -> FloatArray:
        """Probability of each combination of labels, shape (most + 1,) per level.

        ``labels``: per level a whole number in 0..most for every table, shape (n_t + 1, n_c + 1).
        """
        found = np.zeros((most + 1,) * len(labels))

        def go(level: int, state: FloatArray, at: tuple[int, ...]) -> None:
            if level == len(labels):
                found[at] = state.sum()
                return
            moved = self.treatment[level].T @ state @ self.control[level]
            moved[moved < NIL] = 0.0
            for label in range(most + 1):
                there = labels[level] == label
                if there.any():
                    go(level + 1, moved * there, (*at, label))

        go(0, np.ones((1, 1)), ())
        return found


@dataclass(frozen=True, slots=True)
class CrossedCounts:
    """Per arm the probability of every combination of counts, shape (n + 1,) per endpoint."""

    treatment: FloatArray
    control: FloatArray

    def patterns(self, labels: tuple[IntArray, ...], most: int) -> FloatArray:
        """Probability of each combination of labels, as of ``NestedCounts``."""
        found = np.zeros((most + 1,) * len(labels))

        def go(endpoint: int, state: FloatArray, at: tuple[int, ...]) -> None:
            if endpoint == len(labels):
                found[at] = float(np.vdot(self.treatment, state))
                return
            for label in range(most + 1):
                there = labels[endpoint] == label
                if there.any():  # the control counts of this endpoint become treatment counts, on the last axis
                    go(endpoint + 1, np.tensordot(state, there.astype(np.float64), axes=([0], [1])), (*at, label))

        go(0, self.control, ())
        return found


Counts = NestedCounts | CrossedCounts


def nested_of_shares(n: int, shares: FloatArray) -> tuple[FloatArray, ...]:
    """The levels of one arm with known shares of the cells (nobody's level first), shape (levels + 1,)."""
    reached = np.cumsum(shares[::-1])[::-1]
    among = [now / before if before > 0 else 0.0 for before, now in pairwise(reached.tolist())]
    rows = [_among(n, partial(_log_binomial, rate)) for rate in among]
    return (rows[0][-1:], *rows[1:])


def nested_of_shapes(n: int, shapes: FloatArray, kept: float) -> tuple[FloatArray, ...]:
    """The levels of one arm whose shares follow a Dirichlet law among the ``kept`` part of its patients.

    The others reach no level. Source: Mosimann (1962), Biometrika 49:65-82.
    """
    above = np.cumsum(shapes[::-1])[::-1]
    pairs = zip(above[1:].tolist(), shapes[:-1].tolist(), strict=True)
    rows = [_among(n, partial(_log_beta_binomial, a, b)) for a, b in pairs]
    stay = binomial(n, np.array([kept]))
    return (stay @ rows[0], *rows[1:])


def crossed_of_shares(n: int, shares: FloatArray, reached: BoolArray) -> FloatArray:
    """Joint counts of one arm with known shares of the cells, shape (n + 1,) per endpoint.

    ``reached``: which endpoints each cell reaches, shape (cells, endpoints). Patients are added one at a time.
    """
    kinds, at = np.unique(reached, axis=0, return_inverse=True)
    parts = np.bincount(at.ravel(), shares)
    state = np.zeros((n + 1,) * reached.shape[1])
    state[(0,) * state.ndim] = 1.0
    for patient in range(n):
        now = np.zeros_like(state)
        for part, kind in zip(parts, kinds, strict=True):
            old = (slice(0, patient + 1),) * state.ndim
            now[tuple(slice(int(up), patient + 1 + int(up)) for up in kind)] += part * state[old]
        state = now
    state[state < NIL] = 0.0
    return state


def crossed_of_shapes(n: int, shapes: FloatArray, reached: BoolArray, kept: float) -> FloatArray:
    """Joint counts of one arm whose shares follow a Dirichlet law among the ``kept`` part of its patients.

    A Dirichlet-multinomial is what independent negative binomial counts are, given their sum: the cells are added one
    at a time, the sum is carried along, and those who leave reach nothing. Arguments as of ``crossed_of_shares``.

    Source: Mosimann (1962), Biometrika 49:65-82.
    """
    kinds, at = np.unique(reached, axis=0, return_inverse=True)
    parts = np.bincount(at.ravel(), shapes)
    total = float(parts.sum())
    odds = n / (n + total) if n else 0.5
    state = np.zeros((n + 1,) * (reached.shape[1] + 1))
    state[(0,) * state.ndim] = 1.0
    for part, kind in zip(parts, kinds, strict=True):
        if not kind.any():
            continue
        weights, now = _negative_binomial(n, part, odds), np.zeros_like(state)
        for x, weight in enumerate(weights):
            shifts = (x, *(x * int(up) for up in kind))
            into, out = (tuple(slice(s, None) for s in shifts), tuple(slice(0, n + 1 - s) for s in shifts))
            now[into] += weight * state[out]
        state = now
    idle = float(parts[~kinds.any(axis=1)].sum())
    none = _negative_binomial(n, idle, odds)
    stay = binomial(n, np.array([kept]))[0] / _negative_binomial(n, total, odds)
    used = np.array([none[: n + 1 - u] @ stay[u:] for u in range(n + 1)])
    return np.asarray(np.tensordot(used, state, axes=1))


def work(sizes: tuple[int, int], endpoints: int, levels: int, *, nested: bool) -> float:
    """Products that ``patterns`` takes; infinite where the arrays would not fit into memory."""
    most, nodes = max(sizes) + 1, sum((levels + 1) ** k for k in range(endpoints))
    if nested:
        return float(nodes) * 2 * most**3
    cells = float(most) ** endpoints
    return math.inf if cells > MOST_CELLS else nodes * (levels + 1) * cells * most + cells * most * 2**endpoints


def work_of_shapes(n: int, endpoints: int) -> float:
    """Products that ``crossed_of_shapes`` takes; infinite where the arrays would not fit into memory."""
    cells = float(n + 1) ** (endpoints + 1)
    return math.inf if cells > MOST_CELLS else 2**endpoints * cells * (n + 1) / 4


def _among(n: int, log_chance: Callable[[IntArray, IntArray], FloatArray]) -> FloatArray:
    """Row m: probabilities of 0..n out of m patients, m = 0..n; shape (n + 1, n + 1)."""
    m, x = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    inside = np.minimum(x, m)
    ways = gammaln(m + 1) - gammaln(inside + 1) - gammaln(m - inside + 1)
    chances = np.where(x <= m, np.exp(ways + log_chance(m, inside)), 0.0)
    chances[chances < NIL] = 0.0
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _log_binomial(rate: float, m: IntArray, x: IntArray) -> FloatArray:
    return np.asarray(xlogy(x, rate) + xlog1py(m - x, -rate))


def _log_beta_binomial(a: float, b: float, m: IntArray, x: IntArray) -> FloatArray:
    return np.asarray(betaln(x + a, m - x + b) - betaln(a, b))


def _negative_binomial(n: int, shape: float, odds: float) -> FloatArray:
    """P(X = x) for x = 0..n; a shape of 0 has all of it at 0."""
    x = np.arange(n + 1)
    if shape == 0:
        return np.asarray(x == 0, dtype=np.float64)
    logs = gammaln(shape + x) - gammaln(shape) - gammaln(x + 1) + x * math.log(odds) + shape * math.log1p(-odds)
    return np.asarray(np.exp(logs))
