"""What is told of two-stage designs: those that were found, and what each final result would tell."""

from __future__ import annotations

from typing import Any

from anatrial.domain.results import AfterTwoStage, Verdict
from anatrial.numerics.two_stage import TwoStageDesign
from anatrial.plan.two_stage import TwoStageSearch
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import METRICS, beside, chance, columns, p_said, rate, table, wrapped

MOST_ROWS = 24


def two_stage_text(result: TwoStageSearch) -> str:
    """The designs from minimax to optimal, and the lines that put the optimal one into the file."""
    wanted = result.wanted
    lines = [result.title]
    lines += wrapped(
        f"Every two-stage design of {result.first_n} to {result.last_n} patients judged exactly: stop after n1 "
        f"patients with at most r1 responders, succeed with more than r of n. Null rate {rate(wanted.null_rate)}, "
        f"alternative {rate(wanted.alternative_rate)}; type I error at most {wanted.alpha:g}, power at least "
        f"{wanted.power:g}."
    )
    lines.append("")
    if result.optimal is None:
        lines += wrapped(_missed(result))
    else:
        lines += [
            *_designs(result),
            *wrapped(_range(result)),
            *wrapped(_sizes(result)),
            "",
            "To plan with the optimal design, write",
            "",
        ]
        lines += [f"  {line}".rstrip() for line in pasted(result.optimal, wanted.null_rate)]
        lines += ["", "With it", *columns([_verdict(verdict) for verdict in result.verdicts], indent="  ")]
    return "\n".join(lines)


def _verdict(verdict: Verdict) -> tuple[str, ...]:
    bound = f"{verdict.bound.replace('_', ' ')} {rate(verdict.threshold)}"
    value = beside(verdict.estimate.value, verdict.threshold)
    return verdict.outcome, METRICS[verdict.metric], value, bound, f"if {verdict.truth}"


def two_stage_content(result: TwoStageSearch) -> dict[str, Any]:
    """A search for two-stage designs as JSON content, with the lines to paste."""
    lines = [] if result.optimal is None else pasted(result.optimal, result.wanted.null_rate)
    return {"format": "anatrial-two-stage", "version": SCHEMA_VERSION, **plain(result), "scenario_lines": lines}


COLUMNS = ("scenario", "design", *TwoStageDesign._fields)


def two_stage_rows(result: TwoStageSearch) -> list[tuple[Any, ...]]:
    """One row per design, for CSV."""
    return [(result.scenario, _called(design, result), *design) for design in result.admissible]


def pasted(design: TwoStageDesign, null_rate: float) -> list[str]:
    """The design as the lines of a scenario file."""
    return [
        "[design]",
        'kind = "sequential"',
        f"looks = [{{ treatment = {design.n1} }}, {{ treatment = {design.n} }}]",
        "",
        "[rule]",
        'kind = "responders"',
        f"null_rate = {null_rate!r}",
        f"futility_at_most = [{design.r1}]",
        f'success_at_least = ["never", {design.r + 1}]',
    ]


def _called(design: TwoStageDesign, result: TwoStageSearch) -> str:
    names = [name for name, one in (("minimax", result.minimax), ("optimal", result.optimal)) if one == design]
    return " and ".join(names) or "admissible"


def _designs(result: TwoStageSearch) -> list[str]:
    null, other = rate(result.wanted.null_rate), rate(result.wanted.alternative_rate)
    heads = ("", "r1/n1", "r/n", f"n if {null}", f"n if {other}", f"stops if {null}", f"stops if {other}")
    rows = [
        (
            _called(design, result),
            f"{design.r1}/{design.n1}",
            f"{design.r}/{design.n}",
            f"{design.expected_n_null:.1f}",
            f"{design.expected_n_alternative:.1f}",
            chance(design.stops_early_null),
            chance(design.stops_early_alternative),
            beside(design.type_i_error, result.wanted.alpha),
            beside(design.power, result.wanted.power),
        )
        for design in result.admissible
    ]
    return table([(*heads, "type I error", "power"), *rows])


def _range(result: TwoStageSearch) -> str:
    null = rate(result.wanted.null_rate)
    told = f"n if, stops if: expected n and chance to stop early at that rate. Optimal: the least expected n at {null}."
    told += " Minimax: the least n."
    if len(result.admissible) > 2:
        told += " Admissible: best for some weight of n against expected n."
    if result.settled:
        return f"{told} No trial of more than {result.last_n} patients has a smaller expected n than the optimal one."
    return f"{told} More than {result.last_n} patients may have a smaller expected n than this optimum: search further."


def _sizes(result: TwoStageSearch) -> str:
    """From which size on there is a design at all."""
    sizes = result.sizes
    if sizes.safe_n is not None:
        lasting = f"safe_n {sizes.safe_n}, every larger size up to {result.last_n} has one"
        return f"Any design: first_n {sizes.first_n}; {lasting}."
    return f"Any design: first_n {sizes.first_n}; the range ends too soon to call a size safe."


def _missed(result: TwoStageSearch) -> str:
    """What was reached, and where."""
    told = f"No two-stage design of up to {result.last_n} patients reaches it"
    closest = result.closest
    if closest is None:
        return f"{told}: none keeps the type I error and can succeed."
    return (
        f"{told}: with a type I error of at most {result.wanted.alpha:g} the best power is "
        f"{beside(closest.power, result.wanted.power)}, with r1/n1 = {closest.r1}/{closest.n1} and r/n = "
        f"{closest.r}/{closest.n}. Search larger sizes, or ask for less."
    )


def after_lines(found: AfterTwoStage) -> list[str]:
    """Final results in rows: every one, or every few and those at which the decision turns."""
    r1, n1, n = found.stages
    head = f"After the trial, by final result (p-value against {rate(found.null_rate)}, the stop at {n1} accounted for)"
    rows = [("responders", "p-value", "median-unbiased", "UMVUE", f"{100 * found.level:g} % interval", "")]
    step = -(-(n + 1) // MOST_ROWS)
    shown = {0, r1, r1 + 1, found.success - 1, found.success, n} | set(range(0, n + 1, step))
    for result in found.results:
        if result.responders in shown:
            end = (
                "stopped early" if result.responders <= r1 else "success" if result.responders >= found.success else ""
            )
            interval = f"{result.lower:.3f}-{result.upper:.3f}"
            estimates = (f"{result.median_unbiased:.3f}", f"{result.umvue:.3f}")
            said = f"{result.responders} of {result.patients}"
            rows.append((said, p_said(result.p_value), *estimates, interval, end))
    return [head, *table(rows, indent="  ")]
