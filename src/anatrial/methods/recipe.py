"""What every recipe has: its endpoint, the outcomes it uses, what it equates, and a robust part."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from anatrial.domain.evidence import Discount, Outcome, Study, Tier
from anatrial.domain.mixture import BetaMixture, BetaPart, shapes_of
from anatrial.domain.prior import Contribution
from anatrial.spec import Count, Name, OpenRate, Rate, Shape, Spec, Text

DISCOUNTS: dict[Tier, Discount] = {
    "rct_double_blind": Discount(weight=0.5, why="randomised and blind, but other sites, years and entry criteria"),
    "rct_open_label": Discount(weight=0.4, why="randomised; knowing the treatment moves subjective endpoints"),
    "open_label_single_arm": Discount(weight=0.25, why="no control arm: regression to the mean counts as response"),
    "open_label_extension": Discount(weight=0.1, why="only those who stayed in the trial are seen"),
    "randomised_withdrawal": Discount(weight=0.1, why="only responders were randomised: another population"),
    "registry": Discount(weight=0.2, why="routine care: assessed when convenient, much is missing"),
    "retrospective_cohort": Discount(weight=0.15, why="definitions chosen after the fact, selection unknown"),
    "case_series": Discount(weight=0.1, why="small and published because it is remarkable"),
    "case_report": Discount(weight=0.0, why="chosen for its outcome: says nothing of a rate"),
    "meta_analysis": Discount(weight=0.0, why="its studies would be counted twice"),
}
"""How much a study counts by its design tier: judgements, to be overridden per study in words."""


class Robust(Spec):
    """The part of a prior that says: history may not apply (Schmidli et al. 2014, Biometrics 70:1023-1032)."""

    weight: Rate
    mean: OpenRate = 0.5
    effective_n: Annotated[float, Field(gt=0, le=1e5)] = 2.0
    """a + b of the part; 2 at mean 0.5 is the uniform (RBesT calls it n = 1)."""
    why: Text

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        shapes_of(self.mean, self.effective_n)
        return self

    def part(self) -> BetaPart:
        """The part with its weight."""
        return BetaPart(self.weight, *shapes_of(self.mean, self.effective_n))


class Equated(Spec):
    """Outcomes of different endpoint ids, visits or analysis sets that a recipe treats as the same, and why."""

    outcomes: Annotated[tuple[Name, ...], Field(min_length=2)]
    why: Text


class Base(Spec):
    """The prior before any study: Beta(a, b)."""

    a: Shape = 1.0
    b: Shape = 1.0


class Recipe(Spec):
    """How outcomes become a prior."""

    title: Text
    endpoint: Name
    robust: Robust | None = None
    notes: tuple[Text, ...] = ()

    def mixture(self, contributions: tuple[Contribution, ...]) -> BetaMixture:
        """The prior without its robust part, from what the outcomes brought."""
        raise TypeError(contributions)


class Assumed(Spec):
    """A count that was printed as a rounded percentage only: one of the integers that fit, and why this one."""

    responders: Count
    why: Text


class Counted(Recipe):
    """A recipe that rests on the counts of outcomes."""

    outcomes: Annotated[tuple[Name, ...], Field(min_length=1)]
    assumed: dict[Name, Assumed] = {}
    """Counts of outcomes whose printed percentage fits several integers."""
    weights: dict[Name, Discount] = {}
    """Weight of a study by its id, where it differs from the method's own, with the reason in words."""
    treated_as_same: tuple[Equated, ...] = ()

    def default_weight(self, tier: Tier) -> Discount:
        """The weight of a study of this tier where the recipe does not name the study."""
        raise TypeError(tier)

    def contributions(
        self, records: tuple[tuple[Study, Outcome], ...], better: Mapping[str, str], basket: str | None = None
    ) -> tuple[Contribution, ...]:
        """The counts and weights of the records, in their order; ``better`` tells each endpoint's direction."""
        found = []
        for study, outcome in records:
            weight = self.weights.get(study.id) or self.default_weight(study.tier)
            assumed = self.assumed.get(outcome.id)
            events = assumed.responders if assumed else outcome.responders or 0
            n = outcome.n or 0
            found.append(
                Contribution(
                    outcome=outcome.id,
                    study=study.id,
                    title=study.title,
                    visit=outcome.visit,
                    n=n,
                    responders=events if better[outcome.endpoint] == "more" else n - events,
                    weight=weight.weight,
                    why=f"{weight.why}; {events} responders assumed: {assumed.why}" if assumed else weight.why,
                    basket=basket,
                )
            )
        return tuple(found)


class Additive(Counted):
    """A recipe that adds weighted counts to a base prior."""

    base: Base = Base()

    def mixture(self, contributions: tuple[Contribution, ...]) -> BetaMixture:
        """Beta(base a + weighted responders, base b + weighted non-responders), without the robust part.

        Source: Ibrahim & Chen (2000), Statist. Sci. 15:46-60 (power prior with fixed powers).
        """
        a = self.base.a + sum(c.weight * c.responders for c in contributions)
        b = self.base.b + sum(c.weight * (c.n - c.responders) for c in contributions)
        return BetaMixture.beta(a, b)
