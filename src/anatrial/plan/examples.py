"""Example trials: a few of the simulated ones, chosen by description, to read one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.documents.scenario_faults import without_effect
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.counts import Look
from anatrial.domain.examples import ExampleTrial, ExampleTrials, Kind, NotFound, Share
from anatrial.domain.told_trials import ToldTrials
from anatrial.engine.patient_trials import Decided, Simulated
from anatrial.engine.patients import Patients
from anatrial.numerics import BoolArray, FloatArray
from anatrial.plan.example_looks import Narrator, control_history, counted
from anatrial.plan.patients import patients as virtual_patients
from anatrial.plan.patients import virtual_trial
from anatrial.plan.planned import EXTREME, TIE
from anatrial.plan.simulate import truths_to_simulate
from anatrial.plan.told_trials import told_trials
from anatrial.plan.trials import settings
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

SAME = 1e-12  # observed differences that differ by less are the same one
UNTOLD = {
    "recruitment": "recruitment that ends too early",
    "safety": "stops for safety",
    "switch": "what follows the comparison",
}
"""Sections whose consequences the narration leaves to ``anatrial simulate``."""


@overload
def examples(scenario: ResolvedScenario) -> ExampleTrials: ...


@overload
def examples(scenario: ResolvedTrial[Any]) -> ExampleTrials | ToldTrials: ...


def examples(scenario: ResolvedTrial[Any]) -> ExampleTrials | ToldTrials:
    """Up to six trials of the first simulated block, each the first that fits its description; none twice.

    The same scenario, seed included, gives the same trials. ``InputError`` where no truth is one reality, and for
    kinds of trial that cannot be told yet.
    """
    if not isinstance(scenario, ResolvedScenario):
        return told_trials(scenario)
    used = scenario
    hoped, idle = _truths(used)
    trials: list[ExampleTrial] = []
    missing: list[NotFound] = []
    for pick in _picks(used, hoped, idle):
        taken = {trial.number for trial in trials}
        fitting = [row for row in np.flatnonzero(pick.fits).tolist() if row + 1 not in taken]
        if fitting:
            trials.append(_told(used, pick, fitting[0]))
        else:
            missing.append(NotFound(pick.kind, pick.block.name, pick.what, len(pick.fits)))
    plan, arms = used.resolved, used.scenario.arms
    return ExampleTrials(
        scenario=used.name,
        title=plan.title,
        success=plan.rule.said(arms.treatment, arms.control),
        seed=plan.seed,
        trials=tuple(trials),
        not_found=tuple(missing),
        notes=tuple(_notes(plan)),
        scenario_digest=used.digest,
        tool_version=__version__,
    )


@dataclass(frozen=True)
class _Block:
    """The first block of simulated trials under one truth, decided."""

    name: str
    simulated: Simulated
    patients: Patients

    @cached_property
    def decided(self) -> Decided:
        return self.simulated.decided(self.patients)

    @cached_property
    def tellable(self) -> BoolArray:
        """Whether every arm has a patient: where drop-outs leave, one may be empty."""
        single = self.simulated.setting.looks[-1].n_c == 0
        return (self.decided.n_t > 0) & ((self.decided.n_c > 0) | single)

    @property
    def early(self) -> BoolArray:
        return self.decided.look < len(self.simulated.setting.looks) - 1

    @property
    def true_effect(self) -> BoolArray | None:
        """Whether success would be right; None where that is not told."""
        if self.simulated.error:
            return np.zeros_like(self.decided.success)
        if not isinstance(self.simulated.setting.truth, DesignPrior):
            return np.ones_like(self.decided.success)
        least = self.simulated.true_effect
        return None if least is None else self.patients.rate_t - self.patients.rate_c > least

    def rates(self, row: int) -> tuple[float, float | None]:
        """True rates of responders of a trial, after events and drop-out."""
        truth, single = self.simulated.setting.truth, self.simulated.setting.looks[-1].n_c == 0
        rate_t, rate_c = float(self.patients.rate_t[row]), float(self.patients.rate_c[row])
        if isinstance(truth, Points):
            rate_t, rate_c = truth.trial_rates()
        return rate_t, None if single else rate_c


class _Pick(NamedTuple):
    """A description: trials that fit, those that are counted as alike (in words ``what``), and why one was chosen."""

    kind: Kind
    block: _Block
    fits: BoolArray
    alike: BoolArray
    what: str
    why: Callable[[int], str]


def _truths(used: ResolvedScenario) -> tuple[_Block | None, _Block | None]:
    """The truth under which the medicine works (points before design priors), and one under which it does not."""
    plan, names = used.resolved, truths_to_simulate(used)
    idle = [name for name in names if isinstance(plan.truths[name], NoEffect)]
    idle += [name for name in names if _is_idle(plan, name)]
    hoped = [name for name in names if isinstance(plan.truths[name], Points) and name not in idle]
    hoped += [name for name in names if isinstance(plan.truths[name], DesignPrior)]

    def block(name: str) -> _Block:
        simulated = virtual_trial(plan, name)
        _, patients = next(virtual_patients(plan, name, settings(plan)))
        return _Block(name, simulated, patients)

    return block(hoped[0]) if hoped else None, block(idle[0]) if idle else None


def _is_idle(plan: Scenario, name: str) -> bool:
    truth = plan.truths[name]
    return isinstance(truth, Points) and without_effect(plan, truth)


def _picks(used: ResolvedScenario, hoped: _Block | None, idle: _Block | None) -> Iterator[_Pick]:
    """Every description that the scenario has a truth for."""
    if hoped is not None:
        yield from _successes(hoped)
    futile = idle or hoped
    if futile is not None and any(regions.futility is not None for regions in futile.simulated.regions[:-1]):
        yield _futile(futile)
    if hoped is not None and hoped.true_effect is not None:
        yield _missed(used, hoped, hoped.true_effect)
    if idle is not None:
        won = idle.decided.success
        why = "success is declared although there is no effect"
        yield _Pick("false success", idle, won & idle.tellable, won, "succeed without an effect", lambda _: why)
    surprising = [_conflict(used, block) for block in (hoped, idle) if block is not None]
    yield next((pick for pick in surprising if pick.fits.any()), surprising[0])


def _successes(block: _Block) -> Iterator[_Pick]:
    """A success as most are; and an early one, where trials with several looks mostly succeed at the last."""
    decided, looks = block.decided, len(block.simulated.setting.looks)
    won = decided.success & block.tellable
    usual, why = looks - 1, "its observed effect is the median of all successes"
    if looks > 1 and won.any():
        usual = int(np.bincount(decided.look[won]).argmax())
        at = "the last look" if usual == looks - 1 else f"look {usual + 1}"
        why = f"it succeeds at {at}, as most successes do, and its observed effect is the median of those"
    at_usual = won & (decided.look == usual)
    typical = at_usual.copy()
    if won.any():
        typical &= np.abs(decided.effect - np.quantile(decided.effect[at_usual], 0.5, method="lower")) < SAME
    yield _Pick("typical success", block, typical, decided.success, "succeed", lambda _: why)
    if usual == looks - 1 and any(regions.success.runs for regions in block.simulated.regions[:-1]):
        early = won & block.early
        soon = "it stops for success before the last look"
        yield _Pick("early success", block, early, early, "stop early for success", lambda _: soon)


def _futile(block: _Block) -> _Pick:
    early = block.decided.futility & block.early
    why = "it stops for futility before the last look"
    if block.simulated.error:
        why += ", and rightly: there is no effect to be found"
    elif isinstance(block.simulated.setting.truth, Points):
        why += ", although the effect is there"
    return _Pick("early futility", block, early, early, "stop early for futility", lambda _: why)


def _missed(used: ResolvedScenario, block: _Block, works: BoolArray) -> _Pick:
    treatment = used.scenario.arms.treatment
    says = f"{treatment} works" if used.resolved.rule.one_way else "success would have been right"
    missed = works & ~block.decided.success
    what = f"do not succeed although {says}"
    return _Pick(
        "failure", block, missed & block.tellable, missed, what, lambda _: f"it does not succeed although {says}"
    )


def _conflict(used: ResolvedScenario, block: _Block) -> _Pick:
    """A control result in the tails of what history alone predicts; without history, of what the truth does.

    In a single-arm trial it is the result of that arm.
    """
    single = block.simulated.setting.looks[-1].n_c == 0
    arms, prior, found = used.scenario.arms, control_history(used), block.decided
    name, x, n = (arms.treatment, found.x_t, found.n_t) if single else (arms.control, found.x_c, found.n_c)
    expects = "history alone" if prior is not None else "the truth"

    def predicted(total: int) -> FloatArray:
        if prior is not None:
            return prior.informative.predictive(total)
        law = block.simulated.setting.truth.law(Look(total, 0) if single else Look(1, total))
        return np.asarray((law.treatment if single else law.control)[0])

    bounds = {total: surprising(predicted(total)) for total in np.unique(n[block.tellable]).tolist()}
    odd = np.zeros_like(block.tellable)
    for total, (low, high) in bounds.items():
        odd |= (n == total) & ((x <= low) | (x >= high)) & block.tellable

    def why(row: int) -> str:
        total = int(n[row])
        median = int(np.searchsorted(np.cumsum(predicted(total)), 0.5 - TIE))
        low, high = bounds[total]
        limits = [f"at most {low}"] * (low >= 0) + [f"at least {high}"] * (high <= total)
        return (
            f"{x[row]} of {total} respond on {name}, where {expects} expects {median} and {' or '.join(limits)} are a "
            f"surprise (a chance below {EXTREME:g}{' each' if len(limits) > 1 else ''})"
        )

    return _Pick("conflict", block, odd, odd, f"have a result on {name} that surprises {expects}", why)


def surprising(chances: FloatArray) -> tuple[int, int]:
    """The largest count of the lower tail and the least of the upper one, each tail less probable than 0.025.

    ``chances``: probability of 0..n responders, shape (n + 1,). -1 and n + 1 where no count is so unlikely.
    """
    few = np.flatnonzero(np.cumsum(chances) < EXTREME - TIE)
    many = np.flatnonzero(np.cumsum(chances[::-1])[::-1] < EXTREME - TIE)
    return int(few[-1]) if few.size else -1, int(many[0]) if many.size else len(chances)


def _told(used: ResolvedScenario, pick: _Pick, row: int) -> ExampleTrial:
    block = pick.block
    seen = counted(block.simulated, block.patients, row)
    looks, arrivals = Narrator(used, block.simulated).looks(seen)
    rate_t, rate_c = block.rates(row)
    return ExampleTrial(
        kind=pick.kind,
        number=row + 1,
        truth=block.name,
        rate_t=rate_t,
        rate_c=rate_c,
        why=pick.why(row),
        share=Share(pick.what, int(pick.alike.sum()), len(pick.alike)),
        looks=looks,
        patients=seen,
        arrivals=arrivals,
    )


def _notes(plan: Scenario) -> Iterator[str]:
    untold = [said for section, said in UNTOLD.items() if getattr(plan, section) is not None]
    if untold:
        yield f"Told is what the rule decides, not {' or '.join(untold)}: see anatrial simulate."
    if not plan.rule.binding:
        yield "Futility does not bind, but these trials stop for it."
