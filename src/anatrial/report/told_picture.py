"""Virtual trials with times in a picture: a line per patient, and what was seen when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.told_trials import Course, ToldTrial, ToldTrials
from anatrial.errors import Fault, InputError
from anatrial.report.canvas import BLUE, GREY, INK, VERMILION, figure_bytes, panels
from anatrial.report.examples_text import DECISIONS, share_said
from anatrial.report.told_text import told_heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2
MARKS = {"response": "o", "flare": "o", "no response": "o", "lost": "x", "end of follow-up": "|"}
HOLLOW = {"no response"}


def refuse_without_times(used: str, kind: str) -> None:
    """``InputError`` for a kind of trial whose patients have no times to draw."""
    if kind not in {"time_to_event", "visits"}:
        expected = "a trial with times (time_to_event, visits), or with looks at counts (fixed, sequential)"
        raise InputError(Fault(f"{used}: design.kind", repr(kind), expected, "leave --plot out, or ask for --json"))


def told_picture(result: ToldTrials, names: ArmNames, fmt: str) -> bytes:
    """One panel per trial: treatment above control, in each the patients who were seen longest first."""
    refuse_without_times(result.scenario, result.design_kind)
    rows = max(-(-len(result.trials) // COLUMNS), 1)
    figure, grid = panels(COLUMNS, rows, (12.0, 1.1 + 3.4 * rows))
    for axes, trial in zip(grid.flat, result.trials, strict=False):
        _draw(axes, trial, result.unit or "")
    for axes in list(grid.flat)[len(result.trials) :]:
        axes.axis("off")
    if result.trials:
        handles = _key(result.trials, names)
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.suptitle(result.title, x=0.01, ha="left", fontsize=11, color=INK)
    return figure_bytes(figure, fmt)


def _draw(axes: Axes, trial: ToldTrial, unit: str) -> None:
    """A line per patient, from the start until seen last."""
    ordered = sorted(trial.told.patients, key=lambda one: (not one.treated, -_until(one)))
    size = max(4.0, min(30.0, 900 / len(ordered)))
    for place, one in enumerate(ordered):
        colour = BLUE if one.treated else VERMILION
        axes.plot([0, _until(one)], [place, place], color=colour, linewidth=0.9, alpha=0.6)
        for at, what in one.seen:
            face: Any = "white" if what in HOLLOW else colour
            ink = GREY if what == "lost" else colour
            style: dict[str, Any] = (
                {"facecolor": ink} if MARKS[what] in {"x", "|"} else {"facecolor": face, "edgecolor": ink}
            )
            axes.scatter([at or 0.0], [place], s=size, marker=MARKS[what], linewidth=0.9, zorder=3, **style)
    axes.set(xlim=(0, None), ylim=(len(ordered) - 0.3, -0.7))
    axes.set_yticks([])
    axes.set_title(f"{told_heading(trial)}\n", loc="left", fontsize=9.5, color=INK)
    decided = DECISIONS.get(trial.told.decision, trial.told.decision)
    axes.text(0, 1.02, share_said(trial), transform=axes.transAxes, fontsize=8, color=GREY)
    axes.text(1, 1.09, decided, transform=axes.transAxes, fontsize=8.5, fontweight="bold", ha="right", color=INK)
    axes.set_xlabel(unit, fontsize=8.5)
    axes.set_ylabel("patients", fontsize=8.5)
    axes.tick_params(labelsize=8)


def _until(one: Course) -> float:
    return max((seen.at or 0.0 for seen in one.seen), default=0.0)


def _key(trials: tuple[ToldTrial, ...], names: ArmNames) -> list[Any]:
    """What lines and marks mean, for the legend."""
    from matplotlib.lines import Line2D

    people = [one for trial in trials for one in trial.told.patients]
    arms = [(True, names.treatment, BLUE), (False, names.control, VERMILION)]
    found = [
        Line2D([], [], color=colour, label=name) for arm, name, colour in arms if any(p.treated == arm for p in people)
    ]
    seen = {seen.what for one in people for seen in one.seen}
    for what, mark in MARKS.items():
        if what in seen:
            face = "white" if what in HOLLOW else INK
            dot: dict[str, Any] = {"linestyle": "none", "marker": mark, "markeredgecolor": INK, "markerfacecolor": face}
            found.append(Line2D([], [], markersize=6, label=what, **dot))
    return found
