"""Boundaries for adverse events, and a trial that ends by efficacy or for safety: against counting every sequence."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from tests.tolerances import ROUNDING

from anatrial.designs.safety import Bound, ByCounts, ByPosterior, CountStep, SafetyEvent
from anatrial.domain.counts import Look
from anatrial.domain.prior import PriorRef
from anatrial.engine.safety import Ending, kept, with_safety

LOOKS = (Look(4, 2), Look(8, 6))


def first_stop(events: tuple[int, ...], bounds: tuple[Bound, ...]) -> int | None:
    """The check at which a sequence of events (1) and none (0) stops the trial."""
    return next((m for m, least in bounds if sum(events[:m]) >= least), None)


def chance(events: tuple[int, ...], rate: Fraction) -> Fraction:
    """Of one sequence."""
    return rate ** sum(events) * (1 - rate) ** (len(events) - sum(events))


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(1, 20), Fraction(1, 3), Fraction(1)])
@pytest.mark.parametrize(
    "bounds",
    [(Bound(8, 3),), (Bound(2, 1), Bound(5, 3), Bound(8, 4)), tuple(Bound(m, 2) for m in range(2, 9))],
)
def test_the_chance_of_no_stop_is_the_sum_over_all_sequences(rate: Fraction, bounds: tuple[Bound, ...]) -> None:
    """P(no stop by m) is the probability of every sequence of eight patients that has met no bound by then."""
    found = kept(bounds, float(rate), 8)
    for m in range(9):
        still = [events for events in product((0, 1), repeat=8) if (first_stop(events, bounds) or 99) > m]
        assert found[m] == pytest.approx(float(sum(chance(events, rate) for events in still)), abs=ROUNDING)


@pytest.mark.parametrize(("limit", "certainty"), [("0.1", "0.9"), ("0.25", "0.8"), ("0.3", "0.5")])
def test_posterior_bounds_are_the_least_counts_by_whole_numbers(limit: str, certainty: str) -> None:
    """Under a uniform prior the least count is the one at which a binomial sum passes the certainty."""
    stop = ByPosterior(kind="posterior", limit=float(limit), certainty=float(certainty), prior=PriorRef(a=1.0, b=1.0))
    event = SafetyEvent(name="fever", stop=stop)
    level = Fraction(limit)
    for m, least in event.bounds((Look(12, 0),)):
        above = [
            sum(comb(m + 1, i) * level**i * (1 - level) ** (m + 1 - i) for i in range(x + 1)) for x in range(m + 1)
        ]
        assert least == next(x for x, sure in enumerate(above) if sure > Fraction(certainty))


def test_a_posterior_at_its_certainty_does_not_stop() -> None:
    """After 0 of 1 under Beta(1, 1), P(rate > 1/2) is 1/4: not above a certainty of 0.25, which 1 of 1 passes."""
    stop = ByPosterior(kind="posterior", limit=0.5, certainty=0.25, prior=PriorRef(a=1.0, b=1.0))
    assert tuple(stop.least((1,))) == (Bound(1, 1),)


def test_posterior_bounds_of_a_prior_in_parts_agree_with_mpmath() -> None:
    """With two parts the posterior is their mixture, each weighted by how well it predicted the count."""
    parts = ((0.7, 0.5, 4.5), (0.3, 1.0, 1.0))
    spec = PriorRef.model_validate_json(
        '{"parts": [{"weight": 0.7, "a": 0.5, "b": 4.5}, {"weight": 0.3, "a": 1, "b": 1}]}'
    )
    stop = ByPosterior(kind="posterior", limit=0.15, certainty=0.9, prior=spec)
    for m, least in stop.least((3, 7, 15, 30)):
        sure = []
        for x in (least - 1, least):
            weights = [w * mpmath.beta(a + x, b + m - x) / mpmath.beta(a, b) for w, a, b in parts]
            tails = [mpmath.betainc(a + x, b + m - x, 0.15, 1, regularized=True) for _, a, b in parts]
            sure.append(float(sum(w * t for w, t in zip(weights, tails, strict=True)) / sum(weights)))
        assert sure[0] <= 0.9 < sure[1]


def test_count_bounds_are_those_of_the_steps_still_open() -> None:
    """2 of the first 5 or 3 of the first 8: until patient 5 two events stop, after it three, after patient 8 none."""
    steps = (CountStep(events=2, patients=5), CountStep(events=3, patients=8))
    event = SafetyEvent(name="fever", stop=ByCounts(kind="counts", steps=steps))
    expected = [(2, 2), (3, 2), (4, 2), (5, 2), (6, 3), (7, 3), (8, 3)]
    assert event.bounds((Look(10, 0),)) == tuple(Bound(*pair) for pair in expected)


def test_checks_are_after_every_patient_or_at_looks_or_where_stated() -> None:
    """The three ways to say when the count is looked at."""
    stop = ByCounts(kind="counts", steps=(CountStep(events=1, patients=8),))
    every = SafetyEvent(name="fever", stop=stop)
    looks = SafetyEvent(name="fever", stop=stop, checks="looks")
    stated = SafetyEvent(name="fever", stop=stop, checks="stated", at=(3, 7))
    found = [event.checked_after(LOOKS) for event in (every, looks, stated)]
    assert found == [(1, 2, 3, 4, 5, 6, 7, 8), (4, 8), (3, 7)]


ENDS = ((Fraction(1, 3), Fraction(1, 4)), (Fraction(2, 3), Fraction(1, 2)))  # per look: ends there, with success
WAITING = (Look(2, 1), Look(0, 0))


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1, 2)])
def test_efficacy_and_safety_together_are_the_sum_over_looks_and_sequences(rate: Fraction) -> None:
    """Success, stop and patients per arm: each look at which efficacy ends the trial, with every event sequence."""
    bounds = (Bound(2, 2), Bound(4, 2), Bound(7, 3))
    success = stop = treatment = control = Fraction(0)
    controls = [Fraction(m, 2) for m in range(5)] + [2 + Fraction(m - 4) for m in range(5, 9)]  # 2 at 4, then 6 at 8
    for events in product((0, 1), repeat=8):
        at = first_stop(events, bounds)
        for (ends, wins), look, wait in zip(ENDS, LOOKS, WAITING, strict=True):
            weight = chance(events, rate)
            if at is None or at > look.n_t:
                success += weight * wins
                treatment += weight * ends * (look.n_t + wait.n_t)
                control += weight * ends * (look.n_c + wait.n_c)
            else:
                stop += weight * ends
                late = min(WAITING[0 if at <= 4 else 1].n_t, 8 - at), WAITING[0 if at <= 4 else 1].n_c
                treatment += weight * ends * (at + late[0])
                control += weight * ends * (controls[at] + late[1])
    endings = tuple(
        Ending(look, float(ends), float(wins), wait)
        for (ends, wins), look, wait in zip(ENDS, LOOKS, WAITING, strict=True)
    )
    found = with_safety(endings, kept(bounds, float(rate), 8))
    expected = [float(value) for value in (success, stop, treatment, control)]
    assert list(found) == pytest.approx(expected, abs=ROUNDING)


def test_expected_events_are_the_rate_times_the_patients() -> None:
    """Wald's identity: the mean number of events until the stop is the rate times the mean number of patients."""
    rate, bounds = Fraction(1, 5), tuple(Bound(m, 2) for m in range(2, 9))
    events = Fraction(0)
    for sequence in product((0, 1), repeat=8):
        at = first_stop(sequence, bounds) or 8
        events += chance(sequence, rate) * sum(sequence[:at])
    found = with_safety((Ending(Look(8, 0), 1.0, 0.0),), kept(bounds, float(rate), 8))
    assert float(rate) * found.treatment == pytest.approx(float(events), abs=ROUNDING)


def test_without_events_safety_changes_nothing() -> None:
    """At rate 0 the trial is the one without safety."""
    endings = (Ending(LOOKS[0], 0.4, 0.3), Ending(LOOKS[1], 0.6, 0.5))
    found = with_safety(endings, kept((Bound(1, 1),), 0.0, 8))
    assert (found.success, found.stop, found.patients) == pytest.approx((0.8, 0.0, 0.4 * 6 + 0.6 * 14), abs=ROUNDING)


def test_a_look_that_adds_control_patients_only_has_the_same_check() -> None:
    """Where treatment does not grow between two looks, stops before the second cost no more control patients."""
    endings = (Ending(Look(4, 2), 0.5, 0.0), Ending(Look(4, 4), 0.5, 0.0))
    found = with_safety(endings, np.array([1.0, 1.0, 0.5, 0.5, 0.5]))
    assert (found.treatment, found.control) == pytest.approx((3.0, 0.5 * 1 + 0.5 * 3), abs=ROUNDING)
