"""Designs side by side: what each needs and brings, under truths of the same name, and which is best in what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from anatrial import __version__
from anatrial.designs.basket import Basket
from anatrial.designs.response_adaptive import ResponseAdaptive
from anatrial.designs.several_arms import SeveralArms
from anatrial.designs.withdrawal import Withdrawal
from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.compared_designs import (
    Better,
    ComparedDesign,
    ComparedDesigns,
    ComparedRow,
    ComparedTruth,
    Mark,
    OnlyOne,
)
from anatrial.domain.results import Estimate, Evaluation, Metric, OperatingCharacteristics, exactly
from anatrial.domain.trial import TrialEvaluation
from anatrial.errors import Fault, InputError
from anatrial.numerics.pareto import CLOSE, SURE
from anatrial.plan.trials import engine
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

MOST_DESIGNS = 8
LESS = frozenset(
    {
        *("patients", "expected_n", "median_n", "n_90", "expected_n_with_safety", "duration", "expected_duration"),
        *("false_success", "observed_mse", "posterior_mean_mse", "too_few", "wrong_way", "expected_imbalance"),
    }
)
LESS_BY_START = ("type1_", "type_i_error", "familywise_error")
MORE = frozenset(
    {
        *("true_success", "success_is_true", "reached", "all_right", "expected_truly_won", "expected_share_on_best"),
        *("best_dose_chosen",),
    }
)
MORE_BY_START = ("power", "assurance", "late_success", "expected_endpoints")
"""What is an error where the treatment does nothing, and better the more there is of it elsewhere."""


class Evaluated(NamedTuple):
    """A scenario with its name in the comparison and what a run tells of it."""

    name: str
    used: ResolvedTrial[Any]
    result: Evaluation | TrialEvaluation


def refuse_number(names: Sequence[str]) -> None:
    """``InputError`` unless these are two to eight scenarios, each once."""
    faults = []
    if not 2 <= len(names) <= MOST_DESIGNS:
        many = "1 scenario" if len(names) == 1 else f"{len(names)} scenarios"
        faults.append(Fault("compare", many, f"2 to {MOST_DESIGNS} scenarios, side by side"))
    for place, name in enumerate(names, start=1):
        if name in names[: place - 1]:
            got = f"{name!r} again, after place {names.index(name) + 1}"
            faults.append(Fault(f"compare, scenario {place}", got, "each scenario once"))
    if faults:
        raise InputError(*faults)


def compare_designs(given: Sequence[Evaluated]) -> ComparedDesigns:
    """Two to eight designs side by side.

    Numbers are set beside each other where two designs have them under truths of the same name. The best of a row is
    marked where it is known what is better, among the designs that assume the same: exact numbers that differ by
    rounding or by what is not proven of them tie, simulated ones up to two combined Monte Carlo standard errors. Where
    the name stands for several realities, the one that most designs share counts; the others are marked as such.
    """
    refuse_number([each.name for each in given])
    truths = tuple(_truth(name, given) for name in _shared(given))
    rows, alone = _design_rows(given), list[OnlyOne]()
    for truth in truths:
        rows += _rows(truth, given, alone)
    for place, each in enumerate(given):
        names = {truth.name for truth in truths}
        alone += [
            OnlyOne(place, found.truth, metric.name, metric.estimate)
            for found in each.result.characteristics
            if found.truth not in names
            for metric in found.metrics
        ]
    every = [value for row in rows for value in row.values if value is not None]
    return ComparedDesigns(
        designs=tuple(_design(each) for each in given),
        truths=truths,
        rows=tuple(rows),
        alone=tuple(alone),
        simulated=any(value.mcse is not None for value in every),
        tool_version=__version__,
    )


def _shared(given: Sequence[Evaluated]) -> list[str]:
    """Names of truths that two designs or more have, in the order in which they come."""
    names = [found.truth for each in given for found in each.result.characteristics]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _design(each: Evaluated) -> ComparedDesign:
    plan, outcomes = each.used.resolved, [verdict.outcome for verdict in each.result.verdicts]
    return ComparedDesign(
        name=each.name,
        title=plan.title,
        kind=plan.design.kind,
        patients=_patients(each.used),
        arms=_arms(each.used),
        looks=len(plan.design.looks()) if isinstance(each.used, ResolvedScenario) else None,
        endpoint=f"{plan.endpoint} of {plan.indication}",
        passed=outcomes.count("PASS"),
        failed=outcomes.count("FAIL"),
        inconclusive=outcomes.count("INCONCLUSIVE"),
        scenario_digest=each.used.digest,
    )


def _patients(used: ResolvedTrial[Any]) -> int:
    """Patients of the trial, if it does not stop early."""
    if isinstance(used, ResolvedScenario):
        return sum(used.resolved.design.looks()[-1])
    machine = engine(used)
    return max(machine.size(used.resolved, name) for name in used.resolved.truths)


def _arms(used: ResolvedTrial[Any]) -> tuple[tuple[str, int], ...]:
    """Patients per arm at the end; none where chance decides how many."""
    design, arms = used.resolved.design, used.scenario.arms
    if isinstance(design, Withdrawal | ResponseAdaptive):
        return ()
    if isinstance(design, Basket):
        return tuple((disease.name, disease.n) for disease in design.diseases)
    if isinstance(design, SeveralArms):
        return (*((dose.name, dose.n) for dose in design.doses), (arms.control, design.control))
    n = design.looks_at[-1] if design.kind == "sequential" else design.n
    both = ((arms.treatment, n.treatment), (arms.control, n.control))
    return tuple((name, many) for name, many in both if many is not None)


def _design_rows(given: Sequence[Evaluated]) -> list[ComparedRow]:
    patients = [exactly(float(_patients(each.used))) for each in given]
    return [ComparedRow(None, "patients", "less", tuple(patients), marks(patients, "less"))]


def _rows(truth: ComparedTruth, given: Sequence[Evaluated], alone: list[OnlyOne]) -> list[ComparedRow]:
    """Every number under a truth that two designs have; what one has alone is added to ``alone``."""
    found = [next((one for one in each.result.characteristics if one.truth == truth.name), None) for each in given]
    rows = []
    for name in dict.fromkeys(metric.name for one in found if one is not None for metric in one.metrics):
        metrics = [one.metric(name) if one is not None and one.has(name) else None for one in found]
        having = [(place, metric) for place, metric in enumerate(metrics) if metric is not None]
        if len(having) == 1:
            alone.append(OnlyOne(having[0][0], truth.name, name, having[0][1].estimate))
            continue
        idle = any(_idle(one, each) for one, each in zip(found, given, strict=True) if one is not None)
        side, values = better(name, idle=idle), tuple(metric and metric.estimate for metric in metrics)
        rows.append(ComparedRow(truth.name, name, side, values, _within(truth, values, side)))
        rows += _places(truth.name, name, metrics)
    return rows


def _places(truth: str, name: str, metrics: Sequence[Metric | None]) -> list[ComparedRow]:
    """The rate at which each design has its worst number, where two have one."""
    places = tuple(None if metric is None or metric.at is None else exactly(metric.at) for metric in metrics)
    if len([place for place in places if place is not None]) < 2:
        return []
    return [ComparedRow(truth, f"{name}_at", None, places, (None,) * len(places))]


def _idle(found: OperatingCharacteristics, each: Evaluated) -> bool:
    """Whether the treatment does nothing under a truth, so that its success is an error."""
    errs = found.has("type1_at") or (found.has("type_i_error") and not isinstance(each.used.resolved.design, Basket))
    return found.kind == "no_effect" or errs


def better(metric: str, *, idle: bool) -> Better | None:
    """Whether more or less of a number is better; None where neither is.

    ``idle``: the treatment does nothing.
    """
    if "bias" in metric:
        return "near_zero"
    if metric in LESS or metric.startswith(LESS_BY_START):
        return "less"
    if metric in MORE or (metric.startswith(MORE_BY_START) and metric != "power_highest" and not idle):
        return "more"
    return None


def marks(values: Sequence[Estimate | None], side: Better | None) -> tuple[Mark | None, ...]:
    """Which values are best: ties all, and whether simulation tells them apart; none where nothing is better."""
    known = [value for value in values if value is not None]
    if side is None or len(known) < 2:
        return (None,) * len(values)
    top = min(known, key=lambda value: _cost(value, side))
    best = [value is not None and _as_good(value, top, side) for value in values]
    chosen = [value for value, good in zip(values, best, strict=True) if good and value is not None]
    unsure = len(chosen) > 1 and any(value.mcse for value in chosen)
    return tuple(("not_told_apart" if unsure else "best") if good else None for good in best)


def _within(truth: ComparedTruth, values: Sequence[Estimate | None], side: Better | None) -> tuple[Mark | None, ...]:
    """The same among the designs of the reality that most share; numbers of other realities stand aside."""
    first = [value if number == 0 else None for value, number in zip(values, truth.realities, strict=True)]
    aside = [value is not None and number != 0 for value, number in zip(values, truth.realities, strict=True)]
    return tuple("other" if beside else mark for mark, beside in zip(marks(first, side), aside, strict=True))


def _cost(value: Estimate, side: Better) -> float:
    match side:
        case "more":
            return -value.value
        case "less":
            return value.value
        case "near_zero":
            return abs(value.value)


def _as_good(value: Estimate, top: Estimate, side: Better) -> bool:
    """Whether a value is no worse than the best one, as far as both are known."""
    apart = _cost(value, side) - _cost(top, side)
    rounding = CLOSE * max(1.0, abs(value.value), abs(top.value))
    if value.mcse is not None or top.mcse is not None:
        return apart <= max(SURE * math.hypot(value.mcse or 0.0, top.mcse or 0.0), rounding)
    overlap = value.lower <= top.upper and top.lower <= value.upper
    return apart <= rounding or (overlap and side != "near_zero")


def _truth(name: str, given: Sequence[Evaluated]) -> ComparedTruth:
    """What a name stands for in each design."""
    found = [_reality(each.used, name) if name in each.used.resolved.truths else None for each in given]
    contents = [one[0] for one in found if one is not None]
    kinds = [content for place, content in enumerate(contents) if content not in contents[:place]]
    kinds.sort(key=contents.count, reverse=True)
    realities = tuple(None if one is None else kinds.index(one[0]) for one in found)
    return ComparedTruth(name, realities, tuple(one and one[1] for one in found))


def _reality(used: ResolvedTrial[Any], name: str) -> tuple[Any, str]:
    """A truth as what can be compared, and in words."""
    plan, arms = used.resolved, used.scenario.arms
    truth = plan.truths[name]
    if isinstance(plan, Scenario):
        return _counted(plan, truth)
    content = truth.model_dump(mode="json", by_alias=True, exclude={"why"})
    return (plan.design.kind, content), truth.said(arms.treatment, arms.control)


def _counted(plan: Scenario, truth: Any) -> tuple[Any, str]:
    """The same of a trial that counts responders: rates as they are after drop-out, edges as the rule has them."""
    single, margin = plan.design.single_arm, plan.rule.null_margin
    beyond = f", margin {margin:+g}" if margin else ""
    if isinstance(truth, Points):
        rates = [round(rate, 12) for rate in truth.trial_rates()][: 1 if single else 2]
        lost = truth.dropout if truth.dropout is not None and truth.dropout.counted == "excluded" else None
        leave = "" if lost is None else ", some leave the analysis"
        return ("points", rates, lost), f"rates {' v '.join(f'{rate:.4g}' for rate in rates)}{leave}"
    if isinstance(truth, NoEffect):
        span = truth.control.lowest, truth.control.highest
        return ("no_effect", single, span, margin), f"rates without effect {span[0]:g} to {span[1]:g}{beyond}"
    content = truth.model_dump(mode="json", by_alias=True, exclude={"why"})
    if isinstance(truth, DesignPrior):
        edge = margin if truth.true_effect is None else truth.true_effect
        priors = [prior.mixture() for prior in (truth.treatment, truth.control) if prior is not None]
        told = [f"mean {prior.mean:.3g}, effective n {prior.effective_n:.3g}" for prior in priors]
        above = f"; an effect counts above {edge:+g}" if edge else ""
        return (content | {"true_effect": edge}), f"design priors {' v '.join(told)}{above}"
    return content, "a table of rates"
