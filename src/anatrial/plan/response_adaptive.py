"""A trial with adaptive allocation: what it does for power and for its patients, beside equal arms; all simulated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from anatrial.documents.response_adaptive import ResponseAdaptiveScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table, key_of
from anatrial.engine.response_adaptive import WRONG_WAY, Adaptive, Outcome, best_arm_patients, outcomes, simulate
from anatrial.engine.simulation import simulated
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import drawings
from anatrial.rng import stream
from anatrial.rules.response_adaptive import AdaptiveFisher
from anatrial.truths.response_adaptive import AdaptiveNoEffect
from anatrial.truths.several_arms import SeveralPoints

Metrics = tuple[Metric, ...]
QUANTILES = (0.025, 0.10, 0.25, 0.50, 0.75, 0.90, 0.975)
CONSTANT = 1e-8  # an error this small is that of rounding
MOST_IMBALANCES = 10_000  # trials behind the quantiles


def findings(
    used: ResolvedTrial[ResponseAdaptiveScenario], simulation: SimulationSettings, progress: Progress
) -> Findings:
    """Characteristics of every truth, tables against equal arms, remarks."""
    plan = used.resolved
    found: list[OperatingCharacteristics] = []
    tables: list[Table] = []
    notes = list(_notes(plan))
    for name, truth in plan.truths.items():
        if isinstance(truth, SeveralPoints):
            metrics = _run(plan, plan.rates_of(truth), simulation, progress)
            equal = _run(plan, plan.rates_of(truth), simulation, progress, balanced=True)
            tables += [_beside(plan, name, metrics, equal), _imbalance(plan, name, truth, simulation)]
        else:
            along = [_run(plan, _alike(plan, rate), simulation, progress) for rate in truth.rates]
            metrics = _worst(plan, truth, along)
            rate = next(metric.at for metric in metrics if metric.name == plan.error)
            early = any(metric.name == "expected_n" for metric in metrics)
            both = "the error and the patients are" if early else "the error is"
            notes.append(f"{name}: {both} the largest at a stated rate; other numbers are those at rate {rate:g}.")
            tables.append(_along(plan, name, truth, along))
        found.append(OperatingCharacteristics(name, truth.kind, metrics))
    return Findings(tuple(found), tuple(tables), tuple(notes), exact=False)


def block(plan: ResponseAdaptiveScenario, truth: str) -> Block:
    """The trial under one truth; without effect at the stated rate nearest to a half, where counts vary most."""
    return _block(plan, _rates(plan, truth))


def size(plan: ResponseAdaptiveScenario, truth: str) -> int:
    """Patients of one virtual trial, if it does not end early."""
    del truth
    return plan.design.n


def patients(plan: ResponseAdaptiveScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Outcome]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    rates = _rates(plan, truth)
    for at in drawings(_block(plan, rates).size, how):
        yield at.first, outcomes(Adaptive(plan.design, plan.rule, rates), at.rng, at.trials)


def _rates(plan: ResponseAdaptiveScenario, truth: str) -> tuple[float, ...]:
    found = plan.truths[truth]
    if isinstance(found, SeveralPoints):
        return plan.rates_of(found)
    return _alike(plan, min(found.rates, key=lambda rate: abs(rate - 0.5)))


def _block(plan: ResponseAdaptiveScenario, rates: tuple[float, ...], *, balanced: bool = False) -> Block:
    trial = Adaptive(plan.design, plan.rule, rates, balanced)
    return Block(partial(simulate, trial), cells=2 * plan.design.n)


def _alike(plan: ResponseAdaptiveScenario, rate: float) -> tuple[float, ...]:
    return (rate,) * plan.design.arms


def _run(
    plan: ResponseAdaptiveScenario,
    rates: tuple[float, ...],
    simulation: SimulationSettings,
    progress: Progress,
    *,
    balanced: bool = False,
) -> Metrics:
    return simulated(_block(plan, rates, balanced=balanced), simulation, progress.advance).metrics()


def _value(metrics: Metrics, name: str) -> Estimate:
    return next(metric.estimate for metric in metrics if metric.name == name)


def _worst(plan: ResponseAdaptiveScenario, truth: AdaptiveNoEffect, along: list[Metrics]) -> Metrics:
    """The largest error of the stated rates and what else happens at its rate; of all patients too the largest."""

    def largest(name: str) -> int:
        return max(range(len(along)), key=lambda k: _value(along[k], name).value)

    worst = largest(plan.error)
    places = {metric.name: worst for metric in along[worst]}
    if "expected_n" in places:
        places["expected_n"] = largest("expected_n")
    return tuple(Metric(name, _value(along[k], name), truth.rates[k]) for name, k in places.items())


def _beside(plan: ResponseAdaptiveScenario, name: str, adaptive: Metrics, equal: Metrics) -> Table:
    """The trial and the same with patients dealt to the arms in turn, one row per number."""
    there = {metric.name for metric in adaptive} - ({"power_dose_1"} if plan.design.arms == 2 else set())
    rows = tuple(
        (label, _plain(_value(adaptive, metric)), _plain(_value(equal, metric)))
        for metric, label in plan.metric_names().items()
        if metric in there
    )
    columns = (
        Column("number", "", "text"),
        Column("adaptive", "adaptive", "number"),
        Column("equal", "equal", "number"),
    )
    note = (
        f"equal: patients are dealt to the arms in turn; imbalance the wrong way: an inferior arm has at least "
        f"{100 / WRONG_WAY:g} % of all patients more than the best"
    )
    return Table(f"adaptive_{key_of(name)}", f"What adapting does, if {name}", columns, rows, note)


def _plain(estimate: Estimate) -> Estimate | float:
    """A number that is the same in every trial, without an error."""
    return estimate if estimate.mcse is None or estimate.mcse > CONSTANT else estimate.value


def _imbalance(
    plan: ResponseAdaptiveScenario, name: str, truth: SeveralPoints, simulation: SimulationSettings
) -> Table:
    """Quantiles of the patients on the best arm."""
    trials = min(simulation.trials, MOST_IMBALANCES)
    trial = Adaptive(plan.design, plan.rule, plan.rates_of(truth))
    counts = best_arm_patients(trial, stream(simulation.seed, "imbalance"), trials)
    values = np.quantile(counts, QUANTILES, method="inverted_cdf")
    rows = tuple((100 * level, float(value)) for level, value in zip(QUANTILES, values, strict=True))
    columns = Column("percent", "% of trials with at most", "number"), Column("patients", "patients", "count")
    title, note = f"Patients on the best arm, if {name}", f"from {trials:,} simulated trials"
    if trials < simulation.trials:
        note += ", fewer than for the other numbers: quantiles need every trial's number kept, not sums alone"
    figure = Figure("lines", "patients", ("percent",))
    return Table(f"imbalance_{key_of(name)}", title, columns, rows, note, figure)


def _along(plan: ResponseAdaptiveScenario, name: str, truth: AdaptiveNoEffect, along: list[Metrics]) -> Table:
    """The error and where patients go, at each stated rate."""
    label = "type I error" if plan.design.arms == 2 else "familywise error"
    columns: tuple[Column, ...] = (
        Column("rate", "Rate in every arm", "number"),
        Column("error", label, "number"),
        Column("expected_n_control", f"patients on {plan.arms.control}", "number"),
    )
    wanted = [plan.error, "expected_n_control"]
    if any(metric.name == "expected_n" for metric in along[0]):
        columns, wanted = (*columns, Column("expected_n", "patients", "number")), [*wanted, "expected_n"]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (rate, *(_value(metrics, metric) for metric in wanted))
        for rate, metrics in zip(truth.rates, along, strict=True)
    )
    return Table(
        f"error_{key_of(name)}", f"Without effect, {name}", columns, rows, figure=Figure("lines", "rate", ("error",))
    )


def _notes(plan: ResponseAdaptiveScenario) -> tuple[str, ...]:
    notes = []
    if isinstance(plan.rule, AdaptiveFisher):
        notes.append(
            "Fisher's test reads the final table as if allocation had not followed the results: its alpha is not "
            "guaranteed. Read the error under no effect."
        )
    if any(isinstance(truth, AdaptiveNoEffect) for truth in plan.truths.values()):
        notes.append("The error is simulated at the stated rates alone; between them nothing is proven.")
    notes.append("Rates are supposed not to change while the trial runs: a drift of patients over time biases it.")
    return tuple(notes)
