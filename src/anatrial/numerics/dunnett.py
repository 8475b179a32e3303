"""Several arms compared with one control by normal theory: the chance that all statistics stay in their ranges.

The statistic of arm i is normal with mean 0 and variance 1; each shares the control, so that Z_i = l_i U +
sqrt(1 - l_i^2) E_i with independent standard normal U and E_i. Given U they are independent: one integral is left.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from anatrial.numerics import FloatArray
from anatrial.numerics.roots import root

FARTHEST = 9.0  # the standard normal has 2e-19 beyond
STEP = 0.25  # of the narrowest bend of the integrand: the trapezoidal rule then errs by less than 1e-13, measured


def shares_of_control(n: FloatArray, n_c: float) -> FloatArray:
    """How much of each arm's statistic is the control's doing, shape of ``n``: sqrt(n_i / (n_i + n_c)).

    Two statistics correlate by the product of their shares (a half in equal arms).

    Parameters
    ----------
    n, n_c
        Patients of each arm and of the control, above 0.

    Source
    ------
    Dunnett (1955), JASA 50:1096-1121, equation (5).
    """
    sizes = np.asarray(n, dtype=np.float64)
    return np.asarray(np.sqrt(sizes / (sizes + n_c)))


def rectangle(lower: FloatArray, upper: FloatArray, shares: FloatArray) -> float:
    """Chance that every statistic lies between its ends, in [0, 1]; absolute error below 1e-12.

    Parameters
    ----------
    lower, upper
        Ends, shape (k,); may be infinite.
    shares
        What ``shares_of_control`` gives, shape (k,), each above 0 and below 1.

    Source
    ------
    Dunnett & Sobel (1955), Biometrika 42:258-260: correlations that are products leave one integral.
    """
    own = np.sqrt(1.0 - np.square(shares))
    width = min(1.0, float((own / shares).min()))
    points = 2 * math.ceil(FARTHEST / (STEP * width)) + 1
    u = np.linspace(-FARTHEST, FARTHEST, points)
    density = np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    shifted = shares[:, None] * u
    inside = ndtr((upper[:, None] - shifted) / own[:, None]) - ndtr((lower[:, None] - shifted) / own[:, None])
    return float(min(density @ inside.prod(axis=0) * (u[1] - u[0]), 1.0))


def critical(alpha: float, shares: FloatArray) -> float:
    """The value that the largest of the statistics passes with chance ``alpha`` where no arm has an effect.

    Parameters
    ----------
    alpha
        One-sided, above 0 and below 1.
    shares
        What ``shares_of_control`` gives, shape (k,); one arm gives the normal quantile.

    Returns
    -------
    The one-sided critical value of Dunnett's test for a known variance; absolute error below 1e-11.

    Source
    ------
    Dunnett (1955), JASA 50:1096-1121, table 1 for infinitely many degrees of freedom.
    """
    k = len(shares)
    least, most = float(ndtri(1.0 - alpha)), float(-ndtri(alpha / k))  # one statistic; Bonferroni
    if k == 1:
        return least
    none = np.full(k, -np.inf)
    return root(lambda z: rectangle(none, np.full(k, z), shares) - (1.0 - alpha), least, most)
