"""The looks of a trial that may stop early: what ends it, how often, and how many patients that takes."""

from __future__ import annotations

from anatrial.domain.counts import Look, Region
from anatrial.domain.results import Evaluation, OperatingCharacteristics, PlannedLook
from anatrial.report.boundary import boundary_lines, runs_lines
from anatrial.report.numbers import WIDTH, chance, rate, table, wrapped


def design_text(result: Evaluation, treatment: str, control: str) -> str:
    """Arms and analyses in one sentence."""
    against = f"v {result.look.n_c} on {control}" if result.look.n_c else "in a single arm"
    arms = f"{result.look.n_t} on {treatment} {against}"
    if not result.looks:
        return f"{arms}, one analysis at the end."
    at = ", ".join(totals(planned.look) for planned in result.looks[:-1])
    return f"{arms} at most; looks at the results of {at} and of all, at each of which the trial may stop."


def totals(look: Look) -> str:
    """Patients with a result at a look."""
    return f"{look.n_t} + {look.n_c}" if look.n_c else str(look.n_t)


def looks_lines(result: Evaluation, treatment: str, control: str) -> list[str]:
    """Per look: bounds on the z scale where there are any, patients in the pipeline, and what ends the trial."""
    if not result.looks:
        return []
    lines = _bounds(result)
    if not result.look.n_c and all(_by_count(planned) for planned in result.looks):
        return [*lines, *_single_arm(result, treatment)]
    for number, planned in enumerate(result.looks, start=1):
        last = number == len(result.looks)
        lines.append(f"Look {number}, {totals(planned.look)} patients{_waiting(planned)}")
        success = planned.regions.success
        if success.runs or last:
            lines += [f"  {line}" for line in _success(success, treatment, control)]
        futility = planned.regions.futility
        if not last and futility is not None and futility.runs:
            lines += [f"  {line}" for line in runs_lines(futility, treatment, control, "Futility")]
    return lines


def _success(region: Region, treatment: str, control: str) -> list[str]:
    """At least so many where more are always enough, else every count that is a success."""
    most = {run.x_c: run.last for run in region.runs}  # of the last run of each control count
    enough = all(last == region.look.n_t for last in most.values())
    return boundary_lines(region, treatment, control) if enough else runs_lines(region, treatment, control, "Success")


def _by_count(planned: PlannedLook) -> bool:
    """Whether one arm stops for success from a count on, and for futility up to a count."""
    success, futility = planned.regions.success.runs, planned.regions.futility
    stops = futility.runs if futility is not None else ()
    many = all(run.last == planned.look.n_t for run in success)
    return many and all(run.first == 0 for run in stops) and len(success) < 2 and len(stops) < 2


def _single_arm(result: Evaluation, treatment: str) -> list[str]:
    """One arm: the counts that end the trial at each look, in a row."""
    rows = [(f"Responders on {treatment} that end it", "success at least", "futility at most")]
    for planned in result.looks:
        success, futility = planned.regions.success.runs, planned.regions.futility
        stops = futility.runs if futility is not None and planned is not result.looks[-1] else ()
        first, last = str(success[0].first) if success else "-", str(stops[-1].last) if stops else "-"
        rows.append((f"  of {planned.look.n_t}", first, last))
    pipeline = [f"  look at {planned.look.n_t}{_waiting(planned)}" for planned in result.looks if planned.waiting.n_t]
    return [*table(rows), *pipeline]


def _waiting(planned: PlannedLook) -> str:
    """Who is in the pipeline, and what they could turn around."""
    if not sum(planned.waiting):
        return ""
    turns = {"a success": planned.success_turns, "futility": planned.futility_turns}
    could = [what for what, turn in turns.items() if turn]
    cannot = [what for what, turn in turns.items() if turn is False]
    said = [f"{verb} turn {' or '.join(some)}" for verb, some in (("could", could), ("cannot", cannot)) if some]
    who = f", who {' and '.join(said)} around" if said else ""
    return f" ({totals(planned.waiting)} more in the pipeline{who})"


def _bounds(result: Evaluation) -> list[str]:
    """Bounds of a z test in normal theory, beside what the counts really spend at the worst rate."""
    bounds = [planned.bound for planned in result.looks]
    if any(bound is None for bound in bounds):
        return []
    numbers = range(1, len(bounds) + 1)
    rows = [("Bounds (pooled z)", *(f"look {k}" for k in numbers))]
    rows.append(("  share of the information", *(f"{b.information:.3f}" for b in bounds if b is not None)))
    rows.append(("  success at z of at least", *(_or_dash(b and b.efficacy, "{:.3f}") for b in bounds)))
    rows.append(("  one-sided level", *(_or_dash(b and b.level, "{:.5f}") for b in bounds)))
    if any(b is not None and b.futility is not None for b in bounds):
        rows.append(("  futility at z of at most", *(_or_dash(b and b.futility, "{:.3f}") for b in bounds)))
        rows.append(("    conditional power there, by trend", *(_or_dash(b and b.trend, "{:.3f}") for b in bounds)))
        rows.append(("    predictive power there", *(_or_dash(b and b.predicted, "{:.3f}") for b in bounds)))
        rows.append(("  type II error spent, normal theory", *(_or_dash(b and b.beta, "{:.5f}") for b in bounds)))
    rows.append(("  type I error spent, normal theory", *(_or_dash(b and b.spent, "{:.5f}") for b in bounds)))
    for found in result.characteristics:
        if found.kind == "no_effect":
            at = f"at {rate(round(found.metric('type1_max').at or 0.0, 4))}"
            rows.append((f"  spent in counts, {found.truth} ({at})", *(f"{p:.5f}" for p in found.spent)))
    lines = table(rows)
    if result.inflation is not None:
        factor, power = result.inflation
        lines.append(f"  normal theory: {factor:.4f} times the patients of one analysis with a power of {power:g}")
    return lines


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(round(value, 6) + 0.0)


def _bias(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 3) + 0.0:+.3f}"


def stops_lines(result: Evaluation, found: OperatingCharacteristics, said: str) -> list[str]:
    """Where the trial ends under one truth, how many patients that takes, and how the observed effect errs there."""
    if not found.stops:
        return []
    ends = found.stops
    rows = [(f"Where the trial ends {said}", *(f"look {k}" for k in range(1, len(ends) + 1)))]
    rows.append(("  gets there", *(chance(stop.reached) for stop in ends)))
    rows.append(("  success", *(chance(stop.success) for stop in ends)))
    if any(stop.harm for stop in ends):
        rows.append(("  harm", *(chance(stop.harm) for stop in ends)))
    if any(planned.regions.futility is not None for planned in result.looks[:-1]):
        rows.append(("  futility", *(chance(stop.futility) for stop in ends[:-1]), "-"))
    if any(stop.overlap for stop in ends):
        rows.append(("  success and futility both met", *(chance(stop.overlap) for stop in ends)))
    if any(stop.success_turned is not None for stop in ends):
        rows.append(("  success taken back by pipeline", *(_or_dash_chance(s.success_turned) for s in ends)))
    if any(stop.futility_turned is not None for stop in ends):
        rows.append(("  futility taken back by pipeline", *(_or_dash_chance(s.futility_turned) for s in ends)))
    if found.kind == "points":
        rows.append(("  bias of observed effect if success", *(_bias(s.bias_success) for s in ends)))
        rows.append(("  and if it ends otherwise", *(_bias(s.bias_otherwise) for s in ends)))
    if found.spent and found.spent[-1] > sum(stop.success + stop.harm for stop in ends) + 1e-12:
        rows.append(("  type I error, without stops for futility", *map(chance, found.spent)))
    lines = table(rows)
    if max(map(len, lines)) > WIDTH:
        lines = _long(rows)
    mean, median, most = (found.metric(name).estimate.value for name in ("expected_n", "median_n", "n_90"))
    return [*lines, f"  patients: {mean:.1f} expected, median {median:.0f}, 90th percentile {most:.0f}"]


SHORT = {
    "gets there": "there",
    "success and futility both met": "both met",
    "success taken back by pipeline": "success back",
    "futility taken back by pipeline": "futility back",
    "bias of observed effect if success": "bias, success",
    "and if it ends otherwise": "otherwise",
    "type I error, without stops for futility": "type I error",
}
"""Heads of columns where looks are rows."""


def _long(rows: list[tuple[str, ...]]) -> list[str]:
    """Many looks: the same table with a row per look."""
    heads = [SHORT.get(row[0].strip(), row[0].strip()) for row in rows[1:]]
    turned = [("  look", *heads), *((f"  {k + 1}", *(row[k + 1] for row in rows[1:])) for k in range(len(rows[0]) - 1))]
    return [rows[0][0], *table(turned)]


def _or_dash_chance(value: float | None) -> str:
    return "-" if value is None else chance(value)


def third_lines(found: OperatingCharacteristics) -> list[str]:
    """The three outcomes of a rule that may also say consider."""
    if not found.has("no_go"):
        return []
    go = found.metric("power" if found.has("power") else "assurance").estimate.value
    no_go, consider, both = (found.metric(name).estimate.value for name in ("no_go", "consider", "overlap"))
    said = f"Under {found.truth}: go {chance(go)}, consider {chance(consider)}, no-go {chance(no_go)}"
    if both > 0:
        said += f"; go and no-go would both hold with probability {chance(both)}"
    return wrapped(said)
