"""Times to an event: required events by normal theory, the chance to see one, a hazard from a printed summary."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.quadrature import integral

NEVER = 45.0  # cumulative hazards beyond this leave 3e-20 of the patients without the event
SPLIT_NODES = 40  # Gauss-Legendre nodes for the unknown split of a median of two patients


class Weibull(NamedTuple):
    """Survival ``exp(-(t / scale) ** shape)``; an exponential time has shape 1 and hazard ``1 / scale``."""

    shape: float
    scale: float

    @property
    def median(self) -> float:
        """The time by which half have had the event."""
        return float(self.scale * math.log(2) ** (1 / self.shape))

    def survival(self, times: FloatArray) -> FloatArray:
        """P(no event by these times), each 0 or more; the shape of ``times``."""
        return np.asarray(np.exp(-((times / self.scale) ** self.shape)))

    def with_ratio(self, hazard_ratio: float) -> Weibull:
        """The time whose hazard is ``hazard_ratio`` times this one's at every moment."""
        return Weibull(self.shape, self.scale * hazard_ratio ** (-1 / self.shape))


class Watch(NamedTuple):
    """How long patients are watched: between ``shortest`` and ``longest``, evenly spread, or until they are lost."""

    shortest: float
    longest: float
    """Infinite where everyone is followed to the event."""
    drop_out: float = 0.0
    """Hazard of being lost, 0 or more."""


def schoenfeld_events(hazard_ratio: float, *, alpha: float, power: float, share_t: float = 0.5) -> float:
    """Events that a log-rank test needs, unrounded.

    Parameters
    ----------
    hazard_ratio
        Above 0 and not 1, else ``ValueError``.
    alpha, power
        One-sided level; power; each in (0, 1).
    share_t
        Share of patients on treatment, in (0, 1).

    Source
    ------
    Schoenfeld (1981), Biometrika 68:316-319; Schoenfeld (1983), Biometrics 39:499-503, formula (1).
    """
    z = _quantiles(hazard_ratio, alpha, power)
    return z**2 / (share_t * (1 - share_t) * math.log(hazard_ratio) ** 2)


def schoenfeld_power(hazard_ratio: float, events: float, *, alpha: float, share_t: float = 0.5) -> float:
    """Power of a log-rank test with so many events, in the direction of the hazard ratio; source as above."""
    return float(ndtr(math.sqrt(events * share_t * (1 - share_t)) * abs(math.log(hazard_ratio)) + ndtri(alpha)))


def freedman_events(hazard_ratio: float, *, alpha: float, power: float, share_t: float = 0.5) -> float:
    """Events that a log-rank test needs, unrounded; parameters as of ``schoenfeld_events``.

    Source: Freedman (1982), Statist. Med. 1:121-129, with unequal arms as in Machin et al., Sample Size Tables.
    """
    z, ratio = _quantiles(hazard_ratio, alpha, power), share_t / (1 - share_t)
    return z**2 * ((1 + ratio * hazard_ratio) / (1 - hazard_ratio)) ** 2 / ratio


def event_probability(time: Weibull, watch: Watch) -> float:
    """P(the event is seen): before the follow-up ends, with uniform entry, and before the patient is lost.

    Closed form for exponential times, else an integral over the cumulative hazard, relative error about 1e-12.
    Source: Lachin & Foulkes (1986), Biometrics 42:507-519; with a Weibull hazard the same integral.
    """
    spread = watch.longest - watch.shortest if math.isfinite(watch.longest) else 0.0
    if time.shape == 1:
        total = 1 / time.scale + watch.drop_out
        missed = math.exp(-total * watch.shortest)
        if spread:
            missed *= -math.expm1(-total * spread) / (total * spread)
        return (1 - missed) / (time.scale * total)
    ends = [min((end / time.scale) ** time.shape, NEVER) for end in (watch.shortest, watch.longest)]

    def seen(hazard: FloatArray) -> FloatArray:
        at = time.scale * hazard ** (1 / time.shape)
        watched = np.clip((watch.longest - at) / spread, 0.0, 1.0) if spread else 1.0
        return np.asarray(np.exp(-hazard - watch.drop_out * at) * watched)

    return integral(seen, np.unique([0.0, *ends]))


def drop_out_hazard(share: float, by: float) -> float:
    """The constant hazard with which a share in [0, 1) is lost by a time above 0."""
    return -math.log1p(-share) / by


class Gamma(NamedTuple):
    """What is known of a hazard: ``shape`` reads as events, ``rate`` as the time watched."""

    shape: float
    rate: float


class Summary(NamedTuple):
    """Published times of n patients who all had the event: least, median, greatest."""

    n: int
    least: float
    median: float
    greatest: float


def hazard_from_summary(summary: Summary) -> Gamma:
    """Posterior of an exponential hazard, uniform in its logarithm before, given only a median and a range.

    With up to four patients these tell the sum of all times (of four: least + greatest + twice the median, which is the
    mean of the two in the middle), and an exponential likelihood asks for no more: Gamma(n, sum). Of more patients the
    likelihood of the order statistics is integrated, and the Gamma of the same mean and variance is returned. An even n
    has a median between two patients, whose split is unknown and integrated out.

    Source: David & Nagaraja (2003), Order Statistics, 3rd ed., (2.2.1): the joint density of order statistics.
    """
    n, least, median, greatest = summary
    if n <= 4:
        sums = {1: median, 2: least + greatest, 3: least + median + greatest, 4: least + 2 * median + greatest}
        return Gamma(float(n), sums[n])
    centre, spread = math.log(math.log(2) / median), 20 / math.sqrt(n)  # about 20 standard deviations
    hazard = np.exp(np.linspace(centre - spread, centre + spread, 1601))
    log_density = _log_likelihood(hazard, summary)
    weight = np.exp(log_density - log_density.max())
    if max(weight[0], weight[-1]) > 1e-10:  # only where it is 0 at both ends is this sum as good as the integral
        raise ComputationError(
            "median and range contradict each other: the hazard they tell lies far from the median's"
        )
    weight /= weight.sum()
    mean = float(weight @ hazard)
    variance = float(weight @ (hazard - mean) ** 2)
    return Gamma(mean**2 / variance, mean / variance)


def _log_likelihood(hazard: FloatArray, summary: Summary) -> FloatArray:
    """Log density of least, median and greatest of five or more exponential times, up to a constant."""
    n, least, median, greatest = summary
    between = (n - 3) // 2 if n % 2 else (n - 4) // 2
    outer = 2 * np.log(hazard) - hazard * (least + greatest)  # the two ends
    if n % 2:
        inside = _log_between(hazard, least, median) + _log_between(hazard, median, greatest)
        return np.asarray(outer + np.log(hazard) - hazard * median + between * inside)
    nodes, weights = np.polynomial.legendre.leggauss(SPLIT_NODES)
    reach = min(median - least, greatest - median)
    split = reach * (nodes + 1) / 2
    inside = _log_between(hazard[:, None], least, median - split) + _log_between(
        hazard[:, None], median + split, greatest
    )
    top = inside.max(axis=1)
    mixed = np.log(np.exp(between * (inside - top[:, None])) @ weights) + between * top
    return np.asarray(outer + 2 * np.log(hazard) - 2 * hazard * median + mixed)


def _log_between(hazard: FloatArray, low: float | FloatArray, high: float | FloatArray) -> FloatArray:
    """Log P(low < time < high)."""
    return np.asarray(-hazard * low + np.log(-np.expm1(-hazard * (high - low))))


def _quantiles(hazard_ratio: float, alpha: float, power: float) -> float:
    if hazard_ratio == 1:
        raise ValueError("a hazard ratio of 1: no number of events gives the power")
    return float(ndtri(power) - ndtri(alpha))
