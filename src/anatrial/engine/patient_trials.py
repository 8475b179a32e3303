"""Virtual trials decided: the same regions as in the exact engine, asked with the counts of virtual patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anatrial.designs.safety import Safety
from anatrial.domain.counts import Look, Regions
from anatrial.domain.tally import Tally
from anatrial.engine.course import Course, Trial
from anatrial.engine.patient_switch import tallied
from anatrial.engine.patients import Patients, Setting, drawn
from anatrial.engine.random_totals import regions_at
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.rules import AnyRule
from anatrial.truths.design_prior import DesignPrior

CodeArray = npt.NDArray[np.uint8]
NEVER = np.iinfo(np.int64).max
SUCCESS, FUTILITY, HARM = 1, 2, 4


@dataclass(frozen=True)
class Decided:
    """What becomes of each trial of a block, shape (trials,) each.

    ``look``: index of the look at which it ends; ``success``, ``futility``, ``harm`` there; ``n_t``, ``n_c``, ``x_t``,
    ``x_c``: patients and responders seen then.
    """

    look: IntArray
    success: BoolArray
    futility: BoolArray
    harm: BoolArray
    n_t: IntArray
    n_c: IntArray
    x_t: IntArray
    x_c: IntArray

    @property
    def effect(self) -> FloatArray:
        """Observed difference of rates (one arm: its rate); NaN where an arm has no patient."""
        with np.errstate(invalid="ignore"):
            treatment = self.x_t / self.n_t
            return treatment - self.x_c / self.n_c if self.n_c.any() else treatment


class Seen(NamedTuple):
    """Patients and responders of each trial, shape (trials,) each, or (trials, looks)."""

    n_t: IntArray
    n_c: IntArray
    x_t: IntArray
    x_c: IntArray


@dataclass(frozen=True)
class Simulated:
    """A trial to simulate: what happens to patients, the rule, and what the exact engine knows of it.

    ``name``: what the probability of success is called under this truth. ``error``: whether success (and harm) is an
    error. ``true_effect``: what treatment - control must exceed for a success to be a true one; None where that is not
    told.
    """

    setting: Setting
    rule: AnyRule
    trial: Trial
    name: str = "power"
    error: bool = False
    true_effect: float | None = None

    def __call__(self, rng: np.random.Generator, trials: int) -> Tally:
        """Many trials, tallied."""
        return self.tallied(drawn(self.setting, rng, trials))

    @cached_property
    def regions(self) -> tuple[Regions, ...]:
        """What is decided at each look, at the planned totals."""
        return self.trial.regions if isinstance(self.trial, Course) else (self.trial,)

    @cached_property
    def codes(self) -> tuple[CodeArray, ...]:
        """The decision at each table of each look, as ``coded``."""
        last = len(self.regions) - 1
        return tuple(coded(found, final=index == last > 0) for index, found in enumerate(self.regions))

    @cached_property
    def _at(self) -> dict[Look, CodeArray]:
        """Decisions at totals that occurred by chance, kept because they occur again."""
        return {self.setting.looks[0]: self.codes[0]} if len(self.codes) == 1 else {}

    def tallied(self, patients: Patients) -> Tally:
        """What becomes of trials whose patients are drawn."""
        setting, found = self.setting, dict[str, BoolArray | FloatArray]()
        if setting.leaves:  # only the rule at random numbers applies
            return Tally.of(len(patients.treated), power_random_n=self.decided(patients).success)
        seen = self._seen(patients)
        decided = self._decided(seen)
        drawn_rates = isinstance(setting.truth, DesignPrior)
        found[self.name] = decided.success
        found["expected_responders"] = (decided.x_t + decided.x_c).astype(np.float64)
        if self.rule.two_sided:
            found["harm"] = decided.harm
        if self.error:
            found["type1_at"] = self._erred(seen, decided)
        if drawn_rates and self.true_effect is not None:
            found["true_success"] = decided.success & (patients.rate_t - patients.rate_c > self.true_effect)
        elif not drawn_rates:
            error = decided.effect - _true(setting)
            found["observed_bias"], found["observed_mse"] = error, error**2
        if isinstance(self.trial, Course):
            found |= self._by_look(decided, self.trial)
        elif self.regions[0].futility is not None:
            found["no_go"] = decided.futility
        if not setting.balanced:
            found["expected_imbalance"] = np.abs(decided.n_t - setting.looks[-1].n_t).astype(np.float64)
        found |= self._safety(patients, decided) | self._recruited(patients, decided)
        if setting.switch is not None and patients.later is not None:
            later = tallied(setting.switch, patients.later, patients.treated)
            found |= later.numbers
            found["late_success"] = self._late(Seen(decided.n_t, decided.n_c, later.x_t, later.x_c))
        return Tally.of(len(decided.look), 0, **found)

    def decided(self, patients: Patients) -> Decided:
        """Every trial by the rule, at each look in turn until one ends it."""
        return self._decided(self._seen(patients))

    def _seen(self, patients: Patients) -> Seen:
        """Counts at each look, shapes (trials, looks): the planned totals, if nobody leaves and blocks are full."""
        setting = self.setting
        if setting.leaves or not setting.balanced:
            there = ~patients.dropped if setting.leaves else np.broadcast_to(np.True_, patients.treated.shape)
            return Seen(*(column[:, None] for column in _counted(patients, there)))
        ends = [sum(look) for look in setting.looks]
        both, treatment = _cumulated(patients.response, ends), _cumulated(patients.response & patients.treated, ends)
        n_t, n_c = (np.broadcast_to(totals, both.shape) for totals in np.array(setting.looks).T)
        return Seen(n_t, n_c, treatment, both - treatment)

    def _decided(self, seen: Seen) -> Decided:
        if self.setting.leaves or not self.setting.balanced:
            only = Seen(*(column[:, 0] for column in seen))
            return _of(np.zeros(len(only.n_t), dtype=np.int64), self._codes_at(only), only)
        codes = np.stack([grid[a, b] for grid, a, b in zip(self.codes, seen.x_t.T, seen.x_c.T, strict=True)], axis=1)
        stops = codes != 0
        stops[:, -1] = True
        look, rows = stops.argmax(axis=1), np.arange(len(codes))
        return _of(look, codes[rows, look], Seen(*(column[rows, look] for column in seen)))

    def _codes_at(self, seen: Seen) -> CodeArray:
        """The rule asked at whatever totals occurred; nothing is decided where an arm is empty."""
        single = self.setting.looks[-1].n_c == 0
        totals, which = np.unique(np.stack([seen.n_t, seen.n_c]), axis=1, return_inverse=True)
        looks = [Look(n_t, n_c) for n_t, n_c in totals.T.tolist()]
        fresh = regions_at(self.rule, [look for look in looks if look not in self._at], single_arm=single)
        self._at.update({look: coded(found, final=False) for look, found in fresh.items()})
        found = np.zeros(len(seen.n_t), dtype=np.uint8)
        order = np.argsort(which.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(which.ravel(), minlength=len(looks)))
        for look, rows in zip(looks, np.split(order, ends[:-1]), strict=True):
            if look in self._at:
                found[rows] = self._at[look][seen.x_t[rows], seen.x_c[rows]]
        return found

    def _erred(self, seen: Seen, decided: Decided) -> BoolArray:
        """Success or harm as type I error counts it: stops for futility that do not bind are passed over."""
        if not isinstance(self.trial, Course) or self.trial.binding:
            return decided.success | decided.harm
        wrong = np.zeros(len(decided.look), dtype=np.bool_)
        for errs, x_t, x_c in zip(self.trial.errors, seen.x_t.T, seen.x_c.T, strict=True):
            wrong |= errs[x_t, x_c]
        return wrong

    def _late(self, seen: Seen) -> BoolArray:
        """Success by the rule of the last look, asked again with other responders."""
        codes = self.codes[-1][seen.x_t, seen.x_c] if self.setting.balanced else self._codes_at(seen)
        return np.asarray((codes & SUCCESS) != 0)

    def _by_look(self, decided: Decided, course: Course) -> dict[str, BoolArray | FloatArray]:
        """Where the trials end; patients in the pipeline are recruited too."""
        found: dict[str, BoolArray | FloatArray] = {}
        waiting = np.array([sum(more) for more in course.waiting])
        found["expected_n"] = (decided.n_t + decided.n_c + waiting[decided.look]).astype(np.float64)
        for index in range(len(course.looks)):
            here = decided.look == index
            found[f"look_{index + 1}_success"] = here & decided.success
            if index < len(course.looks) - 1 and course.regions[index].futility is not None:
                found[f"look_{index + 1}_futility"] = here & decided.futility
            if self.rule.two_sided:
                found[f"look_{index + 1}_harm"] = here & decided.harm
        return found

    def _safety(self, patients: Patients, decided: Decided) -> dict[str, BoolArray | FloatArray]:
        """The trial ends for safety where an event has met its boundary by the patient with whom it would end."""
        if self.setting.safety is None or not self.setting.adverse:
            return {}
        stop = safety_stops(self.setting.safety, self.setting.looks, patients) <= decided.n_t
        return {"safe_success": decided.success & ~stop, "safety_stop": stop}

    def _recruited(self, patients: Patients, decided: Decided) -> dict[str, BoolArray | FloatArray]:
        plan = self.setting.recruitment
        if plan is None:
            return {}
        month = patients.arrival[:, [sum(look) - 1 for look in self.setting.looks]]  # when a look's patients are there
        in_time = month <= plan.stop_at
        rows = np.arange(len(month))
        duration = np.minimum(month[rows, decided.look], plan.stop_at) + plan.lag
        success = decided.success & in_time[rows, decided.look]
        if not isinstance(self.trial, Course):
            here = patients.arrival <= plan.stop_at
            short = ~in_time[:, -1] & (here.sum(axis=1) >= (plan.analyse_from or 1))
            seen = Seen(*(column[short] for column in _counted(patients, here)))
            success[short] = (self._codes_at(seen) & SUCCESS) != 0
        name = "assurance_recruited" if isinstance(self.setting.truth, DesignPrior) else "power_recruited"
        return {"reached": in_time[:, -1], name: success, "duration": duration}


def coded(regions: Regions, *, final: bool) -> CodeArray:
    """The decision at each table: 0, or ``SUCCESS``, ``HARM`` and ``FUTILITY`` (which success hides) added up.

    ``final``: the last of several looks, where what is no success has failed.
    """
    success = regions.success.grid
    found = np.where(success, SUCCESS, 0) + np.where(regions.harm.grid, HARM, 0)
    if regions.futility is not None and not final:
        found += np.where(regions.futility.grid & ~success, FUTILITY, 0)
    return found.astype(np.uint8)


def _of(look: IntArray, code: CodeArray, seen: Seen) -> Decided:
    return Decided(look, (code & SUCCESS) != 0, (code & FUTILITY) != 0, (code & HARM) != 0, *seen)


def safety_stops(safety: Safety, looks: tuple[Look, ...], patients: Patients) -> IntArray:
    """Treatment patients seen when an event first meets its boundary, shape (trials,); ``NEVER`` where none does."""
    rank = np.cumsum(patients.treated, axis=1, dtype=np.int16)
    found = np.full(len(rank), NEVER)
    for index, event in enumerate(safety.events):
        least = np.full(rank.shape[1] + 1, NEVER)
        for bound in event.bounds(looks):
            least[bound.patients] = bound.events
        counts = np.cumsum(patients.adverse[:, :, index] & patients.treated, axis=1, dtype=np.int16)
        met = patients.treated & (counts >= least[rank])
        first = met.argmax(axis=1)
        rows = np.flatnonzero(met[np.arange(len(met)), first])
        found[rows] = np.minimum(found[rows], rank[rows, first[rows]])
    return found


def _cumulated(happens: BoolArray, ends: list[int]) -> IntArray:
    """How often it happens among the first so many patients, shape (trials, looks)."""
    steps = [happens[:, start:end].sum(axis=1) for start, end in pairwise([0, *ends])]
    return np.cumsum(np.stack(steps, axis=1), axis=1)


def _counted(patients: Patients, there: BoolArray) -> Seen:
    """Patients and responders of each arm among those who are there, shape (trials,) each."""
    treated, response = patients.treated & there, patients.response & there
    n_t, x_t = treated.sum(axis=1), (response & treated).sum(axis=1)
    return Seen(n_t, there.sum(axis=1) - n_t, x_t, response.sum(axis=1) - x_t)


def _true(setting: Setting) -> float:
    assert not isinstance(setting.truth, DesignPrior)
    rate_t, rate_c = setting.truth.trial_rates()
    return rate_t - rate_c
