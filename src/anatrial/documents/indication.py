"""An indication file: endpoints, studies, and recipes that make priors of them."""

from functools import cached_property

from anatrial.documents.indication_faults import cross_faults
from anatrial.domain.evidence import Endpoint, Outcome, Study
from anatrial.domain.prior import Contribution
from anatrial.methods import Method
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

    def records_of(self, recipe: Counted) -> tuple[tuple[Study, Outcome], ...]:
        """The outcomes that a recipe uses, in its order."""
        return tuple(self.records[name] for name in recipe.outcomes)

    def contributions(self, recipe: Counted) -> tuple[Contribution, ...]:
        """What each outcome brings to a recipe's prior."""
        better = {name: endpoint.better for name, endpoint in self.endpoints.items()}
        return recipe.contributions(self.records_of(recipe), better)

    def input_digest(self, prior: str) -> str:
        """sha256 of the recipe and of only the outcomes and endpoints that it uses; notes elsewhere never count."""
        recipe = self.priors[prior]
        used: dict[str, object] = {"recipe": recipe.model_dump(mode="json")}
        if isinstance(recipe, Counted):
            records = self.records_of(recipe)
            fields = {"id", "endpoint", "visit", "analysis_set", "n", "responders", "overlap"}
            used["outcomes"] = [{**o.model_dump(mode="json", include=fields), "tier": s.tier} for s, o in records]
            used["weights"] = [c.weight for c in self.contributions(recipe)]  # the table of tiers is part of the input
            ids = sorted({recipe.endpoint, *(o.endpoint for _, o in records)})
            used["endpoints"] = {i: self.endpoints[i].model_dump(mode="json") for i in ids}
        return digest(used)


def parse_indication(text: str, where: str) -> Indication:
    """An indication from the text of its file; ``InputError`` carries every fault."""
    return parse_toml(text, Indication, where, cross_faults)
