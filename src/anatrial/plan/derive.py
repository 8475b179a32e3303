"""From an indication's recipe to a derived prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anatrial import __version__
from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Contribution, Origin, PartSpec, Prior
from anatrial.domain.sampled import SampledRecord
from anatrial.domain.synthesis import FitScore, Synthesis
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.methods import Method
from anatrial.methods.hierarchical import Hierarchical, Sampled
from anatrial.methods.recipe import Counted
from anatrial.plan.ports import SILENT, Progress
from anatrial.spec import nearest

if TYPE_CHECKING:
    from anatrial.methods.sampling import SampledPosterior

LARGEST = 100_000
"""Shape of a Beta that files can hold."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """A prior that was just derived, with what stands behind its closed form."""

    derived: Derived
    synthesis: Synthesis | None
    """What integration found; None for recipes that need none."""
    sampled: SampledPosterior | None
    """Draws of the posterior; None unless the recipe's engine is ``nuts``."""

    def value(self, robust_weight: float | None = None) -> Prior:
        """The prior as scenarios use it; ``robust_weight`` replaces the recipe's."""
        return self.derived.value(robust_weight)

    def to_arviz(self) -> Any:
        """The draws as the installed ArviZ reads them (``InferenceData``, or ``DataTree`` from ArviZ 1.0 on).

        Raises ``InputError`` for a recipe that was not sampled.
        """
        from anatrial.posterior_io import to_arviz

        if self.sampled is None:
            fix = f'add engine = "nuts" to the recipe {self.derived.prior!r} (methods map and beta_binomial)'
            raise InputError(Fault(f"prior {self.derived.name}", "no draws", "a recipe that PyMC samples", fix))
        return to_arviz(self.sampled.draws)

    def netcdf(self) -> bytes:
        """The draws as NetCDF, with the digest of the recipe that they belong to."""
        from anatrial.posterior_io import netcdf_bytes

        assert self.sampled is not None
        attrs = {**self.sampled.draws.attrs, "input_digest": self.derived.origin.input_digest}
        return netcdf_bytes(replace(self.sampled.draws, attrs=attrs))


def derive(indication: Indication, name: str, progress: Progress = SILENT) -> Derivation:
    """The prior that the recipe of this name makes of its outcomes; sampled too where the recipe says so.

    Raises ``InputError`` for an unknown name, with the nearest valid one, and ``ComputationError`` where the closed
    form, the diagnostics or the agreement of both engines misses its limit.
    """
    found = integrated(indication, name)
    recipe = recipe_of(indication, name)
    if not isinstance(recipe, Sampled) or recipe.engine != "nuts" or found.synthesis is None:
        return found
    from anatrial.methods.sampling import audit, disagreements, exact_of, sample

    model = recipe.sampler_model(found.derived.contributions)
    sampled = sample(model, recipe.sampling, (indication.indication, name), progress)
    agreements = audit(sampled, exact_of(found.synthesis))
    if faults := (*sampled.diagnostics.faults(), *disagreements(agreements)):
        raise ComputationError(f"prior {found.derived.name} is refused, nothing was stored: {'; '.join(faults)}")
    worst = max(agreements, key=lambda agreement: abs(agreement.z))
    record = SampledRecord(
        diagnostics=sampled.diagnostics, sampler=sampled.sampler, worst=worst, comparisons=len(agreements)
    )
    derived = found.derived.model_copy(update={"sampled": record}).sealed()
    return Derivation(derived, found.synthesis, sampled)


def integrated(indication: Indication, name: str) -> Derivation:
    """The same without sampling: in closed form or by integration, in milliseconds."""
    recipe = recipe_of(indication, name)
    contributions = contributions_of(indication, recipe)
    synthesis, score = None, None
    if isinstance(recipe, Hierarchical):
        synthesis = recipe.synthesis(contributions)
    informative, score = _closed_form(recipe, contributions)
    if any(max(a, b) > LARGEST for _, a, b in informative.parts):
        raise ComputationError(f"prior {indication.indication}/{name} would weigh more than {LARGEST:,} patients")
    robust = recipe.robust.part() if recipe.robust is not None and recipe.robust.weight > 0 else None
    settings = recipe.model_dump(mode="json", exclude={"title", "notes"})
    derived = Derived(
        version=1,
        indication=indication.indication,
        prior=name,
        title=recipe.title,
        endpoint=recipe.endpoint,
        informative=tuple(PartSpec(weight=w, a=a, b=b) for w, a, b in informative.parts),
        robust=PartSpec(weight=robust.weight, a=robust.a, b=robust.b) if robust else None,
        contributions=contributions,
        equated=_equated(indication, recipe),
        fit=score,
        settings={**settings, "set_by_user": sorted(recipe.model_fields_set & settings.keys())},
        origin=Origin(
            tool_version=__version__,
            method=recipe.method,
            input_digest=indication.input_digest(name),
            content_digest="-",
        ),
    )
    return Derivation(derived.sealed(), synthesis, None)


def _closed_form(recipe: Method, contributions: tuple[Contribution, ...]) -> tuple[BetaMixture, FitScore | None]:
    if isinstance(recipe, Hierarchical):
        return recipe.closed_form(contributions)
    return recipe.mixture(contributions), None


def recipe_of(indication: Indication, name: str) -> Method:
    """The recipe of this name; ``InputError`` with the nearest valid name."""
    if name not in indication.priors:
        where = f"prior of {indication.indication}"
        raise InputError(Fault(where, repr(name), "a prior of this indication", nearest(name, indication.priors)))
    return indication.priors[name]


def without_each_study(indication: Indication, name: str) -> tuple[tuple[str, BetaMixture], ...]:
    """The informative part of the prior without each study that it uses, in turn: (study id, mixture).

    Empty for a prior of one study: without it nothing is left to speak of.
    """
    recipe = recipe_of(indication, name)
    contributions = contributions_of(indication, recipe)
    used = dict.fromkeys(c.study for c in contributions if c.weight > 0)
    if len(used) < 2 and isinstance(recipe, Hierarchical):
        return ()
    return tuple((study, recipe.mixture(tuple(c for c in contributions if c.study != study))) for study in used)


def contributions_of(indication: Indication, recipe: Method) -> tuple[Contribution, ...]:
    """What each outcome brings to the recipe's prior; nothing for an elicited one."""
    return indication.contributions(recipe) if isinstance(recipe, Counted) else ()


def _equated(indication: Indication, recipe: Method) -> tuple[str, ...]:
    """What the recipe treats as the same, by the names of the studies, with the reason."""
    if not isinstance(recipe, Counted):
        return ()
    titles = {o.id: s.title for _, records in indication.baskets_of(recipe) for s, o in records}
    said = []
    for same in recipe.treated_as_same:
        everything = set(same.outcomes) == set(titles) and len(titles) > 2
        who = f"all {len(titles)} records" if everything else ", ".join(titles[name] for name in same.outcomes)
        said.append(f"{who}: {' '.join(same.why.split())}")
    return tuple(said)
