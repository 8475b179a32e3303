"""Virtual trials in a picture: every patient as a dot, the rates so far, and what each look decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.examples import ExampleTrial, ExampleTrials
from anatrial.report.canvas import BLUE, FAINT, GREEN, GREY, INK, ORANGE, PAPER, VERMILION, figure_bytes, panels
from anatrial.report.examples_text import DECISIONS, KINDS, heading, share_said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2
TREATED_AT, CONTROL_AT = -0.12, -0.25
"""Height of the dots of each arm, below the rates."""
COLOURS = {"success": GREEN, "no-go": ORANGE, "futility": ORANGE, "harm": VERMILION}
NARROW = 0.15  # share of the patients below which there is no room for words


def examples_picture(result: ExampleTrials, names: ArmNames, fmt: str) -> bytes:
    """One panel per trial."""
    rows = max(-(-len(result.trials) // COLUMNS), 1)
    figure, grid = panels(COLUMNS, rows, (12.0, 1.1 + 3.4 * rows))
    for axes, trial in zip(grid.flat, result.trials, strict=False):
        _draw(axes, trial, names)
    for axes in list(grid.flat)[len(result.trials) :]:
        axes.axis("off")
    if result.trials:
        handles = [*grid.flat[0].get_legend_handles_labels()[0], *_key(result.trials)]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.suptitle(result.title, x=0.01, ha="left", fontsize=11, color=INK)
    return figure_bytes(figure, fmt)


def _draw(axes: Axes, trial: ExampleTrial, names: ArmNames) -> None:
    """Rates so far above, patients below, looks as lines; grey is what the trial never saw."""
    total, single = len(trial.patients), trial.rate_c is None
    arms = [(True, names.treatment, BLUE, TREATED_AT)]
    if not single:
        arms.append((False, names.control, VERMILION, CONTROL_AT))
    for treated, name, colour, height in arms:
        _rates(axes, trial, treated=treated, style=(name, colour))
        _dots(axes, trial, treated=treated, style=(colour, height))
    if trial.arrived < total:
        axes.axvspan(trial.arrived + 0.5, total + 0.5, color=FAINT, linewidth=0, alpha=0.6)
        if total - trial.arrived > NARROW * total:
            middle, paper = (trial.arrived + total + 1) / 2, {**PAPER, "facecolor": FAINT}
            axes.text(middle, 0.5, "not\nrecruited", ha="center", va="center", fontsize=8, color=GREY, bbox=paper)
    for look, arrived in zip(trial.looks, trial.arrivals, strict=True):
        colour = COLOURS.get(look.decision, GREY)
        axes.axvline(arrived + 0.5, color=colour, linewidth=1.6 if look is trial.end else 1.0, zorder=1)
        if look is not trial.end:
            axes.text(arrived + 0.5, 1.1, "goes on", rotation=90, ha="right", va="top", fontsize=7, color=GREY)
    _decided(axes, trial)
    low = TREATED_AT - 0.08 if single else CONTROL_AT - 0.08
    axes.set(xlim=(0, total + 1), ylim=(low, 1.13))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.set_title(f"{KINDS[trial.kind]}: {heading(trial)}\n", loc="left", fontsize=9.5, color=INK)
    axes.text(0, 1.02, share_said(trial), transform=axes.transAxes, fontsize=8, color=GREY)
    axes.set_xlabel("patients in order of arrival", fontsize=8.5)
    axes.set_ylabel("responders so far", fontsize=8.5)
    axes.tick_params(labelsize=8)


def _decided(axes: Axes, trial: ExampleTrial) -> None:
    """What the trial ended with, beside its last line."""
    right = trial.arrived <= 0.6 * len(trial.patients)
    shift = 0.8 if right else 0.2
    axes.text(
        trial.arrived + shift,
        1.05,
        DECISIONS[trial.end.decision],
        ha="left" if right else "right",
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=COLOURS.get(trial.end.decision, GREY),
        bbox=PAPER,
    )


def _rates(axes: Axes, trial: ExampleTrial, *, treated: bool, style: tuple[str, str]) -> None:
    """Share of responders among the patients of an arm so far, until the end, and the true rate as a thin line."""
    name, colour = style
    x, y, hits, seen = [], [], 0, 0
    for place, one in enumerate(trial.patients[: trial.arrived], start=1):
        if one.treated == treated and one.counted:
            hits, seen = hits + one.responded, seen + 1
            x.append(place)
            y.append(hits / seen)
    axes.plot([*x, trial.arrived + 0.5], [*y, y[-1]], color=colour, linewidth=1.8, drawstyle="steps-post", label=name)
    true = trial.rate_t if treated else trial.rate_c
    axes.axhline(true or 0.0, color=colour, linewidth=0.9, linestyle=":", label=f"true rate on {name}")


def _dots(axes: Axes, trial: ExampleTrial, *, treated: bool, style: tuple[str, float]) -> None:
    """A dot per patient seen: filled where the patient responds, hollow where not, a cross where one has left."""
    colour, height = style
    size = max(5.0, min(34.0, 1600 / len(trial.patients)))
    mine = [(k, p) for k, p in enumerate(trial.patients[: trial.arrived], start=1) if p.treated == treated]
    for responded, face in ((True, colour), (False, "white")):
        places = [k for k, p in mine if p.counted and p.responded == responded]
        axes.scatter(places, [height] * len(places), s=size, facecolor=face, edgecolor=colour, linewidth=0.9, zorder=3)
    gone = [k for k, p in mine if not p.counted]
    axes.scatter(gone, [height] * len(gone), s=size, marker="x", color=GREY, linewidth=0.9, zorder=3)


def _key(trials: tuple[ExampleTrial, ...]) -> list[Any]:
    """What the dots mean, for the legend."""
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 6, "markeredgecolor": INK}
    found = [
        Line2D([], [], markerfacecolor=INK, label="patient responds", **dot),
        Line2D([], [], markerfacecolor="white", label="patient does not", **dot),
    ]
    if any(not one.counted for trial in trials for one in trial.patients):
        found.append(Line2D([], [], linestyle="none", marker="x", color=GREY, label="patient leaves the analysis"))
    return found
