"""Boundaries of all designs n = 5..500 per arm against one grid per design, and against importing scipy.stats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tests.benchmarks.measure import Row, cpu, fresh

from anatrial.numerics import BoolArray, IntArray
from anatrial.numerics.superiority import by_recurrence
from anatrial.numerics.two_by_two import hypergeometric
from anatrial.numerics.walk import fisher_staircases, posterior_staircases

SIZES = np.arange(5, 501)
UNIFORM = np.array([[1.0, 1.0, 1.0]])
CERTAINTY, ALPHA = 0.975, 0.025


def rows() -> Iterator[Row]:
    """Posterior rule at margin 0 and Fisher's test."""
    bare, statistics = fresh("pass", "import scipy.stats")
    imports = statistics - bare
    for name, walk, grids, target in (
        ("posterior, P > 0.975", _posterior_walk, _posterior_grids, "<= 0.3"),
        ("Fisher, p <= 0.025", _fisher_walk, _fisher_grids, "<= 0.3"),
    ):
        ours, peer = cpu(walk, grids, repetitions=3)
        first, near = walk()
        wrong = sum(
            not np.array_equal(first[i, : n + 1], found)
            for i, (n, found) in enumerate(zip(SIZES.tolist(), grids(), strict=True))
            if not near[i]
        )
        accuracy = f"{wrong} of {SIZES.size} staircases differ, {int(near.sum())} near"
        yield Row(f"{name}: one grid per n", ours, peer, ours / peer, target, accuracy)
        yield Row(f"{name}: importing scipy.stats", ours, imports, ours / imports, "< 1")


def _posterior_walk() -> tuple[IntArray, BoolArray]:
    return posterior_staircases(SIZES, SIZES, (1.0, 1.0), (1.0, 1.0), CERTAINTY)


def _fisher_walk() -> tuple[IntArray, BoolArray]:
    return fisher_staircases(SIZES, SIZES, ALPHA)


def _posterior_grids() -> list[IntArray]:
    return [_staircase(by_recurrence(UNIFORM, n, UNIFORM, n) > CERTAINTY) for n in SIZES.tolist()]


def _fisher_grids() -> list[IntArray]:
    """Hypergeometric tails of every table."""
    found = []
    for n in SIZES.tolist():
        x = np.arange(n + 1)
        tails = np.cumsum(hypergeometric(n, n)[0][:, ::-1], axis=1)[:, ::-1]
        found.append(_staircase(tails[x[:, None] + x, x[:, None]] <= ALPHA))
    return found


def _staircase(succeeds: BoolArray) -> IntArray:
    found: IntArray = np.where(succeeds.any(axis=0), succeeds.argmax(axis=0), len(succeeds))
    return found
