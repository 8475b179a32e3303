"""Points that no other point beats in every respect."""

from __future__ import annotations

import numpy as np

from anatrial.numerics import BoolArray, FloatArray, IntArray

CLOSE = 1e-12
"""Sums over tables are that exact: numbers closer than so much of the larger of 1 and themselves are the same."""
SURE = 2.0
"""Combined Monte Carlo standard errors beyond which a simulated difference counts."""
BLOCK = 512
"""Points that are compared at once with as many as ``CHUNK`` others: bounds the memory."""
CHUNK = 4096


def tie_ranks(values: FloatArray) -> IntArray:
    """Ranks from 0 on, shape (n,); numbers that lie within ``CLOSE`` of the next smaller one share its rank."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    apart = np.diff(ordered) > CLOSE * np.maximum(1.0, np.abs(ordered[1:]))
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.concatenate([np.zeros(min(len(values), 1), dtype=np.int64), np.cumsum(apart)])
    return ranks


def non_dominated(costs: FloatArray, noise: FloatArray, width: FloatArray) -> BoolArray:
    """Which points no other point dominates.

    A point dominates another where it is nowhere dearer, and somewhere surely cheaper: by more than ``SURE`` combined
    standard errors where costs are simulated, by more than what is open of the dearer one where they are proven bounds.

    Parameters
    ----------
    costs
        Less is better, shape (points, aims), finite; costs within ``CLOSE`` of each other are equal.
    noise
        Monte Carlo standard error of each cost, same shape, 0 where exact.
    width
        How far a cost, as a proven upper bound, may lie above the true one, same shape, 0 where known.

    Returns
    -------
    Shape (points,). Equal points stay or go together; one point at least stays.

    Source
    ------
    Definition of Pareto dominance, e.g. Kung, Luccio & Preparata (1975), J. ACM 22:469-476.
    """
    if not len(costs):
        return np.zeros(0, dtype=np.bool_)
    ranks = np.column_stack([tie_ranks(column) for column in costs.T])
    every, back = np.unique(np.hstack([ranks, costs, noise, width]), axis=0, return_inverse=True)
    aims = costs.shape[1]
    points = _Points(every[:, :aims].astype(np.int64), *np.split(every[:, aims:], 3, axis=1))
    return points.front()[back.reshape(-1)]


class _Points:
    """Points that differ, ordered so that none is dominated by a later one."""

    def __init__(self, ranks: IntArray, costs: FloatArray, noise: FloatArray, width: FloatArray) -> None:
        self._order = np.argsort(ranks.sum(axis=1), kind="stable")  # a dominating point has the smaller sum
        self._ranks, self._costs = ranks[self._order], costs[self._order]
        self._noise, self._width = noise[self._order], width[self._order]
        self._known = not (noise.any() or width.any())

    def front(self) -> BoolArray:
        """Which stay, in the order in which they came.

        Where all costs are known, what a dominated point dominates is dominated by a point of the front too. Simulated
        ones do not pass it on, so that those which the front leaves are compared with every point.
        """
        n = len(self._order)
        stays = np.zeros(n, dtype=np.bool_)
        for start in range(0, n, BLOCK):
            block = np.arange(start, min(start + BLOCK, n))
            left = self._undominated(block, np.flatnonzero(stays))
            stays[self._undominated(left, left if self._known else np.arange(block[-1] + 1))] = True
        found = np.empty(n, dtype=np.bool_)
        found[self._order] = stays
        return found

    def _undominated(self, block: IntArray, others: IntArray) -> IntArray:
        """Those of ``block`` that none of ``others`` dominates."""
        for start in range(0, len(others), CHUNK):
            if len(block):
                block = block[~self._dominated(block, others[start : start + CHUNK])]
        return block

    def _dominated(self, block: IntArray, others: IntArray) -> BoolArray:
        nowhere_dearer = np.ones((len(block), len(others)), dtype=np.bool_)
        cheaper = np.zeros_like(nowhere_dearer)
        for k in range(self._ranks.shape[1]):
            rank, theirs = self._ranks[block, k, None], self._ranks[None, others, k]
            nowhere_dearer &= theirs <= rank
            surely = theirs < rank
            if not self._known:
                apart = self._costs[block, k, None] - self._costs[None, others, k]
                noise = np.hypot(self._noise[block, k, None], self._noise[None, others, k])
                surely &= apart > SURE * noise + self._width[block, k, None]
            cheaper |= surely
        return np.asarray((nowhere_dearer & cheaper).any(axis=1), dtype=np.bool_)
