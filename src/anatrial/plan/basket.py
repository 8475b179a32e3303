"""A basket trial: what each truth brings, which baskets may be without effect, and what sharing buys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from anatrial.documents.basket import BasketScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table, key_of
from anatrial.engine.basket import (
    Drawn,
    Mixed,
    Won,
    characteristics,
    every_table,
    familywise,
    joint,
    judge,
    least_certainty,
    mixed_errors,
    results,
    simulate,
    won,
)
from anatrial.engine.simulation import simulated
from anatrial.errors import ComputationError, InputError
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import dealt, drawings
from anatrial.rules.basket import Independent, Shared
from anatrial.truths.basket import AnyBasketTruth, BasketNoEffect, BasketPoints, BasketPriors

IDLE = BasketNoEffect(kind="no_effect")


class BasketPatients(NamedTuple):
    """Simulated trials: who responds, shape (trials, patients), baskets side by side; which work, (trials, baskets)."""

    responds: BoolArray
    works: BoolArray


@dataclass(frozen=True, eq=False)
class Analysis:
    """A rule at a certainty on every table of counts, and what it makes of them."""

    label: str
    certainty: float
    found: Won
    error: float
    """Familywise error where no basket works."""


Mixtures = dict[Analysis, tuple[Mixed, ...]]
"""Each analysis with its errors where some baskets do not work."""


def findings(used: ResolvedTrial[BasketScenario], simulation: SimulationSettings, progress: Progress) -> Findings:
    """Every truth exactly where the tables of counts can be enumerated, else simulated; tables and remarks."""
    plan = used.resolved
    faults = [fault._replace(where=f"{used.name}: {fault.where}") for fault in plan.rule.misfits()]
    if faults:
        raise InputError(*faults)
    if not plan.design.enumerable:
        return _simulated(plan, simulation, progress)
    counts = every_table(plan.design.sizes)
    null = joint(IDLE.laws(plan.design.diseases)[0])
    probabilities = judge(plan.rule, plan.design).probabilities(counts)
    certainty = _certainty(plan, probabilities, null)
    own = _analysis("this rule", certainty, probabilities, null, counts)
    hoped = next((name for name, truth in plan.truths.items() if _helps(plan, truth)), None)
    found = tuple(
        OperatingCharacteristics(name, truth.kind, _metrics(plan, truth, own.found))
        for name, truth in plan.truths.items()
    )
    tables = [_by_basket(plan, found)]
    if hoped is not None:
        working, idle = plan.truths[hoped].laws(plan.design.diseases), IDLE.laws(plan.design.diseases)
        analyses = {one: mixed_errors(one.found, working, idle) for one in (own, *_alone(plan, own, null))}
        tables.append(_mixed_table(plan, hoped, analyses))
        if len(analyses) > 1:
            tables.append(_compared(plan, hoped, analyses))
    return Findings(found, tuple(tables), tuple(_notes(plan, own)))


def block(plan: BasketScenario, truth: str) -> Block:
    """The trial under one truth, for the simulator."""
    return _block(_simulator(plan, truth))


def size(plan: BasketScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return sum(plan.design.sizes)


def patients(plan: BasketScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, BasketPatients]]:
    """The patients of every trial that is simulated: the number of the first trial of each part, and its patients.

    Trials are drawn by their counts; who of a basket the responders are is drawn on top, because patients of a basket
    are exchangeable.
    """
    drawn = _simulator(plan, truth)
    for at in drawings(_block(drawn).size, how):
        counts, works = results(drawn, at.rng, at.trials)
        for first, rows, responds in dealt(counts.T, plan.design.sizes, at):
            yield first, BasketPatients(responds, works.T[rows])


def _block(drawn: Drawn) -> Block:
    return Block(partial(simulate, drawn), cells=2 * len(drawn.labels))


def _simulator(plan: BasketScenario, truth: str) -> Drawn:
    judged = judge(plan.rule, plan.design)
    if plan.rule.certainty is not None:
        certainty = plan.rule.certainty
    else:
        null = joint(IDLE.laws(plan.design.diseases)[0])
        certainty = _certainty(plan, judged.probabilities(every_table(plan.design.sizes)), null)
    return Drawn(judged, certainty, plan.truths[truth].laws(plan.design.diseases), _labels(plan, plan.truths[truth]))


def _helps(plan: BasketScenario, truth: AnyBasketTruth) -> bool:
    """Whether the truth has known rates, of which one at least beats its benchmark."""
    return isinstance(truth, BasketPoints) and any(truth.works(plan.design.diseases))


def _certainty(plan: BasketScenario, probabilities: FloatArray, null: FloatArray) -> float:
    """The certainty of the rule, or the least one that keeps its familywise error."""
    if plan.rule.familywise_alpha is None:
        return plan.rule.certainty or 0.0
    return least_certainty(probabilities.max(axis=0), null, plan.rule.familywise_alpha)


def _analysis(label: str, certainty: float, probabilities: FloatArray, null: FloatArray, counts: IntArray) -> Analysis:
    error = familywise(probabilities.max(axis=0), null, certainty)
    return Analysis(label, certainty, won(probabilities, counts, certainty), error)


def _alone(plan: BasketScenario, own: Analysis, null: FloatArray) -> tuple[Analysis, ...]:
    """The same trial without sharing: at the same certainty, and where there is one at that which keeps the error."""
    if isinstance(plan.rule, Independent):
        return ()
    rule = Independent(kind="independent", analysis_prior=plan.rule.analysis_prior, certainty=own.certainty)
    counts = own.found.counts
    probabilities = judge(rule, plan.design).probabilities(counts)
    same = _analysis("no sharing, same certainty", own.certainty, probabilities, null, counts)
    try:
        kept = least_certainty(probabilities.max(axis=0), null, own.error)
    except ComputationError:  # an error so small that no certainty below 1 keeps it
        return (same,)
    return (same, _analysis("no sharing, error not above it", kept, probabilities, null, counts))


def _labels(plan: BasketScenario, truth: AnyBasketTruth) -> tuple[str, ...]:
    """The name of each basket's chance to win: power where it works, else type I error; assurance under priors."""
    names = [key_of(name) for name in plan.design.baskets]
    if isinstance(truth, BasketPoints):
        kinds = ["power" if good else "type_i_error" for good in truth.works(plan.design.diseases)]
    else:
        kinds = ["type_i_error" if isinstance(truth, BasketNoEffect) else "assurance"] * len(names)
    return tuple(f"{kind}_{name}" for kind, name in zip(kinds, names, strict=True))


def _metrics(plan: BasketScenario, truth: AnyBasketTruth, found: Won) -> tuple[Metric, ...]:
    """All numbers of one truth, exactly."""
    laws = truth.laws(plan.design.diseases)
    metrics = _with_extremes(characteristics(found, laws, _labels(plan, truth)))
    if _helps(plan, truth):
        own = next(metric.estimate.value for metric in metrics if metric.name == "familywise_error")
        worst = max(own, *(row.error for row in mixed_errors(found, laws, IDLE.laws(plan.design.diseases))))
        metrics = (*metrics, Metric("familywise_error_worst", exactly(worst)))
    return metrics


def _with_extremes(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    """With the least power and assurance of all baskets, and the largest type I error, in front."""
    extremes = []
    for name, choose in (("power", min), ("type_i_error", max), ("assurance", min)):
        of = [metric for metric in metrics if metric.name.startswith(f"{name}_")]
        if of:
            extremes.append(Metric(name, choose(of, key=lambda metric: metric.estimate.value).estimate))
    return (*extremes, *metrics)


def _simulated(plan: BasketScenario, simulation: SimulationSettings, progress: Progress) -> Findings:
    """Every truth simulated: the tables of counts are too many."""
    found = []
    for name, truth in plan.truths.items():
        tally = simulated(block(plan, name), simulation, progress.advance)
        found.append(OperatingCharacteristics(name, truth.kind, _with_extremes(tally.metrics())))
    note = "the tables of counts are too many to enumerate: what sharing buys, and the worst mixture, are not told"
    return Findings(tuple(found), (_by_basket(plan, tuple(found)),), (note,), exact=False)


def _by_basket(plan: BasketScenario, found: tuple[OperatingCharacteristics, ...]) -> Table:
    """Chance of each basket to win under every truth."""
    labels = {one.truth: _labels(plan, plan.truths[one.truth]) for one in found}
    rows: list[tuple[Cell, ...]] = []
    for k, (name, arm) in enumerate(plan.design.baskets.items()):
        chances: list[Estimate] = [one.metric(labels[one.truth][k]).estimate for one in found]
        rows.append((name, arm.n, arm.benchmark, *chances))
    columns = (
        Column("basket", "basket", "text"),
        Column("patients", "patients", "count"),
        Column("benchmark", "rate to beat", "number"),
        *(Column(one.truth, one.truth) for one in found),
    )
    figure = Figure("bars", "basket", tuple(one.truth for one in found))
    return Table("by_basket", "Chance of each basket to win, if", columns, tuple(rows), figure=figure)


def _mixed_table(plan: BasketScenario, hoped: str, analyses: Mixtures) -> Table:
    """Familywise error by the number of baskets without effect, worst over which they are."""
    per = list(analyses.values())
    names = list(plan.design.baskets)
    rows: list[tuple[Cell, ...]] = []
    for k, own in enumerate(per[0]):
        which = "all" if own.idle == len(names) else ", ".join(names[index] for index in own.worst)
        rows.append((own.idle, *(row[k].error for row in per), which))
    columns = [Column("idle", "without effect", "count")]
    columns += [Column(f"error_{k}", one.label.split(",")[-1].strip()) for k, one in enumerate(analyses)]
    columns.append(Column("worst", "worst baskets of this rule", "text"))
    note = f"The others have their rates of {hoped}." + (
        " The last columns are without sharing." if len(analyses) > 1 else ""
    )
    title = "Familywise error by the number of baskets without effect, worst over which they are"
    return Table("mixed", title, tuple(columns), tuple(rows), note=note)


def _compared(plan: BasketScenario, hoped: str, analyses: Mixtures) -> Table:
    """The rule beside analyses without sharing."""
    truth, rows = plan.truths[hoped], list[tuple[Cell, ...]]()
    laws, labels = truth.laws(plan.design.diseases), _labels(plan, truth)
    for one, mixed in analyses.items():
        metrics = {m.name: m for m in _with_extremes(characteristics(one.found, laws, labels))}
        worst = max(row.error for row in mixed)
        told = (metrics[name].estimate.value for name in ("power", "all_right", "expected_won"))
        rows.append((one.label, one.certainty, one.error, worst, *told))
    columns = (
        Column("analysis", "", "text"),
        Column("certainty", "certainty", "number"),
        Column("familywise_error", "error if none works"),
        Column("worst", "worst mixture"),
        Column("power", "least power"),
        Column("all_right", "all right"),
        Column("expected_won", "baskets won", "number"),
    )
    note = f"Least power, all right and baskets won are under {hoped}."
    return Table("sharing", "What sharing buys, and its familywise error", columns, tuple(rows), note=note)


def _notes(plan: BasketScenario, own: Analysis) -> Iterator[str]:
    if plan.rule.familywise_alpha is not None:
        yield (
            f"certainty {own.certainty:.12g} is the least, to its last decimal, whose familywise error is at most "
            f"{plan.rule.familywise_alpha:g} where no basket works ({own.error:.4f}); where some work it may be larger"
        )
    if isinstance(plan.rule, Shared) and len(set(plan.design.benchmarks)) > 1:
        yield "baskets are alike where their rates are, whatever the rates to beat: these differ between baskets"
    if own.found.on_edge:
        yield f"{own.found.on_edge} posterior probabilities lie within 1e-9 of the certainty: settled as no win"
    if any(isinstance(truth, BasketPriors) for truth in plan.truths.values()):
        yield "the rates of the baskets are taken as independent under the design priors"
