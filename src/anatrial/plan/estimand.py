"""The same design under every other way to deal with its intercurrent events, where the truth gives the rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.documents.scenario_faults import uncertain_benchmark
from anatrial.domain.trial import Cell, Column, Section, Table, key_of
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, null_rates, power
from anatrial.engine.course import Trial
from anatrial.spec import Name
from anatrial.truths.events import NEEDS, STRATEGIES, Known, Strategy
from anatrial.truths.points import Points

Strategies = dict[Name, Strategy]


def section(used: ResolvedScenario, run: Trial) -> Section:
    """Per truth with event rates a table of estimands, and what was taken for granted."""
    plan = used.resolved
    truths = {name: t for name, t in plan.truths.items() if isinstance(t, Points) and t.events}
    tables = tuple(_table(used, run, name, truth) for name, truth in truths.items())
    return Section(tables=tables, notes=tuple(_notes(plan, truths)))


def alternatives(stated: Strategies) -> dict[str, Strategies]:
    """The stated strategies, then each event under every other one, then all events under one, each with its words."""
    found = {"as stated": stated}
    for name in stated:
        for strategy in STRATEGIES:
            found.setdefault(f"{name}: {_said(strategy)}", stated | {name: strategy})
    for strategy in STRATEGIES:
        found[f"every event: {_said(strategy)}"] = dict.fromkeys(stated, strategy)
    kept: dict[str, Strategies] = {}
    for said, one in found.items():
        if one not in kept.values():
            kept[said] = one
    return kept


def _said(strategy: Strategy) -> str:
    return strategy.replace("_", " ")


def _table(used: ResolvedScenario, run: Trial, name: str, truth: Points) -> Table:
    plan = used.resolved
    single, names = plan.design.single_arm, used.scenario.arms
    told = alternatives(truth.strategies)
    rows = [_row(plan, run, truth, said, strategies) for said, strategies in told.items()]
    columns = [
        Column("estimand", "estimand", "text"),
        Column("rate_t", names.treatment, "percent"),
        Column("rate_c", names.control, "percent"),
        Column("power", "power"),
        Column("type_i_error", "type I error there"),
        Column("needs", "not computable", "text"),
    ]
    left_out = {"rate_c", "type_i_error"} if single else set()
    left_out |= {"type_i_error"} if _edge(plan) is None else set()
    left_out |= {"needs"} if not any(row[-1] for row in rows) else set()
    kept = [index for index, column in enumerate(columns) if column.key not in left_out]
    rates = [f"{rate:.0%}" for rate in (truth.rates.treatment, truth.rates.control) if rate is not None]
    note = f"Without an event {' v '.join(rates)} respond."
    if "type_i_error" not in left_out:
        note += f" Type I error there: with {names.control} at its rate, and no effect."
    return Table(
        f"estimand_{key_of(name)}",
        f"The same trial under other estimands, if {name}",
        tuple(columns[index] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in rows),
        note,
    )


def _edge(plan: Scenario) -> float | None:
    return None if uncertain_benchmark(plan) else plan.rule.edge


def _row(plan: Scenario, run: Trial, truth: Points, said: str, strategies: Strategies) -> tuple[Cell, ...]:
    if needs := _needs(truth, strategies):
        return (said, None, None, None, None, needs)
    reckoned = truth.under(strategies)
    rate_t, rate_c = reckoned.trial_rates()
    return (said, rate_t, rate_c, power(run, reckoned)[0], _type_one(plan, run, rate_c), "")


def _needs(truth: Points, strategies: Strategies) -> str:
    """The rates that the strategies need and the truth does not give, of which events; else empty."""
    lacking: dict[Known | None, list[str]] = {}
    for event, strategy in strategies.items():
        if missing := truth.events[event].missing(strategy):
            only = f" ({missing[0].partition('.')[0]})" if len(missing) < len(truth.events[event].arms) else ""
            lacking.setdefault(NEEDS[strategy], []).append(f"{event}{only}")
    said = (f"{rate} of {', '.join(events)}" for rate, events in lacking.items())
    return f"needs {' and '.join(said)}" if lacking else ""


def _type_one(plan: Scenario, run: Trial, rate_c: float) -> float | None:
    """Type I error with the control arm at this rate; None where the treatment could have no rate without effect."""
    lowest, highest = null_rates(plan.rule, run)
    if plan.design.single_arm or _edge(plan) is None or not lowest <= rate_c <= highest:
        return None
    return float(type_one.along(run, np.array([rate_c]), *null_margins(plan.rule, run))[0])


def _notes(plan: Scenario, truths: dict[str, Points]) -> Iterator[str]:
    assert plan.estimand is not None
    if plan.estimand.events and not truths:
        yield "no truth gives rates of the events: the response rates are taken as those of the estimand"
    if any(
        event.responders_without is not None for t in truths.values() for e in t.events.values() for event in e.arms
    ):
        yield "responders_without is assumed: no trial observes what would have been without the event"
    if plan.null is None or plan.design.single_arm:
        return
    span = plan.null.control
    for name, truth in truths.items():
        for said, strategies in alternatives(truth.strategies).items():
            if not _needs(truth, strategies):
                rate = truth.under(strategies).trial_rates()[1]
                if not span.lowest <= rate <= span.highest:
                    ends = f"{span.lowest:g}-{span.highest:g}"
                    yield f"{said}, if {name}: the control rate {rate:.2g} lies outside the {ends} of no effect"
