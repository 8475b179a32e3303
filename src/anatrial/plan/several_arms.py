"""Several doses v one control: power of each dose, of some, of all; the best dose; the familywise error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

import numpy as np

from anatrial.documents.several_arms import SeveralArmsScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Table, key_of
from anatrial.engine.several_arms import (
    Cube,
    Laws,
    Null,
    Simulated,
    Worst,
    best_chosen,
    drawn,
    enumerable,
    familywise,
    patterns,
    point_laws,
    powers,
    prepared,
    simulate,
    worst_of,
    worst_of_all,
)
from anatrial.engine.simulation import simulated
from anatrial.numerics import BoolArray, FloatArray
from anatrial.plan.ports import Progress
from anatrial.plan.virtual import dealt, drawings
from anatrial.rules.several_arms import Dunnett, margin_of
from anatrial.rules.several_decisions import Decisions, Graded, rises
from anatrial.truths.several_arms import SeveralArmsTruth, SeveralNoEffect, SeveralPoints, SeveralPriors

RATES = 9  # control rates at which a familywise error that is not summed is simulated
SCOUTS = 2_000  # trials that find the worst of these, where the simulator is to run at one


def findings(used: ResolvedTrial[SeveralArmsScenario], simulation: SimulationSettings, progress: Progress) -> Findings:
    """Characteristics of every truth, tables and remarks; exact where every chance is summed."""
    plan = used.resolved
    decisions = plan.rule.decisions(plan.design.sizes())
    notes = [*_critical_notes(plan)]
    if not enumerable(decisions):
        notes += [
            "Too many patients or doses for exact sums with this rule: simulated.",
            *_search_notes(plan, decisions),
        ]
        found = tuple(
            OperatingCharacteristics(name, truth.kind, _simulated(plan, decisions, truth, simulation, progress))
            for name, truth in plan.truths.items()
        )
        return Findings(found, _tables(plan, found, ()), tuple(notes), exact=False)
    sums = prepared(decisions)
    worst = {
        name: _worst(plan, sums, truth) for name, truth in plan.truths.items() if isinstance(truth, SeveralNoEffect)
    }
    found = tuple(
        OperatingCharacteristics(name, truth.kind, _exact(plan, sums, truth, worst.get(name)))
        for name, truth in plan.truths.items()
    )
    notes += [note for name, one in worst.items() for note in _worst_notes(plan, name, one)]
    if any(isinstance(truth, SeveralPriors) for truth in plan.truths.values()):
        notes.append("Rates that are drawn from design priors are independent between arms.")
    return Findings(found, _tables(plan, found, tuple(_along(plan, sums))), tuple(notes))


def block(plan: SeveralArmsScenario, truth: str) -> Block:
    """The trial under one truth, for the simulator; without effect at the worst rate, where that is summed."""
    return _block(plan, _simulator(plan, truth))


def size(plan: SeveralArmsScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return plan.design.sizes().total


def patients(plan: SeveralArmsScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, BoolArray]]:
    """Who responds in every trial that is simulated: the number of the first trial of each part, and its patients.

    Shape (trials, patients), the control first. Trials are drawn by their counts; who of an arm the responders are is
    drawn on top, because patients of an arm are exchangeable.
    """
    spec, sizes = _simulator(plan, truth), plan.design.sizes()
    for at in drawings(_block(plan, spec).size, how):
        counts = drawn(spec, at.rng, at.trials)
        for first, _, responds in dealt(counts, (sizes.control, *sizes.doses), at):
            yield first, responds


def _block(plan: SeveralArmsScenario, spec: Simulated) -> Block:
    return Block(partial(simulate, spec), cells=1 + len(plan.design.doses))


def _simulator(plan: SeveralArmsScenario, truth: str) -> Simulated:
    sizes = plan.design.sizes()
    decisions, found = plan.rule.decisions(sizes), plan.truths[truth]
    if isinstance(found, SeveralNoEffect):
        if enumerable(decisions):
            one = _worst(plan, prepared(decisions), found)
            return _null_spec(plan, decisions, one.null, one.error.at)
        scouts = SimulationSettings(SCOUTS, plan.seed)
        tried = _searched(plan, decisions, found)
        _, worst = max(tried, key=lambda one: simulated(_block(plan, one[1]), scouts).metrics()[0].estimate.value)
        return worst
    return _spec(plan, decisions, found)


def _spec(plan: SeveralArmsScenario, decisions: Decisions, truth: SeveralPoints | SeveralPriors) -> Simulated:
    if isinstance(truth, SeveralPriors):
        return Simulated(decisions, _laws(plan, truth), word="assurance")
    return Simulated(decisions, _laws(plan, truth), _best(plan, truth), plan.idle(truth))


def _null_spec(plan: SeveralArmsScenario, decisions: Decisions, null: Null, rate: float) -> Simulated:
    rates = [rate, *(rate + null.margin if other is None else other for other in null.others)]
    return Simulated(decisions, point_laws(plan.design.sizes(), np.array([rates])), idle=null.doses, word="")


def _rates(plan: SeveralArmsScenario, truth: SeveralPoints) -> tuple[float, ...]:
    """The control's rate, then the doses' in the order of the design."""
    return truth.rates.control, *(truth.rates.doses[dose.name] for dose in plan.design.doses)


def _best(plan: SeveralArmsScenario, truth: SeveralPoints) -> tuple[int, ...]:
    rates = _rates(plan, truth)[1:]
    return tuple(d for d, rate in enumerate(rates) if rate == max(rates))


def _laws(plan: SeveralArmsScenario, truth: SeveralPoints | SeveralPriors) -> Laws:
    sizes = plan.design.sizes()
    if isinstance(truth, SeveralPoints):
        return point_laws(sizes, np.array([_rates(plan, truth)]))
    priors = (truth.control, *(truth.doses[name] for name in sizes.names))
    return tuple(p.mixture().predictive(n)[None, :] for p, n in zip(priors, (sizes.control, *sizes.doses), strict=True))


def _stated(plan: SeveralArmsScenario, truth: SeveralNoEffect) -> Null:
    """The assumption that a truth states: no dose works but those that are said to."""
    stated = tuple(truth.effective.get(dose.name) for dose in plan.design.doses)
    idle = tuple(d for d, rate in enumerate(stated) if rate is None)
    return Null((truth.control.lowest, truth.control.highest), margin_of(plan.rule), idle, stated)


def _nulls(plan: SeveralArmsScenario, decisions: Decisions, truth: SeveralNoEffect) -> list[Null]:
    """The assumption of a truth; of a strong one every set of doses without effect, with the others at rate 1.

    Where responders of other doses can end a success, the others are tried at rate 0 as well.
    """
    null, every = _stated(plan, truth), range(len(plan.design.doses))
    fewer = [idle for m in every[1:] for idle in combinations(every, m)] if truth.strong else []
    others = {idle: (1.0,) if rises(decisions, idle) else (0.0, 1.0) for idle in fewer}
    return [null] + [
        null._replace(doses=idle, others=tuple(None if d in idle else rate for d in every))
        for idle in fewer
        for rate in others[idle]
    ]


def _searched(
    plan: SeveralArmsScenario, decisions: Decisions, truth: SeveralNoEffect
) -> Iterator[tuple[float, Simulated]]:
    """What is simulated to find an error that is not summed: control rates, and the trial at each."""
    for null in _nulls(plan, decisions, truth):
        for rate in np.unique(np.linspace(*null.ends, RATES)).tolist():
            yield rate, _null_spec(plan, decisions, null, rate)


def _worst(plan: SeveralArmsScenario, sums: Graded | Cube, truth: SeveralNoEffect) -> Worst:
    null = _stated(plan, truth)
    if truth.strong:
        return worst_of_all(sums, null.ends, null.margin)
    return Worst(worst_of(sums, null), null, proven=True)


def _exact(
    plan: SeveralArmsScenario, sums: Graded | Cube, truth: SeveralArmsTruth, worst: Worst | None
) -> tuple[Metric, ...]:
    if worst is not None:
        error = worst.error
        return (Metric("familywise_error", Estimate(error.found, error.found, error.bound), error.at),)
    assert not isinstance(truth, SeveralNoEffect)
    chances = patterns(sums, _laws(plan, truth))[0]
    some, every, each = powers(chances, tuple(range(len(plan.design.doses))))
    word = "power" if isinstance(truth, SeveralPoints) else "assurance"
    found = [Metric(word, exactly(some)), Metric(f"{word}_all", exactly(every))]
    found += [Metric(f"{word}_dose_{d}", exactly(value)) for d, value in enumerate(each, start=1)]
    if isinstance(truth, SeveralPoints):
        found.append(Metric("best_dose_chosen", exactly(best_chosen(sums, _rates(plan, truth)))))
        idle = plan.idle(truth)
        if idle:
            found.append(Metric("familywise_error", exactly(powers(chances, idle)[0]), truth.rates.control))
    return tuple(found)


def _simulated(
    plan: SeveralArmsScenario,
    decisions: Decisions,
    truth: SeveralArmsTruth,
    simulation: SimulationSettings,
    progress: Progress,
) -> tuple[Metric, ...]:
    if not isinstance(truth, SeveralNoEffect):
        trial = _block(plan, _spec(plan, decisions, truth))
        return simulated(trial, simulation, progress.advance).metrics()
    tried = []
    for rate, spec in _searched(plan, decisions, truth):
        (metric,) = simulated(_block(plan, spec), simulation, progress.advance).metrics()
        tried.append(metric._replace(at=rate))
    return (max(tried, key=lambda metric: metric.estimate.value),)


def _tables(
    plan: SeveralArmsScenario, found: tuple[OperatingCharacteristics, ...], along: tuple[Table, ...]
) -> tuple[Table, ...]:
    """Each dose under each truth, then what moves with the control rate."""
    told = [one for one in found if one.kind != "no_effect"]
    words = {"points": "power", "design_prior": "assurance"}
    columns = [Column("dose", "Dose", "text"), Column("n", "Patients", "count")]
    columns += [Column(f"{words[one.kind]}_{key_of(one.truth)}", f"{words[one.kind]} if {one.truth}") for one in told]
    rows: list[tuple[Cell, ...]] = []
    for d, dose in enumerate(plan.design.doses, start=1):
        chances = [one.metric(f"{words[one.kind]}_dose_{d}").estimate for one in told]
        rows.append((dose.name, dose.n, *chances))
    for label, end in (("at least one", ""), ("all of them", "_all")):
        rows.append((label, None, *(one.metric(f"{words[one.kind]}{end}").estimate for one in told)))
    if not told:
        return along
    figure = Figure("bars", "dose", tuple(column.key for column in columns[2:]))
    return (Table("doses", "Chance of success of each dose", tuple(columns), tuple(rows), figure=figure), *along)


def _along(plan: SeveralArmsScenario, sums: Graded | Cube) -> Iterator[Table]:
    """Errors and power as the control rate moves."""
    truth = next((t for t in plan.truths.values() if isinstance(t, SeveralPoints)), None)
    null = next((t for t in plan.truths.values() if isinstance(t, SeveralNoEffect)), None)
    rates = _steps(plan, null)
    k = len(plan.design.doses)
    every = Null((0.0, 1.0), margin_of(plan.rule), tuple(range(k)), (None,) * k)
    columns = [
        Column("control_rate", f"True {plan.arms.control} rate", "number"),
        Column("familywise_error", "an error"),
    ]
    values = [rates, familywise(sums, every, rates)]
    title = f"As the {plan.arms.control} rate moves"
    note = "an error: some dose succeeds where none has an effect"
    if truth is not None:
        told = [Column("power", "power")] + [
            Column(f"power_dose_{d}", x.name) for d, x in enumerate(plan.design.doses, 1)
        ]
        chances = [_at(plan, sums, truth, rate) for rate in rates.tolist()]
        columns += told
        values += [np.array(column) for column in zip(*chances, strict=True)]
        kept = ", ".join(f"{dose.name} {truth.rates.doses[dose.name]:g}" for dose in plan.design.doses)
        note += f"; power of at least one dose, and of each, with dose rates as planned ({kept})"
    rows = tuple(tuple(float(value) for value in row) for row in zip(*values, strict=True))
    figure = Figure("lines", "control_rate", tuple(column.key for column in columns[1:]))
    yield Table("along_control_rate", title, tuple(columns), rows, note, figure)


def _steps(plan: SeveralArmsScenario, null: SeveralNoEffect | None) -> FloatArray:
    """Control rates of the table: every tenth, the ends of the range without effect, the planned rates."""
    margin = margin_of(plan.rule)
    rates = {round(0.1 * step, 1) for step in range(1, 8)}
    rates |= {t.rates.control for t in plan.truths.values() if isinstance(t, SeveralPoints)}
    rates |= {null.control.lowest, null.control.highest} if null is not None else set()
    return np.array(sorted(rate for rate in rates if 0 <= rate + margin <= 1))


def _at(plan: SeveralArmsScenario, sums: Graded | Cube, truth: SeveralPoints, rate: float) -> tuple[float, ...]:
    """Power of at least one dose and of each where only the control rate differs from the plan."""
    laws = point_laws(plan.design.sizes(), np.array([[rate, *_rates(plan, truth)[1:]]]))
    some, _, each = powers(patterns(sums, laws)[0], tuple(range(len(plan.design.doses))))
    return some, *each


def _critical_notes(plan: SeveralArmsScenario) -> Iterator[str]:
    """Of Dunnett's test: what normal theory would ask for."""
    if isinstance(plan.rule, Dunnett):
        z = plan.rule.normal_critical(plan.design.sizes())
        yield f"By normal theory the critical z of Dunnett's test is {z:.3f} for this allocation."


def _search_notes(plan: SeveralArmsScenario, decisions: Decisions) -> Iterator[str]:
    """Of a familywise error that is simulated: where, and that this proves nothing elsewhere."""
    nulls = [truth for truth in plan.truths.values() if isinstance(truth, SeveralNoEffect)]
    if nulls:
        others = {
            rate for truth in nulls if truth.strong for null in _nulls(plan, decisions, truth) for rate in null.others
        }
        at = " or ".join(f"{rate:g}" for rate in sorted(rate for rate in others if rate is not None))
        working = f", with doses that work at rate {at}" if at else ""
        searched = f"The familywise error is the largest found at up to {RATES} control rates{working}"
        yield f"{searched}: elsewhere nothing is proven."


def _worst_notes(plan: SeveralArmsScenario, name: str, worst: Worst) -> Iterator[str]:
    """Where the largest error of strong control is, and how far it is proven."""
    null, doses, truth = worst.null, plan.design.doses, plan.truths[name]
    if isinstance(truth, SeveralNoEffect) and truth.strong and any(rate is not None for rate in null.others):
        idle = ", ".join(doses[d].name for d in null.doses)
        others = ", ".join(
            f"{dose.name} {rate:g}" for dose, rate in zip(doses, null.others, strict=True) if rate is not None
        )
        yield f"{name}: the error is largest where {idle} does nothing and the rates of the others are {others}."
    if not worst.proven:
        grid = "a grid of twentieths, then of 320ths; the bound of the error holds on that grid only"
        yield f"{name}: the worst rate of doses that work was sought on {grid}."
