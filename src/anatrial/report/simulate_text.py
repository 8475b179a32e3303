"""What ``anatrial simulate`` prints, and what ``run --audit`` says of the agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import exactly
from anatrial.domain.simulation import MOST_ERRORS, Compared, Simulation
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import columns, table, wrapped
from anatrial.report.table_lines import shown
from anatrial.report.trial_text import PRECISION, estimate_said, metric_said

COLUMNS = ("scenario", "truth", "metric", "value", "lower", "upper", "mcse", "draws", "exact", "errors")


def simulate_text(result: Simulation, used: ResolvedTrial[Any]) -> str:
    """Every truth with its numbers, their Monte Carlo errors, and the exact ones."""
    blocks = [[*wrapped(result.title), f"Simulated with seed {result.seed}; ± is one Monte Carlo standard error."]]
    names = used.scenario.metric_names()
    for found in result.truths:
        said = used.resolved.truths[found.truth]
        why = wrapped(f"The truth: {said.why}", indent="  ") if getattr(said, "why", None) else []
        head = f"{found.truth}: {found.trials:,} trials, {found.failed:,} without an answer"
        rows = [("  ", "simulated", "exact", "standard errors apart"), *(_row(row, names) for row in found.rows)]
        blocks.append([*wrapped(head), *why, *table(rows)])
    blocks.append([*agreement(result).splitlines(), *wrapped(f"Precision: {PRECISION}.")])
    foot = f"anatrial {result.tool_version} | scenario {result.scenario_digest[:4]}.. | seed {result.seed}"
    return "\n\n".join("\n".join(block) for block in [*blocks, [foot]])


def _row(row: Compared, names: Mapping[str, str]) -> tuple[str, ...]:
    exact = "-" if row.exact is None else estimate_said(row.metric, exactly(round(row.exact.value, 12) + 0.0))
    errors = "-" if row.errors is None else f"{row.errors:.1f}"
    return (f"  {metric_said(row.metric, names)}", estimate_said(row.metric, row.simulated), exact, errors)


def agreement(result: Simulation) -> str:
    """Whether the simulated and the enumerated trial are the same one."""
    compared = [row for found in result.truths for row in found.rows if row.errors is not None]
    if not compared:
        return "Nothing of this trial, as it is simulated, is enumerated: no audit."
    trials = sum(found.trials for found in result.truths)
    said = f"{len(compared)} numbers of {trials:,} virtual trials beside the exact ones"
    furthest = f"the furthest is {result.furthest:.1f} combined standard errors away"
    if result.agrees:
        return "\n".join(wrapped(f"Audit: {said}; {furthest} (limit {MOST_ERRORS:g})."))
    far = [(f.truth, r) for f in result.truths for r in f.rows if r.errors is not None and r.errors > MOST_ERRORS]
    rows = [
        (f"  {t}", metric_said(r.metric), shown(r.simulated, "number"), _exact(r), f"{r.errors:.1f}") for t, r in far
    ]
    head = wrapped(f"Audit: {said}; {furthest}, beyond {MOST_ERRORS:g}: they do not agree.")
    return "\n".join([*head, *columns(rows)])


def _exact(row: Compared) -> str:
    return "-" if row.exact is None else shown(row.exact, "number")


def simulate_content(result: Simulation) -> dict[str, Any]:
    """A simulation as JSON content."""
    furthest = result.furthest
    extra = {"furthest": None if furthest is None else min(furthest, 1e300), "agrees": result.agrees}
    return {"format": "anatrial-simulation", "version": SCHEMA_VERSION, **plain(result), **extra}


def simulate_rows(result: Simulation) -> list[tuple[Any, ...]]:
    """One row per truth and number."""
    return [
        (result.scenario, found.truth, r.metric, *r.simulated, None if r.exact is None else r.exact.value, r.errors)
        for found in result.truths
        for r in found.rows
    ]
