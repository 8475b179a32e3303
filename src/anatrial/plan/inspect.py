"""A prior looked at from all sides: strength, what it rests on, leave-one-out, predictions, its robust part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.documents.derived import Derived
from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Contribution, Prior, State
from anatrial.domain.sampled import SampledRecord
from anatrial.domain.synthesis import FitScore, Spread, Synthesis
from anatrial.errors import ComputationError
from anatrial.methods import Method
from anatrial.methods.exnex import Exnex
from anatrial.methods.hierarchical import Hierarchical, Sampled
from anatrial.numerics.intervals import clopper_pearson
from anatrial.plan.borrowing import robustified_like
from anatrial.plan.derive import contributions_of, integrated, recipe_of
from anatrial.plan.planned import (
    Beside,
    Curve,
    Predicted,
    Strength,
    Summary,
    beside,
    checked_size,
    curve,
    predicted,
    rates_for,
    strengths,
    summarised,
)

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
NEXT_PATIENTS = (10, 20, 40)
USUAL = 20
"""Patients that results are weighed for where none are planned."""


class LeftOut(NamedTuple):
    """The prior without one study; None with the reason where it cannot be computed."""

    study: str
    title: str
    mixture: BetaMixture | None
    summary: Summary | None
    why_not: str


class StudyRate(NamedTuple):
    """A study's observed rate with its 95 % Clopper-Pearson interval, and the rate that the model gives it."""

    outcome: str
    title: str
    n: int
    responders: int
    weight: float
    observed: float
    lower: float
    upper: float
    shrunken: Spread | None


class Borrowed(NamedTuple):
    """A disease that is borrowed from: its chance to be like the others, and the new trial's rate without it."""

    name: str
    chance_before: float
    chance_after: float | None
    mean_without: float
    effective_n_without: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that ``prior show`` prints and ``prior plot`` draws."""

    prior: Prior
    title: str
    endpoint: str
    definition: str
    state: State
    method: str
    why: tuple[str, ...]
    summary: Summary
    informative: Summary
    strengths: tuple[Strength, ...]
    informative_strengths: tuple[Strength, ...]
    fit: FitScore | None
    assumptions: tuple[tuple[str, str], ...]
    """Priors of the model's unknowns, as (what, in words)."""
    synthesis: Synthesis | None
    """What integration found; None for methods that need none."""
    studies: tuple[StudyRate, ...]
    borrowed: tuple[Borrowed, ...]
    samples: bool
    """Whether the recipe asks for PyMC."""
    sampled: SampledRecord | None
    """How well PyMC mixed and agreed; None unless the copy that is kept is fresh."""
    quantiles: tuple[tuple[float, float], ...]
    density: Curve
    informative_density: Curve
    without: tuple[LeftOut, ...]
    predicted: tuple[Predicted, ...]
    planned: tuple[int, ...]
    """Numbers of patients that were asked for."""
    beside: tuple[Beside, ...]
    """For each of them, or for the usual 20."""


def inspect(
    indication: Indication,
    name: str,
    state: State,
    *,
    kept: Derived | None = None,
    planned: tuple[int, ...] = (),
    leave_out: bool = True,
) -> Inspection:
    """The prior of this name, derived now.

    ``state`` tells whether the copy that is kept is fresh, ``kept`` is that copy (its record of sampling is shown);
    ``planned`` are numbers of patients to hold the prior against; ``leave_out`` False skips the prior without each
    study, which takes most of the time. Raises ``InputError`` for an unknown name or size.
    """
    sizes = tuple(checked_size(n) for n in planned)
    found = integrated(indication, name)
    prior, recipe = found.value(), recipe_of(indication, name)
    why = [*recipe.notes]
    if recipe.robust is not None:
        why.append(f"robust part: {recipe.robust.why}")
    rates = rates_for(prior.mixture)
    return Inspection(
        prior=prior,
        title=recipe.title,
        endpoint=recipe.endpoint,
        definition=indication.endpoints[recipe.endpoint].definition,
        state=state,
        method=recipe.method,
        why=tuple(why),
        summary=summarised(prior.mixture),
        informative=summarised(prior.informative),
        strengths=strengths(prior.mixture),
        informative_strengths=strengths(prior.informative),
        fit=found.derived.fit,
        assumptions=recipe.assumptions() if isinstance(recipe, Hierarchical) else (),
        synthesis=found.synthesis,
        studies=_studies(prior, found.synthesis),
        borrowed=_borrowed(recipe, found.synthesis),
        samples=isinstance(recipe, Sampled) and recipe.engine == "nuts",
        sampled=kept.sampled if kept is not None else None,
        quantiles=tuple((p, prior.mixture.quantile(p)) for p in PROBABILITIES),
        density=curve(prior.mixture, rates),
        informative_density=curve(prior.informative, rates),
        without=left_out(indication, name, prior) if leave_out else (),
        predicted=tuple(predicted(prior.mixture, n) for n in sizes or NEXT_PATIENTS),
        planned=sizes,
        beside=tuple(beside(prior, n) for n in sizes or (USUAL,)),
    )


def left_out(indication: Indication, name: str, prior: Prior) -> tuple[LeftOut, ...]:
    """The prior without each study that it uses, in turn, its robust part kept.

    Empty for a hierarchical prior of one study: without it nothing is left to speak of.
    """
    recipe = recipe_of(indication, name)
    contributions = contributions_of(indication, recipe)
    used = {c.study: c.title for c in contributions if c.weight > 0}
    if len(used) < 2 and isinstance(recipe, Hierarchical):
        return ()
    return tuple(_left_out(recipe, prior, contributions, study) for study in used.items())


def _left_out(recipe: Method, prior: Prior, contributions: tuple[Contribution, ...], study: tuple[str, str]) -> LeftOut:
    try:
        informative = recipe.mixture(tuple(c for c in contributions if c.study != study[0]))
    except ComputationError as error:
        return LeftOut(*study, None, None, str(error))
    mixture = robustified_like(prior, informative)
    return LeftOut(*study, mixture, summarised(mixture), "")


def _studies(prior: Prior, synthesis: Synthesis | None) -> tuple[StudyRate, ...]:
    shrunken = {s.outcome: s.rate for s in synthesis.studies} if synthesis is not None else {}
    return tuple(
        StudyRate(
            c.outcome, c.title, c.n, c.responders, c.weight, c.responders / c.n,
            *clopper_pearson(c.responders, c.n), shrunken.get(c.outcome),
        )
        for c in prior.contributions
        if c.n
    )  # fmt: skip


def _borrowed(recipe: Method, synthesis: Synthesis | None) -> tuple[Borrowed, ...]:
    if not isinstance(recipe, Exnex) or synthesis is None:
        return ()
    before = {basket.indication: basket.exchangeable for basket in recipe.baskets}
    return tuple(
        Borrowed(name, before[name], after, mean, effective_n) for name, after, mean, effective_n in synthesis.sources
    )
