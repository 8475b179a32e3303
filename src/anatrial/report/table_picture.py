"""The intervals of an observed difference as a picture."""

from __future__ import annotations

from anatrial.plan.observed import Observed
from anatrial.report.canvas import BLUE, DASHED, GREY, INK, ORANGE, PAPER, figure_bytes, panels
from anatrial.report.numbers import percent

WIDTH, ROW, ROOM = 8.0, 0.34, 1.5
"""Inches: of the picture, of a row, and of title and axis together."""


def table_picture(found: Observed, fmt: str) -> bytes:
    """Every interval of the difference as a line around the observed value, the guaranteed one in another colour."""
    measure = found.measures[0]
    drawn = [one for one in measure.intervals if one.lower is not None and one.upper is not None]
    figure, grid = panels(1, 1, (WIDTH, ROOM + ROW * len(drawn)))
    axes = grid[0][0]
    for k, one in enumerate(drawn):
        colour = ORANGE if one.covers else BLUE
        axes.plot([one.lower, one.upper], [k, k], color=colour, linewidth=2.2, solid_capstyle="butt")
        axes.plot([measure.value], [k], marker="s", color=colour, markersize=5)
        said = f"{one.lower:.3f} to {one.upper:.3f}"
        axes.annotate(said, (1.01, k), xycoords=("axes fraction", "data"), va="center", fontsize=9, color=INK)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    if found.margin:
        axes.axvline(found.margin, color=GREY, linewidth=1, linestyle=DASHED, zorder=1)
        axes.annotate("margin", (found.margin, -0.7), ha="center", va="center", fontsize=8, color=GREY, bbox=PAPER)
    axes.set_yticks(range(len(drawn)), [one.method for one in drawn], fontsize=9)
    axes.set_ylim(len(drawn) - 0.4, -1)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("treatment rate - control rate")
    title = f"{found.treatment} v {found.control}: {percent(found.level)} intervals; orange always covers"
    axes.set_title(title, fontsize=10, loc="left")
    return figure_bytes(figure, fmt)
