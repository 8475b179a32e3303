"""Virtual patients after the comparison: who goes on or switches to the drug, who responds, who stays on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.designs.switch import Durability, GoingOn, Switch
from anatrial.numerics import BoolArray, FloatArray, IntArray

STAYS = -1


@dataclass(frozen=True)
class Later:
    """What follows the comparison, shapes (trials, patients).

    ``on_drug``: goes on with the drug, or switches to it; ``responds``: has a response on the drug (that of the
    comparison, or of the switched after the switch); ``cause``: index of the reason to stop, ``STAYS`` without one.
    """

    on_drug: BoolArray
    responds: BoolArray
    cause: IntArray


def later(switch: Switch, rng: np.random.Generator, treated: BoolArray, response: BoolArray) -> Later:
    """What happens to patients after the comparison, with these random numbers.

    Parameters
    ----------
    treated, response
        Arm and response at the comparison, shape (trials, patients).
    """
    luck = rng.random((3, *treated.shape))
    on_drug = np.where(
        treated, _goes_on(switch.continuing, luck[0], response), _goes_on(switch.accepting, luck[0], response)
    )
    chance = _response(switch, rng, len(treated))
    responds = np.where(treated, response, luck[1] < chance[:, None]) & on_drug
    return Later(on_drug, responds, _causes(switch.durability, rng, luck[2]))


def _goes_on(going: GoingOn, luck: FloatArray, response: BoolArray) -> BoolArray:
    return np.where(response, luck < (going.responders or 0.0), luck < going.non_responders)


def _response(switch: Switch, rng: np.random.Generator, trials: int) -> FloatArray:
    """The chance to respond after the switch in each trial, shape (trials,)."""
    if switch.response_prior is None:
        return np.full(trials, switch.response)
    return switch.response_prior.mixture().draws(rng, trials)


def _causes(durability: Durability | None, rng: np.random.Generator, luck: FloatArray) -> IntArray:
    """The first reason to stop by the last visit; uncertain shares are drawn once per trial, for both arms."""
    cause = np.full(luck.shape, STAYS)
    if durability is None:
        return cause
    shapes = durability.shapes
    stopped = np.array(durability.period().stopped)
    shares = np.tile(stopped, (len(luck), 1)) if shapes is None else rng.dirichlet(shapes, len(luck))[:, :-1]
    ends = np.cumsum(shares, axis=1)
    for index in reversed(range(ends.shape[1])):
        cause[luck < ends[:, index, None]] = index
    return cause


class Tallied(NamedTuple):
    """What follows the comparison, per trial: numbers by the names of the exact engine, and lasting responders."""

    numbers: dict[str, BoolArray | FloatArray]
    x_t: IntArray
    x_c: IntArray


def tallied(switch: Switch, found: Later, treated: BoolArray) -> Tallied:
    """Switched patients and their responses, and who still responds on the drug at the last visit."""
    delayed = found.on_drug & ~treated
    switched = delayed.sum(axis=1)
    lasting = found.responds & (found.cause == STAYS)
    numbers: dict[str, BoolArray | FloatArray] = {
        "enough_switched": switched >= switch.at_least,
        "expected_switched": switched.astype(np.float64),
        "expected_switch_responders": (found.responds & delayed).sum(axis=1).astype(np.float64),
    }
    return Tallied(numbers, (lasting & treated).sum(axis=1), (lasting & ~treated).sum(axis=1))
