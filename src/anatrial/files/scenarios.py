"""Scenario files: by path or by name, with every prior looked up once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from anatrial.documents.base import Base, Resolver
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.documents.trial_scenario import QUESTIONS, ResolvedTrial, TrialScenario
from anatrial.documents.trials import examine_content, examine_scenario, parse_any
from anatrial.errors import Fault, InputError
from anatrial.files.indications import Shelf, nearest_folder, read_derived, read_indication, shelf, shipped
from anatrial.files.texts import read_text
from anatrial.spec import nearest, toml_data


def scenario_paths() -> dict[str, Path]:
    """Scenarios by name: those of the nearest ``scenarios`` folder, and those shipped with the program."""
    folders = [shipped("scenarios"), nearest_folder(Path.cwd(), "scenarios")]
    return {p.stem: p for folder in folders if folder is not None for p in sorted(folder.glob("*.toml"))}


def locate(path_or_name: str | Path) -> Path:
    """The file of a scenario, given its path or its name."""
    given = str(path_or_name)
    named = re.fullmatch(r"[\w.-]+", given) and (len(given) > 80 or not Path(given).exists())
    if not named:
        return Path(given)
    known = scenario_paths()
    if given not in known:
        hint = nearest(given.lower().removesuffix(".toml"), known)
        raise InputError(Fault("scenario", repr(given), "a file, or the name of a scenario", hint))
    return known[given]


def read_scenario(path_or_name: str | Path) -> ResolvedTrial[Any]:
    """A scenario with its priors looked up; ``InputError`` carries every fault of the file.

    A name without a path finds the scenario in the nearest ``scenarios`` folder or among those shipped.
    """
    path, where = locate(path_or_name), str(path_or_name)
    scenario, faults = examine_scenario(read_text(path, where), where)
    place = shelf(path.parent)
    indication = _indication(scenario, place, faults)
    if scenario is None or indication is None:
        raise InputError(*faults)
    resolver = Resolver(path.stem, where, indication, place.said, lambda name: read_derived(place, indication, name))
    return resolver.resolved(scenario, faults)


def read_base(path_or_name: str | Path) -> tuple[Base, ResolvedTrial[Any]]:
    """A scenario ready to be changed, and as it is; ``InputError`` carries every fault of the file."""
    path, where = locate(path_or_name), str(path_or_name)
    data = toml_data(read_text(path, where), where)
    scenario, faults = examine_content(data, where)
    place = shelf(path.parent)
    indication = _indication(scenario, place, faults)
    if scenario is None or indication is None:
        raise InputError(*faults)
    derived = {name: _derived(place, indication, name) for name in indication.priors}
    asked = {key: value for key, value in data.items() if key not in QUESTIONS}
    base = Base(path.stem, where, asked, indication, derived, place.said)
    resolver = Resolver(path.stem, where, indication, place.said, base.prior)
    return base, resolver.resolved(scenario, faults)


def _indication(scenario: TrialScenario | None, place: Shelf, faults: list[Fault]) -> Indication | None:
    if scenario is None:
        return None
    try:
        return read_indication(scenario.indication, place)
    except InputError as error:
        faults.extend(error.faults)
    return None


def _derived(place: Shelf, indication: Indication, name: str) -> Derived | tuple[Fault, ...]:
    try:
        return read_derived(place, indication, name)
    except InputError as error:
        return error.faults


def titles() -> dict[str, TrialScenario]:
    """Every known scenario by name, as written."""
    return {name: parse_any(read_text(path), name) for name, path in scenario_paths().items()}


def refuse_existing(path: Path) -> None:
    """``InputError`` where a file is there already: a starter never overwrites work."""
    if path.exists():
        raise InputError(Fault(str(path), "a file that exists", "a new file", "choose another name"))
