"""What holds for every two-arm test at any size and level."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import TESTS, decided, sided

from anatrial.engine import type_one
from anatrial.rules.score import Score
from anatrial.rules.unconditional import Unconditional

NAMES = st.sampled_from(sorted(TESTS))
UNCONDITIONAL = st.sampled_from(
    [name for name, (model, _) in sorted(TESTS.items()) if issubclass(model, Unconditional)]
)
ALPHAS = st.floats(0.003, 0.4)
SIZES = st.integers(1, 14)


@settings(max_examples=40, deadline=None)
@given(NAMES, ALPHAS, SIZES, SIZES)
def test_swapping_the_arms_swaps_success_and_harm(test: str, alpha: float, n_t: int, n_c: int) -> None:
    """A two-sided test does not care which arm is called treatment, but for tables too close to alpha to tell."""
    rule = sided(test, alpha, two_sided=True)
    there, back = decided(rule, n_t, n_c), decided(rule, n_c, n_t)
    if not (there.ties or back.ties):
        assert (there.success.grid == back.harm.grid.T).all()
        assert (there.harm.grid == back.success.grid.T).all()


@settings(max_examples=40, deadline=None)
@given(UNCONDITIONAL, ALPHAS, st.booleans(), SIZES, SIZES)
def test_unconditional_tests_keep_their_level(test: str, alpha: float, two_sided: bool, n_t: int, n_c: int) -> None:
    """No rate has a type I error above alpha, on a grid that knows nothing of the proof."""
    regions = decided(sided(test, alpha, two_sided=two_sided), n_t, n_c)
    assert type_one.along(regions, np.linspace(0, 1, 400), 0.0).max() <= alpha


@settings(max_examples=40, deadline=None)
@given(UNCONDITIONAL, ALPHAS, ALPHAS, SIZES, SIZES)
def test_a_higher_level_rejects_more(test: str, one: float, other: float, n_t: int, n_c: int) -> None:
    """Regions are nested in alpha."""
    smaller, larger = (decided(sided(test, a, two_sided=True), n_t, n_c) for a in sorted((one, other)))
    assert not (smaller.success.grid & ~larger.success.grid).any()
    assert not (smaller.harm.grid & ~larger.harm.grid).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(-600, 600), ALPHAS, SIZES, SIZES)
def test_the_score_test_keeps_its_level_at_and_below_the_margin(
    thousandths: int, alpha: float, n_t: int, n_c: int
) -> None:
    """Neither at the margin nor where treatment is still worse does any rate have a size above alpha."""
    margin = thousandths / 1000
    regions = decided(Score(kind="score", alpha=alpha, margin=margin), n_t, n_c)
    assert regions.success.staircase is not None
    for worse in (0.0, 0.1):
        edge = max(margin - worse, -1.0)
        rates = np.linspace(max(0.0, -edge), min(1.0, 1.0 - edge), 200)
        assert type_one.along(regions, rates, edge).max() <= alpha * (1 + 1e-9)
