"""All tests of one trial in a picture: the lead each asks for, and its type I error along the nuisance rate."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.counts import Region
from anatrial.domain.test_menu import ComparedTests, Decision
from anatrial.report.canvas import (
    BLUE,
    DASHED,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    VERMILION,
    figure_bytes,
    panels,
)
from anatrial.report.numbers import beside
from anatrial.report.tests_text import level_said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, INK, GREY)
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1.5, 1)), (0, (8, 3)))
SPREAD = 0.6
"""Counts over which lines that coincide are drawn apart."""
MOST_LEVELS = 4
"""Type I errors beyond so many times the level are cut off: the tests that hold it would not be seen."""
LEGEND_WIDTH = 125


def comparison_picture(found: ComparedTests, used: ResolvedScenario, fmt: str) -> bytes:
    """The lead that each test asks for on the left, its type I error on the right; equal decisions share a line."""
    decisions = found.decisions
    figure, grid = panels(2, 1, (11.0, 5.0 + 0.2 * len(decisions)))
    left, right = grid[0]
    drawn = [decision.letter for decision in decisions if decision.success.runs]
    for k, decision in enumerate(decisions):
        style = _style(k, own=decision == found.own.decision)
        alone = decision.letter not in drawn or len(drawn) == 1
        apart = 0.0 if alone else SPREAD * (drawn.index(decision.letter) / (len(drawn) - 1) - 0.5)
        _lead(left, decision.success, style, apart=apart, label=_label(found, decision))
        right.plot(decision.curve.rates, decision.curve.values, **style)
        worst = decision.type_i_errors[0]
        right.plot([worst.at], [worst.estimate.value], "o", color=style["color"], markersize=4)
    _dress_left(left, found, used)
    _dress_right(right, found, used)
    said = f"{found.title}\nevery test at {level_said(found)}; *, thick line: the scenario's rule"
    figure.suptitle(said, fontsize=11, x=0.01, ha="left")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=1, frameon=False, fontsize=8.5)
    return figure_bytes(figure, fmt)


def _style(index: int, *, own: bool) -> dict[str, Any]:
    dash = DASHES[index % len(DASHES)]
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": dash, "linewidth": 2.6 if own else 1.5}


def _label(found: ComparedTests, decision: Decision) -> str:
    """The tests that decide so, with their largest type I error."""
    names = [f"{t.name}{' *' if t.own else ''}" for t in found.tests if t.decision.letter == decision.letter]
    size = decision.type_i_errors[0]
    passes = ", above the level" if size.outcome == "FAIL" else ""
    said = f"{decision.letter}  {', '.join(names)}: at worst {beside(size.estimate.value, found.level)}{passes}"
    return textwrap.fill(said, LEGEND_WIDTH, subsequent_indent="     ")


def _lead(axes: Axes, success: Region, style: dict[str, Any], *, apart: float, label: str) -> None:
    """Least succeeding treatment count beyond the control's share, as steps; a cross on every hole above it."""
    share = success.look.n_t / success.look.n_c
    least = _least(success)
    x = [x_c + side for x_c in least for side in (-0.5, 0.5)]
    y = [first - share * x_c + apart for x_c, first in least.items() for _ in (0, 1)]
    axes.plot(x, y, **style, label=label)
    if holes := _holes(success):
        leads = [x_t - share * x_c + apart for x_t, x_c in holes]
        crosses = {"color": style["color"], "markersize": 8, "markeredgewidth": 2, "zorder": 5}
        axes.plot([x_c for _, x_c in holes], leads, "x", **crosses)


def _least(success: Region) -> dict[int, int]:
    """Least succeeding treatment count per control count that can succeed."""
    found: dict[int, int] = {}
    for run in success.runs:
        found.setdefault(run.x_c, run.first)
    return found


def _holes(success: Region) -> list[tuple[int, int]]:
    """Tables without success above the least one with it."""
    every = [(x_t, x_c) for x_c, first in _least(success).items() for x_t in range(first, success.look.n_t + 1)]
    grid = success.grid
    return [table for table in every if not grid[table]]


def _dress_left(axes: Axes, found: ComparedTests, used: ResolvedScenario) -> None:
    arms, look = used.scenario.arms, found.look
    axes.set_xlim(-0.7, look.n_c + 0.7)
    low, high = axes.get_ylim()
    if high - low < 1.5:  # one lead alone still stands among whole numbers
        axes.set_ylim(0.5 * (low + high) - 0.75, 0.5 * (low + high) + 0.75)
    axes.locator_params(integer=True)
    axes.set_xlabel(f"responders on {arms.control}, of {look.n_c}")
    over = "" if look.n_t == look.n_c else f" over {arms.control}'s rate"
    axes.set_ylabel(f"lead of {arms.treatment}{over}, in responders")
    apart = "; equal lines drawn apart" if sum(bool(d.success.runs) for d in found.decisions) > 1 else ""
    crosses = "; x: a hole" if any(_holes(decision.success) for decision in found.decisions) else ""
    axes.set_title(f"Least lead for success{apart}{crosses}", loc="left", fontsize=10)


def _dress_right(axes: Axes, found: ComparedTests, used: ResolvedScenario) -> None:
    """The level and the stated ranges."""
    arms = used.scenario.arms
    overall, *stated = found.tests[0].decision.type_i_errors
    highest = max(found.level, *(d.type_i_errors[0].estimate.value for d in found.decisions))
    top = min(1.18 * highest, MOST_LEVELS * found.level)
    cut = f" (cut at {MOST_LEVELS} times the level)" if top < highest else " along the rate that nobody knows"
    for size in stated:
        if (size.lowest, size.highest) != (overall.lowest, overall.highest):
            axes.axvspan(size.lowest, size.highest, color="#f3ead9", zorder=0)
            place: dict[str, Any] = {"xytext": (3, -10), "textcoords": "offset points", "fontsize": 8}
            axes.annotate(str(size.truth), (size.lowest, top), **place)
    axes.axhline(found.level, color=INK, linewidth=0.9, linestyle=DASHED)
    said: dict[str, Any] = {
        "xytext": (0, 4),
        "textcoords": "offset points",
        "ha": "right",
        "fontsize": 8,
        "bbox": PAPER,
    }
    axes.annotate(f"level {found.level:g}", (0.99, found.level), **said)
    axes.set(xlim=(0, 1), ylim=(0, top), ylabel="type I error")
    side = f"{abs(found.margin):g} {'higher' if found.margin > 0 else 'lower'}"
    shared = "on both arms" if found.margin == 0 else f"on {arms.control}; on {arms.treatment} it is {side}"
    axes.set_xlabel(f"true rate {shared}")
    axes.set_title(f"Type I error{cut}", loc="left", fontsize=10)
