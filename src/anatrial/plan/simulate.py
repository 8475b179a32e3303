"""Simulate a scenario, and hold every simulated number against the enumerated one."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from scipy.special import bdtr, bdtrc, ndtri

from anatrial import __version__
from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.results import Estimate, Evaluation
from anatrial.domain.simulation import Compared, SimulatedTruth, Simulation
from anatrial.domain.tally import SimulationSettings, Sum, Tally
from anatrial.engine.simulation import simulated
from anatrial.errors import Fault, InputError
from anatrial.plan import patients
from anatrial.plan.evaluate import evaluate
from anatrial.plan.ports import SILENT, Progress
from anatrial.plan.trials import engine, settings

Memory = Callable[[str], MutableMapping[int, Tally] | None]
"""Per truth the finished blocks of an earlier start; None where nothing is kept."""
SAME = 1e-9
FEW = 100
MOST_PATIENTS = 50_000_000
"""In one file of virtual patients."""


def simulate(
    used: ResolvedTrial[Any],
    how: SimulationSettings | None = None,
    progress: Progress = SILENT,
    memory: Memory = lambda _truth: None,
) -> Simulation:
    """Every truth of a scenario simulated; the same bytes for any number of workers, and after an interruption.

    ``how``: by default as the file's ``[simulation]`` says. ``memory``: blocks that are finished already.
    """
    how, plan = how or settings(used.resolved), used.resolved
    names = truths_to_simulate(used)
    exact = _enumerated(used)
    found = []
    for index, name in enumerate(names):
        block = engine(used).block(plan, name)

        def advance(done: int, wanted: int, index: int = index) -> None:
            progress.advance(index * wanted + done, len(names) * wanted)

        tally = simulated(block, how, advance, memory(name))
        known = exact(name)
        rows = tuple(_compared(metric, total, known.get(metric)) for metric, total in tally.sums if total.n)
        found.append(SimulatedTruth(name, tally.trials, tally.failed, rows))
    return Simulation(used.name, plan.title, how.seed, tuple(found), used.digest, __version__)


def truths_to_simulate(used: ResolvedTrial[Any]) -> list[str]:
    """Truths that are one reality; ``InputError`` where there is none."""
    names = list(used.resolved.truths)
    if isinstance(used, ResolvedScenario):
        names = [name for name in names if patients.can_be_simulated(used.resolved, name)]
    if not names:
        expected = "a truth that is one reality: points, design_prior or no_effect"
        raise InputError(Fault(f"{used.name}: truths", "grids only", expected))
    return names


def refuse_patients(path: Path, used: ResolvedTrial[Any], how: SimulationSettings) -> None:
    """``InputError`` where virtual patients cannot be written: another ending, no stated number, too many patients."""
    if how.target_mcse is not None:
        raise InputError(Fault("patients", "a target_mcse", "a stated number of trials", "leave target_mcse out"))
    if path.suffix != ".parquet":
        raise InputError(Fault(str(path), f"the ending {path.suffix!r}", ".parquet"))
    many = sum(how.trials * engine(used).size(used.resolved, name) for name in truths_to_simulate(used))
    if many > MOST_PATIENTS:
        got, fix = f"{many:,} virtual patients", "ask for fewer --trials"
        raise InputError(Fault("patients", got, f"at most {MOST_PATIENTS:,}", fix))


def _enumerated(used: ResolvedTrial[Any]) -> Callable[[str], dict[str, Estimate]]:
    """Exact numbers by truth and name; nothing of a trial that is itself simulated."""
    if isinstance(used, ResolvedScenario):
        result: Evaluation = evaluate(used)
        return lambda name: patients.enumerated(used, result, name)
    few = SimulationSettings(FEW, used.resolved.seed)  # what is itself simulated is not asked for
    told = engine(used).findings(used, few, SILENT).characteristics
    exact = {one.truth: {m.name: m.estimate for m in one.metrics if m.estimate.mcse is None} for one in told}
    return lambda name: exact[name]


def _compared(metric: str, total: Sum, exact: Estimate | None) -> Compared:
    return Compared(metric, total.estimate(), exact, None if exact is None else apart(total, exact))


def apart(total: Sum, exact: Estimate) -> float:
    """Combined standard errors between a simulated number and the exact one.

    A number of a chance (0 to 1 in each trial) is asked how improbable so many hits are, by the binomial tails, and
    told as the normal deviate that is as improbable: a normal error would alarm at rare events. Of a mean, the
    difference over its Monte Carlo error.
    """
    found, draws = total.estimate(), total.n
    value = min(max(found.value, exact.lower), exact.upper)  # an exact number may have bounds
    if abs(found.value - value) <= SAME:
        return 0.0
    if total.chance:
        hits = round(total.total)
        tail = float(bdtrc(hits - 1, draws, value)) if found.value > value else float(bdtr(hits, draws, value))
        return max(float(-ndtri(tail)), 0.0) if tail > 0 else math.inf
    return abs(found.value - value) / found.mcse if found.mcse else math.inf
