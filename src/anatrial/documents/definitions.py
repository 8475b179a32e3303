"""What a study saw by a definition of response, and what of the definitions does not fit the rest of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from anatrial.designs.definitions import Definition
from anatrial.documents.indication import Indication
from anatrial.domain.evidence import Outcome, Study
from anatrial.errors import Fault
from anatrial.spec import nearest

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario


class Seen(NamedTuple):
    """Responders of patients in one arm of a study; patients without the event where fewer is better."""

    x: int
    n: int


def seen(definition: Definition, indication: Indication) -> tuple[Seen, Seen | None]:
    """The counts that a definition names, treatment and control; it must have no faults."""
    arms = definition.arms
    assert arms is not None
    (treatment,) = _counts(definition, indication, arms.treatment)
    return treatment, next(iter(_counts(definition, indication, arms.control))) if arms.control else None


def definition_faults(scenario: Scenario) -> Iterator[Fault]:
    """Definitions for another number of arms, and several primary endpoints; places are named without the file."""
    single = scenario.design.single_arm
    for index, definition in enumerate(scenario.definitions, start=1):
        given = definition.arms or definition.rates
        assert given is not None
        if (given.control is not None) == single:
            place = f"definitions {index}, {'arms' if definition.arms else 'rates'}"
            expected = "no control in a single-arm trial" if single else "treatment and control"
            yield Fault(place, "a control" if single else "no control", expected)
    if scenario.also_primary:
        others = ", ".join(scenario.also_primary)
        got = f"{others} beside {scenario.endpoint}: {1 + len(scenario.also_primary)} primary endpoints and no rule"
        expected = "one primary endpoint, or a rule that says how several count together"
        fix = 'design.kind = "several_endpoints" with rule.kind co_primary, hierarchical, bonferroni or holm'
        yield Fault("also_primary", got, expected, fix)


def unknown_names(scenario: Scenario, indication: Indication) -> Iterator[Fault]:
    """Endpoints, studies, arms and counts that the definitions name and the indication does not have."""
    for index, definition in enumerate(scenario.definitions, start=1):
        place = f"definitions {index}"
        if definition.endpoint not in indication.endpoints:
            expected, hint = f"an endpoint of {scenario.indication}", nearest(definition.endpoint, indication.endpoints)
            yield Fault(f"{place}, endpoint", repr(definition.endpoint), expected, hint)
        elif definition.study is not None:
            yield from _study_faults(place, definition, indication)


def _study_faults(place: str, definition: Definition, indication: Indication) -> Iterator[Fault]:
    study = _study(definition, indication)
    if study is None:
        expected = f"a study of {indication.indication}"
        hint = nearest(str(definition.study), (study.id for study in indication.studies))
        yield Fault(f"{place}, study", repr(definition.study), expected, hint)
        return
    assert definition.arms is not None
    for role, arm in (("treatment", definition.arms.treatment), ("control", definition.arms.control)):
        if arm is None:
            continue
        known = [each.id for each in study.arms]
        if arm not in known:
            yield Fault(f"{place}, arms.{role}", repr(arm), f"an arm of {study.id}", nearest(arm, known))
        elif fault := _count_fault(definition, indication, arm):
            yield Fault(place, *fault)


def _count_fault(definition: Definition, indication: Indication, arm: str) -> tuple[str, str, str] | None:
    """What is wrong unless exactly one count of responders stands behind this arm, as (got, expected, fix)."""
    counts = _counts(definition, indication, arm)
    what = f"{definition.endpoint} of arm {arm} of {definition.study}"
    if not counts:
        study = _study(definition, indication)
        assert study is not None
        known = {o.endpoint for o in study.outcomes if o.arm == arm and o.countable}
        got = f"no count of {what}" + (f" at {definition.visit}" if definition.visit else "")
        fix = "another visit" if definition.endpoint in known else nearest(definition.endpoint, known)
        return got, "responders and patients of this arm", fix
    if len(counts) > 1:
        visits = sorted({outcome.visit for outcome in _outcomes(definition, indication, arm)})
        said = ", ".join(f"{x}/{n}" for x, n in sorted(counts))
        fix = "write rates" if definition.visit else f"say visit, one of: {', '.join(visits)}; or write rates"
        return f"several counts of {what}: {said}", "one", fix
    return None


def _study(definition: Definition, indication: Indication) -> Study | None:
    return next((study for study in indication.studies if study.id == definition.study), None)


def _outcomes(definition: Definition, indication: Indication, arm: str) -> list[Outcome]:
    study = _study(definition, indication)
    assert study is not None
    return [
        o
        for o in study.outcomes
        if (o.arm, o.endpoint) == (arm, definition.endpoint) and o.countable and definition.visit in {None, o.visit}
    ]


def _counts(definition: Definition, indication: Indication, arm: str) -> set[Seen]:
    """Every different count of this arm; one number that was read in several places counts once."""
    fewer = indication.endpoints[definition.endpoint].better == "fewer"
    found = set()
    for outcome in _outcomes(definition, indication, arm):
        x, n = outcome.responders or 0, outcome.n or 0
        found.add(Seen(n - x if fewer else x, n))
    return found
