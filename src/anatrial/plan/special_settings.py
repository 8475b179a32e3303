"""A scenario with some of its fields changed: plain fields, then what moves several of them, then recipes of priors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from anatrial.documents.base import Base
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.documents.paths import changed, said_setting, spot, steps
from anatrial.documents.recipe_paths import HEAD, with_recipe
from anatrial.documents.special_paths import (
    COUNTS,
    robust_place,
    with_allocation,
    with_definition,
    with_drop_out,
    with_looks,
    with_patients,
    with_robust_weight,
)
from anatrial.documents.trials import form_of
from anatrial.domain.cells import Settings
from anatrial.errors import Fault, InputError
from anatrial.methods import Method
from anatrial.plan.axis_faults import clashes, faults_of_axes
from anatrial.plan.derive import integrated
from anatrial.plan.drift_setting import with_drift
from anatrial.plan.rule_setting import with_test

__all__ = ["apply", "faults_of_axes", "rederived"]
ORDER = ("plain", "robust_weight", "test", "definition", "design.n", "allocation", "looks", "dropout", "drift", HEAD)
"""Settings are applied in this order, whatever the order of the axes."""
OF_VALUE: dict[str, Callable[[dict[str, Any], Any], dict[str, Any]]] = {
    "test": with_test,
    "design.n": with_patients,
    "allocation": with_allocation,
    "looks": with_looks,
    "dropout": with_drop_out,
    "drift": with_drift,
}
"""What these settings make of a file."""
MOST_KEPT = 4096
_DERIVED: dict[tuple[str, ...], tuple[Method, Derived]] = {}
"""Changed recipes and their priors in this process, by the digest of the recipe as it was and by what was changed."""


def apply(base: Base, settings: Settings) -> Base:
    """The base with every setting applied, in ``ORDER``; the base itself stays as it is.

    Raises ``InputError`` where a setting does not fit; the place of its fault names the file and the setting.
    """
    data, recipes = base.data, dict[str, list[tuple[str, Any]]]()
    staged = sorted(((_stage(base, path, value), path, value) for path, value in settings), key=_rank)
    if len(settings) > 1 and (faults := clashes(base, [path for path, _ in settings])):
        raise InputError(*faults)
    for name, path, value in staged:
        try:
            if name == HEAD:
                prior, field = _recipe_field(path)
                recipes.setdefault(prior, []).append((field, value))
            else:
                data = _applied(name, base, data, path, value)
        except InputError as error:
            raise InputError(*_placed(base, ((path, value),), error)) from None
    changed_base = replace(base, data=data)
    for prior, changes in recipes.items():
        try:
            indication, derived = rederived(changed_base.indication, prior, tuple(changes))
        except InputError as error:
            told = tuple((f"{HEAD}.{prior}.{field}", value) for field, value in changes)
            raise InputError(*_placed(base, told, error)) from None
        known = {**changed_base.derived, prior: derived}
        changed_base = replace(changed_base, indication=indication, derived=known)
    return changed_base


def _rank(staged: tuple[str, str, Any]) -> int:
    return ORDER.index(staged[0])


def _placed(base: Base, settings: Settings, error: InputError) -> Iterator[Fault]:
    """The faults of a setting, each told with the file and with what was set."""
    for fault in error.faults:
        told = {"", "path", *(path for path, _ in settings)}
        inner = "" if fault.where in told else f": {fault.where}"
        yield fault._replace(where=f"{base.where}: {said_setting(settings)}{inner}")


def _stage(base: Base, path: str, value: Any) -> str:
    """Which step of ``ORDER`` a setting belongs to; ``plain`` where its path names a field of the file."""
    try:
        way = steps(path)
    except InputError as error:
        raise InputError(*_placed(base, ((path[:80], value),), error)) from None
    if way[0] == HEAD:
        return HEAD
    if robust_place(way):
        return "plain" if spot(base.data, way, form_of(base.data)) is not None else "robust_weight"
    if way == ("design", "n"):
        own = base.data["design"]
        sizes = isinstance(own.get("n"), dict) or own.get("kind") in COUNTS
        return "design.n" if sizes and not isinstance(value, dict) else "plain"
    return path if path in ORDER and path != "plain" else "plain"


def _recipe_field(path: str) -> tuple[str, str]:
    """Name of the prior and the path inside its recipe."""
    _, *way = steps(path)
    if len(way) < 2:
        fix = f"name a field, as in {HEAD}.NAME.robust.weight"
        raise InputError(Fault("path", repr(path), "a field of a recipe", fix))
    return way[0], ".".join(way[1:])


def _applied(name: str, base: Base, data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The content of the file with one setting that is no recipe's."""
    if name == "plain":
        return changed(data, path, value, form_of(data))
    if name == "robust_weight":
        return with_robust_weight(data, steps(path), value)
    if name == "definition":
        return with_definition(data, value, base.indication)
    return OF_VALUE[name](data, value)


def rederived(indication: Indication, name: str, changes: tuple[tuple[str, Any], ...]) -> tuple[Indication, Derived]:
    """The indication with a changed recipe, and the prior that it makes: integrated, never sampled.

    Paths of ``changes`` start at the recipe. Cells that share a recipe share one derivation per process.

    Raises ``InputError`` where the recipe does not stand, ``ComputationError`` where no closed form is close enough.
    """
    key = (indication.indication, name, indication.input_digest(name), json.dumps(changes))
    if key not in _DERIVED:
        new = with_recipe(indication, name, changes)
        while len(_DERIVED) >= MOST_KEPT:
            _DERIVED.pop(next(iter(_DERIVED)))
        _DERIVED[key] = new.priors[name], integrated(new, name).derived
    recipe, derived = _DERIVED[key]
    return indication.model_copy(update={"priors": {**indication.priors, name: recipe}}), derived
