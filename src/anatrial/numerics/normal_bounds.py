"""Bounds of group-sequential tests by normal theory: found look by look, with their drift and expected sizes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.normal_looks import START, Exits, Mass, above, below, carried, exits
from anatrial.numerics.roots import root

FARTHEST = 38.0  # beyond it the normal tail leaves the range of floats
STEEPEST = 400.0  # no power asked for needs a drift beyond


class Asked(NamedTuple):
    """What one side's bounds shall be, per look: shape (looks,) each."""

    z: FloatArray
    """The bound where it is given, infinite where the look has none, not-a-number where it follows from ``spent``."""
    spent: FloatArray
    """Error to have used up after the look, cumulative; read only where the bound is to be found."""
    scaled: bool = False
    """Whether ``z`` is a shape, all of it to be multiplied by the one number that uses up the whole error."""


class Normal(NamedTuple):
    """Bounds at each look, shape (looks,), and what normal theory says of them."""

    fractions: FloatArray
    upper: FloatArray
    """The trial rejects where its statistic is at least this; infinite where the look cannot reject."""
    lower: FloatArray
    """It stops where the statistic is at most this; minus infinity where there is no such bound. Last: as upper."""
    spent: FloatArray
    """Type I error used up after each look, on both sides if symmetric."""
    drift: float
    """Mean of the last statistic at which the test has the power asked for."""
    inflation: float
    """Size of the last look, as a multiple of the size of a trial with one look."""

    @property
    def levels(self) -> FloatArray:
        """Nominal one-sided level of each look, shape (looks,)."""
        return np.asarray(ndtr(-self.upper))

    def exits(self, drift: float) -> Exits:
        """Probability of every way to stop where the last statistic has this mean."""
        return exits(self.fractions, self.upper, self.lower, drift)

    def expected(self, drift: float) -> float:
        """Expected size, as a multiple of the size of a trial with one look."""
        stops = self.exits(drift)
        return self.inflation * (1.0 - float((stops.above + stops.below) @ (1.0 - self.fractions)))


def bounds(
    fractions: FloatArray,
    efficacy: Asked,
    futility: Asked,
    *,
    alpha: float,
    power: float,
    binding: bool = False,
    symmetric: bool = False,
) -> Normal:
    """Bounds on the statistic at every look.

    Parameters
    ----------
    fractions
        Information fractions, strictly rising to 1, shape (looks,).
    efficacy, futility
        What the bounds shall be. The futility bound at the last look is not read: there the test ends.
    alpha
        One-sided type I error in (0, 0.5).
    power
        Power in (alpha, 1) at which the drift is told; where futility spends, 1 less the error that it spends.
    binding
        Whether type I error counts on the futility stops.
    symmetric
        Two-sided: the trial also stops, and rejects the other way, below minus the upper bound; futility is not read.

    Returns
    -------
    The bounds. Raises ``ComputationError`` where there are none: bounds that cross, errors used up too early, an error
    or a power that cannot be reached; and ``ValueError`` for fractions that do not rise to 1.

    Source
    ------
    Jennison & Turnbull (2000), Group Sequential Methods, ch. 2, 4, 7 and 19; Pampallona, Tsiatis & Kim (2001), Drug
    Inf. J. 35:1113-1121, for futility bounds that spend.
    """
    if not (np.all(np.diff(fractions) > 0) and fractions[0] > 0 and math.isclose(fractions[-1], 1, abs_tol=1e-12)):
        raise ValueError(f"information fractions must rise from above 0 to 1: {fractions.tolist()}")
    task = _Task(fractions, efficacy, futility, alpha, power, binding, symmetric)
    if not (binding and np.isnan(futility.z[:-1]).any()):  # else the upper bounds depend on the drift
        task = task._replace(efficacy=Asked(_walk(task, 0.0).upper, efficacy.spent))
    drift = _drift(task)
    found = _walk(task, drift)
    _check(task, found)
    one_look = float(ndtri(power) - ndtri(alpha))
    spent = np.cumsum(found.null) * (2 if symmetric else 1)
    return Normal(fractions, found.upper, found.lower, spent, drift, (drift / one_look) ** 2)


class _Task(NamedTuple):
    """All that was asked for."""

    fractions: FloatArray
    efficacy: Asked
    futility: Asked
    alpha: float
    power: float
    binding: bool
    symmetric: bool


class _Found(NamedTuple):
    """Bounds, and the probability to reject at each look, without an effect and at the drift; shape (looks,) each."""

    upper: FloatArray
    lower: FloatArray
    null: FloatArray
    power: FloatArray


def _drift(task: _Task) -> float:
    """The drift with the power asked for."""
    high = 2.0 * float(ndtri(task.power) - ndtri(task.alpha))
    while _walk(task, high).power.sum() < task.power:
        high *= 2.0
        if high > STEEPEST:
            raise ComputationError(f"no effect gives a power of {task.power:g}: the futility bounds leave no room")
    if _walk(task, 0.0).power.sum() > task.power:
        raise ComputationError(f"the power passes {task.power:g} without any effect: the bounds are too low")
    return root(lambda drift: float(_walk(task, drift).power.sum()) - task.power, 0.0, high, within=1e-12)


def _walk(task: _Task, drift: float) -> _Found:
    """Bounds for this drift, scaled so that they use up the error where they are a shape."""
    asked = task.efficacy
    if not asked.scaled:
        return _steps(task, asked, drift)

    def excess(factor: float) -> float:
        return float(_steps(task, Asked(factor * asked.z, asked.spent), drift).null.sum()) - task.alpha

    # At the upper end each look spends at most its equal share; at the lower one each could spend all of it.
    shapes = asked.z[np.isfinite(asked.z)]
    most = -float(ndtri(task.alpha / len(shapes))) / float(shapes.min())
    least = 1e-6 if task.binding else max(1e-6, -0.5 * float(ndtri(task.alpha)) / float(shapes.max()))
    if excess(least) < 0:
        raise ComputationError(f"the futility bounds leave less than the type I error {task.alpha:g} to be used up")
    return _steps(task, Asked(root(excess, least, 1.01 * most) * asked.z, asked.spent), drift)


def _steps(task: _Task, efficacy: Asked, drift: float) -> _Found:
    """Bounds look by look. Where they cross the trial ends: all later probabilities are 0."""
    looks = len(task.fractions)
    upper, lower, null, power = (np.zeros(looks) for _ in range(4))
    without, with_effect, missed = START, START, 0.0
    for k, t in enumerate(task.fractions.tolist()):
        upper[k] = efficacy.z[k]
        if np.isnan(upper[k]):
            upper[k] = _upper(without, t, efficacy.spent[k] - float(null[:k].sum()))
        if task.symmetric or k == looks - 1:
            lower[k] = -upper[k] if task.symmetric else upper[k]
        else:
            lower[k] = task.futility.z[k]
            if np.isnan(lower[k]):
                lower[k] = _lower(with_effect, t, task.futility.spent[k] - missed, drift)
        null[k], power[k] = above(without, t, upper[k], 0.0), above(with_effect, t, upper[k], drift)
        missed += below(with_effect, t, lower[k], drift)
        if k < looks - 1:
            ahead = (t, float(task.fractions[k + 1]))
            floor = float(lower[k]) if task.binding or task.symmetric else -math.inf
            without = carried(without, ahead, (floor, float(upper[k])), 0.0)
            with_effect = carried(with_effect, ahead, (float(lower[k]), float(upper[k])), drift)
    return _Found(upper, lower, null, power)


def _upper(mass: Mass, fraction: float, error: float) -> float:
    """The bound that is passed with this probability without an effect: infinite for none, minus infinity for all."""
    if error <= above(mass, fraction, FARTHEST, 0.0):
        return math.inf
    if error >= above(mass, fraction, -FARTHEST, 0.0):
        return -math.inf
    return root(lambda z: above(mass, fraction, z, 0.0) - error, -FARTHEST, FARTHEST)


def _lower(mass: Mass, fraction: float, error: float, drift: float) -> float:
    """The bound below which the trial stops with this probability: minus infinity for none, infinity for all."""
    centre = drift * math.sqrt(fraction)
    low, high = centre - FARTHEST, centre + FARTHEST
    if error <= below(mass, fraction, low, drift):
        return -math.inf
    if error >= below(mass, fraction, high, drift):
        return math.inf
    return root(lambda z: below(mass, fraction, z, drift) - error, low, high)


def _check(task: _Task, found: _Found) -> None:
    """Refuse bounds that no trial can use."""
    for look, (upper, lower) in enumerate(zip(found.upper, found.lower, strict=True), start=1):
        if look < len(found.upper) and lower >= upper:
            raise ComputationError(f"the bounds cross at look {look}: futility at z {lower:.4g}, efficacy {upper:.4g}")
    if math.isinf(found.upper[-1]):
        used = float(found.null[:-1].sum())
        raise ComputationError(
            f"the looks before the last one use up a type I error of {used:.4g}, all of the {task.alpha:g} there is"
        )
