"""From an indication's recipe to a derived prior."""

from __future__ import annotations

from anatrial import __version__
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Contribution, Origin, PartSpec
from anatrial.errors import Fault, InputError
from anatrial.methods import Method
from anatrial.methods.recipe import Counted
from anatrial.spec import nearest


def derive(indication: Indication, name: str) -> Derived:
    """The prior that the recipe of this name makes of its outcomes.

    Raises ``InputError`` for an unknown name, with the nearest valid one.
    """
    recipe = recipe_of(indication, name)
    contributions = _contributions(indication, recipe)
    informative = recipe.mixture(contributions)
    robust = recipe.robust.part() if recipe.robust is not None and recipe.robust.weight > 0 else None
    settings = recipe.model_dump(mode="json", exclude={"title", "notes"})
    return Derived(
        version=1,
        indication=indication.indication,
        prior=name,
        title=recipe.title,
        endpoint=recipe.endpoint,
        informative=tuple(PartSpec(weight=w, a=a, b=b) for w, a, b in informative.parts),
        robust=PartSpec(weight=robust.weight, a=robust.a, b=robust.b) if robust else None,
        contributions=contributions,
        equated=_equated(indication, recipe),
        settings={**settings, "set_by_user": sorted(recipe.model_fields_set & settings.keys())},
        origin=Origin(
            tool_version=__version__,
            method=recipe.method,
            input_digest=indication.input_digest(name),
            content_digest="-",
        ),
    ).sealed()


def recipe_of(indication: Indication, name: str) -> Method:
    """The recipe of this name; ``InputError`` with the nearest valid name."""
    if name not in indication.priors:
        where = f"prior of {indication.indication}"
        raise InputError(Fault(where, repr(name), "a prior of this indication", nearest(name, indication.priors)))
    return indication.priors[name]


def without_each_study(indication: Indication, name: str) -> tuple[tuple[str, BetaMixture], ...]:
    """The informative part of the prior without each study that it uses, in turn: (study id, mixture)."""
    recipe = recipe_of(indication, name)
    contributions = _contributions(indication, recipe)
    used = dict.fromkeys(c.study for c in contributions if c.weight > 0)
    return tuple((study, recipe.mixture(tuple(c for c in contributions if c.study != study))) for study in used)


def _contributions(indication: Indication, recipe: Method) -> tuple[Contribution, ...]:
    return indication.contributions(recipe) if isinstance(recipe, Counted) else ()


def _equated(indication: Indication, recipe: Method) -> tuple[str, ...]:
    """What the recipe treats as the same, by the names of the studies, with the reason."""
    if not isinstance(recipe, Counted):
        return ()
    said = []
    for same in recipe.treated_as_same:
        titles = ", ".join(indication.records[name][0].title for name in same.outcomes)
        everything = set(same.outcomes) == set(recipe.outcomes) and len(recipe.outcomes) > 2
        said.append(f"{f'all {len(recipe.outcomes)} records' if everything else titles}: {' '.join(same.why.split())}")
    return tuple(said)
