"""Tests side by side for one trial: what each decides, and what that is worth. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.domain.counts import Look, Region, Tie
from anatrial.domain.results import Curve, Estimate, Outcome


class ErrorOver(NamedTuple):
    """The largest type I error over a range of control rates, and whether it is at most the level.

    ``truth`` names the range; it is None where every rate without an effect is meant.
    """

    truth: str | None
    lowest: float
    highest: float
    estimate: Estimate
    at: float
    outcome: Outcome


class ChanceOf(NamedTuple):
    """P(success) and P(harm) under a truth; over a grid of rates the least of each."""

    truth: str
    kind: str
    success: float
    harm: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What one or more tests decide; tests that decide alike on every table share it."""

    letter: str
    success: Region
    harm: Region
    type_i_errors: tuple[ErrorOver, ...]
    """Every rate first, then each range that the scenario states."""
    chances: tuple[ChanceOf, ...]
    curve: Curve
    """Type I error along the control rate."""


@dataclass(frozen=True, slots=True)
class ComparedTest:
    """One test: its words in a scenario file, and what it decides."""

    name: str
    kind: str
    said: str
    own: bool
    """Whether it is the scenario's rule."""
    promises_level: bool
    """Whether its construction keeps the type I error at or below the level for every trial size and rate."""
    ties: tuple[Tie, ...]
    """Tables on the threshold, and how they were settled."""
    decision: Decision


class LeftOut(NamedTuple):
    """A test that cannot be compared, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ComparedTests:
    """All tests for one trial, at one level."""

    scenario: str
    title: str
    look: Look
    level: float
    two_sided: bool
    margin: float
    tests: tuple[ComparedTest, ...]
    left_out: tuple[LeftOut, ...]
    scenario_digest: str
    tool_version: str

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What is decided, each once, in the order of the tests."""
        return tuple({test.decision.letter: test.decision for test in self.tests}.values())

    @property
    def own(self) -> ComparedTest:
        """The scenario's rule."""
        return next(test for test in self.tests if test.own)
