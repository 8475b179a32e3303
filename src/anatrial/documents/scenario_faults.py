"""What only the whole scenario file can tell: parts that do not fit together, targets that nothing can answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anatrial.errors import Fault
from anatrial.rules import AnyRule
from anatrial.rules.criteria import RATIOS, Criteria
from anatrial.rules.posterior import AnalysisPrior, Posterior
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.spec import nearest
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
}
"""Of which kinds of truth a metric can be asked."""


def cross_faults(scenario: Scenario) -> Iterator[Fault]:
    """Every fault between the parts of a scenario; places are named without the file."""
    yield from _rule_faults(scenario)
    for name, truth in scenario.truths.items():
        yield from _truth_faults(scenario, f"truths.{name}", truth)
    for index, target in enumerate(scenario.targets):
        yield from _target_faults(scenario, f"targets {index + 1}", target)
    if scenario.size is not None and scenario.design.single_arm and scenario.size.per_arm is None:
        yield Fault("size", "control", "per_arm", "a single-arm trial has no control arm")


def loose_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """Targets on unknown truths, told even where other faults keep the scenario from standing."""
    truths, targets = data.get("truths"), data.get("targets")
    if isinstance(truths, dict) and isinstance(targets, list):
        for index, target in enumerate(targets):
            name = target.get("truth") if isinstance(target, dict) else None
            if isinstance(name, str) and name not in truths:
                yield _unknown_truth(f"targets {index + 1}", name, truths)


def _unknown_truth(place: str, name: str, truths: dict[str, Any]) -> Fault:
    return Fault(f"{place}, truth", repr(name), "a truth of this file", nearest(name, truths))


def uncertain_benchmark(scenario: Scenario) -> bool:
    """Whether a single arm is compared with a historical rate that has a prior."""
    rule = scenario.rule
    return scenario.design.single_arm and isinstance(rule, Posterior) and rule.analysis_prior.control is not None


def _rule_faults(scenario: Scenario) -> Iterator[Fault]:
    rule, single = scenario.rule, scenario.design.single_arm
    if (1 if single else 2) not in rule.arms:
        expected = "a rule for one arm (criteria, exact_binomial, posterior)" if single else "a rule for two arms"
        yield Fault("rule.kind", repr(rule.kind), expected, f"or {'add' if single else 'remove'} design.n.control")
    elif isinstance(rule, Posterior):
        yield from _posterior_faults(rule, single=single)
    elif isinstance(rule, SelfAdapting):
        yield from _self_adapting_faults(rule)
    elif isinstance(rule, Criteria):
        yield from _criteria_faults(rule, single=single)


def _self_adapting_faults(rule: SelfAdapting) -> Iterator[Fault]:
    """The control prior is its historical part alone, and the vague part no history."""
    control, place = rule.analysis_prior.control, "rule.analysis_prior.control"
    if control.prior is not None and control.robust_weight != 0:
        got = "a prior with the robust part of its recipe"
        if control.robust_weight is not None:
            got = f"robust_weight = {control.robust_weight:g}"
        expected = "the historical part alone: the rule adds the vague part and finds its weight"
        yield Fault(place, got, expected, f'write {{ prior = "{control.prior}", robust_weight = 0 }}')
    if control.parts is not None and len({part.a + part.b > 2 + 1e-9 for part in control.parts}) > 1:
        got = "parts worth at most two patients beside stronger ones"
        yield Fault(place, got, "the historical part alone", "leave them out: the rule adds rule.vague")
    if rule.vague.prior is not None:
        fix = "write it out: vague = { a = 1, b = 1 }"
        yield Fault("rule.vague", f"the prior {rule.vague.prior!r}", "a prior that holds no history", fix)


def _posterior_faults(rule: Posterior, *, single: bool) -> Iterator[Fault]:
    if single and (rule.benchmark is None) == (rule.analysis_prior.control is None):
        got = "neither" if rule.benchmark is None else "both"
        yield Fault("rule", got, "benchmark (a fixed rate) or analysis_prior.control (an uncertain one)")
    if not single and rule.benchmark is not None:
        yield Fault("rule.benchmark", str(rule.benchmark), "no benchmark in a two-arm trial", "remove it")
    if not single:
        yield from _control_faults(rule.analysis_prior)
    for criterion in rule.criteria:
        if rule.benchmark is not None and not 0 < rule.benchmark + criterion.margin < 1:
            expected = "a margin that keeps benchmark + margin between 0 and 1"
            yield Fault("rule.margin", str(criterion.margin), expected)


def _control_faults(prior: AnalysisPrior) -> Iterator[Fault]:
    if prior.control is None:
        fix = "add control = { a = 1, b = 1 }"
        yield Fault("rule.analysis_prior", "no control", "a prior for the control rate", fix)


def _criteria_faults(rule: Criteria, *, single: bool) -> Iterator[Fault]:
    fits = "'rate': a single arm is compared with fixed rates" if single else f"one of difference, {', '.join(RATIOS)}"
    for index, criterion in enumerate(rule.criteria):
        if single != (criterion.scale == "rate"):
            yield Fault(f"rule.criteria {index + 1}, scale", repr(criterion.scale), fits)
    if single and rule.analysis_prior.control is not None:
        fix = "for an uncertain historical rate there is the rule of kind posterior"
        yield Fault("rule.analysis_prior.control", "a prior", "no control prior in a single-arm trial", fix)
    if not single:
        yield from _control_faults(rule.analysis_prior)
    if rule.null is None:
        return
    if single and not 0 < rule.null < 1:
        yield Fault("rule.null", f"{rule.null:g}", "a rate: a single arm is compared with fixed rates")
    elif not any(criterion.fails_at(rule.null) for criterion in rule.criteria):
        got = f"{rule.null:g}, where the criteria may all be true"
        yield Fault("rule.null", got, "a place where success is an error", "give the edge of one of the criteria")


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
    if not rule.one_way and (single or rule.null_margin != 0):
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
    lowest, highest = (rate + rule.null_margin for rate in (truth.control.lowest, truth.control.highest))
    if lowest < -1e-12 or highest > 1 + 1e-12:
        got = f"{lowest:g} to {highest:g} for the treatment rate (control rate + margin {rule.null_margin:g})"
        yield Fault(f"{place}.control", got, "rates from 0 to 1")


def _target_faults(scenario: Scenario, place: str, target: Target) -> Iterator[Fault]:
    if target.truth not in scenario.truths:
        yield _unknown_truth(place, target.truth, scenario.truths)
        return
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
    """Whether the rates show no effect: treatment at the edge of the null, or below it where one side counts."""
    rule = scenario.rule
    rate_t, rate_c = truth.trial_rates()
    edge = rule.fixed_benchmark if scenario.design.single_arm else rate_c + rule.null_margin
    if rule.edge is None or edge is None:
        return False
    return abs(rate_t - edge) < 1e-12 or (rule.one_way and not rule.two_sided and rate_t <= edge)


def splits(scenario: Scenario, truth: DesignPrior) -> bool:
    """Whether true and false successes can be told apart: more on treatment is meant, by a known difference."""
    known = scenario.rule.edge is not None or (truth.true_effect is not None and not scenario.design.single_arm)
    return scenario.rule.one_way and known
