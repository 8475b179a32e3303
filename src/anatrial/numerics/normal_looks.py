"""A normal statistic seen at several looks: how likely it passes its bounds at each.

With information fraction t and a drift (its mean at t = 1) the score z sqrt(t) is a Brownian motion: independent
normal steps of mean drift dt and variance dt. What has not stopped is kept as weights on Gauss-Legendre nodes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import leggauss

ORDER = 16
REACH = 9.0  # standard deviations beyond which 1e-19 of the mass is left out
WIDTH = 2.0  # interval length in standard deviations of the shorter step: 16 nodes leave an error of 1e-14
BLOCK = 1 << 21  # densities kept at a time: 16 MB


class Mass(NamedTuple):
    """What has not stopped by a look: scores and their probabilities, shape (m,) each, and the look's fraction."""

    score: FloatArray
    weight: FloatArray
    fraction: float


START = Mass(np.zeros(1), np.ones(1), 0.0)


def above(mass: Mass, fraction: float, z: float, drift: float) -> float:
    """P(did not stop before, and the statistic is at least ``z`` at the look with this ``fraction``)."""
    step = fraction - mass.fraction
    return float(mass.weight @ ndtr((mass.score + drift * step - z * math.sqrt(fraction)) / math.sqrt(step)))


def below(mass: Mass, fraction: float, z: float, drift: float) -> float:
    """P(did not stop before, and the statistic is at most ``z`` at the look with this ``fraction``)."""
    step = fraction - mass.fraction
    return float(mass.weight @ ndtr((z * math.sqrt(fraction) - mass.score - drift * step) / math.sqrt(step)))


def carried(mass: Mass, fractions: tuple[float, float], between: tuple[float, float], drift: float) -> Mass:
    """What has not stopped after one more look.

    Parameters
    ----------
    mass
        What had not stopped before it.
    fractions
        Of this look, and of the look after it, which tells how finely the scores must lie.
    between
        The trial goes on where the statistic lies between these two; they may be infinite.
    drift
        Mean of the statistic at fraction 1.

    Returns
    -------
    The mass at this look; without any nodes where the bounds leave no room.

    Source
    ------
    Armitage, McPherson & Rowe (1969), JRSS A 132:235-244; Jennison & Turnbull (2000), Group Sequential Methods, ch. 19.
    """
    now, later = fractions
    scale, step = math.sqrt(now), now - mass.fraction
    low = max(between[0] * scale, drift * now - REACH * scale)
    high = min(between[1] * scale, drift * now + REACH * scale)
    if low >= high or not mass.score.size:
        return Mass(np.zeros(0), np.zeros(0), now)
    parts = math.ceil((high - low) / (WIDTH * math.sqrt(min(step, later - now))))
    node, share = leggauss(ORDER)
    half = 0.5 * (high - low) / parts
    score = (low + half * (2 * np.arange(parts)[:, None] + 1 + node)).ravel()
    mean = mass.score + drift * step
    density = np.empty_like(score)
    rows = max(1, BLOCK // len(mean))
    for start in range(0, len(score), rows):
        some = slice(start, start + rows)
        density[some] = np.exp(-0.5 / step * (score[some, None] - mean) ** 2) @ mass.weight
    return Mass(score, half * np.tile(share, parts) * density / math.sqrt(2 * math.pi * step), now)


class Exits(NamedTuple):
    """Probabilities of stopping at each look above the upper and below the lower bound, shape (looks,) each."""

    above: FloatArray
    below: FloatArray


def exits(fractions: FloatArray, upper: FloatArray, lower: FloatArray, drift: float) -> Exits:
    """Probability of every way to stop, given bounds on the statistic.

    Parameters
    ----------
    fractions
        Information fractions, strictly rising to 1, shape (looks,).
    upper, lower
        The trial stops at a look where the statistic is at least ``upper`` or at most ``lower``; infinite where there
        is no such bound. Where both are the same at the last look, the probabilities sum to 1.
    drift
        Mean of the statistic at fraction 1; it is drift sqrt(t) at the others.
    """
    mass, over, under = START, np.zeros(len(fractions)), np.zeros(len(fractions))
    for k, fraction in enumerate(fractions.tolist()):
        over[k] = above(mass, fraction, upper[k], drift)
        under[k] = below(mass, fraction, lower[k], drift)
        if k + 1 < len(fractions):
            mass = carried(mass, (fraction, float(fractions[k + 1])), (float(lower[k]), float(upper[k])), drift)
    return Exits(over, under)
