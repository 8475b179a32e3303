"""One arm with looks: exact probabilities of stopping low or high at each, by carrying the law of the count along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial


class Passage(NamedTuple):
    """How a trial ends: per look (rows) and rate (columns), shape (looks, m); the other arrays have shape (m,)."""

    high: FloatArray
    low: FloatArray
    neither: FloatArray
    """Probability that the last look was reached and stopped on neither side."""
    expected_n: FloatArray


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
    """
    step = binomial(added, rates)
    after = np.zeros((len(mass), mass.shape[1] + added))
    for x in range(added + 1):
        after[:, x : x + mass.shape[1]] += step[:, x, None] * mass
    return after


def passage(totals: Sequence[int], low: Sequence[int], high: Sequence[int], rates: FloatArray) -> Passage:
    """Probabilities of each way to end, and the expected number of patients.

    Parameters
    ----------
    totals
        Patients with a result at each look, so far; growing.
    low, high
        Per look: the trial stops with at most ``low`` responders (-1: never) or with at least ``high`` of them
        (more than the total: never); ``low < high``.
    rates
        Response rates in [0, 1], shape (m,).

    Raises
    ------
    ValueError
        Totals that do not grow, boundaries that cross, sequences of different lengths.

    Source
    ------
    Schultz, Nichol, Elfring & Weed (1973), Biometrics 29:293-300: the recursion over looks.
    """
    if any(after <= before for before, after in zip((0, *totals), totals, strict=False)):
        raise ValueError(f"totals {tuple(totals)} do not grow")
    mass, before = np.ones((len(rates), 1)), 0
    ended_high, ended_low = np.zeros((len(totals), len(rates))), np.zeros((len(totals), len(rates)))
    expected = np.zeros(len(rates))
    for look, (total, at_most, at_least) in enumerate(zip(totals, low, high, strict=True)):
        if at_most >= at_least:
            raise ValueError(f"the boundaries of look {look + 1} cross: {at_most} and {at_least}")
        expected += (total - before) * mass.sum(axis=1)
        mass = grown(mass, total - before, rates)
        ended_low[look], ended_high[look] = mass[:, : at_most + 1].sum(axis=1), mass[:, at_least:].sum(axis=1)
        mass[:, : at_most + 1], mass[:, at_least:] = 0.0, 0.0
        before = total
    return Passage(ended_high, ended_low, mass.sum(axis=1), expected)
