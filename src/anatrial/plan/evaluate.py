"""Evaluate a scenario: every truth, every target, and what borrowing does."""

from __future__ import annotations

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario, Target
from anatrial.domain.counts import Regions
from anatrial.domain.results import Breach, Evaluation, Metric, OperatingCharacteristics, Verdict, judged
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, null_margin, null_rates
from anatrial.plan.borrowing import borrowing
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def evaluate(scenario: ResolvedScenario) -> Evaluation:
    """Everything that a run computes, exactly: the same input gives the same bytes."""
    resolved = scenario.resolved
    looks = resolved.design.looks()
    regions = resolved.rule.regions(looks)
    look, last = looks[-1], regions[-1]
    planned = next((t for t in resolved.truths.values() if isinstance(t, Points)), None)
    found = tuple(characteristics(name, resolved.rule, last, truth, planned) for name, truth in resolved.truths.items())
    verdicts = tuple(verdict(target, found) for target in resolved.targets)
    return Evaluation(
        scenario=scenario.name,
        title=resolved.title,
        look=look,
        regions=last,
        characteristics=found,
        verdicts=verdicts,
        breaches=(*_breaches(scenario, last, found),),
        borrowing=borrowing(scenario, look, last),
        priors=scenario.priors,
        notes=(*_notes(scenario, last),),
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def verdict(target: Target, found: tuple[OperatingCharacteristics, ...]) -> Verdict:
    """Whether a target holds, from the characteristics of its truth."""
    metric = target_metric(target, next(f for f in found if f.truth == target.truth))
    outcome = judged(metric.estimate, target.bound, target.threshold)
    return Verdict(outcome, target.metric, target.truth, metric.estimate, target.bound, target.threshold, metric.at)


def target_metric(target: Target, found: OperatingCharacteristics) -> Metric:
    """The number that a target asks about; on a grid an upper bound asks about the highest power."""
    if target.metric == "power" and found.kind == "grid" and target.bound == "at_most":
        return found.metric("power_highest")
    return found.metric(target.metric)


def _notes(scenario: ResolvedScenario, regions: Regions) -> list[str]:
    notes = []
    for prior in {p.name: p for _, p in scenario.priors}.values():
        notes += [f"{prior.name} treats as the same: {equated}" for equated in prior.equated]
    truths = scenario.resolved.truths
    if any(isinstance(t, DesignPrior) and t.control is not None for t in truths.values()):
        notes.append("design priors of the two arms are taken as independent")
    analysis = {s for where, prior in scenario.priors if where.startswith("rule.") for s in prior.studies}
    design = {s for where, prior in scenario.priors if where.startswith("truths.") for s in prior.studies}
    if analysis & design:
        shared = ", ".join(sorted(analysis & design))
        notes.append(
            f"analysis prior and design prior share studies ({shared}): the assurance believes its own history"
        )
    notes += [
        f"{tie.x_t} v {tie.x_c} responders lie on the threshold ({tie.value:.12g}): settled {tie.settled}"
        for tie in regions.ties
    ]
    return notes


def _breaches(
    scenario: ResolvedScenario, regions: Regions, found: tuple[OperatingCharacteristics, ...]
) -> list[Breach]:
    """Where the type I error that targets promise for a stated range is passed outside of it."""
    plan, breaches = scenario.resolved, []
    margin = null_margin(plan.rule, regions)
    everywhere = null_rates(plan.rule, regions)
    for target in plan.targets:
        truth = plan.truths[target.truth]
        if target.metric != "type_i_error" or target.bound != "at_most" or not isinstance(truth, NoEffect):
            continue
        peak = next(f for f in found if f.truth == target.truth).metric("type_i_error_everywhere")
        if peak.estimate.upper <= target.threshold or peak.at is None:
            continue
        above, below = (
            type_one.first_crossing(regions, target.threshold, margin, truth.control.lowest, end)
            for end in (everywhere[1], everywhere[0])
        )
        if above is None and below is None:  # an excursion narrower than the steps of the search
            above = peak.at
        breaches.append(Breach(target.truth, target.threshold, above, below, peak.estimate, peak.at))
    return breaches
