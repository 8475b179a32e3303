"""Pictures of a prior: studies and their shrinkage, updates, predictions, leave-one-out, chains, comparisons."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from anatrial.domain.synthesis import Quantity, Spread
from anatrial.errors import Fault, InputError
from anatrial.plan.chains import ChainView
from anatrial.plan.compare import Comparison
from anatrial.plan.inspect import Inspection
from anatrial.plan.planned import Predicted, Summary, Update
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
    bar_width,
    figure_bytes,
    panels,
)
from anatrial.report.prior_compare_text import titles
from anatrial.report.prior_text import is_robust, surprising

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHAINS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION)
ROW, SMALL = 0.27, 8.5  # inches; points
COLUMNS = (10, 132, 190)  # points right of the plot at which its columns of numbers start
TAU = ", standard deviation of log odds"


class _Row(NamedTuple):
    """A line of an interval plot; without numbers it is a heading, or ``words`` stand where the interval would be."""

    label: str
    interval: tuple[float, float, float] | None = None
    """Centre and both ends."""
    cells: tuple[str, ...] = ()
    words: str = ""
    colour: str = BLUE
    marker: str = "o"
    below: float = 1.0
    """Distance to the next line, in lines."""


def forest_picture(found: Inspection, fmt: str) -> bytes:
    """Each study as observed (95 % Clopper-Pearson) and as the model sees it, and what a new trial may see."""
    if not found.studies:
        raise _missing(found, "no study", "a prior that rests on studies")
    rows = []
    for study in found.studies:
        label = f"{study.title}: {study.responders} of {study.n}, weight {study.weight:g}"
        colour = ORANGE if study.weight > 0 else GREY
        seen = _row(label, (study.observed, study.lower, study.upper), colour, "s")
        if study.shrunken is None:
            rows.append(seen)
        else:
            rows += [seen._replace(below=0.8), _row("by the model", _of(study.shrunken), BLUE, "o")._replace(below=1.4)]
    rows.append(_Row(""))
    if found.synthesis is not None:
        both = (found.synthesis.typical, found.synthesis.predicted)
        rows += [_row(quantity.label, _of(quantity.posterior), BLUE, "D") for quantity in both]
    elif is_robust(found):
        rows.append(_row("prior without the robust part", _summary(found.informative), BLUE, "D"))
    rows.append(_row("prior as it is used", _summary(found.summary), INK, "D"))
    title = f"{found.prior.name}: observed rates (squares, 95 % Clopper-Pearson) and what the prior makes of them"
    return _intervals(rows, ("rate (95 %)",), title, fmt)


def without_picture(found: Inspection, fmt: str) -> bytes:
    """The prior, and the prior without each study."""
    if not found.without:
        raise _missing(found, "no study that could be left out", "a prior that rests on several studies")
    rows = [_row("all studies", _summary(found.summary), INK, "D", f"{found.summary.effective_n:.3g}")]
    for left in found.without:
        label = f"without {left.title}"
        if left.summary is None:
            rows.append(_Row(label, words=f"cannot be computed: {left.why_not}"))
        else:
            rows.append(_row(label, _summary(left.summary), BLUE, "o", f"{left.summary.effective_n:.3g}"))
    title = f"{found.prior.name}: mean and 95 % interval without each study; effective n by moment"
    return _intervals(rows, ("mean (95 %)", "effective n"), title, fmt)


def compare_picture(found: Comparison, fmt: str) -> bytes:
    """The rows of a comparison in their order."""
    rows: list[_Row] = []
    styles, group = {"named": (INK, "D"), "usual": (GREEN, "o"), "without": (BLUE, "o")}, None
    for row in found.rows:
        if row.group != group:
            rows += [*([_Row("")] if group else []), _Row(titles(found)[row.group])]
            group = row.group
        if row.summary is None:
            rows.append(_Row(row.label, words=f"cannot be computed: {row.why_not}"))
        else:
            cells = (f"{row.summary.effective_n:.3g}", f"{row.low}-{row.high}")
            rows.append(_row(row.label, _summary(row.summary), *styles[row.group], *cells))
    title = f"{found.indication}: mean and 95 % interval of each prior; effective n by moment; responders expected"
    return _intervals(rows, ("mean (95 %)", "effective n", f"of {found.n} (95 %)"), title, fmt)


def _of(law: Spread) -> tuple[float, float, float]:
    return law.mean, law.quantiles[0], law.quantiles[-1]


def _summary(s: Summary) -> tuple[float, float, float]:
    return s.mean, s.lower, s.upper


def _row(label: str, interval: tuple[float, float, float], colour: str, marker: str, *cells: str) -> _Row:
    centre, low, high = interval
    said = f"{centre:.3f} ({low:.3f}-{high:.3f})"
    return _Row(label, interval, (said, *cells), colour=colour, marker=marker)


def _missing(found: Inspection, got: str, expected: str) -> InputError:
    return InputError(Fault(f"prior {found.prior.name}", got, expected, "draw it with --what overview"))


def _intervals(rows: Sequence[_Row], heads: tuple[str, ...], title: str, fmt: str) -> bytes:
    """Rows with a mark and an interval each: words at the left, numbers in columns at the right."""
    places = list(accumulate((row.below for row in rows[:-1]), initial=0.0))
    figure, grid = panels(1, 1, (11.0, 1.3 + ROW * (places[-1] + 1)))
    axes: Axes = grid[0, 0]
    for y, row in zip(places, rows, strict=True):
        _beside(axes, y, row.cells, GREY if row.colour == GREY else INK)
        if row.interval is not None:
            centre, *ends = row.interval
            axes.plot(ends, [y, y], color=row.colour, linewidth=1.8, solid_capstyle="butt")
            axes.plot([centre], [y], row.marker, color=row.colour, markersize=5.5, clip_on=False, zorder=3)
        elif row.words or row.label:
            words, weight = (textwrap.shorten(row.words, 100), "normal") if row.words else (row.label, "bold")
            axes.text(0, y, words, fontsize=SMALL, va="center", weight=weight, bbox=PAPER)
    _beside(axes, -1, heads, GREY)
    axes.set(xlim=(0, 1), ylim=(places[-1] + 0.6, -0.6), xlabel="rate")
    labels = ["" if row.interval is None and not row.words else row.label for row in rows]
    axes.set_yticks(places, labels, fontsize=SMALL)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, pad=8)
    axes.spines["left"].set_visible(False)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def _beside(axes: Axes, y: float, cells: tuple[str, ...], colour: str) -> None:
    """Columns of numbers to the right of the plot."""
    for start, cell in zip(COLUMNS, cells, strict=False):
        axes.annotate(
            cell, (1, y), xytext=(start, 0), textcoords="offset points", xycoords=axes.get_yaxis_transform(),
            va="center", fontsize=SMALL, color=colour, annotation_clip=False,
        )  # fmt: skip


def update_picture(found: Inspection, update: Update, fmt: str) -> bytes:
    """Prior, likelihood of one result (scaled to the same area) and posterior."""
    figure, grid = panels(1, 1, (8.0, 4.6))
    axes: Axes = grid[0, 0]
    for curve, colour, style, label in (
        (update.prior, GREY, DASHED, f"prior: {_briefly(update.before)}"),
        (update.likelihood, ORANGE, (0, (1, 1)), f"{update.x} of {update.n} alone (likelihood, scaled)"),
        (update.posterior, BLUE, "-", f"posterior: {_briefly(update.after)}"),
    ):
        rates, heights = zip(*curve, strict=True)
        axes.plot(rates, heights, color=colour, linestyle=style, linewidth=2, label=label)
    axes.fill_between(rates, heights, color=BLUE, alpha=0.12)
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="rate", ylabel="density")
    kept = "" if update.history is None else "; weight of history {:.2f} before, {:.2f} after".format(*update.history)
    axes.set_title(f"{found.prior.name} after {update.x} of {update.n}{kept}", loc="left", fontsize=11)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, fontsize=9)
    return figure_bytes(figure, fmt)


def _briefly(s: Summary) -> str:
    return f"mean {s.mean:.3f} (95 % {s.lower:.3f}-{s.upper:.3f}), effective n {s.effective_n:.3g} (moment)"


def heterogeneity_picture(found: Inspection, fmt: str) -> bytes:
    """How far studies differ: what was assumed, and what their counts make of it."""
    shown = [q for q in (found.synthesis.heterogeneity if found.synthesis else ()) if q.curve]
    if not shown:
        raise _missing(found, f"method {found.method}, with no unknown spread", "a model of how far studies differ")
    figure, grid = panels(len(shown), 1, (2.2 + 5.0 * len(shown), 4.4))
    for axes, quantity in zip(grid.flat, shown, strict=True):
        _before_and_after(axes, quantity)
    figure.suptitle(f"{found.prior.name}: how far studies differ", fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def _before_and_after(axes: Axes, quantity: Quantity) -> None:
    at, heights = zip(*quantity.prior_curve, strict=True)
    axes.plot(at, heights, color=GREY, linestyle=DASHED, linewidth=2, label="assumed (prior)")
    at, heights = zip(*quantity.curve, strict=True)
    axes.plot(at, heights, color=BLUE, linewidth=2, label="with the studies (posterior)")
    axes.fill_between(at, heights, color=BLUE, alpha=0.12)
    low, _, median, _, high = quantity.posterior.quantiles
    digits = 2 if high < 10 else 0
    said = f"median {median:.{digits}f}, 95 % {low:.{digits}f} to {high:.{digits}f}"
    axes.axvline(median, color=BLUE, linewidth=0.9, label=said)
    axes.set(xlim=(0, max(at)), ylim=(0, None), ylabel="density")
    axes.set_xlabel(quantity.label + ("" if quantity.name == "precision" else TAU))
    axes.legend(frameon=False, fontsize=8.5)


def predictive_picture(found: Inspection, fmt: str) -> bytes:
    """Probability of each count among the planned patients; those that would contradict the prior stand out."""
    predicted = next(p for p in found.predicted if p.n == found.beside[0].n)
    figure, grid = panels(1, 1, (8.0, 4.4))
    axes: Axes = grid[0, 0]
    for doubts, colour, label in (
        (False, BLUE, f"expected {predicted.mean:.1f}, 95 % {predicted.lower} to {predicted.upper}"),
        (True, VERMILION, f"surprising: {surprising(predicted)} (so few, or so many: probability below 0.025)"),
    ):
        bars = [(x, p) for x, p in enumerate(predicted.probabilities) if _contradicts(predicted, x) == doubts]
        axes.bar([x for x, _ in bars], [p for _, p in bars], color=colour, width=bar_width(predicted.n), label=label)
    axes.set(xlabel=f"responders among the next {predicted.n} patients", ylabel="probability")
    axes.locator_params(axis="x", integer=True)
    axes.set_title(f"{found.prior.name}: what the next {predicted.n} patients may show", loc="left", fontsize=11)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, fontsize=9)
    return figure_bytes(figure, fmt)


def _contradicts(predicted: Predicted, x: int) -> bool:
    low, high = predicted.surprising_low, predicted.surprising_high
    return (low is not None and x <= low) or (high is not None and x >= high)


def trace_picture(found: Inspection, view: ChainView, fmt: str) -> bytes:
    """Draws in their order, one line per chain: chains that agree lie over each other like grass."""
    count = len(view.quantities)
    figure, grid = panels(1, count, (10.0, 0.9 + 1.7 * count))
    for axes, quantity in zip(grid.flat, view.quantities, strict=True):
        for k, trace in enumerate(quantity.traces):
            style = {"color": CHAINS[k % len(CHAINS)], "linewidth": 0.5, "alpha": 0.6}
            axes.plot(trace, **style, rasterized=True)  # as lines, an SVG would hold every draw
        axes.set_title(_named(quantity.name, quantity.label), loc="left", fontsize=9.5)
        axes.set(xlim=(0, view.draws))
    grid[-1, 0].set_xlabel("draw")
    chains = len(view.quantities[0].traces)
    figure.suptitle(f"{found.prior.name}: {chains} chains (colours)", fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def rank_picture(found: Inspection, view: ChainView, fmt: str) -> bytes:
    """Per chain, how often its draws have each rank among those of all chains: even where chains agree."""
    across = min(3, len(view.quantities))
    down, chains = -(-len(view.quantities) // across), len(view.quantities[0].ranks)
    figure, grid = panels(across, down, (1.5 + 3.4 * across, 0.9 + down * (0.7 + 0.55 * chains)))
    step = max(2.0 * view.expected, 1.1 * max(max(heights) for q in view.quantities for heights in q.ranks))
    for axes in grid.flat[len(view.quantities) :]:
        axes.set_visible(False)
    for axes, quantity in zip(grid.flat, view.quantities, strict=False):
        for k, heights in enumerate(quantity.ranks):
            base, bins = (chains - 1 - k) * step, [(i + 0.5) / len(heights) for i in range(len(heights))]
            axes.bar(bins, heights, 0.9 / len(heights), bottom=base, color=CHAINS[k % len(CHAINS)], alpha=0.75)
            axes.axhspan(base + view.lowest, base + view.highest, color=INK, alpha=0.10, linewidth=0)
            axes.axhline(base + view.expected, color=INK, linewidth=0.7, linestyle=DASHED)
        axes.set(xlim=(0, 1), ylim=(0, chains * step), xlabel="rank among all draws, as a fraction")
        axes.set_yticks([k * step for k in range(chains)], [f"chain {chains - k}" for k in range(chains)], va="bottom")
        axes.grid(visible=False)
        axes.set_title(_named(quantity.name, quantity.label), loc="left", fontsize=9.5)
    said = "grey: where all heights lie with probability 0.95 if chains agree and draws are independent"
    figure.suptitle(f"{found.prior.name}: ranks per chain\n{said}", fontsize=10, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def _named(name: str, label: str) -> str:
    return label if name in {"mean_rate", "predicted_rate", "precision"} else f"{label} ({name})"
