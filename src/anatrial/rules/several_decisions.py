"""Which doses succeed, given the counts of several arms: what every rule for several arms comes down to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.numerics import BoolArray, FloatArray, IntArray


class Sizes(NamedTuple):
    """Patients per arm: the control, and every dose with its name, from the lowest to the highest."""

    control: int
    names: tuple[str, ...]
    doses: tuple[int, ...]

    @property
    def total(self) -> int:
        """Patients of all arms."""
        return self.control + sum(self.doses)


@dataclass(frozen=True, slots=True)
class Graded:
    """Decisions that look at how strong each dose's own comparison is, and at nothing else of the counts.

    Given the control's count the doses are then independent, which makes sums over any number of doses short.
    """

    sizes: Sizes
    grades: tuple[IntArray, ...]
    """Per dose the strength of every table (x_dose, x_c), from 0; shape (n_dose + 1, n_c + 1)."""
    succeeds: BoolArray
    """Which doses succeed at each combination of strengths, shape (strengths of dose 1, ..., doses)."""

    def of(self, counts: IntArray) -> BoolArray:
        """Which doses succeed, shape (m, doses); ``counts`` has shape (m, 1 + doses), the control first."""
        strengths = tuple(grade[counts[:, d + 1], counts[:, 0]] for d, grade in enumerate(self.grades))
        return np.asarray(self.succeeds[strengths])

    def rises(self, doses: tuple[int, ...]) -> bool:
        """Whether more responders of a dose outside ``doses`` never end the last success among these."""
        hit = self.succeeds[..., list(doses)].any(axis=-1)
        others = [d for d in range(len(self.grades)) if d not in doses]
        grades_rise = all((np.diff(self.grades[d], axis=0) >= 0).all() for d in others)
        return grades_rise and all((np.diff(hit.astype(np.int8), axis=d) >= 0).all() for d in others)


@dataclass(frozen=True, slots=True)
class LargestZ:
    """A dose succeeds where its z with the variance of all arms together is at least the critical value."""

    sizes: Sizes
    critical: float

    def of(self, counts: IntArray) -> BoolArray:
        """Which doses succeed, shape (m, doses); ``counts`` has shape (m, 1 + doses), the control first."""
        return np.asarray(all_arms_z(self.sizes, counts) >= self.critical)


@dataclass(frozen=True, slots=True)
class PooledClosed:
    """Closed testing that tests several doses together by their pooled counts."""

    sizes: Sizes
    alone: tuple[BoolArray, ...]
    """Per dose the tables (x_dose, x_c) at which its own test rejects."""
    together: tuple[tuple[tuple[int, ...], BoolArray], ...]
    """Every set of two or more doses, and the tables (their responders, x_c) at which the pooled test rejects."""

    def of(self, counts: IntArray) -> BoolArray:
        """Which doses succeed, shape (m, doses); ``counts`` has shape (m, 1 + doses), the control first."""
        x_c = counts[:, 0]
        found = np.stack([grid[counts[:, d + 1], x_c] for d, grid in enumerate(self.alone)], axis=1)
        for doses, grid in self.together:
            rejected = grid[counts[:, [d + 1 for d in doses]].sum(axis=1), x_c]
            found[:, list(doses)] &= rejected[:, None]
        return found


Decisions = Graded | LargestZ | PooledClosed


def all_arms_z(sizes: Sizes, counts: IntArray) -> FloatArray:
    """The z of every dose v control with one variance estimated from all arms, shape (m, doses); 0 where it is 0."""
    n = np.array((sizes.control, *sizes.doses))
    total = counts.sum(axis=1)
    variance = total * (sizes.total - total) / sizes.total**2
    lead = counts[:, 1:] / n[1:] - counts[:, :1] / n[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = lead / np.sqrt(variance[:, None] * (1.0 / n[1:] + 1.0 / n[0]))
    return np.where(variance[:, None] > 0, z, 0.0)


def successes(decisions: Decisions) -> Iterator[BoolArray]:
    """Which of two doses succeed, for each of the control's counts in turn; shape (n_1 + 1, n_2 + 1, 2)."""
    n_1, n_2 = decisions.sizes.doses
    counts = np.zeros(((n_1 + 1) * (n_2 + 1), 3), dtype=np.int64)
    counts[:, 1], counts[:, 2] = (plane.ravel() for plane in np.indices((n_1 + 1, n_2 + 1)))
    for x_c in range(decisions.sizes.control + 1):
        counts[:, 0] = x_c
        yield decisions.of(counts).reshape(n_1 + 1, n_2 + 1, 2)


def rises(decisions: Decisions, doses: tuple[int, ...]) -> bool:
    """Whether more responders of a dose outside ``doses`` never end the last success among these; as far as known."""
    match decisions:
        case Graded():
            return decisions.rises(doses)
        case PooledClosed():
            return all((np.diff(g.astype(np.int8), axis=0) >= 0).all() for g in decisions.alone) and all(
                (np.diff(g.astype(np.int8), axis=0) >= 0).all() for _, g in decisions.together
            )
        case LargestZ():
            return False
