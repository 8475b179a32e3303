"""How probable success at the end is, seen from an interim look, by normal theory."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from anatrial.numerics import FloatArray
from anatrial.numerics.normal_looks import exits
from anatrial.numerics.normal_sizes import Rates


def conditional_power(z: float, fraction: float, final_z: float, *, drift: float) -> float:
    """P(the last statistic reaches ``final_z`` | the statistic is ``z`` now).

    Parameters
    ----------
    z
        The statistic at the interim look.
    fraction
        Share of information seen by then, in (0, 1).
    final_z
        What the last statistic must reach.
    drift
        Mean of the last statistic: 0 under no effect, z / sqrt(fraction) if the trend goes on (``trend``).

    Returns
    -------
    Probability in [0, 1].

    Source
    ------
    Lan & Wittes (1988), Biometrics 44:579-585, with B = z sqrt(t).
    """
    ahead = 1 - fraction
    return float(ndtr((z * math.sqrt(fraction) + drift * ahead - final_z) / math.sqrt(ahead)))


def trend(z: float, fraction: float) -> float:
    """The drift that the statistic ``z`` points to when this ``fraction`` of information is seen."""
    return z / math.sqrt(fraction)


def predictive_power(z: float, fraction: float, final_z: float, *, prior: tuple[float, float] | None = None) -> float:
    """P(the last statistic reaches ``final_z`` | the statistic is ``z`` now), averaged over what the drift may be.

    Parameters
    ----------
    z, fraction, final_z
        As for ``conditional_power``.
    prior
        Mean and standard deviation of a normal prior on the drift; without it the prior is flat, and the result is the
        reverse conditional power: the chance of ``z`` or more now, given that the last statistic is ``final_z``.

    Source
    ------
    Spiegelhalter, Freedman & Blackburn (1986), Control. Clin. Trials 7:8-17; Tan, Xiong & Kutner (1998), Biometrics
    54:682-695, for the reverse.
    """
    mean, precision = (0.0, 0.0) if prior is None else (prior[0], prior[1] ** -2)
    after = precision + fraction
    drift = (precision * mean + z * math.sqrt(fraction)) / after
    ahead = 1 - fraction
    spread = math.sqrt(ahead + ahead**2 / after)
    return float(ndtr((z * math.sqrt(fraction) + drift * ahead - final_z) / spread))


def conditional_power_of_rates(
    z: float, fractions: FloatArray, bounds: FloatArray, *, rates: Rates, ahead: tuple[float, float]
) -> FloatArray:
    """P(success at or before each look that is still to come | the pooled z is ``z`` now), for assumed rates.

    Parameters
    ----------
    z
        Pooled z of the counts so far.
    fractions
        Information fractions: of this look and of those to come, shape (1 + k,).
    bounds
        Efficacy bounds on z at the k looks to come, shape (k,).
    rates
        Assumed from now on.
    ahead
        Treatment and control patients still to come until the last look.

    Returns
    -------
    Cumulative probabilities, shape (k,).

    Source
    ------
    Jennison & Turnbull (2000), Group Sequential Methods, section 10.2. The statistic has the pooled variance and its
    law the unpooled one: this shifts the drift, as in rpact's getConditionalPower for rates; exactly so with one look
    to come, and with several by the conditional error of all. ``numerics.predictive`` sums the counts exactly.
    """
    (p_t, p_c), (n_t, n_c) = rates, ahead
    now, later = float(fractions[0]), fractions[1:]
    shares, never = (later - now) / (1 - now), np.full(len(bounds), -np.inf)
    needed = (bounds * np.sqrt(later) - z * math.sqrt(now)) / np.sqrt(later - now)
    error = float(exits(shares, needed, never, 0.0).above.sum())
    common = (n_t * p_t + n_c * p_c) / (n_t + n_c)
    pooled = math.sqrt(common * (1 - common) * (1 / n_t + 1 / n_c))
    unpooled = math.sqrt(p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c)
    drift = (p_t - p_c) / unpooled - float(ndtri(error)) * (1 - pooled / unpooled)
    return np.cumsum(exits(shares, needed, never, drift).above)
