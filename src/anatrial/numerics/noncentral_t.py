"""Power of t tests, exactly: one mean, two means with a common spread, two means with spreads of their own (Welch)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, expit, gammainccinv, gammaincinv, gammaln, log_expit, logit, ndtr, stdtrit

from anatrial.numerics import FloatArray
from anatrial.numerics.roots import root

NODES = 400
"""Of the trapezoidal rule for Welch's test, along the log odds of the share: even 2 + 2 patients put them 0.4 apart."""
UNLIKELY = 1e-16  # what the share has beyond the ends of that sum, on either side
ORDER = 20
OUTSIDE = 1e-20  # what the chi law has beyond the ends of an integral, on either side
STEPS = np.array([0.0, 1.0, 2.0, 4.0, 8.0])  # of the normal integral, in its own standard deviations
CHANCE = 0.8
"""What trials are mostly planned for."""
MOST_PER_ARM = 1 << 20
WIDEST = 40.0  # standard errors: most tests have found an effect before that


class Arms(NamedTuple):
    """Patients and standard deviation of each arm; one arm where ``control`` parts are None."""

    n_t: int
    sd_t: float
    n_c: int | None = None
    sd_c: float | None = None

    @property
    def error(self) -> float:
        """Standard error of the observed mean, or of the difference of means."""
        other = 0.0 if self.n_c is None or self.sd_c is None else self.sd_c**2 / self.n_c
        return math.sqrt(self.sd_t**2 / self.n_t + other)


def power(arms: Arms, difference: float, *, tail: float, both: bool, welch: bool = False) -> float:
    """Probability that a t test finds a mean, or a difference of means, that lies ``difference`` above 0.

    Parameters
    ----------
    arms
        At least 2 patients per arm, standard deviations above 0.
    difference
        True mean, or mean of treatment minus mean of control; the upper tail rejects.
    tail
        Probability of each tail that rejects under no difference, above 0 and below 1/2.
    both
        Whether the lower tail rejects too; its chance is then counted, as every program does.
    welch
        Whether variances are estimated per arm (Welch), else they are pooled, which supposes equal ones.

    Source
    ------
    Noncentral t: Johnson & Welch (1940), Biometrika 31:362-389. Welch's test: given the share B of the pooled sum of
    squares (in units of each arm's variance) that falls to treatment, a Beta, its statistic is a noncentral t with
    n_t + n_c - 2 degrees of freedom times a known factor. Along the log odds of B the factor turns from one arm's
    degrees of freedom to the other's smoothly, however unequal the arms are, and the trapezoidal rule converges
    exponentially: Trefethen & Weideman (2014), SIAM Rev. 56:385-458.
    """
    shift = difference / arms.error
    if arms.n_c is None or not welch:
        df = arms.n_t - 1 if arms.n_c is None else arms.n_t + arms.n_c - 2
        return float(_beyond(df, np.array([-float(stdtrit(df, tail))]), shift, both=both)[0])
    bounds, weights = _welch_bounds(arms, tail)
    return float(weights @ _beyond(arms.n_t + arms.n_c - 2, bounds, shift, both=both))


def detectable(arms: Arms, *, tail: float, both: bool, welch: bool = False, chance: float = CHANCE) -> float:
    """The smallest difference above 0 that is found with probability ``chance``, above 2 tails and below 1."""

    def lacks(shift: float) -> float:
        return power(arms, shift * arms.error, tail=tail, both=both, welch=welch) - chance

    widest = WIDEST
    while lacks(widest) < 0:
        widest *= 4.0
    return root(lacks, 0.0, widest) * arms.error


def patients_for(
    spreads: tuple[float, float | None], difference: float, *, tail: float, both: bool, welch: bool = False
) -> int | None:
    """The fewest patients per arm, the same in both, that find ``difference`` above 0 with probability ``CHANCE``.

    ``spreads``: standard deviations of treatment and control, no control where there is one arm. Power grows with the
    number, so that halving finds the fewest. None where ``MOST_PER_ARM`` are too few.
    """

    def enough(n: int) -> bool:
        sd_t, sd_c = spreads
        arms = Arms(n, sd_t) if sd_c is None else Arms(n, sd_t, n, sd_c)
        return power(arms, difference, tail=tail, both=both, welch=welch) >= CHANCE

    few, many = 1, 2
    while not enough(many):
        few, many = many, 2 * many
        if few >= MOST_PER_ARM:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def _beyond(df: float, bounds: FloatArray, shift: float, *, both: bool) -> FloatArray:
    """P(T > bound), and P(T < -bound) if both count, of noncentral t, for bounds above 0 of shape (m,).

    T is (Z + shift) / S with S the root of a chi-square over its degrees of freedom, so P(T > c) is the mean of
    Phi(shift - c S). scipy's nctdtr gives no number in far tails, and in old versions too few digits.
    """
    low, high = (math.sqrt(2 * float(end(df / 2, OUTSIDE)) / df) for end in (gammaincinv, gammainccinv))
    turns = (shift + np.concatenate([-STEPS[:0:-1], STEPS])) / bounds[:, None]  # where Phi goes from 1 to 0
    spread = np.broadcast_to(np.linspace(low, high, 13), (len(bounds), 13))
    edges = np.sort(np.concatenate([spread, np.clip(turns, low, high)], axis=1), axis=1)
    at, weight = np.polynomial.legendre.leggauss(ORDER)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    s = half * at + 0.5 * (edges[:, 1:] + edges[:, :-1])[:, :, None]
    log_density = math.log(2) + df / 2 * math.log(df / 2) - gammaln(df / 2) + (df - 1) * np.log(s) - df * s * s / 2
    mass = half * weight * np.exp(log_density)
    mass /= mass.sum(axis=(1, 2), keepdims=True)  # logarithms of large factorials lose digits
    rejected = ndtr(shift - bounds[:, None, None] * s)
    if both:
        rejected = rejected + ndtr(-shift - bounds[:, None, None] * s)
    return np.asarray((mass * rejected).sum(axis=(1, 2)))


def _welch_bounds(arms: Arms, tail: float) -> tuple[FloatArray, FloatArray]:
    """Bounds of the noncentral t at the nodes of B, and the weights of the nodes, which sum to 1."""
    assert arms.n_c is not None
    assert arms.sd_c is not None
    free_t, free_c = arms.n_t - 1, arms.n_c - 1
    low = logit(betaincinv(free_t / 2, free_c / 2, UNLIKELY))
    high = -logit(betaincinv(free_c / 2, free_t / 2, UNLIKELY))
    odds = np.linspace(low, high, NODES)
    log_weights = free_t / 2 * log_expit(odds) + free_c / 2 * log_expit(-odds)
    weights = np.exp(log_weights - log_weights.max())
    free = free_t + free_c
    # the estimated variance of each mean over the pooled one
    part_t = expit(odds) * free / free_t * arms.sd_t**2 / arms.n_t
    part_c = expit(-odds) * free / free_c * arms.sd_c**2 / arms.n_c
    satterthwaite = (part_t + part_c) ** 2 / (part_t**2 / free_t + part_c**2 / free_c)
    factor = np.sqrt((part_t + part_c) / arms.error**2)
    return np.asarray(-stdtrit(satterthwaite, tail) * factor), np.asarray(weights / weights.sum())
