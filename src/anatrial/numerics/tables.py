"""Probabilities of regions: sums over runs of treatment counts, for many pairs of laws at once.

A region is an integer array of shape (runs, 3): control count, first and last treatment count (inclusive). A law is an
array of shape (m, n + 1) whose rows are probabilities of 0..n responders.
"""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.binomial import binomial

BLOCK_CELLS = 4_000_000  # about 32 MB: the largest table that is held at once


def run_masses(runs: IntArray, law_t: FloatArray) -> FloatArray:
    """Probability that the treatment count falls into each run, shape (m, runs).

    Runs that start at 0 use the lower sum, all others the upper one, so that small tails keep their relative accuracy.
    """
    first, last = runs[:, 1], runs[:, 2]
    above = at_least(law_t)
    masses = above[:, first]
    inner = last < law_t.shape[1] - 1
    if inner.any():
        masses[:, inner] -= above[:, last[inner] + 1]
        lower = inner & (first == 0)
        masses[:, lower] = np.cumsum(law_t, axis=1)[:, last[lower]]
    return masses


def at_least(law: FloatArray) -> FloatArray:
    """P(at least k responders) for k = 0..n + 1, shape (m, n + 2)."""
    return np.concatenate([np.cumsum(law[:, ::-1], axis=1)[:, ::-1], np.zeros((len(law), 1))], axis=1)


def paired(runs: IntArray, law_t: FloatArray, law_c: FloatArray) -> FloatArray:
    """Probability of the region under each pair of rows, shape (m,)."""
    rows = max(1, BLOCK_CELLS // (law_t.shape[1] + len(runs) + 1))
    total = np.empty(len(law_t))
    for start in range(0, len(law_t), rows):
        block = slice(start, start + rows)
        total[block] = np.einsum("ij,ij->i", run_masses(runs, law_t[block]), law_c[block][:, runs[:, 0]])
    return np.minimum(total, 1.0)


def crossed(runs: IntArray, law_t: FloatArray, law_c: FloatArray) -> FloatArray:
    """Probability of the region under every treatment row with every control row, shape (m_t, m_c): one product."""
    if not len(runs):
        return np.zeros((len(law_t), len(law_c)))
    starts = np.flatnonzero(np.diff(runs[:, 0], prepend=-1))  # runs are sorted by control count
    masses = np.add.reduceat(run_masses(runs, law_t), starts, axis=1)
    return np.minimum(masses @ law_c[:, runs[starts, 0]].T, 1.0)


def weighted(chances: FloatArray, law_t: FloatArray, law_c: FloatArray) -> FloatArray:
    """Mean of ``chances``, one per table, under each pair of rows, shape (m,)."""
    rows = max(1, BLOCK_CELLS // (law_t.shape[1] + law_c.shape[1]))
    total = np.empty(len(law_t))
    for start in range(0, len(law_t), rows):
        block = slice(start, start + rows)
        total[block] = np.einsum("ij,ij->i", law_t[block] @ chances, law_c[block])
    return np.minimum(total, 1.0)


def staircase_powers(first: IntArray, n_t: IntArray, n_c: IntArray, rate_t: float, rate_c: float) -> FloatArray:
    """P(x_t >= first[x_c]) of many designs at once, shape (m,).

    ``first`` has shape (m, max(n_c) + 1) and holds n_t + 1 where a design never succeeds.
    """
    powers = np.empty(len(n_t))
    for index, (size_t, size_c) in enumerate(zip(n_t.tolist(), n_c.tolist(), strict=True)):
        law_t = binomial(size_t, np.array([rate_t]))[0]
        above = np.append(np.cumsum(law_t[::-1])[::-1], 0.0)
        powers[index] = above[first[index, : size_c + 1]] @ binomial(size_c, np.array([rate_c]))[0]
    return np.minimum(powers, 1.0)
