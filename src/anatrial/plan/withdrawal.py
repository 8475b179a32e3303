"""A randomised withdrawal: what happens under each truth, by patients enrolled and by patients randomised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import numpy as np

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.withdrawal import WithdrawalScenario
from anatrial.domain.counts import ties_said
from anatrial.domain.prior import PriorRef
from anatrial.domain.results import Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table, key_of
from anatrial.engine import type_one
from anatrial.engine.random_totals import LEFT_OUT, ArmLaw, at_rates, occurring
from anatrial.engine.withdrawal import (
    Belief,
    Decided,
    Draws,
    NullChances,
    Patients,
    Reality,
    drawn,
    over_responders,
    simulate,
    success_given,
    true_success_given,
)
from anatrial.numerics import FloatArray
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import drawings
from anatrial.truths.withdrawal import WithdrawalNoEffect, WithdrawalPoints, WithdrawalPriors

SHARES = tuple(k / 10 for k in range(5, 16))
"""Of the planned number enrolled: the rows of the table."""
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
"""Of the number of responders: the rows of the table."""
EVERYWHERE = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario with everything that its truths share."""

    scenario: WithdrawalScenario
    decided: Decided
    null: NullChances | None
    success: Mapping[str, Mapping[int, float]]
    """P(success | number of responders) per truth with known rates or priors."""

    @classmethod
    def of(cls, scenario: WithdrawalScenario) -> Plan:
        """The regions at every number of responders that any table asks for."""
        truths = scenario.truths.values()
        laws = [truth.responders(n) for truth in truths for n in enrolled(scenario)]
        decided = Decided.by(
            scenario.rule, scenario.design, tuple(sorted({r for law in laws for r in occurring(law).tolist()}))
        )
        null = NullChances.of(decided) if any(isinstance(t, WithdrawalNoEffect) for t in truths) else None
        success = {
            name: success_given(decided, _laws(truth))
            for name, truth in scenario.truths.items()
            if not isinstance(truth, WithdrawalNoEffect)
        }
        return cls(scenario, decided, null, success)


def enrolled(scenario: WithdrawalScenario) -> tuple[int, ...]:
    """Numbers of enrolled patients in the table: half to one and a half times the plan."""
    return tuple(dict.fromkeys(max(round(share * scenario.design.enrolled), 2) for share in SHARES))


def _laws(truth: WithdrawalPoints | WithdrawalPriors) -> tuple[ArmLaw, ArmLaw]:
    if isinstance(truth, WithdrawalPoints):
        return at_rates(truth.no_flare.treatment, truth.no_flare.control)
    return truth.no_flare.treatment.mixture().predictive, truth.no_flare.control.mixture().predictive


def findings(used: ResolvedTrial[WithdrawalScenario], simulation: SimulationSettings, progress: Progress) -> Findings:
    """Characteristics of every truth; power by patients enrolled; what the number randomised does. All exact."""
    del simulation
    plan = Plan.of(used.resolved)
    found = []
    for index, name in enumerate(plan.scenario.truths):
        found.append(characteristics(plan, name))
        progress.advance(index + 1, len(plan.scenario.truths))
    tables = (_by_enrolled(plan), _numbers(plan), _by_randomised(plan))
    return Findings(tuple(found), tuple(table for table in tables if table is not None), _notes(plan))


def characteristics(plan: Plan, name: str) -> OperatingCharacteristics:
    """What happens under one truth."""
    truth = plan.scenario.truths[name]
    responders = truth.responders(plan.scenario.design.enrolled)
    match truth:
        case WithdrawalPoints():
            metrics = [Metric("power", exactly(over_responders(plan.success[name], responders)))]
        case WithdrawalPriors():
            metrics = _assurance(plan, name, truth, responders)
        case WithdrawalNoEffect():
            metrics = _type_one(plan, truth, responders)
        case _:
            assert_never(truth)
    return OperatingCharacteristics(name, truth.kind, (*metrics, *_randomised(plan, responders)))


def _assurance(plan: Plan, name: str, truth: WithdrawalPriors, responders: FloatArray) -> list[Metric]:
    success, effect = over_responders(plan.success[name], responders), plan.scenario.effect(truth)
    found = [Metric("assurance", exactly(success))]
    if effect is None:
        return found
    belief = Belief(truth.no_flare.treatment.mixture(), truth.no_flare.control.mixture(), effect)
    true = over_responders(true_success_given(plan.decided, belief), responders)
    return [
        *found,
        Metric("true_success", exactly(true)),
        Metric("false_success", exactly(max(success - true, 0.0))),
        Metric("effect_is_true", exactly(belief.treatment.probability_above(belief.control, effect))),
    ]


def _type_one(plan: Plan, truth: WithdrawalNoEffect, responders: FloatArray) -> list[Metric]:
    assert plan.null is not None
    ends = (truth.no_flare.lowest, truth.no_flare.highest)
    stated, overall = plan.null.worst(ends, responders), plan.null.worst(EVERYWHERE, responders)
    given = [plan.null.worst_given(ends, r) for r in occurring(responders).tolist()]
    worst = max(given, key=lambda one: one.found)._replace(bound=max(one.bound for one in given))
    named = (("type_i_error", stated), ("type_i_error_everywhere", overall), ("type_i_error_given_randomised", worst))
    return [Metric(name, type_one.estimate(one), one.at) for name, one in named]


def _randomised(plan: Plan, responders: FloatArray) -> tuple[Metric, Metric]:
    least, numbers = plan.scenario.design.least_responders, np.arange(responders.size)
    return (
        Metric("expected_randomised", exactly(float((numbers * responders)[least:].sum()))),
        Metric("too_few", exactly(min(float(responders[:least].sum()), 1.0))),
    )


def _labelled(plan: Plan) -> tuple[Column, ...]:
    """A column per truth that has a chance of success."""
    said = {"points": "power", "design_prior": "assurance"}
    truths = plan.scenario.truths
    chances = ((said[truths[name].kind], name) for name in plan.success)
    return tuple(Column(f"{chance}_{key_of(name)}", f"{chance}, {name}") for chance, name in chances)


def _by_enrolled(plan: Plan) -> Table | None:
    if not plan.success:
        return None
    truths = plan.scenario.truths
    rows: list[tuple[Cell, ...]] = []
    for n in enrolled(plan.scenario):
        chances = (over_responders(given, truths[name].responders(n)) for name, given in plan.success.items())
        rows.append((n, *chances))
    columns = (Column("enrolled", "enrolled", "count"), *_labelled(plan))
    return Table(
        "by_enrolled",
        "Chance of success by patients enrolled",
        columns,
        tuple(rows),
        figure=Figure("lines", "enrolled", tuple(column.key for column in columns[1:])),
    )


def _numbers(plan: Plan) -> Table:
    """How many are randomised, and what their number being random costs."""
    rows: list[tuple[Cell, ...]] = []
    design = plan.scenario.design
    for name, truth in plan.scenario.truths.items():
        responders = truth.responders(design.enrolled)
        mean, too_few = (metric.estimate.value for metric in _randomised(plan, responders))
        low, high = (_quantile(responders, p) for p in (0.025, 0.975))
        rows.append((name, mean, low, high, too_few))
    columns = (
        Column("truth", "if", "text"),
        Column("randomised", "randomised on average", "number"),
        Column("low", "responders, 95 % from", "count"),
        Column("high", "to", "count"),
        Column("too_few", f"fewer than {design.least_responders}"),
    )
    return Table("numbers", f"Responders of {design.enrolled} enrolled", columns, tuple(rows))


def _by_randomised(plan: Plan) -> Table:
    """Success and error for the numbers of responders that the first truth makes likely."""
    first = next(iter(plan.scenario.truths.values()))
    responders = first.responders(plan.scenario.design.enrolled)
    null = next((t for t in plan.scenario.truths.values() if isinstance(t, WithdrawalNoEffect)), None)
    rows: list[tuple[Cell, ...]] = []
    for r in dict.fromkeys(_quantile(responders, p) for p in QUANTILES):
        row: list[Cell] = [
            r,
            min(float(responders[: r + 1].sum()), 1.0),
            *(given[r] for given in plan.success.values()),
        ]
        if null is not None and plan.null is not None:
            ends = (null.no_flare.lowest, null.no_flare.highest)
            row.append(type_one.estimate(plan.null.worst_given(ends, r)))
        rows.append(tuple(row))
    columns = [Column("randomised", "randomised", "count"), Column("at_most", "so many or fewer"), *_labelled(plan)]
    if null is not None:
        columns.append(Column("type_i_error", "worst type I error"))
    return Table("by_randomised", "Given the number randomised", tuple(columns), tuple(rows))


def _quantile(responders: FloatArray, p: float) -> int:
    """The least number with so much chance at or below it, of those that may occur."""
    likely = occurring(responders)
    return int(likely[np.searchsorted(np.cumsum(responders[likely]), p)])


def _notes(plan: Plan) -> tuple[str, ...]:
    notes = [f"summed over every number of responders but those whose chance is at most {LEFT_OUT:g} together"]
    if any(isinstance(truth, WithdrawalPriors) for truth in plan.scenario.truths.values()):
        notes.append("the run-in rate and the rates of the two arms are taken as independent under the priors")
    ties = [tie for regions in plan.decided.regions.values() for tie in regions.ties]
    return (*notes, *ties_said(ties))


def block(plan: WithdrawalScenario, truth: str) -> Block:
    """The trial under one truth, patient by patient; under no effect at the worst rate of the range."""
    return _block(plan, _reality(plan, plan.truths[truth]))


def size(plan: WithdrawalScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return plan.design.enrolled


def patients(plan: WithdrawalScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Patients]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    reality = _reality(plan, plan.truths[truth])
    for at in drawings(_block(plan, reality).size, how):
        yield at.first, drawn(at.rng, at.trials, design=plan.design, reality=reality)


def _block(plan: WithdrawalScenario, reality: Reality) -> Block:
    run = partial(simulate, rule=plan.rule, design=plan.design, reality=reality)
    return Block(run, cells=2 * plan.design.enrolled)


def _reality(plan: WithdrawalScenario, truth: WithdrawalPoints | WithdrawalPriors | WithdrawalNoEffect) -> Reality:
    run_in = _drawn(truth.run_in)
    match truth:
        case WithdrawalPoints(no_flare=rates):
            return Reality(run_in, _drawn(rates.treatment), _drawn(rates.control), None, "power")
        case WithdrawalPriors(no_flare=priors):
            arms = _drawn(priors.treatment), _drawn(priors.control)
            return Reality(run_in, *arms, plan.effect(truth), "assurance")
        case WithdrawalNoEffect(no_flare=span):
            responders = truth.responders(plan.design.enrolled)
            null = NullChances.of(Decided.by(plan.rule, plan.design, tuple(occurring(responders).tolist())))
            worst = _drawn(null.worst((span.lowest, span.highest), responders).at)
            return Reality(run_in, worst, worst, None, "type_i_error")
        case _:
            assert_never(truth)


def _drawn(rate: float | PriorRef) -> Draws:
    return Draws(None, rate.mixture()) if isinstance(rate, PriorRef) else Draws(rate)
