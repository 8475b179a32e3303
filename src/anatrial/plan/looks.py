"""What is decided at each look of a trial that may stop early."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.domain.results import AfterTwoStage, Inflation, OperatingCharacteristics, PlannedLook, ZBound
from anatrial.engine.course import Course, Trial, trial
from anatrial.engine.stops import turning
from anatrial.errors import InputError
from anatrial.numerics.conditional_power import conditional_power, predictive_power, trend
from anatrial.rules.group_sequential import POWER, GroupSequential, ZBounds


def planned(scenario: ResolvedScenario) -> Trial:
    """The trial that a scenario makes; ``InputError`` names the file where its stops contradict each other."""
    try:
        return trial(scenario.resolved.rule, scenario.resolved.design)
    except InputError as error:
        faults = (fault._replace(where=f"{scenario.name}: {fault.where}") for fault in error.faults)
        raise InputError(*faults) from None


def planned_looks(plan: Scenario, course: Course) -> tuple[tuple[PlannedLook, ...], Inflation | None]:
    """Every look with its regions and, of a group-sequential z test, its bounds; and the inflation factor of these."""
    bounds: list[ZBound | None] = [None] * len(course.looks)
    inflation = None
    if isinstance(plan.rule, GroupSequential):
        wanted = next((t.threshold for t in plan.targets if t.metric == "power" and t.bound == "at_least"), POWER)
        power = wanted if plan.rule.one_sided < wanted < 1 else POWER
        z = plan.rule.bounds(course.looks, power)
        bounds = [_bound(z, index) for index in range(len(course.looks))]
        inflation = Inflation(z.inflation, z.power)
    found = []
    for index, (regions, waiting) in enumerate(zip(course.regions, course.waiting, strict=True)):
        success, futility = (
            None if (lost := turning(course, index, decision)) is None else bool(lost.any())
            for decision in ("success", "futility")
        )
        found.append(PlannedLook(regions.look, waiting, regions, success, futility, bounds[index]))
    return tuple(found), inflation


def _bound(z: ZBounds, index: int) -> ZBound:
    futility, final, fraction = z.futility[index], z.efficacy[-1], z.information[index]
    known = None
    if futility is not None and final is not None:
        going_on = conditional_power(futility, fraction, final, drift=trend(futility, fraction))
        known = going_on, predictive_power(futility, fraction, final)
    return ZBound(
        information=fraction,
        efficacy=z.efficacy[index],
        level=z.levels[index],
        futility=futility,
        spent=z.spent[index],
        beta=z.beta[index],
        trend=known and known[0],
        predicted=known and known[1],
    )


def nominal_notes(plan: Scenario, found: tuple[OperatingCharacteristics, ...]) -> list[str]:
    """Where counts use up more type I error than the normal theory of a group-sequential test promises."""
    if not isinstance(plan.rule, GroupSequential):
        return []
    alpha, notes = plan.rule.bounds(plan.design.looks()).spent[-1], []
    sides = "two" if plan.rule.two_sided else "one"
    for each in found:
        worst = each.metric("type1_max") if each.has("type1_max") else None
        if worst is not None and worst.estimate.value > alpha + 1e-6:  # the bounds are that exact
            promised = (
                f"the bounds promise a {sides}-sided type I error of {alpha:.4g} in normal theory; with these counts"
            )
            found_at = f"it is {worst.estimate.value:.4f} ({each.truth}, at {worst.at:.3g})"
            notes.append(f"{promised} {found_at}: anatrial calibrate finds levels that hold")
    return notes


def after_looks(plan: Scenario, course: Course) -> AfterTwoStage | None:
    """What each final result of a two-stage single arm tells; None for any other trial."""
    null_rate = plan.rule.fixed_benchmark
    if null_rate is None or not plan.rule.binding:  # a stop that does not bind may not have been obeyed
        return None
    from anatrial.plan.two_stage import after_two_stage

    return after_two_stage(course.regions, null_rate)
