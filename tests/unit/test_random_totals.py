"""Numbers analysed that are random: summed over, against patients counted one by one in fractions."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, prod

import pytest
from tests.building import HEAD, posterior, resolved, sided
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.engine import random_totals
from anatrial.engine.random_totals import at_rates, completing, planned_to_randomise, powers, regions_at
from anatrial.errors import ComputationError, InputError
from anatrial.plan.evaluate import evaluate

BODY = """
[design]
kind = "fixed"
n = { treatment = 3, control = 4 }

[rule]
kind = "fisher"
alpha = 0.2

[truths.expected]
kind = "points"
rates = { treatment = 0.8, control = 0.2 }
rates_among = "completers"
dropout = { treatment = 0.25, control = 0.2, counted = "excluded" }

[[targets]]
metric = "power_random_n"
truth = "expected"
at_least = 0.1
"""


@cache
def rejects(n_t: int, n_c: int, x_t: int, x_c: int) -> bool:
    """Fisher's one-sided test at 1/5, in whole numbers; no test without both arms."""
    k = x_t + x_c
    tail = sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
    return n_t > 0 and n_c > 0 and 5 * tail <= comb(n_t + n_c, k)


def by_patients(n: tuple[int, int], stay: tuple[Fraction, Fraction], rates: tuple[Fraction, Fraction]) -> Fraction:
    """Power with every patient gone, a failure or a responder: all sequences of them, one by one."""
    arms = []
    for size, stays, rate in zip(n, stay, rates, strict=True):
        chances = {"gone": 1 - stays, "failure": stays * (1 - rate), "responder": stays * rate}
        arm: dict[tuple[int, int], Fraction] = {}
        for fates in product(chances, repeat=size):
            key = (size - fates.count("gone"), fates.count("responder"))
            arm[key] = arm.get(key, Fraction(0)) + prod(chances[fate] for fate in fates)
        arms.append(arm)
    return sum(
        (
            p * q
            for (n_t, x_t), p in arms[0].items()
            for (n_c, x_c), q in arms[1].items()
            if rejects(n_t, n_c, x_t, x_c)
        ),
        Fraction(0),
    )


def test_numbers_analysed_are_summed_over() -> None:
    """Power of a trial that loses patients is the sum over who stays, to rounding, and so the run says it."""
    exact = by_patients((4, 5), (Fraction(3, 4), Fraction(4, 5)), (Fraction(4, 5), Fraction(1, 5)))
    result = evaluate(resolved(BODY))
    found = result.of("expected").metric("power_random_n").estimate
    assert found.value == pytest.approx(float(exact), rel=ROUNDING)
    row = result.tables[0].rows[0]
    assert row[:2] == ("expected", "4 + 5")
    assert row[2] == result.of("expected").metric("power").estimate.value
    assert row[3] == found.value
    full = Fraction(3, 4) ** 3 * (Fraction(3, 4) + 4 * Fraction(1, 4)), Fraction(4, 5) ** 4 * (Fraction(4, 5) + 1)
    assert row[4] == pytest.approx(float(1 - full[0] * full[1]), rel=ROUNDING)


def test_nobody_leaves() -> None:
    """Without drop-out the numbers analysed are those planned, for certain."""
    totals = completing(Look(7, 5), (0.0, 0.0))
    assert totals.looks == (Look(7, 5),)
    assert totals.chances.tolist() == [1.0]


def test_what_is_left_out_hardly_happens() -> None:
    """The pairs of totals that are kept lack at most 1e-15 together, and almost half of all pairs are left out."""
    totals = completing(Look(63, 63), (0.2, 0.2))
    assert 0 < totals.left_out <= random_totals.LEFT_OUT
    assert totals.chances.sum() == pytest.approx(1.0, rel=ROUNDING)
    assert len(totals.looks) < 64 * 64 / 2


def test_patients_to_randomise() -> None:
    """As many are randomised as leave the planned number on average, rounded up; a whole number is not raised."""
    assert planned_to_randomise(Look(40, 9), (0.35, 0.1)) == Look(62, 10)
    assert planned_to_randomise(Look(20, 0), (0.5, 0.0)) == Look(40, 0)


@pytest.mark.parametrize("flat", [True, False])
def test_the_fast_way_decides_the_same(*, flat: bool) -> None:
    """Boundaries walked for many totals at once are the regions asked for one by one."""
    rule = posterior([[1, 1, 1]], [[1, 1, 1]], 0.95) if flat else sided("fisher", 0.05, two_sided=False)
    looks = [Look(n_t, n_c) for n_t in range(1, 12) for n_c in range(1, 9)]
    found = regions_at(rule, [*looks, Look(0, 3), Look(3, 0)], single_arm=False)
    assert set(found) == set(looks)
    for look in looks:
        assert found[look].success == rule.regions((look,))[0].success
        assert not found[look].harm.runs


def test_pairs_without_an_arm_are_no_success() -> None:
    """Nothing is compared where an arm is empty."""
    chances = powers({}, [Look(0, 4), Look(4, 0)], at_rates(0.9, 0.1))
    assert chances.tolist() == [0.0, 0.0]


def test_too_many_tables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule without a fast way stops at a stated number of tables, instead of running for hours."""
    monkeypatch.setattr(random_totals, "MOST_CELLS", 100)
    with pytest.raises(ComputationError, match="1 pairs of numbers analysed have 121 tables, more than the 100"):
        regions_at(sided("boschloo", 0.05, two_sided=False), [Look(10, 10)], single_arm=False)


def test_too_many_steps_of_boundaries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast way stops at a stated number of steps, instead of filling the memory."""
    monkeypatch.setattr(random_totals, "MOST_STEPS", 20)
    with pytest.raises(ComputationError, match="of 2 pairs of numbers analysed have 21 steps, more than the 20"):
        regions_at(sided("fisher", 0.05, two_sided=False), [Look(10, 10), Look(10, 9)], single_arm=False)


def test_nearly_everybody_leaves() -> None:
    """Of 40,000 in each arm 1 in 1,000 stays: not every pair of totals is held, and the kept ones are as binomial."""
    totals = completing(Look(40_000, 40_000), (0.999, 0.999))
    assert len(totals.looks) < 20_000
    assert 0 < totals.left_out <= random_totals.LEFT_OUT
    assert totals.chances.sum() == pytest.approx(1.0, rel=ROUNDING)
    at = totals.looks.index(Look(40, 41))
    stay = Fraction(1, 1000)
    law = [comb(40_000, k) * stay**k * (1 - stay) ** (40_000 - k) for k in (40, 41)]
    assert totals.chances[at] == pytest.approx(float(law[0]) * float(law[1]), rel=1e-10)


def test_more_patients_than_are_counted() -> None:
    """A drop-out that nobody could make up for is told, and without a target on it the run goes on."""
    left = "dropout = { treatment = 0.99999994039535522, control = 0.2"  # all but 1 in 2^24
    body = BODY.replace("dropout = { treatment = 0.25, control = 0.2", left)
    told = "50,331,648 patients of an arm, more than the 1,000,000 enumerated"
    with pytest.raises(ComputationError, match=told):
        evaluate(resolved(body))
    assert any(told in note for note in evaluate(resolved(body.replace("power_random_n", "power"))).notes)


def test_a_single_arm_that_loses_patients() -> None:
    """One arm against a fixed rate: the sum over its completers, in fractions."""
    body = (
        BODY.replace(", control = 4", "")
        .replace(", control = 0.2", "")
        .replace("n = { treatment = 3", "n = { treatment = 6")
    )
    body = body.replace('kind = "fisher"\nalpha = 0.2', 'kind = "exact_binomial"\nnull_rate = 0.4\nalpha = 0.3')
    result = evaluate(resolved(body))
    stay, rate, power = Fraction(3, 4), Fraction(4, 5), Fraction(0)
    for n in range(1, 9):
        least = next((x for x in range(n + 1) if binomial_tail(n, x, Fraction(2, 5)) <= Fraction(3, 10)), n + 1)
        power += comb(8, n) * stay**n * (1 - stay) ** (8 - n) * binomial_tail(n, least, rate)
    assert result.of("expected").metric("power_random_n").estimate.value == pytest.approx(float(power), rel=ROUNDING)


def binomial_tail(n: int, least: int, rate: Fraction) -> Fraction:
    """P(at least so many of n)."""
    return sum((comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(least, n + 1)), Fraction(0))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("excluded", "as_non_responders", 'a truth whose dropout is counted = "excluded"'),
        (
            'kind = "fixed"\nn = { treatment = 3, control = 4 }',
            'kind = "sequential"\nlooks = [{ treatment = 3, control = 4 }, { treatment = 6, control = 8 }]',
            "a design with one analysis",
        ),
    ],
)
def test_targets_on_numbers_that_are_not_random(old: str, new: str, expected: str) -> None:
    """A target on random numbers needs them to be random."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + BODY.replace(old, new), "x.toml")
    told = {fault[:3] for fault in caught.value.faults}
    assert ("x.toml: targets 1, metric", "power_random_n", expected) in told
