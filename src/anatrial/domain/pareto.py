"""The designs among all cells of a sweep that no other beats. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.domain.cells import Settings
from anatrial.domain.results import Bound, Estimate, Outcome

MORE = frozenset({"power", "assurance"})
"""Aims of which more is better; of the others less is."""


class AimOf(NamedTuple):
    """What a design is judged by: an aim, and the truth under which it is taken."""

    aim: str
    truth: str | None
    """None for the patients, which no truth changes."""
    metrics: tuple[str, ...]
    """Names of the number, of which the first counts that a cell has; empty for the patients."""

    @property
    def more(self) -> bool:
        """Whether more of it is better."""
        return self.aim in MORE


class AskedOf(NamedTuple):
    """A target, as every design is held against it."""

    metric: str
    truth: str
    bound: Bound
    threshold: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A design with its numbers."""

    settings: Settings
    patients: int
    values: tuple[Estimate, ...]
    """In the order of the aims; a proven number counts at its worse bound, a simulated one as found."""
    outcomes: tuple[Outcome, ...]
    """In the order of the targets."""

    @property
    def holds(self) -> bool:
        """Whether every target passes."""
        return all(outcome == "PASS" for outcome in self.outcomes)


class Unplaced(NamedTuple):
    """A design without a number that an aim needs, and why."""

    settings: Settings
    why: str


class Spot(NamedTuple):
    """A dominated design as a picture shows it: patients, and the value of each aim."""

    patients: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """Every design that no other dominates."""

    aims: tuple[AimOf, ...]
    targets: tuple[AskedOf, ...]
    designs: int
    """Designs with all numbers."""
    members: tuple[Placed, ...]
    """By patients, then by the aims in their order, the better first."""
    holding: int
    """Designs that meet all targets, on the front or not."""
    cheapest: Placed | None
    """Of those that meet all targets one with the fewest patients: the best of these by the aims in their order."""
    cheapest_is_member: bool
    as_small: int
    """Designs with as few patients that meet all targets too, beside the cheapest."""
    simulated: bool
    """Whether an aim has a Monte Carlo error."""
    beaten: tuple[Spot, ...]
    """The dominated designs; those that share a place count once."""
    unplaced: int
    reasons: tuple[Unplaced, ...]
    """The first of those without numbers."""


@dataclass(frozen=True, slots=True)
class DesignSearch:
    """The front of one scenario of a sweep."""

    scenario: str
    title: str
    labels: tuple[tuple[str, str], ...]
    """Paths of the axes with their labels."""
    front: Front
    tool_version: str
