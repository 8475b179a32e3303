"""Probability that treatment beats control, for every table of counts at once, by two engines that share no formula.

Rates are Beta mixtures: an array ``parts`` of shape (K, 3) with weight, a, b per row, shapes from 1e-3 to 1e5, weights
that sum to 1. After x responders in n patients part k is Beta(a + x, b + n - x), weighted by how well it predicted x.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from anatrial.errors import ComputationError
from anatrial.numerics import BoolArray, FloatArray

STRIDE = 0.37  # distance of the nodes times sqrt(N): error below 1e-13, measured; 0.40 gives 2e-12, 0.56 gives 1e-6
POLES = 0.185  # distance of the nodes over that of the poles: error exp(-2 pi / 0.185) = 2e-15
FEWEST = 40.0  # N is at least this, else the ends of a very wide posterior are sampled too coarsely
TAIL = 38.0  # what lies beyond the nodes has a probability below e^-38 = 3e-17
FLOOR = -230.0  # least exponent in tables that are multiplied: no product is a denormal (these take 4 times as long)
DEEP = -700.0  # least exponent elsewhere
POWER_LAW = -300.0  # where log u is less, I_u(a, b) = u^a / (a B(a, b)) to all digits, and u itself may underflow
BLOCK = 1 << 18  # table entries per block of nodes: 2 MB stay in the cache
SLACK = 1e-9  # rounding may leave [0, 1] by less than this
PAIRS = 4  # up to this many pairs of parts the recurrence is the faster engine

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)


def probability_greater(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float = 0.0
) -> FloatArray:
    """Posterior probability that the treatment rate exceeds the control rate by more than a margin, for every table.

    Parameters
    ----------
    parts_t, parts_c
        Priors, shape (K, 3): weight, a, b.
    n_t, n_c
        Patients per arm, at least 0; 0 leaves that arm's prior as it is.
    margin
        Difference of rates in (-1, 1).

    Returns
    -------
    P(p_t > p_c + margin | x_t, x_c), shape (n_t + 1, n_c + 1); absolute error below 1e-11 up to n = 2000 per arm.
    """
    if margin == 0.0 and len(parts_t) * len(parts_c) <= PAIRS:
        return by_recurrence(parts_t, n_t, parts_c, n_c)
    return by_quadrature(parts_t, n_t, parts_c, n_c, margin)


def greater_than_rate(parts: FloatArray, n: int, rate: float) -> FloatArray:
    """Posterior probability that a rate exceeds a fixed value, for every count.

    Parameters
    ----------
    parts
        Prior, shape (K, 3): weight, a, b.
    n
        Patients, at least 0.
    rate
        Fixed value in [0, 1]; 0 gives 1 and 1 gives 0.

    Returns
    -------
    P(p > rate | x of n), shape (n + 1,); small values keep their relative accuracy.
    """
    x = np.arange(n + 1.0)[:, None]
    upper = special.betaincc(parts[:, 1] + x, parts[:, 2] + (n - x), rate)
    result: FloatArray = np.minimum((posterior_weights(parts, n) * upper).sum(axis=1), 1.0)
    return result


def posterior_weights(parts: FloatArray, n: int) -> FloatArray:
    """Weights of the parts of a Beta mixture after every possible count.

    Parameters
    ----------
    parts
        Prior, shape (K, 3): weight, a, b.
    n
        Patients, at least 0.

    Returns
    -------
    Weights, shape (n + 1, K); each row sums to 1.

    Source
    ------
    Bernardo & Smith (1994), Bayesian Theory, section 5.2.3: w_k B(a_k + x, b_k + n - x) / B(a_k, b_k), normalised.
    """
    return np.exp(Posterior(parts, n).log_weights).T


def by_recurrence(parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int) -> FloatArray:
    """Posterior probability that the treatment rate exceeds the control rate, by adding up positive steps.

    Parameters
    ----------
    parts_t, parts_c
        Priors, shape (K, 3): weight, a, b.
    n_t, n_c
        Patients per arm, at least 0.

    Returns
    -------
    P(p_t > p_c | x_t, x_c), shape (n_t + 1, n_c + 1); small values keep their relative accuracy, as
    far as the corner (0, n_c), which comes from quadrature, lets them.

    Source
    ------
    Cook (2005), Exact calculation of beta inequalities, UT MD Anderson technical report 005-05: with
    g = B(A+C, B+D-1) / (B(A, B) B(C, D)), one more success instead of a failure adds g/A for treatment, Beta(A, B), and
    takes away g/C for control, Beta(C, D).
    """
    if len(parts_t) == len(parts_c) == 1:
        return _bounded(_pair(parts_t[0], n_t, parts_c[0], n_c))
    weights_t, weights_c = posterior_weights(parts_t, n_t), posterior_weights(parts_c, n_c)  # 0 stays 0
    total = np.zeros((n_t + 1, n_c + 1))
    for i, part_t in enumerate(parts_t):
        for j, part_c in enumerate(parts_c):
            grid = _pair(part_t, n_t, part_c, n_c)
            grid *= weights_t[:, i, None]
            grid *= weights_c[:, j]
            total += grid
    return _bounded(total)


def by_quadrature(parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float) -> FloatArray:
    """Posterior probability that the treatment rate exceeds the control rate by more than a margin, by quadrature.

    The density of p_t and the distribution function of p_c at p_t - margin, on tanh-sinh nodes, are multiplied as
    matrices. Gauss rules would fail for shapes below 1 (error 1e-2).

    Parameters
    ----------
    parts_t, parts_c
        Priors, shape (K, 3): weight, a, b.
    n_t, n_c
        Patients per arm, at least 0.
    margin
        Difference of rates in (-1, 1); below 0 the arms are swapped, so that small values keep absolute accuracy only.

    Returns
    -------
    P(p_t > p_c + margin | x_t, x_c), shape (n_t + 1, n_c + 1).

    Source
    ------
    Takahasi & Mori (1974), Publ. RIMS 9:721-741: tanh-sinh nodes.
    """
    if margin < 0.0:
        return 1.0 - by_quadrature(parts_c, n_c, parts_t, n_t, -margin).T
    parts_t, parts_c = parts_t[parts_t[:, 0] > 0.0], parts_c[parts_c[:, 0] > 0.0]
    size = max(float(parts[:, 1:].sum(axis=1).max()) + n for parts, n in ((parts_t, n_t), (parts_c, n_c)))
    return summed(Posterior(parts_t, n_t), Posterior(parts_c, n_c), _nodes(parts_t, n_t, margin, size))


def summed(one: Posterior, other: Posterior, nodes: Nodes) -> FloatArray:
    """Sum over the nodes of one arm's density at p times the other's distribution function at u, for every table.

    Shape (n + 1, m + 1), in [0, 1]; raises ``ComputationError`` where a sum leaves it by more than rounding.
    """
    n, m = one.a.shape[1], other.a.shape[1]
    total = np.zeros((n, m))
    width = max(1, BLOCK // max(n, m))
    for start in range(0, nodes.log_step.size, width):
        block = Nodes(*(column[start : start + width] for column in nodes))
        total += one.density(block).T @ other.distribution(block)
    return _bounded(total)


def log_beta(a: FloatArray, b: FloatArray, rate: float | FloatArray) -> FloatArray:
    """Logarithm of the Beta function relative to a rate: log B(a, b) - a log(rate) - b log(1 - rate).

    Small where a / (a + b) is near the rate, so that it keeps digits which ``betaln`` loses (1e-10 at a = 1e5).

    Parameters
    ----------
    a, b
        Shapes above 0, arrays that broadcast.
    rate
        Reference in (0, 1), a number or an array that broadcasts.

    Returns
    -------
    Shape of ``a + b``; absolute error about 1e-16 (a + b) |a / (a + b) - rate|.

    Source
    ------
    Loader (2000), Fast and accurate computation of binomial probabilities: deviance and Stirling remainders apart.
    """
    total = a + b
    mean = total * rate
    excess = a - mean
    deviance: FloatArray = a * np.log1p(excess / mean) + b * np.log1p(-excess / (total * (1.0 - rate)))
    scale = 0.5 * np.log(2.0 * math.pi * (total / a) / b)
    of_a, of_b, of_total = _remainder(np.stack(np.broadcast_arrays(a, b, total)))
    result: FloatArray = scale + deviance + of_a + of_b - of_total
    return result


class Nodes(NamedTuple):
    """Logarithms of p, 1 - p, u = p - margin and 1 - u at the nodes, and of the step dp over p (1 - p)."""

    p: FloatArray
    not_p: FloatArray
    u: FloatArray
    not_u: FloatArray
    log_step: FloatArray


class Posterior:
    """Shapes of every part after every count, what ``log_beta`` says of them, and their weights; shape (K, n + 1)."""

    def __init__(self, parts: FloatArray, n: int) -> None:
        a, b, x = parts[:, 1:2], parts[:, 2:], np.arange(n + 1.0)
        self.a, self.b = a + x, b + (n - x)
        self.rates = (a + 0.5 * n) / (a + b + n)  # in the middle of all posteriors
        self.log_beta = log_beta(self.a, self.b, self.rates)
        self.log_weights = np.zeros_like(self.a)
        if len(parts) > 1:
            with np.errstate(divide="ignore"):  # weight 0 stays 0
                self.log_weights = np.log(parts[:, :1]) + self.log_beta - log_beta(a, b, self.rates)
            self.log_weights += x * np.log(self.rates) + (n - x) * np.log1p(-self.rates)
            self.log_weights -= self.log_weights.max(axis=0)
            self.log_weights -= np.log(np.exp(self.log_weights).sum(axis=0))

    def density(self, nodes: Nodes) -> FloatArray:
        """Density of the mixture at p times the step, shape (nodes, n + 1)."""
        constant, ones = self.log_weights - self.log_beta, np.ones_like(nodes.p)
        total = np.zeros((nodes.p.size, self.a.shape[1]))
        for k, (near, far) in enumerate(zip(*relative(nodes.p, nodes.not_p, self.rates), strict=True)):
            factors = np.stack([self.a[k], self.b[k], np.ones_like(self.a[k]), constant[k]])
            total += _exponential(np.stack([near, far, nodes.log_step, ones], axis=1) @ factors)
        return total

    def distribution(self, nodes: Nodes) -> FloatArray:
        """Distribution function of the mixture at u, shape (nodes, n + 1); upwards from x = n, where it is least.

        I(a, b + 1) - I(a + 1, b) = u^a (1 - u)^b / (a B(a, b + 1)), Abramowitz & Stegun 26.5.15 and 26.5.16.
        """
        constant, ones = -self.log_beta - np.log(self.a) - np.log1p(-self.rates), np.ones_like(nodes.u)
        weights = np.exp(np.maximum(self.log_weights, FLOOR))
        total = np.zeros((nodes.u.size, self.a.shape[1]))
        for k, (near, far) in enumerate(zip(*relative(nodes.u, nodes.not_u, self.rates), strict=True)):
            factors = np.stack([self.a[k], self.b[k] - 1.0, constant[k]])
            factors[:, -1] = 0.0  # the place of x = n, where (1 - u)^(b - 1) could overflow
            values = _exponential(np.stack([near, far, ones], axis=1) @ factors)
            last = _distribution(self.a[k, -1], self.b[k, -1], nodes.u, nodes.not_u)
            values[:, -1] = np.maximum(last, math.exp(FLOOR))
            downwards = values[:, ::-1]
            np.cumsum(downwards, axis=1, out=downwards)
            total += values * weights[k] if len(weights) > 1 else values
        return total


def _pair(part_t: FloatArray, n_t: int, part_c: FloatArray, n_c: int) -> FloatArray:
    """Grid for one part per arm, shape (n_t + 1, n_c + 1), added up from the least probable corner (0, n_c)."""
    (_, a_t, b_t), (_, a_c, b_c) = part_t.tolist(), part_c.tolist()
    corner = _one(a_t, b_t + n_t, a_c + n_c, b_c)
    n = n_t + n_c
    rate = (a_t + a_c + 0.5 * n) / (a_t + a_c + b_t + b_c + n)  # in the middle of the grid
    x_t, x_c, s = np.arange(n_t + 1.0), np.arange(n_c + 1.0), np.arange(float(n))
    row = -log_beta(a_t + x_t, b_t + (n_t - x_t), rate)
    column = -log_beta(a_c + x_c, b_c + (n_c - x_c), rate) - math.log1p(-rate)
    hankel = np.append(log_beta(a_t + a_c + s, b_t + b_c + (n - 1.0 - s), rate), DEEP)
    edge = hankel[n_c:n] + row[:n_t] + column[n_c] - np.log(a_t + x_t[:n_t])
    grid: FloatArray = (column - np.log(a_c + x_c)) + row[:, None]
    grid += sliding_window_view(hankel, n_c + 1)  # the last column only keeps the place of the edge
    np.maximum(grid, DEEP, out=grid)
    np.exp(grid, out=grid)
    grid[0, n_c] = corner
    grid[1:, n_c] = corner + np.cumsum(np.exp(np.maximum(edge, DEEP)))
    downwards = grid[:, ::-1]
    np.cumsum(downwards, axis=1, out=downwards)
    return grid


def _one(a_t: float, b_t: float, a_c: float, b_c: float) -> float:
    """P(Beta(a_t, b_t) > Beta(a_c, b_c)) by quadrature on the nodes of the whole grid, without its tables."""
    nodes = _nodes(np.array([[1.0, a_t, b_t]]), 0, 0.0, max(a_t + b_t, a_c + b_c))
    density = Posterior(np.array([[1.0, a_t, b_t]]), 0).density(nodes)[:, 0]
    return float(density @ _distribution(a_c, b_c, nodes.u, nodes.not_u))


def _nodes(parts: FloatArray, n: int, margin: float, size: float) -> Nodes:
    """Nodes for p = margin + (1 - margin) v, formed by additions only, cut where every posterior of p has ended.

    Ends: P(p < r) <= exp(-(a + b) KL(a / (a + b), r)) left of the mean of a Beta, Henzi & Duembgen (2022),
    arXiv:2202.06718, for the lowest (x = 0) and highest (x = n) posterior of each part.
    """
    a, b = parts[:, 1], parts[:, 2]
    # v falls below every end: 38 / a for the power law, 20 for the mean of up to e^13 patients
    low, high = (math.asinh((TAIL / min(1.0, shape) + 20.0) / math.pi) for shape in (a.min(), b.min()))
    # densities with a < 1 turn at v = margin: poles at logit v = log(margin) +- i pi
    poles = math.pi / math.hypot(math.pi, math.log(margin)) if margin > 0.0 else 1.0
    h = min(STRIDE / math.sqrt(max(size, FEWEST)), POLES * poles)
    s = h * np.arange(-math.ceil(low / h), math.ceil(high / h) + 1.0)
    logit = math.pi * np.sinh(s)
    v, not_v = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    rest = math.log1p(-margin)
    shift = math.log(margin) if margin > 0.0 else -math.inf
    not_p, u = rest + not_v, rest + v
    p, not_u = complement(not_p, np.logaddexp(shift, u)), complement(u, np.logaddexp(shift, not_p))
    log_step = np.log(h * math.pi * np.cosh(s)) + v - p  # dp / (p (1 - p)) = dv / (v (1 - v)) times v / p
    keep = occupied(parts, n, p, not_p)
    return Nodes(p[keep], not_p[keep], u[keep], not_u[keep], log_step[keep])


def occupied(parts: FloatArray, n: int, log_p: FloatArray, log_not_p: FloatArray) -> BoolArray:
    """Whether some posterior after n patients may have more than e^-38 on either side of a rate, given its logs."""
    a, b = parts[:, 1], parts[:, 2]
    begun = np.any([_within(*pair, log_p, log_not_p) for pair in zip(a, b + n, strict=True)], axis=0)
    lasts = np.any([_within(*pair, log_not_p, log_p) for pair in zip(b, a + n, strict=True)], axis=0)
    return np.asarray(begun & lasts)


def complement(log_x: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Logarithm of 1 - x with all its digits where x is below a half; elsewhere the other value."""
    small = np.minimum(log_x, -math.log(2.0))
    return np.where(small == log_x, np.log1p(-np.exp(small)), otherwise)


def _within(a: float, b: float, log_p: FloatArray, log_not_p: FloatArray) -> BoolArray:
    """Whether P(Beta(a, b) < p) may exceed e^-38."""
    mean = a / (a + b)
    exponent = a * (log_p - math.log(mean)) + b * (log_not_p - math.log1p(-mean))
    return (exponent > -TAIL) | (log_p > math.log(mean))


def _distribution(a: float, b: float, log_u: FloatArray, log_not_u: FloatArray) -> FloatArray:
    """I_u(a, b) from the end that is nearer, because u rounded to 1 loses (1 - u)^b."""
    left = log_u < log_not_u
    result = np.empty_like(log_u)
    result[left] = left_tail(a, b, log_u[left])
    result[~left] = 1.0 - left_tail(b, a, log_not_u[~left])
    return result


def left_tail(a: float, b: float, log_u: FloatArray) -> FloatArray:
    """I_u(a, b) from log u."""
    tail: FloatArray = special.betainc(a, b, np.exp(np.maximum(log_u, POWER_LAW)))
    power = a * np.minimum(log_u - POWER_LAW, 0.0)
    return tail * np.exp(np.maximum(power, DEEP))


def relative(log_u: FloatArray, log_not_u: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """log(u / rate) and log((1 - u) / (1 - rate)), from one difference where u is near the rate; a row per rate.

    Shapes of 1e5 multiply the rounding of a plain logarithm to 1e-11.
    """
    difference = np.where(log_u < log_not_u, np.exp(log_u) - rate, (1.0 - rate) - np.exp(log_not_u))
    near = np.abs(difference) < 0.5 * np.minimum(rate, 1.0 - rate)
    inside = np.where(near, difference, 0.0)
    return (
        np.where(near, np.log1p(inside / rate), log_u - np.log(rate)),
        np.where(near, np.log1p(-inside / (1.0 - rate)), log_not_u - np.log1p(-rate)),
    )


def _remainder(x: FloatArray) -> FloatArray:
    """What Stirling's formula lacks: log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2."""
    inverse = 1.0 / np.square(x)
    series = np.zeros_like(inverse)
    for coefficient in reversed(_STIRLING):
        series = series * inverse + coefficient
    series /= x
    small = x < 15.0
    if small.any():
        y = x[small]
        series[small] = special.gammaln(y) - (y - 0.5) * np.log(y) + y - 0.5 * math.log(2.0 * math.pi)
    return series


def _exponential(exponents: FloatArray) -> FloatArray:
    """Exponential in place, with the floor that keeps products away from denormals."""
    np.maximum(exponents, FLOOR, out=exponents)
    return np.exp(exponents, out=exponents)


def _bounded(probability: FloatArray) -> FloatArray:
    """Probabilities without their rounding beyond [0, 1], in place."""
    low, high = float(probability.min()), float(probability.max())
    if not (low >= -SLACK and high <= 1.0 + SLACK):
        raise ComputationError(f"a posterior probability left [0, 1]: found {low!r} to {high!r}")
    if low < 0.0 or high > 1.0:
        np.clip(probability, 0.0, 1.0, out=probability)
    return probability
