"""Designs side by side in a picture: a panel per number that decides between them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from anatrial.domain.compared_designs import ComparedDesigns, ComparedRow
from anatrial.report.canvas import BLUE, GREY, figure_bytes, panels
from anatrial.report.compare_designs_text import number_said, row_said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECIDING = (
    *("expected_n", "power", "assurance", "true_success", "duration", "expected_duration"),
    *("type1_max", "type1_at", "type_i_error", "familywise_error"),
)
ACROSS = 3
MOST_PANELS = 12


def compared_picture(found: ComparedDesigns, fmt: str) -> bytes:
    """Patients, power, errors and assurance of every design; the best in colour, simulated ones with two errors."""
    rows = [row for row in found.rows if row.truth is None or row.metric in DECIDING][:MOST_PANELS]
    columns = min(ACROSS, len(rows))
    down = -(-len(rows) // columns)
    many = len(found.designs)
    figure, grid = panels(columns, down, (2.2 + 3.2 * columns, 0.9 + down * (1.1 + 0.32 * many)))
    for k, axes in enumerate(grid.flat):
        if k < len(rows):
            _panel(axes, found, rows[k], named=k % columns == 0)
        else:
            axes.set_visible(False)
    said = f"{many} designs side by side; blue: the best of each panel"
    said += "; x: under other assumptions" if any("other" in row.marks for row in rows) else ""
    said += "; bars: two Monte Carlo standard errors" if found.simulated else ""
    figure.suptitle(said, fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def _panel(axes: Axes, found: ComparedDesigns, row: ComparedRow, *, named: bool) -> None:
    many = len(found.designs)
    for place, (value, mark) in enumerate(zip(row.values, row.marks, strict=True)):
        if value is None:
            continue
        colour = BLUE if mark in {"best", "not_told_apart"} else GREY
        if value.mcse:
            axes.plot([value.value - 2 * value.mcse, value.value + 2 * value.mcse], [place, place], color=colour)
        axes.plot([value.value], [place], "x" if mark == "other" else "o", color=colour, markersize=6)
        said: dict[str, Any] = {
            "xytext": (0, 5),
            "textcoords": "offset points",
            "ha": "center",
            "fontsize": 7.5,
            "color": colour,
        }
        axes.annotate(number_said(row.metric, value._replace(mcse=None)), (value.value, place), **said)
    axes.set_ylim(many - 0.5, -0.75)
    names = [textwrap.shorten(design.name, 30, placeholder="...") for design in found.designs] if named else [""] * many
    axes.set_yticks(range(many), names, fontsize=8.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.margins(x=0.18)
    axes.locator_params(axis="x", nbins=4)
    title = row_said(row.metric) if row.truth is None else f"{row_said(row.metric)}\n({row.truth})"
    axes.set_title(title, loc="left", fontsize=9)
