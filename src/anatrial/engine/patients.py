"""Virtual patients, many trials at once: arrival, stratum, arm, event, drop-out, response and adverse events.

What every truth has (allotment, response, arrival, what follows the comparison) takes the same random numbers under all
of them, and what only some have comes from a second stream, so truths that lie close are simulated with the same luck.
Arrays have the shape (trials, patients), patients in the order in which they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.randomisation import Randomisation
from anatrial.designs.recruitment import Recruitment
from anatrial.designs.safety import EventRates, Safety
from anatrial.designs.switch import Switch
from anatrial.domain.counts import Look
from anatrial.engine.patient_switch import Later, later
from anatrial.engine.random_totals import planned_to_randomise
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.recruitment import month_of
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

NO_EVENT = -1


@dataclass(frozen=True)
class Setting:
    """What happens to patients: the planned totals at each look, a truth, and the sections that touch patients.

    ``adverse``: rates of adverse events under this truth, by name; empty without safety.
    """

    looks: tuple[Look, ...]
    truth: Points | DesignPrior
    adverse: dict[str, EventRates]
    safety: Safety | None = None
    recruitment: Recruitment | None = None
    randomisation: Randomisation | None = None
    switch: Switch | None = None

    @property
    def leaves(self) -> bool:
        """Whether drop-outs leave the analysis; looks count patients with a result, and there nobody else is drawn."""
        lost = self.truth.dropout if isinstance(self.truth, Points) else None
        return lost is not None and lost.counted == "excluded" and len(self.looks) == 1

    @property
    def randomised(self) -> Look:
        """Patients to randomise: more than are to be analysed where drop-outs leave the analysis."""
        planned = self.looks[-1]
        if not self.leaves:
            return planned
        assert isinstance(self.truth, Points)
        assert self.truth.dropout is not None
        return planned_to_randomise(planned, (self.truth.dropout.treatment, self.truth.dropout.control or 0.0))

    @property
    def balanced(self) -> bool:
        """Whether blocks, if there are any, give each arm exactly the number to randomise."""
        if self.randomisation is None:
            return True
        (n_t, n_c), block = self.randomised, self.randomisation.block
        return (
            not self.randomisation.strata
            and n_t % block.treatment == 0
            and n_t * (block.control or 0) == (n_c * block.treatment)
        )


@dataclass(frozen=True)
class Patients:
    """A block of trials. Rates have shape (trials,), the others (trials, patients)."""

    rate_t: FloatArray
    rate_c: FloatArray
    treated: BoolArray
    stratum: IntArray
    event: IntArray
    """Index of the intercurrent event; ``NO_EVENT`` without one."""
    dropped: BoolArray
    response: BoolArray
    """As counted at the endpoint's visit; never of a patient who dropped out."""
    adverse: BoolArray
    """Shape (trials, patients, events)."""
    arrival: FloatArray
    """Months; 0 without recruitment. Patients who come after recruitment has ended are in it too."""
    later: Later | None
    """What follows the comparison where patients may switch."""


def drawn(setting: Setting, rng: np.random.Generator, trials: int) -> Patients:
    """So many virtual trials from these random numbers alone."""
    (own,) = rng.spawn(1)  # for what only some truths have
    truth, shape = setting.truth, (trials, sum(setting.randomised))
    stratum = _strata(setting.randomisation, rng, shape)
    treated = _allotted(setting, rng, stratum)
    luck = rng.random(shape)
    arrival = _arrivals(setting.recruitment, rng, shape)
    event, dropped = _left(setting, own, treated)
    rate_t, rate_c = _rates(truth, own, trials)
    if isinstance(truth, Points):
        response = by_arm(luck, treated, truth.rates.treatment, truth.rates.control or 0.0)
        response = _counted(truth, luck, treated, event, response)
    else:
        response = by_arm(luck, treated, rate_t[:, None], rate_c[:, None])
    response &= ~dropped
    return Patients(
        rate_t=rate_t,
        rate_c=rate_c,
        treated=treated,
        stratum=stratum,
        event=event,
        dropped=dropped,
        response=response,
        adverse=_adverse(setting.adverse, own, treated),
        arrival=arrival,
        later=later(setting.switch, rng, treated, response) if setting.switch is not None else None,
    )


def by_arm(luck: FloatArray, treated: BoolArray, rate_t: float | FloatArray, rate_c: float | FloatArray) -> BoolArray:
    """Whether it happens to each patient, by the rate of the patient's arm."""
    if isinstance(rate_t, float) and treated.strides[0] == 0:  # every trial allots in the same order: one row says all
        return luck < np.where(treated[0], rate_t, rate_c)
    return np.where(treated, luck < rate_t, luck < rate_c)


def _rates(truth: Points | DesignPrior, rng: np.random.Generator, trials: int) -> tuple[FloatArray, FloatArray]:
    """Rates of responders of each trial, before events and drop-out; 0 of a control arm that is not there."""
    if isinstance(truth, Points):
        return np.full(trials, truth.rates.treatment), np.full(trials, truth.rates.control or 0.0)
    control = truth.control.mixture().draws(rng, trials) if truth.control else np.zeros(trials)
    return truth.treatment.mixture().draws(rng, trials), control


def _strata(randomisation: Randomisation | None, rng: np.random.Generator, shape: tuple[int, int]) -> IntArray:
    if randomisation is None or not randomisation.strata:
        return np.broadcast_to(np.int64(0), shape)
    ends = np.cumsum(list(randomisation.strata.values()))
    return np.minimum(np.searchsorted(ends, rng.random(shape), side="right"), len(ends) - 1)


def _allotted(setting: Setting, rng: np.random.Generator, stratum: IntArray) -> BoolArray:
    """Who is on treatment: permuted blocks per stratum, or else the planned shares in turn, within every look."""
    trials, n = stratum.shape
    if setting.randomisation is None:
        order = spread((setting.randomised,) if setting.leaves else setting.looks)
        return np.broadcast_to(order, (trials, n))
    block = setting.randomisation.block
    if not setting.randomisation.strata:
        return listed(block, rng, trials, n)
    treated = np.zeros((trials, n), dtype=np.bool_)
    for level in range(len(setting.randomisation.strata)):
        here = stratum == level
        place = np.maximum(np.cumsum(here, axis=1) - 1, 0)
        treated |= here & np.take_along_axis(listed(block, rng, trials, n), place, axis=1)
    return treated


def listed(block: ArmSizes, rng: np.random.Generator, trials: int, n: int) -> BoolArray:
    """Randomisation lists of permuted blocks, shape (trials, n): who is on treatment; the last block may be cut.

    In each block the next place goes to treatment with the share of treatment places among those that are left, which
    makes every order equally probable.
    """
    size = block.treatment + (block.control or 0)
    left = np.full((trials, -(-n // size)), block.treatment)
    order = np.empty((*left.shape, size), dtype=np.bool_)
    for place in range(size):
        chosen = rng.random(left.shape) * (size - place) < left
        order[:, :, place] = chosen
        left -= chosen
    return order.reshape(trials, -1)[:, :n]


def spread(looks: tuple[Look, ...]) -> BoolArray:
    """Who of the first n is on treatment if the arms fill in step between looks (halves to treatment), shape (n,)."""
    order: list[BoolArray] = []
    for (before_t, before_c), (n_t, n_c) in pairwise((Look(0, 0), *looks)):
        more_t, more = n_t - before_t, n_t - before_t + n_c - before_c
        so_far = (2 * np.arange(more + 1) * more_t + more) // (2 * more)
        order.append(np.diff(so_far) > 0)
    return np.concatenate(order)


def _left(setting: Setting, rng: np.random.Generator, treated: BoolArray) -> tuple[IntArray, BoolArray]:
    """The intercurrent event of each patient, and whether the patient drops out."""
    truth = setting.truth
    event: IntArray = np.broadcast_to(np.int64(NO_EVENT), treated.shape)
    dropped: BoolArray = np.broadcast_to(np.bool_(0), treated.shape)
    if not isinstance(truth, Points):
        return event, dropped
    if truth.events:
        event, luck = np.array(event), rng.random(treated.shape)
        reached_t = reached_c = 0.0
        for index, found in enumerate(truth.events.values()):
            share_t, share_c = found.treatment.share, found.control.share if found.control else 0.0
            before = by_arm(luck, treated, reached_t, reached_c)
            reached_t, reached_c = reached_t + share_t, reached_c + share_c
            event[by_arm(luck, treated, reached_t, reached_c) & ~before] = index
    lost = truth.dropout
    if lost is not None and (lost.counted == "as_non_responders" or setting.leaves):
        dropped = by_arm(rng.random(treated.shape), treated, lost.treatment, lost.control or 0.0)
    return event, dropped


def _counted(truth: Points, luck: FloatArray, treated: BoolArray, event: IntArray, response: BoolArray) -> BoolArray:
    """Responses where patients with an event count as the estimand's strategies say."""
    for index, (name, found) in enumerate(truth.events.items()):
        strategy = truth.strategies[name]
        # A rate is missing only where nobody has the event.
        rate_t = found.treatment.responders(strategy) or 0.0
        rate_c = (found.control.responders(strategy) if found.control else None) or 0.0
        response = np.where(event == index, by_arm(luck, treated, rate_t, rate_c), response)
    return response


def _adverse(rates: dict[str, EventRates], rng: np.random.Generator, treated: BoolArray) -> BoolArray:
    found = np.empty((*treated.shape, len(rates)), dtype=np.bool_)
    for index, rate in enumerate(rates.values()):
        found[:, :, index] = by_arm(rng.random(treated.shape), treated, rate.treatment, rate.control or 0.0)
    return found


def _arrivals(recruitment: Recruitment | None, rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """The month in which each patient comes: a Poisson process whose rate is drawn once per trial where uncertain.

    The site-months until the k-th patient are a sum of k exponential waits over the rate (time rescaling).
    """
    if recruitment is None:
        return np.broadcast_to(0.0, shape)
    accrual = recruitment.accrual()
    rate = np.full((shape[0], 1), accrual.rate)
    if accrual.shape is not None:
        rate = rng.gamma(accrual.shape, accrual.rate / accrual.shape, (shape[0], 1))
    waited = np.cumsum(rng.exponential(size=shape), axis=1)
    return month_of(accrual.opening, waited / rate)
