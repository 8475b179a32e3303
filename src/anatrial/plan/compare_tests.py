"""Every test for one two-arm trial: the tables on which each rejects, its size and its power, all exact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal, assert_never, get_args, get_origin

from anatrial import __version__
from anatrial.designs.fixed import Fixed
from anatrial.documents.scenario import ResolvedScenario, Scenario, counts_trial
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.counts import Region, Regions
from anatrial.domain.results import judged
from anatrial.domain.test_menu import ChanceOf, ComparedTest, ComparedTests, Decision, ErrorOver, LeftOut
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, null_rates, power
from anatrial.engine.course import crossed
from anatrial.errors import Fault, InputError
from anatrial.plan.evaluate import curve_rates
from anatrial.plan.ports import SILENT, Progress
from anatrial.rules import AnyRule
from anatrial.rules.base import Rule, SidedTest
from anatrial.rules.final import FinalRule
from anatrial.rules.fisher import Fisher
from anatrial.rules.score import Score
from anatrial.rules.unconditional import Unconditional
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

EXACT = (Fisher, Score, Unconditional)
"""Tests that reject at an exact p-value, given the total or at its worst rate: their size cannot pass the level."""


def compare_tests(used: ResolvedTrial[Any], progress: Progress = SILENT) -> ComparedTests:
    """Every test at the scenario's level, side by side; the scenario's own rule is one of them.

    The level and its sidedness are those of the rule where it is a test, else one-sided the strictest upper bound that
    a target sets on the type I error. With a margin only tests that can have one are compared.

    Raises ``InputError`` for one arm, several looks, a rule that does not ask for more on treatment, and where nothing
    states a level.
    """
    scenario = counts_trial(used, "tests")
    plan = scenario.resolved
    _checked(scenario)
    promised = [t.threshold for t in plan.targets if t.metric == "type_i_error" and t.bound == "at_most"]
    level, two_sided = level_of(plan.rule, promised, f"{scenario.name}: targets")
    rules, left_out = menu(level, two_sided=two_sided, margin=plan.rule.null_margin)
    if plan.rule not in rules:
        rules = (plan.rule, *rules)
    known: dict[tuple[Region, Region], Decision] = {}
    tests = []
    for index, rule in enumerate(rules, start=1):
        (regions,) = rule.regions(plan.design.looks())
        tables = (regions.success, regions.harm)
        if tables not in known:
            known[tables] = _decision(chr(ord("A") + len(known)), regions, plan, level)
        tests.append(
            ComparedTest(
                name=written(rule),
                kind=rule.kind,
                said=rule.said(plan.arms.treatment, plan.arms.control),
                own=rule == plan.rule,
                promises_level=isinstance(rule, EXACT),
                ties=regions.ties,
                decision=known[tables],
            )
        )
        progress.advance(index, len(rules))
    return ComparedTests(
        scenario=scenario.name,
        title=plan.title,
        look=plan.design.looks()[0],
        level=level,
        two_sided=two_sided,
        margin=plan.rule.null_margin,
        tests=tuple(tests),
        left_out=left_out,
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def menu(level: float, *, two_sided: bool, margin: float = 0.0) -> tuple[tuple[AnyRule, ...], tuple[LeftOut, ...]]:
    """Every two-arm test of the union of rules in all its variants, and those that do not fit the question.

    Parameters
    ----------
    level
        In (0, 0.5]; of both directions together where ``two_sided``.
    margin
        Treatment rate minus control rate at the edge of no effect, in (-1, 1).
    """
    alpha = {"alpha_two_sided" if two_sided else "alpha": level}
    rules: list[AnyRule] = []
    left_out = []
    for family in get_args(FinalRule):
        if issubclass(family, Score):
            if two_sided:
                left_out.append(LeftOut(_kind(family), f"one-sided only: compare it under alpha = {level / 2:g}"))
            else:
                rules.append(family(kind="score", alpha=level, margin=margin))
        elif issubclass(family, SidedTest) and margin != 0:
            left_out.append(
                LeftOut(_kind(family), "without a margin: whether the rates are equal is all that is asked")
            )
        elif issubclass(family, SidedTest):
            choices = _choices(family, two_sided=two_sided)
            for values in product(*choices.values()):
                variant = dict(zip(choices, values, strict=True))
                rules.append(family.model_validate({"kind": _kind(family), **alpha, **variant}))
    return tuple(rules), tuple(left_out)


def _kind(family: type[Rule]) -> str:
    return str(get_args(family.model_fields["kind"].annotation)[0])


def _choices(family: type[Rule], *, two_sided: bool) -> dict[str, tuple[Any, ...]]:
    """Fields of which a test has variants, with their values; how two sides are counted matters to two sides only."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, field in family.model_fields.items():
        if name == "kind" or (name == "two_sided_by" and not two_sided):
            continue
        if get_origin(field.annotation) is Literal:
            found[name] = get_args(field.annotation)
        elif field.annotation is bool:
            found[name] = (False, True)
    return found


def written(rule: AnyRule) -> str:
    """A rule in the words of a scenario file: its kind, and the variant where it has some."""
    words = []
    if isinstance(rule, SidedTest):
        for name in _choices(type(rule), two_sided=rule.two_sided):
            value = getattr(rule, name)
            words += [name] if value is True else [value] if value else []
    return f"{rule.kind} ({', '.join(words)})" if words else rule.kind


def _checked(scenario: ResolvedScenario) -> None:
    """Refuse a scenario whose trial or question the tests do not fit."""
    plan, name, faults = scenario.resolved, scenario.name, []
    if plan.design.single_arm:
        faults.append(Fault(f"{name}: design", "a single arm", "two arms", "add control patients to compare with"))
    if not isinstance(plan.design, Fixed):
        got, fix = "several looks", 'write kind = "fixed" with the totals of the last look'
        faults.append(Fault(f"{name}: design.kind", got, "one analysis, at the end", fix))
    if not plan.rule.one_way or plan.rule.edge is None:
        expected = "a rule that asks for more on treatment, by a known difference of rates"
        faults.append(
            Fault(f"{name}: rule", f"kind {plan.rule.kind!r}", expected, "the tests answer no other question")
        )
    if faults:
        raise InputError(*faults)


def level_of(rule: AnyRule, promised: Sequence[float], where: str) -> tuple[float, bool]:
    """The level of the tests, and whether it counts both directions: the rule's own, else the strictest promised.

    ``promised``: the upper bounds that targets set on the type I error. ``InputError``, placed at ``where``, where
    nothing states a level.
    """
    if isinstance(rule, SidedTest):
        return rule.level, rule.two_sided
    if isinstance(rule, Score):
        return rule.alpha, False
    if not promised:
        fix = 'add a target with metric = "type_i_error" and at_most = 0.025'
        raise InputError(Fault(where, "no upper bound on the type I error", "a level", fix))
    if not 0 < min(promised) <= 0.5:
        raise InputError(Fault(where, f"type I error at most {min(promised):g}", "a level above 0 and at most 0.5"))
    return min(promised), False


def _decision(letter: str, regions: Regions, plan: Scenario, level: float) -> Decision:
    """What the regions are worth under every truth of the plan."""
    margins, everywhere = null_margins(plan.rule, regions), null_rates(plan.rule, regions)
    ranges: list[tuple[str | None, float, float]] = [(None, *everywhere)]
    chances = []
    for name, truth in plan.truths.items():
        if isinstance(truth, NoEffect):
            ranges.append((name, truth.control.lowest, truth.control.highest))
        else:
            chances.append(ChanceOf(name, truth.kind, *_chances(regions, truth)))
    sizes = []
    for where, lowest, highest in ranges:
        found = type_one.worst(regions, (lowest, highest), *margins)
        size = type_one.estimate(found)
        sizes.append(ErrorOver(where, lowest, highest, size, found.at, judged(size, "at_most", level)))
    rates = curve_rates(plan)
    possible = rates[(rates >= everywhere[0]) & (rates <= everywhere[1])]
    curve = type_one.curve(regions, possible, *margins)
    return Decision(letter, regions.success, regions.harm, tuple(sizes), tuple(chances), curve)


def _chances(regions: Regions, truth: Points | DesignPrior | Grid) -> tuple[float, float]:
    """P(success) and P(harm); over a grid the least of each."""
    match truth:
        case Points() | DesignPrior():
            return power(regions, truth)
        case Grid():
            law = truth.law(regions.look)
            return float(crossed(regions.success, law).min()), float(crossed(regions.harm, law).min())
        case _:
            assert_never(truth)
