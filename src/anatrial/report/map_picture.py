"""A map of two axes as a picture: the colour is the number, the line is where it meets its target."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from anatrial.domain.results import Outcome
from anatrial.domain.sweeps import OUTCOMES, Numbers, Swept, SweptAxis, Whole, lattice, spread_out
from anatrial.report import sweep_words as words
from anatrial.report.canvas import BLUE, GREY, INK, VERMILION, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CELLS = 40_000
"""Of one panel."""
SQUARE = 200
"""Its side where both axes are long."""
DRAWN_ONE_BY_ONE = 2_500
"""More cells than this are pixels in SVG and PDF too."""
MOST_NAMES = 24
FAILS = OUTCOMES.index("FAIL")
UNSURE = OUTCOMES.index("INCONCLUSIVE")
HATCHES: dict[Outcome, str] = {"FAIL": "////", "INCONCLUSIVE": "...."}


def map_figure(swept: Swept, shown: list[int]) -> tuple[Figure, list[str]]:
    """A panel per target and scenario, the first axis across, the second up; and what had to be left out."""
    scenarios = swept.frame.scenarios
    many = max(len(scenarios[k].targets) for k in shown)
    chosen, remarks = _thinned(swept.frame.axes)
    x, y = (_Scale(axis, places) for axis, places in zip(swept.frame.axes, chosen, strict=True))
    figure, grid = panels(many, len(shown), (0.8 + 5.6 * many, 1.0 + 4.4 * len(shown)))
    for row, k in enumerate(shown):
        drawn = _Drawn(x, y, lattice(swept, k, (0, 1))[np.ix_(*chosen)])
        for column in range(many):
            if column < len(scenarios[k].targets):
                _draw(grid[row, column], swept, (k, column), drawn)
            else:
                grid[row, column].axis("off")
    figure.legend(handles=_key(swept, shown, (x, y)), loc="outside lower left", ncols=4, frameon=False, fontsize=9)
    return figure, remarks


def _thinned(axes: Sequence[SweptAxis]) -> tuple[list[list[int]], list[str]]:
    """The places on each axis that are drawn: all of them unless there are too many cells."""
    many = [len(axis.values) for axis in axes]
    if many[0] * many[1] <= MOST_CELLS:
        return [list(range(n)) for n in many], []
    most = max(SQUARE, MOST_CELLS // min(*many, SQUARE))
    chosen = [spread_out(n, most) for n in many]
    pairs = zip(axes, chosen, strict=True)
    said = [
        f"{len(few):,} of {len(axis.values):,} values of {axis.said}"
        for axis, few in pairs
        if len(few) < len(axis.values)
    ]
    return chosen, [f"drawn: {' and '.join(said)}; more would not be seen"]


def _draw(axes: Axes, swept: Swept, of: tuple[int, int], drawn: _Drawn) -> None:
    """One target of one scenario."""
    scenario, (x, y, cells) = swept.frame.scenarios[of[0]], drawn
    goal = scenario.targets[of[1]]
    there = (cells >= 0) & (swept.outcomes[cells, of[1]] >= 0)
    values = np.where(there, swept.numbers[cells, of[1], 0], np.nan).T
    outcomes = np.where(there, swept.outcomes[cells, of[1]], -1).T
    if np.isfinite(values).any():
        colours = _colours(values, goal.threshold, above=goal.bound == "at_least")
        mesh = axes.pcolormesh(
            x.edges, y.edges, values, **colours, rasterized=values.size > DRAWN_ONE_BY_ONE, linewidth=0
        )
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30)
        bar.ax.axhline(goal.threshold, color=INK, linewidth=1.6)
        bar.ax.tick_params(labelsize=8)
        bar.outline.set_visible(False)
        _contour(axes, x, y, values, goal.threshold)
    for outcome, hatch in HATCHES.items():
        _hatched(axes, x, y, outcomes == OUTCOMES.index(outcome), hatch)
    rows, columns = np.nonzero(outcomes < 0)
    axes.scatter(x.centres[columns], y.centres[rows], marker="x", color=GREY, s=20, linewidths=1.2, zorder=4)
    for scale, which, own in ((x, "x", scenario.own[0]), (y, "y", scenario.own[1])):
        scale.label(axes, which)
        if (at := scale.position(own)) is not None:
            marked: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": ":", "zorder": 3}
            (axes.axvline if which == "x" else axes.axhline)(at, **marked)
    axes.grid(visible=False)
    named = f"{scenario.name}\n" if len(swept.frame.scenarios) > 1 else ""
    axes.set_title(named + textwrap.fill(goal.said, 60), loc="left", fontsize=10)


class _Scale:
    """An axis of the map: numbers at their distances, anything else side by side."""

    def __init__(self, axis: SweptAxis, places: list[int]) -> None:
        self._axis = axis
        values = [axis.values[k] for k in places]
        rising = axis.numeric and len(values) > 1 and all(a < b for a, b in pairwise(values))
        self.numeric = rising
        self.names = [words.shortened(words.value_said(value), 18) for value in values]
        self.centres: Numbers = np.array(values if rising else range(len(values)), float)
        between = (self.centres[:-1] + self.centres[1:]) / 2
        first, last = (between[0], between[-1]) if len(between) else (0.5, -0.5)
        ends = 2 * self.centres[0] - first, 2 * self.centres[-1] - last
        self.edges: Numbers = np.array([ends[0], *between, ends[1]])

    def position(self, value: Any) -> float | None:
        """Where a value lies; None where it is not on the map."""
        if self.numeric:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return float(value) if number and self.edges[0] < value < self.edges[-1] else None
        return None

    def label(self, axes: Axes, which: str) -> None:
        """Ticks and words along the axis."""
        place = axes.xaxis if which == "x" else axes.yaxis
        place.set_label_text(self._axis.said, fontsize=9)
        place.set_tick_params(labelsize=8)
        if not self.numeric:
            shown = spread_out(len(self.names), MOST_NAMES)
            long = which == "x" and max(len(self.names[k]) for k in shown) * len(shown) > 45
            place.set_ticks(shown, [self.names[k] for k in shown])
            if long:
                axes.tick_params(axis="x", labelrotation=40)
                for text in axes.get_xticklabels():
                    text.set(ha="right", rotation_mode="anchor")
        elif len(self.centres) <= 8:
            place.set_ticks(self.centres, self.names)


class _Drawn(NamedTuple):
    """The first axis across, the second up, and the cells by place on the first and on the second."""

    x: _Scale
    y: _Scale
    cells: Whole


def _colours(values: Numbers, threshold: float, *, above: bool) -> dict[str, Any]:
    """Blue where the target is met, vermilion where it is not, paler towards the threshold."""
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    span = max(high, threshold) - min(low, threshold) or 1.0
    low, high = min(low, threshold - 0.02 * span), max(high, threshold + 0.02 * span)
    ends = (VERMILION, BLUE) if above else (BLUE, VERMILION)
    palette = LinearSegmentedColormap.from_list("target", [ends[0], "#f7f7f7", ends[1]])
    return {"cmap": palette, "norm": TwoSlopeNorm(threshold, low, high)}


def _contour(axes: Axes, x: _Scale, y: _Scale, values: Numbers, threshold: float) -> None:
    """The line on which the number is the threshold, where both axes are numbers and it is crossed."""
    low, high = np.nanmin(values), np.nanmax(values)
    if x.numeric and y.numeric and low < threshold < high:
        axes.contour(x.centres, y.centres, values, levels=[threshold], colors=INK, linewidths=1.4)


def _hatched(axes: Axes, x: _Scale, y: _Scale, cells: Any, hatch: str) -> None:
    """Hatching over cells, a rectangle for each run of neighbours in a row."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    found = []
    for row, chosen in enumerate(cells):
        steps = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
        for first, after in zip(steps[::2], steps[1::2], strict=True):
            corner = x.edges[first], y.edges[row]
            found.append(Rectangle(corner, x.edges[after] - corner[0], y.edges[row + 1] - corner[1]))
    if found:
        axes.add_collection(PatchCollection(found, facecolor="none", edgecolor="#00000055", linewidth=0, hatch=hatch))


def _key(swept: Swept, shown: list[int], scales: tuple[_Scale, _Scale]) -> list[Any]:
    """What lines, hatching and crosses mean; only those that occur."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    cells = np.concatenate([swept.of(k) for k in shown])
    met = set(np.unique(swept.outcomes[cells]).tolist())
    found: list[Any] = [Line2D([], [], color=INK, linewidth=1.4, label="target")]
    if FAILS in met:
        found.append(Patch(facecolor="white", edgecolor=GREY, hatch=HATCHES["FAIL"], label="target not met"))
    if UNSURE in met:
        found.append(Patch(facecolor="white", edgecolor=GREY, hatch=HATCHES["INCONCLUSIVE"], label="cannot be told"))
    if swept.failed:
        found.append(Line2D([], [], color=GREY, marker="x", linestyle="none", label="failed"))
    owns = (zip(scales, swept.frame.scenarios[k].own, strict=True) for k in shown)
    if any(scale.position(own) is not None for pairs in owns for scale, own in pairs):
        found.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=":", label="as the file has it"))
    return found
