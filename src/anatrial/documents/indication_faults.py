"""What only the whole indication file can tell: names that do not exist or stand twice, recipes that mix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from anatrial.domain.evidence import Outcome, Study
from anatrial.errors import Fault
from anatrial.methods.exnex import Exnex
from anatrial.methods.map import Map
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
        if isinstance(recipe, Counted) and not isinstance(recipe, Exnex):
            known = [indication.records[o] for o in recipe.outcomes if o in indication.records]
            yield from _recipe_names(indication, f"priors.{name}", recipe, known)
            yield from _one_cohort_once(f"priors.{name}", known)
            yield from _mixing(indication, f"priors.{name}", recipe, known)


def basket_faults(indication: Indication, name: str, recipe: Exnex) -> Iterator[Fault]:
    """Faults between a recipe and the other indications that it borrows from."""
    known: Records = []
    for basket in recipe.baskets:
        home = indication.indication_of(basket.indication)
        place = f"priors.{name}.baskets, {basket.indication}"
        yield from _unknown(((place, o) for o in basket.outcomes), home.records, f"an outcome of {home.indication}")
        own = [home.records[o] for o in basket.outcomes if o in home.records]
        known += own
    yield from _one_cohort_once(f"priors.{name}.baskets", known)
    for named, count in Counter(o.id for _, o in known).items():
        if count > 1:
            yield Fault(f"priors.{name}.baskets", f"{named!r} {count} times", "each outcome once")
    yield from _names_in_use(f"priors.{name}", recipe, known, tuple(o.id for _, o in known))
    equated = {o for same in recipe.treated_as_same for o in same.outcomes}
    for _, outcome in known:
        if outcome.id not in equated:
            got = f"{outcome.id}: an outcome of another disease's file"
            fix = "list it in treated_as_same with a reason"
            yield Fault(f"priors.{name}", got, "endpoints equated with a reason", fix)


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
    yield from _unknown(
        ((f"{place}.outcomes", o) for o in recipe.outcomes), indication.records, "an outcome of this file"
    )
    yield from _names_in_use(place, recipe, known, recipe.outcomes)
    if isinstance(recipe, Map):
        yield from _groups(place, recipe, known)


def _names_in_use(place: str, recipe: Counted, known: Records, outcomes: tuple[str, ...]) -> Iterator[Fault]:
    """Studies and outcomes that a recipe names beside its list, and counts that were not read."""
    studies = {study.id for study, _ in known}
    equated = [name for same in recipe.treated_as_same for name in same.outcomes]
    yield from _unknown(((f"{place}.weights", s) for s in recipe.weights), studies, "a study that the recipe uses")
    yield from _unknown(((f"{place}.treated_as_same", o) for o in equated), outcomes, "an outcome of the recipe")
    yield from _unknown(((f"{place}.assumed", o) for o in recipe.assumed), outcomes, "an outcome of the recipe")
    for _, outcome in known:
        assumed = recipe.assumed.get(outcome.id)
        if assumed is not None and (outcome.countable or assumed.responders not in outcome.compatible):
            fitting = ", ".join(map(str, outcome.compatible)) or "none"
            expected = "no assumption: its count was read" if outcome.countable else f"a count that fits: {fitting}"
            yield Fault(f"{place}.assumed.{outcome.id}", str(assumed.responders), expected)
        elif assumed is None and not outcome.countable:
            got = f"{outcome.id!r}, whose count was not read"
            fix = (
                f"leave it out, or assume one of {', '.join(map(str, outcome.compatible))}"
                if outcome.compatible
                else "leave it out"
            )
            yield Fault(f"{place}.outcomes", got, "a record with n and responders", fix)


def _groups(place: str, recipe: Map, known: Records) -> Iterator[Fault]:
    """Studies of a covariate or a stratum: they must be among the recipe's, and leave some outside."""
    studies = {study.id for study, _ in known}
    discounts = {study.id: recipe.weights.get(study.id) or recipe.default_weight(study.tier) for study, _ in known}
    counting = {name for name, discount in discounts.items() if discount.weight > 0}
    for kind, group in (("covariate", recipe.covariate), ("stratum", recipe.stratum)):
        if group is None:
            continue
        where = f"{place}.{kind}.studies"
        yield from _unknown(((where, s) for s in group.studies), studies, "a study that the recipe uses")
        for held, which in ((counting & set(group.studies), "none"), (counting - set(group.studies), "all")):
            if counting and not held:
                got = f"{which} of the studies that count"
                yield Fault(where, got, "some of them: without a contrast it tells nothing")


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
