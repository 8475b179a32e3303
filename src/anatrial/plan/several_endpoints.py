"""What a run tells of a trial with several endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from anatrial.documents.several_endpoints import SeveralEndpointsScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table
from anatrial.engine import several_endpoints as engine
from anatrial.engine.several_endpoints import Chances, Judged, Virtual
from anatrial.engine.simulation import simulated
from anatrial.numerics import BoolArray, IntArray
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import drawings
from anatrial.truths.endpoint_cells import Arms
from anatrial.truths.several_endpoints import EndpointsTruth, SeveralNoEffect, SeveralPriors

MOST_COLUMNS = 6  # control counts in the table of what success needs


class VirtualPatients(NamedTuple):
    """Patients of a block of trials, treatment first, shape (trials, patients): the cell of each, and who drops out."""

    cell: IntArray
    left: BoolArray


class State(NamedTuple):
    """Which parts are idle under a truth without effect, and the chance of a false claim then."""

    idle: tuple[str, ...]
    error: Estimate


class Found(NamedTuple):
    """What was computed of one truth."""

    characteristics: OperatingCharacteristics
    exact: bool
    chances: Chances | None = None
    states: tuple[State, ...] = ()


def findings(
    used: ResolvedTrial[SeveralEndpointsScenario], simulation: SimulationSettings, progress: Progress
) -> Findings:
    """Characteristics of every truth, tables and remarks."""
    plan = used.resolved
    judge = engine.judged(plan.design, plan.rule)
    found = {name: _of_truth(plan, judge, name, (simulation, progress)) for name in plan.truths}
    tables = [_endpoints_table(plan, found), _number_table(found), _errors_table(found), _needs_table(used)]
    return Findings(
        tuple(one.characteristics for one in found.values()),
        tuple(table for table in tables if table.rows),
        tuple(_notes(plan, found)),
        all(one.exact for one in found.values()),
    )


def block(plan: SeveralEndpointsScenario, truth: str) -> Block:
    """The trial under one truth; without effect in the state with the largest error, or where all is idle.

    The latter where the errors of the states cannot be enumerated.
    """
    return _block(plan, virtual_trial(plan, truth))


def size(plan: SeveralEndpointsScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return sum(plan.design.look)


def patients(
    plan: SeveralEndpointsScenario, truth: str, how: SimulationSettings
) -> Iterator[tuple[int, VirtualPatients]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    trial, told = virtual_trial(plan, truth), plan.truths[truth]
    dropout = None if isinstance(told, SeveralNoEffect) else told.dropout
    lost = (0.0, 0.0) if dropout is None else (dropout.treatment, dropout.control or 0.0)
    for at in drawings(_block(plan, trial).size, how):
        arms = engine.drawn(trial, at.rng, at.trials)
        left = [arm.luck < share for arm, share in zip(arms, lost, strict=True)]
        yield (
            at.first,
            VirtualPatients(np.concatenate([arm.cell for arm in arms], axis=1), np.concatenate(left, axis=1)),
        )


def _block(plan: SeveralEndpointsScenario, trial: Virtual) -> Block:
    return Block(partial(engine.simulate, trial), sum(plan.design.look) * max(len(plan.design.endpoints), 2))


def virtual_trial(plan: SeveralEndpointsScenario, truth: str) -> Virtual:
    """How a trial is drawn and judged under one truth."""
    design, judge, told = plan.design, engine.judged(plan.design, plan.rule), plan.truths[truth]
    if isinstance(told, SeveralNoEffect):
        states = _states(plan, told)
        worst = states[0]
        if engine.enumerable(design, judge, uncertain=False):
            worst = max(states, key=lambda s: engine.of_shares(design, judge, s[1]).error(s[2]))
        return _false_claims(plan, judge, worst[1], worst[2])
    reached = design.layout.reached
    if isinstance(told, SeveralPriors):
        return Virtual(judge, design.look, reached, told.shapes(design.layout), told.kept())
    arms = told.arms(design.layout)
    return Virtual(judge, design.look, reached, arms, idle=_some(design.idle(plan.rule, arms)))


def _false_claims(plan: SeveralEndpointsScenario, judge: Judged, arms: Arms, idle: BoolArray) -> Virtual:
    """A trial of which the familywise error alone is asked."""
    return Virtual(judge, plan.design.look, plan.design.layout.reached, arms, idle=idle, only_error=True)


def _some(idle: BoolArray | None) -> BoolArray | None:
    """The endpoints without effect, where there are any."""
    return idle if idle is not None and idle.any() else None


def _states(
    plan: SeveralEndpointsScenario, truth: SeveralNoEffect
) -> tuple[tuple[tuple[str, ...], Arms, BoolArray], ...]:
    """Per combination of working and idle parts: the idle ones, the shares, the endpoints without effect."""
    states = truth.states(plan.design.layout, single=plan.design.single_arm)
    known = (plan.design.idle(plan.rule, arms) for _, arms in states)
    told = zip(states, known, engine.idle_by_state(plan.design, states), strict=True)
    found = ((*state, by_state if idle is None else idle) for state, idle, by_state in told)
    return tuple(state for state in found if state[2].any())


def _of_truth(
    plan: SeveralEndpointsScenario, judge: Judged, name: str, how: tuple[SimulationSettings, Progress]
) -> Found:
    truth = plan.truths[name]
    exact = engine.enumerable(plan.design, judge, uncertain=isinstance(truth, SeveralPriors))
    if isinstance(truth, SeveralNoEffect):
        return _without_effect(plan, judge, name, how if not exact else None)
    if not exact:
        settings, progress = how
        metrics = simulated(block(plan, name), settings, progress.advance).metrics()
        return Found(OperatingCharacteristics(name, truth.kind, metrics), exact)
    if isinstance(truth, SeveralPriors):
        chances = engine.of_priors(plan.design, judge, truth)
        return Found(OperatingCharacteristics(name, truth.kind, chances.metrics("assurance")), exact, chances)
    arms = truth.arms(plan.design.layout)
    chances = engine.of_shares(plan.design, judge, arms)
    idle = _some(plan.design.idle(plan.rule, arms))
    error = () if idle is None else (Metric("familywise_error", exactly(chances.error(idle))),)
    return Found(OperatingCharacteristics(name, truth.kind, (*chances.metrics("power"), *error)), exact, chances)


def _without_effect(
    plan: SeveralEndpointsScenario, judge: Judged, name: str, how: tuple[SimulationSettings, Progress] | None
) -> Found:
    truth = plan.truths[name]
    assert isinstance(truth, SeveralNoEffect)
    found = []
    states = _states(plan, truth)
    for parts, arms, idle in states:
        if how is None:
            error = exactly(engine.of_shares(plan.design, judge, arms).error(idle))
        else:
            virtual = _block(plan, _false_claims(plan, judge, arms, idle))
            error = simulated(virtual, how[0], how[1].advance).metrics()[0].estimate
        found.append(State(parts, error))
    bound = engine.proven_error(plan.design, plan.rule, states[0][1])
    worst = engine.worst_of(tuple(state.error for state in found), bound)
    metrics = (Metric("familywise_error", worst),)
    return Found(OperatingCharacteristics(name, truth.kind, metrics), how is None, None, tuple(found))


def _endpoints_table(plan: SeveralEndpointsScenario, found: dict[str, Found]) -> Table:
    single = plan.design.single_arm
    rows: list[tuple[Cell, ...]] = []
    for name, one in found.items():
        truth = plan.truths[name]
        if isinstance(truth, SeveralNoEffect):
            continue
        rates = _rates(plan, truth)
        key = "assurance" if isinstance(truth, SeveralPriors) else "power"
        for k, endpoint in enumerate(plan.design.endpoints):
            claimed = one.characteristics.metric(engine.metric_of(key, endpoint)).estimate
            alone = None if one.chances is None else one.chances.alone[k]
            rows.append((f"{endpoint}, {name}", *(arm[k] for arm in rates), alone, claimed))
    columns = [Column("endpoint", "endpoint, truth", "text"), Column("rate_t", plan.arms.treatment, "percent")]
    if not single:
        columns.append(Column("rate_c", plan.arms.control, "percent"))
    columns += [Column("alone", "test alone"), Column("claimed", "claimed")]
    return Table(
        "endpoints",
        "Each endpoint: its rates in the analysis, its own test at the full level, and under the rule",
        tuple(columns),
        tuple(rows),
        figure=Figure("bars", "endpoint", ("alone", "claimed")),
    )


def _rates(plan: SeveralEndpointsScenario, truth: EndpointsTruth) -> tuple[tuple[float, ...], ...]:
    """Rates of the endpoints in the analysis per arm; expected ones where they are uncertain."""
    layout = plan.design.layout
    if isinstance(truth, SeveralPriors):
        pairs = zip(truth.shapes(layout), truth.kept(), strict=True)
        return tuple(
            tuple(kept * rate for rate in layout.rates(shapes / shapes.sum()))
            for shapes, kept in pairs
            if shapes is not None
        )
    assert not isinstance(truth, SeveralNoEffect)
    return tuple(layout.rates(shares) for shares in truth.arms(layout) if shares is not None)


def _number_table(found: dict[str, Found]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (name, *one.chances.number) for name, one in found.items() if one.chances is not None
    ]
    most = len(rows[0]) - 1 if rows else 1
    numbers = [Column(f"claimed_{k}", "none" if k == 0 else "all" if k == most - 1 else str(k)) for k in range(most)]
    title = "How many endpoints may be claimed: the chance of each number"
    return Table("claimed", title, (Column("truth", "truth", "text"), *numbers), tuple(rows))


def _errors_table(found: dict[str, Found]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (", ".join(state.idle), name, state.error) for name, one in found.items() for state in one.states
    ]
    columns = (Column("idle", "no effect on", "text"), Column("truth", "truth", "text"), Column("error", "false claim"))
    title = "Familywise error: the chance to claim an endpoint without effect, wherever the effect is missing"
    return Table("familywise", title, columns, tuple(rows))


def _needs_table(used: ResolvedTrial[SeveralEndpointsScenario]) -> Table:
    plan, look = used.resolved, used.resolved.design.look
    tests = plan.rule.ordered(plan.design.endpoints)
    same = all(test == tests[0] for test in tests)
    counts = np.unique(np.linspace(0, look.n_c, min(MOST_COLUMNS, look.n_c + 1)).round().astype(int)).tolist()
    rows: list[tuple[Cell, ...]] = []
    for endpoint, test in zip(plan.design.endpoints, tests, strict=True):
        divisors = plan.rule.divisors(len(tests))
        for divisor, regions in zip(divisors, plan.rule.regions(test, len(tests), look), strict=True):
            grid = regions.success.grid
            dial = plan.rule.at(test, divisor).dial
            level = "its criteria" if dial is None else f"{dial.name.replace('_', ' ')} {dial.value:.4g}"
            least = [int(np.argmax(grid[:, x])) if grid[:, x].any() else None for x in counts]
            rows.append(("each" if same else endpoint, level, *least))
        if same:
            break
    control, treatment = used.scenario.arms.control, used.scenario.arms.treatment
    labels = [f"{x} of {look.n_c}" for x in counts] if look.n_c else [f"of {look.n_t}"]
    columns = (
        Column("endpoint", "endpoint", "text"),
        Column("level", "judged at", "text"),
        *(Column(f"control_{x}", label, "count") for x, label in zip(counts, labels, strict=True)),
    )
    when = f" of {look.n_t}, by responders on {control}" if look.n_c else ""
    title = f"What success needs: least responders on {treatment}{when}"
    return Table("needs", title, columns, tuple(rows))


def _notes(plan: SeveralEndpointsScenario, found: dict[str, Found]) -> list[str]:
    notes = []
    if any(one.states for one in found.values()):
        tests = plan.rule.ordered(plan.design.endpoints)
        known = not plan.design.single_arm or all(test.fixed_benchmark is not None for test in tests)
        notes.append(
            "The familywise error is a certificate: the largest one found at the stated rates, and a bound proven from "
            "the type I error of each test, whatever endpoints have an effect and whatever the rates"
            f"{'.' if known else ' up to those stated, where the rate to beat is uncertain.'}"
        )
    if any(isinstance(truth, SeveralPriors) for truth in plan.truths.values()) and not plan.design.single_arm:
        notes.append("What is known of one arm is taken to say nothing of the other: arms are independent.")
    if any(not one.exact for one in found.values()):
        n = "/".join(map(str, plan.design.look))
        notes.append(
            f"{len(plan.design.endpoints)} endpoints in {n} patients have too many results to sum; they are simulated."
        )
    return notes
