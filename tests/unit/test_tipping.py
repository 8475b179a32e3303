"""The search for tipping points finds what exact functions with known crossings have: steps, humps, noise, gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest

from anatrial.documents.sweeps import TippingPoint
from anatrial.domain.results import Bound, Estimate, Verdict, exactly, judged
from anatrial.domain.tipping import Crossing
from anatrial.plan.tipping import Answer, Number, answered, crossings, grid, located

Value = Callable[[Number], Estimate]


def path(lowest: Number, highest: Number, **more: float) -> TippingPoint:
    """A number that moves, as a file writes it."""
    return TippingPoint.model_validate({"path": "a.number", "from": lowest, "to": highest, **more})


def verdict(estimate: Estimate, threshold: float, bound: Bound = "at_least") -> Verdict:
    """A target on one number."""
    return Verdict(judged(estimate, bound, threshold), "power", "expected", estimate, bound, threshold)


class Counted:
    """Answers one target per function, and remembers what it was asked."""

    def __init__(self, *targets: tuple[Value, float, Bound], failing: Callable[[Number], bool] | None = None) -> None:
        self.targets, self.failing = targets, failing
        self.calls: list[list[tuple[int, Number]]] = []

    def __call__(self, wanted: Sequence[tuple[int, Number]]) -> list[Answer]:
        self.calls.append(list(wanted))
        return [self.answer(value) for _, value in wanted]

    def answer(self, value: Number) -> Answer:
        if self.failing is not None and self.failing(value):
            return "it does not settle"
        return tuple(verdict(of(value), threshold, bound) for of, threshold, bound in self.targets)


def along(point: TippingPoint, ask: Counted) -> dict[Number, Answer]:
    """What is known of one path."""
    (known,) = located([point], ask)
    return known


def ends(crossing: Crossing) -> tuple[tuple[float, str], tuple[float, str]]:
    """Both sides of a crossing with their outcomes."""
    before, after = crossing.before, crossing.after
    return (before.at, before.verdict.outcome), (after.at, after.verdict.outcome)


def falling(value: Number) -> Estimate:
    """0.9 - x / 3, exactly."""
    return exactly(float(Fraction(9, 10) - Fraction(repr(value)) / 3))


def hump(value: Number) -> Estimate:
    """x (1 - x): 0.2 at (1 -+ sqrt(0.2)) / 2 = 0.27639 and 0.72361."""
    return exactly(float(Fraction(repr(value)) * (1 - Fraction(repr(value)))))


def test_a_falling_number_is_pinned_down_to_the_resolution() -> None:
    """0.9 - x / 3 is at least 0.8 up to x = 0.3 itself, and no longer at the next multiple of 0.001."""
    known = along(path(0, 1), Counted((falling, 0.8, "at_least")))
    (only,) = crossings(known, 0)
    assert ends(only) == ((0.3, "PASS"), (0.301, "FAIL"))
    assert not only.unanswered


@pytest.mark.parametrize("threshold", [Fraction(k, 97) for k in range(60, 87, 3)])
def test_wherever_the_crossing_lies_it_is_between_the_two_sides(threshold: Fraction) -> None:
    """The place where 0.9 - x / 3 meets a threshold is 3 (0.9 - t): within the two sides, 0.0007 apart or less."""
    known = along(path(0.05, 0.95, points=8, resolution=0.0007), Counted((falling, float(threshold), "at_least")))
    (only,) = crossings(known, 0)
    truth = 3 * (Fraction(9, 10) - threshold)
    (before, said), (after, then) = ends(only)
    assert (said, then) == ("PASS", "FAIL")
    assert Fraction(repr(before)) <= truth + Fraction(1, 10**12) < Fraction(repr(after)) + Fraction(2, 10**12)
    assert 0 < Fraction(repr(after)) - Fraction(repr(before)) <= Fraction(7, 10**4)


def test_a_path_may_go_down() -> None:
    """From 1 down to 0 the first number at which 0.9 - x / 3 reaches 0.8 is 0.3, and it fails until 0.301."""
    known = along(path(1, 0), Counted((falling, 0.8, "at_least")))
    assert list(known) == sorted(known, reverse=True)
    (only,) = crossings(known, 0)
    assert ends(only) == ((0.301, "FAIL"), (0.3, "PASS"))


def test_of_a_hump_the_first_side_is_pinned_down_and_the_other_told() -> None:
    """x (1 - x) passes 0.2 at 0.2764 and falls below it again at 0.7236, between the grid's 0.7 and 0.75."""
    known = along(path(0.0, 1.0), Counted((hump, 0.2, "at_most")))
    first, second = crossings(known, 0)
    assert ends(first) == ((0.276, "PASS"), (0.277, "FAIL"))
    assert ends(second) == ((0.7, "FAIL"), (0.75, "PASS"))


def test_a_hump_between_two_numbers_of_the_grid_is_not_seen() -> None:
    """With 0, 1/4, 1/2, 3/4, 1 tried, x (1 - x) above 0.249 (0.468 to 0.532) is seen; with 0, 1/3, 2/3, 1 it is not."""
    assert len(crossings(along(path(0.0, 1.0, points=5), Counted((hump, 0.249, "at_most"))), 0)) == 2
    assert not crossings(along(path(0.0, 1.0, points=4), Counted((hump, 0.249, "at_most"))), 0)


def test_whole_numbers_stay_whole() -> None:
    """floor(n / 7) / 10 reaches 0.5 at n = 35: 34 fails, 35 holds, and nothing but whole numbers is asked for."""
    ask = Counted((lambda n: exactly(n // 7 / 10), 0.5, "at_least"))
    known = along(path(10, 61, points=5, resolution=1), ask)
    assert all(type(value) is int for value in known)
    assert ends(crossings(known, 0)[0]) == ((34, "FAIL"), (35, "PASS"))
    assert grid(path(10, 61, points=5, resolution=1)) == (10, 23, 36, 48, 61)  # 10, 22.75, 35.5, 48.25, 61
    assert grid(path(1, 4, resolution=1)) == (1, 2, 3, 4)


def test_whole_ends_with_a_fine_resolution_are_no_whole_numbers() -> None:
    """From 0 to 1 by 0.001 there are numbers between."""
    assert grid(path(0, 1, points=3)) == (0.0, 0.5, 1.0)
    assert [type(value) for value in grid(path(0, 1, points=3))] == [float] * 3


def test_the_numbers_tried_are_written_without_rounding_errors() -> None:
    """Steps of 0.075 from 0 lead to 0.225, not to 0.22499999999999998; halves are multiples of the resolution."""
    point = path(0, 1.5)
    assert grid(point)[:4] == (0.0, 0.075, 0.15, 0.225)
    known = along(point, Counted((falling, 0.75, "at_least")))
    assert all(len(repr(value)) <= 5 for value in known)


def test_a_target_that_never_flips_costs_the_grid_only() -> None:
    """Where every outcome is the same there is no crossing, and no second call."""
    ask = Counted((falling, 0.1, "at_least"))
    known = along(path(0, 1), ask)
    assert not crossings(known, 0)
    assert [len(call) for call in ask.calls] == [21]
    assert {held.verdict.outcome for held in answered(known, 0)} == {"PASS"}


def test_all_grids_are_asked_for_at_once_and_all_intervals_together() -> None:
    """Two paths of two targets: one call for both grids, then at most one number per target and path per round."""
    ask = Counted((falling, 0.8, "at_least"), (falling, 0.7, "at_least"))
    both = located([path(0, 1), path(1, 0, points=11)], ask)
    assert len(ask.calls[0]) == 21 + 11
    assert all(len(call) <= 4 for call in ask.calls[1:])
    assert len(ask.calls) <= 1 + math.ceil(math.log2(0.1 / 0.001)) + 1
    asked = [one for call in ask.calls for one in call]
    assert len(asked) == len(set(asked))
    for known in both:
        assert {crossings(known, target)[0].before.at for target in (0, 1)} <= {0.3, 0.301, 0.6, 0.601}


def test_an_interval_around_a_number_without_an_answer_is_not_pinned_down() -> None:
    """No answer at 0.3: that the target flips between 0.25 and 0.35 is told with the gap, and nothing is halved."""
    ask = Counted((falling, 0.8, "at_least"), failing=lambda value: value == 0.3)
    known = along(path(0, 1), ask)
    (only,) = crossings(known, 0)
    assert ends(only) == ((0.25, "PASS"), (0.35, "FAIL"))
    assert only.unanswered == (0.3,)
    assert len(ask.calls) == 1


def test_halving_stops_where_a_half_has_no_answer() -> None:
    """Between 0.28 and 0.32 nothing is answered: the first half at 0.3 has none, and the gap is told."""
    ask = Counted((falling, 0.8, "at_least"), failing=lambda value: 0.28 <= value <= 0.32)
    (only,) = crossings(along(path(0, 1, points=11), ask), 0)
    assert only.unanswered == (0.3,)
    assert ends(only) == ((0.2, "PASS"), (0.4, "FAIL"))


def test_without_an_answer_at_the_start_nothing_is_pinned_down() -> None:
    """There is no outcome to differ from; changes between later numbers are still told."""
    ask = Counted((falling, 0.8, "at_least"), failing=lambda value: value == 0)
    known = along(path(0, 1), ask)
    assert ends(crossings(known, 0)[0]) == ((0.3, "PASS"), (0.35, "FAIL"))
    assert len(ask.calls) == 1


@pytest.mark.parametrize("seed", range(6))
def test_simulated_numbers_pass_through_inconclusive_and_are_not_halved_into_their_noise(seed: int) -> None:
    """With an error of 0.004 nothing can be told between 0.26 and 0.34, 3.29 errors around the crossing at 0.3: what
    holds lies below it, what fails above, and no interval is halved to the resolution."""

    def simulated(value: Number) -> Estimate:
        rng = np.random.default_rng([seed, round(value * 10**6)])
        seen = 0.9 - value / 3 + 0.004 * float(rng.standard_normal())
        return Estimate(seen, seen - 3.29 * 0.004, seen + 3.29 * 0.004, 0.004, 10_000)

    known = along(path(0, 1, points=5), Counted((simulated, 0.8, "at_least")))
    first, second = crossings(known, 0)
    assert [end[1] for end in (*ends(first), *ends(second))] == ["PASS", "INCONCLUSIVE", "INCONCLUSIVE", "FAIL"]
    assert 0.2 < first.before.at < 0.3 < second.after.at < 0.4
    assert all(abs(one.after.at - one.before.at) > 0.002 for one in (first, second))


def test_simulated_numbers_far_from_their_noise_are_halved_as_exact_ones() -> None:
    """A step from 0.9 to 0.7 at 0.37 is found to 0.001 whatever the Monte Carlo error of 0.003 says of its height."""

    def step(value: Number) -> Estimate:
        mean = 0.9 if value <= 0.37 else 0.7
        return Estimate(mean, mean - 0.01, mean + 0.01, 0.003, 10_000)

    known = along(path(0, 1), Counted((step, 0.8, "at_least")))
    assert ends(crossings(known, 0)[0]) == ((0.37, "PASS"), (0.371, "FAIL"))


def test_a_resolution_finer_than_numbers_go_ends() -> None:
    """A resolution of 1e-300 ends at two neighbouring numbers of the computer around the crossing at 1/3."""
    ask = Counted((lambda x: exactly(float(x <= 1 / 3)), 0.5, "at_least"))
    (only,) = crossings(along(path(0.0, 1.0, resolution=1e-300), ask), 0)
    assert only.before.at == 1 / 3
    assert only.after.at == math.nextafter(1 / 3, 1)
