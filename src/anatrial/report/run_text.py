"""What ``anatrial run`` prints: a verdict, what it rests on, where it breaks, and words for a protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Alternative, Breach, Curve, Evaluation, OperatingCharacteristics, Verdict
from anatrial.domain.trial import TrialEvaluation
from anatrial.report.boundary import boundary_lines, runs_lines
from anatrial.report.estimand_text import estimand_lines
from anatrial.report.looks_text import design_text, looks_lines, stops_lines, third_lines
from anatrial.report.numbers import METRICS, beside, chance, hanging, limit, percent, rate, table, wrapped
from anatrial.report.priors_used import prior_lines
from anatrial.report.protocol import counted, protocol_text, randomised
from anatrial.report.table_lines import table_lines
from anatrial.report.why_text import why_lines
from anatrial.truths.base import RateTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


def run_text(result: Evaluation, used: ResolvedScenario) -> str:
    """The whole output of one scenario."""
    arms = used.scenario.arms
    blocks = [
        _head(result, used),
        _verdicts(result, used),
        estimand_lines(result.estimand),
        prior_lines(result, used),
        _drift(result, used),
        _borrowing(result),
        *(_grid(found, arms.treatment, arms.control) for found in result.characteristics),
        *(_assurance(found) for found in result.characteristics),
        [line for found in result.characteristics for line in third_lines(found)],
        *(stops_lines(result, found, _under(found)) for found in result.characteristics),
        _estimators(result),
        *(table_lines(found) for found in result.tables),
        _needed(result, used),
        _after(result),
        why_lines(used.resolved.truths),
        _cautions(result, used),
        ["Protocol text:", *wrapped(protocol_text(result, used), indent="  ")],
        [foot(result)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def exit_code(result: Evaluation | TrialEvaluation) -> int:
    """0 where all targets hold, 1 where one failed, 3 where one cannot be told at this precision."""
    outcomes = {v.outcome for v in result.verdicts}
    return 1 if "FAIL" in outcomes else 3 if "INCONCLUSIVE" in outcomes else 0


def _head(result: Evaluation, used: ResolvedScenario) -> list[str]:
    scenario, arms = used.scenario, used.scenario.arms
    endpoint = used.indication.endpoints[scenario.endpoint]
    return [
        result.title,
        *wrapped(f"{design_text(result, arms.treatment, arms.control)} Counted: {counted(endpoint)}"),
        *wrapped(f"{scenario.rule.said(arms.treatment, arms.control)}  Exact."),
    ]


def _verdicts(result: Evaluation, used: ResolvedScenario) -> list[str]:
    rows = []
    for verdict in result.verdicts:
        value = beside(verdict.estimate.value, verdict.threshold)
        bound = f"{verdict.bound.replace('_', ' ')} {limit(verdict.threshold)}"
        rows.append((verdict.outcome, METRICS[verdict.metric], value, bound, _condition(verdict, used)))
    return hanging(rows)


def _condition(verdict: Verdict, used: ResolvedScenario) -> str:
    """The assumption behind a verdict, in words."""
    truth = used.resolved.truths[verdict.truth]
    match truth:
        case Points():
            rates = [rate(r) for r in truth.trial_rates()]
            said = f"rate is {rates[0]}" if truth.rates.control is None else f"rates are {' v '.join(rates)}"
            return f"if the {said}{_after_drop_out(truth)}"
        case NoEffect():
            whose = "rates without effect" if used.scenario.design.single_arm else f"{used.scenario.arms.control} rates"
            span = f"{rate(truth.control.lowest)}-{rate(truth.control.highest)}"
            sides = "both directions, " if used.resolved.rule.two_sided else ""
            loose = verdict.estimate.upper - verdict.estimate.lower > 2e-6
            proven = f", proven below {verdict.estimate.upper:.6f}" if loose else ""
            return f"{sides}worst for {whose} {span} (at {rate(round(verdict.at or 0.0, 4))}){proven}"
        case DesignPrior():
            return f"if the rates are drawn from the design priors ({verdict.truth})"
        case _:
            return f"at the worst of the rates of {verdict.truth}"


def _after_drop_out(truth: Points) -> str:
    """What the completers' rates were before drop-outs counted as non-responders."""
    if truth.dropout is None or truth.dropout.counted != "as_non_responders":
        return ""
    rates = [rate(r) for r in (truth.rates.treatment, truth.rates.control) if r is not None]
    shares = [percent(d) for d in (truth.dropout.treatment, truth.dropout.control) if d is not None]
    return f" ({' v '.join(rates)} among completers, {' v '.join(shares)} drop out)"


def _drift(result: Evaluation, used: ResolvedScenario) -> list[str]:
    """Type I error and power as the rate moves that nobody knows."""
    plan, null, planned = used.resolved, used.resolved.null, used.resolved.planned
    if null is None:
        return []
    single, arms = not result.look.n_c, used.scenario.arms
    type1 = result.of(plan.name_of(null)).curves[0]
    first = math.floor(10 * null.control.lowest + 1e-9) - 1
    last = math.ceil(10 * null.control.highest - 1e-9) + 2
    spread = [k / 10 for k in range(max(first, 0), min(last, 10) + 1)]
    stated = [t.control for t in plan.truths.values() if isinstance(t, NoEffect)]
    named = {end for span in stated for end in (span.lowest, span.highest)}
    if planned is not None:
        named.add(planned.trial_rates()[0 if single else 1])
    rates = sorted(named | set(spread if len(spread) < 9 else spread[::2]))
    rows = [(f"True {arms.treatment if single else arms.control} rate", *map(rate, rates))]
    last_null = null.control.highest if single else 1.0  # one arm: a higher rate is an effect
    promises = [v.threshold for v in result.verdicts if v.metric == "type_i_error"]
    rows.append(("  type I error", *(_at(type1, r, promises) if r <= last_null else "-" for r in rates)))
    if planned is not None:
        power = result.of(plan.name_of(planned)).curves[0]
        label = "power" if single else f"power if {arms.treatment} {rate(planned.trial_rates()[0])}"
        rows.append((f"  {label}", *(_at(power, r) for r in rates)))
    return table(rows)


def _at(curve: Curve, wanted: float, promises: Sequence[float] = ()) -> str:
    """The curve at one of its own rates, on the right side of every promise; a dash where it has no such rate."""
    for value in (v for r, v in zip(curve.rates, curve.values, strict=True) if abs(r - wanted) < 1e-9):
        close = [p for p in promises if abs(value - p) < 0.0005]
        return beside(value, close[0]) if close else chance(value)
    return "-"


def _borrowing(result: Evaluation) -> list[str]:
    borrowed = result.borrowing
    if borrowed is None:
        return []
    rows = [_variant(row) for row in (*borrowed.rows, *borrowed.without_study)]
    return table([("What borrowing buys", "certainty", "power", "worst type I"), *rows])


def _variant(row: Alternative) -> tuple[str, ...]:
    power = "-" if row.power is None else chance(row.power)
    return (f"  {row.label}", f"{row.certainty:g}", power, "-" if row.type1 is None else chance(row.type1.value))


def _under(found: OperatingCharacteristics) -> str:
    """A truth as it follows a table's name."""
    if found.kind != "no_effect":
        return f"under {found.truth}"
    return f"under {found.truth} at {rate(round(found.metric('type1_max').at or 0.0, 4))}"


def _grid(found: OperatingCharacteristics, treatment: str, control: str) -> list[str]:
    if found.table is None:
        return []
    rows = [("", *map(rate, found.table.control))]
    pairs = zip(found.table.treatment, found.table.success, strict=True)
    rows += [(rate(rate_t), *map(chance, row)) for rate_t, row in pairs]
    return [f"Power under {found.truth} ({treatment} down, {control} across)", *table(rows, indent="  ")]


def _assurance(found: OperatingCharacteristics) -> list[str]:
    if not found.has("assurance"):
        return []
    value = {m.name: chance(m.estimate.value) for m in found.metrics}
    if found.metric("assurance").estimate.value == 0:
        return [f"Assurance (chance of success given what we know, {found.truth}): 0, no result is a success"]
    lines = [f"Assurance (chance of success given what we know, {found.truth}): {value['assurance']}"]
    if "true_success" in value:
        parts = f"true successes {value['true_success']}, false ones {value['false_success']}"
        lines.append(f"  {parts}; a success is a true one with probability {value['success_is_true']}")
        lines.append(f"  the effect exists with probability {value['effect_is_true']}: no trial can promise more")
    if "power_at_plan" in value:
        reached = f"; the plan's effect is reached with probability {value.get('plan_is_reached')}"
        lines.append(f"  power at the plan {value['power_at_plan']}{reached if 'plan_is_reached' in value else ''}")
    if "type1_average" in value:
        lines.append(f"  type I error averaged over the design prior of the control rate: {value['type1_average']}")
    return lines


def _estimators(result: Evaluation) -> list[str]:
    rows: list[tuple[str, ...]] = []
    lines = []
    for found in result.characteristics:
        value = {m.name: m.estimate.value for m in found.metrics}
        for name, said in (("observed", "observed"), ("posterior_mean", "posterior mean")):
            coverage = next((k for k in value if k.startswith(name) and k.endswith("_coverage")), None)
            if coverage is None:
                continue
            interval = coverage.removeprefix(f"{name}_").removesuffix("_coverage").replace("_", "-")
            bias = f"{round(value[f'{name}_bias'], 4) + 0.0:.4f}"
            covers = f"{chance(value[coverage])} ({interval})"
            rows.append((f"  {said}, {found.truth}", bias, f"{value[f'{name}_mse']:.4f}", covers))
        if found.kind == "points":
            directions = ""
            if "harm" in value:
                directions = f"; P(harm) {chance(value['harm'])}, P(rejects) {chance(value['rejects'])}"
            lines.append(f"Expected responders under {found.truth}: {value['expected_responders']:.1f}{directions}")
    head = ("Estimate of the effect", "bias", "mean squared error", "95 % coverage")
    return [*(table([head, *rows]) if rows else []), *lines]


def _needed(result: Evaluation, used: ResolvedScenario) -> list[str]:
    """What success needs: at least so many on treatment, or under a rule that also asks for less any of these."""
    region, arms = result.regions.success, used.scenario.arms
    if result.looks:
        return looks_lines(result, arms.treatment, arms.control)
    no_go = result.regions.futility
    more = runs_lines(no_go, arms.treatment, arms.control, "No-go") if no_go is not None and no_go.runs else []
    if used.resolved.rule.one_way or not region.runs:
        return [*boundary_lines(region, arms.treatment, arms.control), *more]
    return [*runs_lines(region, arms.treatment, arms.control, "Success"), *more]


def _after(result: Evaluation) -> list[str]:
    if result.after is None:
        return []
    from anatrial.report.two_stage_text import after_lines

    return after_lines(result.after)


def _cautions(result: Evaluation, used: ResolvedScenario) -> list[str]:
    control = used.scenario.arms.control if result.look.n_c else "response"
    lines = [line for note in result.notes for line in wrapped(f"NOTE  {note}")]
    lines += [line for breach in result.breaches for line in wrapped(f"WARNING  {_breach(breach, control)}")]
    for name, truth in used.resolved.truths.items():
        if isinstance(truth, RateTruth) and (needed := randomised(result, truth)):
            lines += wrapped(
                f"NOTE  drop-outs leave the analysis under {name}: randomise {needed} to analyse as planned"
            )
    return lines


def _breach(breach: Breach, control: str) -> str:
    said = ["within the stated range"] if breach.inside else []
    if breach.above is not None:
        said.append(f"at a {control} rate of {math.ceil(breach.above * 1000 - 1e-9) / 1000:.3f}")
    if breach.below is not None:
        said.append(f"below a {control} rate of {math.floor(breach.below * 1000 + 1e-9) / 1000:.3f}")
    peak = f" and peaks at {breach.peak.value:.3f} (at {breach.peak_at:.3f})"
    return f"type I error passes {breach.promised:g} {' and '.join(said)}{peak}"


def foot(result: Evaluation | TrialEvaluation) -> str:
    """What identifies the run, and whether its targets hold."""
    digests = dict.fromkeys(p.origin.input_digest[:4] for _, p in result.priors if p.origin)
    priors = f" prior {', '.join(f'{d}..' for d in digests)}" if digests else ""
    outcomes = [v.outcome for v in result.verdicts]
    held = outcomes.count("PASS")
    all_hold = "all targets hold" if held == len(outcomes) else f"{held} of {len(outcomes)} targets hold"
    digest = result.scenario_digest[:4]
    return f"anatrial {result.tool_version} | scenario {digest}..{priors} | {all_hold} (exit {exit_code(result)})"
