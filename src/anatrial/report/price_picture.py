"""The price of borrowing on one page: five numbers along the true control rate, three variants of one trial."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.price import Known, Price, VariantName
from anatrial.report.canvas import BLUE, DASHED, GREEN, GREY, INK, VERMILION, figure_bytes, panels
from anatrial.report.price_text import LABELS, mean_said, spans_said, supposed
from anatrial.report.table_lines import NO_BREAK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES: dict[VariantName, dict[str, Any]] = {
    "borrowing": {"color": BLUE, "linestyle": "-", "linewidth": 2.4, "zorder": 4},
    "none": {"color": VERMILION, "linestyle": (0, (5, 1.5)), "linewidth": 1.7, "zorder": 3},
    "pooled": {"color": GREEN, "linestyle": (0, (1.2, 1.2)), "linewidth": 1.9, "zorder": 3},
    "none_same_error": {"color": GREY, "linestyle": (0, (6, 1.5, 1, 1.5)), "linewidth": 1.3, "zorder": 2},
}
"""Told apart by dashes where there is no colour."""
STATED = "#f3ead9"
SWEET = "#b9dfcb"
ROOM = 1.25
"""Height of a panel over the highest number of borrowing and none: pooled history may leave it."""
WIDTH = 62
PAGE = 150


def price_picture(found: Price, used: ResolvedScenario, fmt: str) -> bytes:
    """Type I error, power, bias, mean squared error and the weight of history; in the sixth place what lines mean."""
    figure, grid = panels(2, 3, (10.0, 11.5))
    error, power, bias, mse, weight, key = grid.flat
    drawn: tuple[tuple[Axes, str, str], ...] = (
        (error, "type_i_error", "Type I error"),
        (power, "power", f"Power, rates {found.effect:+g} apart"),
        (bias, "bias", "Bias of the estimated difference"),
        (mse, "mse", "Mean squared error of the difference"),
        (weight, "weight", "Weight that history keeps, mean"),
    )
    for axes, name, title in drawn:
        _curves(axes, found, name)
        _marks(axes, found)
        axes.set_xlim(0, 1)
        axes.set_xlabel(f"true {used.scenario.arms.control} rate")
        _title(axes, title)
    _height(error, found, "type_i_error")
    _height(mse, found, "mse")
    power.set_ylim(0, 1.02)
    weight.set_ylim(0, 1.02)
    bias.axhline(0, color=INK, linewidth=0.8, zorder=1)
    _spread(bias, found)
    _promise(error, found)
    for axes, worst in ((error, found.worst_type_i_error), (power, found.worst_power), (mse, found.worst_mse)):
        if worst is not None:
            place = {"color": BLUE, "markeredgecolor": INK, "markersize": 8, "clip_on": False, "zorder": 6}
            axes.plot([worst.at], [worst.borrowing], "v", **place)
    _key(key, error, found)
    note = textwrap.fill(supposed(found, used), PAGE)
    figure.supxlabel(note, fontsize=8.5, x=0.01, ha="left")
    figure.suptitle(f"The price of borrowing: {textwrap.fill(found.title, 100)}", fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def _curves(axes: Axes, found: Price, name: str) -> None:
    for one in found.variants:
        if one.name == "none_same_error" and name not in {"type_i_error", "power"}:
            continue  # a certainty of its own changes no estimate
        known = _given(found, getattr(one, name))
        axes.plot(*zip(*known, strict=True), **STYLES[one.name], label=LABELS[one.name])


def _given(found: Price, values: Known) -> list[tuple[float, float]]:
    """Control rates with their numbers, where there are numbers."""
    return [(rate, value) for rate, value in zip(found.rates, values, strict=True) if value is not None]


def _marks(axes: Axes, found: Price) -> None:
    """The sweet spot, and history's mean."""
    for span in found.sweet_spot:
        axes.axvspan(span.lowest, span.highest, color=SWEET, zorder=0.6)
    axes.axvline(found.history_mean, color=INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)


def _height(axes: Axes, found: Price, name: str) -> None:
    """A panel as high as borrowing and none need; the title says where pooled history leaves it."""
    highest = max(value for one in ("borrowing", "none") for _, value in _given(found, _of(found, one, name)))
    promised = [one.promised for one in found.stated if one.promised is not None] if name == "type_i_error" else []
    top = min(ROOM * max(highest, *promised), 1.02) if promised else ROOM * highest
    axes.set_ylim(0, top)
    pooled = max(value for _, value in _given(found, _of(found, "pooled", name)))
    if pooled > top:
        _title(axes, f"{axes.get_title(loc='left')} (pooled rises to {pooled:.2g})")


def _of(found: Price, variant: Any, name: str) -> Known:
    values: Known = getattr(found.variant(variant), name)
    return values


def _spread(axes: Axes, found: Price) -> None:
    """The bias of borrowing and none in full, and as much of that of pooled history as fits beside it."""
    values = [value for one in ("borrowing", "none") for _, value in _given(found, _of(found, one, "bias"))]
    widest = 2 * max(map(abs, values))
    axes.set_ylim(-widest, widest)
    pooled = [value for _, value in _given(found, _of(found, "pooled", "bias"))]
    if max(map(abs, pooled)) > widest:
        _title(axes, f"{axes.get_title(loc='left')} (pooled: {min(pooled):+.2f} to {max(pooled):+.2f})")


def _title(axes: Axes, said: str) -> None:
    axes.set_title(said, loc="left", fontsize=10)


def _promise(axes: Axes, found: Price) -> None:
    """The stated ranges, and the type I error promised in each."""
    for one in found.stated:
        if (one.lowest, one.highest) != (0.0, 1.0):
            axes.axvspan(one.lowest, one.highest, color=STATED, zorder=0.5)
        if one.promised is not None:
            axes.axhline(one.promised, color=INK, linewidth=0.9, linestyle=DASHED, zorder=1)
            place: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "fontsize": 8}
            axes.annotate(f"promised {one.promised:g}", (0.01, one.promised), **place)


def _key(axes: Axes, lines: Axes, found: Price) -> None:
    """What lines, colours and marks mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    axes.axis("off")
    named = dict(zip(*reversed(lines.get_legend_handles_labels()), strict=True))
    entries: list[tuple[Any, str]] = []
    for one in found.variants:
        prior = one.prior.replace(" Beta", f"{NO_BREAK}Beta").replace(", ", f",{NO_BREAK}")
        said = f"{LABELS[one.name]}: {prior}, {one.why}"
        entries.append((named[LABELS[one.name]], said))
    mark: dict[str, Any] = {"linestyle": "", "marker": "v", "color": BLUE, "markeredgecolor": INK, "markersize": 8}
    entries.append(
        (Line2D([], [], **mark), "worst case of borrowing: largest type I error, loss of power, rise of squared error")
    )
    mean = Line2D([], [], color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
    entries.append((mean, f"history's mean: {mean_said(found)}"))
    if found.sweet_spot:
        where = spans_said(found.sweet_spot)
        sweet = f"sweet spot: {where}; at least the power and at most the type I error of none"
        entries.append((Patch(color=SWEET), sweet))
    if narrow := [one for one in found.stated if (one.lowest, one.highest) != (0.0, 1.0)]:
        ranges = ", ".join(f"{one.lowest:g}-{one.highest:g} ({one.truth})" for one in narrow)
        entries.append((Patch(color=STATED), f"stated without effect: {ranges}"))
    handles = [handle for handle, _ in entries]
    labels = [textwrap.fill(said, WIDTH) for _, said in entries]
    axes.legend(handles, labels, loc="upper left", frameon=False, fontsize=8, borderaxespad=0, labelspacing=0.8)
