"""Scenario files: by path or by name, with every prior looked up once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anatrial.documents.definitions import unknown_names
from anatrial.documents.indication import Indication
from anatrial.documents.scenario import ResolvedScenario, Scenario, resolve
from anatrial.documents.trial_scenario import ResolvedTrial, TrialScenario, resolve_priors
from anatrial.documents.trials import examine_scenario, parse_any
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef
from anatrial.errors import Fault, InputError
from anatrial.files.indications import Shelf, nearest_folder, read_derived, read_indication, shelf, shipped
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
    path = locate(path_or_name)
    where = str(path_or_name)
    scenario, faults = examine_scenario(read_text(path, where), where)
    place = shelf(path.parent)
    indication: Indication | None = None
    if scenario is not None:
        try:
            indication = read_indication(scenario.indication, place)
        except InputError as error:
            faults.extend(error.faults)
    if scenario is None or indication is None:
        raise InputError(*faults)
    finder = _Finder(where, scenario, indication, place, faults)
    try:
        found: tuple[TrialScenario, tuple[tuple[str, Prior], ...]]
        found = resolve(scenario, finder) if isinstance(scenario, Scenario) else resolve_priors(scenario, finder)
    except InputError as error:  # what a rule can only tell of a prior that is looked up
        raise InputError(*faults, *(f._replace(where=f"{where}: {f.where}") for f in error.faults)) from None
    if scenario.endpoint not in indication.endpoints:
        hint = nearest(scenario.endpoint, indication.endpoints)
        expected = f"an endpoint of {scenario.indication}"
        faults.append(Fault(f"{where}: endpoint", repr(scenario.endpoint), expected, hint))
    if isinstance(scenario, Scenario):
        faults += [f._replace(where=f"{where}: {f.where}") for f in unknown_names(scenario, indication)]
    if faults:
        raise InputError(*faults)
    resolved, priors = found
    if isinstance(scenario, Scenario) and isinstance(resolved, Scenario):
        return ResolvedScenario(path.stem, scenario, resolved, priors, indication, place.said)
    return ResolvedTrial(path.stem, scenario, resolved, priors, indication, place.said)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks up the priors that a scenario names, and keeps the faults until all are told."""

    where: str
    scenario: TrialScenario
    indication: Indication
    place: Shelf
    faults: list[Fault]

    def __call__(self, use: str, ref: PriorRef) -> Prior:
        try:
            found = read_derived(self.place, self.indication, str(ref.prior))
        except InputError as error:
            self.faults.extend(Fault(f"{self.where}: {use}: {f.where}", *f[1:]) for f in error.faults)
            return STAND_IN
        wanted = self.scenario.endpoint_of(use)
        if wanted is not None and found.endpoint != wanted:
            got, expected = f"{found.name}, a prior on {found.endpoint}", f"a prior on {wanted}"
            self.faults.append(Fault(f"{self.where}: {use}", got, expected))
        return found.value(ref.robust_weight)


def titles() -> dict[str, TrialScenario]:
    """Every known scenario by name, as written."""
    return {name: parse_any(read_text(path), name) for name, path in scenario_paths().items()}


def refuse_existing(path: Path) -> None:
    """``InputError`` where a file is there already: a starter never overwrites work."""
    if path.exists():
        raise InputError(Fault(str(path), "a file that exists", "a new file", "choose another name"))
