"""The control rate has moved since history was seen: power, type I error and the weight that history keeps.

The curves of a run go along every control rate; this table names the shifts for which there is a reason.
"""

from __future__ import annotations

import math

import numpy as np

from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.domain.prior import Prior
from anatrial.domain.trial import Cell, Column, Figure, Section, Table
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, power
from anatrial.engine.course import Trial
from anatrial.errors import Fault, InputError
from anatrial.numerics.binomial import binomial
from anatrial.plan.borrowing import kept_weights
from anatrial.rules.monitored import decides_last
from anatrial.rules.posterior import Posterior
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.truths.base import ArmRates
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

NOW, THEN = 0.47, 127 / 513
SEEN = math.log(NOW / (1 - NOW)) - math.log(THEN / (1 - THEN))
SEEN_WHY = (
    "what placebo did between eras in ankylosing spondylitis: ASAS20 in 127 of 513 (25 %) in the eight trials of 2002 "
    "to 2006 that Baeten 2013 pooled, in 47 % in MEASURE 4 (Kivitz 2018)"
)
SHIFT = Column("shift", "shift of log odds", "text")
ANALYSIS = ("rule.analysis_prior.control", "rule.final.analysis_prior.control")


def section(used: ResolvedScenario, run: Trial) -> Section:
    """The table, wherever the control arm borrows history or the file states a shift; else nothing.

    A single arm is always compared with history: there the rate that an idle treatment has moves.

    Raises ``InputError`` where a shift is stated and there is no control rate that could move.
    """
    plan, borrowed = used.resolved, history(used)
    if plan.design.single_arm:
        return _single_arm(used, run)
    if borrowed is None and plan.drift is None:
        return Section()
    start = borrowed.informative.mean if borrowed else _planned_control(plan)
    if start is None or not 0 < start < 1:
        got = "no history and no planned control rate" if start is None else f"a control rate of {start:g}"
        raise InputError(
            Fault(f"{used.name}: drift", got, "a control rate above 0 and below 1, whose log odds can shift")
        )
    steps, rates, why = _shifted(plan, start)
    control, treatment = used.scenario.arms.control, _treatment(plan)
    kept = _kept(used, run, rates)
    columns = [SHIFT, Column("control_rate", f"{control} rate", "chance")]
    cells: list[list[Cell]] = [[*steps], list(rates)]
    if treatment is not None:
        columns.append(Column("power", f"power if {used.scenario.arms.treatment} {treatment:.2f}", "chance"))
        cells.append([_power(run, treatment, rate) for rate in rates])
    if plan.rule.edge is not None:
        columns.append(Column("type_i_error", "type I error", "chance"))
        cells.append([_type_one(plan, run, rate) for rate in rates])
    if kept is not None:
        columns.append(Column("weight_kept", "weight of history kept, mean", "chance"))
        cells.append([*kept])
    named = f"history ({borrowed.name}), {start:.2f} on average" if borrowed else f"the planned {start:.2f}"
    table = Table(
        "drift",
        f"If the {control} rate has drifted from {named}",
        tuple(columns),
        tuple(zip(*cells, strict=True)),
        why,
        Figure("lines", "control_rate", tuple(column.key for column in columns[2:])) if columns[2:] else None,
    )
    return Section((table,))


def _single_arm(used: ResolvedScenario, run: Trial) -> Section:
    """The chance of success of a treatment that does nothing, where the rate to beat has moved since it was seen.

    A benchmark that is typed into the rule counts as history, too. Nothing where the rule has no rate to beat.
    """
    plan, arms = used.resolved, used.scenario.arms
    prior = next((prior for where, prior in used.priors if where in ANALYSIS and where.endswith(".control")), None)
    if prior is not None:
        start, named = prior.informative.mean, f"history ({prior.name}), {prior.informative.mean:.2f} on average"
    elif plan.rule.fixed_benchmark is not None:
        start = plan.rule.fixed_benchmark - plan.rule.null_margin
        named = f"the rate to beat, {start:.3g}"
    elif plan.drift is None:
        return Section()
    else:
        expected = "a rate to beat, whose log odds can shift"
        raise InputError(Fault(f"{used.name}: drift", "a single arm without a rate to beat", expected))
    steps, rates, why = _shifted(plan, start)
    columns = (
        SHIFT,
        Column("rate_without_effect", "rate without effect", "chance"),
        Column("success", f"success if {arms.treatment} does nothing", "chance"),
    )
    chances = [power(run, Points(kind="points", rates=ArmRates(treatment=rate)))[0] for rate in rates]
    return Section(
        (
            Table(
                "drift",
                f"If the rate without effect has drifted from {named}",
                columns,
                tuple(zip(steps, rates, chances, strict=True)),
                f"{why} A single arm cannot see it.",
                Figure("lines", "rate_without_effect", ("success",)),
            ),
        )
    )


def _shifted(plan: Scenario, start: float) -> tuple[list[str], list[float], str]:
    """The shifts in words, the rates they lead to, and why: that of the file, else the published one."""
    shift, why = (plan.drift.log_odds, plan.drift.why) if plan.drift else (SEEN, SEEN_WHY)
    steps = sorted({-shift, -shift / 2, 0.0, shift / 2, shift})
    said = [f"{step:+.2f}" if step else "none" for step in steps]
    return said, [moved(start, step) for step in steps], f"Shift: {why}; both directions, and half of it."


def history(used: ResolvedScenario) -> Prior | None:
    """What the control arm borrows: its informative analysis prior, else a design prior of it that names studies."""
    if used.resolved.design.single_arm:
        return None
    analysis = (prior for where, prior in used.priors if where in ANALYSIS)
    informative = (p for p in analysis if any(part.a + part.b > 2 + 1e-9 for part in p.informative.parts))
    design = (p for where, p in used.priors if where.startswith("truths.") and where.endswith(".control") and p.studies)
    return next(informative, None) or next(design, None)


def _planned_control(plan: Scenario) -> float | None:
    return plan.planned.trial_rates()[1] if plan.planned else None


def _treatment(plan: Scenario) -> float | None:
    """The treatment rate that stays the same: the planned one, else the mean of the first design prior."""
    if plan.planned is not None:
        return plan.planned.trial_rates()[0]
    return next((t.treatment.mixture().mean for t in plan.truths.values() if isinstance(t, DesignPrior)), None)


def moved(rate: float, shift: float) -> float:
    """The rate whose log odds are those of ``rate`` plus ``shift``."""
    odds = rate / (1 - rate) * math.exp(shift)
    return odds / (1 + odds)


def _power(run: Trial, treatment: float, control: float) -> float:
    return power(run, Points(kind="points", rates=ArmRates(treatment=treatment, control=control)))[0]


def _type_one(plan: Scenario, run: Trial, rate: float) -> float | None:
    """Type I error at a control rate; None where no treatment rate lies at the edge of no effect."""
    margins = null_margins(plan.rule, run)
    if not any(0 <= rate + margin <= 1 for margin in margins):
        return None
    return float(type_one.along(run, np.array([rate]), *margins)[0])


def _kept(used: ResolvedScenario, run: Trial, rates: list[float]) -> list[float] | None:
    """Mean weight that the analysis leaves to history at each rate; None where it has no weight to lose."""
    rule = decides_last(used.resolved.rule)
    control = next((prior for where, prior in used.priors if where in ANALYSIS), None)
    if control is None or not isinstance(rule, (Posterior, SelfAdapting)):
        return None
    weights = [kept.weight for kept in kept_weights(rule, control, run.look)]
    return (binomial(run.look.n_c, np.array(rates)) @ np.array(weights)).tolist() if weights else None
