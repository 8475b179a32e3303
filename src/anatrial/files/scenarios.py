"""Scenario files: by path or by name, with every prior looked up once."""

from __future__ import annotations

import re
from pathlib import Path

from anatrial.documents.scenario import ResolvedScenario, Scenario, parse_scenario, resolve
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef
from anatrial.errors import Fault, InputError
from anatrial.files.indications import nearest_folder, read_derived, read_indication, shelf, shipped
from anatrial.files.texts import read_text
from anatrial.spec import nearest

_FLAT = BetaMixture.beta(1.0, 1.0)
STAND_IN = Prior("missing", _FLAT, _FLAT)
"""Stands for a prior that could not be read until all faults of the file are told."""


def scenario_paths() -> dict[str, Path]:
    """Scenarios by name: those of the nearest ``scenarios`` folder, and those shipped with the program."""
    folders = [shipped("scenarios"), nearest_folder(Path.cwd(), "scenarios")]
    return {p.stem: p for folder in folders if folder is not None for p in sorted(folder.glob("*.toml"))}


def locate(path_or_name: str | Path) -> Path:
    """The file of a scenario, given its path or its name."""
    given = str(path_or_name)
    if re.fullmatch(r"[a-z0-9-]{1,80}", given) and not Path(given).is_file():
        known = scenario_paths()
        if given not in known:
            raise InputError(Fault("scenario", repr(given), "a file, or the name of a scenario", nearest(given, known)))
        return known[given]
    return Path(given)


def read_scenario(path_or_name: str | Path) -> ResolvedScenario:
    """A scenario with its priors looked up; ``InputError`` carries every fault of the file.

    A name without a path finds the scenario in the nearest ``scenarios`` folder or among those shipped.
    """
    path = locate(path_or_name)
    where = str(path_or_name)
    scenario = parse_scenario(read_text(path, where), where)
    place = shelf(path.parent)
    indication = read_indication(scenario.indication, place)
    faults: list[Fault] = []
    if scenario.endpoint not in indication.endpoints:
        hint = nearest(scenario.endpoint, indication.endpoints)
        faults.append(
            Fault(f"{where}: endpoint", repr(scenario.endpoint), f"an endpoint of {scenario.indication}", hint)
        )

    def look_up(use: str, ref: PriorRef) -> Prior:
        assert ref.prior is not None
        try:
            found = read_derived(place, indication, ref.prior)
        except InputError as error:
            faults.extend(Fault(f"{where}: {use}: {f.where}", *f[1:]) for f in error.faults)
            return STAND_IN
        if found.endpoint != scenario.endpoint:
            got, expected = f"{found.name}, a prior on {found.endpoint}", f"a prior on {scenario.endpoint}"
            faults.append(Fault(f"{where}: {use}", got, expected))
        return found.value(ref.robust_weight)

    resolved, priors = resolve(scenario, look_up)
    if faults:
        raise InputError(*faults)
    return ResolvedScenario(path.stem, scenario, resolved, priors, indication, place.said)


def titles() -> dict[str, Scenario]:
    """Every known scenario by name, as written."""
    return {name: parse_scenario(read_text(path), name) for name, path in scenario_paths().items()}


def refuse_existing(path: Path) -> None:
    """``InputError`` where a file is there already: a starter never overwrites work."""
    if path.exists():
        raise InputError(Fault(str(path), "a file that exists", "a new file", "choose another name"))
