"""History that has moved, in trials that are not told by counts alone: a table where rates are to be beaten, or a NOTE.

Where a trial has no control arm the rates to beat stand for history: the table tells what a treatment that does
nothing achieves if those rates have moved. Of a control prior that holds history a NOTE names the moved rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.trial import Cell, Column, Figure, Findings, Form, Section, Table
from anatrial.plan.drift import NOW, SEEN, SEEN_WHY, SHIFT, THEN, moved

STEPS = (-SEEN, -SEEN / 2, 0.0, SEEN / 2, SEEN)


def drifted(used: ResolvedTrial[Any], tell: Callable[[ResolvedTrial[Any]], Findings], *, exact: bool) -> Section:
    """The table and the remarks; nothing where the trial neither borrows nor compares with a fixed rate.

    ``tell`` evaluates the same trial under other truths; it is asked where numbers are ``exact`` alone, because a
    simulated table would take as long as the run.
    """
    plan = used.resolved
    history = {
        prior.name: prior.informative.mean
        for where, prior in used.priors
        if "control" in where.split(".") and any(part.a + part.b > 2 + 1e-9 for part in prior.informative.parts)
    }
    to_beat = plan.rates_to_beat()
    idle = (
        [plan.without_effect_at({name: moved(rate, step) for name, rate in to_beat.items()}) for step in STEPS]
        if to_beat
        else []
    )
    if not exact or any(truth is None for truth in idle):
        history |= {f"the rate to beat of {name}": rate for name, rate in to_beat.items()}
        idle = []
    tables = (_table(used, dict(zip(STEPS, idle, strict=True)), tell),) if idle else ()
    return Section(tables, notes=tuple(_remark(name, rate) for name, rate in history.items()))


def _remark(name: str, rate: float) -> str:
    return (
        f"history may have drifted: {name} stands for {rate:.2f}. If its odds have moved since as those of placebo did "
        f"between eras in ankylosing spondylitis (ASAS20 {THEN:.0%} to {NOW:.0%}), it is {moved(rate, SEEN):.2f} "
        f"now, or {moved(rate, -SEEN):.2f} the other way; the verdicts do not count on that"
    ).replace("%", " %")


def _table(used: ResolvedTrial[Any], truths: dict[float, Any], tell: Callable[[ResolvedTrial[Any]], Findings]) -> Table:
    """What an idle treatment achieves at the rates to beat, moved by each step."""
    plan, arms = used.resolved, used.scenario.arms
    named = {f"step-{k}": truth for k, truth in enumerate(truths.values(), start=1)}
    bare = {"safety": None} if "safety" in type(plan).model_fields else {}
    found = tell(replace(used, resolved=plan.model_copy(update={"truths": named, "targets": (), **bare})))
    to_beat, (metric, label) = plan.rates_to_beat(), plan.idle_metric
    form: Form = "number" if metric.startswith("expected_") else "chance"
    columns = (
        SHIFT,
        *(Column(f"rate_{k}", name) for k, name in enumerate(to_beat, start=1)),
        Column(metric, label, form),
    )
    rows: list[tuple[Cell, ...]] = []
    for step, one in zip(truths, found.characteristics, strict=True):
        rates = (moved(rate, step) for rate in to_beat.values())
        rows.append((f"{step:+.2f}" if step else "none", *rates, one.metric(metric).estimate))
    return Table(
        "drift",
        f"If {arms.treatment} does nothing, and what patients do without it has drifted from the rates to beat",
        columns,
        tuple(rows),
        f"Shift: {SEEN_WHY}; both directions, and half of it. Without a control arm no result shows it.",
        Figure("lines", "rate_1", (metric,)),
    )
