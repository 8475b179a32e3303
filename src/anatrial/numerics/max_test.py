"""The test by the largest of several comparisons with one control, calibrated on counts: its level is proven.

Given the control's count the doses are independent, so that the chance that none of them passes is a product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.supremum import Known, Supremum, climbed, first_rates, side

SAME = 1e-10  # statistics that differ by less are equal: they err by 1e-13


class Calibrated(NamedTuple):
    """The critical value and the largest familywise error that it has."""

    critical: float
    error: Supremum


def exact_critical(statistics: tuple[FloatArray, ...], alpha: float) -> Calibrated:
    """The least critical value whose familywise error is proven to be at most ``alpha`` at every common rate.

    Parameters
    ----------
    statistics
        Per dose the statistic of every table, shape (n_dose + 1, n_c + 1), large where the dose does better. A dose
        succeeds where its statistic is at least the critical value; the control's count is the same for all.
    alpha
        In (0, 1).

    Returns
    -------
    A value halfway between two that a statistic can take, and the error with its proven bound. Raises
    ``ComputationError`` where even the largest value has a larger error than alpha: no result can succeed.

    Source
    ------
    The unconditional argument of Barnard (1947), Biometrika 34:123-138, for the maximum of several comparisons.
    """
    values = np.unique(np.concatenate([grid.ravel() for grid in statistics]))
    values = values[np.append(True, np.diff(values) > SAME)]
    values = values[values > SAME]
    sizes = (sum(grid.shape[0] - 1 for grid in statistics) + statistics[0].shape[1] - 1, 0)
    rates = first_rates((0.0, 1.0), sizes)

    def judged(k: int) -> Supremum:
        stays = tuple((grid < values[k] - SAME).astype(np.float64) for grid in statistics)

        def error(at: FloatArray) -> FloatArray:
            return some_success(stays, at)

        heights = error(rates)
        if heights.max() > alpha * (1 + 1e-9):
            return Supremum(float(heights.max()), float(rates[np.argmax(heights)]), 1.0)
        return climbed(error, Known(rates, heights), sizes, gap=min(1e-9, 1e-3 * alpha), level=alpha)

    below, above = (
        -1,
        values.size,
    )  # the error falls as the critical value rises: the first is too large, the last is not
    best: Supremum | None = None
    while above - below > 1:
        middle = (below + above) // 2
        found = judged(middle)
        if side(found, alpha) < 0:
            above, best = middle, found
        else:
            below = middle
    if best is None:
        raise ComputationError(f"no result of so few patients can be called a success at level {alpha:g}")
    lower = values[above - 1] if above else 0.0
    return Calibrated(float(0.5 * (lower + values[above])), best)


def some_success(stays: tuple[FloatArray, ...], rates: FloatArray) -> FloatArray:
    """Chance that at least one dose succeeds where every arm has one common rate, shape of ``rates``.

    ``stays``: per dose 1 where it does not succeed, else 0; shape (n_dose + 1, n_c + 1).
    """
    n_c = stays[0].shape[1] - 1
    none = binomial(n_c, rates)
    for grid in stays:
        none = none * (binomial(grid.shape[0] - 1, rates) @ grid)
    return np.asarray(np.maximum(1.0 - none.sum(axis=1), 0.0))
