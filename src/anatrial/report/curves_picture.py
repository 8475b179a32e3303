"""A sweep along one axis as a picture, with the error of each number; a second axis or scenarios as colours."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from anatrial.domain.results import SizeTarget
from anatrial.domain.sweeps import Numbers, Swept, SweptAxis, Whole, lattice, spread_out
from anatrial.report import sweep_words as words
from anatrial.report.canvas import BLUE, DASHED, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY)
DASHES = ("-", "--", ":")
MOST_CURVES = len(COLOURS) * len(DASHES)
MOST_POINTS = 40_000
"""Of all curves of a panel."""
MARKED = 60
"""Curves of at most so many points show each of them."""
MOST_NAMES = 30


class Curve(NamedTuple):
    """One line: its scenario, its cells along the axis that is drawn (-1 where there is none), and its name."""

    scenario: int
    cells: Whole
    name: str


def curves_figure(swept: Swept) -> tuple[Figure, list[str]]:
    """A panel per target; and what had to be left out."""
    frame, remarks = swept.frame, []
    along = _along(frame.axes)
    axis, curves = frame.axes[along], _curves(swept, along)
    if len(curves) > MOST_CURVES:
        remarks.append(f"drawn: {MOST_CURVES} of {len(curves):,} curves; more could not be told apart")
        curves = [curves[k * (len(curves) - 1) // (MOST_CURVES - 1)] for k in range(MOST_CURVES)]
    places = spread_out(len(axis.values), MOST_POINTS // len(curves))
    if len(places) < len(axis.values):
        remarks.append(f"drawn: {len(places):,} of {len(axis.values):,} values of {axis.said}")
    asked = list(dict.fromkeys(_metric(goal) for one in frame.scenarios for goal in one.targets))
    figure, grid = panels(1, len(asked), (8.0, 1.0 + 2.9 * len(asked)))
    lines: dict[str, Any] = {}
    for panel, metric in zip(grid[:, 0], asked, strict=True):
        _panel(panel, swept, curves, metric, (axis, places))
        handles, names = panel.get_legend_handles_labels()
        lines |= dict(zip(names, handles, strict=True))
    grid[-1, 0].set_xlabel(axis.said, fontsize=9)
    named = [one.said for k, one in enumerate(frame.axes) if k != along]
    _legend(figure, lines if len(curves) > 1 else {}, ", ".join(named), band=_simulated(swept))
    return figure, remarks


def _metric(goal: SizeTarget) -> SizeTarget:
    """What a target asks about, whatever it asks for."""
    return goal._replace(said="", threshold=0)


def _simulated(swept: Swept) -> bool:
    return bool(np.isfinite(swept.numbers[:, :, 3]).any())


def _legend(figure: Figure, lines: dict[str, Any], title: str, *, band: bool) -> None:
    """The names of curves, and what the band is, below all panels."""
    from matplotlib.patches import Patch

    if band:
        lines = {**lines, "± 2 Monte Carlo standard errors": Patch(color=GREY, alpha=0.3, linewidth=0)}
    if lines:
        columns = 1 if max(map(len, lines)) > 45 else 3
        style = {"frameon": False, "fontsize": 8.5, "title": title or None, "ncols": columns}
        figure.legend(lines.values(), lines.keys(), loc="outside lower left", **style)


def _panel(
    panel: Axes, swept: Swept, curves: list[Curve], metric: SizeTarget, along: tuple[SweptAxis, list[int]]
) -> None:
    """Every curve of one metric, and what each of its targets asks for."""
    axis, places = along
    goals: dict[SizeTarget, str] = {}
    for k, curve in enumerate(curves):
        for at, goal in enumerate(swept.frame.scenarios[curve.scenario].targets):
            if _metric(goal) == metric:
                look = _Look(axis, places, k, len(curves))
                _draw(panel, swept, curve._replace(cells=curve.cells[places]), at, look)
                goals.setdefault(goal, COLOURS[k % len(COLOURS)])
    for goal, colour in goals.items():
        panel.axhline(goal.threshold, color=INK if len(goals) == 1 else colour, linewidth=0.9, linestyle=DASHED)
    panel.set_title(textwrap.fill("; ".join(goal.said for goal in goals), 95), loc="left", fontsize=10)
    panel.tick_params(labelsize=8)
    if axis.numeric:  # from the first value to the last, also where cells failed
        panel.scatter([min(axis.values), max(axis.values)], [next(iter(goals)).threshold] * 2, alpha=0)
    else:
        _names(panel, axis, places)


def _along(axes: tuple[SweptAxis, ...]) -> int:
    """The axis to draw along: of those with numbers the one with most values."""
    return max(range(len(axes)), key=lambda k: (axes[k].numeric, len(axes[k].values), -k))


def _curves(swept: Swept, along: int) -> list[Curve]:
    """Every scenario, and in it every value of the other axis if there is one."""
    frame = swept.frame
    several, other = len(frame.scenarios) > 1, [k for k in range(len(frame.axes)) if k != along]
    found = []
    for k, scenario in enumerate(frame.scenarios):
        cells = lattice(swept, k, (along, *other)).reshape(len(frame.axes[along].values), -1)
        values = [words.value_said(value) for axis in other for value in frame.axes[axis].values] or [""]
        for column, value in enumerate(values):
            name = ", ".join(part for part in (scenario.name if several else "", value) if part)
            found.append(Curve(k, cells[:, column], words.shortened(name, 60)))
    return found


class _Look(NamedTuple):
    """How the k-th of many curves is drawn along an axis."""

    axis: SweptAxis
    places: list[int]
    k: int
    many: int


def _draw(panel: Axes, swept: Swept, curve: Curve, target: int, look: _Look) -> None:
    """A curve with the bounds of its numbers; between words, points with bars."""
    told = np.flatnonzero((curve.cells >= 0) & (swept.outcomes[curve.cells, target] >= 0))
    value, lower, upper, mcse = swept.numbers[curve.cells[told], target].T
    simulated = np.isfinite(mcse)
    low = np.where(simulated, value - 2 * np.nan_to_num(mcse), lower)
    high = np.where(simulated, value + 2 * np.nan_to_num(mcse), upper)
    colour = COLOURS[look.k % len(COLOURS)]
    if look.axis.numeric:
        x = np.array([look.axis.values[look.places[k]] for k in told], float)
        order = np.argsort(x, kind="stable")
        under = sum(_alike(line, value[order]) for line in panel.lines)  # a line over others is dashed: both are seen
        dash = DASHES[(look.k // len(COLOURS) + under) % len(DASHES)]
        mark = "o" if len(x) <= MARKED else ""
        style: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 1.5, "marker": mark, "markersize": 3}
        panel.plot(x[order], value[order], label=curve.name, **style)
        panel.fill_between(x[order], low[order], high[order], color=colour, alpha=0.2, linewidth=0)
        return
    x = told + 0.5 * ((look.k + 0.5) / look.many - 0.5)
    bars: dict[str, Any] = {"color": colour, "fmt": "o", "markersize": 5, "capsize": 3}
    panel.errorbar(x, value, yerr=np.stack([value - low, high - value]), label=curve.name, **bars)


def _alike(line: Line2D, values: Numbers) -> bool:
    """Whether a line that is drawn already has these values, as far as the eye can tell."""
    drawn = np.asarray(line.get_ydata(), float)
    return drawn.shape == values.shape and bool(np.allclose(drawn, values, rtol=0.005, atol=0))


def _names(panel: Axes, axis: SweptAxis, places: list[int]) -> None:
    """The values of an axis of words, side by side."""
    names = [words.shortened(words.value_said(axis.values[k]), 44) for k in places]
    shown = spread_out(len(names), MOST_NAMES)
    folded = [textwrap.fill(names[k], 22, break_on_hyphens=False) for k in shown]
    panel.set_xticks(shown, folded)
    if sum(max(map(len, name.split("\n"))) for name in folded) > 75:
        panel.tick_params(axis="x", labelrotation=30)
        for text in panel.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
