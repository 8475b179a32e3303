"""Designs side by side: one number per design in each row, and which is best. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from anatrial.domain.results import Estimate

Better = Literal["more", "less", "near_zero"]
Mark = Literal["best", "not_told_apart", "other"]
"""``not_told_apart``: best, but simulation does not tell which of these is. ``other``: in another reality."""


class ComparedDesign(NamedTuple):
    """One scenario, and what it plans."""

    name: str
    title: str
    kind: str
    patients: int
    """If the trial does not stop early."""
    arms: tuple[tuple[str, int], ...]
    """Patients per arm at the end; empty where nobody knows them beforehand."""
    looks: int | None
    """Analyses of a trial that counts responders, the last included; None of other trials."""
    endpoint: str
    """What is counted, with its indication."""
    passed: int
    failed: int
    inconclusive: int
    scenario_digest: str


class ComparedTruth(NamedTuple):
    """A name that two designs or more give to a truth."""

    name: str
    realities: tuple[int | None, ...]
    """Designs with the same number assume the same: 0 most of them, or the first.

    None where a design has no such truth.
    """
    said: tuple[str | None, ...]
    """What each design assumes there, in words."""

    @property
    def same(self) -> bool:
        """Whether it is the same reality in all of them."""
        return set(self.realities) <= {0, None}


class ComparedRow(NamedTuple):
    """One number of every design."""

    truth: str | None
    """None for what the design itself says."""
    metric: str
    better: Better | None
    """None where neither more nor less is better."""
    values: tuple[Estimate | None, ...]
    marks: tuple[Mark | None, ...]


class OnlyOne(NamedTuple):
    """A number that one design alone has."""

    design: int
    """Its place among the designs, from 0."""
    truth: str
    metric: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class ComparedDesigns:
    """Two to eight designs."""

    designs: tuple[ComparedDesign, ...]
    truths: tuple[ComparedTruth, ...]
    rows: tuple[ComparedRow, ...]
    alone: tuple[OnlyOne, ...]
    simulated: bool
    tool_version: str
