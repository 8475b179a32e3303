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
        self.priors, self.nodes = priors, _nodes(np.concatenate(priors), n)
        self._tables: dict[tuple[int, int], tuple[FloatArray, FloatArray]] = {}

    def best(self, n: IntArray, x: IntArray, active: BoolArray) -> FloatArray:
        """P(the arm's rate is the highest | data) among the active arms, shape (m, arms); 0 for the others.

        ``n``, ``x``, ``active``: patients, responders and whether the arm takes part, shape (m, arms). Rows sum to 1;
        absolute error below 1e-11.
        """
        key = _keys(np.concatenate([n, x], axis=1)) * 8 + (active << np.arange(n.shape[1])).sum(axis=1)
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        found = np.empty((len(first), n.shape[1]))
        for start in range(0, len(first), ROWS):
            rows = first[start : start + ROWS]
            found[start : start + ROWS] = self._best(n[rows], x[rows], active[rows])
        return found[back]

    def _best(self, n: IntArray, x: IntArray, active: BoolArray) -> FloatArray:
        tables = [self._gathered(arm, n[:, arm], x[:, arm]) for arm in range(n.shape[1])]
        below = [np.where(active[:, arm, None], cdf, 1.0) for arm, (_, cdf) in enumerate(tables)]
        chances = np.zeros(n.shape)
        for arm, (density, _) in enumerate(tables):
            others = math.prod((below[j] for j in range(len(tables)) if j != arm), start=np.ones(1))
            chances[:, arm] = np.where(active[:, arm], np.einsum("rq,rq->r", density, others), 0.0)
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def beats(self, arm: int, n: IntArray, x: IntArray) -> FloatArray:
        """P(rate of ``arm`` > rate of arm 0 | data), shape (m,); ``n``, ``x`` of shape (m, arms)."""
        pair = [0, arm]
        _, first, back = np.unique(
            _keys(np.concatenate([n[:, pair], x[:, pair]], axis=1)), return_index=True, return_inverse=True
        )
        found = np.empty(len(first))
        for start in range(0, len(first), ROWS):
            rows = first[start : start + ROWS]
            density, _ = self._gathered(arm, n[rows, arm], x[rows, arm])
            _, below = self._gathered(0, n[rows, 0], x[rows, 0])
            found[start : start + ROWS] = np.einsum("rq,rq->r", density, below)
        return np.minimum(found, 1.0)[back]

    def _gathered(self, arm: int, n: IntArray, x: IntArray) -> tuple[FloatArray, FloatArray]:
        """Density times step, and distribution function, of an arm's posterior after each result, shape (m, nodes)."""
        density, below = (np.empty((len(n), self.nodes.p.size)) for _ in range(2))
        for size in np.unique(n).tolist():
            rows = n == size
            table = self._table(arm, size)
            density[rows], below[rows] = (one[x[rows]] for one in table)
        return density, below

    def _table(self, arm: int, n: int) -> tuple[FloatArray, FloatArray]:
        if (arm, n) not in self._tables:
            posterior = Posterior(self.priors[arm], n)
            self._tables[arm, n] = posterior.density(self.nodes).T.copy(), posterior.distribution(self.nodes).T.copy()
        return self._tables[arm, n]


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
