"""A finished sweep, cell by cell, as its text, pictures and rows are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anatrial.documents.base import Base
from anatrial.documents.paths import ABSENT, spot, steps
from anatrial.documents.recipe_paths import HEAD, Recipes
from anatrial.documents.special_paths import ROBUST, design_of, named_priors
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.documents.trials import form_of
from anatrial.domain.results import SizeTarget
from anatrial.domain.sweeps import Frame, Swept, SweptAxis, SweptCell, SweptScenario
from anatrial.errors import InputError
from anatrial.plan.cells import with_verdicts
from anatrial.plan.sweep import SweepPlan, SweepRun


def frame(plan: SweepPlan) -> Frame:
    """What a plan sweeps, without what computes it."""
    axes = tuple(SweptAxis(axis.path, axis.said, axis.taken()) for axis in plan.axes)
    pairs = zip(plan.bases, plan.scenarios, strict=True)
    scenarios = tuple(_scenario(base, scenario, axes) for base, scenario in pairs)
    return Frame(plan.title, plan.sweep.layout, axes, scenarios, plan.cells)


def gathered(run: SweepRun, swept: Swept) -> Iterator[SweptCell]:
    """Every cell in its order; ``swept``, made from the frame of the same plan, takes in each as it passes.

    A cell whose numbers answer no longer what a target asks counts as failed.
    """
    scenarios = {base.name: scenario for base, scenario in zip(run.plan.bases, run.plan.scenarios, strict=True)}
    for question, result in run.results():
        told, verdicts = with_verdicts(scenarios[question.base.name], result)
        cell = SweptCell(question.index, question.base.name, question.settings, told)
        swept.put(cell, verdicts)
        yield cell


def _scenario(base: Base, scenario: TrialScenario, axes: tuple[SweptAxis, ...]) -> SweptScenario:
    goals = tuple(SizeTarget(one.said, one.metric, one.truth, one.bound, one.threshold) for one in scenario.targets)
    return SweptScenario(base.name, scenario.title, goals, tuple(own_value(base, axis) for axis in axes))


def own_value(base: Base, axis: SweptAxis) -> Any:
    """What a file has where an axis changes it, in the form of the axis; None where no single value tells it."""
    path, way = axis.path, steps(axis.path)
    if way[0] == HEAD and way[1] in base.indication.priors:
        recipe = base.indication.priors[way[1]].model_dump(mode="json", by_alias=True, exclude_none=True)
        return _at({HEAD: {way[1]: recipe}}, way, Recipes)
    if path == "drift":
        return 0  # the number of an axis moves rates from where the file has them
    if path in {"looks", "design.n"} and axis.numeric:
        return _layout(base, path)
    own = _at(base.data, way, form_of(base.data))
    if own is None and way[-1] == ROBUST:
        robust = [base.prior(name).robust for name in _named(base, way)]
        weights = {part.weight if part is not None else 0.0 for part in robust}
        return weights.pop() if len(weights) == 1 else None
    return own


def _at(data: dict[str, Any], way: tuple[str, ...], form: Any) -> Any:
    found = spot(data, way, form)
    return None if found is None or found.value is ABSENT else found.value


def _layout(base: Base, path: str) -> int | None:
    """The number of looks, or of control patients (one arm: of patients); None where the design is of another form."""
    try:
        looks = design_of(base.data).looks()
    except InputError:
        return None
    return len(looks) if path == "looks" else looks[-1].n_c or looks[-1].n_t


def _named(base: Base, way: tuple[str, ...]) -> set[str]:
    """The priors that a file names in the table whose robust weight these steps lead to."""
    form = form_of(base.data)
    return {_at(base.data, (*place, "prior"), form) for place in named_priors(base.data, way[:-1])}
