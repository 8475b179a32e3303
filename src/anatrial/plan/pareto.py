"""Design search: among all cells of a sweep those that no other beats, and the cheapest that meets every target."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anatrial import __version__
from anatrial.documents.sweeps import Axis, Pareto
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.domain.cells import CellResult, Settings
from anatrial.domain.pareto import AimOf, AskedOf, DesignSearch, Front, Placed, Spot, Unplaced
from anatrial.domain.results import Estimate, Metric, Outcome, Verdict, exactly
from anatrial.errors import Fault, InputError
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.pareto import non_dominated, tie_ranks
from anatrial.plan.cells import with_verdicts

if TYPE_CHECKING:
    from anatrial.plan.sweep import SweepPlan, SweepRun

TYPE_I = ("type1_max", "type1_at", "type_i_error", "familywise_error")
"""What the type I error is called, from trial to trial."""
REALITY = frozenset({"truths", "drift", "dropout", "definition", "definitions", "priors", "endpoint"})
"""Parts of a file that say what is real: designs are compared where it is the same."""
MOST_DESIGNS = 200_000
"""A design takes about a kilobyte."""
TOLD = 10
"""Designs without numbers whose reasons are kept."""
NONE = math.nan


class Cell(NamedTuple):
    """One cell of a sweep; a failed one has no verdicts."""

    settings: Settings
    result: CellResult
    verdicts: tuple[Verdict, ...]


def aims_of(scenario: TrialScenario, asked: Pareto, axes: Sequence[Axis], where: str) -> tuple[AimOf, ...]:
    """What the aims of a file mean for its trial, before anything is computed.

    Power and the expected number of patients are those under the first truth with known rates, the type I error that of
    the first truth without effect (else of the first target that asks for one), the assurance that of the first design
    prior. ``InputError`` where a truth is missing, an aim comes twice, or an axis changes what is real.
    """
    found, faults = [], []
    for number, aim in enumerate(asked.aims, start=1):
        place, before = f"{where}: pareto.aims {number}", asked.aims[: number - 1]
        truth = _truth(scenario, aim)
        if aim in before:
            faults.append(Fault(place, f"{aim!r} again", "each aim once"))
        if truth is None and aim != "patients":
            kinds = " or ".join(_kinds(scenario, aim))
            fix = f"add a truth of this kind, or leave {aim!r} out"
            faults.append(Fault(place, repr(aim), f"a truth of kind {kinds} to take it from", fix))
        found.append(AimOf(aim, truth, TYPE_I if aim == "type_i_error" else () if aim == "patients" else (aim,)))
    for number, axis in enumerate(axes, start=1):
        if axis.path.split(".")[0] in REALITY:
            expected = "a field of the design or of the rule, because [pareto] compares designs in one reality"
            faults.append(Fault(f"{where}: axes {number}, path", repr(axis.path), expected, "remove it or [pareto]"))
    if faults:
        raise InputError(*faults)
    return tuple(found)


def _kinds(scenario: TrialScenario, aim: str) -> tuple[str, ...]:
    """The kinds of truth under which an aim is taken."""
    if aim == "type_i_error":
        return ("no_effect",)
    asked = "power" if aim == "expected_n" else aim
    counted = {"power": ("points",), "assurance": ("design_prior",)}
    return scenario.metric_kinds.get(asked, counted.get(asked, ()))


def _truth(scenario: TrialScenario, aim: str) -> str | None:
    """The truth of an aim; None where there is none."""
    kinds = _kinds(scenario, aim)
    first = next((name for name, truth in scenario.truths.items() if truth.kind in kinds), None)
    if first is None and aim == "type_i_error":
        return next((target.truth for target in scenario.targets if target.metric in TYPE_I), None)
    return first


def pareto(cells: Iterable[Cell], aims: Sequence[AimOf]) -> Front:
    """The designs that no other dominates, those that meet every target among them, and the cheapest of these.

    One design dominates another where it is nowhere worse and somewhere better. Exact numbers that differ by rounding
    alone are equal; proven ones differ where their bounds do not overlap; simulated ones are better by more than two
    combined Monte Carlo standard errors only. Designs that are equal stay side by side.

    Parameters
    ----------
    cells
        Taken once, in their order; a few hundred bytes are held of each.
    aims
        One or more.
    """
    table = _Table(tuple(aims))
    for cell in cells:
        table.take(cell)
    return table.front()


def design_searches(run: SweepRun) -> tuple[DesignSearch, ...]:
    """The front of each scenario of a sweep that asks for it; none where it does not."""
    plan = run.plan
    if plan.pareto is None:
        return ()
    labels = tuple((axis.path, axis.said) for axis in plan.axes)
    tables = [_Table(aims) for aims in search_aims(plan)]
    for question, result in run.results():
        at = question.index // plan.cells_each
        tables[at].take(judged(plan.scenarios[at], question.settings, result))
    return tuple(
        DesignSearch(base.name, scenario.title, labels, table.front(), __version__)
        for base, scenario, table in zip(plan.bases, plan.scenarios, tables, strict=True)
    )


def judged(scenario: TrialScenario, settings: Settings, result: CellResult) -> Cell:
    """A cell with its verdicts; one that lacks the number of a target has failed."""
    return Cell(settings, *with_verdicts(scenario, result))


def search_aims(plan: SweepPlan) -> tuple[tuple[AimOf, ...], ...]:
    """What the aims mean for each scenario of a sweep; ``InputError`` with every fault, before anything is computed."""
    found: list[tuple[AimOf, ...]] = []
    faults: list[Fault] = []
    if plan.pareto is not None and plan.cells > MOST_DESIGNS:
        got, expected = f"{plan.cells:,} designs", f"at most {MOST_DESIGNS:,}: each is held in memory"
        faults.append(Fault(f"{plan.where}: pareto", got, expected, "fewer values on the axes"))
    for base, scenario in zip(plan.bases, plan.scenarios, strict=True):
        try:
            found += [aims_of(scenario, plan.pareto, plan.axes, base.where)] if plan.pareto else []
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    return tuple(found)


class _Table:
    """The numbers of all designs that have them."""

    def __init__(self, aims: tuple[AimOf, ...]) -> None:
        self._aims = aims
        self._settings: list[Settings] = []
        self._patients = array("q")
        self._numbers = array("d")  # per design and aim: value, lower, upper, standard error, draws
        self._outcomes: list[tuple[Outcome, ...]] = []
        self._same: dict[tuple[Outcome, ...], tuple[Outcome, ...]] = {}
        self._targets: tuple[AskedOf, ...] = ()
        self._unplaced = 0
        self._reasons: list[Unplaced] = []

    def take(self, cell: Cell) -> None:
        """Add a design, or why it has no place."""
        try:
            values = [_estimate(cell.result, aim) for aim in self._aims]
        except LookupError as missing:
            self._unplaced += 1
            if len(self._reasons) < TOLD:
                self._reasons.append(Unplaced(cell.settings, str(missing.args[0])))
            return
        self._settings.append(cell.settings)
        self._patients.append(cell.result.patients)
        for value in values:
            self._numbers.extend([*value[:3], *(NONE if part is None else part for part in value[3:])])
        outcomes = tuple(verdict.outcome for verdict in cell.verdicts)
        self._outcomes.append(self._same.setdefault(outcomes, outcomes))
        self._targets = self._targets or tuple(AskedOf(v.metric, v.truth, v.bound, v.threshold) for v in cell.verdicts)

    def front(self) -> Front:
        """What stays, in its order."""
        numbers = np.array(self._numbers).reshape(-1, len(self._aims), 5)
        patients = np.array(self._patients, dtype=np.float64)
        simulated = np.isfinite(numbers[:, :, 3])
        costs = self._costs(numbers, simulated)
        noise = np.where(simulated, numbers[:, :, 3], 0.0)
        width = np.where(simulated, 0.0, numbers[:, :, 2] - numbers[:, :, 1])
        stays = non_dominated(costs, noise, width)
        order = self._order(patients, costs)
        holds = np.array([all(outcome == "PASS" for outcome in found) for found in self._outcomes], dtype=np.bool_)
        good = order[holds[order]]
        cheapest = int(good[0]) if len(good) else None
        return Front(
            aims=self._aims,
            targets=self._targets,
            designs=len(self._settings),
            members=tuple(self._placed(int(k), numbers) for k in order[stays[order]]),
            holding=len(good),
            cheapest=None if cheapest is None else self._placed(cheapest, numbers),
            cheapest_is_member=cheapest is not None and bool(stays[cheapest]),
            as_small=0 if cheapest is None else int((patients[good] == patients[cheapest]).sum()) - 1,
            simulated=bool(simulated.any()),
            beaten=tuple(self._spots(~stays, patients, numbers)),
            unplaced=self._unplaced,
            reasons=tuple(self._reasons),
        )

    def _costs(self, numbers: FloatArray, simulated: BoolArray) -> FloatArray:
        """Each aim so that less is better, shape (designs, aims): the worse bound of what is proven."""
        costs = np.empty(numbers.shape[:2])
        for k, aim in enumerate(self._aims):
            worse = -numbers[:, k, 1] if aim.more else numbers[:, k, 2]
            costs[:, k] = np.where(simulated[:, k], -numbers[:, k, 0] if aim.more else numbers[:, k, 0], worse)
        return costs

    def _order(self, patients: FloatArray, costs: FloatArray) -> IntArray:
        """Designs by patients, then by the aims in their order; equal ones as they came."""
        ranks = [tie_ranks(column) for column in costs.T]
        found: IntArray = np.lexsort([*reversed(ranks), patients]).astype(np.int64)
        return found

    def _placed(self, index: int, numbers: FloatArray) -> Placed:
        values = [
            Estimate(value, lower, upper, *((None, None) if math.isnan(mcse) else (mcse, int(draws))))
            for value, lower, upper, mcse, draws in numbers[index].tolist()
        ]
        return Placed(self._settings[index], self._patients[index], tuple(values), self._outcomes[index])

    def _spots(self, beaten: BoolArray, patients: FloatArray, numbers: FloatArray) -> Iterator[Spot]:
        """Places of the dominated designs, to four decimals: what a picture can show."""
        rows = np.column_stack([patients, numbers[:, :, 0].round(4)])[beaten]
        for count, *values in np.unique(rows, axis=0).tolist():
            yield Spot(int(count), tuple(values))


def _estimate(result: CellResult, aim: AimOf) -> Estimate:
    """The number of an aim; ``LookupError`` says why there is none."""
    if result.failure is not None:
        raise LookupError(result.failure)
    if aim.truth is None:
        return exactly(float(result.patients))
    found: dict[str, Metric] = {metric.name: metric for metric in result.of(aim.truth).metrics}
    known = [found[name].estimate for name in aim.metrics if name in found]
    if known:
        return known[0]
    if aim.aim == "expected_n":  # a trial with one analysis treats all of its patients
        return exactly(float(result.patients))
    raise LookupError(f"no {aim.aim} under {aim.truth}")
