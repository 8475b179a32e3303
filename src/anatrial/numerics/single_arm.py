"""One arm with looks: the law of the count, carried along."""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial


def grown(mass: FloatArray, added: int, rates: FloatArray) -> FloatArray:
    """The law of the count after ``added`` more patients.

    Parameters
    ----------
    mass
        Probability of 0..n responders per rate, shape (m, n + 1); rows may sum to less than 1.
    added
        Patients added, at least 0.
    rates
        Response rates in [0, 1], shape (m,).

    Returns
    -------
    Shape (m, n + added + 1). Every term is positive: nothing cancels.

    Source
    ------
    Schultz, Nichol, Elfring & Weed (1973), Biometrics 29:293-300: the recursion over looks.
    """
    step = binomial(added, rates)
    after = np.zeros((len(mass), mass.shape[1] + added))
    for x in range(added + 1):
        after[:, x : x + mass.shape[1]] += step[:, x, None] * mass
    return after
