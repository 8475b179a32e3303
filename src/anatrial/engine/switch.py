"""What follows the comparison when control patients may switch to the drug: how many do, respond, stop, stay.

The number on the drug is random, so everything is summed over it. Given the rates, patients are independent and every
count is binomial; uncertain rates are averaged by nodes at which the sum over a Beta density is exact. Shares to stop
are those of the same drug in both arms: where they are uncertain, both arms share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.designs.switch import Durability, GoingOn, Switch
from anatrial.domain.counts import Look, Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.engine.course import paired
from anatrial.numerics import FloatArray
from anatrial.numerics.beta_nodes import beta_nodes, kept, thinned
from anatrial.numerics.binomial import binomial
from anatrial.truths.base import Law
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

ANY_CAUSE = "any of these"


class Predicted(NamedTuple):
    """A number of patients: its mean, and the least counts that it stays at or below with 2.5 % and 97.5 %."""

    mean: float
    lower: int
    upper: int


class ArmLater(NamedTuple):
    """One arm at the last visit."""

    on_drug: Predicted
    responders: Predicted
    """Those who responded on the drug and are still on it."""


@dataclass(frozen=True, slots=True)
class AfterSwitch:
    """What follows the comparison under one truth."""

    switched: Predicted
    enough: float
    """Probability that at least the wanted number switch."""
    responders: Predicted
    """Switched patients who respond."""
    early: ArmLater
    """The arm that had the drug from the start."""
    delayed: ArmLater
    stops: tuple[tuple[str, Predicted], ...]
    """Per cause, of everyone on the drug; empty without a durability."""
    late_success: float
    """Chance that the rule, asked again with the responders of the last visit, says success."""


class Nodes(NamedTuple):
    """A rate as weighted points, shapes (m,): one point where it is known."""

    at: FloatArray
    weight: FloatArray


def after_switch(switch: Switch, truth: Points | DesignPrior, decided: Regions) -> AfterSwitch:
    """Everything that follows the comparison, exactly.

    Parameters
    ----------
    switch
        Who goes on, responds and stops.
    truth
        Rates of responders at the comparison; those of the two arms are independent.
    decided
        The tables on which the rule succeeds, in a trial with two arms.
    """
    look = decided.look
    early, delayed = rates_of(truth, look)
    went_on = _law(early, look.n_t, _share(switch.continuing, early.at))
    lasting = _law(early, look.n_t, early.at * (switch.continuing.responders or 0.0))
    chances = _share(switch.accepting, delayed.at)
    switched = _law(delayed, look.n_c, chances)
    responders = _responders(switch, switched)
    staying = staying_of(switch.durability, look.n_t + look.n_c)
    late_t, late_c = thinned(lasting, staying.at), thinned(responders, staying.at)
    again = paired(decided.success, Law(late_t, late_c))
    stay = _last(switch.durability)
    return AfterSwitch(
        switched=predicted(switched),
        enough=min(float(switched[switch.at_least :].sum()), 1.0),
        responders=predicted(responders),
        early=ArmLater(predicted(stay.left(went_on)), predicted(staying.weight @ late_t)),
        delayed=ArmLater(predicted(stay.left(switched)), predicted(staying.weight @ late_c)),
        stops=_stops(switch.durability, np.convolve(went_on, switched)),
        late_success=min(float(staying.weight @ again), 1.0),
    )


def rates_of(truth: Points | DesignPrior, look: Look) -> tuple[Nodes, Nodes]:
    """Rates of responders at the comparison, treatment and control."""
    if isinstance(truth, Points):
        rate_t, rate_c = truth.trial_rates()
        return _known(rate_t), _known(rate_c)
    assert truth.control is not None
    return _uncertain(truth.treatment.mixture(), look.n_t), _uncertain(truth.control.mixture(), look.n_c)


def staying_of(durability: Durability | None, n: int) -> Nodes:
    """Chance to be on the drug at the last visit, for averages over up to ``n`` patients; 1 where nothing is said."""
    if durability is None:
        return _known(1.0)
    shapes = durability.shapes
    if shapes is None:
        return _known(durability.period().stayed)
    return Nodes(*beta_nodes(shapes[-1], sum(shapes[:-1]), n))


def predicted(law: FloatArray) -> Predicted:
    """Mean and central 95 % range of a count with probabilities ``law`` of 0..n, shape (n + 1,)."""
    below = np.cumsum(law)
    lower, upper = (min(int(np.searchsorted(below, p - 1e-12)), len(law) - 1) for p in (0.025, 0.975))
    return Predicted(float(law @ np.arange(len(law))), lower, upper)


def _known(rate: float) -> Nodes:
    return Nodes(np.array([rate]), np.ones(1))


def _uncertain(mixture: BetaMixture, degree: int) -> Nodes:
    nodes = [(weight, beta_nodes(a, b, degree)) for weight, a, b in mixture.parts]
    return Nodes(np.concatenate([at for _, (at, _) in nodes]), np.concatenate([weight * w for weight, (_, w) in nodes]))


def _share(going: GoingOn, rates: FloatArray) -> FloatArray:
    """Chance of a patient to go on, response or not, at each rate of response."""
    return np.asarray(rates * (going.responders or 0.0) + (1.0 - rates) * going.non_responders)


def _responders(switch: Switch, switched: FloatArray) -> FloatArray:
    """Law of how many of the switched patients respond."""
    if switch.response_prior is None:
        return np.asarray(thinned(switched, np.array([switch.response]))[0])
    parts = switch.response_prior.mixture().parts
    return np.asarray(sum(weight * kept(switched, a, b) for weight, a, b in parts))


def _law(nodes: Nodes, n: int, chances: FloatArray) -> FloatArray:
    """Law of how many of ``n`` patients something happens to, with one chance per node, shape (n + 1,)."""
    return np.asarray(nodes.weight @ binomial(n, chances))


class _Share(NamedTuple):
    """A share of the patients on the drug: known, or drawn from a Beta of these shapes."""

    mean: float
    shapes: tuple[float, float] | None

    def left(self, law: FloatArray) -> FloatArray:
        """Law of how many of a random number of patients it takes."""
        return kept(law, *self.shapes) if self.shapes else thinned(law, np.array([self.mean]))[0]


def _last(durability: Durability | None) -> _Share:
    """The share on the drug at the last visit."""
    if durability is None:
        return _Share(1.0, None)
    shapes = durability.shapes
    return _Share(durability.period().stayed, (shapes[-1], sum(shapes[:-1])) if shapes else None)


def _stops(durability: Durability | None, on_drug: FloatArray) -> tuple[tuple[str, Predicted], ...]:
    """Per cause, how many stop of a random number on the drug, and how many in all."""
    if durability is None:
        return ()
    period, shapes, found = durability.period(), durability.shapes, []
    for index, cause in enumerate(period.causes):
        beta = (shapes[index], sum(shapes) - shapes[index]) if shapes else None
        found.append((cause, predicted(_Share(period.stopped[index], beta).left(on_drug))))
    stay = _last(durability)
    stopped = _Share(1.0 - stay.mean, stay.shapes[::-1] if stay.shapes else None)
    return (*found, (ANY_CAUSE, predicted(stopped.left(on_drug))))
