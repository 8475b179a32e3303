"""Priors beside each other: several of an indication, the usual methods on one's outcomes, each study left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError
from anatrial.methods.beta_binomial import BetaBinomial
from anatrial.methods.exnex import Exnex
from anatrial.methods.map import Map
from anatrial.methods.pooled import Pooled
from anatrial.methods.power_prior import PowerPrior
from anatrial.methods.recipe import Counted, Robust
from anatrial.plan.derive import integrated, recipe_of
from anatrial.plan.inspect import left_out
from anatrial.plan.planned import Strength, Summary, checked_size, strength, summarised

USUAL_ROBUST = Robust(weight=0.2, why="the usual weight of a uniform part")
Group = Literal["named", "usual", "without"]


class Row(NamedTuple):
    """One prior in numbers; ``low`` to ``high`` are the central 95 % of responders among the planned patients.

    Where the prior cannot be computed, all numbers are None and ``why_not`` says why.
    """

    group: Group
    label: str
    mixture: BetaMixture | None
    summary: Summary | None
    elir: Strength | None
    low: int | None
    high: int | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Priors in rows: those named; the usual methods, where one is named; the first one without each study."""

    indication: str
    names: tuple[str, ...]
    n: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def compare(indication: Indication, names: tuple[str, ...], n: int) -> Comparison:
    """The named priors beside each other, each derived now, for n planned patients.

    Raises ``InputError`` for an unknown name or size. A prior that cannot be computed has the reason in its row.
    """
    checked_size(n)
    recipes = {name: recipe_of(indication, name) for name in names}
    rows, found = [], {}
    for name in recipes:
        try:
            found[name] = integrated(indication, name).value()
            rows.append(_computed("named", name, found[name].mixture, n))
        except ComputationError as error:
            rows.append(_refused("named", name, error))
    first, recipe = next(iter(recipes.items()))
    notes = []
    if len({r.endpoint for r in recipes.values()}) > 1:
        notes.append(f"endpoints differ: {', '.join(f'{name} counts {r.endpoint}' for name, r in recipes.items())}")
    if not isinstance(recipe, Counted):
        notes.append(f"{first} rests on no study: there is no other method and no study to compare it with")
    elif len(recipes) == 1:
        rows += _usual(indication, recipe, n)
        if isinstance(recipe, Exnex):
            notes.append(f"the other methods see the studies of {recipe.target} alone")
    if first in found:
        for left in left_out(indication, first, found[first]):
            refused = Row("without", left.title, None, None, None, None, None, left.why_not)
            rows.append(refused if left.mixture is None else _computed("without", left.title, left.mixture, n))
    return Comparison(indication.indication, tuple(recipes), n, tuple(rows), tuple(notes))


def _usual(indication: Indication, recipe: Counted, n: int) -> list[Row]:
    """What the usual methods make of a recipe's outcomes, counts and weights, each with its own default settings."""
    robust = recipe.robust if recipe.robust is not None and recipe.robust.weight > 0 else USUAL_ROBUST
    shared, part = _shared(recipe), robust.part()
    methods: dict[str, Counted] = {
        "pooled": Pooled.model_validate({"method": "pooled", **shared}),
        "power_prior by design tier": PowerPrior.model_validate({"method": "power_prior", **shared}),
        "map": Map.model_validate({"method": "map", **shared}),
        "beta_binomial": BetaBinomial.model_validate({"method": "beta_binomial", **shared}),
    }
    rows = []
    for label, method in methods.items():
        try:
            made = [(label, _made(indication, method))]
        except ComputationError as error:
            rows.append(_refused("usual", label, error))
            continue
        if isinstance(method, Map):
            vague = f"{100 * part.weight:.4g} % Beta({part.a:.4g}, {part.b:.4g})"
            made.append((f"{label} + {vague}", made[0][1].robustified(part)))
        rows += [_computed("usual", said, mixture, n) for said, mixture in made]
    return rows


def _made(indication: Indication, method: Counted) -> BetaMixture:
    contributions = indication.contributions(method)
    if not any(c.weight > 0 for c in contributions):
        raise ComputationError("no study counts: each has weight 0")
    return method.mixture(contributions)


def _shared(recipe: Counted) -> dict[str, Any]:
    """What a recipe says of its evidence, whatever its method; of several diseases, those of the target."""
    outcomes = recipe.outcomes
    if isinstance(recipe, Exnex):
        outcomes = next(basket.outcomes for basket in recipe.baskets if basket.indication == recipe.target)
    kept = ("title", "endpoint", "weights", "assumed", "treated_as_same")
    return {"outcomes": outcomes, **{key: getattr(recipe, key) for key in kept}}


def _computed(group: Group, label: str, mixture: BetaMixture, n: int) -> Row:
    low, high = (mixture.predicted_quantile(p, n) for p in (0.025, 0.975))
    return Row(group, label, mixture, summarised(mixture), strength(mixture, "elir"), low, high, "")


def _refused(group: Group, label: str, error: ComputationError) -> Row:
    return Row(group, label, None, None, None, None, None, str(error))
