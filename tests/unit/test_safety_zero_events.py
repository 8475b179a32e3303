"""Seeing a rare event at all: against powers of fractions and printed numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.tolerances import ROUNDING, printed

from anatrial.numerics import zero_events


@pytest.mark.parametrize(("n", "rate"), [(0, "0.1"), (1, "0.3"), (22, "0.09"), (2000, "0.0001"), (5, "0"), (5, "1")])
def test_the_chance_to_see_one_is_one_minus_a_power(n: int, rate: str) -> None:
    """At least one event in n patients: 1 - (1 - rate)^n in fractions."""
    assert zero_events.seen(n, float(rate)) == pytest.approx(float(1 - (1 - Fraction(rate)) ** n), abs=ROUNDING)


@pytest.mark.parametrize(("rate", "n"), [(0.5, 5), (0.1, 29), (0.05, 59), (0.01, 299), (0.001, 2995), (1.0, 1)])
def test_the_patients_needed_are_the_fewest_by_whole_numbers(rate: float, n: int) -> None:
    """The fewest n with (1 - rate)^n at most 0.05; 59 and 299 are the numbers that textbooks print."""
    exact = Fraction(repr(rate))
    assert (1 - exact) ** n <= Fraction(1, 20)
    assert n == 1 or (1 - exact) ** (n - 1) > Fraction(1, 20)
    assert zero_events.patients_to_see(rate) == n


def test_a_chance_that_is_met_exactly_is_met() -> None:
    """With rate 1/2 three patients show one with chance 7/8, however the power is rounded."""
    assert zero_events.patients_to_see(0.5, 0.875) == 3


def test_an_event_that_never_happens_is_never_seen() -> None:
    """No number of patients shows an event of rate 0; one of 10^-9 would need more than are searched."""
    assert zero_events.patients_to_see(0.0) is None
    assert zero_events.patients_to_see(1e-9) is None


@pytest.mark.parametrize(("n", "percent"), [(10, 25.9), (20, 13.9), (30, 9.5), (100, 3.0)])
def test_upper_limits_after_none_are_the_printed_ones(n: int, percent: float) -> None:
    """The exact limits beside the rule of three, 1 - 0.05^(1/n) in per cent, to one decimal."""
    assert 100 * zero_events.upper_after_none(n) == pytest.approx(percent, abs=printed(1))


def test_after_none_the_upper_limit_leaves_one_in_twenty() -> None:
    """At the limit the chance to see no event is 0.05, as a fraction of the rate that was found."""
    limit = zero_events.upper_after_none(22)
    assert float((1 - Fraction(limit)) ** 22) == pytest.approx(0.05, abs=ROUNDING)


@pytest.mark.parametrize(("b", "n"), [(1, 19), (9, 171)])
def test_a_believed_rate_needs_more_patients(b: int, n: int) -> None:
    """Under Beta(1, b) no event in n has probability b / (b + n): 0.05 at n = 19 b."""
    parts = np.array([[1.0, 1.0, float(b)]])
    assert zero_events.seen_believed(n, parts) == pytest.approx(float(1 - Fraction(b, b + n)), abs=ROUNDING)
    assert zero_events.patients_to_see_believed(parts) == n


def test_a_believed_rate_in_parts_is_their_mean() -> None:
    """The chance under a prior in two parts is the weighted mean of theirs, in fractions."""
    parts = np.array([[0.25, 2.0, 3.0], [0.75, 1.0, 4.0]])
    none = Fraction(1, 4) * Fraction(3 * 4 * 5 * 6, 5 * 6 * 7 * 8) + Fraction(3, 4) * Fraction(4, 8)
    assert zero_events.seen_believed(4, parts) == pytest.approx(float(1 - none), abs=ROUNDING)


def test_a_prior_next_to_zero_needs_more_than_anyone_can_treat() -> None:
    """Beta(0.05, 5) gives rates next to 0 so much weight that ten million patients are not enough."""
    assert zero_events.patients_to_see_believed(np.array([[1.0, 0.05, 5.0]])) is None
