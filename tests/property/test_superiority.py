"""Laws that hold for every prior and every result."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anatrial.numerics import FloatArray
from anatrial.numerics.superiority import (
    by_quadrature,
    by_recurrence,
    greater_than_rate,
    posterior_weights,
    probability_greater,
)
from tests.tolerances import ROUNDING

shapes = st.one_of(st.floats(1e-3, 2.0), st.floats(0.5, 60.0), st.floats(100.0, 1e5))
sizes = st.integers(0, 25)
margins = st.one_of(st.just(0.0), st.floats(-0.95, 0.95), st.floats(1e-9, 1e-3))


@st.composite
def mixtures(draw: st.DrawFn, most: int = 3) -> FloatArray:
    """One to ``most`` parts of any shapes."""
    raw = draw(st.lists(st.tuples(st.floats(0.05, 1.0), shapes, shapes), min_size=1, max_size=most))
    parts = np.array(raw)
    parts[:, 0] /= parts[:, 0].sum()
    return parts


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes, mixtures(), sizes)
def test_the_engines_agree(parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int) -> None:
    """Recurrence and quadrature agree for any pair of mixtures."""
    difference = by_recurrence(parts_t, n_t, parts_c, n_c) - by_quadrature(parts_t, n_t, parts_c, n_c, 0.0)
    assert np.abs(difference).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes, mixtures(), sizes, margins)
def test_swapping_arms_gives_the_complement(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float
) -> None:
    """P(p_t > p_c + m) and P(p_c > p_t - m) add up to 1."""
    there = probability_greater(parts_t, n_t, parts_c, n_c, margin)
    back = probability_greater(parts_c, n_c, parts_t, n_t, -margin)
    assert np.abs(there + back.T - 1).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes, mixtures(), sizes, margins)
def test_swapping_arms_and_outcomes_changes_nothing(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float
) -> None:
    """Counting failures instead of responders in swapped arms is the same comparison."""
    there = probability_greater(parts_t, n_t, parts_c, n_c, margin)
    back = probability_greater(parts_c[:, [0, 2, 1]], n_c, parts_t[:, [0, 2, 1]], n_t, margin)
    assert np.abs(there - back.T[::-1, ::-1]).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes, mixtures(), sizes, margins)
def test_more_responders_help_their_own_arm(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float
) -> None:
    """The probability lies in [0, 1], rises with x_t and falls with x_c, for mixtures too."""
    grid = probability_greater(parts_t, n_t, parts_c, n_c, margin)
    assert grid.shape == (n_t + 1, n_c + 1)
    assert grid.min() >= 0 <= 1 >= grid.max()
    assert (np.diff(grid, axis=0) > -ROUNDING).all()
    assert (np.diff(grid, axis=1) < ROUNDING).all()


@settings(deadline=None, max_examples=40)
@given(mixtures(), sizes, mixtures(), sizes, margins, st.floats(0.0, 0.04))
def test_a_larger_margin_is_harder(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float, more: float
) -> None:
    """The probability falls as the margin rises, across 0 and across both engines."""
    harder = probability_greater(parts_t, n_t, parts_c, n_c, margin + more)
    assert (harder <= probability_greater(parts_t, n_t, parts_c, n_c, margin) + ROUNDING).all()


@settings(deadline=None, max_examples=40)
@given(shapes, shapes, sizes, mixtures(), sizes, margins)
def test_a_mixture_of_equal_parts_is_one_part(
    a: float, b: float, n_t: int, parts_c: FloatArray, n_c: int, margin: float
) -> None:
    """Splitting a part into equal ones changes nothing (self-test of the weights)."""
    single = np.array([[1.0, a, b]])
    split = np.array([[0.2, a, b], [0.5, a, b], [0.3, a, b]])
    difference = probability_greater(split, n_t, parts_c, n_c, margin) - probability_greater(
        single, n_t, parts_c, n_c, margin
    )
    assert np.abs(difference).max() < ROUNDING


@settings(deadline=None, max_examples=40)
@given(mixtures(), st.integers(1, 20), mixtures(), st.integers(0, 10), margins, st.data())
def test_two_batches_equal_one_update(
    parts_t: FloatArray, n_t: int, parts_c: FloatArray, n_c: int, margin: float, data: st.DataObject
) -> None:
    """A prior that was updated by hand, with no patients to come, gives the table of the whole trial."""
    x_t = data.draw(st.integers(0, n_t))
    updated = np.column_stack([posterior_weights(parts_t, n_t)[x_t], parts_t[:, 1] + x_t, parts_t[:, 2] + n_t - x_t])
    later = probability_greater(updated, 0, parts_c, n_c, margin)[0]
    assert np.abs(later - probability_greater(parts_t, n_t, parts_c, n_c, margin)[x_t]).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes, st.floats(0.0, 1.0))
def test_a_fixed_rate_splits_the_posterior(parts: FloatArray, n: int, rate: float) -> None:
    """P(p > r) rises with x, and counting failures against 1 - r gives the complement."""
    above = greater_than_rate(parts, n, rate)
    assert (np.diff(above) > -ROUNDING).all()
    below = greater_than_rate(parts[:, [0, 2, 1]], n, 1.0 - rate)[::-1]
    if 1.0 - (1.0 - rate) == rate:  # else 1 - rate is not the same point
        assert np.abs(above + below - 1).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(mixtures(), sizes)
def test_weights_add_up(parts: FloatArray, n: int) -> None:
    """Posterior weights are positive or 0 and add up to 1 for every count."""
    weights = posterior_weights(parts, n)
    assert weights.shape == (n + 1, len(parts))
    assert weights.min() >= 0
    assert np.abs(weights.sum(axis=1) - 1).max() < ROUNDING
