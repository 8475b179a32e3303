"""A design search in a picture: what more patients buy, along the designs that no other beats."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from anatrial.domain.pareto import DesignSearch, Front, Placed
from anatrial.report.canvas import (
    BLUE,
    DASHED,
    FAINT,
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
from anatrial.report.numbers import limit
from anatrial.report.numbers import patients as patients_said
from anatrial.report.pareto_text import FORMS, aim_said, aim_targets, settings_said
from anatrial.report.sweep_words import value_said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, INK)
WORDS = 44
"""Letters of a line of the label at the cheapest design."""
LEGEND = 36
"""Letters of a line of the legend, whose three columns are as wide as the page."""
LABEL = 0.16
"""Height of that label, as a share of the axis."""
AREA = 42.0
"""Of a point of the front."""
MANY = 120
"""Points of the front from which on they become smaller."""


class _Place(NamedTuple):
    """Which aims are drawn: along and up; None along is the patients, which no aim asks for."""

    along: int | None
    up: int

    def of(self, patients: int, values: Sequence[float]) -> tuple[float, float]:
        """Where a design lies."""
        return (patients if self.along is None else values[self.along]), values[self.up]

    def many(self, members: Iterable[Placed]) -> tuple[list[float], list[float]]:
        """Where designs lie, as two lists."""
        places = [self.of(member.patients, [value.value for value in member.values]) for member in members]
        return [x for x, _ in places], [y for _, y in places]


def search_picture(found: DesignSearch, fmt: str) -> bytes:
    """Patients, or expected patients, against the first other aim; colour tells the type I error, or the rule."""
    front = found.front
    place = _placed(front)
    figure, grid = panels(1, 1, (8.6, 5.6))
    axes = grid[0, 0]
    if front.beaten:
        x, y = zip(*(place.of(*spot) for spot in front.beaten), strict=True)
        faint = {"s": 16, "color": FAINT, "edgecolors": "#c4c4c4", "linewidths": 0.5, "zorder": 1}
        axes.scatter(
            x, y, label=f"beaten by another ({front.designs - len(front.members):,})", rasterized=True, **faint
        )
    if front.members:
        if place.along is not None:
            _steps(axes, front, place)
        _members(axes, found, place)
    _dress(axes, found, place)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=3, frameon=False, fontsize=8.5)
    return figure_bytes(figure, fmt)


def _placed(front: Front) -> _Place:
    """Along: patients, else expected patients. Up: the first aim of which more is better, else the first other one."""
    names = [aim.aim for aim in front.aims]
    along = next((names.index(name) for name in FORMS if name in names), None)
    others = [k for k in range(len(names)) if k != along]
    return _Place(along, next((k for k in others if front.aims[k].more), others[0]))


def _steps(axes: Axes, front: Front, place: _Place) -> None:
    """The best that a design reaches with so many patients or fewer: always one of the front, both being aims."""
    better = max if front.aims[place.up].more else min
    x: list[float] = []
    y: list[float] = []
    for along, up in sorted(zip(*place.many(front.members), strict=True)):
        x.append(along)
        y.append(better(up, y[-1]) if y else up)
    axes.step(x, y, where="post", color=GREY, linewidth=1.2, zorder=2, label="best with so many patients or fewer")


def _members(axes: Axes, found: DesignSearch, place: _Place) -> None:
    """The front as points: a ring where every target is met, colour by the type I error or by the rule."""
    front = found.front
    errors = [k for k, aim in enumerate(front.aims) if aim.aim == "type_i_error" and k != place.up]
    if errors:
        _by_error(axes, front, place, errors[0])
    else:
        _by_rule(axes, found, place)
    holding = [member for member in front.members if member.holds]
    ringed = "meets all targets,\non the front"
    if front.cheapest is not None and not front.cheapest_is_member:
        holding.append(front.cheapest)
        ringed += ", and the cheapest"
    if holding and front.targets:
        ring: dict[str, Any] = {"s": 2.3 * _area(front), "facecolors": "none", "edgecolors": INK, "zorder": 4}
        ring["linewidths"] = 1.1 * _area(front) / AREA
        axes.scatter(*place.many(holding), label=ringed, **ring)
    if front.cheapest is not None and front.targets:
        _cheapest(axes, found, front.cheapest, place)


def _area(front: Front) -> float:
    """Of the points of the front: smaller where there are so many that they would hide each other."""
    return AREA * min(1.0, math.sqrt(MANY / len(front.members)))


def _by_error(axes: Axes, front: Front, place: _Place, error: int) -> None:
    values = [member.values[error].value for member in front.members]
    drawn = axes.scatter(
        *place.many(front.members),
        s=_area(front),
        c=values,
        cmap="viridis_r",
        zorder=3,
        label=f"beaten by none ({len(front.members):,})",
    )
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.02, aspect=30)
    bar.set_label(aim_said(front.aims[error]), fontsize=9)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    for threshold in aim_targets(front, front.aims[error]):
        if min(values) < threshold < max(values):
            bar.ax.axhline(threshold, color="white", linewidth=1.5)


def _by_rule(axes: Axes, found: DesignSearch, place: _Place) -> None:
    """A colour per value of the first axis that changes the rule, where the values are few; else one colour."""
    front = found.front
    rules = [(path, label) for path, label in found.labels if path.split(".")[0] in {"rule", "test"}]
    groups: dict[str, list[Placed]] = {}
    for member in front.members:
        settings = dict(member.settings)
        known = [f"{label} {value_said(settings[path])}" for path, label in rules[:1] if path in settings]
        groups.setdefault(known[0] if known else "beaten by none", []).append(member)
    if len(groups) > len(COLOURS):
        groups = {"beaten by none": list(front.members)}
    for (said, members), colour in zip(groups.items(), COLOURS, strict=False):
        label = f"{textwrap.fill(said, LEGEND, max_lines=3, placeholder='...')} ({len(members):,})"
        axes.scatter(*place.many(members), s=_area(front), color=colour, zorder=3, label=label)


def _cheapest(axes: Axes, found: DesignSearch, cheapest: Placed, place: _Place) -> None:
    """A label in the corner beyond the front, where no design can lie, with a line to its design."""
    said = f"cheapest that meets all targets: {patients_said(cheapest.patients)}"
    words = textwrap.wrap(f"{said}, {settings_said(found, cheapest.settings)}", WORDS, break_on_hyphens=False)
    rises = found.front.aims[place.up].more
    style: dict[str, Any] = {
        "xytext": (0.02, 0.98 if rises else 0.02),
        "textcoords": "axes fraction",
        "va": "top" if rises else "bottom",
        "fontsize": 8.5,
        "bbox": {**PAPER, "edgecolor": GREY, "alpha": 0.95},
        "arrowprops": {"arrowstyle": "-", "color": INK, "linewidth": 0.9, "shrinkB": 6},
        "zorder": 6,
    }
    ((x,), (y,)) = place.many([cheapest])
    axes.annotate("\n".join(words), (x, y), **style)


def _dress(axes: Axes, found: DesignSearch, place: _Place) -> None:
    front = found.front
    aim = front.aims[place.up]
    for threshold in aim_targets(front, aim):
        axes.axhline(threshold, color=INK, linewidth=0.9, linestyle=DASHED, zorder=1.5)
        style: dict[str, Any] = {
            "xytext": (2, 3),
            "textcoords": "offset points",
            "fontsize": 8,
            "bbox": PAPER,
            "zorder": 5,
        }
        axes.annotate(f"target {limit(threshold)}", (0.0, threshold), xycoords=("axes fraction", "data"), **style)
    axes.set(xlabel="patients" if place.along is None else aim_said(front.aims[place.along]), ylabel=aim_said(aim))
    axes.margins(x=0.06, y=0.08)
    low, high = axes.get_ylim()
    room = LABEL * (high - low)
    if aim.aim not in FORMS:  # beyond 1 there is only the label
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= 1 + 1e-9])
    axes.set_ylim(*((low, high + room) if aim.more else (low - room, high)))
    title = textwrap.fill(found.title, 90)
    axes.set_title(f"{title}\ndesigns that no other beats", loc="left", fontsize=10.5)
