"""Pictures of runs, size searches and priors, drawn from results alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Evaluation, SizeSearch
from anatrial.plan.inspect import Inspection
from anatrial.report.canvas import BLUE, GREY, ORANGE, VERMILION, figure_bytes
from anatrial.report.numbers import rate
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _figure(columns: int, rows: int, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def run_picture(result: Evaluation, used: ResolvedScenario, fmt: str) -> bytes:
    """Power and type I error along the rate that nobody knows: that of control, or of the one arm."""
    figure, grid = _figure(1, 1, (8.0, 4.8))
    axes = grid[0, 0]
    arms, single = used.scenario.arms, result.look.n_c == 0
    points = next(((n, t) for n, t in used.resolved.truths.items() if isinstance(t, Points)), None)
    null = next(((n, t) for n, t in used.resolved.truths.items() if isinstance(t, NoEffect)), None)
    if null is not None:
        name, truth = null
        axes.axvspan(
            truth.control.lowest, truth.control.highest, color="#f3ead9", label="stated range of no effect", zorder=0
        )
        curve = result.of(name).curves[0]
        axes.plot(curve.rates, curve.values, color=VERMILION, linewidth=2, label="type I error")
        worst = result.of(name).metric("type_i_error")
        axes.plot([worst.at], [worst.estimate.value], "o", color=VERMILION)
        above = (8, 8) if (worst.at or 0) < 0.7 else (-8, 8)
        axes.annotate(
            f"worst in range {worst.estimate.value:.3f}", (worst.at, worst.estimate.value), xytext=above,
            textcoords="offset points", color=VERMILION, ha="left" if above[0] > 0 else "right", fontsize=9,
        )  # fmt: skip
    if points is not None:
        name, plan = points
        curve = result.of(name).curves[0]
        rate_t, rate_c = plan.trial_rates()
        label = f"power along the rate of {arms.treatment}" if single else f"power if {arms.treatment} {rate(rate_t)}"
        axes.plot(curve.rates, curve.values, color=BLUE, linewidth=2, label=label)
        power = result.of(name).metric("power").estimate.value
        at = rate_t if single else rate_c
        axes.plot([at], [power], "o", color=BLUE)
        axes.annotate(
            f"plan {power:.3f}", (at, power), xytext=(8, 4), textcoords="offset points", color=BLUE, fontsize=9
        )
    for verdict in result.verdicts:
        if verdict.metric in {"power", "type_i_error"}:
            axes.axhline(verdict.threshold, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="probability")
    axes.set_xlabel(f"true rate on {arms.treatment}" if single else f"true rate on {arms.control}")
    axes.set_title(result.title, loc="left", fontsize=11, wrap=True)
    _tidy(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure_bytes(figure, fmt)


def size_picture(result: SizeSearch, used: ResolvedScenario, fmt: str) -> bytes:
    """Every target along n: power of exact tests is a saw, so each size is a point."""
    count = len(result.targets)
    figure, grid = _figure(1, count, (8.0, 1.0 + 2.6 * count))
    n = [p.n for p in result.points]
    for k, (label, target) in enumerate(zip(result.targets, used.resolved.targets, strict=True)):
        axes = grid[k, 0]
        values = [p.estimates[k].value for p in result.points]
        good = [p.outcomes[k] == "PASS" for p in result.points]
        axes.plot(n, values, color=GREY, linewidth=0.9, zorder=1)
        axes.scatter([x for x, g in zip(n, good, strict=True) if g], [v for v, g in zip(values, good, strict=True) if g],
                     s=18, color=BLUE, label="meets the target", zorder=2)  # fmt: skip
        axes.scatter([x for x, g in zip(n, good, strict=True) if not g], [v for v, g in zip(values, good, strict=True) if not g],
                     s=22, facecolors="white", edgecolors=VERMILION, label="does not", zorder=2)  # fmt: skip
        axes.axhline(target.threshold, color="black", linewidth=0.9, linestyle=(0, (4, 3)))
        answer = result.answers[k + 1]
        for value, said, colour in ((answer.first_n, "first n", ORANGE), (answer.safe_n, "safe n", BLUE)):
            if value is not None and not (said == "first n" and answer.safe_n == value):
                axes.axvline(value, color=colour, linewidth=1.2, alpha=0.8, label=f"{said} {value}")
        axes.set_title(label, loc="left", fontsize=10)
        axes.set_ylabel("probability")
        _tidy(axes)
        axes.legend(
            frameon=False, fontsize=8, ncols=4, loc="lower right" if target.bound == "at_least" else "upper right"
        )
    single = used.scenario.design.single_arm
    grid[-1, 0].set_xlabel("patients" if single else f"patients on {used.scenario.arms.control}")
    figure.suptitle(result.title, fontsize=11, x=0.01, ha="left")
    return figure_bytes(figure, fmt)


def prior_picture(found: Inspection, fmt: str) -> bytes:
    """The prior's density over the studies behind it, and what it predicts for the next 20 patients."""
    figure, grid = _figure(2, 1, (10.0, 4.4))
    left, right = grid[0]
    rates, heights = zip(*found.density, strict=True)
    left.fill_between(rates, heights, color=BLUE, alpha=0.15)
    left.plot(rates, heights, color=BLUE, linewidth=2, label=found.prior.mixture.said())
    if found.prior.robust_weight > 1e-12:
        bare, bare_heights = zip(*found.informative_density, strict=True)
        left.plot(bare, bare_heights, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)), label="without the robust part")
    top = max(heights)
    shown = [c for c in found.prior.contributions if c.n]
    for k, c in enumerate(shown):
        y = -top * (0.08 + 0.07 * k)
        colour = ORANGE if c.weight > 0 else GREY
        left.plot([c.responders / c.n], [y], "s", color=colour, markersize=3 + min(6.0, c.n**0.5 * 0.6))
        side, gap = ("left", 9) if c.responders / c.n < 0.55 else ("right", -9)
        left.annotate(f"{c.title}: {c.responders} of {c.n}, weight {c.weight:g}", (c.responders / c.n, y), xytext=(gap, 0),
                      textcoords="offset points", va="center", ha=side, fontsize=7.5)  # fmt: skip
    left.set(xlim=(0, 1), ylim=(-top * (0.1 + 0.07 * len(shown)), top * 1.18), xlabel="rate", ylabel="density")
    left.set_yticks([t for t in left.get_yticks() if 0 <= t <= top * 1.15])
    left.legend(frameon=False, fontsize=8, loc="upper right")
    left.set_title(found.prior.name, loc="left", fontsize=11)
    _tidy(left)
    predicted = found.predicted[1]
    inside = [predicted.lower <= x <= predicted.upper for x in range(predicted.n + 1)]
    right.bar(range(predicted.n + 1), predicted.law, color=[BLUE if i else "#c8d6e5" for i in inside], width=0.8)
    right.set(xlabel=f"responders among the next {predicted.n} patients", ylabel="probability")
    right.set_title(
        f"expected {predicted.mean:.1f}, central 95 % {predicted.lower} to {predicted.upper} (dark)",
        loc="left",
        fontsize=10,
    )
    _tidy(right)
    return figure_bytes(figure, fmt)
