"""What a simulation tells: every number with its Monte Carlo error, beside the enumerated one where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.domain.results import Estimate

MOST_ERRORS = 4.0
"""Simulated and exact numbers that are further apart than this are told as a fault."""


class Compared(NamedTuple):
    """A simulated number; the exact one and how many combined standard errors lie between, where it is enumerated."""

    metric: str
    simulated: Estimate
    exact: Estimate | None
    errors: float | None


@dataclass(frozen=True, slots=True)
class SimulatedTruth:
    """One truth, simulated."""

    truth: str
    trials: int
    failed: int
    """Trials whose analysis gave no answer: they count as no success."""
    rows: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """A scenario, simulated: what is said of every truth that is one reality."""

    scenario: str
    title: str
    seed: int
    truths: tuple[SimulatedTruth, ...]
    scenario_digest: str
    tool_version: str

    @property
    def furthest(self) -> float | None:
        """Most standard errors between a simulated and an exact number; None where nothing is enumerated."""
        return max((r.errors for t in self.truths for r in t.rows if r.errors is not None), default=None)

    @property
    def agrees(self) -> bool:
        """Whether no number is further than ``MOST_ERRORS`` from the exact one."""
        return self.furthest is None or self.furthest <= MOST_ERRORS
