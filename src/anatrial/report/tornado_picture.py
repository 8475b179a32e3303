"""One axis at a time as a picture: how far each moves the targets from what the file has."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from anatrial.domain.results import ROUNDING
from anatrial.domain.sweeps import Point, Reach, Swept, own_point, reaches
from anatrial.report import sweep_words as words
from anatrial.report.canvas import BLUE, DASHED, GREY, INK, PAPER, VERMILION, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 12
ALPHA = 0.75
ROOM = 0.12  # of the panel, on both sides of the longest bar, for the values at its ends
LETTER = 0.013  # of the panel, that a letter of them takes


def tornado_figure(swept: Swept, shown: list[int]) -> Figure:
    """A panel per target and scenario; a bar from the lowest to the highest number along each axis."""
    from matplotlib.patches import Patch

    scenarios = swept.frame.scenarios
    many = max(len(scenarios[k].targets) for k in shown)
    bars = [[_moving(swept, k, row) if row < len(scenarios[k].targets) else [] for k in shown] for row in range(many)]
    heights = [1.3 + 0.34 * max(1, *map(len, row)) for row in bars]
    figure, grid = panels(len(shown), many, (1.5 + 7.0 * len(shown), 1.1 + sum(heights)))
    grid[0, 0].get_gridspec().set_height_ratios(heights)
    for column, k in enumerate(shown):
        for row in range(many):
            if row < len(scenarios[k].targets):
                _draw(grid[row, column], swept, (k, row), bars[row][column])
            else:
                grid[row, column].axis("off")
    key = [
        Patch(color=BLUE, alpha=ALPHA, label="meets the target"),
        Patch(color=VERMILION, alpha=ALPHA, label="does not"),
    ]
    figure.legend(handles=key, loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return figure


def _moving(swept: Swept, scenario: int, target: int) -> list[Reach]:
    """The axes that move a target, the widest spread first."""
    return [reach for reach in reaches(swept, scenario, target) if reach.spread > ROUNDING][:MOST_BARS]


def _draw(axes: Axes, swept: Swept, of: tuple[int, int], found: list[Reach]) -> None:
    """The bars of one target of one scenario, the widest on top."""
    one = swept.frame.scenarios[of[0]]
    goal, own = one.targets[of[1]], own_point(swept, *of)
    for row, reach in enumerate(found):
        _bar(axes, row, reach, goal.threshold, above=goal.bound == "at_least")
        _end(axes, row, reach.lowest, _said(swept, reach, reach.lowest), left=True)
        _end(axes, row, reach.highest, _said(swept, reach, reach.highest), left=False)
    axes.axvline(goal.threshold, color=INK, linewidth=1.0, linestyle=DASHED, label=f"target {goal.threshold:g}")
    if own is not None:
        written = f"as written {words.number(own.estimate.value, goal.threshold)}"
        axes.axvline(own.estimate.value, color=INK, linewidth=1.2, label=written, zorder=3)
    ends = [goal.threshold, *(point.estimate.value for reach in found for point in (reach.lowest, reach.highest))]
    said = [[_said(swept, reach, point) for point in (reach.lowest, reach.highest)] for reach in found]
    left, right = (max([ROOM, *(LETTER * (len(pair[k]) + 1) for pair in said)]) for k in (0, 1))
    unit = (max(ends) - min(ends) or 1.0) / (1 - left - right)
    axes.set(xlim=(min(ends) - left * unit, max(ends) + right * unit), ylim=(max(len(found), 1) - 0.4, -0.6))
    names = [words.shortened(swept.frame.axes[reach.axis].said, 52) for reach in found]
    axes.set_yticks(range(len(found)), [textwrap.fill(name, 26) for name in names], fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(visible=False, axis="y")
    named = f"{one.name}: " if len(swept.frame.scenarios) > 1 else ""
    unmoved = "" if found else " (no axis moves it)"
    axes.set_title(textwrap.fill(f"{named}{goal.said}{unmoved}", 85), loc="left", fontsize=10, pad=20)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False, fontsize=8, borderaxespad=0.1)


def _bar(axes: Axes, row: int, reach: Reach, threshold: float, *, above: bool) -> None:
    """The stretch of a bar that meets the target in blue, the rest in vermilion."""
    low, high = reach.lowest.estimate.value, reach.highest.estimate.value
    turn = min(max(threshold, low), high)
    for start, end, good in ((low, turn, not above), (turn, high, above)):
        colour = BLUE if good else VERMILION
        axes.barh(row, end - start, left=start, height=0.62, color=colour, alpha=ALPHA, zorder=2)


def _said(swept: Swept, reach: Reach, point: Point) -> str:
    """The value of the axis at an end of its bar."""
    own = swept.frame.scenarios[swept.scenario[point.cell]].own[reach.axis]
    return words.shortened(words.place_said(swept.frame, reach.axis, int(swept.at[point.cell, reach.axis]), own), 24)


def _end(axes: Axes, row: int, point: Point, said: str, *, left: bool) -> None:
    place, gap = (point.estimate.value, row), (-5, 0) if left else (5, 0)
    style: dict[str, Any] = {
        "ha": "right" if left else "left",
        "va": "center",
        "fontsize": 8,
        "color": GREY,
        "bbox": PAPER,
    }
    axes.annotate(said, place, xytext=gap, textcoords="offset points", zorder=4, **style)
