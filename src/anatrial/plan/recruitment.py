"""What recruitment makes of a counts trial: when patients come, how many by the limit, and what the trial is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator

from anatrial.designs.recruitment import Recruitment
from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.domain.results import Metric, exactly
from anatrial.domain.trial import Cell, Column, Figure, Section, Table
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, power
from anatrial.engine.course import Course, Trial
from anatrial.engine.recruitment import (
    Recruited,
    by_month,
    duration,
    enrolment,
    milestones,
    power_of_looks,
    quantiles,
    splits,
)
from anatrial.truths import AnyTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

STEPS = 12  # rows of a table along months or numbers of patients
Worth = dict[str, float]


def section(used: ResolvedScenario, run: Trial) -> Section:
    """Timetable, patients by month, and power and assurance with what is recruited; empty without the section."""
    plan = used.resolved
    if plan.recruitment is None:
        return Section()
    block = plan.randomisation.block if plan.randomisation is not None else None
    trial = enrolment(plan.recruitment, run.looks if isinstance(run, Course) else (run.look,), plan.rule, block=block)
    known = {name: truth for name, truth in plan.truths.items() if isinstance(truth, Points | DesignPrior)}
    worth = {name: _worth(trial, run, truth) for name, truth in known.items()}
    tables = [_timetable(trial), _months(trial), _worths(run, known, worth)]
    if not isinstance(run, Course):
        tables.append(_by_number(plan, trial))
    reached = milestones(plan.recruitment, trial.looks)[-1].reached
    metrics: dict[str, tuple[Metric, ...]] = {name: (Metric("reached", exactly(reached)),) for name in plan.truths}
    for name, truth in known.items():
        metric = "power_recruited" if isinstance(truth, Points) else "assurance_recruited"
        months = duration(plan.recruitment, run, truth.law)
        metrics[name] += (Metric(metric, exactly(worth[name])), Metric("duration", exactly(months)))
    return Section(tuple(tables), metrics, tuple(_notes(used, trial, run)))


def _worth(trial: Recruited, run: Trial, truth: Points | DesignPrior) -> float:
    """P(success) with what is recruited by the limit."""
    if isinstance(run, Course):
        return power_of_looks(trial.recruitment, run, truth.law)
    return trial.power(truth.law)


def _timetable(trial: Recruited) -> Table:
    """When the patients of each look are there, and when their results are."""
    plan, rows = trial.recruitment, []
    for index, found in enumerate(milestones(plan, trial.looks), start=1):
        name = "end" if index == len(trial.looks) else f"look {index}"
        rows.append((name, sum(found.look), found.reached, found.median, found.late, found.mean + plan.lag))
    columns = (
        Column("look", "", "text"),
        Column("patients", "patients", "count"),
        Column("reached", f"recruited by month {plan.stop_at:g}"),
        Column("median", "median month", "number"),
        Column("late", "90 % by month", "number"),
        Column("result", "result, mean month", "number"),
    )
    note = (
        f"{plan.said()} Median and 90 % month are those without this limit; mean result: months until all are "
        "recruited or recruitment ends, and follow-up."
    )
    title = "Recruitment: when the patients are there, and when their results"
    return Table("recruitment", title, columns, tuple(rows), note=note)


def _months(trial: Recruited) -> Table:
    """Patients recruited along the months, with the central 80 %."""
    limit = trial.recruitment.stop_at
    step = limit / STEPS if limit < STEPS else float(math.ceil(limit / STEPS))
    months = [k * step for k in range(math.ceil(limit / step - 1e-9))] + [limit]
    columns = (
        Column("month", "month", "number"),
        Column("mean", "mean", "count"),
        Column("low", "10 %", "count"),
        Column("high", "90 %", "count"),
        Column("all", f"all {sum(trial.planned)} there"),
    )
    rows = tuple(by_month(trial.recruitment, sum(trial.planned), tuple(months)))
    title = "Patients recruited by month: mean, the central 80 %, and the chance that all are there"
    return Table("recruited_by_month", title, columns, rows, figure=Figure("lines", "month", ("mean", "low", "high")))


def _worths(run: Trial, known: dict[str, Points | DesignPrior], worth: Worth) -> Table:
    """Power and assurance as planned beside those with what is recruited."""
    rows = tuple(
        (name, "power" if isinstance(truth, Points) else "assurance", power(run, truth)[0], worth[name])
        for name, truth in known.items()
    )
    columns = (
        Column("truth", "if", "text"),
        Column("metric", "", "text"),
        Column("planned", "all recruited"),
        Column("recruited", "as recruited"),
    )
    return Table("recruited_worth", "What the trial is worth, counting recruitment", columns, rows)


def _by_number(plan: Scenario, trial: Recruited) -> Table:
    """Power, assurance and type I error of the trial that must stop at a number of patients."""
    truths = {name: truth for name, truth in plan.truths.items() if _has_chance(plan, truth)}
    columns = [
        Column("patients", "recruited", "count"),
        Column("split", "per arm", "text"),
        Column("at_most", "so many or fewer"),
    ]
    for name, truth in truths.items():
        said = {"points": "power", "design_prior": "assurance", "no_effect": "type I error"}[truth.kind]
        columns.append(Column(f"{said.replace(' ', '_')}_{name}", f"{said}, {name}"))
    rows = []
    for n in _numbers(trial):
        cells: list[Cell] = [n, _split_said(trial, n), min(float(trial.chances[: n + 1].sum()), 1.0)]
        for truth in truths.values():
            found = _error_at(plan, trial, truth, n) if isinstance(truth, NoEffect) else trial.power_at(n, truth.law)
            cells.append(found)
        rows.append(tuple(cells))
    drawn = tuple(column.key for column in columns[3:])
    title = "If the trial must stop at the number recruited"
    figure = Figure("lines", "patients", drawn) if drawn else None
    return Table("by_number_recruited", title, tuple(columns), tuple(rows), figure=figure)


def _has_chance(plan: Scenario, truth: AnyTruth) -> bool:
    """Whether one chance of success is told of a truth at a number of patients."""
    if isinstance(truth, NoEffect):
        return plan.rule.edge is not None
    return isinstance(truth, Points | DesignPrior)


def _numbers(trial: Recruited) -> list[int]:
    """Numbers of patients to show: even steps, the 5th, 50th and 95th percentile, the fewest that are analysed."""
    total = sum(trial.planned)
    step = math.ceil(total / STEPS)
    chosen = {*range(step, total, step), total, *quantiles(trial.chances, (0.05, 0.5, 0.95))}
    chosen.add(trial.recruitment.analyse_from or total)
    return sorted(chosen - {0})


def _split_said(trial: Recruited, n: int) -> str:
    """Patients per arm, or the range where blocks leave it open."""
    looks = [split.look for split in splits(trial.block, trial.planned, n)]
    if trial.planned.n_c == 0:
        return str(n)
    first, last = looks[0], looks[-1]
    if first == last:
        return f"{first.n_t} + {first.n_c}"
    return f"{first.n_t}-{last.n_t} + {last.n_c}-{first.n_c}"


def _error_at(plan: Scenario, trial: Recruited, truth: NoEffect, n: int) -> float:
    """The worst type I error over the range, averaged over splits; 0 where the trial is given up."""
    if n < (trial.recruitment.analyse_from or 1):
        return 0.0
    worst = 0.0
    for look, chance in splits(trial.block, trial.planned, n):
        if trial.analysed(look):
            found = trial.regions(look)
            ends = (truth.control.lowest, truth.control.highest)
            worst += chance * type_one.worst(found, ends, *null_margins(plan.rule, found)).found
    return worst


def _notes(used: ResolvedScenario, trial: Recruited, run: Trial) -> Iterator[str]:
    plan: Recruitment = trial.recruitment
    if isinstance(run, Course):
        yield "recruitment: a trial that is short of patients ends with the last look whose patients are recruited"
        return
    names = used.scenario.arms
    fewest = f"with fewer than {plan.analyse_from} patients" if plan.analyse_from else "with an empty arm"
    yield (
        "recruitment: a trial that is short of patients is analysed by the same rule with those who are there; "
        f"{fewest} it is given up and counts as no success"
    )
    if trial.planned.n_c and trial.block is None:
        yield (
            f"recruitment: the patients recruited are split between {names.treatment} and {names.control} in the "
            "planned shares; randomisation.block gives the chances under permuted blocks"
        )
    elif trial.planned.n_c:
        yield "recruitment: arms are split as permuted blocks without strata split them, the last block cut at random"
