"""An indication file: endpoints, studies, and recipes that make priors of them."""

from collections.abc import Mapping
from functools import cached_property
from typing import Self

from pydantic import PrivateAttr

from anatrial.documents.indication_faults import basket_faults, cross_faults
from anatrial.domain.evidence import Endpoint, Outcome, Study
from anatrial.domain.prior import Contribution
from anatrial.errors import InputError
from anatrial.methods import Method
from anatrial.methods.exnex import Exnex
from anatrial.methods.recipe import Counted
from anatrial.spec import Name, Text, Versioned, digest, parse_toml


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

    _others: dict[str, "Indication"] = PrivateAttr(default_factory=dict)

    @property
    def borrows_from(self) -> tuple[str, ...]:
        """Other indications whose studies a recipe of this one uses."""
        named = {b.indication for r in self.priors.values() if isinstance(r, Exnex) for b in r.baskets}
        return tuple(sorted(named - {self.indication}))

    def beside(self, others: Mapping[str, "Indication"], where: str) -> Self:
        """The same with the indications that it borrows from; ``InputError`` where a basket names what they lack."""
        placed = self.model_copy()
        placed._others = dict(others)  # noqa: SLF001 - the copy's own
        faults = [
            fault for name, r in self.priors.items() if isinstance(r, Exnex) for fault in basket_faults(placed, name, r)
        ]
        if faults:
            raise InputError(*(fault._replace(where=f"{where}: {fault.where}") for fault in faults))
        return placed

    def indication_of(self, name: str) -> "Indication":
        """The indication itself, or one of those that it borrows from."""
        return self if name == self.indication else self._others[name]

    def baskets_of(self, recipe: Counted) -> tuple[tuple["Indication", tuple[tuple[Study, Outcome], ...]], ...]:
        """The outcomes that a recipe uses, in its order, by the indication that holds them."""
        if not isinstance(recipe, Exnex):
            return ((self, tuple(self.records[name] for name in recipe.outcomes)),)
        found = []
        for basket in recipe.baskets:
            home = self.indication_of(basket.indication)
            found.append((home, tuple(home.records[name] for name in basket.outcomes)))
        return tuple(found)

    def outcomes_of(self, recipe: Method) -> tuple[str, ...]:
        """Ids of the outcomes that a recipe uses, in its order; none for an elicited one."""
        baskets = self.baskets_of(recipe) if isinstance(recipe, Counted) else ()
        return tuple(outcome.id for _, records in baskets for _, outcome in records)

    def contributions(self, recipe: Counted) -> tuple[Contribution, ...]:
        """What each outcome brings to a recipe's prior."""
        found: list[Contribution] = []
        for home, records in self.baskets_of(recipe):
            better = {name: endpoint.better for name, endpoint in home.endpoints.items()}
            basket = home.indication if isinstance(recipe, Exnex) else None
            found += recipe.contributions(records, better, basket)
        return tuple(found)

    def input_digest(self, prior: str) -> str:
        """sha256 of the recipe and of only the outcomes and endpoints that it uses; notes elsewhere never count."""
        recipe = self.priors[prior]
        used: dict[str, object] = {"recipe": recipe.model_dump(mode="json")}
        if isinstance(recipe, Counted):
            fields = {"id", "endpoint", "visit", "analysis_set", "n", "responders", "overlap"}
            baskets = self.baskets_of(recipe)
            records = [record for _, found in baskets for record in found]
            used["outcomes"] = [{**o.model_dump(mode="json", include=fields), "tier": s.tier} for s, o in records]
            used["weights"] = [c.weight for c in self.contributions(recipe)]  # the table of tiers is part of the input
            ids = {
                (self.indication, recipe.endpoint),
                *((home.indication, o.endpoint) for home, r in baskets for _, o in r),
            }
            found = {f"{home}/{i}": self.indication_of(home).endpoints[i] for home, i in sorted(ids)}
            used["endpoints"] = {name: endpoint.model_dump(mode="json") for name, endpoint in found.items()}
        return digest(used)


def parse_indication(text: str, where: str) -> Indication:
    """An indication from the text of its file; ``InputError`` carries every fault."""
    return parse_toml(text, Indication, where, cross_faults)
