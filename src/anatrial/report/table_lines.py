"""A table of results as people read it: labels, aligned columns, numbers rounded where they are shown."""

from __future__ import annotations

from anatrial.domain.results import Estimate
from anatrial.domain.trial import Cell, Form, Table
from anatrial.report.numbers import chance, percent, table, wrapped


def table_lines(found: Table) -> list[str]:
    """The title, the rows under their labels, and the note."""
    if not found.rows:
        return []
    rows = [tuple(column.label for column in found.columns)]
    rows += [
        tuple(shown(cell, column.form) for cell, column in zip(row, found.columns, strict=True)) for row in found.rows
    ]
    notes = wrapped(f"  {found.note}", indent="  ") if found.note else []
    return [found.title, *table(rows, indent="  "), *notes]


def shown(cell: Cell, form: Form) -> str:
    """One cell: a simulated number with its Monte Carlo error, a dash where there is none."""
    if cell is None:
        return "-"
    if isinstance(cell, Estimate):
        value = shown(cell.value, form)
        return value if cell.mcse is None else f"{value} ± {shown_error(cell.mcse, form)}"
    if isinstance(cell, str):
        return cell
    return _number(cell, form)


def _number(value: float, form: Form) -> str:
    match form:
        case "chance":
            return chance(value)
        case "percent":
            return percent(round(value, 4))
        case "count":
            return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:,.1f}"
        case _:
            return f"{value:.4g}"


def shown_error(mcse: float, form: Form) -> str:
    """A Monte Carlo standard error, to two figures."""
    return f"{100 * mcse:.2g} %" if form == "percent" else f"{mcse:.2g}"
