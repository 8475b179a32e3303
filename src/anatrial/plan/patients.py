"""Counts trials for the simulator: the patients and the decisions of one truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from anatrial.documents.scenario import ResolvedScenario, Scenario
from anatrial.documents.scenario_faults import splits, without_effect
from anatrial.domain.results import Estimate, Evaluation, exactly
from anatrial.domain.tally import Block, SimulationSettings
from anatrial.engine import type_one
from anatrial.engine.characteristics import null_margins, power
from anatrial.engine.course import Trial, errors, trial
from anatrial.engine.patient_trials import Simulated
from anatrial.engine.patients import Patients, Setting, drawn
from anatrial.plan.virtual import drawings
from anatrial.truths.base import ArmRates
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

ARRAYS = 4  # numbers that a virtual patient holds at once


def block(plan: Scenario, truth: str) -> Block:
    """The trial under one truth: no_effect truths at their worst rate."""
    simulated = virtual_trial(plan, truth)
    return Block(simulated, ARRAYS * sum(simulated.setting.randomised))


def size(plan: Scenario, truth: str) -> int:
    """Patients of one virtual trial."""
    return sum(virtual_trial(plan, truth).setting.randomised)


def can_be_simulated(plan: Scenario, truth: str) -> bool:
    """Whether the truth is one reality; a grid is many."""
    return not isinstance(plan.truths[truth], Grid)


def virtual_trial(plan: Scenario, name: str) -> Simulated:
    """What happens to the patients under a truth, and how the trial is decided."""
    run, truth = trial(plan.rule, plan.design), plan.truths[name]
    found = Simulated(_setting(plan, name, truth), plan.rule, run) if isinstance(truth, Points | DesignPrior) else None
    match truth:
        case Points():
            assert found is not None
            return replace(found, error=True) if without_effect(plan, truth) else found
        case DesignPrior():
            assert found is not None
            return replace(found, name="assurance", true_effect=_true_effect(plan, truth))
        case NoEffect():
            return Simulated(_setting(plan, name, _worst(plan, truth, run)), plan.rule, run, name="success", error=True)
        case _:
            raise ValueError(f"{name}: a grid is many truths")


def _setting(plan: Scenario, name: str, truth: Points | DesignPrior) -> Setting:
    rates = plan.safety.rates.get(name, {}) if plan.safety is not None else {}
    return Setting(
        looks=plan.design.looks(),
        truth=truth,
        adverse=rates,
        safety=plan.safety,
        recruitment=plan.recruitment,
        randomisation=plan.randomisation,
        switch=plan.switch,
    )


def _true_effect(plan: Scenario, truth: DesignPrior) -> float | None:
    """What treatment - control must exceed for a success to be a true one; one arm: less the rate to beat."""
    if not splits(plan, truth):
        return None
    effect = plan.rule.null_margin if truth.true_effect is None else truth.true_effect
    if truth.control is not None:
        return effect
    return min(max((plan.rule.fixed_benchmark or 0.0) - plan.rule.null_margin + effect, 0.0), 1.0)


def _worst(plan: Scenario, truth: NoEffect, run: Trial) -> Points:
    """The rates without effect, within the stated range, at which an error is most probable."""
    margins = null_margins(plan.rule, run)
    at = type_one.worst(run, (truth.control.lowest, truth.control.highest), *margins).at
    inside = [margin for margin in margins if 0.0 <= at + margin <= 1.0]
    edge = max(inside, key=lambda margin: type_one.along(run, np.array([at]), margin)[0])
    rates = ArmRates(treatment=at + edge, control=None if plan.design.single_arm else at)
    return Points(kind="points", rates=rates)


def patients(plan: Scenario, truth: str, how: SimulationSettings) -> Iterator[tuple[int, Patients]]:
    """The patients of every trial that is simulated: the number of the first trial of each block, and its patients."""
    simulated = virtual_trial(plan, truth)
    for at in drawings(block(plan, truth).size, how):
        yield at.first, drawn(simulated.setting, at.rng, at.trials)


def enumerated(used: ResolvedScenario, result: Evaluation, name: str) -> dict[str, Estimate]:
    """What the exact engine says of a truth, by the names that the simulator tallies.

    Nothing where blocks leave the arms unequal by luck: the exact numbers are those of the planned totals.
    """
    plan, found, simulated = used.resolved, result.of(name), virtual_trial(used.resolved, name)
    if not simulated.setting.balanced:
        return {}
    exact = {metric.name: metric.estimate for metric in found.metrics}
    for index, stop in enumerate(found.stops, start=1):
        parts = (("success", stop.success), ("futility", stop.futility), ("harm", stop.harm))
        exact |= {f"look_{index}_{what}": exactly(chance) for what, chance in parts}
    if isinstance(plan.truths[name], NoEffect):
        at_worst = errors(simulated.trial, simulated.setting.truth.law(result.look))
        success, harm = power(simulated.trial, simulated.setting.truth)
        exact |= {"type1_at": exactly(float(at_worst[0])), "success": exactly(success), "harm": exactly(harm)}
    return exact
