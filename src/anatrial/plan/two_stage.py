"""Two-stage designs of a single arm: the search that ``anatrial size`` runs for them, and what a final result tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from anatrial import __version__
from anatrial.designs.fixed import ArmSizes
from anatrial.documents.scenario import ResolvedScenario, Scenario, Target, counts_trial
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.counts import Look, Regions
from anatrial.domain.results import AfterTwoStage, SizeAnswer, Verdict, answered
from anatrial.errors import Fault, InputError
from anatrial.numerics.two_stage import TwoStageDesign, Wanted, search
from anatrial.numerics.two_stage_inference import Stages, inference
from anatrial.rules.responders import NEVER, Responders
from anatrial.truths.points import Points

MOST = 500
"""Patients up to which every two-stage design is tried: some 10 seconds."""


@dataclass(frozen=True, slots=True)
class TwoStageSearch:
    """Simon's designs for a scenario: all of a range of sizes were judged."""

    scenario: str
    title: str
    wanted: Wanted
    first_n: int
    last_n: int
    optimal: TwoStageDesign | None
    """The least expected n at the null rate; None where no size of the range keeps what is wanted."""
    minimax: TwoStageDesign | None
    """The least n, and among those the least expected n at the null rate."""
    admissible: tuple[TwoStageDesign, ...]
    """From minimax to optimal, each best for some weight between n and the expected n."""
    settled: bool
    """Whether no larger trial, of whatever size, expects fewer patients than the optimal one."""
    closest: TwoStageDesign | None
    """Where there is no design: the most powerful one that keeps the type I error, if any does."""
    sizes: SizeAnswer
    """Sizes at which any two-stage design keeps type I error and power."""
    verdicts: tuple[Verdict, ...]
    """The optimal design under every target of the file; empty without one."""
    scenario_digest: str
    tool_version: str


def searches_stages(scenario: ResolvedScenario) -> bool:
    """Whether ``anatrial size`` searches two-stage designs for it: counts that are written out fit no other size."""
    return isinstance(scenario.resolved.rule, Responders)


def two_stage(used: ResolvedTrial[Any]) -> TwoStageSearch:
    """Every two-stage design with futility at the first look, for the sizes of ``[size]``.

    The null rate is the rule's; alpha and power, with the rate at which it counts, are those of the targets. The looks
    and counts of the file are not used: the search finds them. Raises ``InputError`` where the file does not say what
    is wanted.
    """
    scenario = counts_trial(used, "size")
    plan = scenario.resolved
    power, error = _wanted(scenario.name, plan)
    truth, rule = plan.truths[power.truth], plan.rule
    assert isinstance(truth, Points)
    assert isinstance(rule, Responders)
    wanted = Wanted(rule.null_rate, truth.trial_rates()[0], error.threshold, power.threshold)
    sizes = _sizes(scenario.name, plan, wanted)
    found = search(wanted, sizes)
    return TwoStageSearch(
        scenario=scenario.name,
        title=plan.title,
        wanted=wanted,
        first_n=sizes[0],
        last_n=sizes[-1],
        optimal=found.optimal,
        minimax=found.minimax,
        admissible=found.admissible,
        settled=found.settled,
        closest=found.closest,
        sizes=answered("two stages", sizes, [n in found.meets for n in sizes]),
        verdicts=_judged(scenario, found.optimal),
        scenario_digest=scenario.digest,
        tool_version=__version__,
    )


def _judged(scenario: ResolvedScenario, optimal: TwoStageDesign | None) -> tuple[Verdict, ...]:
    """What the file's targets say of the optimal design, also those that the search did not look at."""
    from anatrial.plan.evaluate import evaluate

    plan = scenario.resolved
    if optimal is None:
        return ()
    assert isinstance(plan.rule, Responders)
    sizes = (ArmSizes(treatment=optimal.n1), ArmSizes(treatment=optimal.n))
    counts = {"futility_at_most": (optimal.r1,), "success_at_least": (NEVER, optimal.r + 1)}
    design = plan.design.model_copy(update={"looks_at": sizes})
    changed = plan.model_copy(update={"design": design, "rule": plan.rule.model_copy(update=counts)})
    return evaluate(replace(scenario, resolved=changed)).verdicts


def _wanted(name: str, plan: Scenario) -> tuple[Target, Target]:
    """The targets of power and of type I error that the designs must keep."""
    powers = [t for t in plan.targets if t.metric == "power" and t.bound == "at_least"]
    powers = [t for t in powers if isinstance(plan.truths[t.truth], Points)]
    errors = [t for t in plan.targets if t.metric == "type_i_error" and t.bound == "at_most"]
    faults = []
    for what, found in (("power, at_least, of a points truth", powers), ("type_i_error, at_most", errors)):
        if len(found) != 1:
            got = ", ".join(t.said for t in found) or "none"
            faults.append(Fault(f"{name}: targets", got, f"one target on {what}: the search for two stages keeps it"))
    if faults:
        raise InputError(*faults)
    return powers[0], errors[0]


def _sizes(name: str, plan: Scenario, wanted: Wanted) -> range:
    """The sizes to search, where everything else that the search needs stands too."""
    rule, faults = plan.rule, []
    assert isinstance(rule, Responders)
    if rule.success_at_least[0] != NEVER or not rule.binding:
        got = "success at the first look" if rule.binding else "futility that does not bind"
        expected = 'binding futility and no success at the first look: success_at_least = ["never", ...]'
        faults.append(
            Fault(f"{name}: rule", got, expected, "Simon's designs are searched, which stop for futility only")
        )
    if len(plan.design.looks()) != 2:
        fix = "write two looks, or a rule whose boundaries follow the size: fleming, exact_sequential, monitored"
        faults.append(Fault(f"{name}: design", f"{len(plan.design.looks())} looks", "two: the search is Simon's", fix))
    if not wanted.null_rate < wanted.alternative_rate < 1:
        got = f"a power target at the rate {wanted.alternative_rate:g}"
        faults.append(Fault(f"{name}: targets", got, f"a rate above the null rate {wanted.null_rate:g} and below 1"))
    for threshold, metric in ((wanted.alpha, "type_i_error"), (wanted.power, "power")):
        if not 0 < threshold < 1:
            faults.append(Fault(f"{name}: targets, {metric}", f"{threshold:g}", "a probability between 0 and 1"))
    if plan.size is None:
        fix = "add [size] with per_arm = { from = 10, to = 60 }"
        faults.append(Fault(f"{name}: size", "nothing", "a range of sample sizes", fix))
    elif plan.size.sizes[0] < 2 or plan.size.sizes[-1] > MOST:
        got = f"{plan.size.sizes[0]} to {plan.size.sizes[-1]}"
        faults.append(Fault(f"{name}: size.per_arm", got, f"2 to {MOST}: every design of two stages is tried"))
    if faults or plan.size is None:
        raise InputError(*faults)
    return plan.size.sizes


def after_two_stage(regions: tuple[Regions, ...], null_rate: float, level: float = 0.95) -> AfterTwoStage | None:
    """Inference after every final result of a single-arm trial that may stop at its first of two looks for futility.

    None for any other trial, and where the last look never succeeds. ``null_rate`` lies in (0, 1), ``level`` is that of
    the two-sided interval.
    """
    if len(regions) != 2 or regions[0].success.look.n_c or regions[0].success.runs or regions[0].harm.runs:
        return None
    first, last = (found.success.look for found in regions)
    futility = _stopped(regions[0], first)
    success = regions[1].success.staircase
    if futility is None or success is None or success[0] is None:
        return None
    stages = Stages(futility, first.n_t, last.n_t)
    return AfterTwoStage(stages, success[0], null_rate, level, inference(stages, null_rate, level))


def _stopped(regions: Regions, look: Look) -> int | None:
    """The most responders that stop the trial, -1 if none do; None where futility is no run from 0, or always holds."""
    runs = regions.futility.runs if regions.futility is not None else ()
    if not runs:
        return -1
    return runs[0].last if len(runs) == 1 and runs[0].first == 0 and runs[0].last < look.n_t else None
