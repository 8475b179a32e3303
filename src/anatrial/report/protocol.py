"""A sample-size justification, ready for a protocol."""

from __future__ import annotations

import math

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.evidence import Endpoint
from anatrial.domain.results import Evaluation
from anatrial.plan.caveats import without_evidence
from anatrial.report.estimand_text import estimand_text
from anatrial.report.looks_text import totals
from anatrial.report.numbers import patients, percent, rate
from anatrial.report.protocol_sections import section_sentences
from anatrial.rules.monitored import decides_last
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.truths.base import RateTruth
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def protocol_text(result: Evaluation, used: ResolvedScenario) -> str:
    """Design, power, type I error, priors, assurance and what further sections make of them, in a paragraph."""
    scenario, arms = used.scenario, used.scenario.arms
    rule = scenario.rule.said(arms.treatment, arms.control).removeprefix("Success if ").removesuffix(".")
    said = [
        f"The primary endpoint is: {counted(used.indication.endpoints[scenario.endpoint])}",
        *estimand_text(result.estimand),
        *_powers(result, used),
        f"Success is declared if {rule}.",
        *_analysis_priors(result, used),
        *_errors(result, used),
    ]
    for found in result.characteristics:
        if found.has("assurance"):
            value = percent(round(found.metric("assurance").estimate.value, 3))
            said.append(_assurance(value, without_evidence(result.priors, found.truth)))
    said += section_sentences(result, used)
    said.append(f"All probabilities are exact sums over the possible results (anatrial {result.tool_version}).")
    return " ".join(said)


def _assurance(value: str, baseless: tuple[str, ...]) -> str:
    """Assurance as what it is: an average over what is known, or over the width of a prior that no study supports."""
    if not baseless:
        return f"Averaged over what is known of the rates, the chance of success is {value}."
    return (
        f"Averaged over a design prior that rests on no study ({', '.join(baseless)}), the chance of success is "
        f"{value}: that is the width of the prior, not evidence."
    )


def counted(endpoint: Endpoint) -> str:
    """What counts as a response, with its visit; where fewer is better, that is the absence of the event."""
    absence = "a patient responds who is free of this: " if endpoint.better == "fewer" else ""
    return f"{absence}{endpoint.definition.rstrip('.')} ({endpoint.visit})."


def randomised(result: Evaluation, truth: RateTruth) -> str:
    """How many to randomise per arm where drop-outs leave the analysis; empty where they do not."""
    if truth.dropout is None or truth.dropout.counted != "excluded":
        return ""
    pairs = ((result.look.n_t, truth.dropout.treatment), (result.look.n_c, truth.dropout.control or 0.0))
    return " + ".join(str(math.ceil(n / (1 - share) - 1e-9)) for n, share in pairs if n)


def _powers(result: Evaluation, used: ResolvedScenario) -> list[str]:
    arms, powers, extra = used.scenario.arms, [], []
    for name, truth in used.resolved.truths.items():
        if not isinstance(truth, Points):
            continue
        value = percent(round(result.of(name).metric("power").estimate.value, 3))
        rates = [percent(r) for r in truth.trial_rates()[: 2 if result.look.n_c else 1]]
        several = f"response rates of {' and '.join(rates)}" if len(rates) > 1 else f"a response rate of {rates[0]}"
        lost = truth.dropout is not None and truth.dropout.counted == "as_non_responders"
        powers.append(f"{value} under {several}{' (drop-outs counted as non-responders)' if lost else ''}")
        if needed := randomised(result, truth):
            extra.append(f"To analyse as many in spite of drop-out, {needed} are randomised.")
    sizes = f"{patients(result.look.n_t)} on {arms.treatment}"
    sizes += f" and {result.look.n_c} on {arms.control}" if result.look.n_c else " in a single arm"
    most = "at most " if result.looks else ""
    said = f"With {most}{sizes} the power is {', and '.join(powers)}." if powers else f"The trial has {most}{sizes}."
    return [said, *dict.fromkeys(extra), *_stopping(result)]


def _stopping(result: Evaluation) -> list[str]:
    """The interim looks, and how many patients the trial takes on average."""
    if not result.looks:
        return []
    at = ", ".join(totals(planned.look) for planned in result.looks[:-1])
    means = [f"{f.metric('expected_n').estimate.value:.1f} under {f.truth}" for f in result.characteristics if f.stops]
    return [f"Interim analyses at {at} patients may stop it early; expected numbers are {', '.join(means)}."]


def _analysis_priors(result: Evaluation, used: ResolvedScenario) -> list[str]:
    said = []
    for where, prior in result.priors:
        if not where.startswith("rule.") or where.startswith("rule.stops"):
            continue
        if where.endswith(".vague"):
            said.append(f"Its vague part is {prior.mixture.said()}.")
            continue
        arm = where.rpartition(".")[2]
        name = getattr(used.scenario.arms, arm)
        known = f", from {len(prior.studies)} published studies," if prior.studies else ""
        vague = f" (weight {prior.robust_weight:.2g} on a vague part)" if prior.robust_weight > 1e-12 else ""
        benchmark = arm == "control" and used.scenario.design.single_arm
        what = f"historical {name} rate to beat" if benchmark else f"analysis prior of the {name} rate"
        if arm == "control" and isinstance(decides_last(used.scenario.rule), SelfAdapting):
            what = f"historical part of the {what}"
        said.append(f"The {what}{known} is {prior.mixture.said()}{vague}.")
    return said


def _errors(result: Evaluation, used: ResolvedScenario) -> list[str]:
    said = []
    for name, truth in used.resolved.truths.items():
        if not isinstance(truth, NoEffect):
            continue
        found, everywhere = result.of(name).metric("type1_max"), result.of(name).metric("type1_max_everywhere")
        sides = "two-sided " if used.resolved.rule.two_sided else "one-sided "
        sides = sides if used.resolved.rule.upper_null is None else ""
        whose = f"{used.scenario.arms.control} rates" if result.look.n_c else "rates without effect"
        span = f"{rate(truth.control.lowest)} to {rate(truth.control.highest)}"
        limit = f"The {sides}type I error is at most {_up(found.estimate.upper)} for {whose} from {span}"
        more = everywhere.estimate.upper > found.estimate.upper
        said.append(f"{limit}{f' and at most {_up(everywhere.estimate.upper)} for any rate' if more else ''}.")
    return said


def _up(bound: float) -> str:
    """A bound rounded up, so that it stays a bound."""
    return f"{min(math.ceil(bound * 10_000 - 1e-9) / 10_000, 1.0):.4f}"
