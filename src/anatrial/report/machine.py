"""Results for machines: everything at full precision as JSON, and the long table as CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from anatrial.domain.counts import Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.results import Estimate, Evaluation, GridTable, SizeSearch, exactly
from anatrial.domain.trial import Cell, Table, TrialEvaluation

SCHEMA_VERSION = 1


def plain(value: Any) -> Any:
    """A value as JSON content: named fields become keys, mixtures lists of [weight, a, b]."""
    if isinstance(value, BetaMixture):
        return [list(part) for part in value.parts]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, (tuple, list, frozenset)):
        return [plain(inner) for inner in value]
    return value


def run_content(result: Evaluation | TrialEvaluation) -> dict[str, Any]:
    """An evaluation as JSON content; regions as runs [control count, first, last]."""
    content: dict[str, Any] = plain(result)
    content["tables"] = [table_content(table) for table in result.tables]
    if isinstance(result, Evaluation):
        _with_regions(content, result)
    content["priors"] = [{"used_as": where, **plain(prior)} for where, prior in result.priors]
    return {"format": "anatrial-run", "version": SCHEMA_VERSION, **content}


def table_content(table: Table) -> dict[str, Any]:
    """A table as JSON content: one object per row, estimates with their bounds and error."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, map(plain, row), strict=True)) for row in table.rows]
    return {"name": table.name, "title": table.title, "note": table.note, "rows": rows}


def table_csv(table: Table) -> bytes:
    """A table as comma-separated text: simulated numbers are followed by their Monte Carlo error."""
    simulated = [any(_mcse(row[k]) is not None for row in table.rows) for k in range(len(table.columns))]
    head: list[str] = []
    for column, has_error in zip(table.columns, simulated, strict=True):
        head += [column.key, f"{column.key}_mcse"] if has_error else [column.key]
    rows = []
    for row in table.rows:
        cells: list[Any] = []
        for cell, has_error in zip(row, simulated, strict=True):
            cells.append(cell.value if isinstance(cell, Estimate) else cell)
            cells += [_mcse(cell)] if has_error else []
        rows.append(tuple(cells))
    return csv_bytes(tuple(head), rows)


def _mcse(cell: Cell) -> float | None:
    return cell.mcse if isinstance(cell, Estimate) else None


def _with_regions(content: dict[str, Any], result: Evaluation) -> None:
    content["regions"] = _regions(result.regions)
    for shown, planned in zip(content["looks"], result.looks, strict=True):
        shown["regions"] = _regions(planned.regions)


def _regions(regions: Regions) -> dict[str, Any]:
    """Runs per decision; futility and overlap only under rules that have them."""
    kinds = {"success": regions.success, "harm": regions.harm, "futility": regions.futility, "overlap": regions.overlap}
    runs = {kind: [list(run) for run in region.runs] for kind, region in kinds.items() if region is not None}
    return {**runs, "ties": plain(regions.ties)}


def size_content(result: SizeSearch) -> dict[str, Any]:
    """A size search as JSON content."""
    return {"format": "anatrial-size", "version": SCHEMA_VERSION, **plain(result)}


def json_bytes(content: Any) -> bytes:
    """JSON text, the same bytes for the same content."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


RUN_COLUMNS = (
    *("scenario", "truth", "kind", "metric", "treatment_rate", "control_rate"),
    *("value", "lower", "upper", "mcse", "draws", "engine"),
)


def run_rows(result: Evaluation | TrialEvaluation) -> list[tuple[Any, ...]]:
    """One row per truth and metric, per rate of each curve and table, and per variant of the analysis prior."""
    if isinstance(result, Evaluation):
        return _counts_rows(result)
    return [
        (result.scenario, found.truth, found.kind, m.name, None, m.at, *m.estimate, _engine(m.estimate))
        for found in result.characteristics
        for m in found.metrics
    ]


def _engine(estimate: Estimate) -> str:
    return "exact" if estimate.mcse is None else "simulated"


def _counts_rows(result: Evaluation) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for found in result.characteristics:
        head = (result.scenario, found.truth, found.kind)
        single = result.look.n_c == 0  # then a rate is the one arm's own
        rows += [
            (*head, m.name, *((m.at, None) if single else (None, m.at)), *m.estimate, _engine(m.estimate))
            for m in found.metrics
        ]
        for curve in found.curves:
            pairs = zip(curve.rates, curve.values, strict=True)
            rows += [(*head, curve.name, *((r, None) if single else (None, r)), *exactly(v), "exact") for r, v in pairs]
        for k, stop in enumerate(found.stops, start=1):
            shares = (
                ("reached", stop.reached),
                ("success", stop.success),
                ("futility", stop.futility),
                ("harm", stop.harm),
            )
            rows += [(*head, f"look{k}_{name}", None, None, *exactly(share), "exact") for name, share in shares]
        if found.table is not None:
            rows += [(*head, *cell, "exact") for cell in _cells(found.table)]
    variants = (*result.borrowing.rows, *result.borrowing.without_study) if result.borrowing else ()
    for variant in variants:
        head = (result.scenario, variant.label, "borrowing")
        power = None if variant.power is None else exactly(variant.power)
        for name, estimate in (("power", power), ("type1_max", variant.type1)):
            if estimate is not None:
                rows.append((*head, name, None, None, *estimate, "exact"))
    return rows


def _cells(table: GridTable) -> list[tuple[Any, ...]]:
    """Metric, rates and estimate of every cell."""
    grids = [("power", table.success)] + ([("harm", table.harm)] if table.harm else [])
    return [
        (name, rate_t, rate_c, *exactly(value))
        for name, grid in grids
        for rate_t, row in zip(table.treatment, grid, strict=True)
        for rate_c, value in zip(table.control, row, strict=True)
    ]


def size_rows(result: SizeSearch) -> list[tuple[Any, ...]]:
    """One row per size and target."""
    return [
        (result.scenario, p.n, p.look.n_t, p.look.n_c, target.said, *estimate, outcome)
        for p in result.points
        for target, estimate, outcome in zip(result.targets, p.estimates, p.outcomes, strict=True)
    ]


SIZE_COLUMNS = (
    "scenario",
    "n",
    "n_treatment",
    "n_control",
    "target",
    "value",
    "lower",
    "upper",
    "mcse",
    "draws",
    "verdict",
)


def csv_bytes(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> bytes:
    """Comma-separated text at full precision; missing values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
