"""One cell of a sweep: the metrics of a run, without what only people read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import QUESTIONS, ResolvedTrial, TrialScenario
from anatrial.domain.cells import CellResult
from anatrial.domain.results import OperatingCharacteristics, Verdict
from anatrial.errors import ComputationError, InputError
from anatrial.plan.evaluate import counted, verdict
from anatrial.plan.looks import planned
from anatrial.plan.ports import SILENT
from anatrial.plan.sections import PARTS, enriched, told
from anatrial.plan.trials import engine, settings
from anatrial.plan.trials import verdict as held
from anatrial.spec import digest

WORDS = ("title", "question", "notes", "size", "targets")
"""Keys that change no metric; which metrics the targets ask for does."""
FEW_RATES = np.array([])
"""No curves."""


def cell_key(used: ResolvedTrial[Any], engine_version: str) -> str:
    """sha256 of everything that determines a cell: the resolved scenario, its priors, the engine, the seed.

    The order of truths and arms counts: numbers stand in it, and sums run along it.
    """
    plan = used.resolved
    content = plan.model_dump_json(by_alias=True, exclude={*QUESTIONS, *WORDS})
    asked = [sorted((target.metric, target.truth) for target in plan.targets), plan.target_mcse]
    priors = [[use, prior.informative.parts] for use, prior in used.priors]
    return digest([engine_version, content, asked, priors])


def cell_result(used: ResolvedTrial[Any]) -> CellResult:
    """Every metric of every truth, the same numbers as of a run; a failure is told in words and never raised."""
    try:
        return _result(used)
    except Exception as error:  # noqa: BLE001 - the other cells of a sweep go on
        return failed(error, used.name)


def failed(error: Exception, where: str) -> CellResult:
    """A cell without numbers; what is a fault of the program might not come again.

    ``where``: the file, which is left out of the places of faults, as another file may share the cell.
    """
    if isinstance(error, (ComputationError, InputError)):
        return CellResult(failure=_said(error, where))
    return CellResult(failure=f"internal error: {type(error).__name__}: {error}", lasting=False)


def _said(error: ComputationError | InputError, where: str) -> str:
    """Why a cell has no numbers, on one line."""
    if isinstance(error, InputError):
        faults = (fault._replace(where=fault.where.removeprefix(f"{where}: ")) for fault in error.faults)
        return "; ".join(f"{fault.where}: got {fault.got}, expected {fault.expected}" for fault in faults)
    return str(error)


def _result(used: ResolvedTrial[Any]) -> CellResult:
    plan = used.resolved
    if isinstance(used, ResolvedScenario):
        run = planned(used)
        asked = tuple(part for part in PARTS if part.asked)
        parts = told(asked, used, run)
        found = tuple(enriched(one, parts) for one in counted(used.resolved, run, FEW_RATES))
        return CellResult(tuple(_bare(one) for one in found), run.look.n_t + run.look.n_c)
    machine = engine(used)
    findings = machine.findings(used, settings(plan), SILENT)
    patients = max(machine.size(plan, name) for name in plan.truths)
    return CellResult(tuple(_bare(one) for one in findings.characteristics), patients)


def _bare(found: OperatingCharacteristics) -> OperatingCharacteristics:
    return OperatingCharacteristics(found.truth, found.kind, found.metrics)


def cell_verdicts(scenario: TrialScenario, result: CellResult) -> tuple[Verdict, ...]:
    """Whether each target of a scenario holds in a cell; ``KeyError`` where the cell failed."""
    from anatrial.documents.scenario import Scenario

    if isinstance(scenario, Scenario):
        return tuple(verdict(target, result.characteristics) for target in scenario.targets)
    return tuple(held(target, result.of(target.truth).metric(target.metric)) for target in scenario.targets)


def with_verdicts(scenario: TrialScenario, result: CellResult) -> tuple[CellResult, tuple[Verdict, ...]]:
    """A cell with its verdicts; one that failed, or that lacks the number of a target, has none, and says why."""
    if result.failure is not None:
        return result, ()
    try:
        return result, cell_verdicts(scenario, result)
    except KeyError as missing:
        failure = f"a target asks for {missing.args[0]}, which it does not have"
        return replace(result, characteristics=(), failure=failure), ()
