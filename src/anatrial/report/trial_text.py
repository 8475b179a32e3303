"""What ``anatrial run`` prints of a trial of any kind: verdicts, what each truth brings, tables, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Verdict
from anatrial.domain.trial import Form, TrialEvaluation
from anatrial.report.estimand_text import estimand_lines, estimand_text
from anatrial.report.numbers import METRICS, beside, columns, hanging, limit, wrapped
from anatrial.report.priors_used import rests_on
from anatrial.report.run_text import foot
from anatrial.report.table_lines import shown, table_lines, with_error
from anatrial.report.why_text import why_lines

COUNTED = ("expected_", "observed_", "duration", "number_", "n_", "events", "patients", "months", "days")
"""How the names of metrics begin that are no probabilities."""
PRECISION = (
    "a standard error of 0.001 takes p (1 - p) / 0.000001 trials: 250,000 for a probability of 0.5, 90,000 for 0.1"
)


def trial_text(result: TrialEvaluation, used: ResolvedTrial[Any]) -> str:
    """The whole output of one scenario."""
    blocks = [
        _head(result, used),
        _verdicts(result, used),
        estimand_lines(result.estimand),
        _priors(result),
        _characteristics(result, used),
        *(table_lines(found) for found in result.tables),
        why_lines(used.resolved.truths),
        [line for note in _notes(result) for line in wrapped(f"NOTE  {note}")],
        ["Protocol text:", *wrapped(_protocol(result, used), indent="  ")],
        [foot(result)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def engine_said(result: TrialEvaluation) -> str:
    """Whether the numbers are enumerated or simulated."""
    if result.exact:
        return "Exact."
    estimates = [metric.estimate for one in result.characteristics for metric in one.metrics]
    more = " or more" if any((found.draws or 0) > (result.trials or 0) for found in estimates) else ""
    made = f"{result.trials:,}{more} trials per truth"
    said = f"{made}, seed {result.seed}; ± is one Monte Carlo standard error"
    if any(_known(found) for found in estimates):
        return f"Numbers with ± are simulated: {said}; the others are exact."
    return f"Simulated: {said}."


def _known(estimate: Estimate) -> bool:
    """Whether a number was enumerated; one that is the same in every simulated trial was not."""
    return estimate.mcse is None


def _notes(result: TrialEvaluation) -> tuple[str, ...]:
    return result.notes if result.exact else (*result.notes, f"Precision: {PRECISION}.")


def metric_said(name: str, names: Mapping[str, str] | None = None) -> str:
    """The name of a metric in words; ``names``: those that a scenario knows better words for."""
    plain = name.replace("_", " ").replace("type i error", "type I error")
    return (names or {}).get(name) or METRICS.get(name, plain)


def estimate_said(name: str, estimate: Estimate) -> str:
    """A metric's number, with its Monte Carlo error where it has one."""
    return shown(estimate, form_of(name))


def form_of(name: str) -> Form:
    """How the numbers of a metric look."""
    return "number" if name.startswith(COUNTED) else "chance"


def _head(result: TrialEvaluation, used: ResolvedTrial[Any]) -> list[str]:
    endpoint = used.indication.endpoints.get(used.scenario.endpoint)
    counted = f" Endpoint: {endpoint.definition.removesuffix('.')} ({endpoint.visit})." if endpoint else ""
    return [
        result.title,
        *wrapped(f"{result.design}{counted}"),
        *wrapped(f"{result.success}  {engine_said(result)}"),
    ]


def _verdicts(result: TrialEvaluation, used: ResolvedTrial[Any]) -> list[str]:
    return hanging([_verdict(verdict, used) for verdict in result.verdicts])


def _verdict(verdict: Verdict, used: ResolvedTrial[Any]) -> tuple[str, ...]:
    arms = used.scenario.arms
    form = form_of(verdict.metric)
    value = with_error(beside(verdict.estimate.value, verdict.threshold), verdict.estimate, form)
    bound = f"{verdict.bound.replace('_', ' ')} {limit(verdict.threshold)}"
    said = used.resolved.truths[verdict.truth].said(arms.treatment, arms.control)
    return verdict.outcome, metric_said(verdict.metric, used.scenario.metric_names()), value, bound, f"if {said}"


def _priors(result: TrialEvaluation) -> list[str]:
    lines: list[str] = []
    named = {prior.name: prior for _, prior in result.priors if prior.origin}
    for name, prior in named.items():
        uses = ", ".join(where for where, used in result.priors if used.name == name)
        lines += [*wrapped(f"{name} (up to date): {uses}")]
        lines += [line for said in rests_on(prior) for line in wrapped(said, indent="  ")]
    return lines


def _characteristics(result: TrialEvaluation, used: ResolvedTrial[Any]) -> list[str]:
    rows, names = [], used.scenario.metric_names()
    for found in result.characteristics:
        rows += [
            (found.truth if k == 0 else "", metric_said(m.name, names), estimate_said(m.name, m.estimate))
            for k, m in enumerate(found.metrics)
        ]
    return ["Under each truth", *columns(rows, indent="  ")]


def _protocol(result: TrialEvaluation, used: ResolvedTrial[Any]) -> str:
    """A sample-size justification in sentences."""
    arms, said = used.scenario.arms, [result.design, *estimand_text(result.estimand), result.success]
    for verdict in result.verdicts:
        truth = used.resolved.truths[verdict.truth].said(arms.treatment, arms.control)
        value = estimate_said(verdict.metric, verdict.estimate)
        name = metric_said(verdict.metric, used.scenario.metric_names())
        said.append(f"{name[0].upper()}{name[1:]}: {value} if {truth}.")
    return " ".join([*said, f"{_how(result)} (anatrial {result.tool_version})."])


def _how(result: TrialEvaluation) -> str:
    """Which of the numbers that the protocol text quotes were simulated."""
    exact = [_known(verdict.estimate) for verdict in result.verdicts]
    if result.exact or all(exact):
        return "All these probabilities are exact"
    trials = f"{result.trials:,} trials, seed {result.seed}"
    return f"Numbers with ± are simulated in {trials}, the others exact" if any(exact) else f"Simulated in {trials}"
