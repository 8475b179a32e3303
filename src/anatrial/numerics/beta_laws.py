"""Laws that are continuous mixtures of Betas: a common Beta that studies share, or a power that is uncertain.

Both are sums over nodes; what they predict for a new rate is put on an even grid of log odds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln, log_expit, polygamma

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import Density, Studies, density_on

PRECISION = (1.0, 1e4)
"""The precision a + b of the common Beta is cut here, in both engines.

Below 1 every study would respond all or none, beyond 10,000 the studies are as if one.
"""
NIL = 1e-12  # nodes of less relative weight are left out of sums over Betas
DEEP = 38.0  # nodes less likely than e^-38 of the likeliest are left out
HALF = 36.0  # the mean's log odds beyond 36: closer to 0 or 1 than rounding can tell
REACHES = (20.0, 40.0, 80.0, 160.0, 320.0)
LEFT_OUT = 1e-8  # probability beyond the grid; more than a hundred times this is refused
COARSE = (301, 31)
FINE_PRECISIONS = 56  # quantiles of a new rate move by less than 1e-9 from 40 to 96


class LogNormal(NamedTuple):
    """A log-normal prior by its median and the standard deviation of the logarithm."""

    median: float
    sd_log: float


class BetaNodes(NamedTuple):
    """Betas with their weights, all of shape (nodes,)."""

    weights: FloatArray
    a: FloatArray
    b: FloatArray


class CommonBeta(NamedTuple):
    """Posterior of the common Beta's mean and precision at nodes; ``weights`` of shape (means, precisions) sum to 1."""

    log_odds: FloatArray
    precision: FloatArray
    weights: FloatArray

    @property
    def betas(self) -> BetaNodes:
        """The Betas from which the next study draws its rate."""
        mean = np.broadcast_to(expit(self.log_odds)[:, None], self.weights.shape).ravel()
        rest = np.broadcast_to(expit(-self.log_odds)[:, None], self.weights.shape).ravel()
        precision = np.broadcast_to(self.precision, self.weights.shape).ravel()
        return BetaNodes(self.weights.ravel(), mean * precision, rest * precision)

    @property
    def typical(self) -> Density:
        """Log odds of the common mean."""
        step = float(self.log_odds[1] - self.log_odds[0])
        return Density(self.log_odds, self.weights.sum(axis=1) / step)

    def study(self, responders: float, patients: float) -> BetaNodes:
        """The Betas of one study's own rate, its counts included."""
        common = self.betas
        return BetaNodes(common.weights, common.a + responders, common.b + (patients - responders))


def common_beta(studies: Studies, mean: tuple[float, float], precision: LogNormal) -> CommonBeta:
    """Posterior of a Beta that studies share: mean ~ Beta(a, b), precision log-normal, rates integrated out.

    First a coarse look at where the posterior lives, then even nodes in the log odds of the mean (a sum over a smooth
    law that vanishes at both ends is accurate beyond any power of the step), narrow enough for the sharpest Beta
    that matters, and Gauss-Legendre nodes in the logarithm of the precision.

    Source: Skellam (1948), JRSS B 10:257-261 (beta-binomial); Gelman et al., Bayesian Data Analysis, section 5.3.
    """
    low, high = (math.log(limit) for limit in PRECISION)
    middle, reach = math.log(precision.median), 8.5 * precision.sd_log
    low, high = max(low, middle - reach), min(high, middle + reach)
    means, logs = np.linspace(-HALF, HALF, COARSE[0]), np.linspace(low, high, COARSE[1])
    rough = _log_posterior(studies, mean, precision, means, logs)
    likely = rough > rough.max() - DEEP
    means, logs = means[likely.any(axis=1)], logs[likely.any(axis=0)]
    pad = (logs[-1] - logs[0]) / len(logs) + (high - low) / COARSE[1]
    low, high = max(low, float(logs[0]) - pad), min(high, float(logs[-1]) + pad)
    rate = expit(means)
    sharpest = math.sqrt(float((rate * (1 - rate)).max()) * math.exp(high))
    together = math.sqrt(float(studies.patients.sum()) * 0.25) + 1.0
    step = min(0.1, 0.5 / together, 0.8 / sharpest)
    edge = 2 * HALF / COARSE[0] + 3 * step
    grid = np.arange(float(means[0]) - edge, float(means[-1]) + edge, step)
    at, lengths = np.polynomial.legendre.leggauss(FINE_PRECISIONS)
    logs = 0.5 * (high - low) * (at + 1) + low
    fine = _log_posterior(studies, mean, precision, grid, logs) + np.log(lengths)
    weights = np.exp(fine - fine.max())
    return CommonBeta(grid, np.exp(logs), weights / weights.sum())


def _log_posterior(
    studies: Studies, mean: tuple[float, float], precision: LogNormal, log_odds: FloatArray, logs: FloatArray
) -> FloatArray:
    whole = np.exp(logs)
    a, b = expit(log_odds)[:, None] * whole, expit(-log_odds)[:, None] * whole
    total = (mean[0] * log_expit(log_odds) + mean[1] * log_expit(-log_odds))[:, None]
    total = total - 0.5 * ((logs - math.log(precision.median)) / precision.sd_log) ** 2
    base = gammaln(a) + gammaln(b) - gammaln(whole)
    for x, n in zip(studies.responders, studies.patients, strict=True):
        total = total + (gammaln(a + x) + gammaln(b + (n - x)) - gammaln(whole + n) - base)
    return np.asarray(total)


def on_grid(betas: BetaNodes) -> Density:
    """The law of a rate drawn from a random Beta, on an even grid of log odds.

    Raises ``ComputationError`` where the rate is 0 or 1 for all practical purposes with a probability above 1e-6: no
    grid and no closed form holds that.
    """
    kept = betas.weights > NIL * betas.weights.max()
    w, a, b = betas.weights[kept] / betas.weights[kept].sum(), betas.a[kept], betas.b[kept]
    centre, variance = digamma(a) - digamma(b), polygamma(1, a) + polygamma(1, b)
    mean = float(w @ centre)
    sd = math.sqrt(float(w @ (variance + (centre - mean) ** 2)))
    step = min(0.05, 0.2 * sd)
    lowest, highest = min(mean - 10 * sd, -_reach(w, a, b)), max(mean + 10 * sd, _reach(w, b, a))
    lowest, highest = max(lowest, mean - 4000 * step), min(highest, mean + 4000 * step)
    points = np.arange(math.ceil((highest - lowest) / step) + 1, dtype=np.float64)
    grid = lowest + step * points
    values = np.zeros(len(grid))
    up, down, constant = log_expit(grid), log_expit(-grid), np.log(w) - betaln(a, b)
    block = max(1, (1 << 18) // len(grid))
    for i in range(0, len(w), block):
        part = slice(i, i + block)
        logs = np.outer(a[part], up) + np.outer(b[part], down) + constant[part, None]
        values += np.exp(np.maximum(logs, -700.0)).sum(axis=0)
    return density_on(grid, values)


def _reach(w: FloatArray, a: FloatArray, b: FloatArray) -> float:
    """Minus the log odds below which the law holds next to nothing: there a Beta's tail is rate^a / (a B(a, b))."""
    logs = np.log(w) - np.log(a) - betaln(a, b)
    beyond = 1.0
    for reach in REACHES:
        beyond = float(np.exp(np.minimum(logs - a * reach, 0.0)).sum())
        if beyond < LEFT_OUT:
            return reach
    if beyond > 100 * LEFT_OUT:
        raise ComputationError(
            f"rates that are 0 or 1 for all practical purposes have probability {beyond:.2g}: "
            "the counts say too little; state a mean or a precision that says more"
        )
    return REACHES[-1]
