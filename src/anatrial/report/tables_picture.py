"""Tables that say more as pictures: lines, steps or bars, one panel each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from anatrial.domain.results import Estimate
from anatrial.domain.trial import Cell, Table
from anatrial.report.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, figure_bytes, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY)
DASHES, HATCHES = ("-", "--", ":"), ("", "//", "..")
"""Of lines, and of bars, that run out of colours; a line over another one is dashed too, so that both are seen."""
PANEL_HEIGHT = 3.4
SMALL = 0.1  # chances that all lie below it have a scale of their own
LONG_NAMES = 7  # letters above which the names of bars do not fit side by side


def drawable(tables: tuple[Table, ...]) -> list[Table]:
    """The tables that have a picture."""
    return [found for found in tables if found.figure is not None and found.rows]


def tables_picture(title: str, tables: list[Table], fmt: str) -> bytes:
    """All of them below each other under one title."""
    figure, grid = panels(1, len(tables), (8.0, 0.6 + PANEL_HEIGHT * len(tables)))
    for axes, found in zip(grid[:, 0], tables, strict=True):
        draw_table(axes, found)
    figure.suptitle(textwrap.fill(title, 90), x=0.01, ha="left", fontsize=11)
    return figure_bytes(figure, fmt)


def draw_table(axes: Axes, found: Table) -> None:
    """One table as its figure asks for."""
    from matplotlib.ticker import MaxNLocator

    assert found.figure is not None
    along, chosen = found.column(found.figure.x), found.figure.y
    labels = {column.key: column.label for column in found.columns}
    words = found.figure.kind == "bars" or any(isinstance(cell, str) for cell in along)
    if words:
        _bars(axes, found, along, labels)
    else:
        x = [_number(cell) for cell in along]
        for k, key in enumerate(chosen):
            y = [_number(cell) for cell in found.column(key)]
            under = sum(_alike(y, [_number(cell) for cell in found.column(before)]) for before in chosen[:k])
            colour, dash = _told_apart(k, DASHES[under % len(DASHES) :] + DASHES[: under % len(DASHES)])
            mark = "." if len(x) < 40 else ""
            axes.plot(x, y, color=colour, linewidth=1.8, linestyle=dash, label=labels[key], marker=mark)
            _errors(axes, x, found.column(key), colour)
        axes.set_xlabel(labels[found.figure.x], fontsize=9)
        if all(at.is_integer() for at in x):
            axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    forms = {column.form for column in found.columns if column.key in chosen}
    if forms <= {"chance", "percent"}:
        highest = max((_number(cell) for key in chosen for cell in found.column(key) if cell is not None), default=1.0)
        axes.set_ylim(0, 1.02 if highest > SMALL else max(1.1 * highest, 1e-6))
        axes.set_ylabel("share" if forms == {"percent"} else "probability", fontsize=9)
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_title(textwrap.fill(found.title, 95), loc="left", fontsize=9.5)
    axes.tick_params(labelsize=8)
    if len(chosen) > 1:  # what they are is said at each
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    else:
        axes.set_ylabel(labels[chosen[0]], fontsize=9)


def _bars(axes: Axes, found: Table, along: tuple[Cell, ...], labels: dict[str, str]) -> None:
    assert found.figure is not None
    names = [textwrap.fill(str(cell), 22, break_on_hyphens=False) for cell in along]
    many = len(found.figure.y)
    for k, key in enumerate(found.figure.y):
        colour, hatch = _told_apart(k, HATCHES)
        places = [place + 0.8 * ((k + 0.5) / many - 0.5) for place in range(len(names))]
        heights = [_number(cell) for cell in found.column(key)]
        axes.bar(places, heights, 0.76 / many, color=colour, hatch=hatch, label=labels[key])
        _errors(axes, places, found.column(key), colour)
    slanted = len(names) > LONG_NAMES or max(map(len, names)) > 100 // max(len(names), 1)
    axes.set_xticks(range(len(names)), names, rotation=25 if slanted else 0, ha="right" if slanted else "center")


def _told_apart(k: int, styles: tuple[str, ...]) -> tuple[str, str]:
    """A colour and a style of the k-th line or bar."""
    return COLOURS[k % len(COLOURS)], styles[k // len(COLOURS) % len(styles)]


def _alike(y: list[float], other: list[float]) -> bool:
    """Whether two lines cannot be told from each other in a picture."""
    span = max(map(abs, [*y, *other]))
    return all(abs(one - two) <= 0.005 * span for one, two in zip(y, other, strict=True))


def _errors(axes: Axes, x: list[float], cells: tuple[Cell, ...], colour: str) -> None:
    """Two Monte Carlo standard errors to either side of simulated numbers."""
    known = [(at, c.value, c.mcse) for at, c in zip(x, cells, strict=True) if isinstance(c, Estimate) and c.mcse]
    if known:
        at, value, mcse = zip(*known, strict=True)
        axes.errorbar(at, value, yerr=[2 * e for e in mcse], fmt="none", ecolor=colour, capsize=2, linewidth=1)


def _number(cell: Cell) -> float:
    if isinstance(cell, Estimate):
        return cell.value
    return float(cell) if isinstance(cell, (int, float)) else float("nan")
