"""Where a target flips while one number of a scenario moves. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from anatrial.domain.results import Verdict


class Held(NamedTuple):
    """What became of a target at one number."""

    at: float
    verdict: Verdict


class Unanswered(NamedTuple):
    """A number at which the trial has no answer, and why."""

    at: float
    why: str


class Crossing(NamedTuple):
    """Two numbers with different outcomes, and none between them that was answered."""

    before: Held
    after: Held
    unanswered: tuple[float, ...]
    """Numbers between them without an answer: on which side of them the target flips, nothing tells."""


@dataclass(frozen=True, slots=True)
class TippedTarget:
    """One target along the path."""

    said: str
    answered: tuple[Held, ...]
    """Every number that was answered, from the start of the path to its end."""
    crossings: tuple[Crossing, ...]
    """Every change of outcome that was seen, in their order.

    The first is pinned down, and the one after it where it leads to an outcome that cannot be told.
    """


@dataclass(frozen=True, slots=True)
class Tipping:
    """A number of a scenario that moves along a grid, and what becomes of every target."""

    scenario: str
    path: str
    said: str
    grid: tuple[float, ...]
    """Tried first, from the start of the path to its end."""
    resolution: float
    """How closely a first crossing is pinned down."""
    targets: tuple[TippedTarget, ...]
    unanswered: tuple[Unanswered, ...]

    @property
    def step(self) -> float:
        """The largest distance between neighbours of the grid: a flip and back within it is not seen."""
        return max(abs(after - before) for before, after in pairwise(self.grid))

    @property
    def started(self) -> bool:
        """Whether the start of the path was answered, so that there is an outcome to differ from."""
        return all(missing.at != self.grid[0] for missing in self.unanswered)
