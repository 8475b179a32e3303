"""A trial with visits: power under each rule for missing visits, who responds and who has left at each visit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import get_args

from anatrial.designs.visits import MISSING_SAID, Missing
from anatrial.documents.trial_scenario import ArmNames, ResolvedTrial
from anatrial.documents.visits import VisitsScenario
from anatrial.domain.results import Metric, OperatingCharacteristics, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Cell, Column, Figure, Findings, Section, Table, key_of
from anatrial.engine.safety import Ending
from anatrial.engine.visits import Analysed, Case, Patients, analysed, drawn, simulate, success
from anatrial.errors import ComputationError
from anatrial.plan.ports import Progress
from anatrial.plan.safety import Watched, refuse_boundaries, told
from anatrial.plan.virtual import drawings
from anatrial.truths.visits import MarkovPrior, at_visits

MISSING: tuple[Missing, ...] = get_args(Missing)
Chances = tuple[float, float]
"""P(success) and P(harm)."""


def findings(used: ResolvedTrial[VisitsScenario], simulation: SimulationSettings, progress: Progress) -> Findings:
    """Characteristics of every truth under the file's rule for missing visits, beside the other rules. All exact."""
    del simulation
    plan = used.resolved
    keys = [(name, missing) for name in plan.truths for missing in MISSING]
    cases = [analysed(plan.design, plan.truths[name], missing) for name, missing in keys]
    chances = _chances(plan, dict(zip(keys, cases, strict=True)))
    progress.advance(len(plan.truths), len(plan.truths))
    own = {name: chances[name, plan.design.analysis.missing] for name in plan.truths}
    safety = _safety(used, own)
    found = tuple(
        OperatingCharacteristics(name, truth.kind, (*_metrics(plan, name, own[name]), *safety.metrics.get(name, ())))
        for name, truth in plan.truths.items()
    )
    rows = tuple(_row(plan, key, case, chances.get(key)) for key, case in zip(keys, cases, strict=True))
    tables = (_by_missing(used.scenario.arms, plan, rows), *(_at_visits(used, name) for name in plan.truths))
    return Findings(found, (*tables, *safety.tables), (*_notes(plan), *safety.notes))


def block(plan: VisitsScenario, truth: str) -> Block:
    """The trial under one truth, patient by patient."""
    return _block(case_of(plan, truth))


def size(plan: VisitsScenario, truth: str) -> int:
    """Patients of one virtual trial."""
    del truth
    return sum(plan.design.look)


def patients(plan: VisitsScenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Patients]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    case = case_of(plan, truth)
    for at in drawings(_block(case).size, how):
        yield at.first, drawn(case, at.rng, at.more, at.trials)


def _block(case: Case) -> Block:
    return Block(partial(simulate, case), cells=max(case.design.look))


def case_of(plan: VisitsScenario, truth: str) -> Case:
    """What is drawn under one truth, and how it is tallied."""
    found, safety = plan.truths[truth], None
    if plan.safety is not None and truth in plan.safety.rates:
        rates = plan.safety.rates[truth]
        safety = tuple((event.bounds((plan.design.look,)), rates[event.name].treatment) for event in plan.safety.events)
    return Case(plan.design, plan.rule, found, _success_name(plan, truth), plan.without_effect(found), safety)


def _success_name(plan: VisitsScenario, truth: str) -> str:
    return "assurance" if isinstance(plan.truths[truth], MarkovPrior) else "power"


def _metrics(plan: VisitsScenario, name: str, chances: Chances) -> tuple[Metric, ...]:
    found = [Metric(_success_name(plan, name), exactly(chances[0]))]
    if plan.without_effect(plan.truths[name]):
        found.append(Metric("type_i_error", exactly(sum(chances))))
    return tuple(found)


def _chances(plan: VisitsScenario, cases: dict[tuple[str, Missing], Analysed]) -> dict[tuple[str, Missing], Chances]:
    """P(success) and P(harm) by truth and rule for missing visits; another rule than the file's may be left out.

    Without those who are missing there may be too many pairs of numbers analysed to enumerate: an error under the
    file's own rule, no number in the comparison.
    """
    found: dict[tuple[str, Missing], Chances] = {}
    for missing in MISSING:
        chosen = {key: case for key, case in cases.items() if key[1] == missing}
        try:
            chances = success(list(chosen.values()), plan.rule, single_arm=plan.design.single_arm)
        except ComputationError:
            if missing == plan.design.analysis.missing:
                raise
            continue
        found |= dict(zip(chosen, chances, strict=True))
    return found


def _safety(used: ResolvedTrial[VisitsScenario], own: dict[str, Chances]) -> Section:
    plan = used.resolved
    if plan.safety is None:
        return Section()
    watched = Watched(plan.safety, (plan.design.look,), used.scenario.arms)
    endings = {name: (Ending(plan.design.look, 1.0, own[name][0]),) for name in plan.safety.rates}
    refuse_boundaries(watched, used.name)
    return told(watched, endings)


def _row(plan: VisitsScenario, key: tuple[str, Missing], case: Analysed, chances: Chances | None) -> tuple[Cell, ...]:
    name, missing = key
    sizes = [n * arm.analysed for n, arm in zip(plan.design.look, case.arms, strict=False)]
    arms = [cell for n, arm in zip(sizes, case.arms, strict=True) for cell in (n, arm.responds)]
    own = " (this design)" if missing == plan.design.analysis.missing else ""
    return name, f"{MISSING_SAID[missing]}{own}", *arms, None if chances is None else chances[0]


def _by_missing(arms: ArmNames, plan: VisitsScenario, rows: tuple[tuple[Cell, ...], ...]) -> Table:
    named = [("t", arms.treatment), *([] if plan.design.single_arm else [("c", arms.control)])]
    per_arm = [
        column
        for key, name in named
        for column in (Column(f"n_{key}", f"n {name}", "number"), Column(f"share_{key}", "responders"))
    ]
    columns = (Column("truth", "if", "text"), Column("missing", "rule for missing visits", "text"), *per_arm)
    title = "Success under each rule for missing visits (n: expected number analysed)"
    return Table("missing", title, (*columns, Column("success", "success")), rows)


def _at_visits(used: ResolvedTrial[VisitsScenario], name: str) -> Table:
    """Shares of all patients of each arm who respond, do not, or have left, at each visit."""
    plan, arms = used.resolved, used.scenario.arms
    columns = [Column("visit", plan.design.unit, "number")]
    shares = []
    for key, arm, path in zip(
        "tc", (arms.treatment, arms.control), plan.truths[name].paths(len(plan.design.visits)), strict=False
    ):
        said = (("responding", "responding"), ("not", "not"), ("left", "left"))
        columns += [Column(f"{state}_{key}", f"{arm}: {label}") for state, label in said]
        shares.append(at_visits(path))
    rows = tuple(
        (visit, *(float(cell) for arm in shares for cell in arm[index]))
        for index, visit in enumerate(plan.design.visits)
    )
    mean = ", at the mean of the prior" if isinstance(plan.truths[name], MarkovPrior) else ""
    drawn = tuple(column.key for column in columns[1:] if not column.key.startswith("not_"))  # the rest of the others
    figure = Figure("lines", "visit", drawn)
    title = f"Shares of the patients at each visit, {name}{mean}"
    return Table(f"visits_{key_of(name)}", title, tuple(columns), rows, figure=figure)


def _notes(plan: VisitsScenario) -> tuple[str, ...]:
    found = ["Leaving is taken to be independent of the response; a patient without any visit counts as no response."]
    if any(isinstance(truth, MarkovPrior) for truth in plan.truths.values()):
        found.append("Assurance: only the response at the first visit is uncertain; gain, loss and leaving are known.")
    return (*found, *plan.notes)
