"""Plan a trial of times to an event: what each truth brings, power along its size, normal theory, shares over time."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np
from scipy.special import gammaincinv

from anatrial.designs.time_to_event import MOST_PATIENTS, TimeToEvent
from anatrial.documents.time_to_event import TimeToEventScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table
from anatrial.engine import time_to_event as engine
from anatrial.engine.simulation import simulated
from anatrial.engine.time_to_event import TimeTrial, Watched
from anatrial.numerics.time_to_event import (
    Gamma,
    Weibull,
    event_probability,
    freedman_events,
    schoenfeld_events,
    schoenfeld_power,
)
from anatrial.numerics.weibull import NODES
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import drawings
from anatrial.rules.time_to_event import HazardRule, LogRank, PosteriorMedian
from anatrial.truths.time_to_event import NoEffectTime, UncertainHazard

SIZES = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Of the planned size: where power along the size is told."""
EXACT_SIZES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""The same where it costs nothing."""


def block(plan: TimeToEventScenario, truth: str) -> Block:
    """The trial under one truth, for the simulator."""
    return _block(_trial(plan, truth))


def size(plan: TimeToEventScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return plan.design.total


def patients(plan: TimeToEventScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Watched]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    trial = _trial(plan, truth)
    for at in drawings(_block(trial).size, how):
        yield at.first, engine.watched(trial, at.rng, at.trials)


def findings(used: ResolvedTrial[TimeToEventScenario], simulation: SimulationSettings, progress: Progress) -> Findings:
    """Characteristics of every truth, tables and remarks."""
    plan = used.resolved
    trials = {name: _trial(plan, name) for name in plan.truths}
    exact = all(engine.enumerable(trial) for trial in trials.values())
    told = {name: _metrics(trial, simulation, progress) for name, trial in trials.items()}
    found = tuple(
        OperatingCharacteristics(name, plan.truths[name].kind, metrics) for name, (metrics, _) in told.items()
    )
    failed = {name: count for name, (_, count) in told.items() if count}
    arms = (used.scenario.arms.treatment, used.scenario.arms.control)
    tables = (
        _shares(plan, trials, arms),
        _along_sizes(trials, simulation, progress),
        _normal(plan, trials),
        _totals(trials, plan.design.unit),
    )
    return Findings(
        found,
        tuple(t for t in tables if t is not None),
        (*_notes(plan, trials), *_level(plan, found), *_failures(failed, simulation), *plan.notes),
        exact,
    )


def _trial(plan: TimeToEventScenario, truth: str) -> TimeTrial:
    return TimeTrial(plan.design, plan.rule, plan.truths[truth])


def _block(trial: TimeTrial) -> Block:
    cells = 3 * trial.design.total  # uniform numbers per patient
    if isinstance(trial.rule, HazardRule) and trial.rule.shape_prior is not None:
        cells = max(cells, 2 * NODES)  # of the shape's posterior, per arm
    return Block(functools.partial(engine.tallied, trial), cells)


def _metrics(trial: TimeTrial, simulation: SimulationSettings, progress: Progress) -> tuple[tuple[Metric, ...], int]:
    """Exact where they can be, else simulated; expected events of known times are always exact. And failed trials."""
    if engine.enumerable(trial):
        success = Metric(trial.success_name, exactly(engine.exact_success(trial)))
        events = Metric("expected_events", exactly(float(trial.design.total)))
        if not trial.laws:
            return (success, events), 0
        return (success, events, Metric("expected_duration", exactly(engine.expected_duration(trial)))), 0
    tally = simulated(_block(trial), simulation, progress.advance)
    if not trial.laws:
        return tally.metrics(), tally.failed
    seen = exactly(engine.expected_events(trial))
    metrics = tuple(m._replace(estimate=seen) if m.name == "expected_events" else m for m in tally.metrics())
    return metrics, tally.failed


def _failures(failed: dict[str, int], simulation: SimulationSettings) -> Iterator[str]:
    """Trials without an answer, which count as no success."""
    for name, count in failed.items():
        yield (
            f"{name}: in {count:,} of at least {simulation.trials:,} simulated trials the posterior of the Weibull "
            "shape was not found, as where prior and data contradict each other or the prior is worth far more than "
            "the data; they count as no success."
        )


def _success(trial: TimeTrial, simulation: SimulationSettings, progress: Progress) -> Estimate:
    """The chance of success alone."""
    if engine.enumerable(trial):
        return exactly(engine.exact_success(trial))
    found = Block(functools.partial(engine.succeeded, trial), _block(trial).cells)
    return simulated(found, simulation, progress.advance).metrics()[0].estimate


def _planned(trials: dict[str, TimeTrial]) -> TimeTrial | None:
    """The trial under the effect that is hoped for: the first truth with known times."""
    return next((t for t in trials.values() if t.laws and not isinstance(t.truth, NoEffectTime)), None)


def _shares(plan: TimeToEventScenario, trials: dict[str, TimeTrial], arms: tuple[str, str]) -> Table | None:
    """Share of patients without the event by each stated time: of the hoped-for times, and of uncertain hazards."""
    unit, times = plan.design.unit, plan.design.shown_times()
    uncertain = next((t for t in trials.values() if isinstance(t.truth, UncertainHazard)), None)
    shown = [t for t in (_planned(trials), uncertain) if t is not None]
    columns, values = [Column("time", unit, "number")], []
    for name, trial in trials.items():
        if trial not in shown:
            continue
        laws: tuple[Weibull | Gamma, ...] = (
            trial.truth.gammas() if isinstance(trial.truth, UncertainHazard) else trial.laws
        )
        for arm, said, law in zip(("treatment", "control"), arms, laws, strict=False):
            columns.append(Column(f"{name}_{arm}", f"{said}, {name}"))
            values.append(engine.predicted_survival(law, np.array(times)))
    if not values:
        return None
    rows = tuple((t, *(float(v[k]) for v in values)) for k, t in enumerate(times))
    figure = Figure("lines", "time", tuple(column.key for column in columns[1:]))
    title = f"Share without {plan.design.event} by each time"
    note = "Uncertain hazards are averaged over their prior." if uncertain is not None else None
    return Table("without_event", title, tuple(columns), rows, note, figure)


def _along_sizes(trials: dict[str, TimeTrial], simulation: SimulationSettings, progress: Progress) -> Table | None:
    """Power and events as the trial grows, with the formula of Schoenfeld beside a log-rank test."""
    planned = _planned(trials)
    if planned is None:
        return None
    ratio = planned.log_hazard_ratio
    formula = isinstance(planned.rule, LogRank) and ratio
    rows: list[tuple[Cell, ...]] = []
    for design in _resized(planned.design, EXACT_SIZES if engine.enumerable(planned) else SIZES):
        trial = planned._replace(design=design)
        if not _fits(trial):
            continue
        events = engine.expected_events(trial)
        row: list[Cell] = [trial.design.total, events, _success(trial, simulation, progress)]
        if formula and ratio is not None and isinstance(trial.rule, LogRank):
            row.append(
                schoenfeld_power(math.exp(ratio), events, alpha=trial.rule.alpha, share_t=trial.design.share_t)
                if (ratio < 0) == (trial.design.event == "flare")
                else None
            )
        rows.append(tuple(row))
    columns = [
        Column("n", "patients", "count"),
        Column("events", "expected events", "number"),
        Column("power", "power"),
    ]
    if formula:
        columns.append(Column("schoenfeld", "Schoenfeld"))
    name = next(name for name, trial in trials.items() if trial is planned)
    figure = Figure("lines", "n", tuple(column.key for column in columns[2:]))
    return Table("power_along_size", f"Power along the size, {name}", tuple(columns), tuple(rows), None, figure)


def _resized(design: TimeToEvent, factors: tuple[float, ...]) -> list[TimeToEvent]:
    """The design at these sizes, each once: few patients times different factors may round to the same numbers."""
    designs = [design.resized(factor) for factor in factors if factor * design.total <= MOST_PATIENTS + 1]
    return [one for k, one in enumerate(designs) if one.n not in [other.n for other in designs[:k]]]


def _fits(trial: TimeTrial) -> bool:
    """Whether a trial of this size can be judged: neither too many patients nor too many deals."""
    if trial.design.faults():
        return False
    return not (isinstance(trial.rule, LogRank) and trial.rule.faults(trial.design.n.treatment, trial.control))


def _normal(plan: TimeToEventScenario, trials: dict[str, TimeTrial]) -> Table | None:
    """Events and patients by normal theory for each power target of a log-rank test."""
    rows: list[tuple[Cell, ...]] = []
    for target in plan.targets:
        trial = trials[target.truth]
        ratio, rule = trial.log_hazard_ratio, trial.rule
        if target.metric != "power" or target.at_least is None or not ratio or not isinstance(rule, LogRank):
            continue
        if not rule.alpha < target.threshold < 1 or (ratio < 0) != (trial.design.event == "flare"):
            continue
        share = trial.design.share_t
        chance_t, chance_c = (event_probability(law, trial.design.watch) for law in trial.laws)
        seen = share * chance_t + (1 - share) * chance_c
        for name, formula in (("Schoenfeld", schoenfeld_events), ("Freedman", freedman_events)):
            events = formula(math.exp(ratio), alpha=rule.alpha, power=target.threshold, share_t=share)
            rows.append((name, target.truth, math.exp(ratio), target.threshold, events, events / seen))
    if not rows:
        return None
    columns = (
        Column("formula", "formula", "text"),
        Column("truth", "truth", "text"),
        Column("hazard_ratio", "hazard ratio", "number"),
        Column("power", "power"),
        Column("events", "events", "number"),
        Column("patients", "patients", "number"),
    )
    return Table("normal_theory", "Events and patients by normal theory", columns, tuple(rows))


def _totals(trials: dict[str, TimeTrial], unit: str) -> Table | None:
    """What so few patients can tell: the posterior of the median after total times that the plan makes likely."""
    planned = _planned(trials)
    if planned is None or not engine.enumerable(planned) or not isinstance(planned.rule, PosteriorMedian):
        return None
    n, hazard = planned.sizes[0], 1 / planned.laws[0].scale
    rows = []
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        seen = engine.told(planned, float(gammaincinv(n, share)) / hazard)
        rows.append((share, seen.total / n, seen.median, seen.lower, seen.upper, seen.certainty))
    columns = (
        Column("quantile", "chance of at most", "percent"),
        Column("mean_time", "mean time", "number"),
        Column("median", "median: posterior", "number"),
        Column("lower", "95 % from", "number"),
        Column("upper", "to", "number"),
        Column("certainty", "P(better)"),
    )
    title = f"What {n} patients would tell of the median, in {unit}"
    note = f"P(better): posterior probability of a median better than {planned.rule.benchmark:g} {unit}."
    return Table("told_by_total", title, columns, tuple(rows), note)


def _level(plan: TimeToEventScenario, found: tuple[OperatingCharacteristics, ...]) -> Iterator[str]:
    """Whether the normal distribution of the log-rank statistic holds alpha."""
    rule, n = plan.rule, plan.design.n
    if not isinstance(rule, LogRank) or rule.p_value == "permutation":
        return
    levels = [(one.truth, m.estimate) for one in found for m in one.metrics if m.name == "type_i_error"]
    exact = rule.model_copy(update={"p_value": "permutation"})
    fix = "" if exact.faults(n.treatment, n.control or 0) else ' p_value = "permutation" holds it.'
    for name, level in levels:
        if level.lower > rule.alpha:
            yield (
                f"{name}: the log-rank test by normal theory rejects with {level.value:.3f}, not {rule.alpha:g}: too "
                f"few events, or unequal arms.{fix}"
            )
    if not levels:
        yield (
            "The log-rank test by normal theory may exceed its alpha with few events or unequal arms; a truth of kind "
            "no_effect tells by how much."
        )


def _notes(plan: TimeToEventScenario, trials: dict[str, TimeTrial]) -> Iterator[str]:
    """What the numbers rest on."""
    design, exact = plan.design, next((t for t in trials.values() if engine.enumerable(t)), None)
    if exact is not None and isinstance(plan.rule, PosteriorMedian):
        limit, n = engine.boundary(exact), design.n.treatment
        side = "below" if design.event == "response" else "above"
        if limit > 0:
            mean = f"{limit:.4g} patient-{design.unit} ({limit / n:.3g} each on average)"
            yield f"The trial succeeds if the {n} times add up to {side} {mean}."
        else:
            yield f"The trial {'never' if side == 'below' else 'always'} succeeds: the analysis prior has decided."
    if any(isinstance(t.truth, UncertainHazard) and not design.single_arm for t in trials.values()):
        yield "The uncertain hazards of the two arms are independent of each other."
    if isinstance(plan.rule, LogRank) and plan.rule.p_value == "permutation":
        yield "The permutation test is exact where both arms are censored alike."
    if any(t.log_hazard_ratio is not None and not engine.enumerable(t) for t in trials.values()):
        yield (
            "Bias of the log hazard ratio: Cox's estimate less the true one, over the trials in which it is finite "
            "(events in both arms)."
        )
