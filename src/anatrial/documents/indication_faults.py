"""What only the whole indication file can tell: names that do not exist or stand twice, recipes that mix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from anatrial.domain.evidence import Outcome, Study
from anatrial.errors import Fault
from anatrial.methods.recipe import Counted
from anatrial.spec import nearest

if TYPE_CHECKING:
    from anatrial.documents.indication import Indication

Records = list[tuple[Study, Outcome]]


def cross_faults(indication: Indication) -> Iterator[Fault]:
    """Every fault between the parts of a file; places are named without the file."""
    yield from _repeated(indication)
    yield from _unknown_names(indication)
    for _, outcome in indication.records.values():
        yield from _count_faults(outcome)
    for name, recipe in indication.priors.items():
        if isinstance(recipe, Counted):
            known = [indication.records[o] for o in recipe.outcomes if o in indication.records]
            yield from _recipe_names(indication, f"priors.{name}", recipe, known)
            yield from _one_cohort_once(f"priors.{name}", known)
            yield from _mixing(indication, f"priors.{name}", recipe, known)


def _repeated(indication: Indication) -> Iterator[Fault]:
    records = [name for s in indication.studies for name in (*(o.id for o in s.outcomes), *(f.id for f in s.facts))]
    for kind, ids in (("study", [s.id for s in indication.studies]), ("record", records)):
        for name, count in Counter(ids).items():
            if count > 1:
                yield Fault(f"{kind} {name}", f"{count} of this id", "one", "ids are unique in a file")


def _unknown_names(indication: Indication) -> Iterator[Fault]:
    """References to endpoints and outcomes that the file does not have."""
    endpoints = [(f"outcome {o.id}, endpoint", o.endpoint) for _, o in indication.records.values()]
    endpoints += [
        (f"endpoints.{name}.nested_in", e.nested_in) for name, e in indication.endpoints.items() if e.nested_in
    ]
    endpoints += [(f"priors.{name}.endpoint", recipe.endpoint) for name, recipe in indication.priors.items()]
    facts = [fact for study in indication.studies for fact in study.facts]
    outcomes = [(f"fact {fact.id}, compares", name) for fact in facts for name in fact.compares or ()]
    yield from _unknown(endpoints, indication.endpoints, "an endpoint of this file")
    yield from _unknown(outcomes, indication.records, "an outcome of this file")


def _unknown(named: Iterable[tuple[str, str]], valid: Iterable[str], expected: str) -> Iterator[Fault]:
    valid = list(valid)
    return (Fault(place, repr(name), expected, nearest(name, valid)) for place, name in named if name not in valid)


def _count_faults(outcome: Outcome) -> Iterator[Fault]:
    if outcome.responders is not None and outcome.n is None:
        yield Fault(f"outcome {outcome.id}", "responders without n", "n", "give n, or keep the count as a fact")
    highest = max((*outcome.compatible, outcome.responders or 0))
    if outcome.n is not None and highest > outcome.n:
        yield Fault(f"outcome {outcome.id}, responders", str(highest), f"at most n = {outcome.n}")


def _recipe_names(indication: Indication, place: str, recipe: Counted, known: Records) -> Iterator[Fault]:
    studies = {study.id for study, _ in known}
    equated = [name for same in recipe.treated_as_same for name in same.outcomes]
    yield from _unknown(
        ((f"{place}.outcomes", o) for o in recipe.outcomes), indication.records, "an outcome of this file"
    )
    yield from _unknown(((f"{place}.weights", s) for s in recipe.weights), studies, "a study that the recipe uses")
    yield from _unknown(((f"{place}.treated_as_same", o) for o in equated), recipe.outcomes, "an outcome of the recipe")
    for _, outcome in known:
        if not outcome.countable:
            got = f"{outcome.id!r}, whose count was not read"
            yield Fault(f"{place}.outcomes", got, "a record with n and responders", "leave it out")


def _one_cohort_once(place: str, known: Records) -> Iterator[Fault]:
    """Records of the same patients are never pooled."""
    for group, count in Counter(group for _, outcome in known for group in outcome.overlap).items():
        if count > 1:
            ids = ", ".join(outcome.id for _, outcome in known if group in outcome.overlap)
            yield Fault(place, f"{ids}: one cohort ({group})", "one record per cohort", "keep one of them")
    for study_id, count in Counter(study.id for study, _ in known).items():
        records = [outcome for study, outcome in known if study.id == study_id]
        if count > 1 and not all(outcome.overlap for outcome in records):
            ids = ", ".join(outcome.id for outcome in records)
            yield Fault(place, f"{ids}: all of study {study_id}", "one record per study", "keep one of them")


def _mixing(indication: Indication, place: str, recipe: Counted, known: Records) -> Iterator[Fault]:
    """Outcomes that differ from the recipe's endpoint, or among themselves, and are not equated with a reason."""
    endpoint = indication.endpoints.get(recipe.endpoint)
    if endpoint is None or not known:
        return
    equated = {name for same in recipe.treated_as_same for name in same.outcomes}
    several = len(known) > 1
    for _, outcome in known:
        differs = []
        if outcome.endpoint != recipe.endpoint:
            differs.append(f"endpoint {outcome.endpoint} instead of {recipe.endpoint}")
        if several and outcome.visit != endpoint.visit:
            differs.append(f"visit {outcome.visit} instead of {endpoint.visit}")
        if several and outcome.analysis_set != known[0][1].analysis_set:
            differs.append(f"analysis set {outcome.analysis_set} instead of {known[0][1].analysis_set}")
        if differs and outcome.id not in equated:
            fix = "leave it out, or list it in treated_as_same with a reason"
            yield Fault(place, f"{outcome.id}: {'; '.join(differs)}", "one endpoint, one visit, one analysis set", fix)
