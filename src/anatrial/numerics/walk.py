"""Success boundaries of many designs at once: a walk of 2 n steps along each boundary, all designs in lockstep.

P(p_t > p_c | x_t, x_c) rises with x_t and falls with x_c, so the tables that succeed lie above a staircase. From (0, 0)
the walk adds a responder to the treatment arm where the table fails, and to the control arm where it succeeds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.superiority import by_quadrature, log_beta

NEAR = 1e-9  # a probability this close to the threshold is not trusted to lie on its side; the walk errs by 1e-12
ENTRIES = 1 << 21  # probabilities kept at a time: 16 MB


def posterior_staircases(
    n_t: IntArray, n_c: IntArray, treatment: tuple[float, float], control: tuple[float, float], certainty: float
) -> tuple[IntArray, BoolArray]:
    """Least treatment count that succeeds with P(p_t > p_c | x_t, x_c) > certainty, for every control count.

    Parameters
    ----------
    n_t, n_c
        Patients per arm of each design, shape (m,), at least 0.
    treatment, control
        Prior shapes a, b of each arm, from 1e-3 to 1e5.
    certainty
        Threshold in (0, 1), to be exceeded.

    Returns
    -------
    first
        Shape (m, max(n_c) + 1): least x_t, n_t + 1 where no count succeeds and beyond n_c.
    near
        Shape (m,): whether a table on the boundary lies within 1e-9 of the certainty. It counts as a failure here.

    Source
    ------
    Cook (2005), UT MD Anderson technical report 005-05: with g = B(A+C, B+D-1) / (B(A, B) B(C, D)), one more success
    instead of a failure adds g/A for treatment, Beta(A, B), and takes away g/C for control, Beta(C, D); one more
    failure takes away B(A+C, B+D) / (B(A, B) B(C, D) B) and adds the same over D.
    """
    (a_t, b_t), (a_c, b_c) = treatment, control
    rate = (a_t + a_c) / (a_t + b_t + a_c + b_c)
    highest_t, highest_c = np.arange(n_t.max() + 1.0), np.arange(n_c.max() + 1.0)
    arm_t, arm_c = (log_beta(np.array(a), b + x, rate) for a, b, x in ((a_t, b_t, highest_t), (a_c, b_c, highest_c)))
    both = log_beta(np.array(a_t + a_c), b_t + b_c + np.arange(n_t.max() + n_c.max() + 1.0), rate)
    # n_t failures for treatment, then n_c for control: from the prior to the table (0, 0)
    prior = float(by_quadrature(np.array([[1.0, *treatment]]), 0, np.array([[1.0, *control]]), 0, 0.0)[0, 0])
    falls = np.exp(both[: highest_t.size] - arm_t - arm_c[0] - np.log(b_t + highest_t))
    probability = prior - np.concatenate([[0.0], np.cumsum(falls)])[n_t]
    for rows in _chunks(n_c):
        failures = np.arange(n_c[rows].max())
        shared = both[n_t[rows, None] + failures] - arm_t[n_t[rows], None]
        rises = np.exp(shared - arm_c[failures] - np.log(b_c + failures))
        probability[rows] += np.where(failures < n_c[rows, None], rises, 0.0).sum(axis=1)
    # g has one failure less than the counts; a design without patients makes no step
    reduced = log_beta(np.array(a_t + a_c), np.maximum(b_t + b_c + n_t + n_c - 1.0, 1.0), rate)
    log_g = reduced - arm_t[n_t] - arm_c[n_c] - math.log1p(-rate)
    shapes = np.array([np.full(n_t.size, a_t), b_t + n_t, np.full(n_t.size, a_c), b_c + n_c])
    return _staircases(_Start(shapes, probability, log_g, n_t, n_c), certainty, certainty + NEAR)


def fisher_staircases(n_t: IntArray, n_c: IntArray, alpha: float) -> tuple[IntArray, BoolArray]:
    """Least treatment count at which Fisher's one-sided test has p <= alpha, for every control count.

    Parameters
    ----------
    n_t, n_c
        Patients per arm of each design, shape (m,), at least 0.
    alpha
        Level in (0, 1).

    Returns
    -------
    first
        Shape (m, max(n_c) + 1): least x_t, n_t + 1 where no count succeeds and beyond n_c.
    near
        Shape (m,): whether a table on the boundary has a p-value within 1e-9 of alpha. It counts as a success here.

    Source
    ------
    Altham (1969), JRSS B 31:261-269: 1 - p = P(p_t > p_c) with p_t ~ Beta(x_t, n_t - x_t + 1) and
    p_c ~ Beta(x_c + 1, n_c - x_c). No table with x_t = 0 or x_c = n_c has p < 1; the walk starts at (1, 0).
    """
    first = np.repeat(n_t[:, None] + 1, int(n_c.max()) + 1, axis=1)
    near = np.zeros(n_t.size, dtype=np.bool_)
    able = np.flatnonzero((n_t > 0) & (n_c > 0))
    if able.size == 0:
        return first, near
    t, c = n_t[able], n_c[able]
    n = (t + c).astype(np.float64)
    ones = np.ones(able.size)
    start = _Start(np.array([ones, t, ones, c]), c / n, np.log(t * c / (n * (n - 1.0))), t - 1, c)
    found, near[able] = _staircases(start, 1.0 - alpha, 1.0 - alpha - NEAR)
    first[able, : found.shape[1]] = found + 1
    return first, near


class _Start(NamedTuple):
    """Where the walks start: shapes A, B, C, D (4, m), P(p_t > p_c) and log g (m,), responders still to come (m,)."""

    shapes: FloatArray
    probability: FloatArray
    log_g: FloatArray
    steps_t: IntArray
    steps_c: IntArray


def _staircases(start: _Start, threshold: float, level: float) -> tuple[IntArray, BoolArray]:
    """Staircases counted from the start; a table succeeds above ``level`` and is near within 1e-9 of ``threshold``."""
    steps_t, steps_c = start.steps_t, start.steps_c
    first = np.repeat(steps_t[:, None] + 1, int(steps_c.max()) + 1, axis=1)
    near = np.zeros(steps_t.size, dtype=np.bool_)
    for rows in _chunks(steps_t + steps_c):
        path = _path(start, rows, level)
        success = path > level
        x_c: IntArray = np.cumsum(success, axis=0) - success
        x_t = np.arange(len(path))[:, None] - x_c
        inside = (x_t <= steps_t[rows]) & (x_c <= steps_c[rows])
        near[rows] = (inside & (np.abs(path - threshold) <= NEAR)).any(axis=0)
        step, design = np.nonzero(inside & success)
        first[rows[design], x_c[step, design]] = x_t[step, design]
    return first, near


def _path(start: _Start, rows: IntArray, level: float) -> FloatArray:
    """Probabilities met by the designs ``rows``, in descending order of steps; shape (most steps + 1, rows).

    After the end of a design its column holds whatever the formula gives, or nan: the caller knows where that is.
    """
    total = start.steps_t[rows] + start.steps_c[rows]
    path = np.full((int(total[0]) + 1, total.size), np.nan)
    path[0] = start.probability[rows]
    a, b, c, d = start.shapes[:, rows]
    log_g = start.log_g[rows]
    left = b + d - 2.0
    going = np.searchsorted(-total, -np.arange(len(path)))  # designs with total > step
    with np.errstate(all="ignore"):
        for step in range(len(path) - 1):
            active = int(going[step])
            if active < a.size:
                a, b, c, d, left, log_g = (v[:active] for v in (a, b, c, d, left, log_g))
            success = path[step, :active] > level
            gaining, losing = np.where(success, c, a), np.where(success, d, b)
            change = np.exp(log_g) / gaining
            np.add(path[step, :active], np.where(success, -change, change), out=path[step + 1, :active])
            # a product of ratios would underflow where priors are far apart, and never come back
            log_g = log_g + np.log((a + c) * (losing - 1.0) / ((left - step) * gaining))
            a, b, c, d = a + ~success, b - ~success, c + success, d - success
    return path


def _chunks(length: IntArray) -> list[IntArray]:
    """Designs in descending order of length, in groups whose numbers, ``length`` and 1 for each, stay below ENTRIES."""
    ranked = np.argsort(-length, kind="stable")
    chunks = []
    while ranked.size:
        size = max(1, ENTRIES // (int(length[ranked[0]]) + 1))
        chunks.append(ranked[:size])
        ranked = ranked[size:]
    return chunks
