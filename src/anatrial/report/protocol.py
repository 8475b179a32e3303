"""A sample-size justification, ready for a protocol."""

from __future__ import annotations

import math

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Evaluation
from anatrial.report.numbers import percent, rate
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def protocol_text(result: Evaluation, used: ResolvedScenario) -> str:
    """Design, power, type I error, prior and assurance in a paragraph."""
    scenario, arms = used.scenario, used.scenario.arms
    endpoint = used.indication.endpoints[scenario.endpoint]
    if result.look.n_c:
        sizes = f"{result.look.n_t} patients on {arms.treatment} and {result.look.n_c} on {arms.control}"
    else:
        sizes = f"{result.look.n_t} patients on {arms.treatment} in a single arm"
    said = [f"The primary endpoint is: {endpoint.definition.rstrip('.')} ({endpoint.visit})."]
    said += _powers(result, used, sizes)
    rule = scenario.rule.said(arms.treatment, arms.control).removeprefix("Success if ").removesuffix(".")
    said.append(f"Success is declared if {rule}.")
    said += _errors(result, used)
    for where, prior in {p.name: (w, p) for w, p in reversed(result.priors) if p.origin}.values():
        kind = "analysis" if where.startswith("rule.") else "design"
        share = f", with weight {prior.robust_weight:.2g} on a vague part" if prior.robust_weight > 1e-12 else ""
        said.append(f"The {kind} prior {prior.name} is {prior.mixture.said()}{share}.")
    for found in result.characteristics:
        if found.has("assurance"):
            value = percent(round(found.metric("assurance").estimate.value, 3))
            said.append(f"Averaged over what is known of the rates, the chance of success is {value}.")
    said.append(f"All probabilities are exact sums over the possible results (anatrial {result.tool_version}).")
    return " ".join(said)


def _powers(result: Evaluation, used: ResolvedScenario, sizes: str) -> list[str]:
    said = []
    for name, truth in used.resolved.truths.items():
        if not isinstance(truth, Points):
            continue
        value = percent(round(result.of(name).metric("power").estimate.value, 3))
        rates = [percent(r) for r in truth.trial_rates()[: 2 if result.look.n_c else 1]]
        if len(rates) == 2:
            assumed = f"response rates of {rates[0]} and {rates[1]}"
        else:
            assumed = f"a response rate of {rates[0]}"
        if truth.dropout is not None and truth.dropout.counted == "as_non_responders":
            assumed += " (drop-outs counted as non-responders)"
        said.append(f"With {sizes} the trial has {value} power under {assumed}.")
    return said


def _errors(result: Evaluation, used: ResolvedScenario) -> list[str]:
    said = []
    for name, truth in used.resolved.truths.items():
        if not isinstance(truth, NoEffect):
            continue
        found, everywhere = result.of(name).metric("type_i_error"), result.of(name).metric("type_i_error_everywhere")
        sides = "two-sided" if used.resolved.rule.two_sided else "one-sided"
        whose = f"{used.scenario.arms.control} rates" if result.look.n_c else "rates without effect"
        span = f"{rate(truth.control.lowest)} to {rate(truth.control.highest)}"
        limit = f"The {sides} type I error is at most {_up(found.estimate.upper)} for {whose} from {span}"
        anywhere = everywhere.estimate.upper
        beyond = f" and at most {_up(anywhere)} for any rate" if found.estimate.upper < anywhere < 0.999 else ""
        said.append(f"{limit}{beyond}.")
    return said


def _up(bound: float) -> str:
    """A bound rounded up, so that it stays a bound."""
    return f"{math.ceil(bound * 10_000 - 1e-9) / 10_000:.4f}"
