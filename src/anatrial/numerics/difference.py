"""Law of g(rate 1) - g(rate 2) for two independent Beta mixtures; g is the identity, the logit or the logarithm.

A mixture is an array ``parts`` of shape (K, 3): weight, a, b, shapes from 1e-3 to 1e6. For each scale and threshold t,
both rates are written as functions of one variable eta, such that rate 2 runs over all values for which rate 1 =
g^-1(g(rate 2) + t) is a rate, and neither ever rounds to an end:

    P(g(rate 1) - g(rate 2) > t) = integral f_2(rate 2) P(rate 1 > g^-1(g(rate 2) + t)) d(rate 2)

Sums of positive terms: small probabilities keep their relative accuracy.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import betaincc, logsumexp

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, superiority
from anatrial.numerics.quadrature import integral, log_parts, logs_of, partition
from anatrial.numerics.superiority import complement, left_tail

Scale = Literal["difference", "log_odds", "log_ratio"]

UNDERFLOW = 750.0  # e^-750 is no float
FARTHEST = 30.0  # log odds of any mean lie nearer to 0
MOST_LOG_RATIO = 700.0
XTOL = 4e-16  # of a quantile: rounding


def probability_beyond(  # noqa: PLR0917 - two arms, each a prior and a size
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, threshold: float, scale: Scale
) -> FloatArray:
    """Posterior probability that treatment beats control by more than a threshold on a scale, for every table.

    Parameters
    ----------
    parts_t, parts_c
        Priors, shape (K, 3): weight, a, b.
    n_t, n_c
        Patients per arm, at least 0; 0 leaves that arm's prior as it is.
    threshold
        On the scale: a difference of rates in (-1, 1), or the logarithm of an odds ratio or of a ratio of rates.
    scale
        "difference", "log_odds" or "log_ratio".

    Returns
    -------
    P(g(p_t) - g(p_c) > threshold | x_t, x_c), shape (n_t + 1, n_c + 1); absolute error below 1e-11.

    Source
    ------
    Tanh-sinh nodes as in ``superiority.by_quadrature``, over the control rate.
    """
    if scale == "difference" or threshold == 0.0:
        return superiority.probability_greater(parts_t, n_t, parts_c, n_c, threshold)
    parts_t, parts_c = _present(parts_t), _present(parts_c)
    size = max(float(parts[:, 1:].sum(axis=1).max()) + n for parts, n in ((parts_t, n_t), (parts_c, n_c)))
    one, other = _rates(threshold, scale)
    least = (min(1.0, float(parts_c[:, 1].min())), min(1.0, float(parts_c[:, 2].min())))
    low, high = (math.asinh((superiority.TAIL / shape + 20.0 + abs(threshold)) / math.pi) for shape in least)
    # a rate that ends inside (0, 1) has poles where it would reach the end; a shift moves one arm to wider steps
    poles = math.pi / math.hypot(math.pi, math.log(max(one.rest, other.rest) or 1.0))
    step = superiority.STRIDE / math.sqrt(max(size, superiority.FEWEST)) / math.hypot(1.0, one.shift / math.pi)
    h = min(step, superiority.POLES * poles)
    s = h * np.arange(-math.ceil(low / h), math.ceil(high / h) + 1.0)
    eta = math.pi * np.sinh(s)
    p, not_p = other.logs(eta)
    u, not_u = one.logs(eta)
    log_step = np.log(h * math.pi * np.cosh(s)) + other.log_slope(eta) - p - not_p
    keep = superiority.occupied(parts_c, n_c, p, not_p)
    # P(p_t > u) is the distribution function of 1 - p_t at 1 - u
    nodes = superiority.Nodes(*(column[keep] for column in (p, not_p, not_u, u, log_step)))
    control, turned = superiority.Posterior(parts_c, n_c), superiority.Posterior(parts_t[:, [0, 2, 1]], n_t)
    return np.ascontiguousarray(superiority.summed(control, turned, nodes).T[::-1])


def upper_tail(one: FloatArray, two: FloatArray, threshold: float, scale: Scale = "difference") -> float:
    """P(g(rate 1) - g(rate 2) > threshold), with relative accuracy where it is small.

    Parameters
    ----------
    one, two
        Mixtures, shape (K, 3): weight, a, b.
    threshold
        On the scale; any number.
    scale
        "difference", "log_odds" or "log_ratio".

    Returns
    -------
    Probability; relative error below 1e-11 down to 1e-280. The other tail is ``upper_tail(two, one, -threshold)``.
    """
    if scale == "difference" and not -1.0 < threshold < 1.0:
        return float(threshold <= -1.0)
    one, two = _present(one), _present(two)
    first, second = _rates(threshold, scale)

    def joint(eta: FloatArray) -> FloatArray:
        log_rate, log_not = second.logs(eta)
        density = np.exp(_log_density(two, log_rate, log_not) + second.log_slope(eta))
        return density * _survival(one, *first.logs(eta))

    edges = _edges(((first, one), (second, two)), min(1.0, float(two[:, 1:].min())))
    below = 0.0
    if scale == "difference" and threshold < 0.0:  # all of rate 1 exceeds rate 2 + threshold, where that is below 0
        at = np.array([-threshold])
        below = 1.0 - float(_survival(two, np.log(at), np.log1p(-at))[0])
        if below < 0.5:
            below = float(_survival(two[:, [0, 2, 1]], np.log1p(-at), np.log(at))[0])
    return min(below + integral(joint, edges), 1.0)


def density(one: FloatArray, two: FloatArray, x: float) -> float:
    """Density of rate 1 - rate 2 at x; 0 outside (-1, 1), infinite at 0 where shapes are so small.

    Parameters
    ----------
    one, two
        Mixtures, shape (K, 3): weight, a, b.
    x
        Difference of rates.

    Returns
    -------
    At least 0; relative error below 1e-11 down to 1e-280.
    """
    if not -1.0 < x < 1.0:
        return 0.0
    one, two = _present(one), _present(two)
    fall = min(1.0, float(one[:, 1:].min()), float(two[:, 1:].min()))
    if x == 0.0:
        fall = float((one[:, 1:].min(axis=0) + two[:, 1:].min(axis=0)).min()) - 1.0
        if fall <= 0.0:
            return math.inf
    first, second = _rates(x, "difference")

    def joint(eta: FloatArray) -> FloatArray:
        logs = _log_density(one, *first.logs(eta)) + _log_density(two, *second.logs(eta))
        return np.asarray(np.exp(logs + second.log_slope(eta)))

    return integral(joint, _edges(((first, one), (second, two)), min(1.0, fall)))


def quantile(one: FloatArray, two: FloatArray, p: float) -> float:
    """The difference rate 1 - rate 2 below which lies probability p.

    Parameters
    ----------
    one, two
        Mixtures, shape (K, 3): weight, a, b.
    p
        Probability; 0 and 1 give -1 and 1.

    Returns
    -------
    Difference in [-1, 1], to rounding; the tail that is smaller is the one compared.
    """
    from scipy.optimize import brentq

    if not 0.0 < p < 1.0:
        return -1.0 if p <= 0.0 else 1.0

    def excess(x: float) -> float:
        return upper_tail(two, one, -x) - p if p < 0.5 else 1.0 - p - upper_tail(one, two, x)

    return float(brentq(excess, -1.0, 1.0, xtol=XTOL, rtol=XTOL * 4))


class _Rate(NamedTuple):
    """A rate as a function of eta: start + length * expit(eta + shift), and rest = 1 - start - length."""

    start: float = 0.0
    length: float = 1.0
    rest: float = 0.0
    shift: float = 0.0

    def logs(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithms of the rate and of its complement."""
        log_v, log_not_v = logs_of(eta + self.shift)
        log_rate, log_not = self._raised(self.start, log_v), self._raised(self.rest, log_not_v)
        return complement(log_not, log_rate), complement(log_rate, log_not)

    def log_slope(self, eta: FloatArray) -> FloatArray:
        """Logarithm of d rate / d eta."""
        return np.asarray(math.log(self.length) + np.add(*logs_of(eta + self.shift)))

    def centres(self, parts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where eta makes this rate a part's mean, and two standard deviations (at most 1); parts within reach."""
        a, b = parts[:, 1], parts[:, 2]
        n = a + b
        v, other = (a / n - self.start) / self.length, (b / n - self.rest) / self.length
        sd = np.sqrt(a * b / (n + 1.0)) / n / self.length
        inside = (v > 0.0) & (other > 0.0)
        v, other, sd = v[inside], other[inside], sd[inside]
        return np.log(v / other) - self.shift, np.minimum(2.0 * sd / (v * other), 1.0)

    def _raised(self, offset: float, log_v: FloatArray) -> FloatArray:
        log_part = math.log(self.length) + log_v
        return np.logaddexp(math.log(offset), log_part) if offset > 0.0 else log_part


def _rates(threshold: float, scale: Scale) -> tuple[_Rate, _Rate]:
    """Rate 1 at the threshold above rate 2, and rate 2, over all values of rate 2 for which there is such a rate."""
    if scale == "log_odds":
        return _Rate(shift=0.5 * threshold), _Rate(shift=-0.5 * threshold)
    distance = abs(threshold)
    if scale == "log_ratio" and distance > MOST_LOG_RATIO:
        raise ComputationError(f"a log ratio of rates of {threshold:g}: beyond 700, rates leave the range of floats")
    if scale == "difference":
        high, low = _Rate(start=distance, length=1.0 - distance), _Rate(length=1.0 - distance, rest=distance)
    else:
        high, low = _Rate(), _Rate(length=math.exp(-distance), rest=-math.expm1(-distance))
    return (high, low) if threshold >= 0.0 else (low, high)


def _present(parts: FloatArray) -> FloatArray:
    return parts[parts[:, 0] > 0.0]


def _edges(rates: tuple[tuple[_Rate, FloatArray], ...], fall: float) -> FloatArray:
    """Intervals of eta that follow the parts of both mixtures, out to where e^(-fall |eta|) underflows."""
    placed = [rate.centres(parts) for rate, parts in rates]
    centres = np.concatenate([[0.0], *(centre for centre, _ in placed)])
    widths = np.concatenate([[1.0], *(width for _, width in placed)])
    reach = FARTHEST + float(np.abs(centres).max()) + UNDERFLOW / fall
    return partition(-reach, reach, centres, widths)


def _log_density(parts: FloatArray, log_rate: FloatArray, log_not: FloatArray) -> FloatArray:
    """Log density of the mixture at rates given by the logarithms of themselves and their complements."""
    return np.asarray(logsumexp(log_parts(parts, log_rate, log_not), axis=0) - log_rate - log_not)


def _survival(parts: FloatArray, log_rate: FloatArray, log_not: FloatArray) -> FloatArray:
    """P(rate > r) of the mixture, with relative accuracy."""
    result = np.zeros_like(log_rate)
    near = log_rate < log_not
    tiny = log_rate < superiority.POWER_LAW
    for w, a, b in parts.tolist():
        values = np.empty_like(log_rate)
        values[~near] = left_tail(b, a, log_not[~near])
        values[near] = betaincc(a, b, np.exp(log_rate[near]))
        values[tiny] = 1.0 - left_tail(a, b, log_rate[tiny])
        result += w * values
    return result
