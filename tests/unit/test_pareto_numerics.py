"""Points that no other beats: the definition, pair by pair in whole numbers, against the quick way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anatrial.numerics import pareto as module
from anatrial.numerics.pareto import non_dominated, tie_ranks

Rows = Sequence[Sequence[int]]
UNIT = 64
"""Costs are whole multiples of 1 / 64, which floats hold exactly."""


def dominates(one: Rows, other: Rows) -> bool:
    """The definition: rows are cost, standard error and open width, per aim, in units of 1 / 64."""
    if any(a[0] > b[0] for a, b in zip(one, other, strict=True)):
        return False
    return any(
        b[0] - a[0] - b[2] > 0 and (b[0] - a[0] - b[2]) ** 2 > 4 * (a[1] ** 2 + b[1] ** 2)
        for a, b in zip(one, other, strict=True)
    )


def front(points: Sequence[Rows]) -> list[Any]:
    """Which of these stay, by the quick way."""
    parts = np.array(points, dtype=np.float64) / UNIT
    return list(non_dominated(parts[:, :, 0], parts[:, :, 1], parts[:, :, 2]))


def of(*aims: st.SearchStrategy[tuple[int, int, int]]) -> st.SearchStrategy[list[tuple[tuple[int, int, int], ...]]]:
    """Lists of points with these aims; few different numbers, so that many are equal."""
    return st.lists(st.tuples(*aims), min_size=1, max_size=40)


EXACT = st.tuples(st.integers(0, 5), st.just(0), st.just(0))
PROVEN = st.tuples(st.integers(0, 9), st.just(0), st.integers(0, 3))
SIMULATED = st.tuples(st.integers(0, 20), st.integers(0, 5), st.just(0))


@given(points=st.one_of(of(EXACT, EXACT), of(EXACT, EXACT, EXACT), of(EXACT, SIMULATED, PROVEN), of(*[SIMULATED] * 2)))
@settings(deadline=None, max_examples=300)
@pytest.mark.parametrize(("block", "chunk"), [(512, 4096), (3, 2)])
def test_the_front_is_what_nothing_dominates(
    block: int, chunk: int, points: list[tuple[tuple[int, int, int], ...]]
) -> None:
    """A point stays exactly where no other dominates it by the definition, whatever the size of the blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        patch.setattr(module, "CHUNK", chunk)
        found = front(points)
    assert found == [not any(dominates(other, one) for other in points) for one in points]
    assert any(found)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30), st.integers(0, 2**32))
@settings(deadline=None)
def test_rounding_decides_nothing(points: list[tuple[int, int]], seed: int) -> None:
    """Costs that are off by 1e-13 give the front of the whole numbers: equal points stay or go together."""
    shift = np.random.default_rng(seed).uniform(-1e-13, 1e-13, (len(points), 2))
    zero = np.zeros_like(shift)
    found = non_dominated(np.array(points) / 7 + shift, zero, zero).tolist()
    expected = [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in points) for x, y in points]
    assert found == expected


def test_what_a_simulated_difference_needs() -> None:
    """0.80 v 0.81 at a standard error of 0.01 each are not apart, v 0.84 they are; fewer patients settle it alone."""

    def stays(powers: tuple[float, float], n: tuple[int, int]) -> list[Any]:
        costs = np.array([[n[0], -powers[0]], [n[1], -powers[1]]], dtype=np.float64)
        return list(non_dominated(costs, np.array([[0, 0.01], [0, 0.01]]), np.zeros((2, 2))))

    assert stays((0.80, 0.81), (48, 48)) == [True, True]
    assert stays((0.80, 0.84), (48, 48)) == [False, True]
    assert stays((0.80, 0.81), (48, 40)) == [False, True]
    assert stays((0.80, 0.81), (40, 48)) == [True, True]


def test_ranks_of_ties() -> None:
    """Numbers apart by rounding alone share a rank, also large ones, and ranks follow the order."""
    assert tie_ranks(np.array([0.3, 0.1, 0.1 + 2e-13, 0.1 + 2e-12])).tolist() == [2, 0, 0, 1]
    assert tie_ranks(np.array([5000.0, 5000.0 + 1e-9, 5000.0 + 1e-8])).tolist() == [0, 0, 1]
    assert tie_ranks(np.array([])).tolist() == []


def test_no_points() -> None:
    """Nothing has an empty front."""
    assert non_dominated(*[np.zeros((0, 3))] * 3).tolist() == []


def test_many_points_in_a_line() -> None:
    """20,000 points that are each better than the next in one aim only all stay; one that beats all ends it."""
    line = np.column_stack([np.arange(20_000.0), -np.arange(20_000.0)])
    zero = np.zeros_like(line)
    assert non_dominated(line, zero, zero).all()
    both = np.vstack([line, [[-1.0, -20_000.0]]])
    assert np.flatnonzero(non_dominated(both, np.zeros_like(both), np.zeros_like(both))).tolist() == [20_000]
