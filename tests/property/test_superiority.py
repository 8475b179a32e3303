"""Laws that hold for every prior and every result."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tolerances import ROUNDING

from anatrial.numerics import FloatArray
from anatrial.numerics.superiority import (
    by_quadrature,
    by_recurrence,
    greater_than_rate,
    posterior_weights,
    probability_greater,
)


class Arm(NamedTuple):
    """A prior and how many patients follow it."""

    parts: FloatArray
    n: int

    @property
    def turned(self) -> Arm:
        """The same arm counted by failures."""
        return Arm(self.parts[:, [0, 2, 1]], self.n)


shapes = st.one_of(st.floats(1e-3, 2.0), st.floats(0.5, 60.0), st.floats(100.0, 1e5))
margins = st.one_of(st.just(0.0), st.floats(-0.95, 0.95), st.floats(1e-9, 1e-3))


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    """One to three parts of any shapes, up to 25 patients."""
    raw = draw(st.lists(st.tuples(st.floats(0.05, 1.0), shapes, shapes), min_size=1, max_size=3))
    parts = np.array(raw)
    parts[:, 0] /= parts[:, 0].sum()
    return Arm(parts, draw(st.integers(0, 25)))


@settings(deadline=None, max_examples=60)
@given(arms(), arms())
def test_the_engines_agree(treatment: Arm, control: Arm) -> None:
    """Recurrence and quadrature agree for any pair of mixtures."""
    difference = by_recurrence(*treatment, *control) - by_quadrature(*treatment, *control, 0.0)
    assert np.abs(difference).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(arms(), arms(), margins)
def test_swapping_arms_gives_the_complement(treatment: Arm, control: Arm, margin: float) -> None:
    """P(p_t > p_c + m) and P(p_c > p_t - m) add up to 1."""
    there = probability_greater(*treatment, *control, margin)
    back = probability_greater(*control, *treatment, -margin)
    assert np.abs(there + back.T - 1).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(arms(), arms(), margins)
def test_swapping_arms_and_outcomes_changes_nothing(treatment: Arm, control: Arm, margin: float) -> None:
    """Counting failures instead of responders in swapped arms is the same comparison."""
    there = probability_greater(*treatment, *control, margin)
    back = probability_greater(*control.turned, *treatment.turned, margin)
    assert np.abs(there - back.T[::-1, ::-1]).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(arms(), arms(), margins)
def test_more_responders_help_their_own_arm(treatment: Arm, control: Arm, margin: float) -> None:
    """The probability lies in [0, 1], rises with x_t and falls with x_c, for mixtures too."""
    grid = probability_greater(*treatment, *control, margin)
    assert grid.shape == (treatment.n + 1, control.n + 1)
    assert grid.min() >= 0
    assert grid.max() <= 1
    assert (np.diff(grid, axis=0) > -ROUNDING).all()
    assert (np.diff(grid, axis=1) < ROUNDING).all()


@settings(deadline=None, max_examples=40)
@given(arms(), arms(), margins, st.floats(0.0, 0.04))
def test_a_larger_margin_is_harder(treatment: Arm, control: Arm, margin: float, more: float) -> None:
    """The probability falls as the margin rises, across 0 and across both engines."""
    harder = probability_greater(*treatment, *control, margin + more)
    assert (harder <= probability_greater(*treatment, *control, margin) + ROUNDING).all()


@settings(deadline=None, max_examples=40)
@given(arms(), arms(), margins)
def test_a_mixture_of_equal_parts_is_one_part(treatment: Arm, control: Arm, margin: float) -> None:
    """Splitting a part into equal ones changes nothing (self-test of the weights)."""
    single = treatment.parts[:1] / [treatment.parts[0, 0], 1.0, 1.0]
    split = np.vstack([single * [weight, 1.0, 1.0] for weight in (0.2, 0.5, 0.3)])
    whole = probability_greater(single, treatment.n, *control, margin)
    assert np.abs(probability_greater(split, treatment.n, *control, margin) - whole).max() < ROUNDING


@settings(deadline=None, max_examples=40)
@given(arms(), arms(), margins, st.floats(0.0, 1.0))
def test_two_batches_equal_one_update(treatment: Arm, control: Arm, margin: float, share: float) -> None:
    """A prior that was updated by hand, with no patients to come, gives the tables of the whole trial."""
    (_, a, b), n, x = treatment.parts.T, treatment.n, round(share * treatment.n)
    updated = np.column_stack([posterior_weights(*treatment)[x], a + x, b + (n - x)])
    later = probability_greater(updated, 0, *control, margin)[0]
    assert np.abs(later - probability_greater(*treatment, *control, margin)[x]).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(arms(), st.integers(0, 1024))
def test_a_fixed_rate_splits_the_posterior(arm: Arm, steps: int) -> None:
    """P(p > r) rises with x, and counting failures against 1 - r gives the complement."""
    rate = steps / 1024  # so that 1 - rate is exact
    above, below = greater_than_rate(*arm, rate), greater_than_rate(*arm.turned, 1.0 - rate)[::-1]
    assert (np.diff(above) > -ROUNDING).all()
    assert np.abs(above + below - 1).max() < ROUNDING


@settings(deadline=None, max_examples=60)
@given(arms())
def test_weights_add_up(arm: Arm) -> None:
    """Posterior weights are positive or 0 and add up to 1 for every count."""
    weights = posterior_weights(*arm)
    assert weights.shape == (arm.n + 1, len(arm.parts))
    assert weights.min() >= 0
    assert np.abs(weights.sum(axis=1) - 1).max() < ROUNDING
