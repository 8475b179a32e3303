"""What ``anatrial run`` prints of a trial of any kind: verdicts, what each truth brings, tables, remarks."""

from __future__ import annotations

from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Verdict
from anatrial.domain.trial import TrialEvaluation
from anatrial.report.numbers import METRICS, beside, columns, rate, wrapped
from anatrial.report.priors_used import rests_on
from anatrial.report.run_text import exit_code
from anatrial.report.table_lines import shown, shown_error, table_lines

COUNTED = ("expected_", "observed_", "duration", "number_", "n_", "events", "patients", "months", "days")
"""How the names of metrics begin that are no probabilities."""


def trial_text(result: TrialEvaluation, used: ResolvedTrial[Any]) -> str:
    """The whole output of one scenario."""
    blocks = [
        _head(result, used),
        _verdicts(result, used),
        _priors(result),
        _characteristics(result),
        *(table_lines(found) for found in result.tables),
        [line for note in result.notes for line in wrapped(f"NOTE  {note}")],
        ["Protocol text:", *wrapped(_protocol(result, used), indent="  ")],
        [_foot(result)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def engine_said(result: TrialEvaluation) -> str:
    """Whether the numbers are enumerated or simulated."""
    if result.exact:
        return "Exact."
    return f"Simulated: {result.trials:,} trials per truth, seed {result.seed}; ± is one Monte Carlo standard error."


def metric_said(name: str) -> str:
    """The name of a metric in words."""
    return METRICS.get(name, name.replace("_", " ").replace("type i error", "type I error"))


def estimate_said(name: str, estimate: Estimate) -> str:
    """A metric's number, with its Monte Carlo error where it has one."""
    return shown(estimate, "number" if name.startswith(COUNTED) else "chance")


def _head(result: TrialEvaluation, used: ResolvedTrial[Any]) -> list[str]:
    endpoint = used.indication.endpoints.get(used.scenario.endpoint)
    counted = f" Endpoint: {endpoint.definition.removesuffix('.')} ({endpoint.visit})." if endpoint else ""
    return [
        result.title,
        *wrapped(f"{result.design}{counted}"),
        *wrapped(f"{result.success}  {engine_said(result)}"),
    ]


def _verdicts(result: TrialEvaluation, used: ResolvedTrial[Any]) -> list[str]:
    return columns([_verdict(verdict, used) for verdict in result.verdicts])


def _verdict(verdict: Verdict, used: ResolvedTrial[Any]) -> tuple[str, ...]:
    arms = used.scenario.arms
    value = beside(verdict.estimate.value, verdict.threshold)
    if verdict.estimate.mcse is not None:
        value += f" ± {shown_error(verdict.estimate.mcse, 'number')}"
    bound = f"{verdict.bound.replace('_', ' ')} {rate(verdict.threshold)}"
    said = used.resolved.truths[verdict.truth].said(arms.treatment, arms.control)
    return verdict.outcome, metric_said(verdict.metric), value, bound, f"if {said}"


def _priors(result: TrialEvaluation) -> list[str]:
    lines: list[str] = []
    named = {prior.name: prior for _, prior in result.priors if prior.origin}
    for name, prior in named.items():
        uses = ", ".join(where for where, used in result.priors if used.name == name)
        lines += [*wrapped(f"{name} (up to date): {uses}")]
        lines += [line for said in rests_on(prior) for line in wrapped(said, indent="  ")]
    return lines


def _characteristics(result: TrialEvaluation) -> list[str]:
    rows = []
    for found in result.characteristics:
        rows += [
            (found.truth if k == 0 else "", metric_said(m.name), estimate_said(m.name, m.estimate))
            for k, m in enumerate(found.metrics)
        ]
    return ["Under each truth", *columns(rows, indent="  ")]


def _protocol(result: TrialEvaluation, used: ResolvedTrial[Any]) -> str:
    """A sample-size justification in sentences."""
    arms, said = used.scenario.arms, [result.design, result.success]
    for verdict in result.verdicts:
        truth = used.resolved.truths[verdict.truth].said(arms.treatment, arms.control)
        value = estimate_said(verdict.metric, verdict.estimate)
        said.append(f"The {metric_said(verdict.metric)} is {value} if {truth}.")
    how = (
        "All probabilities are exact" if result.exact else f"Simulated in {result.trials:,} trials, seed {result.seed}"
    )
    return " ".join([*said, f"{how} (anatrial {result.tool_version})."])


def _foot(result: TrialEvaluation) -> str:
    outcomes = [v.outcome for v in result.verdicts]
    held = outcomes.count("PASS")
    all_hold = "all targets hold" if held == len(outcomes) else f"{held} of {len(outcomes)} targets hold"
    digests = dict.fromkeys(p.origin.input_digest[:4] for _, p in result.priors if p.origin)
    priors = f" prior {', '.join(f'{d}..' for d in digests)}" if digests else ""
    digest = result.scenario_digest[:4]
    return f"anatrial {result.tool_version} | scenario {digest}..{priors} | {all_hold} (exit {exit_code(result)})"
