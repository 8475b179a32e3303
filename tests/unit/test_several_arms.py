"""Several doses v one control: every number against counting every result in fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations
from math import comb, prod
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.several_arms import Counts, Decide, beats, chance, chosen, fisher_p, results, z_squared
from tests.tolerances import ROUNDING, monte_carlo

from anatrial.engine.several_arms import (
    Null,
    Simulated,
    best_chosen,
    familywise,
    patterns,
    point_laws,
    powers,
    prepared,
    simulate,
    worst_of,
    worst_of_all,
)
from anatrial.rng import stream
from anatrial.rules.several_arms import SeveralArmsRule
from anatrial.rules.several_decisions import Decisions, Graded, Sizes

TEST = {"kind": "fisher", "alpha": 0.2}
ALPHA = Fraction(1, 5)
UNIFORM = {"a": 1, "b": 1}


def decisions(rule: dict[str, Any], n: Counts) -> Decisions:
    """What a rule decides in a trial with these arms, the control first; doses are called d1, d2, ..."""
    adapter: TypeAdapter[Any] = TypeAdapter(SeveralArmsRule)
    names = tuple(f"d{d}" for d in range(1, len(n)))
    found: Decisions = adapter.validate_json(json.dumps(rule)).decisions(Sizes(n[0], names, n[1:]))
    return found


def p_values(x: Counts, n: Counts) -> list[Fraction]:
    return [fisher_p(x_d, n_d, x[0], n[0]) for x_d, n_d in zip(x[1:], n[1:], strict=True)]


def closed(n: Counts, together: str) -> Decide:
    """Closed testing by its definition: every set that holds the dose."""

    def rejects(x: Counts, doses: tuple[int, ...]) -> bool:
        p, m = sorted(p_values(x, n)[d] for d in doses), len(doses)
        if together == "bonferroni":
            return p[0] <= ALPHA / m
        if together == "simes":
            return any(value <= ALPHA * j / m for j, value in enumerate(p, start=1))
        pooled = sum(x[d + 1] for d in doses), sum(n[d + 1] for d in doses)
        return fisher_p(*pooled, x[0], n[0]) <= ALPHA

    def decide(x: Counts) -> tuple[bool, ...]:
        k = len(n) - 1
        sets = [s for m in range(1, k + 1) for s in combinations(range(k), m)]
        return tuple(all(rejects(x, s) for s in sets if d in s) for d in range(k))

    return decide


def hierarchical(n: Counts) -> Decide:
    """Dose 2 first, then dose 1."""

    def decide(x: Counts) -> tuple[bool, ...]:
        p = p_values(x, n)
        return p[1] <= ALPHA and p[0] <= ALPHA, p[1] <= ALPHA

    return decide


def largest_z(n: Counts, critical: float, *, all_arms: bool) -> Decide:
    def decide(x: Counts) -> tuple[bool, ...]:
        found = []
        for x_d, n_d in zip(x[1:], n[1:], strict=True):
            pooled = Fraction(sum(x), sum(n)) if all_arms else Fraction(x_d + x[0], n_d + n[0])
            square = z_squared(x_d, n_d, x[0], n[0], pooled)
            found.append(square > 0 and float(square) >= critical**2)
        return tuple(found)

    return decide


def posterior(n: Counts) -> Decide:
    return lambda x: tuple(beats(x_d, n_d, x[0], n[0]) > Fraction(4, 5) for x_d, n_d in zip(x[1:], n[1:], strict=True))


BELIEF = {
    "kind": "posterior",
    "certainty": 0.8,
    "analysis_prior": {"control": UNIFORM, "doses": {"d1": UNIFORM, "d2": UNIFORM}},
}
Z_4_4 = 1.168  # the largest of two z with correlation 1/2 passes it with chance 0.2; no table is within 0.05 of it
Z_4_3_4 = 1.177  # the same with correlation sqrt(3 4 / (7 8)); no table is within 0.03 of it
RULES: dict[str, tuple[dict[str, Any], Counts, Decide]] = {
    "bonferroni": (
        {"kind": "closed_testing", "test": TEST, "together": "bonferroni"},
        (4, 3, 4),
        closed((4, 3, 4), "bonferroni"),
    ),
    "simes": ({"kind": "closed_testing", "test": TEST, "together": "simes"}, (4, 4, 4), closed((4, 4, 4), "simes")),
    "simes-3": (
        {"kind": "closed_testing", "test": TEST, "together": "simes"},
        (4, 3, 2, 3),
        closed((4, 3, 2, 3), "simes"),
    ),
    "pooled": ({"kind": "closed_testing", "test": TEST, "together": "pooled"}, (4, 4, 3), closed((4, 4, 3), "pooled")),
    "pooled-3": (
        {"kind": "closed_testing", "test": TEST, "together": "pooled"},
        (3, 3, 2, 3),
        closed((3, 3, 2, 3), "pooled"),
    ),
    "hierarchical": ({"kind": "hierarchical", "order": ["d2", "d1"], "test": TEST}, (4, 4, 3), hierarchical((4, 4, 3))),
    "dunnett": (
        {"kind": "dunnett", "alpha": 0.2, "critical": "normal"},
        (4, 4, 4),
        largest_z((4, 4, 4), Z_4_4, all_arms=False),
    ),
    "all-arms": (
        {"kind": "dunnett", "alpha": 0.2, "critical": "normal", "statistic": "z_all_arms"},
        (4, 3, 4),
        largest_z((4, 3, 4), Z_4_3_4, all_arms=True),
    ),
    "posterior": (BELIEF, (4, 4, 3), posterior((4, 4, 3))),
}
RATES = (Fraction(1, 4), Fraction(2, 5), Fraction(7, 10), Fraction(1, 2))
CASES = pytest.mark.parametrize("name", list(RULES))


@CASES
def test_every_result_is_decided_by_the_definition(name: str) -> None:
    """The doses that succeed are those of the definition, result by result."""
    rule, n, decide = RULES[name]
    every = list(results(n))
    found = decisions(rule, n).of(np.array(every))
    assert [tuple(row) for row in found.tolist()] == [decide(x) for x in every]


@pytest.mark.parametrize(
    "name", [name for name in RULES if name != "pooled-3"]
)  # four arms that do not factor: simulated
def test_powers_are_sums_over_every_result(name: str) -> None:
    """At least one, all, and each dose, and the chance to choose the best, are the sums in fractions."""
    rule, n, decide = RULES[name]
    rates, k = RATES[: len(n)], len(n) - 1
    found = prepared(decisions(rule, n))
    some, every, each = powers(
        patterns(found, point_laws(found.sizes, np.array([rates], dtype=float)))[0], tuple(range(k))
    )
    assert some == pytest.approx(float(chance(n, rates, lambda x: any(decide(x)))), abs=ROUNDING)
    assert every == pytest.approx(float(chance(n, rates, lambda x: all(decide(x)))), abs=ROUNDING)
    for d in range(k):
        assert each[d] == pytest.approx(float(chance(n, rates, lambda x, d=d: decide(x)[d])), abs=ROUNDING)  # type: ignore[misc]
    best = max(range(k), key=lambda d: rates[d + 1])
    wanted = chance(n, rates, lambda x: chosen(x, n, decide(x)) == best)
    assert best_chosen(found, tuple(map(float, rates))) == pytest.approx(float(wanted), abs=ROUNDING)


@pytest.mark.parametrize("name", ["simes", "pooled", "all-arms", "hierarchical"])
def test_familywise_error_counts_successes_of_idle_doses_only(name: str) -> None:
    """With one dose that works, an error is a success of the other."""
    rule, n, decide = RULES[name]
    found = prepared(decisions(rule, n))
    null = Null((0.0, 1.0), 0.0, (0,), (None, 0.7))
    rate = Fraction(3, 10)
    wanted = chance(n, (rate, rate, Fraction(7, 10)), lambda x: decide(x)[0])
    assert familywise(found, null, np.array([0.3]))[0] == pytest.approx(float(wanted), abs=ROUNDING)


@pytest.mark.parametrize("name", ["bonferroni", "simes", "pooled", "hierarchical", "posterior", "dunnett"])
def test_the_worst_common_rate_is_found_and_bounded(name: str) -> None:
    """No rate on a grid of thousandths has a larger error than the proven bound, which is near the found one."""
    rule, n, decide = RULES[name]
    found = prepared(decisions(rule, n))
    k = len(n) - 1
    error = worst_of(found, Null((0.0, 1.0), 0.0, tuple(range(k)), (None,) * k))
    hits = np.array([any(decide(x)) for x in results(n)])
    counts = np.array(list(results(n)))
    ways = np.array([prod(comb(size, count) for size, count in zip(n, x, strict=True)) for x in counts[hits].tolist()])
    total = counts[hits].sum(axis=1)
    grid = np.linspace(0, 1, 1001)[:, None]
    along = (ways * grid**total * (1 - grid) ** (sum(n) - total)).sum(axis=1)
    assert along.max() <= error.bound + ROUNDING
    assert error.bound - error.found <= 1e-6
    assert error.found == pytest.approx(along.max(), abs=1e-5)  # the grid misses the top by that much at most


def test_strong_control_is_over_every_set_of_idle_doses() -> None:
    """Closed and exact tests hold strongly; a hierarchy's worst case is its second dose with the first at rate 1."""
    rule, n, _ = RULES["hierarchical"]
    found = prepared(decisions(rule, n))
    strong = worst_of_all(found, (0.0, 1.0), 0.0)
    alone = [worst_of(found, Null((0.0, 1.0), 0.0, *idle)).found for idle in (((0,), (None, 1.0)), ((1,), (1.0, None)))]
    assert strong.proven
    assert strong.error.found == pytest.approx(max(alone), abs=1e-9)
    assert strong.error.found <= 0.2


def test_where_other_doses_can_lower_an_error_the_worst_is_sought_on_a_grid() -> None:
    """With the variance of all arms a working dose moves the z of the other: no bound over its rate is claimed."""
    rule, n, _ = RULES["all-arms"]
    found = prepared(decisions(rule, n))
    strong = worst_of_all(found, (0.1, 0.4), 0.0)
    assert not strong.proven
    weak = worst_of(found, Null((0.1, 0.4), 0.0, (0, 1), (None, None)))
    assert strong.error.found >= weak.found


@pytest.mark.parametrize("statistic", ["z", "fisher"])
def test_the_exact_critical_value_is_the_least_that_holds_its_level(statistic: str) -> None:
    """Its familywise error stays at most alpha; with the next table let in, counting shows that alpha is passed."""
    n, alpha = (6, 5, 4), 0.1
    found = decisions({"kind": "dunnett", "alpha": alpha, "statistic": statistic}, n)
    assert isinstance(found, Graded)
    assert worst_of(found, Null((0.0, 1.0), 0.0, (0, 1), (None, None))).bound <= alpha

    def extreme(x: int, n_d: int, x_c: int) -> Fraction:
        if statistic == "fisher":
            return -fisher_p(x, n_d, x_c, n[0])
        return z_squared(x, n_d, x_c, n[0], Fraction(x + x_c, n_d + n[0]))

    inside = [[extreme(x, n_d, x_c) for x in range(n_d + 1) for x_c in range(n[0] + 1) if grade[x, x_c]]
              for n_d, grade in zip(n[1:], found.grades, strict=True)]  # fmt: skip
    least = min(min(values) for values in inside)
    outside = [extreme(x, n_d, x_c) for n_d in n[1:] for x in range(n_d + 1) for x_c in range(n[0] + 1)]
    after = max(value for value in outside if value < least)

    def one_more(x: Counts) -> bool:
        return any(extreme(x_d, n_d, x[0]) >= after for x_d, n_d in zip(x[1:], n[1:], strict=True))

    errors = [chance(n, (Fraction(i, 50),) * 3, one_more) for i in range(1, 50)]
    assert max(errors) > Fraction(1, 10)


def test_p_values_just_on_a_share_of_alpha_reject() -> None:
    """3 of 3 v 0 of 7 has Fisher's p = 1/120, a third of 0.025: of three doses Bonferroni's test rejects it."""
    found = decisions(
        {"kind": "closed_testing", "test": {"kind": "fisher", "alpha": 0.025}, "together": "bonferroni"}, (7, 3, 3, 3)
    )
    assert found.of(np.array([[0, 3, 0, 0]])).tolist() == [[True, False, False]]


@pytest.mark.parametrize("name", ["simes-3", "pooled-3", "all-arms"])
def test_simulated_trials_agree_with_counting(name: str) -> None:
    """Power, error and choice of 200,000 simulated trials lie within four standard errors of the sums in fractions."""
    rule, n, decide = RULES[name]
    rates, k, draws = RATES[: len(n)], len(n) - 1, 200_000
    found = decisions(rule, n)
    best = max(range(k), key=lambda d: rates[d + 1])
    spec = Simulated(found, point_laws(found.sizes, np.array([rates], dtype=float)), (best,), (0,))
    tally = dict(simulate(spec, stream(1, "a test"), draws).sums)
    wanted = {
        "power": chance(n, rates, lambda x: any(decide(x))),
        "power_all": chance(n, rates, lambda x: all(decide(x))),
        "familywise_error": chance(n, rates, lambda x: decide(x)[0]),
        "best_dose_chosen": chance(n, rates, lambda x: chosen(x, n, decide(x)) == best),
    }
    for metric, exact in wanted.items():
        value = tally[metric].estimate().value
        assert abs(value - float(exact)) <= monte_carlo(float(exact), draws), metric
