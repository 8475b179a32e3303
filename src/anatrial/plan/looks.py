"""What is decided at each look of a trial that may stop early."""

from __future__ import annotations

from anatrial.documents.scenario import Scenario
from anatrial.domain.results import AfterTwoStage, OperatingCharacteristics, PlannedLook, ZBound
from anatrial.engine.course import Course
from anatrial.engine.stops import turning
from anatrial.rules.group_sequential import GroupSequential


def planned_looks(plan: Scenario, course: Course) -> tuple[tuple[PlannedLook, ...], float | None]:
    """Every look with its regions and, of a group-sequential z test, its bounds; and the inflation factor of these."""
    bounds: list[ZBound | None] = [None] * len(course.looks)
    inflation = None
    if isinstance(plan.rule, GroupSequential):
        z = plan.rule.bounds(course.looks)
        bounds = [ZBound(*row) for row in zip(z.efficacy, z.levels, z.futility, z.spent, strict=True)]
        inflation = z.inflation
    found = []
    for index, (regions, waiting) in enumerate(zip(course.regions, course.waiting, strict=True)):
        again = course.again[index]
        turns = None if again is None or not regions.success.runs else bool(turning(course, index, again).any())
        found.append(PlannedLook(regions.look, waiting, regions, turns, bounds[index]))
    return tuple(found), inflation


def nominal_notes(plan: Scenario, found: tuple[OperatingCharacteristics, ...]) -> list[str]:
    """Where counts use up more type I error than the normal theory of a group-sequential test promises."""
    if not isinstance(plan.rule, GroupSequential):
        return []
    alpha, notes = plan.rule.alpha, []
    for each in found:
        worst = each.metric("type1_max") if each.has("type1_max") else None
        if worst is not None and worst.estimate.value > alpha:
            promised = f"the bounds promise a one-sided type I error of {alpha:g} in normal theory; with these counts"
            found_at = f"it is {worst.estimate.value:.4f} ({each.truth}, at {worst.at:.3g})"
            notes.append(f"{promised} {found_at}: anatrial calibrate finds levels that hold")
    return notes


def after_looks(plan: Scenario, course: Course) -> AfterTwoStage | None:
    """What each final result of a two-stage single arm tells; None for any other trial."""
    if course.look.n_c or plan.rule.fixed_benchmark is None or len(course.looks) != 2:
        return None
    from anatrial.plan.two_stage import after_two_stage

    return after_two_stage(course.regions, plan.rule.fixed_benchmark)
