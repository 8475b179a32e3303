"""What a calibration finds: the least strict value of a rule's dial that keeps a promise. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.domain.counts import Look
from anatrial.domain.results import Estimate, Metric, Outcome


class Promise(NamedTuple):
    """A type I error that must stay at or below a threshold; ``said`` tells under which truth."""

    said: str
    truth: str
    at_most: float


class Implied(NamedTuple):
    """The least P(treatment beats control by the margin | data) among the successes of a look, under uniform priors.

    ``x_t`` and ``x_c`` are a result at which it is met.
    """

    probability: float
    x_t: int
    x_c: int


class SettingLook(NamedTuple):
    """A look at one value of the dial: how many tables succeed, and what each of them implies at least.

    ``implied`` is None where none succeeds, or success is not about more on treatment.
    """

    look: Look
    tables: int
    implied: Implied | None


@dataclass(frozen=True, slots=True)
class Setting:
    """The trial at one value of the dial."""

    value: float
    errors: tuple[Metric, ...]
    """Per promise the type I error as [found, proven bound], and the rate where it is found."""
    outcomes: tuple[Outcome, ...]
    """Per promise whether it is kept."""
    everywhere: Metric
    """The same over every rate without effect."""
    powers: tuple[tuple[str, Estimate], ...]
    """Power under each truth with known rates, by its name."""
    looks: tuple[SettingLook, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The least strict values of the dial at which every promise holds; all of the interval decide alike."""

    edge: float
    """The least strict value that holds, found to 12 digits (to 1e-9 where a table
    lies within 1e-9 of it and no fraction can tell): the infimum of a certainty, the supremum of an alpha."""
    interval: tuple[float, float]
    """From the edge to the last value that decides alike at every look, in rising order."""
    digits: int
    """Decimals of the value that is recommended: 4, or as many as it takes to lie in the interval."""
    setting: Setting
    """The recommended value: the edge rounded in the strict direction."""
    beyond: str | None
    """Why no number is known just beyond the edge; None where one is known, and breaks a promise."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The dial of a scenario's rule, turned until the promised type I error just holds."""

    scenario: str
    title: str
    dial: str
    """Where the number stands under ``[rule]``."""
    rises: bool
    """Whether larger values are stricter."""
    nested: bool
    """Whether stricter values never add a success; if not, looser values that hold may lie between those tried."""
    promises: tuple[Promise, ...]
    before: Setting
    """As the file has it."""
    found: Found | None
    """None where no value keeps the promises and still lets the trial succeed."""
    strictest: Setting | None
    """Where nothing was found: the strictest value at which the trial can succeed at all."""
    scenario_digest: str
    tool_version: str
