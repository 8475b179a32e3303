"""A prior looked at from all sides: quantiles, contributions, leave-one-out, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior
from anatrial.plan.borrowing import robustified_like
from anatrial.plan.derive import derive, without_each_study

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
NEXT_PATIENTS = (10, 20, 40)


State = Literal["up to date", "stale", "not derived", "damaged"]
"""Whether the derived prior that is kept still matches its recipe."""


class ListedPrior(NamedTuple):
    """A prior in a list."""

    name: str
    title: str
    endpoint: str
    state: State
    closed_form: str


class Summary(NamedTuple):
    """A mixture in numbers: mean, standard deviation, 95 % interval, moment effective n."""

    mean: float
    sd: float
    lower: float
    upper: float
    effective_n: float


class LeftOut(NamedTuple):
    """The prior without one study."""

    study: str
    title: str
    mixture: BetaMixture
    summary: Summary


class Predicted(NamedTuple):
    """Responders expected among the next n patients: mean, median, central 95 % interval, and the whole law."""

    n: int
    mean: float
    median: int
    lower: int
    upper: int
    law: tuple[float, ...]


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
    quantiles: tuple[tuple[float, float], ...]
    density: tuple[tuple[float, float], ...]
    informative_density: tuple[tuple[float, float], ...]
    without: tuple[LeftOut, ...]
    predicted: tuple[Predicted, ...]


def summarised(mixture: BetaMixture) -> Summary:
    """Mean, standard deviation, interval and effective n."""
    return Summary(mixture.mean, mixture.sd, *mixture.interval(), mixture.effective_n)


def inspect(indication: Indication, name: str, state: State) -> Inspection:
    """The prior of this name, derived now; ``state`` tells whether the copy that is kept is fresh."""
    derived = derive(indication, name)
    prior = derived.value()
    recipe = indication.priors[name]
    titles = {c.study: c.title for c in prior.contributions}
    left = []
    for study, informative in without_each_study(indication, name):
        mixture = robustified_like(prior, informative)
        left.append(LeftOut(study, titles[study], mixture, summarised(mixture)))
    why = [*recipe.notes]
    if recipe.robust is not None:
        why.append(f"robust part: {recipe.robust.why}")
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
        quantiles=tuple((p, prior.mixture.quantile(p)) for p in PROBABILITIES),
        density=_density(prior.mixture),
        informative_density=_density(prior.informative),
        without=tuple(left),
        predicted=tuple(_predicted(prior.mixture, n) for n in NEXT_PATIENTS),
    )


def _density(mixture: BetaMixture) -> tuple[tuple[float, float], ...]:
    rates = [k / 400 for k in range(1, 400)]
    return tuple((rate, mixture.density(rate)) for rate in rates)


def _predicted(mixture: BetaMixture, n: int) -> Predicted:
    law = mixture.predictive(n)
    median, low, high = (mixture.predicted_quantile(p, n) for p in (0.5, 0.025, 0.975))
    return Predicted(n, n * mixture.mean, median, low, high, tuple(law.tolist()))
