"""Every further kind of trial by its engine, and what is the same for all: verdicts, tables, remarks, origin."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import BaseTarget, ResolvedTrial, TrialScenario
from anatrial.domain.results import Metric, Verdict, judged
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.domain.trial import Findings, TrialEvaluation
from anatrial.plan.caveats import caveats, typed
from anatrial.plan.drifted import drifted
from anatrial.plan.ports import SILENT, Progress


class Engine(Protocol):
    """What the module of a kind of trial offers; it bears the name of the kind, that of counts trials ``patients``."""

    def findings(self, used: ResolvedTrial[Any], simulation: SimulationSettings, progress: Progress) -> Findings:
        """Characteristics of every truth, tables and remarks."""

    def block(self, plan: Any, truth: str) -> Block:
        """The trial under one truth, for the simulator."""

    def size(self, plan: Any, truth: str) -> int:
        """Patients of one virtual trial."""

    def patients(self, plan: Any, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Any]]:
        """The patients of every trial that is simulated, in parts: the number of the first trial, and its patients."""


def engine(used: ResolvedTrial[Any]) -> Engine:
    """The engine of a scenario's kind of trial."""
    name = "patients" if isinstance(used, ResolvedScenario) else used.scenario.design.kind
    found: Any = import_module(f"anatrial.plan.{name}")
    engine_: Engine = found
    return engine_


def settings(plan: TrialScenario, workers: int = 1) -> SimulationSettings:
    """How much a scenario file asks to simulate."""
    return SimulationSettings(plan.simulation.trials, plan.seed, workers, plan.target_mcse)


def evaluate_trial(used: ResolvedTrial[Any], progress: Progress = SILENT) -> TrialEvaluation:
    """Everything that a run computes of a trial that is not told by the counts of one arm or two alone."""
    plan, how = used.resolved, settings(used.resolved)
    found = engine(used).findings(used, how, progress)
    arms, by_truth = used.scenario.arms, {one.truth: one for one in found.characteristics}
    history = drifted(used, lambda other: engine(used).findings(other, how, SILENT), exact=found.exact)
    return TrialEvaluation(
        scenario=used.name,
        title=plan.title,
        kind=plan.design.kind,
        design=plan.design.said(arms.treatment, arms.control),
        success=plan.rule.said(arms.treatment, arms.control),
        estimand=plan.stated_estimand(),
        exact=found.exact,
        trials=None if found.exact else _trials_made(found, how),
        seed=None if found.exact else how.seed,
        characteristics=found.characteristics,
        verdicts=tuple(verdict(target, by_truth[target.truth].metric(target.metric)) for target in plan.targets),
        tables=(*found.tables, *history.tables),
        priors=used.priors,
        notes=(*found.notes, *history.notes, *caveats(used.priors, used.indication), *typed(plan)),
        scenario_digest=used.digest,
        tool_version=__version__,
    )


def _trials_made(found: Findings, how: SimulationSettings) -> int:
    """The fewest trials that a truth was simulated with: those asked for, or more where a precision was."""
    draws = (max((metric.estimate.draws or 0 for metric in one.metrics), default=0) for one in found.characteristics)
    return min((made for made in draws if made), default=how.trials)


def verdict(target: BaseTarget, metric: Metric) -> Verdict:
    """Whether a target holds, given the number that it asks about."""
    outcome = judged(metric.estimate, target.bound, target.threshold)
    return Verdict(outcome, target.metric, target.truth, metric.estimate, target.bound, target.threshold, metric.at)
