"""Tipping points in a picture: each target's number along the path, its threshold, and where it flips."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from anatrial.domain.results import Estimate, Verdict
from anatrial.domain.tipping import Crossing, TippedTarget, Tipping
from anatrial.errors import Fault, InputError
from anatrial.report.canvas import BLUE, DASHED, GREY, INK, PAPER, VERMILION, figure_bytes, panels
from anatrial.report.numbers import limit
from anatrial.report.tipping_text import VERBS, sides_said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
ROW_HEIGHT = 3.1
MOST_PANELS = 60
"""More are refused: they would take a minute to draw and a wall to look at."""
FAILING = "#f6e3dc"
MARGIN = 0.02  # of an axis, beyond both ends of the path
MANY = 60
"""Numbers beyond which a line has no dots."""


def refuse_panels(panels: int) -> None:
    """``InputError`` for more panels than fit: one for each scenario, number that moves and target."""
    if panels > MOST_PANELS:
        fix = "leave --plot out, or draw fewer scenarios at once; --json has every number"
        raise InputError(Fault("--plot", f"{panels:,} panels of tipping points", f"at most {MOST_PANELS}", fix))


def tipping_picture(title: str, found: Sequence[Tipping], fmt: str) -> bytes:
    """A panel per number that moves and target: the failing side of a threshold is shaded, the first flip labelled."""
    refuse_panels(sum(len(one.targets) for one in found))
    most = max(len(one.targets) for one in found)
    columns = -(-most // -(-most // COLUMNS))  # as few rows as can be, filled evenly
    shown = [(one, target) for one in found for target in _padded(one.targets, columns)]
    rows = len(shown) // columns
    several = len({one.scenario for one in found}) > 1
    figure, grid = panels(columns, rows, (max(4.4 * columns, 6.5), 0.7 + ROW_HEIGHT * rows))
    for axes, (one, target) in zip(grid.flat, shown, strict=True):
        if target is None:
            axes.axis("off")
        else:
            _draw(axes, one, target, f"{one.scenario}: " if several else "")
    figure.suptitle(textwrap.fill(title, 40 * columns), x=0.01, ha="left", fontsize=11, color=INK)
    figure.supxlabel(textwrap.fill(_key(found), 48 * columns), x=0.01, ha="left", fontsize=8, color=GREY)
    return figure_bytes(figure, fmt)


def _key(found: Sequence[Tipping]) -> str:
    """What shades and marks mean, as far as they are met."""
    targets = [(one, target) for one in found for target in one.targets]
    said = ["shaded: the target fails"]
    if any(one.started and target.crossings and not target.crossings[0].unanswered for one, target in targets):
        said.append("dark line or band: where it first flips")
    if any(target.crossings[1 if one.started else 0 :] for one, target in targets):
        said.append("grey band: flips once more, somewhere in it")
    if any(_wide(held.verdict.estimate) for _, target in targets for held in target.answered):
        said.append("blue band: bounds that the number lies between (simulated: at 99.9 %)")
    if any(one.unanswered for one in found):
        said.append("x: no answer")
    return "; ".join(said)


def _wide(estimate: Estimate) -> bool:
    """Whether the bounds of a number can be told from it in a picture."""
    return estimate.upper - estimate.lower > 0.01 * abs(estimate.value)


def _padded(targets: Sequence[TippedTarget], columns: int) -> list[TippedTarget | None]:
    """The targets, filled up to whole rows."""
    return [*targets, *[None] * (-len(targets) % columns)]


def _draw(axes: Axes, found: Tipping, target: TippedTarget, scenario: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(textwrap.fill(target.said, 48), loc="left", fontsize=9.5, color=INK)
    axes.set_xlabel(textwrap.fill(scenario + found.said, 58), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(useOffset=False)
    start, end = found.grid[0], found.grid[-1]
    margin = MARGIN * (end - start)
    axes.set_xlim(start - margin, end + margin)
    if all(isinstance(value, int) for value in found.grid):
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    missing = [one.at for one in found.unanswered]
    axes.plot(missing, [0.03] * len(missing), "x", color=VERMILION, markersize=5, transform=axes.get_xaxis_transform())
    if not target.answered:
        axes.text(0.5, 0.5, "no answer anywhere", transform=axes.transAxes, ha="center", fontsize=9, color=GREY)
        axes.set_yticks([])
        return
    _line(axes, found, target)
    _threshold(axes, target)
    _flips(axes, found, target)


def _line(axes: Axes, found: Tipping, target: TippedTarget) -> None:
    """The numbers that were answered; a number without an answer between two of them breaks the line."""
    gaps = sorted(one.at for one in found.unanswered)
    at: list[float] = []
    rows: list[tuple[float, float, float]] = []
    for one, other in pairwise([*target.answered, target.answered[-1]]):
        at.append(one.at)
        rows.append(one.verdict.estimate[:3])
        if any(min(one.at, other.at) < gap < max(one.at, other.at) for gap in gaps):
            at.append(other.at)
            rows.append((float("nan"),) * 3)
    value, lower, upper = zip(*rows, strict=True)
    axes.plot(at, value, color=BLUE, linewidth=1.6, marker="." if len(at) <= MANY else "", markersize=4, zorder=3)
    if lower != upper:
        axes.fill_between(at, lower, upper, color=BLUE, alpha=0.2, linewidth=0, zorder=2)


def _threshold(axes: Axes, target: TippedTarget) -> None:
    """The number asked for as a line, the side on which the target fails shaded."""
    verdict: Verdict = target.answered[0].verdict
    asked, bound = verdict.threshold, verdict.bound
    ends = [end for held in target.answered for end in held.verdict.estimate[1:3]]
    low, high = min(asked, *ends), max(asked, *ends)
    room = 0.12 * (high - low) or 0.1 * abs(high) or 0.1
    low = max(low - room, 0.0 if low >= 0 else low - room)
    axes.set_ylim(low, high + 1.6 * room)
    axes.axhspan(*((low, asked) if bound == "at_least" else (asked, high + 1.6 * room)), color=FAILING, zorder=0)
    axes.axhline(asked, color=INK, linewidth=0.9, linestyle=DASHED, zorder=2)
    said = f"{bound.replace('_', ' ')} {limit(asked)}"
    axes.annotate(
        said, (1.0, asked), xycoords=axes.get_yaxis_transform(), ha="right", va="center", fontsize=7.5, bbox=PAPER
    )


def _flips(axes: Axes, found: Tipping, target: TippedTarget) -> None:
    """Lines where the outcome changes: the first one labelled, around a number without an answer none."""
    for k, crossing in enumerate(target.crossings):
        ends = sorted((crossing.before.at, crossing.after.at))
        if crossing.unanswered:
            continue
        first = k == 0 and found.started
        axes.axvspan(*ends, color=INK if first else GREY, alpha=0.55 if first else 0.25, linewidth=0.8, zorder=1)
        if first:
            _label(axes, found, crossing)
    if not target.crossings:
        never = "no flip seen" if found.unanswered else "never flips"
        _top(axes, 0.02, "left", f"{never}: {target.answered[0].verdict.outcome}")


def _label(axes: Axes, found: Tipping, crossing: Crossing) -> None:
    start, end = found.grid[0], found.grid[-1]
    before, after = ((held.at - start) / (end - start) for held in (crossing.before, crossing.after))
    left = before < 0.5
    way = "up" if end > start else "down"
    said = f"{VERBS[crossing.before.verdict.outcome]} {way} to {sides_said(crossing)[0]}"
    place = ((after if left else before) + MARGIN) / (1 + 2 * MARGIN) + (0.02 if left else -0.02)
    _top(axes, place, "left" if left else "right", said)


def _top(axes: Axes, place: float, side: str, said: str) -> None:
    axes.text(
        place, 0.975, said, transform=axes.transAxes, ha=side, va="top", fontsize=8, fontweight="bold", bbox=PAPER
    )
