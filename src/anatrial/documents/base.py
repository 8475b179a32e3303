"""A scenario as it was read, with all that it may name in memory: ready to be resolved, or changed and resolved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from anatrial.documents.definitions import unknown_names
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.documents.scenario import ResolvedScenario, Scenario, resolve
from anatrial.documents.trial_scenario import ResolvedTrial, TrialScenario, resolve_priors
from anatrial.documents.trials import examine_content
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef
from anatrial.errors import Fault, InputError
from anatrial.spec import digest, nearest

_FLAT = BetaMixture.beta(1.0, 1.0)
STAND_IN = Prior("missing", _FLAT, _FLAT)
"""Stands for a prior that could not be read until all faults of the file are told."""


@dataclass(frozen=True)
class Resolver:
    """Looks up once what a scenario names."""

    name: str
    where: str
    """The file as messages name it."""
    indication: Indication
    priors_from: str
    derived: Callable[[str], Derived]
    """The derived prior of a name; ``InputError`` with the command that mends it."""

    def resolved(self, scenario: TrialScenario, faults: list[Fault]) -> ResolvedTrial[Any]:
        """The scenario with its priors looked up; ``InputError`` with these faults and all further ones."""
        finder = _Finder(self, scenario, faults)
        try:
            found: tuple[TrialScenario, tuple[tuple[str, Prior], ...]]
            found = resolve(scenario, finder) if isinstance(scenario, Scenario) else resolve_priors(scenario, finder)
        except InputError as error:  # what a rule can only tell of a prior that is looked up
            raise InputError(*faults, *(f._replace(where=f"{self.where}: {f.where}") for f in error.faults)) from None
        if scenario.endpoint not in self.indication.endpoints:
            hint = nearest(scenario.endpoint, self.indication.endpoints)
            expected = f"an endpoint of {scenario.indication}"
            faults.append(Fault(f"{self.where}: endpoint", repr(scenario.endpoint), expected, hint))
        if isinstance(scenario, Scenario):
            told = unknown_names(scenario, self.indication)
            faults += [f._replace(where=f"{self.where}: {f.where}") for f in told]
        if faults:
            raise InputError(*faults)
        resolved, priors = found
        if isinstance(scenario, Scenario) and isinstance(resolved, Scenario):
            return ResolvedScenario(self.name, scenario, resolved, priors, self.indication, self.priors_from)
        return ResolvedTrial(self.name, scenario, resolved, priors, self.indication, self.priors_from)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks up the priors that a scenario names, and keeps the faults until all are told."""

    resolver: Resolver
    scenario: TrialScenario
    faults: list[Fault]

    def __call__(self, use: str, ref: PriorRef) -> Prior:
        where = self.resolver.where
        try:
            found = self.resolver.derived(str(ref.prior))
        except InputError as error:
            self.faults.extend(Fault(f"{where}: {use}: {f.where}", *f[1:]) for f in error.faults)
            return STAND_IN
        wanted = self.scenario.endpoint_of(use)
        if wanted is not None and found.endpoint != wanted:
            got, expected = f"{found.name}, a prior on {found.endpoint}", f"a prior on {wanted}"
            self.faults.append(Fault(f"{where}: {use}", got, expected))
        return found.value(ref.robust_weight)


@dataclass(frozen=True)
class Base:
    """A scenario file whose fields can be changed: its content without further questions, and what it may name."""

    name: str
    where: str
    """The file as messages name it."""
    data: dict[str, Any]
    """The content of the file without the keys that ask more about the trial; never changed in place."""
    indication: Indication
    derived: Mapping[str, Derived | tuple[Fault, ...]]
    """Every prior of the indication: as it was derived, or why it cannot be used."""
    priors_from: str

    @cached_property
    def digest(self) -> str:
        """sha256 of everything that the scenario and its variants are made of, in the order of the file."""
        known = {n: found.model_dump(mode="json") for n, found in self.derived.items() if isinstance(found, Derived)}
        return digest([json.dumps(self.data), self.indication.model_dump(mode="json"), known])

    def resolved(self) -> ResolvedTrial[Any]:
        """The scenario with its priors looked up; ``InputError`` carries every fault."""
        scenario, faults = examine_content(self.data, self.where)
        if scenario is None:
            raise InputError(*faults)
        resolver = Resolver(self.name, self.where, self.indication, self.priors_from, self.prior)
        return resolver.resolved(scenario, faults)

    def prior(self, name: str) -> Derived:
        """The derived prior of this name; ``InputError`` where there is none, or why it cannot be used."""
        found = self.derived.get(name)
        if found is None:
            where = f"prior of {self.indication.indication}"
            raise InputError(Fault(where, repr(name), "a prior of this indication", nearest(name, self.derived)))
        if isinstance(found, tuple):
            raise InputError(*found)
        return found
