"""Forest plots: every record of an indication with its interval, one panel per endpoint."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anatrial.plan.evidence_summary import EvidenceSummary, Panel, Row
from anatrial.report.canvas import FAINT, GREY, INK, ROLE_COLOURS, figure_bytes
from anatrial.report.evidence_text import INTERVALS, arm_said, counts_said

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, GAP, AXIS, TOP, BOTTOM, MARGIN = 0.24, 0.18, 0.30, 0.62, 0.62, 0.15  # inches
PLOT_WIDTH, COLUMN_GAP, SIZE, SMALL = 4.4, 0.22, 8.5, 7.5
HEADS = ("study, arm", "visit; analysis set", "x/n", "rate % (interval)")


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A panel as it is drawn: its rows without repeated numbers, its texts, its height in inches."""

    panel: Panel
    rows: tuple[Row, ...]
    cells: tuple[tuple[str, str, str, str], ...]
    definition: tuple[str, ...]

    @property
    def head(self) -> float:
        return 0.26 + 0.155 * len(self.definition)

    @property
    def body(self) -> float:
        return ROW * len(self.rows) + 0.06

    @property
    def height(self) -> float:
        return self.head + self.body + AXIS + GAP


def forest_picture(found: EvidenceSummary, endpoint: str | None, interval: str, fmt: str) -> bytes:
    """The records of one endpoint, or of all that have any: squares by size, intervals, counts and rates in words."""
    from matplotlib.figure import Figure

    wanted = [p for p in found.panels if p.rows and endpoint in {None, p.endpoint}]
    panels = [_drawn(panel, interval) for panel in wanted]
    figure = Figure(figsize=(13, 4))
    widths = _column_widths(figure, panels)
    across = 2 * MARGIN + sum(widths) + PLOT_WIDTH + 4 * COLUMN_GAP
    down = TOP + BOTTOM + sum(p.height for p in panels) + (0 if panels else 0.5)
    figure.set_size_inches(across, down)
    page = _Page(figure, across, down, widths)
    page.words(MARGIN, TOP - 0.34, found.title, size=12, weight="bold")
    page.legend(panels, MARGIN + _inches(figure, found.title, 12, "bold") + 0.4)
    most = max((row.n or 0 for p in panels for row in p.rows), default=1)
    y = TOP
    for drawn in panels:
        page.panel(drawn, y, interval, most)
        y += drawn.height
    if not panels:
        page.words(MARGIN, y + 0.2, "no record of this endpoint", colour=GREY)
    page.words(MARGIN, down - 0.34, _caption(found, wanted, interval, int(14 * across)), size=SMALL, colour=GREY)
    return figure_bytes(figure, fmt)


def _drawn(panel: Panel, interval: str) -> _Drawn:
    rows = tuple(row for row in panel.rows if row.repeats is None)
    cells = tuple(
        (
            _label(row),
            f"{row.visit}; {row.analysis_set}",
            counts_said(row),
            _rate(row, interval),
        )
        for row in rows
    )
    fewer = " Fewer is better: events are shown." if panel.better == "fewer" else ""
    return _Drawn(panel, rows, cells, tuple(textwrap.wrap(panel.definition + fewer, 125)))


def _label(row: Row) -> str:
    title = row.title + ("*" if row.core else "")
    return title if row.title.endswith(f"{row.arm} arm") else f"{title}, {arm_said(row)}"


def _rate(row: Row, interval: str) -> str:
    limits = row.wilson if interval == "wilson" else row.clopper_pearson
    if row.rate is not None and limits is not None:
        return f"{_whole(row.rate)}  ({_whole(limits[0])}-{_whole(limits[1])})"
    return f"printed {row.printed_percent} %" if row.printed_percent else "not read"


def _whole(rate: float) -> str:
    """Per cent without decimals, but never 0 or 100 for a rate that is neither."""
    shown = f"{100 * rate:.0f}"
    return f"{100 * rate:.1f}" if (shown == "0" and rate > 0) or (shown == "100" and rate < 1) else shown


def _column_widths(figure: Figure, panels: list[_Drawn]) -> list[float]:
    """Inches that each text column needs."""
    columns = ({head, *(cells[k] for p in panels for cells in p.cells)} for k, head in enumerate(HEADS))
    return [max(_inches(figure, text, SIZE) for text in sorted(texts, key=len)[-12:]) for texts in columns]


def _inches(figure: Figure, text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is, as the font really is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = figure.text(0, 0, text, fontsize=size, weight=weight, parse_math=False)
    width = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width / figure.dpi
    drawn.remove()
    return float(width)


def _caption(found: EvidenceSummary, wanted: list[Panel], interval: str, width: int) -> str:
    rows = [row for panel in wanted for row in panel.rows]
    said = [f"Filled squares: rate with {100 * found.level:g} % {INTERVALS[interval]} interval, area by n."]
    if any(row.rate is None for row in rows):
        said.append("Hollow: count not read, at the printed percentage or the counts that fit it.")
    if any(row.tier == "case_report" for row in rows):
        said.append("Faint: case report.")
    if any(row.core for row in rows):
        said.append("*\N{NO-BREAK SPACE}core study.")
    repeated = sum(row.repeats is not None for row in rows)
    if repeated:
        said.append(f"Not drawn, as they repeat a number of their cohort: {repeated}.")
    return "\n".join(textwrap.wrap(" ".join(said), width))


class _Page:
    """A figure measured in inches from its upper left corner."""

    def __init__(self, figure: Figure, across: float, down: float, widths: list[float]) -> None:
        self.figure, self.across, self.down = figure, across, down
        label, where, count, _ = widths
        self.where = MARGIN + label + COLUMN_GAP
        self.plot = self.where + where + COLUMN_GAP
        self.count_right = self.plot + PLOT_WIDTH + COLUMN_GAP + count
        self.rate = self.count_right + COLUMN_GAP

    def words(
        self, x: float, y: float, text: str, *, size: float = SIZE, colour: str = INK, align: str = "left",
        weight: str = "normal", alpha: float = 1.0,
    ) -> None:  # fmt: skip
        """Text whose middle line stands at these inches."""
        self.figure.text(
            x / self.across, 1 - y / self.down, text, fontsize=size, color=colour, ha=align, va="center", weight=weight,
            alpha=alpha, parse_math=False,
        )  # fmt: skip

    def axes(self, y: float, height: float) -> Any:
        """Axes for a panel's body, 0 to 100 %."""
        box = (self.plot / self.across, 1 - (y + height) / self.down, PLOT_WIDTH / self.across, height / self.down)
        axes = self.figure.add_axes(box)
        axes.set(xlim=(-3, 103), ylim=(height, 0), xticks=range(0, 101, 20), yticks=[])
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_color(GREY)
        axes.tick_params(axis="x", labelsize=SMALL, colors=GREY, length=3)
        axes.grid(axis="x", color=FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        return axes

    def legend(self, panels: list[_Drawn], after: float) -> None:
        """The colours of the roles that occur, at the upper right of the plot."""
        present = [role for role in ROLE_COLOURS if any(row.role == role for p in panels for row in p.rows)]
        x = max(self.plot, after)
        for role in present:
            self.words(x, TOP - 0.34, "\N{BLACK SQUARE}", colour=ROLE_COLOURS[role], size=10)
            self.words(x + 0.16, TOP - 0.34, role.replace("_", " "))
            x += 0.16 + 0.075 * len(role) + 0.35

    def panel(self, drawn: _Drawn, y: float, interval: str, most: int) -> None:
        """One endpoint from ``y`` downwards."""
        panel = drawn.panel
        self.words(MARGIN, y + 0.1, panel.endpoint, size=10, weight="bold")
        for k, line in enumerate(drawn.definition):
            self.words(MARGIN, y + 0.3 + 0.155 * k, line, size=SMALL, colour=GREY)
        self.words(self.count_right, y + drawn.head - 0.06, HEADS[2], size=SMALL, colour=GREY, align="right")
        self.words(self.rate, y + drawn.head - 0.06, HEADS[3], size=SMALL, colour=GREY)
        top = y + drawn.head + 0.06
        axes = self.axes(top, drawn.body)
        for k, (row, cells) in enumerate(zip(drawn.rows, drawn.cells, strict=True)):
            down, alpha = ROW * (k + 0.5), _strength(row)
            label, where, count, rate = cells
            self.words(MARGIN, top + down, label, alpha=alpha, weight="normal")
            self.words(self.where, top + down, where, colour=GREY, alpha=alpha)
            self.words(self.count_right, top + down, count, align="right", alpha=alpha)
            self.words(self.rate, top + down, rate, alpha=alpha)
            _mark(axes, row, down, interval, most)


def _strength(row: Row) -> float:
    return 0.4 if row.tier == "case_report" else 1.0


def _mark(axes: Any, row: Row, y: float, interval: str, most: int) -> None:
    """A filled square with its interval, or a hollow one where the count was not read."""
    colour, alpha = ROLE_COLOURS[row.role], _strength(row)
    area = max(14.0, 150.0 * (row.n or 0) / most)
    limits = row.wilson if interval == "wilson" else row.clopper_pearson
    if row.rate is not None and limits is not None:
        axes.plot(
            [100 * rate for rate in limits], [y, y], color=colour, linewidth=1.4, alpha=alpha, solid_capstyle="butt"
        )
        axes.scatter(
            [100 * row.rate], [y], s=area, marker="s", color=colour, alpha=alpha, linewidths=0, zorder=3, clip_on=False
        )
    elif row.allowed is not None:
        low, high = (100 * rate for rate in row.allowed)
        sign = (row.printed_percent or "")[:1]
        at = low if sign == ">" else high if sign == "<" else (low + high) / 2
        marker = sign if sign in {"<", ">"} else "s"
        axes.plot([low, high], [y, y], color=colour, linewidth=1.0, alpha=alpha)
        style = {"facecolors": "white", "edgecolors": colour, "linewidths": 1.2, "alpha": alpha}
        axes.scatter([at], [y], s=max(20.0, area), marker=marker, zorder=3, clip_on=False, **style)
