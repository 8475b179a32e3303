"""The joint law of two to four yes-or-no components with given rates and a stated dependence.

A table of cell shares has one axis of length 2 per component: index 1 where the component is met.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from scipy.special import logit, logsumexp, softmax

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, IntArray

MOST_ROUNDS = 500  # of Newton's method; a dozen are usual
FITTED = 1e-13  # how close the margins must come
LONGEST = 5.0  # step in log odds
CLOSE = 1e-8  # a step that gains less is taken whole: rounding would hide the gain
NEGATIVE = 1e-15  # a share this close to 0 is 0, rounded


def held(components: int) -> IntArray:
    """Which components each cell meets, shape (2**components, components); the last component runs fastest."""
    return np.array(list(np.ndindex(*(2,) * components)), dtype=np.int64)


def independent(rates: FloatArray) -> FloatArray:
    """Cell shares of components that know nothing of each other, shape (2,) per component."""
    return _product(np.asarray(rates, dtype=np.float64))


def comonotone(rates: FloatArray) -> FloatArray:
    """Cell shares of components as alike as their rates allow: who meets a rarer one meets every commoner one.

    Source: Frechet (1951), Annales de l'Universite de Lyon A 14:53-77 (the upper bound).
    """
    order = np.argsort(-np.asarray(rates), kind="stable")
    edges = np.concatenate([[1.0], np.asarray(rates, dtype=np.float64)[order], [0.0]])
    found = np.zeros((2,) * len(order))
    for met in range(len(order) + 1):
        cell = np.zeros(len(order), dtype=np.int64)
        cell[order[:met]] = 1
        found[tuple(cell)] = edges[met] - edges[met + 1]
    return found


def correlated(rates: FloatArray, correlation: float) -> FloatArray:
    """Cell shares where every two components have one correlation (phi) and nothing of higher order is added.

    Components of rate 0 or 1 have no correlation and stand aside. A share may come out negative: then no such law of
    this form exists, which ``infeasible`` tells.

    Source: Bahadur (1961), in Studies in Item Analysis and Prediction, pages 158-168: the representation of the joint
    law of yes-or-no variables, with its terms of third and higher order 0.
    """
    rates = np.asarray(rates, dtype=np.float64)
    open_ = [k for k, rate in enumerate(rates) if 0 < rate < 1]
    cells = held(len(rates))
    spread = np.sqrt(np.where((rates > 0) & (rates < 1), rates * (1 - rates), 1.0))
    z = (cells - rates) / spread
    factor = 1.0 + correlation * sum((z[:, i] * z[:, j] for i, j in combinations(open_, 2)), np.zeros(len(cells)))
    found = _product(rates) * factor.reshape((2,) * len(rates))
    return np.asarray(np.where(np.abs(found) < NEGATIVE, 0.0, found))


def infeasible(shares: FloatArray) -> bool:
    """Whether a cell share is negative."""
    return bool((shares < 0).any())


def associated(rates: FloatArray, odds_ratio: float) -> FloatArray:
    """Cell shares where every two components have one odds ratio, given the others, and no higher term is added.

    Two components: the odds ratio of their fourfold table (Plackett's law). More: the log-linear law with all
    interactions of second order equal to log(odds_ratio) and none above; it exists for all rates and every positive
    odds ratio. Its log odds of the components are the minimum of a convex function, found by Newton's method.

    Source: Cox (1972), Applied Statistics 21:113-120 (the quadratic exponential law); Csiszar (1975), Annals of
    Probability 3:146-158 (that there is one law with these margins and interactions).

    Raises ``ComputationError`` where the margins are not met to 1e-13 after many rounds.
    """
    rates = np.asarray(rates, dtype=np.float64)
    open_ = (rates > 0) & (rates < 1)
    cells, log_odds_ratio = held(len(rates)), math.log(odds_ratio)
    possible = (cells[:, ~open_] == rates[~open_]).all(axis=1)
    pairs = cells.sum(axis=1) * (cells.sum(axis=1) - 1) // 2
    logs = np.where(possible, pairs * log_odds_ratio, -np.inf)
    met, wanted = cells[:, open_].astype(np.float64), rates[open_]

    def height(at: FloatArray) -> float:
        return float(logsumexp(logs + met @ at) - at @ wanted)

    odds = logit(wanted) - log_odds_ratio * (rates.sum() - wanted)
    for _ in range(MOST_ROUNDS):
        found = softmax(logs + met @ odds)
        missed = wanted - found @ met
        if np.abs(missed).max(initial=0.0) < FITTED:
            return np.asarray(found.reshape((2,) * len(rates)))
        centred = met - found @ met
        step = np.linalg.solve((centred * found[:, None]).T @ centred, missed)
        step *= min(1.0, LONGEST / np.abs(step).max())
        while step @ missed > CLOSE and height(odds + step) > height(odds):
            step /= 2
        odds = odds + step
    raise ComputationError(f"no joint law with these rates and odds ratio {odds_ratio:g} after {MOST_ROUNDS:,} rounds")


def margins(shares: FloatArray) -> FloatArray:
    """The rate of each component, shape (components,)."""
    return np.array([np.take(shares, 1, axis=axis).sum() for axis in range(shares.ndim)])


def _product(rates: FloatArray) -> FloatArray:
    cells = held(len(rates))
    return np.asarray(np.where(cells == 1, rates, 1 - rates).prod(axis=1).reshape((2,) * len(rates)))
