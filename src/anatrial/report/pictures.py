"""Pictures of runs, size searches and priors, drawn from results alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Evaluation, SizeAnswer, SizeSearch
from anatrial.plan.inspect import Inspection
from anatrial.plan.planned import Predicted
from anatrial.report.canvas import BLUE, DASHED, GREY, INK, ORANGE, PAPER, VERMILION, bar_width, figure_bytes, panels
from anatrial.report.numbers import rate
from anatrial.truths.no_effect import NoEffect

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_HEIGHT = 0.04  # of a line of small text, on an axis from 0 to 1


def run_picture(result: Evaluation, used: ResolvedScenario, fmt: str) -> bytes:
    """Power and type I error along the rate that nobody knows; of a trial with looks also what ends it, and where."""
    if not result.looks:
        figure, grid = panels(1, 1, (8.0, 4.8))
        _curves(grid[0, 0], result, used)
        figure.legend(
            *grid[0, 0].get_legend_handles_labels(), loc="outside lower left", ncols=1, frameon=False, fontsize=9
        )
        return figure_bytes(figure, fmt)
    from anatrial.report.looks_picture import looks_figure

    return figure_bytes(looks_figure(result, used, _curves), fmt)


def _curves(axes: Axes, result: Evaluation, used: ResolvedScenario) -> None:
    arms, single = used.scenario.arms, result.look.n_c == 0
    thresholds = sorted({v.threshold for v in result.verdicts if v.metric in {"power", "type_i_error"}})
    for threshold in thresholds:
        axes.axhline(threshold, color=GREY, linewidth=0.9, linestyle=DASHED)
    for near in _neighbours(thresholds):
        axes.annotate(
            f"target {', '.join(f'{threshold:g}' for threshold in near)}",
            (0.995, near[-1]),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
            color=GREY,
        )
    plan = used.resolved
    for name, truth in plan.truths.items():
        if isinstance(truth, NoEffect):
            axes.axvspan(truth.control.lowest, truth.control.highest, color="#f3ead9", zorder=0)
            worst = result.of(name).metric("type1_max")
            at, value = worst.at or 0.0, worst.estimate.value
            label = f"type I error: at worst {value:.3f}, at {rate(round(at, 3))} (shaded: {name})"
            _mark(axes, at, value, VERMILION, label)
    if plan.planned is not None:
        curve = result.of(plan.name_of(plan.planned)).curves[0]
        rate_t, rate_c = plan.planned.trial_rates()
        power, at = result.of(plan.name_of(plan.planned)).metric("power").estimate.value, rate_t if single else rate_c
        axes.plot(curve.rates, curve.values, color=BLUE, linewidth=2)
        label = "power" if single else f"power if {arms.treatment} {rate(rate_t)}"
        _mark(axes, at, power, BLUE, f"{label}: {power:.3f} at the plan ({rate(at)})")
    if plan.null is not None:
        curve = result.of(plan.name_of(plan.null)).curves[0]
        kept = [
            (r, v)
            for r, v in zip(curve.rates, curve.values, strict=True)
            if not single or r <= plan.null.control.highest
        ]
        axes.plot([r for r, _ in kept], [v for _, v in kept], color=VERMILION, linewidth=2.6 if single else 2)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="probability")
    axes.set_xlabel(f"true rate on {arms.treatment if single else arms.control}")
    axes.set_title(result.title, loc="left", fontsize=11, wrap=True)


def _neighbours(thresholds: list[float]) -> list[list[float]]:
    """Sorted thresholds in groups whose labels would overlap."""
    groups: list[list[float]] = []
    for threshold in thresholds:
        if groups and threshold - groups[-1][-1] < LABEL_HEIGHT:
            groups[-1].append(threshold)
        else:
            groups.append([threshold])
    return groups


def _mark(axes: Axes, x: float, y: float, colour: str, label: str) -> None:
    """A point with its line in the legend."""
    axes.plot([x], [y], "o-", color=colour, clip_on=False, zorder=5, label=label)


def size_picture(result: SizeSearch, used: ResolvedScenario, fmt: str) -> bytes:
    """Every target along n: power of exact tests is a saw, so each size is a point."""
    count = len(result.targets)
    figure, grid = panels(1, count, (8.0, 1.2 + 2.6 * count))
    n = [p.n for p in result.points]
    for k, target in enumerate(result.targets):
        axes = grid[k, 0]
        values = [p.estimates[k].value for p in result.points]
        axes.plot(n, values, color=GREY, linewidth=0.9, zorder=1)
        for passes, style in (
            (True, {"s": 18, "color": BLUE, "label": "meets the target"}),
            (False, {"s": 22, "facecolors": "white", "edgecolors": VERMILION, "label": "does not"}),
        ):
            chosen = [
                (p.n, v) for p, v in zip(result.points, values, strict=True) if (p.outcomes[k] == "PASS") == passes
            ]
            axes.scatter([x for x, _ in chosen], [v for _, v in chosen], zorder=2, **style)
        axes.axhline(target.threshold, color=INK, linewidth=0.9, linestyle=DASHED, label="target")
        answer = result.answers[k + 1]
        for value, colour, said in ((answer.first_n, ORANGE, "first n"), (answer.safe_n, BLUE, "safe n")):
            if value is not None:
                style = {"linewidth": 3.5 if said == "first n" else 1.2, "alpha": 0.6 if said == "first n" else 1}
                axes.axvline(value, color=colour, label=said, zorder=0.5, **style)
        axes.set_title(f"{target.said}: {_answered(answer)}", loc="left", fontsize=10)
        axes.set_ylabel("patients" if target.metric == "expected_n" else "probability")
    single = used.scenario.design.single_arm
    grid[-1, 0].set_xlabel("patients" if single else f"patients on {used.scenario.arms.control}")
    figure.suptitle(
        f"{result.title}\nall targets jointly: {_answered(result.answers[0])}", fontsize=11, x=0.01, ha="left"
    )
    handles = {
        said: handle for axes in grid.flat for handle, said in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure_bytes(figure, fmt)


def _answered(answer: SizeAnswer) -> str:
    if answer.first_n is None:
        return "not reached"
    return f"first {answer.first_n}, " + (f"safe {answer.safe_n}" if answer.safe_n is not None else "none safe")


def prior_picture(found: Inspection, fmt: str) -> bytes:
    """The prior's density over the studies behind it, and what it predicts for the next patients."""
    figure, grid = panels(2, 1, (10.0, 4.4))
    _density(grid[0, 0], found)
    n = found.beside[0].n
    _prediction(grid[0, 1], next(p for p in found.predicted if p.n == n))
    return figure_bytes(figure, fmt)


def _density(axes: Axes, found: Inspection) -> None:
    rates, heights = zip(*found.density, strict=True)
    axes.fill_between(rates, heights, color=BLUE, alpha=0.15)
    label = found.prior.mixture.said()
    if len(found.prior.mixture.parts) > 2:
        label = label.replace(" + ", "\n+ ")
    axes.plot(rates, heights, color=BLUE, linewidth=2, label=label)
    top = max(heights)
    if found.prior.robust_weight > 1e-12:
        bare, bare_heights = zip(*found.informative_density, strict=True)
        axes.plot(bare, bare_heights, color=GREY, linewidth=1.2, linestyle=DASHED, label="without the robust part")
        top = max(top, *bare_heights)
    shown = [c for c in found.prior.contributions if c.n]
    for k, c in enumerate(shown):
        y, seen = -top * (0.08 + 0.07 * k), c.responders / c.n
        marker = {"markersize": 3 + min(6.0, 0.6 * c.n**0.5), "clip_on": False}
        axes.plot([seen], [y], "s", color=ORANGE if c.weight > 0 else GREY, **marker)
        gap, side = (9, "left") if seen < 0.55 else (-9, "right")
        said = f"{c.title}: {c.responders} of {c.n}, weight {c.weight:g}"
        axes.annotate(
            said, (seen, y), xytext=(gap, 0), textcoords="offset points", va="center", ha=side, fontsize=7.5, bbox=PAPER
        )
    head = 1.18 + 0.06 * label.count("\n")  # the legend stands above the curve
    axes.set(xlim=(0, 1), ylim=(-top * (0.1 + 0.07 * len(shown)), top * head), xlabel="rate", ylabel="density")
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top * 1.15])
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    axes.set_title(found.prior.name, loc="left", fontsize=11)


def _prediction(axes: Axes, predicted: Predicted) -> None:
    counts = range(predicted.n + 1)
    colours = [BLUE if predicted.lower <= x <= predicted.upper else "#c8d6e5" for x in counts]
    axes.bar(counts, predicted.probabilities, color=colours, width=bar_width(predicted.n))
    axes.set(xlabel=f"responders among the next {predicted.n} patients", ylabel="probability")
    said = f"expected {predicted.mean:.1f}, central 95 % {predicted.lower} to {predicted.upper} (dark)"
    axes.set_title(said, loc="left", fontsize=10)
