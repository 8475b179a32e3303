"""Basket trials against fractions over every table, mpmath integrals, published programs and simulated trials."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from math import comb

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np
import pytest
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo, printed

from anatrial.designs.basket import Arm, Basket
from anatrial.domain.prior import PriorRef
from anatrial.engine.basket import (
    Drawn,
    Won,
    characteristics,
    every_table,
    familywise,
    joint,
    judge,
    least_certainty,
    mixed_errors,
    simulate,
    won,
)
from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.similarity import divergence, weights
from anatrial.rules.basket import Independent, Shared
from anatrial.truths.basket import BasketNoEffect, BasketPoints, BasketPriors

UNIFORM = PriorRef(a=1, b=1)
NOTHING = BasketNoEffect(kind="no_effect")


def design(*arms: tuple[int, float]) -> Basket:
    """Baskets a, b, ... of (patients, benchmark)."""
    return Basket(kind="basket", baskets={"abcdef"[k]: Arm(n=n, benchmark=rate) for k, (n, rate) in enumerate(arms)})


def points(**rates: float) -> BasketPoints:
    """Known rates."""
    return BasketPoints(kind="points", rates=rates)


def decided(rule: Independent | Shared, plan: Basket) -> Won:
    """The wins of a rule with a stated certainty."""
    counts = every_table(plan.sizes)
    return won(judge(rule, plan).probabilities(counts), counts, rule.certainty or 0.0)


def jensen_shannon(first: tuple[float, float], second: tuple[float, float]) -> float:
    """The divergence by integration in 30 digits on the scale of rates."""

    def density(x: mp.mpf, a: float, b: float) -> mp.mpf:
        return x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)

    def gap(x: mp.mpf) -> mp.mpf:
        p, q = density(x, *first), density(x, *second)
        return sum(part * mp.log(2 * part / (p + q)) for part in (p, q) if part > 0) / 2

    with mp.workdps(30):
        return float(mp.quad(gap, [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]))


@pytest.mark.parametrize(
    ("first", "second"), [((1, 11), (4, 8)), ((3, 8), (9, 2)), ((60, 41), (50, 51)), ((0.5, 10.5), (3.5, 7.5))]
)
def test_divergence_is_that_of_high_precision(first: tuple[float, float], second: tuple[float, float]) -> None:
    """The sum over log odds is the integral over rates."""
    found = float(divergence(np.array([first]), np.array([second]))[0, 0])
    assert found == pytest.approx(jensen_shannon(first, second), abs=QUADRATURE)


def test_divergence_at_its_ends() -> None:
    """A Beta does not differ from itself, and two that share nothing differ by ln 2; the table is symmetric."""
    shapes = np.array([(1.0 + x, 41.0 - x) for x in range(41)])
    found = divergence(shapes, shapes)
    assert np.diag(found) == pytest.approx(np.zeros(41), abs=ROUNDING)
    assert found[0, 40] == pytest.approx(math.log(2), abs=QUADRATURE)
    assert np.abs(found - found.T).max() < ROUNDING
    with pytest.raises(ValueError, match=r"shapes of at least 0\.1: 0\.05"):
        divergence(np.array([(0.05, 1.0)]), shapes)


def test_weights_by_hand() -> None:
    """Similarity 0.8 squared is 0.64; at or below the threshold nothing is borrowed."""
    found = weights(np.array([[0.0, 0.2, 0.5]]), 2.0, 0.25)
    assert found.tolist() == [[1.0, pytest.approx(0.64), 0.0]]


@pytest.mark.parametrize(("threshold", "each", "any_"), [(0.0, 0.02158174, 0.03600149), (0.5, 0.03239555, 0.06315308)])
def test_error_is_that_of_baskexact(threshold: float, each: float, any_: float) -> None:
    """Three baskets of 24 against 0.2, certainty 0.99: the exact errors that R's baskexact (test-toer.R) prints.

    Fujikawa et al. (2020) simulated 0.035 and 0.063 of the familywise error.
    """
    plan = design(*[(24, 0.2)] * 3)
    rule = Shared(kind="shared", analysis_prior=UNIFORM, certainty=0.99, sharpness=2.0, threshold=threshold)
    metrics = {
        m.name: m.estimate.value
        for m in characteristics(decided(rule, plan), NOTHING.laws(plan.diseases), ("a", "b", "c"))
    }
    assert [metrics["a"], metrics["b"], metrics["c"]] == pytest.approx([each] * 3, abs=printed(8))
    assert metrics["familywise_error"] == pytest.approx(any_, abs=printed(8))


def test_independent_baskets_in_fractions() -> None:
    """Every number of two small baskets is the sum over their twelve tables, in fractions."""
    plan = design((3, 0.25), (2, 0.5))
    rule = Independent(kind="independent", analysis_prior=UNIFORM, certainty=0.7)
    rates, marks = (Fraction(3, 5), Fraction(1, 2)), (Fraction(1, 4), Fraction(1, 2))

    def wins(x: int, n: int, mark: Fraction) -> bool:  # P(p > mark) under Beta(1 + x, 1 + n - x): a binomial tail
        tail = sum(comb(n + 1, k) * mark**k * (1 - mark) ** (n + 1 - k) for k in range(x + 1))
        return tail > Fraction(7, 10)

    expected = {"power_a": Fraction(0), "type_i_error_b": Fraction(0), "any_won": Fraction(0), "all_right": Fraction(0)}
    for table in itertools.product(range(4), range(3)):
        pairs = list(zip(table, (3, 2), strict=True))
        chance = math.prod(
            (comb(n, x) * p**x * (1 - p) ** (n - x) for (x, n), p in zip(pairs, rates, strict=True)), start=Fraction(1)
        )
        won_a, won_b = (wins(x, n, mark) for (x, n), mark in zip(pairs, marks, strict=True))
        expected["power_a"] += chance * won_a
        expected["type_i_error_b"] += chance * won_b
        expected["any_won"] += chance * (won_a or won_b)
        expected["all_right"] += chance * (won_a and not won_b)
    labels = ("power_a", "type_i_error_b")
    found = {
        m.name: m.estimate.value
        for m in characteristics(decided(rule, plan), points(a=0.6, b=0.5).laws(plan.diseases), labels)
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), rel=ROUNDING)
    assert found["familywise_error"] == pytest.approx(float(expected["type_i_error_b"]), rel=ROUNDING)
    assert found["expected_won"] == pytest.approx(float(expected["power_a"] + expected["type_i_error_b"]), rel=ROUNDING)


def test_shared_posterior_by_hand() -> None:
    """Each posterior is the sum of both, the other one weighted by its similarity: here of high precision."""
    plan = design((3, 0.4), (2, 0.4))
    rule = Shared(kind="shared", analysis_prior=UNIFORM, certainty=0.9, sharpness=1.5, threshold=0.0)
    found = judge(rule, plan).probabilities(np.array([[2], [0]]))[:, 0]
    weight = (1 - jensen_shannon((3, 2), (1, 3))) ** 1.5
    shapes = ((3 + weight * 1, 2 + weight * 3), (1 + weight * 3, 3 + weight * 2))
    expected = [float(mp.betainc(a, b, 0.4, 1, regularized=True)) for a, b in shapes]
    assert found.tolist() == pytest.approx(expected, abs=QUADRATURE)


def test_nothing_is_borrowed_from_the_unlike() -> None:
    """With a threshold that no pair of different counts passes, sharing decides as each basket alone would."""
    plan = design((4, 0.3), (4, 0.3))
    shared = Shared(kind="shared", analysis_prior=UNIFORM, certainty=0.8, sharpness=100.0, threshold=0.999)
    alone = Independent(kind="independent", analysis_prior=UNIFORM, certainty=0.8)
    counts = every_table(plan.sizes)
    differ = counts[0] != counts[1]
    one, other = (judge(rule, plan).probabilities(counts)[:, differ] for rule in (shared, alone))
    assert one == pytest.approx(other, rel=ROUNDING)


def test_least_certainty_keeps_the_error_and_a_smaller_one_does_not() -> None:
    """Ten thousandths are turned until the familywise error just holds."""
    plan = design((10, 0.2), (8, 0.2), (6, 0.3))
    rule = Shared(kind="shared", analysis_prior=UNIFORM, familywise_alpha=0.05)
    counts = every_table(plan.sizes)
    best = judge(rule, plan).probabilities(counts).max(axis=0)
    chances = joint(NOTHING.laws(plan.diseases)[0])
    found = least_certainty(best, chances, 0.05)
    assert found == round(found, 4)
    assert familywise(best, chances, found) <= 0.05 < familywise(best, chances, found - 1e-4)
    tiny = np.array([1.0, 0.5])
    with pytest.raises(ComputationError, match=r"no certainty below 1 keeps the familywise error at 0\.05"):
        least_certainty(tiny, np.array([0.4, 0.6]), 0.05)


def test_mixtures_are_products_without_sharing() -> None:
    """Judged alone, the familywise error of idle baskets is one minus the product of their chances not to win."""
    plan = design((5, 0.2), (7, 0.3), (4, 0.25))
    rule = Independent(kind="independent", analysis_prior=UNIFORM, certainty=0.85)
    found = decided(rule, plan)
    each = [float(law @ row) for law, row in zip(NOTHING.laws(plan.diseases)[0], _wins_alone(rule, plan), strict=True)]
    rows = mixed_errors(found, points(a=0.5, b=0.6, c=0.5).laws(plan.diseases), NOTHING.laws(plan.diseases))
    for row in rows:
        choices = itertools.combinations(range(3), row.idle)
        worst = max(1 - math.prod(1 - each[k] for k in idle) for idle in choices)
        assert row.error == pytest.approx(worst, rel=ROUNDING)
    assert [row.idle for row in rows] == [1, 2, 3]


def _wins_alone(rule: Independent, plan: Basket) -> list[FloatArray]:
    """1 for the counts of each basket that win."""
    from scipy.stats import beta

    level = rule.certainty or 0.0
    tails = [
        np.array([beta.sf(arm.benchmark, 1 + x, 1 + arm.n - x) for x in range(arm.n + 1)])
        for arm in plan.baskets.values()
    ]
    return [np.where(tail > level, 1.0, 0.0) for tail in tails]


@pytest.mark.parametrize("priors", [False, True])
def test_simulated_baskets_agree(priors: bool) -> None:
    """Rates, patients and posteriors drawn one trial at a time give the enumerated numbers."""
    plan = design((6, 0.3), (5, 0.4), (6, 0.3))
    rule = Shared(kind="shared", analysis_prior=UNIFORM, certainty=0.9, threshold=0.3)
    if priors:
        rates = {name: PriorRef(a=2, b=3) for name in "abc"}
        laws = BasketPriors(kind="design_prior", rates=rates).laws(plan.diseases)
    else:
        laws = points(a=0.6, b=0.4, c=0.3).laws(plan.diseases)
    labels, trials = ("win_a", "win_b", "win_c"), 40_000
    exact = {m.name: m.estimate.value for m in characteristics(decided(rule, plan), laws, labels)}
    drawn = Drawn(judge(rule, plan), 0.9, laws, labels)
    tally = simulate(drawn, np.random.default_rng(11), trials)
    for metric in tally.metrics():
        spread = 3.0 if metric.name.startswith("expected") else 1.0
        gap = monte_carlo(min(exact[metric.name] / spread, 1.0), trials) * spread
        assert metric.estimate.value == pytest.approx(exact[metric.name], abs=gap)
    assert {metric.name for metric in tally.metrics()} == set(exact)
    rng = np.random.default_rng(12)
    p = rng.beta(2, 3, size=(3, trials)) if priors else np.repeat([[0.6], [0.4], [0.3]], trials, axis=1)
    counts = rng.binomial(np.array([[6], [5], [6]]), p)
    wins = judge(rule, plan).probabilities(counts) > 0.9
    idle = p <= np.array([[0.3], [0.4], [0.3]])
    for name, seen in (("all_right", (wins != idle).all(axis=0)), ("familywise_error", (wins & idle).any(axis=0))):
        assert float(seen.mean()) == pytest.approx(exact[name], abs=monte_carlo(exact[name], trials))
