"""A beta mixture that stands for another law of a rate: of known density, or known by draws.

Both are weighted points ``(rate, weight)``; the mixture maximises the weighted log density, which for a known density
is the least Kullback-Leibler divergence and for draws is the likelihood. Several starts, each climbed by BFGS with
the exact gradient, which needs no slow last steps as expectation-maximisation does (Redner & Walker 1984, SIAM
Rev. 26:195-239).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaln, digamma, log_softmax, softmax

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, beta
from anatrial.numerics.densities import Cumulative
from anatrial.numerics.log_odds import Density

MOST_PARTS = 4
LEAST_SHAPES = (1.0, 0.01)
"""Shapes below 1 make the density infinite at an end and an information ratio impossible: only where 1 does not fit."""
NIL = 1e-13  # points of less weight are left out: together below 1e-9
SPREADS = (1.0, 2.0)  # how far the starting strengths of concentric parts lie apart, in powers of 4
STEPS = 300
MOST_LOG = 12.0  # log of the largest shape: beyond it the gain is nil


class Points(NamedTuple):
    """Log rate, log of one minus the rate, and weight of each point; the weights sum to 1."""

    log_rate: FloatArray
    log_rest: FloatArray
    weights: FloatArray


class Fit(NamedTuple):
    """Parts of shape (K, 3): weight, a, b, ordered by weight; and the mean log density per unit of log odds."""

    parts: FloatArray
    score: float


class Fitted(NamedTuple):
    """A mixture with how far it is from the law: Kullback-Leibler divergence and largest difference of probability."""

    parts: FloatArray
    divergence: float
    cdf_error: float


def fitted(density: Density, divergence: float, cdf_error: float) -> Fitted:
    """The mixture of fewest parts, 1 to 4, within both limits of a density of log odds.

    Shapes are at least 1 where that is within the limits, else at least 0.01. Raises ``ComputationError`` where four
    parts are not enough.
    """
    points, entropy, below = _prepared(density)
    best: Fitted | None = None
    for least in LEAST_SHAPES:
        for count in range(1, MOST_PARTS + 1):
            found = _measured(points, entropy, below, climbed(points, count, least))
            if found.divergence <= divergence and found.cdf_error <= cdf_error:
                return found
            best = found if best is None or found.divergence < best.divergence else best
    assert best is not None
    raise ComputationError(
        f"no mixture of up to {MOST_PARTS} Betas fits: the best has Kullback-Leibler divergence {best.divergence:.2g} "
        f"(limit {divergence:g}) and a probability off by {best.cdf_error:.2g} (limit {cdf_error:g})"
    )


def of_parts(density: Density, count: int, least: float = 1.0) -> Fitted:
    """The best mixture of ``count`` parts with shapes of at least ``least``."""
    points, entropy, below = _prepared(density)
    return _measured(points, entropy, below, climbed(points, count, least))


def of_draws(rates: FloatArray, penalty: float = 6.0) -> tuple[FloatArray, tuple[float, ...]]:
    """The mixture of draws in (0, 1) whose -2 log likelihood + penalty (3 K - 1) is least, K = 1..4, shapes at least 1.

    Also the log likelihood of each K. The penalty is RBesT's: 2 would follow every bump of the draws.
    """
    points = Points(np.log(rates), np.log1p(-rates), np.full(len(rates), 1 / len(rates)))
    jacobian = float(points.weights @ (points.log_rate + points.log_rest))
    fits = [climbed(points, count, 1.0) for count in range(1, MOST_PARTS + 1)]
    likelihoods = tuple(len(rates) * (fit.score - jacobian) for fit in fits)
    costs = [-2 * value + penalty * (3 * k - 1) for k, value in enumerate(likelihoods, 1)]
    return fits[int(np.argmin(costs))].parts, likelihoods


def _prepared(density: Density) -> tuple[Points, float, Cumulative]:
    weights = density.values * density.step
    kept = weights > NIL
    grid, weights = density.grid[kept], weights[kept] / weights[kept].sum()
    rest = np.logaddexp(0.0, grid)
    return (
        Points(grid - rest, -rest, weights),
        float(weights @ np.log(weights / density.step)),
        Cumulative(density),
    )


def _measured(points: Points, entropy: float, below: Cumulative, fit: Fit) -> Fitted:
    log_odds = points.log_rate - points.log_rest
    low, target = log_odds < 0, below(log_odds)  # from the nearer end: rates next to 1 round to 1
    error = np.abs(beta.cdf(fit.parts, np.exp(points.log_rate[low])) - target[low]).max(initial=0.0)
    mirrored = beta.cdf(fit.parts[:, [0, 2, 1]], np.exp(points.log_rest[~low]))
    error = max(error, np.abs(mirrored - (1 - target[~low])).max(initial=0.0))
    return Fitted(fit.parts, max(entropy - fit.score, 0.0), float(error))


def climbed(points: Points, count: int, least: float) -> Fit:
    """The best mixture of ``count`` parts with shapes of at least ``least`` that any start leads to."""
    from scipy.optimize import minimize

    best: Fit | None = None
    for start in _starts(points, count, least):
        found = minimize(
            _loss, start, (points, least), jac=True, method="BFGS", options={"maxiter": STEPS, "gtol": 1e-7}
        )
        if best is None or -found.fun > best.score:
            weights, a, b = _unpacked(found.x, least)
            order = np.argsort(-weights)
            best = Fit(np.column_stack([weights, a, b])[order], -float(found.fun))
    assert best is not None
    return best


def _unpacked(x: FloatArray, least: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    levels, a, b = x.reshape(3, -1)
    return softmax(levels), least + np.exp(np.minimum(a, MOST_LOG)), least + np.exp(np.minimum(b, MOST_LOG))


def _loss(x: FloatArray, points: Points, least: float) -> tuple[float, FloatArray]:
    """Minus the mean log density of the log odds, and its gradient."""
    weights, a, b = _unpacked(x, least)
    log_weights = log_softmax(x[: len(weights)])  # a weight may underflow, its logarithm not
    logs = a[:, None] * points.log_rate + b[:, None] * points.log_rest + (log_weights - betaln(a, b))[:, None]
    top = logs.max(axis=0)
    shares = np.exp(logs - top)
    total = shares.sum(axis=0)
    shares *= points.weights / total
    held = shares.sum(axis=1)
    both = digamma(a + b)
    slope_a = shares @ points.log_rate - held * (digamma(a) - both)
    slope_b = shares @ points.log_rest - held * (digamma(b) - both)
    gradient = np.concatenate([held - weights, slope_a * (a - least), slope_b * (b - least)])
    return -float(points.weights @ (top + np.log(total))), -gradient


def _starts(points: Points, count: int, least: float) -> list[FloatArray]:
    """Concentric parts of growing strength, and neighbouring parts that share out the probability."""
    order = np.argsort(points.log_rate)
    rate, weights = np.exp(points.log_rate[order]), points.weights[order]
    a, b = _matched(rate, weights)
    factors = [4.0 ** (spread * (np.arange(count, dtype=np.float64) - (count - 1) / 2)) for spread in SPREADS]
    starts = [_packed(a * factor, b * factor, least) for factor in factors]
    if count == 1:
        return starts[:1]
    cut = np.searchsorted(np.cumsum(weights), np.arange(1, count) / count)
    groups = zip(np.split(rate, cut), np.split(weights, cut), strict=True)
    shapes = [_matched(r, w) for r, w in groups if w.sum() > 0 and len(r) > 1]
    if len(shapes) == count:
        starts.append(_packed(np.array([s[0] for s in shapes]), np.array([s[1] for s in shapes]), least))
    return starts


def _matched(rate: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Shapes with the mean and variance of weighted points."""
    share = weights / weights.sum()
    mean = float(share @ rate)
    variance = max(float(share @ (rate - mean) ** 2), 1e-12)
    strength = max(mean * (1 - mean) / variance - 1, 0.5)
    return mean * strength, (1 - mean) * strength


def _packed(a: FloatArray, b: FloatArray, least: float) -> FloatArray:
    a, b = (np.clip(shape, least * 1.01, 1e4) for shape in (np.atleast_1d(a), np.atleast_1d(b)))
    return np.concatenate([np.zeros(len(a)), np.log(a - least), np.log(b - least)])
