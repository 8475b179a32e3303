"""What a hierarchical recipe found: the typical rate, a new study's rate, the spread between studies, shrinkage."""

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.spec import Rate, Spec

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Probabilities of the quantiles in a ``Spread``."""
MOST_DIVERGENCE, MOST_CDF_ERROR = 1e-3, 0.005
"""A closed form further than this from the law it stands for is refused."""


class Spread(NamedTuple):
    """A law in numbers: mean, standard deviation, and quantiles at 2.5, 10, 50, 90 and 97.5 %."""

    mean: float
    sd: float
    quantiles: tuple[float, ...]


class Quantity(NamedTuple):
    """One unknown of the model: its posterior, and both densities as (value, height) where they can be drawn."""

    name: str
    label: str
    posterior: Spread
    curve: tuple[tuple[float, float], ...] = ()
    prior_curve: tuple[tuple[float, float], ...] = ()


class Shrunk(NamedTuple):
    """A study's rate as the model sees it, beside what was observed."""

    outcome: str
    rate: Spread


class Source(NamedTuple):
    """How much of a prior came from one group of studies: chance that it is exchangeable, and what it moves."""

    name: str
    exchangeable: float | None
    mean_without: float
    effective_n_without: float


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The posterior of a hierarchical recipe before it becomes a closed form; rates are probabilities per patient.

    ``heterogeneity`` and ``others`` are named as the sampler names them; ``effective_n`` is the moment effective n of
    the law itself, ``elir`` its expected local-information ratio, None with the reason in ``no_elir``.
    """

    typical: Quantity
    predicted: Quantity
    heterogeneity: tuple[Quantity, ...]
    others: tuple[Quantity, ...]
    studies: tuple[Shrunk, ...]
    sources: tuple[Source, ...]
    effective_n: float
    elir: float | None
    no_elir: str


class FitScore(Spec):
    """How far the closed form is from the law that it stands for; gated when it is derived."""

    divergence: float
    """Kullback-Leibler divergence of the law from the closed form, in nats."""
    cdf_error: Rate
    """Largest difference between the two distribution functions."""
