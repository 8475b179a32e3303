"""A table of results as people read it: labels, aligned columns, numbers rounded where they are shown."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from anatrial.domain.results import Estimate
from anatrial.domain.trial import Cell, Form, Table
from anatrial.report.numbers import WIDEST, chance, percent, wrapped

NO_BREAK = "\N{NO-BREAK SPACE}"
FOLDED = 30  # letters of a folded column of words
NARROW = 24  # the same where the table is still too wide


def table_lines(found: Table) -> list[str]:
    """The title, the rows under their labels, and the note; words to the left, numbers to the right."""
    if not found.rows:
        return []
    labels = [column.label for column in found.columns]
    rows = [[shown(cell, column.form) for cell, column in zip(row, found.columns, strict=True)] for row in found.rows]
    widths = _widths(found, labels, rows)
    left = [k == 0 or column.form == "text" for k, column in enumerate(found.columns)]
    head = [_folded(label, width) for label, width in zip(labels, widths, strict=True)]
    height = max(map(len, head))
    blocks = [[[""] * (height - len(cell)) + cell for cell in head]]
    blocks += [[_folded(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = [_line(cells, widths, left) for block in blocks for cells in zip_longest(*block, fillvalue="")]
    notes = wrapped(f"  {found.note}", indent="  ") if found.note else []
    return [*wrapped(found.title), *lines, *notes]


def _widths(found: Table, labels: list[str], rows: list[list[str]]) -> list[int]:
    """Letters per column: as they come; with labels on two lines and words folded; a label's word on each line."""
    cells = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths = [max(width, len(label)) for width, label in zip(cells, labels, strict=True)]
    for narrowest, folded in ((_halved, FOLDED), (_longest, NARROW)):
        if _total(widths) > WIDEST:
            widths = [max(width, narrowest(label)) for width, label in zip(cells, labels, strict=True)]
        for k, column in enumerate(found.columns):
            if column.form == "text" and _total(widths) > WIDEST:
                cells[k] = min(cells[k], max(folded, *(_longest(row[k]) for row in rows)))
                widths[k] = max(cells[k], narrowest(labels[k]))
    return widths


def _total(widths: list[int]) -> int:
    return sum(widths) + 2 * len(widths)


def _longest(text: str) -> int:
    return max(map(len, _kept(text).split(" ")), default=0)


def _halved(label: str) -> int:
    """The fewest letters per line that put a label on two lines."""
    return next(width for width in range(_longest(label), len(label) + 1) if len(_folded(label, width)) <= 2)


def _folded(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(_kept(text), max(width, 1), break_long_words=False, break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines] or [""]


def _kept(text: str) -> str:
    """A text whose per cent signs stay with their numbers."""
    return text.replace(" %", f"{NO_BREAK}%")


def _line(cells: tuple[str, ...], widths: list[int], left: list[bool]) -> str:
    aligned = [c.ljust(w) if words else c.rjust(w) for c, w, words in zip(cells, widths, left, strict=True)]
    return ("  " + "  ".join(aligned)).rstrip()


def shown(cell: Cell, form: Form) -> str:
    """One cell: a simulated number with its Monte Carlo error, a dash where there is none."""
    if cell is None:
        return "-"
    if isinstance(cell, Estimate):
        return with_error(shown(cell.value, form), cell, form)
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


def with_error(value: str, estimate: Estimate, form: Form) -> str:
    """A number with its Monte Carlo error; one that is the same in every trial has none."""
    constant = estimate.mcse == 0 and form != "chance"
    return value if estimate.mcse is None or constant else f"{value} ± {shown_error(estimate.mcse, form)}"


def shown_error(mcse: float, form: Form) -> str:
    """A Monte Carlo standard error, to two figures."""
    return f"{100 * mcse:.2g} %" if form == "percent" else f"{mcse:.2g}"
