"""A trial with looks in a picture: the counts that end it, and where it ends under each truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.counts import Region
from anatrial.domain.results import Evaluation, OperatingCharacteristics, PlannedLook
from anatrial.report.canvas import BLUE, FAINT, GREY, INK, ORANGE
from anatrial.report.looks_text import totals
from anatrial.report.numbers import chance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 6
MOST_LOOKS = 4
MOST_TICKS = 14


def draw_ends(axes: Axes, result: Evaluation) -> None:
    """Under each truth the share of trials that end at each look, by success, futility, or neither at the end."""
    shown = [found for found in result.characteristics if found.stops][:MOST_BARS]
    for row, found in enumerate(shown):
        left = 0.0
        for label, width, colour, alpha in _pieces(found):
            axes.barh(row, width, left=left, color=colour, alpha=alpha, height=0.62, edgecolor="white", linewidth=0.8)
            if width > 0.066:
                ink = "white" if colour == BLUE and alpha > 0.6 else INK
                axes.text(left + width / 2, row, label, ha="center", va="center", fontsize=7.5, color=ink)
            left += width
    axes.set(xlim=(0, 1), ylim=(len(shown) - 0.45, -0.55), xlabel="share of trials")
    axes.set_yticks(range(len(shown)), [_named(found) for found in shown], fontsize=8.5)
    axes.grid(visible=False, axis="y")
    axes.set_title(
        "where the trial ends: success (blue), futility (orange), no success at the end (grey)", loc="left", fontsize=9
    )


def _pieces(found: OperatingCharacteristics) -> list[tuple[str, float, str, float]]:
    """Label, share, colour and its strength: successes by look, then futility by look, then the rest."""
    last = len(found.stops)
    shades = [0.35 + 0.5 * k / max(last - 1, 1) for k in range(last)]
    won = [(f"look {k + 1}\n{chance(s.success)}", s.success, BLUE, shades[k]) for k, s in enumerate(found.stops)]
    futile = [
        (f"look {k + 1}\n{chance(s.futility)}", s.futility, ORANGE, shades[k]) for k, s in enumerate(found.stops[:-1])
    ]
    rest = max(1.0 - sum(width for _, width, _, _ in (*won, *futile)), 0.0)
    return [*won, *futile, (f"none\n{chance(rest)}", rest, GREY, 0.35)]


def _named(found: OperatingCharacteristics) -> str:
    mean = found.metric("expected_n").estimate.value
    return f"{found.truth}\n{mean:.0f} patients expected"


def draw_boundary(axes: Axes, planned: PlannedLook, treatment: str, control: str) -> None:
    """The tables that end the trial at one look, a square each."""
    look = planned.look
    for region, colour in ((planned.regions.success, BLUE), (planned.regions.futility, ORANGE)):
        if region is not None:
            _squares(axes, region, colour)
    axes.set_xlim(-0.5, look.n_c + 0.5)
    axes.set_ylim(-0.5, look.n_t + 0.5)
    axes.set_title(f"{totals(look)}", loc="left", fontsize=9)
    axes.set_xlabel(f"responders on {control}", fontsize=8)
    axes.set_ylabel(f"responders on {treatment}", fontsize=8)
    axes.locator_params(integer=True)
    axes.tick_params(labelsize=8)
    axes.set_facecolor(FAINT)
    axes.grid(visible=False)


def draw_counts(axes: Axes, result: Evaluation, treatment: str) -> None:
    """One arm: responders that end the trial, over the patients seen."""
    width = max(1.5, min(9.0, 250 / len(result.looks)))
    for planned in result.looks:
        n, futility = planned.look.n_t, planned.regions.futility
        axes.vlines(n, -0.5, n + 0.5, color=FAINT, linewidth=width, zorder=1)
        for region, colour in ((planned.regions.success, BLUE), (futility, ORANGE)):
            for _, first, last in region.runs if region is not None else ():
                axes.vlines(n, first - 0.5, last + 0.5, color=colour, linewidth=width, zorder=2)
    axes.set_xlim(0, 1.03 * result.look.n_t)
    if len(result.looks) <= MOST_TICKS:
        axes.set_xticks([planned.look.n_t for planned in result.looks])
    axes.locator_params(axis="y", integer=True)
    axes.set_xlabel("patients with a result", fontsize=8)
    axes.set_ylabel(f"responders on {treatment}", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _squares(axes: Axes, region: Region, colour: str) -> None:
    for x_c, first, last in region.runs:
        axes.bar(x_c, last - first + 1, bottom=first - 0.5, width=1.0, color=colour, alpha=0.75, linewidth=0)


def looks_figure(
    result: Evaluation, used: ResolvedScenario, curves: Callable[[Axes, Evaluation, ResolvedScenario], None]
) -> Figure:
    """Curves on top, where the trial ends below, and the boundaries of at most four looks at the bottom."""
    from matplotlib.figure import Figure

    shown = result.looks if len(result.looks) <= MOST_LOOKS else (*result.looks[: MOST_LOOKS - 1], result.looks[-1])
    rows = sum(bool(found.stops) for found in result.characteristics)
    figure = Figure(figsize=(9.0, 7.4 + 0.5 * min(rows, MOST_BARS)), layout="constrained")
    heights = (4.6, 0.9 + 0.55 * min(rows, MOST_BARS), 2.8)
    upper, middle, lower = figure.subfigures(3, 1, squeeze=False, height_ratios=heights)[:, 0]
    axes = upper.subplots()
    curves(axes, result, used)
    upper.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=1, frameon=False, fontsize=9)
    draw_ends(middle.subplots(), result)
    arms = used.scenario.arms
    if result.look.n_c:
        for column, planned in enumerate(shown, start=1):
            draw_boundary(lower.add_subplot(1, len(shown), column), planned, arms.treatment, arms.control)
    else:
        draw_counts(lower.subplots(), result, arms.treatment)
    left_out = f" (the first {MOST_LOOKS - 1} of {len(result.looks)} looks, and the last)"
    which = left_out if result.look.n_c and len(shown) < len(result.looks) else ""
    head = f"results that end it at each look{which}: success (blue), futility (orange)"
    lower.suptitle(head, x=0.01, ha="left", fontsize=9)
    for panel in (*upper.axes, *middle.axes):
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_axisbelow(True)
    return figure
