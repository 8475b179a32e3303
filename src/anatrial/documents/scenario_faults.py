"""What only the whole scenario file can tell: parts that do not fit together, targets that nothing can answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anatrial.designs.fixed import Fixed
from anatrial.designs.sequential import Sequential
from anatrial.documents.definitions import definition_faults
from anatrial.documents.estimand import estimand_faults, random_n_faults
from anatrial.documents.recruitment import METRICS as RECRUITMENT
from anatrial.documents.recruitment import recruitment_faults
from anatrial.documents.safety import METRICS as SAFETY
from anatrial.documents.safety import safety_faults
from anatrial.documents.switch import METRICS as SWITCH
from anatrial.documents.switch import switch_faults
from anatrial.documents.trial_scenario import unknown_truth
from anatrial.errors import Fault
from anatrial.rules import AnyRule
from anatrial.rules.monitored import decides_last
from anatrial.rules.posterior import Posterior
from anatrial.truths import AnyTruth
from anatrial.truths.base import RateTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario, Target

KINDS: dict[str, tuple[str, ...]] = {
    "power": ("points", "grid"),
    "type_i_error": ("no_effect", "points"),
    "type1_average": ("design_prior",),
    "assurance": ("design_prior",),
    "true_success": ("design_prior",),
    "no_go": ("points", "design_prior"),
    "expected_n": ("points", "design_prior", "no_effect"),
    "power_random_n": ("points",),
    **RECRUITMENT,
    **SWITCH,
    **SAFETY,
}
"""Of which kinds of truth a metric can be asked."""
OF_SECTIONS = frozenset({"power_random_n", *RECRUITMENT, *SWITCH, *SAFETY})
"""Metrics that a further section of the file tells, not the counts alone."""
ONE_ARM = "criteria, exact_binomial, go_no_go, posterior"
ONE_ARM_LOOKS = "exact_sequential, fleming, monitored, responders"


def cross_faults(scenario: Scenario) -> Iterator[Fault]:
    """Every fault between the parts of a scenario; places are named without the file."""
    broken = scenario.design.faults() if isinstance(scenario.design, Sequential) else []
    broken += estimand_faults(scenario)
    yield from broken
    if broken:
        return
    yield from _rule_faults(scenario)
    for name, truth in scenario.truths.items():
        yield from _truth_faults(scenario, f"truths.{name}", truth)
    for index, target in enumerate(scenario.targets):
        yield from _target_faults(scenario, f"targets {index + 1}", target)
    yield from recruitment_faults(scenario)
    yield from random_n_faults(scenario)
    yield from switch_faults(scenario)
    yield from safety_faults(scenario)
    yield from definition_faults(scenario)
    yield from scenario.randomisation.faults(scenario.design.looks()) if scenario.randomisation else ()
    if scenario.size is not None and scenario.design.single_arm and scenario.size.per_arm is None:
        yield Fault("size", "control", "per_arm", "a single-arm trial has no control arm")


def loose_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Targets on unknown truths, told even where other faults keep the scenario from standing."""
    truths, targets = data.get("truths"), data.get("targets")
    if isinstance(truths, dict) and isinstance(targets, list):
        for index, target in enumerate(targets):
            name = target.get("truth") if isinstance(target, dict) else None
            if isinstance(name, str) and name not in truths:
                yield unknown_truth(f"targets {index + 1}", name, truths)


def uncertain_benchmark(scenario: Scenario) -> bool:
    """Whether a single arm is compared with a historical rate that has a prior."""
    rule = decides_last(scenario.rule)
    return scenario.design.single_arm and isinstance(rule, Posterior) and rule.analysis_prior.control is not None


def _rule_faults(scenario: Scenario) -> Iterator[Fault]:
    rule, single = scenario.rule, scenario.design.single_arm
    if (1 if single else 2) not in rule.arms:
        looks, last = scenario.design.kind == "sequential", decides_last(rule)
        fitting = ONE_ARM_LOOKS if looks and last is rule else ONE_ARM
        expected = f"a rule for one arm ({fitting})" if single else "a rule for two arms"
        totals = "the control totals of design.looks" if looks else "design.n.control"
        place, got = ("rule.kind", rule.kind) if last is rule else ("rule.final.kind", getattr(last, "kind", ""))
        yield Fault(place, repr(got), expected, f"or {'add' if single else 'remove'} {totals}")
    elif rule.interim != (scenario.design.kind == "sequential"):
        expected = "a rule that decides at every look" if not rule.interim else "a design with looks"
        fix = "monitored turns any rule into one that may stop early" if not rule.interim else 'kind = "sequential"'
        got = repr(scenario.design.kind if rule.interim else rule.kind)
        yield Fault("design.kind" if rule.interim else "rule.kind", got, expected, fix)
    else:
        yield from rule.misfits(scenario.design.looks())


def _truth_faults(scenario: Scenario, place: str, truth: AnyTruth) -> Iterator[Fault]:
    if isinstance(truth, DesignPrior):
        wanted = not scenario.design.single_arm or uncertain_benchmark(scenario)
        if (truth.control is not None) != wanted:
            what = "of the historical rate" if scenario.design.single_arm else "of the control rate"
            expected = f"a prior {what}" if wanted else "no control prior: the benchmark is a fixed rate"
            yield Fault(place, "a control prior" if truth.control else "no control prior", expected)
    elif isinstance(truth, NoEffect):
        yield from _edge_faults(scenario.rule, place)
        if scenario.rule.edge is not None:
            yield from _range_faults(scenario, place, truth)
    else:
        yield from _arm_faults(scenario, place, truth)


def _edge_faults(rule: AnyRule, place: str) -> Iterator[Fault]:
    """The rule must say where no effect begins."""
    if rule.edge is None:
        got = "a rule whose criteria have several edges, or none between rates"
        yield Fault(place, got, "one edge of no effect", "state it under [rule], such as null = 0")


def _arm_faults(scenario: Scenario, place: str, truth: Points | Grid) -> Iterator[Fault]:
    single = scenario.design.single_arm
    if isinstance(truth, RateTruth):
        for where, *rest in truth.drop_out_faults():
            yield Fault(f"{place}.{where}", *rest)
    if (truth.rates.control is not None) == single:
        expected = "no control rate in a single-arm trial" if single else "a control rate"
        yield Fault(f"{place}.rates", "a control rate" if single else "no control rate", expected)
    if truth.dropout is not None and (truth.dropout.control is not None) == single:
        expected = "no control drop-out in a single-arm trial" if single else "a control drop-out"
        yield Fault(f"{place}.dropout", "a control drop-out" if single else "no control drop-out", expected)


def _range_faults(scenario: Scenario, place: str, truth: NoEffect) -> Iterator[Fault]:
    """The treatment rate without effect must be a rate, and not above a fixed benchmark; its worst must be provable."""
    rule, single = scenario.rule, scenario.design.single_arm
    if not rule.one_way and rule.upper_null is None and (single or rule.null_margin != 0):
        expected = (
            "criteria that all ask for greater, or in a two-arm trial null = 0: else the worst rate is not proven"
        )
        fix = "ask for type_i_error of points truths at the edge of no effect"
        yield Fault(place, "a rule that also asks for less", expected, fix)
        return
    if single and rule.fixed_benchmark is not None:
        if truth.control.highest > rule.fixed_benchmark + 1e-12:
            expected = f"rates up to {rule.fixed_benchmark:g}, the rate to beat"
            yield Fault(f"{place}.control", f"rates up to {truth.control.highest:g}", expected)
        return
    margins, ends = rule.null_margins, (truth.control.lowest, truth.control.highest)
    if not all(any(-1e-12 <= rate + margin <= 1 + 1e-12 for margin in margins) for rate in ends):
        lowest, highest = (rate + rule.null_margin for rate in ends)
        got = f"{lowest:g} to {highest:g} for the treatment rate (control rate + margin {rule.null_margin:g})"
        yield Fault(f"{place}.control", got, "rates from 0 to 1")


def _target_faults(scenario: Scenario, place: str, target: Target) -> Iterator[Fault]:
    if target.truth not in scenario.truths:
        yield unknown_truth(place, target.truth, scenario.truths)
        return
    if target.metric == "expected_n" and isinstance(scenario.design, Fixed):
        yield Fault(f"{place}, metric", target.metric, "a design with looks", "with one analysis the n is fixed")
    if target.metric == "no_go" and not scenario.rule.three_way:
        yield Fault(f"{place}, metric", target.metric, "a rule with three outcomes (go_no_go)", "ask for power")
    yield from _truth_of_target_faults(scenario, place, target)


def _truth_of_target_faults(scenario: Scenario, place: str, target: Target) -> Iterator[Fault]:
    truth = scenario.truths[target.truth]
    if truth.kind not in KINDS[target.metric]:
        kinds = " or ".join(KINDS[target.metric])
        yield Fault(f"{place}, metric", f"{target.metric} of a {truth.kind} truth", f"a truth of kind {kinds}")
    elif target.metric in {"type_i_error", "type1_average"} and scenario.rule.edge is None:
        yield from _edge_faults(scenario.rule, f"{place}, metric")
    elif target.metric == "true_success" and isinstance(truth, DesignPrior) and not splits(scenario, truth):
        expected = "a rule that asks for greater only, and null or true_effect"
        yield Fault(f"{place}, metric", target.metric, expected, "ask for assurance")
    elif target.metric == "type1_average" and not _has_average(scenario):
        expected = "a control rate with a prior, and margin 0"
        yield Fault(f"{place}, metric", target.metric, expected, "ask for type_i_error of a no_effect truth")
    elif target.metric == "type_i_error" and isinstance(truth, Points):
        if uncertain_benchmark(scenario):
            fix = "ask for it of a no_effect truth"
            yield Fault(f"{place}, metric", target.metric, "a fixed benchmark, or a control arm", fix)
        elif not without_effect(scenario, truth):
            got = f"{target.truth!r}, whose rates differ"
            yield Fault(f"{place}, truth", got, "rates without an effect", "ask for power")


def _has_average(scenario: Scenario) -> bool:
    return scenario.rule.null_margin == 0 and (not scenario.design.single_arm or uncertain_benchmark(scenario))


def without_effect(scenario: Scenario, truth: Points) -> bool:
    """Whether success is an error: treatment at the edge of the null, or below where one side counts; beyond a band."""
    rule = scenario.rule
    rate_t, rate_c = truth.trial_rates()
    edge = rule.fixed_benchmark if scenario.design.single_arm else rate_c + rule.null_margin
    if rule.edge is None or edge is None:
        return False
    if rule.upper_null is not None:
        return rate_t <= edge + 1e-12 or rate_t - rate_c >= rule.upper_null - 1e-12
    return abs(rate_t - edge) < 1e-12 or (rule.one_way and not rule.two_sided and rate_t <= edge)


def splits(scenario: Scenario, truth: DesignPrior) -> bool:
    """Whether true and false successes can be told apart: more on treatment is meant, by a known difference."""
    known = scenario.rule.edge is not None or (truth.true_effect is not None and not scenario.design.single_arm)
    return scenario.rule.one_way and known
