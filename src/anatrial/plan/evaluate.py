"""Evaluate a scenario: every truth, every target, and what borrowing does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, overload

import numpy as np

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario, Scenario, Target
from anatrial.documents.scenario_faults import splits, uncertain_benchmark, without_effect
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.counts import ties_said
from anatrial.domain.results import ROUNDING, Breach, Evaluation, Metric, OperatingCharacteristics, Verdict
from anatrial.domain.trial import TrialEvaluation
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, null_margins, null_rates
from anatrial.engine.course import Course, Trial
from anatrial.numerics import FloatArray
from anatrial.plan.borrowing import borrowing, informative_arms
from anatrial.plan.looks import after_looks, nominal_notes, planned, planned_looks
from anatrial.plan.ports import SILENT, Progress
from anatrial.plan.sections import enriched, sections
from anatrial.plan.trials import evaluate_trial
from anatrial.plan.trials import verdict as held
from anatrial.rules.criteria import Criteria
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


@overload
def evaluate(scenario: ResolvedScenario, progress: Progress = ...) -> Evaluation: ...
@overload
def evaluate(scenario: ResolvedTrial[Any], progress: Progress = ...) -> Evaluation | TrialEvaluation: ...
def evaluate(scenario: ResolvedTrial[Any], progress: Progress = SILENT) -> Evaluation | TrialEvaluation:
    """Everything that a run computes: the same input gives the same bytes."""
    return _counts(scenario) if isinstance(scenario, ResolvedScenario) else evaluate_trial(scenario, progress)


def _counts(scenario: ResolvedScenario) -> Evaluation:
    """Everything that a run computes of a trial that counts responders in one arm or two, exactly."""
    plan = scenario.resolved
    run = planned(scenario)
    regions = run.regions[-1] if isinstance(run, Course) else run
    parts = sections(scenario, run)
    found = tuple(enriched(one, parts) for one in counted(plan, run, curve_rates(plan)))
    looks, inflation = planned_looks(plan, run) if isinstance(run, Course) else ((), None)
    return Evaluation(
        scenario=scenario.name,
        title=plan.title,
        estimand=plan.stated_estimand(),
        look=run.look,
        regions=regions,
        looks=looks,
        inflation=inflation,
        after=after_looks(plan, run) if isinstance(run, Course) else None,
        characteristics=found,
        verdicts=tuple(verdict(target, found) for target in plan.targets),
        breaches=(*_breaches(scenario, run, found),),
        borrowing=borrowing(scenario, run),
        tables=tuple(table for part in parts for table in part.tables),
        priors=scenario.priors,
        notes=(*_notes(scenario, run, found), *(note for part in parts for note in part.notes)),
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


SPLIT = {"true_success", "false_success", "success_is_true", "effect_is_true", "plan_is_reached"}
"""Metrics that tell true successes from false ones."""


def _vouched(plan: Scenario, found: OperatingCharacteristics) -> OperatingCharacteristics:
    """Without the numbers that are no errors, or no true successes, under a rule that also asks for less."""
    truth = plan.truths[found.truth]
    unfit: set[str] = set()
    if isinstance(truth, Points) and not without_effect(plan, truth):
        unfit = {"type1_at"}
    elif isinstance(truth, DesignPrior):
        unfit = (set() if splits(plan, truth) else SPLIT) | (set() if plan.rule.edge is not None else {"type1_average"})
    return replace(found, metrics=tuple(metric for metric in found.metrics if metric.name not in unfit))


def counted(plan: Scenario, run: Trial, rates: FloatArray) -> tuple[OperatingCharacteristics, ...]:
    """What happens under each truth of a trial that counts responders; ``rates``: where curves are taken, sorted."""
    return tuple(
        _vouched(plan, characteristics(name, plan.rule, run, truth, rates=rates, planned=plan.planned))
        for name, truth in plan.truths.items()
    )


def curve_rates(plan: Scenario) -> FloatArray:
    """Where curves are taken: 0, 0.005, ..., 1, and the rates that the file names for control (or the one arm)."""
    named: set[float] = set()
    for truth in plan.truths.values():
        if isinstance(truth, NoEffect):
            named |= {truth.control.lowest, truth.control.highest}
        elif isinstance(truth, Points):
            named.add(truth.trial_rates()[0 if plan.design.single_arm else 1])
    return np.unique(np.concatenate([np.linspace(0.0, 1.0, 201).round(3), sorted(named)]))


def verdict(target: Target, found: tuple[OperatingCharacteristics, ...]) -> Verdict:
    """Whether a target holds, from the characteristics of its truth."""
    return held(target, target_metric(target, next(f for f in found if f.truth == target.truth)))


def target_metric(target: Target, found: OperatingCharacteristics) -> Metric:
    """The number that a target asks about.

    The type I error of known rates is that at them, of a range the largest; on a grid an upper bound asks about the
    highest power.
    """
    if target.metric == "type_i_error":
        return found.metric("type1_at" if found.kind == "points" else "type1_max")
    if target.metric == "power" and found.kind == "grid" and target.bound == "at_most":
        return found.metric("power_highest")
    return found.metric(target.metric)


def _breaches(scenario: ResolvedScenario, run: Trial, found: tuple[OperatingCharacteristics, ...]) -> list[Breach]:
    """Where the type I error that targets promise for a stated range is passed, in it or outside of it."""
    plan, breaches = scenario.resolved, []
    margins, everywhere = null_margins(plan.rule, run), null_rates(plan.rule, run)
    for target in plan.targets:
        truth = plan.truths[target.truth]
        if target.metric != "type_i_error" or target.bound != "at_most" or not isinstance(truth, NoEffect):
            continue
        metrics = next(f for f in found if f.truth == target.truth)
        stated, peak = metrics.metric("type1_max"), metrics.metric("type1_max_everywhere")
        if peak.estimate.upper <= target.threshold + ROUNDING or peak.at is None:
            continue
        inside = stated.estimate.lower > target.threshold + ROUNDING
        above = below = None
        if not inside:
            ends = ((truth.control.highest, everywhere[1]), (truth.control.lowest, everywhere[0]))
            above, below = (type_one.first_crossing(run, target.threshold, end, *margins) for end in ends)
            if above is None and below is None:  # an excursion narrower than the steps of the search
                above = peak.at
        breaches.append(Breach(target.truth, target.threshold, inside, above, below, peak.estimate, peak.at))
    return breaches


def _outweighing(scenario: ResolvedScenario) -> list[str]:
    """Analysis priors that are worth more patients than the arm whose data are to update them."""
    look, said = scenario.resolved.design.looks()[-1], []
    planned = {"treatment": look.n_t, "control": look.n_c}
    for where, prior in scenario.priors:
        place, _, arm = where.rpartition(".")
        n = planned.get(arm, 0) if place in {"rule.analysis_prior", "rule.final.analysis_prior"} else 0
        worth = prior.mixture.effective_n
        if 0 < n < worth:
            name = getattr(scenario.scenario.arms, arm)
            said.append(
                f"the analysis prior of {name} is worth {worth:.3g} patients (moment effective n), "
                f"{worth / n:.2g} times the {n} planned: it outweighs the arm's own data"
            )
    return said


def _notes(scenario: ResolvedScenario, run: Trial, found: tuple[OperatingCharacteristics, ...]) -> list[str]:
    plan, notes = scenario.resolved, []
    for prior in {p.name: p for _, p in scenario.priors}.values():
        notes += [f"{prior.name} treats as the same: {equated}" for equated in prior.equated]
    notes += _outweighing(scenario)
    if any(isinstance(t, DesignPrior) and t.control is not None for t in plan.truths.values()):
        notes.append("the rates of the two arms are taken as independent under the design priors")
    analysis = {s for where, prior in scenario.priors if where.startswith("rule.") for s in prior.studies}
    design = {s for where, prior in scenario.priors if where.startswith("truths.") for s in prior.studies}
    if analysis & design:
        shared = ", ".join(sorted(analysis & design))
        notes.append(
            f"analysis prior and design prior share studies ({shared}): the assurance believes its own history"
        )
    if isinstance(plan.rule, Criteria) and (arms := informative_arms(plan.rule, scenario.resolved.design.looks()[-1])):
        notes.append(
            f"the analysis prior of {' and '.join(arms)} holds history: what that buys is told for rules of the kinds "
            "posterior and self_adapting only"
        )
    if isinstance(plan.rule, SelfAdapting) and len(plan.rule.alternatives) == 1:
        high = plan.rule.alternatives[0][0] > plan.rule.history.mean
        notes.append(
            f"the historical mean {'minus' if high else 'plus'} delta is no rate: control results "
            f"{'below' if high else 'above'} that mean never count as a conflict with history"
        )
    if uncertain_benchmark(plan):
        notes.append(
            "history is the rate to beat here: it is not borrowed into an arm, and no result of the trial moves it"
        )
    notes += nominal_notes(plan, found)
    every = run.regions if isinstance(run, Course) else (run,)
    ties = [tie for regions in every for tie in regions.ties]
    return [*notes, *ties_said(ties)]
