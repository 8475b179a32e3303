"""Stopping for safety: what it does to a trial, when it happens, and whether an event is seen at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from anatrial.designs.safety import Bound, Safety, SafetyEvent
from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.counts import Look, Regions
from anatrial.domain.results import Metric, exactly
from anatrial.domain.trial import Cell, Column, Figure, Section, Table, key_of
from anatrial.engine.characteristics import power
from anatrial.engine.course import Trial
from anatrial.engine.safety import Ending, WithSafety, kept_by_event, with_safety
from anatrial.engine.stops import stops
from anatrial.errors import InputError
from anatrial.numerics import FloatArray, zero_events
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

SURE = 0.95
ASSUMED = (
    "Safety: events are taken as independent of each other and of the response, and as seen by the time the response "
    "is; the safety check comes before the look at the same patient."
)

ANALYSED = "Safety: counted among the patients that the plan analyses; those who drop out, though exposed, are not."


class Watched(NamedTuple):
    """A trial whose events are watched."""

    safety: Safety
    looks: tuple[Look, ...]
    arms: ArmNames

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.looks[-1].n_c == 0


class Under(NamedTuple):
    """One truth: what the trial does without safety, P(no stop by m patients) per event, and both together."""

    endings: tuple[Ending, ...]
    kept: Mapping[str, FloatArray]
    both: WithSafety


def section(used: ResolvedScenario, run: Trial) -> Section:
    """The section of a counts trial; ``InputError`` where a boundary stops every trial of the file's size, or none.

    At other sizes, which a search asks for, a boundary may have no check yet: then it stops no trial.
    """
    plan = used.resolved
    assert plan.safety is not None
    watched = Watched(plan.safety, plan.design.looks(), used.scenario.arms)
    if plan.design == used.scenario.design:
        refuse_boundaries(watched, used.name)
    truths = {name: plan.truths[name] for name in plan.safety.rates}
    endings = {name: _endings(run, truth) for name, truth in truths.items() if isinstance(truth, Points | DesignPrior)}
    found = told(watched, endings)
    return replace(found, notes=(*found.notes, ANALYSED)) if plan.numbers_random else found


def refuse_boundaries(watched: Watched, where: str) -> None:
    """``InputError``, naming the file ``where``, for a boundary that stops every trial or none."""
    faults = [
        fault._replace(where=f"{where}: {fault.where}") for fault in watched.safety.boundary_faults(watched.looks)
    ]
    if faults:
        raise InputError(*faults)


def told(watched: Watched, endings: Mapping[str, tuple[Ending, ...]]) -> Section:
    """Tables, metrics and remarks, given where the trial ends under each truth that has rates of the events."""
    found = {name: _under(watched, name, ends) for name, ends in endings.items()}
    tables = (_whole(found), *(_boundary(watched, event, found) for event in watched.safety.events))
    metrics = {name: _metrics(under) for name, under in found.items()}
    notes = (*(event.said() for event in watched.safety.events), ASSUMED, _none_seen(watched))
    return Section((*tables, _seen(watched, found)), metrics, notes)


def _endings(run: Trial, truth: Points | DesignPrior) -> tuple[Ending, ...]:
    """Every look with the chance that the trial ends there."""
    if isinstance(run, Regions):
        return (Ending(run.look, 1.0, power(run, truth)[0]),)
    found = stops(run, truth.law)
    reached = [*(stop.reached for stop in found), 0.0]
    return tuple(
        Ending(stop.look, max(reached[k] - reached[k + 1], 0.0), stop.success, run.waiting[k])
        for k, stop in enumerate(found)
    )


def _under(watched: Watched, truth: str, endings: tuple[Ending, ...]) -> Under:
    by_event = kept_by_event(watched.safety, watched.safety.rates[truth], watched.looks)
    return Under(endings, by_event, with_safety(endings, np.prod(list(by_event.values()), axis=0)))


def _metrics(under: Under) -> tuple[Metric, ...]:
    both = under.both
    pairs = (("safe_success", both.success), ("safety_stop", both.stop), ("expected_n_with_safety", both.patients))
    return tuple(Metric(name, exactly(value)) for name, value in pairs)


def _whole(found: Mapping[str, Under]) -> Table:
    """What stopping for safety does to the trial."""
    columns = (
        Column("truth", "if", "text"),
        Column("success", "success, safety aside"),
        Column("safe_success", "success, no safety stop"),
        Column("safety_stop", "safety stop"),
        Column("patients", "patients, safety aside", "number"),
        Column("patients_with_safety", "with safety", "number"),
    )
    rows = []
    for name, (endings, _, both) in found.items():
        aside = sum(end.ends * (sum(end.look) + sum(end.waiting)) for end in endings)
        success = sum(end.success for end in endings)
        rows.append((name, success, both.success, both.stop, aside, both.patients))
    return Table("safety", "Efficacy and safety together (expected patients)", columns, tuple(rows))


def _boundary(watched: Watched, event: SafetyEvent, found: Mapping[str, Under]) -> Table:
    """The boundary of an event, and the chance to have met it by each of its steps if nothing else ends the trial."""
    columns = (
        Column("patients", f"{watched.arms.treatment} patients", "text"),
        Column("to", "by patient", "count"),
        Column("events", "stop at events", "count"),
        *(
            Column(f"stopped_{key_of(name)}", f"{name} ({watched.safety.rates[name][event.name].treatment:g})")
            for name in found
        ),
    )
    rows: list[tuple[Cell, ...]] = []
    for events, group in groupby(event.bounds(watched.looks), key=lambda bound: bound.events):
        steps = list(group)
        stopped = [1.0 - float(under.kept[event.name][steps[-1].patients]) for under in found.values()]
        rows.append((_span(steps), steps[-1].patients, events, *stopped))
    figure = Figure("lines", "to", tuple(column.key for column in columns[3:]))
    title = f"Stop for {event.label} by then, efficacy aside, by truth (rate of the event)"
    return Table(f"safety_{key_of(event.name)}", title, columns, tuple(rows), figure=figure)


def _span(steps: list[Bound]) -> str:
    first, last = steps[0].patients, steps[-1].patients
    return str(first) if first == last else f"{first}-{last}"


def _seen(watched: Watched, found: Mapping[str, Under]) -> Table:
    """How many events to expect, and whether there is one at all."""
    n_t = watched.looks[-1].n_t
    columns = (
        Column("event", "event", "text"),
        Column("truth", "if", "text"),
        Column("rate", "rate", "number"),
        Column("seen", f"seen among {n_t}"),
        Column("patients", "patients for 95 %", "count"),
        Column("events", f"events, {watched.arms.treatment}", "number"),
        *(() if watched.single_arm else (Column("events_c", f"events, {watched.arms.control}", "number"),)),
    )
    rows: list[tuple[Cell, ...]] = []
    for event in watched.safety.events:
        for name, under in found.items():
            rates = watched.safety.rates[name][event.name]
            needed = zero_events.patients_to_see(rates.treatment, SURE)
            row = (event.label, name, rates.treatment, zero_events.seen(n_t, rates.treatment), needed)
            expected = [rates.treatment * under.both.treatment]
            expected += [] if rates.control is None else [rates.control * under.both.control]
            rows.append((*row, *expected))
        if event.believed is not None:
            rows.append(_believed(watched, event))
    title = "Seeing an event at all on treatment, and expected events until the trial ends"
    return Table("events_seen", title, columns, tuple(rows))


def _believed(watched: Watched, event: SafetyEvent) -> tuple[Cell, ...]:
    """The same where the rate is as uncertain as the file says."""
    assert event.believed is not None
    prior, n_t = event.believed.mixture(), watched.looks[-1].n_t
    chance, needed = (
        zero_events.seen_believed(n_t, prior.array),
        zero_events.patients_to_see_believed(prior.array, SURE),
    )
    unknown: tuple[Cell, ...] = (None,) if watched.single_arm else (None, None)
    return (event.label, f"as believed: {prior.said()}", prior.mean, chance, needed, *unknown)


def _none_seen(watched: Watched) -> str:
    """What no event at all would say."""
    n = watched.looks[-1].n_t
    limit = 100 * zero_events.upper_after_none(n, SURE)
    return (
        f"No event in {n} {watched.arms.treatment} patients shows, with 95 % confidence (one-sided, Clopper-Pearson), "
        f"that its rate is at most {limit:.3g} %; the rule of three says {min(300 / n, 100):.3g} %."
    )
