"""Bias and mean squared error of posterior means, and the weight that history keeps, under pairs of known rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from anatrial.domain.counts import Look
from anatrial.engine.course import Course, Trial
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial


class Analysis(NamedTuple):
    """What the analysis of a trial that ends at one look says, per count."""

    look: Look
    treatment: FloatArray
    """Posterior mean of the treatment rate, shape (n_t + 1,)."""
    control: FloatArray
    """The same of the control rate, shape (n_c + 1,)."""
    weight: FloatArray
    """Weight that history keeps, shape (n_c + 1,)."""


class Estimates(NamedTuple):
    """Errors of the estimates under each pair of rates, shape (m,) each; mean weight of history."""

    bias: FloatArray
    """Of the difference treatment rate - control rate."""
    mse: FloatArray
    control_bias: FloatArray
    control_mse: FloatArray
    weight: FloatArray


def ends(trial: Trial) -> tuple[tuple[Look, FloatArray], ...]:
    """Every look with the probability that the trial ends there given its counts, shape (n_t + 1, n_c + 1)."""
    if isinstance(trial, Course):
        return tuple(zip(trial.looks, trial.ends, strict=True))
    return ((trial.look, np.ones((trial.look.n_t + 1, trial.look.n_c + 1))),)


def estimates(trial: Trial, analyses: Iterable[Analysis], rates_t: FloatArray, rates_c: FloatArray) -> Estimates:
    """What the posterior means do under each pair of rates; of a trial with looks, at the look where it ends.

    Parameters
    ----------
    analyses
        One per look of the trial, in its order.
    rates_t, rates_c
        True rates in [0, 1], shape (m,) each.

    Returns
    -------
    Exact sums over all tables. Distances from the true rates are squared, not moments subtracted, so that small errors
    keep their digits.
    """
    found = np.zeros((5, len(rates_c)))
    for (_, chance), said in zip(ends(trial), analyses, strict=True):
        law_t, law_c = binomial(said.look.n_t, rates_t), binomial(said.look.n_c, rates_c)
        off_t, off_c = said.treatment - rates_t[:, None], said.control - rates_c[:, None]
        plain, once, twice = law_t @ chance, (law_t * off_t) @ chance, (law_t * off_t**2) @ chance
        control, control_squared = _mean(plain, law_c * off_c), _mean(plain, law_c * off_c**2)
        found += (
            _mean(once, law_c) - control,
            _mean(twice, law_c) - 2 * _mean(once, law_c * off_c) + control_squared,
            control,
            control_squared,
            _mean(plain, law_c * said.weight),
        )
    return Estimates(*found)


def _mean(over_t: FloatArray, over_c: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", over_t, over_c))
