"""What is kept of simulated trials: sums, from which every mean follows with its Monte Carlo error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.domain.results import Estimate, Metric
from anatrial.numerics import BoolArray, FloatArray

Z_999 = 3.2905267314919255  # two-sided 99.9 %: the interval that verdicts are judged by
BLOCK_CELLS = 2**22
"""Numbers per array that a block of trials may hold: it bounds the memory of any simulation."""
LARGEST_BLOCK = 65_536


class Sum(NamedTuple):
    """Number, sum and sum of squares of one quantity over the trials in which it is defined."""

    n: int
    total: float
    square: float
    chance: bool
    """Whether it is yes or no in each trial, so that its mean is a probability."""

    def plus(self, other: Sum) -> Sum:
        """Both together."""
        return Sum(self.n + other.n, self.total + other.total, self.square + other.square, self.chance)

    def estimate(self) -> Estimate:
        """The mean with its Monte Carlo error; bounds at 99.9 %: Wilson of a probability, normal of a mean.

        Source: Wilson (1927), JASA 22:209-212. Without any defined trial the value and its bounds are not numbers.
        """
        if self.n == 0:
            return Estimate(math.nan, math.nan, math.nan, math.nan, 0)
        mean = self.total / self.n
        variance = max(self.square / self.n - mean * mean, 0.0)
        if self.chance:
            error = math.sqrt(variance / self.n)
            shrunk = 1 + Z_999**2 / self.n
            middle = (mean + Z_999**2 / (2 * self.n)) / shrunk
            half = Z_999 * math.sqrt(variance / self.n + Z_999**2 / (4 * self.n**2)) / shrunk
            return Estimate(mean, max(middle - half, 0.0), min(middle + half, 1.0), error, self.n)
        error = math.sqrt(variance / max(self.n - 1, 1))
        return Estimate(mean, mean - Z_999 * error, mean + Z_999 * error, error, self.n)

    @property
    def cautious_error(self) -> float:
        """Standard error of a probability with two hits and two misses more: not 0 where nothing was hit.

        Source: Agresti & Coull (1998), The American Statistician 52:119-126.
        """
        mean = (self.total + 2) / (self.n + 4)
        return math.sqrt(mean * (1 - mean) / self.n)


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over simulated trials, by name; tallies of several blocks add up."""

    trials: int
    failed: int
    """Trials whose analysis gave no answer: they count as no success."""
    sums: tuple[tuple[str, Sum], ...]

    @classmethod
    def of(cls, trials: int, failed: int = 0, **arrays: BoolArray | FloatArray) -> Tally:
        """The tally of one block.

        Parameters
        ----------
        trials, failed
            Trials of the block, and how many of them had no answer.
        arrays
            Per name one entry per trial, shape (trials,): booleans for what happens or not, numbers otherwise; NaN
            where it is not defined in a trial (the estimate of a trial that stopped before anything was seen).
        """
        sums = []
        for name, values in arrays.items():
            if values.dtype == np.bool_:
                hits = int(values.sum())
                sums.append((name, Sum(int(values.size), float(hits), float(hits), chance=True)))
            else:
                known = values[~np.isnan(values)]
                sums.append((name, Sum(int(known.size), float(known.sum()), float((known**2).sum()), chance=False)))
        return cls(trials, failed, tuple(sums))

    def plus(self, other: Tally) -> Tally:
        """Both blocks together; they must tally the same names."""
        pairs = zip(self.sums, other.sums, strict=True)
        sums = tuple((name, ours.plus(theirs)) for (name, ours), (_, theirs) in pairs)
        return Tally(self.trials + other.trials, self.failed + other.failed, sums)

    def metrics(self) -> tuple[Metric, ...]:
        """Every quantity as a metric with its Monte Carlo error and draws; those never defined are left out."""
        return tuple(Metric(name, found.estimate()) for name, found in self.sums if found.n)


@dataclass(frozen=True, slots=True)
class Block:
    """A trial that can be simulated many times at once.

    ``run(rng, trials)`` simulates so many trials with these random numbers alone. It must be picklable (a partial of a
    function of a module), because other processes run it. ``cells``: numbers that one trial holds in its largest array
    (patients, or patients times visits); it decides how many trials are run at once.
    """

    run: Callable[[np.random.Generator, int], Tally]
    cells: int

    @property
    def size(self) -> int:
        """Trials at once: a power of two, fixed by the design alone, so that results depend on nothing else."""
        fitting = max(BLOCK_CELLS // max(self.cells, 1), 1)
        return min(LARGEST_BLOCK, 1 << (fitting.bit_length() - 1))


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """How much is simulated. Only ``trials``, ``seed`` and ``target_mcse`` move a number; ``workers`` never does."""

    trials: int
    seed: int
    workers: int = 1
    target_mcse: float | None = None
    """Go on until no probability has a larger Monte Carlo standard error."""
