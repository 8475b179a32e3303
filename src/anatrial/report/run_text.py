"""What ``anatrial run`` prints: a verdict, what it rests on, where it breaks, and words for a protocol."""

from __future__ import annotations

import math

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.prior import Prior
from anatrial.domain.results import Alternative, Borrowing, Curve, Evaluation, Verdict
from anatrial.report.boundary import boundary_lines
from anatrial.report.numbers import beside, chance, rate, table, wrapped
from anatrial.report.protocol import protocol_text
from anatrial.truths.base import RateTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

NAMES = {
    "power": "power",
    "type_i_error": "type I error",
    "type1_average": "average type I error",
    "assurance": "assurance",
    "true_success": "true success",
}


def run_text(result: Evaluation, used: ResolvedScenario) -> str:
    """The whole output of one scenario."""
    blocks = [
        _head(result, used),
        _verdicts(result, used),
        _priors(result, used),
        _drift(result, used),
        _borrowing(result.borrowing),
        _grids(result, used),
        _assurance(result),
        _estimators(result),
        boundary_lines(result.regions.success, used.scenario.arms.treatment, used.scenario.arms.control),
        _cautions(result, used),
        ["Protocol text:", *wrapped(protocol_text(result, used), indent="  ")],
        [_foot(result)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(result: Evaluation, used: ResolvedScenario) -> list[str]:
    scenario, arms = used.scenario, used.scenario.arms
    endpoint = used.indication.endpoints[scenario.endpoint]
    if result.look.n_c:
        plan = f"{result.look.n_t} on {arms.treatment} v {result.look.n_c} on {arms.control}, one analysis at the end."
    else:
        plan = f"{result.look.n_t} on {arms.treatment}, single arm, one analysis at the end."
    return [
        result.title,
        *wrapped(f"{plan} Counted: {endpoint.definition} ({endpoint.visit})."),
        *wrapped(f"{scenario.rule.said(arms.treatment, arms.control)}  Exact."),
    ]


def _verdicts(result: Evaluation, used: ResolvedScenario) -> list[str]:
    rows = []
    for verdict in result.verdicts:
        value = beside(verdict.estimate.value, verdict.threshold)
        bound = f"{verdict.bound.replace('_', ' ')} {rate(verdict.threshold)}"
        rows.append((verdict.outcome, NAMES[verdict.metric], value, bound, condition(verdict, used)))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4]]) for row in rows]


def condition(verdict: Verdict, used: ResolvedScenario) -> str:
    """The assumption behind a verdict, in words."""
    truth = used.resolved.truths[verdict.truth]
    control = used.scenario.arms.control
    if isinstance(truth, Points):
        rates = [rate(r) for r in truth.trial_rates()[: 1 if truth.rates.control is None else 2]]
        return f"if the rates are {' v '.join(rates)}" if len(rates) > 1 else f"if the rate is {rates[0]}"
    if isinstance(truth, NoEffect):
        whose = f"{control} rates" if used.scenario.design.n.control else "rates without effect"
        found = verdict.estimate
        proven = "" if found.upper - found.lower < 1e-5 else f", proven below {found.upper:.6f}"
        return f"worst for {whose} {rate(truth.control.lowest)}-{rate(truth.control.highest)} (at {rate(verdict.at or 0.0)}){proven}"
    if isinstance(truth, DesignPrior):
        return f"if the rates are drawn from the design priors ({verdict.truth})"
    return f"at the worst of the rates of {verdict.truth}"


def _priors(result: Evaluation, used: ResolvedScenario) -> list[str]:
    lines: list[str] = []
    groups: dict[str, tuple[list[str], Prior]] = {}
    for where, prior in result.priors:
        groups.setdefault(prior.name, ([], prior))[0].append(_use(where))
    for uses, prior in groups.values():
        fresh = " (up to date)" if prior.origin else ""
        lines.append(f"{prior.name}{fresh}: {', '.join(uses)}")
        if prior.origin:
            lines += [f"  {line}" for line in prior_lines(prior)]
    borrowed = result.borrowing
    control = used.scenario.arms.control
    if borrowed and borrowed.predicted:
        median, low, high = borrowed.predicted
        lines.append(f"The analysis prior expects {median} {control} responders of {result.look.n_c} (95 % {low}-{high}).")
    if borrowed and borrowed.kept and borrowed.prior_weight is not None:
        step = max(1, result.look.n_c // 4)
        shown = [k for k in borrowed.kept if k.x % step == 0]
        said = "; ".join(f"{k.weight:.2f} after {k.x} of {result.look.n_c}" for k in shown)
        lines += wrapped(f"Weight of history: {borrowed.prior_weight:.2f} now; {said}")
    return lines


def _use(where: str) -> str:
    if where.startswith("rule."):
        return f"analysis prior of {where.rpartition('.')[2]} (what the final analysis assumes)"
    _, truth, arm = where.split(".")
    return f"design prior of {arm} in {truth} (what we believe now)"


def prior_lines(prior: Prior) -> list[str]:
    """What a derived prior rests on, in words."""
    used = [c for c in prior.contributions if c.weight > 0]
    informative = prior.informative
    low, high = informative.interval()
    shape = f"{informative.said()}, mean {informative.mean:.2f} (95 % {low:.2f}-{high:.2f})"
    if used:
        x, n = sum(c.responders for c in used), sum(c.n for c in used)
        weights = sorted({c.weight for c in used})
        weight = f"weight {weights[0]:g}" if len(weights) == 1 else f"weights {weights[0]:g} to {weights[-1]:g}"
        trials = "1 study" if len(used) == 1 else f"{len(used)} studies"
        shape = f"{x} of {n} in {trials} at {weight}: {shape}"
    elif prior.contributions:
        shape = f"no study counts (weight 0): {shape}, which is only the base prior"
    if prior.robust_weight > 1e-12:
        part = prior.mixture.parts[-1]
        return [
            shape,
            f"+ {100 * prior.robust_weight:.3g} % \"history may not apply\" (Beta({part.a:g}, {part.b:g})). "
            f"Effective n: {informative.effective_n:.3g} without, {prior.mixture.effective_n:.2g} with that part (moment).",
        ]
    return [shape, f"Effective n: {informative.effective_n:.3g} (moment)."]


def _drift(result: Evaluation, used: ResolvedScenario) -> list[str]:
    """Type I error and power as the control rate moves."""
    points = next(((n, t) for n, t in used.resolved.truths.items() if isinstance(t, Points)), None)
    null = next((t for t in used.resolved.truths.values() if isinstance(t, NoEffect)), None)
    if null is None:
        return []
    single = not result.look.n_c
    rates = {null.control.lowest, null.control.highest}
    if points and not single:
        rates.add(points[1].trial_rates()[1])
    first = math.floor(10 * null.control.lowest + 1e-9) - (0 if single else 1)
    last = math.ceil(10 * null.control.highest - 1e-9) + (0 if single else 2)
    rates |= {k / 10 for k in range(max(first, 0), min(last, 10) + 1)}
    type1 = next(c for found in result.characteristics for c in found.curves if c.name == "type1_curve")
    rates = {r for r in rates if min(type1.rates) <= r <= max(type1.rates)}
    columns = sorted(rates)
    label = "Rate without effect" if single else f"True {used.scenario.arms.control} rate"
    rows = [(label, *(rate(r) for r in columns)), ("  type I error", *(chance(_at(type1, r)) for r in columns))]
    if points and not single:
        power = result.of(points[0]).curves[0]
        drug = rate(points[1].trial_rates()[0])
        row = (f"  power if {used.scenario.arms.treatment} {drug}", *(chance(_at(power, r)) for r in columns))
        rows.append(row)
    return table(rows)


def _at(curve: Curve, wanted: float) -> float:
    return curve.values[min(range(len(curve.rates)), key=lambda k: abs(curve.rates[k] - wanted))]


def _borrowing(borrowed: Borrowing | None) -> list[str]:
    if borrowed is None:
        return []
    head = ("What borrowing buys", "certainty", "power", "worst type I")
    return table([head, *(_row(f"  {row.label}", row) for row in (*borrowed.rows, *borrowed.without_study))])


def _row(label: str, row: Alternative) -> tuple[str, ...]:
    power = "-" if row.power is None else chance(row.power)
    return (label, f"{row.certainty:g}", power, "-" if row.type1 is None else chance(row.type1.value))


def _grids(result: Evaluation, used: ResolvedScenario) -> list[str]:
    lines: list[str] = []
    for found in result.characteristics:
        if found.table is None:
            continue
        arms = used.scenario.arms
        lines.append(f"Power under {found.truth} ({arms.treatment} down, {arms.control} across)")
        rows = [("", *(rate(r) for r in found.table.control))]
        rows += [(rate(t), *map(chance, row)) for t, row in zip(found.table.treatment, found.table.success, strict=True)]
        lines += table(rows, indent="  ")
    return lines


def _assurance(result: Evaluation) -> list[str]:
    lines = []
    for found in result.characteristics:
        if not found.has("assurance"):
            continue
        value = {m.name: m.estimate.value for m in found.metrics}
        lines.append(f"Assurance (chance of success given what we know, {found.truth}): {chance(value['assurance'])}")
        lines.append(
            f"  of it true successes {chance(value['true_success'])}, false ones {chance(value['false_success'])}; "
            f"a success is true with probability {chance(value['success_is_true'])}"
        )
        ceiling = f"  ceiling: the effect exists with probability {chance(value['effect_is_true'])}"
        if "power_at_plan" in value:
            ceiling += f"; power at the plan {chance(value['power_at_plan'])},"
            ceiling += f" which is reached with probability {chance(value['plan_is_reached'])}"
        lines.append(ceiling)
        if "type1_average" in value:
            lines.append(f"  type I error averaged over the design prior of the control rate: {chance(value['type1_average'])}")
    return lines


def _estimators(result: Evaluation) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for found in result.characteristics:
        value = {m.name: m.estimate.value for m in found.metrics}
        for name, said in (("observed", "observed"), ("posterior_mean", "posterior mean")):
            coverage = next((k for k in value if k.startswith(name) and k.endswith("_coverage")), None)
            if coverage is None:
                continue
            interval = coverage.removeprefix(f"{name}_").removesuffix("_coverage").replace("_", "-")
            bias = f"{value[f'{name}_bias'] + 0.0:+.4f}"
            rows.append((f"  {said} under {found.truth}", bias, f"{value[f'{name}_mse']:.4f}", f"{chance(value[coverage])} ({interval})"))
        for name, said in (("harm", "P(harm)"), ("rejects", "P(rejects)")):
            if name in value and found.kind == "points":
                rows.append((f"  {said} under {found.truth}", chance(value[name]), "", ""))
        if found.kind == "points":
            rows.append((f"  expected responders under {found.truth}", f"{value['expected_responders']:.1f}", "", ""))
    return table([("Estimate of the effect", "bias", "mean sq. error", "95 % coverage"), *rows]) if rows else []


def _cautions(result: Evaluation, used: ResolvedScenario) -> list[str]:
    lines: list[str] = []
    for note in result.notes:
        lines += wrapped(f"NOTE  {note}")
    borrowed = result.borrowing
    control = used.scenario.arms.control
    if borrowed and borrowed.breaks_at is not None:
        up = math.ceil(borrowed.breaks_at * 1000 - 1e-9) / 1000
        lines += wrapped(f"WARNING  type I error passes {borrowed.promised:g} at a {control} rate of {up:.3f}")
    if borrowed and borrowed.breaks_below is not None:
        down = math.floor(borrowed.breaks_below * 1000 + 1e-9) / 1000
        lines += wrapped(f"WARNING  type I error passes {borrowed.promised:g} below a {control} rate of {down:.3f}")
    for warning in result.warnings:
        lines += wrapped(f"WARNING  {warning}")
    for name, truth in used.resolved.truths.items():
        if isinstance(truth, RateTruth) and truth.dropout is not None and truth.dropout.counted == "excluded":
            n_t = math.ceil(result.look.n_t / (1 - truth.dropout.treatment) - 1e-9)
            n_c = math.ceil(result.look.n_c / (1 - (truth.dropout.control or 0.0)) - 1e-9)
            said = f"{n_t} on treatment" + (f" and {n_c} on {control}" if n_c else "")
            lines += wrapped(f"NOTE  drop-outs leave the analysis under {name}: randomise {said} to analyse the planned numbers")
    return lines


def _foot(result: Evaluation) -> str:
    digests = dict.fromkeys(p.origin.input_digest[:4] for _, p in result.priors if p.origin)
    outcomes = [v.outcome for v in result.verdicts]
    held = "all targets hold" if all(o == "PASS" for o in outcomes) else f"{outcomes.count('PASS')} of {len(outcomes)} targets hold"
    priors = f" prior {', '.join(f'{d}..' for d in digests)}" if digests else ""
    return f"anatrial {result.tool_version} | scenario {result.scenario_digest[:4]}..{priors} | {held} (exit {exit_code(result)})"


def exit_code(result: Evaluation) -> int:
    """0 where all targets hold, 1 where one failed, 3 where one cannot be told at this precision."""
    outcomes = {v.outcome for v in result.verdicts}
    return 1 if "FAIL" in outcomes else 3 if "INCONCLUSIVE" in outcomes else 0
