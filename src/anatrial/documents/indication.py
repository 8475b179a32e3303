"""An indication file: endpoints, studies, and recipes that make priors of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from anatrial.domain.evidence import Endpoint, Outcome, Study
from anatrial.errors import Fault, InputError
from anatrial.methods import Method
from anatrial.methods.recipe import Counted
from anatrial.spec import Name, Text, Versioned, digest, nearest, parse_toml


class Indication(Versioned):
    """One disease: what was published on it, and how that becomes priors."""

    indication: Name
    title: Text
    endpoints: dict[Name, Endpoint]
    studies: tuple[Study, ...]
    priors: dict[Name, Method] = {}

    @cached_property
    def records(self) -> dict[str, tuple[Study, Outcome]]:
        """Every outcome by its id, with its study."""
        return {outcome.id: (study, outcome) for study in self.studies for outcome in study.outcomes}

    def records_of(self, recipe: Counted) -> tuple[tuple[Study, Outcome], ...]:
        """The outcomes that a recipe uses, in its order."""
        return tuple(self.records[name] for name in recipe.outcomes)

    def input_digest(self, prior: str) -> str:
        """sha256 of the recipe and of only the outcomes and endpoints that it uses; notes elsewhere never count."""
        recipe = self.priors[prior]
        used: dict[str, object] = {"recipe": recipe.model_dump(mode="json")}
        if isinstance(recipe, Counted):
            records = self.records_of(recipe)
            fields = {"id", "endpoint", "visit", "analysis_set", "n", "responders", "overlap"}
            used["outcomes"] = [{**o.model_dump(mode="json", include=fields), "tier": s.tier} for s, o in records]
            ids = sorted({recipe.endpoint, *(o.endpoint for _, o in records)})
            used["endpoints"] = {i: self.endpoints[i].model_dump(mode="json") for i in ids}
        return digest(used)


def parse_indication(text: str, where: str) -> Indication:
    """An indication from the text of its file; ``InputError`` carries every fault."""
    parsed = parse_toml(text, Indication, where)
    faults = [Fault(f"{where}: {f.where}", *f[1:]) for f in _cross_faults(parsed)]
    if faults:
        raise InputError(*faults)
    return parsed


def _cross_faults(indication: Indication) -> Iterator[Fault]:
    """What only the whole file can tell: names that do not exist, names used twice, recipes that mix."""
    outcomes = [o for s in indication.studies for o in s.outcomes]
    facts = [f for s in indication.studies for f in s.facts]
    for kind, ids in (("study", [s.id for s in indication.studies]), ("record", [r.id for r in (*outcomes, *facts)])):
        for name, count in Counter(ids).items():
            if count > 1:
                yield Fault(f"{kind} {name}", f"{count} of this id", "one", "ids are unique in a file")
    for outcome in outcomes:
        if outcome.endpoint not in indication.endpoints:
            hint = nearest(outcome.endpoint, indication.endpoints)
            yield Fault(f"outcome {outcome.id}, endpoint", repr(outcome.endpoint), "an endpoint of this file", hint)
        if outcome.responders is not None and outcome.n is None:
            yield Fault(f"outcome {outcome.id}", "responders without n", "n", "give n, or keep the count as a fact")
        highest = max((*outcome.compatible, outcome.responders or 0))
        if outcome.n is not None and highest > outcome.n:
            yield Fault(f"outcome {outcome.id}, responders", str(highest), f"at most n = {outcome.n}")
    for fact in facts:
        for name in fact.compares or ():
            if name not in indication.records:
                hint = nearest(name, indication.records)
                yield Fault(f"fact {fact.id}, compares", repr(name), "an outcome of this file", hint)
    for name, endpoint in indication.endpoints.items():
        if endpoint.nested_in is not None and endpoint.nested_in not in indication.endpoints:
            hint = nearest(endpoint.nested_in, indication.endpoints)
            yield Fault(f"endpoints.{name}.nested_in", repr(endpoint.nested_in), "an endpoint of this file", hint)
    for name, recipe in indication.priors.items():
        if recipe.endpoint not in indication.endpoints:
            hint = nearest(recipe.endpoint, indication.endpoints)
            yield Fault(f"priors.{name}.endpoint", repr(recipe.endpoint), "an endpoint of this file", hint)
        if isinstance(recipe, Counted):
            yield from _recipe_faults(indication, name, recipe)


def _recipe_faults(indication: Indication, name: str, recipe: Counted) -> Iterator[Fault]:
    place = f"priors.{name}"
    for outcome in recipe.outcomes:
        if outcome not in indication.records:
            hint = nearest(outcome, indication.records)
            yield Fault(f"{place}.outcomes", repr(outcome), "an outcome of this file", hint)
        elif not indication.records[outcome][1].countable:
            expected = "a record with n and responders"
            yield Fault(f"{place}.outcomes", f"{outcome!r}, whose count was not read", expected, "leave it out")
    known = [indication.records[o] for o in recipe.outcomes if o in indication.records]
    for study in sorted(set(recipe.weights) - {s.id for s, _ in known}):
        yield Fault(f"{place}.weights", repr(study), "a study that the recipe uses", nearest(study, (s.id for s, _ in known)))
    for equated in recipe.treated_as_same:
        for outcome in sorted(set(equated.outcomes) - set(recipe.outcomes)):
            hint = nearest(outcome, recipe.outcomes)
            yield Fault(f"{place}.treated_as_same", repr(outcome), "an outcome that the recipe uses", hint)
    for group, count in Counter(o.overlap for _, o in known if o.overlap).items():
        if count > 1:
            ids = ", ".join(o.id for _, o in known if o.overlap == group)
            yield Fault(place, f"{ids}: one cohort ({group})", "one record per cohort", "keep the one with most patients")
    for study, count in Counter(s.id for s, _ in known).items():
        if count > 1 and not any(o.overlap for s, o in known if s.id == study):
            ids = ", ".join(o.id for s, o in known if s.id == study)
            yield Fault(place, f"{ids}: all of study {study}", "one record per study", "keep one")
    yield from _mixing_faults(indication, place, recipe, known)


def _mixing_faults(
    indication: Indication, place: str, recipe: Counted, known: list[tuple[Study, Outcome]]
) -> Iterator[Fault]:
    """Outcomes that differ from the recipe's endpoint, or among themselves, and are not equated with a reason."""
    equated = {name for same in recipe.treated_as_same for name in same.outcomes}
    if len(known) < 2 and all(o.endpoint == recipe.endpoint for _, o in known):
        return
    visit = indication.endpoints[recipe.endpoint].visit if recipe.endpoint in indication.endpoints else None
    first_set = known[0][1].analysis_set if known else ""
    for _, outcome in known:
        if outcome.id in equated:
            continue
        differs = [
            said
            for said, other in (
                (f"endpoint {outcome.endpoint} instead of {recipe.endpoint}", outcome.endpoint != recipe.endpoint),
                (f"visit {outcome.visit} instead of {visit}", outcome.visit != visit),
                (f"analysis set {outcome.analysis_set} instead of {first_set}", outcome.analysis_set != first_set),
            )
            if other
        ]
        if differs:
            fix = "leave it out, or list it in treated_as_same with a reason"
            yield Fault(place, f"{outcome.id}: {'; '.join(differs)}", "one endpoint, one visit, one analysis set", fix)
