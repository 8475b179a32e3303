"""Which arm has the highest rate, for thousands of trials at once: one quadrature on nodes that all posteriors share.

P(arm i is best) is the integral of its density times the distribution functions of the others. The tables of densities
and distribution functions are made once for each number of patients and gathered by counts.
"""

from __future__ import annotations

import math

import numpy as np

from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.superiority import FEWEST, STRIDE, TAIL, Nodes, Posterior, occupied

MOST_PATIENTS = 1_000  # counts up to here fit into ten bits each
BITS = 10
ROWS = 512  # results that are integrated at once: their tables stay in the cache


class Arms:
    """Posteriors of two or three arms after any result of up to ``n`` patients in each.

    Parameters
    ----------
    priors
        Per arm a Beta mixture, shape (K, 3): weight, a, b; shapes from 1e-3.
    n
        Most patients of an arm, at most 1000.

    Source
    ------
    Nodes: Takahasi & Mori (1974), Publ. RIMS 9:721-741 (tanh-sinh); P(best): Thall & Wathen (2007), Eur. J. Cancer
    43:859-866.
    """

    def __init__(self, priors: tuple[FloatArray, ...], n: int) -> None:
        self.nodes = _nodes(np.concatenate(priors), n)
        alike = {prior.tobytes(): _Tables(prior, self.nodes, n) for prior in priors}
        self.tables = tuple(alike[prior.tobytes()] for prior in priors)

    def best(self, n: IntArray, x: IntArray, active: BoolArray) -> FloatArray:
        """P(the arm's rate is the highest | data) among the active arms, shape (m, arms); 0 for the others.

        ``n``, ``x``, ``active``: patients, responders and whether the arm takes part, shape (m, arms). Rows sum to 1;
        absolute error below 1e-11.
        """
        key = _keys(np.concatenate([n, x], axis=1)) * 8 + (active << np.arange(n.shape[1])).sum(axis=1)
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        rows = np.stack([table.rows(n[first, arm], x[first, arm]) for arm, table in enumerate(self.tables)])
        found = np.empty((len(first), n.shape[1]))
        for start in range(0, len(first), ROWS):
            some = slice(start, start + ROWS)
            found[some] = self._best(rows[:, some], active[first[some]])
        return found[back]

    def _best(self, rows: IntArray, active: BoolArray) -> FloatArray:
        below = [table.below.take(row, axis=0) for table, row in zip(self.tables, rows, strict=True)]
        for arm, distribution in enumerate(below):
            distribution[~active[:, arm]] = 1.0
        chances = np.zeros(active.shape)
        for arm, (table, row) in enumerate(zip(self.tables, rows, strict=True)):
            first, *more = (below[j] for j in range(len(below)) if j != arm)
            others = math.prod(more, start=first)
            density = table.density.take(row, axis=0)
            chances[:, arm] = np.where(active[:, arm], np.einsum("rq,rq->r", density, others), 0.0)
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def beats(self, arm: int, n: IntArray, x: IntArray) -> FloatArray:
        """P(rate of ``arm`` > rate of arm 0 | data), shape (m,); ``n``, ``x`` of shape (m, arms)."""
        pair = [0, arm]
        _, first, back = np.unique(
            _keys(np.concatenate([n[:, pair], x[:, pair]], axis=1)), return_index=True, return_inverse=True
        )
        ours, theirs = (self.tables[k].rows(n[first, k], x[first, k]) for k in (arm, 0))
        found = np.empty(len(first))
        for start in range(0, len(first), ROWS):
            some = slice(start, start + ROWS)
            density = self.tables[arm].density.take(ours[some], axis=0)
            below = self.tables[0].below.take(theirs[some], axis=0)
            found[some] = np.einsum("rq,rq->r", density, below)
        return np.minimum(found, 1.0)[back]


class _Tables:
    """Density times step, and distribution function, of one prior's posteriors on the nodes: a row for each result."""

    def __init__(self, prior: FloatArray, nodes: Nodes, n: int) -> None:
        self.prior, self.nodes = prior, nodes
        self.first = np.full(n + 1, -1)  # the row of no responders among so many patients; -1 where not made yet
        self.density = self.below = np.empty((0, nodes.p.size))

    def rows(self, n: IntArray, x: IntArray) -> IntArray:
        """The row of each result, shape of ``n``; numbers of patients that are new are added to the tables."""
        missing = np.unique(n[self.first[n] < 0])
        if missing.size:
            made = [Posterior(self.prior, size) for size in missing.tolist()]
            self.first[missing] = len(self.density) + np.cumsum(missing + 1) - (missing + 1)
            self.density = np.concatenate([self.density, *(one.density(self.nodes).T for one in made)])
            self.below = np.concatenate([self.below, *(one.distribution(self.nodes).T for one in made)])
        return np.asarray(self.first[n] + x)


def most_memory(n: int, patients: tuple[int, int], priors: int) -> int:
    """Bytes of the tables where every result of an arm of so many ``patients`` (fewest, most) has occurred.

    ``n``: what the nodes must resolve; ``priors``: how many different ones, each of little weight beside the data.
    """
    fewest, most = patients
    results = (most * (most + 3) - (fewest - 1) * (fewest + 2)) // 2  # n + 1 of each number n
    return 2 * 8 * _nodes(np.array([[1.0, 1.0, 1.0]]), n).p.size * results * priors


def _keys(counts: IntArray) -> IntArray:
    """One whole number per row of at most six counts."""
    return np.asarray((counts.astype(np.int64) << (BITS * np.arange(counts.shape[1]))).sum(axis=1))


def _nodes(parts: FloatArray, n: int) -> Nodes:
    """Tanh-sinh nodes that resolve every posterior after up to ``n`` patients, cut where all of them have ended."""
    a, b = parts[:, 1], parts[:, 2]
    h = STRIDE / math.sqrt(max(float((a + b).max()) + n, FEWEST))
    low, high = (math.asinh((TAIL / min(1.0, shape) + 20.0) / math.pi) for shape in (a.min(), b.min()))
    s = h * np.arange(-math.ceil(low / h), math.ceil(high / h) + 1.0)
    logit = math.pi * np.sinh(s)
    p, not_p = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    log_step = np.log(h * math.pi * np.cosh(s))
    keep = occupied(parts, n, p, not_p)
    return Nodes(p[keep], not_p[keep], p[keep], not_p[keep], log_step[keep])
