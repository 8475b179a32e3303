"""Virtual patients of every kind of trial: those whose trials the simulator tallies, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from anatrial.domain.tally import SimulationSettings
from anatrial.engine.simulation import block_stream
from anatrial.numerics import BoolArray, IntArray
from anatrial.rng import stream

CHUNK = 1 << 18
"""Patients at once where they are dealt out of counts: bounds the memory."""


class Drawing(NamedTuple):
    """A block of trials to be drawn again: the number of the first (from 0), and how many there are."""

    first: int
    trials: int
    rng: np.random.Generator
    """The random numbers that the simulator tallies the block by."""
    more: np.random.Generator
    """Random numbers of their own, for what no tally needs."""


def drawings(size: int, how: SimulationSettings) -> Iterator[Drawing]:
    """Every block of ``how.trials`` trials, ``size`` of them at once."""
    for index, first in enumerate(range(0, how.trials, size)):
        more = stream(how.seed, "patients", str(index))
        yield Drawing(first, min(size, how.trials - first), block_stream(how.seed, index), more)


def dealt(counts: IntArray, sizes: Sequence[int], at: Drawing) -> Iterator[tuple[int, slice, BoolArray]]:
    """Who the responders are of trials that were drawn by their counts: any patients of an arm, at random.

    Patients of an arm are exchangeable, so that the counts say all of a trial but their order, which is drawn here.

    Parameters
    ----------
    counts, sizes
        Responders of each arm, shape (trials, arms), and patients per arm.
    at
        The block, whose numbers ``more`` are used.

    Returns
    -------
    In parts: the number of the first trial, the rows of ``counts``, and who responds, shape (trials, sum of sizes),
    arms side by side.
    """
    step = max(CHUNK // sum(sizes), 1)
    for start in range(0, len(counts), step):
        rows = slice(start, min(start + step, len(counts)))
        tickets = np.split(at.more.random((rows.stop - start, sum(sizes))), np.cumsum(sizes)[:-1], axis=1)
        arms = [of.argsort(axis=1) < x[:, None] for of, x in zip(tickets, counts[rows].T, strict=True)]
        yield at.first + start, rows, np.concatenate(arms, axis=1)
