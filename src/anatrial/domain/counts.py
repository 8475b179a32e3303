"""Looks at a trial and the tables on which a rule decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from anatrial.numerics import BoolArray, IntArray


class Look(NamedTuple):
    """Patients with a result so far, per arm; ``n_c`` is 0 in a single-arm trial."""

    n_t: int
    n_c: int


class Run(NamedTuple):
    """Neighbouring treatment counts ``first..last`` (inclusive) that are decided alike at control count ``x_c``."""

    x_c: int
    first: int
    last: int


class Tie(NamedTuple):
    """A table whose p-value or posterior probability lies within 1e-9 of the threshold, and how it was settled."""

    x_t: int
    x_c: int
    value: float
    settled: str


def ties_said(ties: Sequence[Tie]) -> list[str]:
    """How many tables lie on the threshold, with an example; nothing where none does."""
    if not ties:
        return []
    tables = "1 table lies" if len(ties) == 1 else f"{len(ties)} tables lie"
    example = f"{ties[0].x_t} v {ties[0].x_c} responders, {ties[0].value:.12g}"
    return [f"{tables} on the threshold ({example}): settled {ties[0].settled}"]


@dataclass(frozen=True, slots=True)
class Region:
    """The tables on which one decision is made at a look: sorted runs, several per control count at holes."""

    look: Look
    runs: tuple[Run, ...]

    @classmethod
    def from_grid(cls, look: Look, decides: BoolArray) -> Self:
        """The region of a grid of shape (n_t + 1, n_c + 1) that is true where the decision is made."""
        edges = np.diff(np.pad(decides.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, first = np.nonzero(edges == 1)
        _, after = np.nonzero(edges == -1)
        return cls(look, tuple(map(Run, rows.tolist(), first.tolist(), (after - 1).tolist())))

    @property
    def array(self) -> IntArray:
        """Runs as an array of shape (runs, 3): control count, first, last."""
        return np.array(self.runs, dtype=np.int64).reshape(-1, 3)

    @property
    def grid(self) -> BoolArray:
        """True where the decision is made, shape (n_t + 1, n_c + 1)."""
        decides = np.zeros((self.look.n_t + 1, self.look.n_c + 1), dtype=np.bool_)
        for x_c, first, last in self.runs:
            decides[first : last + 1, x_c] = True
        return decides

    @property
    def tables(self) -> int:
        """How many tables it holds."""
        return sum(run.last - run.first + 1 for run in self.runs)

    @property
    def staircase(self) -> tuple[int | None, ...] | None:
        """Least deciding treatment count per control count (None: never), or None if the region is no staircase.

        A success staircase has at most one run per control count, each reaching n_t, and never asks for fewer
        treatment responders when control does better.
        """
        least: list[int | None] = [None] * (self.look.n_c + 1)
        for run in self.runs:
            if least[run.x_c] is not None or run.last != self.look.n_t:
                return None
            least[run.x_c] = run.first
        heights = [self.look.n_t + 1 if value is None else value for value in least]
        return tuple(least) if heights == sorted(heights) else None

    def __contains__(self, table: tuple[int, int]) -> bool:
        x_t, x_c = table
        return any(run.x_c == x_c and run.first <= x_t <= run.last for run in self.runs)


@dataclass(frozen=True, slots=True)
class Regions:
    """What a rule decides at one look; success, harm and futility are disjoint."""

    success: Region
    harm: Region
    ties: tuple[Tie, ...] = ()
    futility: Region | None = None
    """Where the trial stops, or the medicine is dropped, for lack of effect; None under a rule that never says so."""
    overlap: Region | None = None
    """Where success and futility would both hold, had the rule not said which counts; None where it need not."""

    @property
    def look(self) -> Look:
        """The look at which this is decided."""
        return self.success.look
