"""Paths into the recipe of a prior: ``priors.NAME.heterogeneity.scale``, ``priors.NAME.without``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anatrial.documents.indication import Indication
from anatrial.documents.indication_faults import basket_faults, cross_faults
from anatrial.documents.paths import REASON, changed, paths_of, spot, unknown
from anatrial.domain.prior import Contribution
from anatrial.errors import Fault, InputError
from anatrial.methods import Method
from anatrial.methods.exnex import Exnex
from anatrial.methods.hierarchical import Hierarchical
from anatrial.methods.recipe import Counted
from anatrial.spec import Name, Spec, examine_data, nearest

HEAD = "priors"
WITHOUT = "without"
NOBODY = ("", "none")
"""Values of ``without`` that leave all studies in."""
IDLE = ("engine", "sampling")
"""Keys of a recipe that choose how it is audited, not what it says."""


class Recipes(Spec):
    """The part of an indication file that paths into recipes start from."""

    priors: dict[Name, Method]


def recipe_paths(indication: Indication) -> tuple[str, ...]:
    """Every path into a recipe of the indication."""
    found = []
    for name, recipe in indication.priors.items():
        found += [path for path in paths_of(_walked(indication, name), Recipes) if path.count(".") > 1]
        found += [f"{HEAD}.{name}.{WITHOUT}"] if isinstance(recipe, Counted) else []
    return tuple(path for path in found if path.split(".")[2] not in IDLE)


def recipe_faults(path: str, way: tuple[str, ...], indication: Indication) -> list[Fault]:
    """What is wrong with a path whose first step is ``priors``, at most one fault."""
    if len(way) > 1 and way[1] not in indication.priors:
        expected = f"a prior of {indication.indication}"
        return [Fault("path", repr(way[1]), expected, nearest(way[1], indication.priors))]
    if len(way) < 3:
        return [Fault("path", repr(path), "a field of a recipe", f"name one, as in {HEAD}.NAME.robust.weight")]
    recipe = indication.priors[way[1]]
    if way[2] in IDLE:
        fix = "PyMC checks a prior when it is derived, and does not change it"
        return [Fault("path", repr(path), "a field that changes the prior", fix)]
    if way[2:] == (WITHOUT,):
        return _without_faults(indication, recipe)
    walked = _walked(indication, way[1])
    return [] if spot(walked, way, Recipes) is not None else [unknown(path, walked, Recipes, recipe_paths(indication))]


def _without_faults(indication: Indication, recipe: Method) -> list[Fault]:
    used = studies_of(indication, recipe)
    if not used:
        return [Fault("path", WITHOUT, "a recipe that rests on studies", "this one is a belief in numbers")]
    if len(used) == 1 and isinstance(recipe, Hierarchical):
        return [Fault("path", WITHOUT, "a recipe of two studies or more", f"without {used[0]} nothing is left")]
    return []


def studies_of(indication: Indication, recipe: Method) -> tuple[str, ...]:
    """Ids of the studies that count in a recipe, in its order."""
    return tuple(dict.fromkeys(c.study for c in _contributions(indication, recipe) if c.weight > 0))


def _contributions(indication: Indication, recipe: Method) -> tuple[Contribution, ...]:
    return indication.contributions(recipe) if isinstance(recipe, Counted) else ()


def _written(recipe: Method) -> dict[str, Any]:
    """A recipe as its file writes it."""
    return recipe.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _walked(indication: Indication, name: str) -> dict[str, Any]:
    """The recipe with a weight for every study, those of the method included: each may be changed."""
    recipe = indication.priors[name]
    found = _written(recipe)
    if isinstance(recipe, Counted):
        weights = {c.study: {"weight": c.weight, "why": REASON} for c in _contributions(indication, recipe)}
        found["weights"] = {**weights, **found.get("weights", {})}
    return {HEAD: {name: found}}


def with_recipe(indication: Indication, name: str, changes: Sequence[tuple[str, Any]]) -> Indication:
    """The indication with fields of one recipe changed; paths start at the recipe (``heterogeneity.scale``).

    ``without`` gives a study the weight 0. Raises ``InputError`` where the changed recipe does not stand.
    """
    if name not in indication.priors:
        expected, hint = f"a prior of {indication.indication}", nearest(name, indication.priors)
        raise InputError(Fault("path", repr(name), expected, hint))
    recipe = indication.priors[name]
    data: dict[str, Any] = {HEAD: {name: _written(recipe)}}
    for field, value in sorted(changes, key=lambda change: change[0] == WITHOUT):
        if field == WITHOUT:
            data = _left_out(data, indication, name, value)
            continue
        first, *more = field.split(".")
        if first == "weights" and more:
            data = _weighed(data, indication, name, more[0])
        data = changed(data, f"{HEAD}.{name}.{field}", value, Recipes)
    found, faults = examine_data(data, Recipes, "")
    if found is None or faults:
        raise InputError(*(fault._replace(where=fault.where.removeprefix(": ")) for fault in faults))
    new = indication.model_copy(update={"priors": {**indication.priors, name: found.priors[name]}})
    recipe = new.priors[name]
    told = [*cross_faults(new), *(basket_faults(new, name, recipe) if isinstance(recipe, Exnex) else ())]
    if broken := [fault for fault in told if fault.where.startswith(f"{HEAD}.{name}")]:
        raise InputError(*broken)
    return new


def _weighed(data: dict[str, Any], indication: Indication, name: str, study: str) -> dict[str, Any]:
    """The recipe with the weight of a study written out, where the method gives it one."""
    weights = data[HEAD][name].get("weights", {})
    known = _walked(indication, name)[HEAD][name].get("weights", {})
    if study in weights or study not in known:
        return data
    return changed(data, f"{HEAD}.{name}.weights", {**weights, study: known[study]}, Recipes)


def _left_out(data: dict[str, Any], indication: Indication, name: str, study: Any) -> dict[str, Any]:
    used = studies_of(indication, indication.priors[name])
    if study in NOBODY:
        return data
    if study not in used:
        expected = 'the id of a study that the recipe uses, or "none"'
        raise InputError(Fault(f"{HEAD}.{name}.{WITHOUT}", repr(study), expected, nearest(str(study), used)))
    if faults := _without_faults(indication, indication.priors[name]):
        raise InputError(*faults)
    weights = {**data[HEAD][name].get("weights", {}), study: {"weight": 0.0, "why": "left out to see what it brings"}}
    return changed(data, f"{HEAD}.{name}.weights", weights, Recipes)
