"""The walk along the boundary against full grids and whole numbers."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest

from anatrial.numerics import FloatArray, IntArray, walk
from anatrial.numerics.superiority import by_recurrence
from anatrial.numerics.walk import fisher_staircases, posterior_staircases

ALLOCATIONS = {"1:1": (1, 1), "2:1": (2, 1), "1:3": (1, 3)}
PRIORS = [
    ((1.0, 1.0), (1.0, 1.0)),
    ((0.5, 0.5), (3.0, 7.0)),
    ((0.01, 0.01), (0.01, 0.01)),
    ((20.0, 30.0), (1.0, 1.0)),
    ((1e5, 1e5), (1e5, 1.002e5)),
]
Shapes = tuple[float, float]


def staircase(grid: FloatArray, certainty: float) -> IntArray:
    """Least row above the certainty in each column; rows where there is none."""
    succeeds = grid > certainty
    found: IntArray = np.where(succeeds.any(axis=0), succeeds.argmax(axis=0), len(grid))
    return found


def posterior(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """P(p_t > p_c | data) under uniform priors, as a finite sum."""

    def b(i: int, j: int) -> Fraction:
        return Fraction(factorial(i - 1) * factorial(j - 1), factorial(i + j - 1))

    fails_t, c, d = n_t - x_t + 1, x_c + 1, n_c - x_c + 1
    return sum((b(c + i, fails_t + d) / ((fails_t + i) * b(1 + i, fails_t)) for i in range(x_t + 1)), Fraction(0)) / b(
        c, d
    )


def fisher_p(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """One-sided p-value by counting the tables that are at least as extreme."""
    k = x_t + x_c
    as_extreme = sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
    return Fraction(as_extreme, comb(n_t + n_c, k))


@pytest.mark.parametrize("allocation", ALLOCATIONS.values(), ids=ALLOCATIONS)
@pytest.mark.parametrize("certainty", [0.05, 0.5, 0.9, 0.975, 0.999])
@pytest.mark.parametrize(("treatment", "control"), PRIORS)
def test_walk_equals_the_full_grid(
    treatment: Shapes, control: Shapes, certainty: float, allocation: tuple[int, int]
) -> None:
    """For every size up to 41 per unit the staircase is that of the grid, or a table is reported as near."""
    n_t, n_c = (part * np.arange(0, 42, 1) for part in allocation)
    first, near = posterior_staircases(n_t, n_c, treatment, control, certainty)
    assert first.shape == (n_t.size, n_c.max() + 1)
    for i, (t, c) in enumerate(zip(n_t.tolist(), n_c.tolist(), strict=True)):
        grid = by_recurrence(np.array([[1.0, *treatment]]), t, np.array([[1.0, *control]]), c)
        assert near[i] == (np.abs(grid - certainty) <= walk.NEAR).any()
        assert near[i] or np.array_equal(first[i, : c + 1], staircase(grid, certainty))
        assert (first[i, c + 1 :] == t + 1).all()


@pytest.mark.parametrize(("n_t", "n_c"), [(500, 500), (2000, 2000), (2000, 700)])
@pytest.mark.parametrize(("treatment", "control"), [PRIORS[0], PRIORS[2], PRIORS[4]])
def test_walk_equals_the_full_grid_in_large_trials(n_t: int, n_c: int, treatment: Shapes, control: Shapes) -> None:
    """The errors of 4000 steps do not move the staircase."""
    first, near = posterior_staircases(np.array([n_t]), np.array([n_c]), treatment, control, 0.975)
    grid = by_recurrence(np.array([[1.0, *treatment]]), n_t, np.array([[1.0, *control]]), n_c)
    assert not near[0]
    assert np.array_equal(first[0], staircase(grid, 0.975))


def test_walk_starts_far_from_the_boundary() -> None:
    """Priors that are 600 digits apart do not stop the walk, which reaches the boundary after many steps."""
    treatment, control = (1000.0, 1.0), (1.0, 1000.0)
    first, near = posterior_staircases(np.array([2500]), np.array([2500]), treatment, control, 0.975)
    grid = by_recurrence(np.array([[1.0, *treatment]]), 2500, np.array([[1.0, *control]]), 2500)
    assert not near[0]
    assert first[0, 0] == 0
    assert first[0, -1] == staircase(grid, 0.975)[-1] > 1000


@pytest.mark.parametrize(("n", "certainty"), [(2, "0.8"), (2, "0.95"), (7, "0.9")])
def test_ties_with_the_certainty_are_near_and_fail(n: int, certainty: str) -> None:
    """Tables that equal the certainty exactly are reported and do not exceed it (pitfall 6)."""
    first, near = posterior_staircases(np.array([n]), np.array([n]), (1.0, 1.0), (1.0, 1.0), float(certainty))
    assert near[0]
    for x_c in range(n + 1):
        sure = [posterior(x_t, n, x_c, n) > Fraction(certainty) for x_t in range(n + 1)]
        assert first[0, x_c] == (sure.index(True) if any(sure) else n + 1)


@pytest.mark.parametrize("certainty", ["0.8", "0.9", "0.95", "0.975"])
def test_walk_equals_fractions(certainty: str) -> None:
    """Small trials of any allocation have the boundary that whole numbers give."""
    n_t, n_c = (grid.ravel() for grid in np.meshgrid(np.arange(9), np.arange(9)))
    first, _ = posterior_staircases(n_t, n_c, (1.0, 1.0), (1.0, 1.0), float(certainty))
    for i, (t, c) in enumerate(zip(n_t.tolist(), n_c.tolist(), strict=True)):
        for x_c in range(c + 1):
            sure = [posterior(x_t, t, x_c, c) > Fraction(certainty) for x_t in range(t + 1)]
            assert first[i, x_c] == (sure.index(True) if any(sure) else t + 1)


@pytest.mark.parametrize("alpha", ["0.025", "0.05", "0.1", "0.5", "0.001"])
@pytest.mark.parametrize("allocation", ALLOCATIONS.values(), ids=ALLOCATIONS)
def test_fisher_walk_equals_fractions(alpha: str, allocation: tuple[int, int]) -> None:
    """The boundary of Fisher's test is that of counting tables, ties included, which are reported as near."""
    n_t, n_c = (part * np.arange(0, 22 // max(allocation) + 4) for part in allocation)
    first, near = fisher_staircases(n_t, n_c, float(alpha))
    for i, (t, c) in enumerate(zip(n_t.tolist(), n_c.tolist(), strict=True)):
        tie = False
        for x_c in range(c + 1):
            p = [fisher_p(x_t, t, x_c, c) for x_t in range(t + 1)]
            rejects = [value <= Fraction(alpha) for value in p]
            assert first[i, x_c] == (rejects.index(True) if any(rejects) else t + 1)
            tie |= Fraction(alpha) in p
        assert near[i] == tie
        assert (first[i, c + 1 :] == t + 1).all()


@pytest.mark.parametrize(("n_t", "n_c"), [(60, 60), (200, 130), (40, 300)])
def test_fisher_walk_equals_fractions_in_larger_trials(n_t: int, n_c: int) -> None:
    """At the boundary of a larger trial the table rejects and the one below it does not."""
    first, near = fisher_staircases(np.array([n_t]), np.array([n_c]), 0.025)
    assert not near[0]
    for x_c, least in enumerate(first[0].tolist()):
        if least <= n_t:
            assert fisher_p(least, n_t, x_c, n_c) <= Fraction(1, 40)
        if least > 0:
            assert fisher_p(least - 1, n_t, x_c, n_c) > Fraction(1, 40)


def test_an_arm_without_patients_never_rejects() -> None:
    """Without patients in an arm every p-value is 1; without any in both the prior decides alone."""
    first, near = fisher_staircases(np.array([0, 4, 0]), np.array([3, 0, 0]), 0.05)
    assert not near.any()
    assert first.tolist() == [[1, 1, 1, 1], [5, 5, 5, 5], [1, 1, 1, 1]]
    first, _ = posterior_staircases(np.array([0, 0]), np.array([0, 0]), (8.0, 1.0), (1.0, 8.0), 0.9)
    assert first.tolist() == [[0], [0]]


def test_designs_do_not_influence_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of designs and the size of the groups that walk together change nothing."""
    n_t, n_c = np.array([30, 5, 80, 41, 5]), np.array([10, 50, 80, 0, 5])
    whole = posterior_staircases(n_t, n_c, (0.5, 0.5), (1.0, 2.0), 0.9)
    monkeypatch.setattr(walk, "ENTRIES", 200)
    turned = posterior_staircases(n_t[::-1], n_c[::-1], (0.5, 0.5), (1.0, 2.0), 0.9)
    assert np.array_equal(whole[0], turned[0][::-1])
    assert np.array_equal(whole[1], turned[1][::-1])
