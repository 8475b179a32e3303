"""Every kind of trial that a scenario file can lay out: ``design.kind`` chooses the form of the rest of the file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from anatrial.documents.indication import Indication
from anatrial.documents.scenario import Scenario
from anatrial.documents.scenario_faults import cross_faults, loose_faults
from anatrial.documents.sweeps import SweepFile
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.errors import Fault, InputError
from anatrial.spec import Spec, examine_data, nearest, toml_data

COUNTS = ("fixed", "sequential")
KINDS: dict[str, str] = {
    "basket": "BasketScenario",
    "response_adaptive": "ResponseAdaptiveScenario",
    "several_arms": "SeveralArmsScenario",
    "several_endpoints": "SeveralEndpointsScenario",
    "time_to_event": "TimeToEventScenario",
    "visits": "VisitsScenario",
    "withdrawal": "WithdrawalScenario",
}
"""Every further kind of trial with the class of its scenario; its modules, here and in ``plan``, bear its name."""


def scenario_class(kind: object) -> type[TrialScenario]:
    """The form of a scenario file whose design is of this kind; that of counts trials for any other word."""
    if not isinstance(kind, str) or kind not in KINDS:
        return Scenario
    found: type[TrialScenario] = getattr(import_module(f"anatrial.documents.{kind}"), KINDS[kind])
    return found


def form(name: str) -> type[Spec]:
    """The form of a file: ``scenario`` (of counts trials), ``indication``, ``sweep``, or the kind of another trial."""
    forms: dict[str, type[Spec]] = {"scenario": Scenario, "indication": Indication, "sweep": SweepFile}
    if name not in {*forms, *KINDS}:
        expected = f"one of {', '.join([*forms, *sorted(KINDS)])}"
        raise InputError(Fault("schema", repr(name), expected, nearest(name, [*forms, *KINDS])))
    return forms.get(name) or scenario_class(name)


def examine_scenario(text: str, where: str) -> tuple[TrialScenario | None, list[Fault]]:
    """The scenario, if its parts stand, and every fault of the file."""
    return examine_content(toml_data(text, where), where)


def examine_content(data: dict[str, Any], where: str) -> tuple[TrialScenario | None, list[Fault]]:
    """The same from the content of the file, which stays as it is."""
    found, faults = examine_data(data, form_of, where, _cross, loose_faults)
    return found, [_every_kind(fault, where) for fault in faults]


def parse_any(text: str, where: str) -> TrialScenario:
    """A scenario of any kind from the text of its file; ``InputError`` carries every fault."""
    found, faults = examine_scenario(text, where)
    if faults or found is None:
        raise InputError(*faults)
    return found


def form_of(data: dict[str, Any]) -> type[TrialScenario]:
    """The form that the content of a scenario file asks for."""
    design = data.get("design")
    return scenario_class(design.get("kind") if isinstance(design, dict) else None)


def _cross(scenario: TrialScenario) -> Iterator[Fault]:
    if isinstance(scenario, Scenario):
        yield from cross_faults(scenario)
    else:
        yield from scenario.estimand.faults() if scenario.estimand is not None else ()
        yield from scenario.faults()
        yield from scenario.target_faults()


def _every_kind(fault: Fault, where: str) -> Fault:
    """A design of no known kind is told all kinds, not only those of counts trials."""
    if fault.where != f"{where}: design" or not fault.expected.startswith("one of "):
        return fault
    kinds = sorted([*COUNTS, *KINDS])
    fix = "say which" if fault.got == "no kind" else nearest(fault.got.strip("'"), kinds)
    return fault._replace(expected=f"one of {', '.join(kinds)}", fix=fix)
