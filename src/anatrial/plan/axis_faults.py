"""What is wrong with the paths that axes change, told once for all cells: unknown, idle, or two for one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from anatrial.documents.base import Base
from anatrial.documents.paths import path_faults, spot, steps
from anatrial.documents.recipe_paths import HEAD, recipe_faults, recipe_paths
from anatrial.documents.scenario import Scenario
from anatrial.documents.special_paths import (
    ROBUST,
    definition_faults,
    design_of,
    drop_out_faults,
    named_priors,
    planned_name,
    rate_truths,
    robust_place,
)
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.documents.trials import form_of
from anatrial.errors import Fault, InputError
from anatrial.plan.drift_setting import drift_faults
from anatrial.plan.rule_setting import menu_of
from anatrial.spec import shown

OF_COUNTS = ("looks", "dropout", "drift", "definition", "test")
"""Paths that name no field and are for trials which count responders in one arm or two."""
SPECIAL = ("design.n", "allocation", *OF_COUNTS)
Way = tuple[str, ...]


def faults_of_axes(base: Base, scenario: TrialScenario, paths: Sequence[str]) -> list[Fault]:
    """What is wrong with these paths together, as axes or tipping points of one scenario; places name the file."""
    faults: list[Fault] = []
    ways: dict[Way, str] = {}
    for path in paths:
        found = list(_faults(base, scenario, path, paths))
        faults += [_placed(base, path, fault) for fault in found]
        if not found and steps(path) in ways:
            faults.append(_placed(base, path, Fault("path", "twice", "each place once")))
        if not found:
            ways.setdefault(steps(path), path)
    return faults + clashes(base, list(ways.values()))


def _placed(base: Base, path: str, fault: Fault) -> Fault:
    inner = "" if fault.where == "path" else f": {fault.where}"
    return fault._replace(where=f"{base.where}: path {shown(path)}{inner}")


def _faults(base: Base, scenario: TrialScenario, path: str, paths: Sequence[str]) -> Iterator[Fault]:
    """What is wrong with one path; ``paths`` are all of them."""
    try:
        way = steps(path)
    except InputError as error:
        yield from error.faults
        return
    form = form_of(base.data)
    known = spot(base.data, way, form) is not None
    if way[0] == HEAD:
        yield from recipe_faults(path, way, base.indication) or _unused(base, way, paths)
    elif path in SPECIAL:
        yield from _special_faults(base, scenario, path)
    elif robust_place(way) and not known:
        yield from _robust_faults(base, way, paths)
    else:
        yield from path_faults(path, base.data, form, () if known else _further(base, scenario))


def _further(base: Base, scenario: TrialScenario) -> tuple[str, ...]:
    """Valid paths that the form of the file does not know, for hints."""
    counts = SPECIAL if isinstance(scenario, Scenario) else ("design.n", "allocation")
    tables = [
        ("rule", "analysis_prior"),
        ("rule", "final", "analysis_prior"),
        *(("truths", n) for n in scenario.truths),
    ]
    robust = (".".join((*table, ROBUST)) for table in tables if named_priors(base.data, table))
    return (*counts, *robust, *recipe_paths(base.indication))


def _special_faults(base: Base, scenario: TrialScenario, path: str) -> Iterator[Fault]:
    data = base.data
    if path in OF_COUNTS and not isinstance(scenario, Scenario):
        yield Fault("design.kind", repr(scenario.design.kind), f"fixed or sequential, for {path}")
        return
    try:
        match path:
            case "design.n" if spot(data, steps(path), form_of(data)) is None:
                design_of(data)
            case "allocation" if design_of(data).single_arm:
                yield Fault("design", "a single arm", "two arms to allocate patients to")
            case "looks" if not scenario.rule.interim:
                fix = "monitored turns any rule into one that may stop early"
                yield Fault("rule.kind", repr(scenario.rule.kind), "a rule that decides at every look", fix)
            case "dropout":
                yield from drop_out_faults(data)
            case "drift":
                yield from drift_faults(data)
            case "definition":
                yield from definition_faults(data)
            case "test":
                menu_of(data)
    except InputError as error:
        yield from error.faults


def _robust_faults(base: Base, way: Way, paths: Sequence[str]) -> Iterator[Fault]:
    """A weight for named priors must find some, in the file or by another axis."""
    table = ".".join(way[:-1])
    if not named_priors(base.data, way[:-1]) and not any(_may_name(base, other, within=table) for other in paths):
        yield Fault("path", f"no prior by name in {table}", f'a prior = "..." in {table}')


def _unused(base: Base, way: Way, paths: Sequence[str]) -> Iterator[Fault]:
    """A recipe must be that of a prior which the scenario names, in the file or by another axis."""
    named = {str(_at(base.data, (*place, "prior"))) for place in named_priors(base.data, ())}
    if way[1] not in named and not any(_may_name(base, other) for other in paths):
        said = f"those it names are {', '.join(sorted(named))}" if named else "it names none"
        yield Fault("path", f"{way[1]!r}, which the scenario does not use", "a prior that the scenario names", said)


def _may_name(base: Base, path: str, *, within: str = "") -> bool:
    """Whether an axis along this path may put the name of a prior into the file, inside a table or around it."""
    try:
        way = steps(path)
    except InputError:
        return False
    found = spot(base.data, way, form_of(base.data))
    name = ".".join(way)
    near = name.startswith(within) or within.startswith(name)
    return near and found is not None and (way[-1] == "prior" or isinstance(found.value, dict | list))


def _at(data: Any, way: Way) -> Any:
    for step in way:
        data = data[step]
    return data


def clashes(base: Base, paths: Sequence[str]) -> list[Fault]:
    """Pairs of paths that would set the same place, so that one of them would do nothing."""
    found = []
    for one, other in combinations(paths, 2):
        if _clash(base.data, steps(one), steps(other)):
            fault = Fault(
                "path", f"the place that {shown(one)} sets", "one axis for each place", "leave one of them out"
            )
            found.append(_placed(base, other, fault))
    return found


def _clash(data: dict[str, Any], one: Way, other: Way) -> bool:
    if one[: len(other)] == other or other[: len(one)] == one:
        return not _refines(data, *sorted((one, other), key=len))
    if {one, other} == {("dropout",), ("definition",)}:
        return True
    return any(b[: len(place)] == place for a, b in ((one, other), (other, one)) for place in _written(data, a))


def _refines(data: dict[str, Any], above: Way, below: Way) -> bool:
    """Whether the lower of two paths sets the robust weights in whatever table the upper one puts there."""
    return above != below and robust_place(below) and spot(data, below, form_of(data)) is None


def _written(data: dict[str, Any], way: Way) -> list[Way]:
    """The places that a setting writes over, beside its own."""
    match way:
        case ("design", "n"):
            return [("design", "looks")]
        case ("looks",):
            return [("design", "looks"), ("design", "kind")]
        case ("dropout",):
            return [("truths", name, "dropout") for name, _ in rate_truths(data)]
        case ("definition",):
            place = ("truths", str(planned_name(data)))
            return [(*place, key) for key in ("rates", "rates_among", "dropout", "events")]
        case _ if robust_place(way):
            return [(*place, ROBUST) for place in named_priors(data, way[:-1])]
        case _:
            return []
