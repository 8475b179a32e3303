"""The rules ``go_no_go`` and ``equivalence``, counted in fractions: polynomials integrated term by term."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, factorial
from typing import Any

import pytest
from tests.building import resolved
from tests.tolerances import ROUNDING

from anatrial.domain.results import Evaluation
from anatrial.plan.evaluate import evaluate

Polynomial = list[Fraction]
Shapes = tuple[int, int]
Table = tuple[int, int]
N_T, N_C = 9, 7
TABLES = tuple(product(range(N_T + 1), range(N_C + 1)))


def times(one: Polynomial, two: Polynomial) -> Polynomial:
    """Product of two polynomials, lowest power first."""
    out = [Fraction(0)] * (len(one) + len(two) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(two):
            out[i + j] += a * b
    return out


def power_of(base: Polynomial, exponent: int) -> Polynomial:
    """A polynomial to a whole power."""
    out = [Fraction(1)]
    for _ in range(exponent):
        out = times(out, base)
    return out


def upper_tail(shapes: Shapes, shift: Fraction) -> Polynomial:
    """P(rate > p + shift) under a Beta of whole shapes, as a polynomial in p: a binomial lower tail."""
    n = sum(shapes) - 1
    total = [Fraction(0)] * (n + 1)
    for k in range(shapes[0]):
        term = times(power_of([shift, Fraction(1)], k), power_of([1 - shift, Fraction(-1)], n - k))
        total = [a + comb(n, k) * b for a, b in zip(total, term, strict=True)]
    return total


@cache
def exceeds(treatment: Shapes, control: Shapes, by: Fraction) -> Fraction:
    """P(treatment rate - control rate > by) for whole shapes, exactly."""
    if by < 0:
        return 1 - exceeds(control, treatment, -by)
    (a, b), highest = control, 1 - by
    density = times([Fraction(0)] * (a - 1) + [Fraction(1)], power_of([Fraction(1), Fraction(-1)], b - 1))
    scale = Fraction(factorial(a + b - 1), factorial(a - 1) * factorial(b - 1))
    whole = times(density, upper_tail(treatment, by))
    return scale * sum(c * highest ** (i + 1) / (i + 1) for i, c in enumerate(whole))


def after(table: Table) -> tuple[Shapes, Shapes]:
    """The posteriors of both arms under uniform priors."""
    x_t, x_c = table
    return (1 + x_t, 1 + N_T - x_t), (1 + x_c, 1 + N_C - x_c)


def mass(tables: set[Table], rate_t: Fraction, rate_c: Fraction) -> float:
    """Probability of a set of tables under known rates."""

    def law(n: int, rate: Fraction, x: int) -> Fraction:
        return comb(n, x) * rate**x * (1 - rate) ** (n - x)

    return float(sum((law(N_T, rate_t, x_t) * law(N_C, rate_c, x_c) for x_t, x_c in tables), Fraction(0)))


TRUTHS = {"a": (Fraction(3, 5), Fraction(1, 4)), "b": (Fraction(1, 4), Fraction(1, 4))}


def ran(rule: str, *truths: str) -> Evaluation:
    """The evaluation of a scenario of 9 v 7 with this rule, under the known rates and the truths that are named."""
    known = "\n".join(
        f'{name} = {{ kind = "points", rates = {{ treatment = {float(t)}, control = {float(c)} }} }}'
        for name, (t, c) in TRUTHS.items()
    )
    return evaluate(
        resolved(f"""
        design = {{ kind = "fixed", n = {{ treatment = {N_T}, control = {N_C} }} }}
        targets = [{{ metric = "power", truth = "a", at_least = 0.0 }}]
        [rule]
        analysis_prior = {{ treatment = {{ a = 1, b = 1 }}, control = {{ a = 1, b = 1 }} }}
        {rule}
        [truths]
        {known}
        {" ".join(truths)}
        """)
    )


def decisions() -> Iterator[tuple[str, set[Table], set[Table]]]:
    """What ``overlap`` can say, with the tables of go and of no-go that it leaves."""
    go = {t for t in TABLES if exceeds(*after(t), Fraction(0)) > Fraction(4, 5)}
    no_go = {t for t in TABLES if 1 - exceeds(*after(t), Fraction(3, 10)) > Fraction(4, 5)}
    assert go & no_go
    assert set(TABLES) - go - no_go
    yield "no_go", go - no_go, no_go
    yield "consider", go - no_go, no_go - go


@pytest.mark.parametrize(("overlap", "go", "no_go"), list(decisions()))
def test_go_no_go_by_counting_every_table(overlap: str, go: set[Table], no_go: set[Table]) -> None:
    """Regions and the probabilities of all outcomes are those of deciding each of 80 tables in fractions."""
    result = ran(f"""
        kind = "go_no_go"
        go = [{{ direction = "greater", threshold = 0.0, certainty = 0.8 }}]
        no_go = [{{ direction = "less", threshold = 0.3, certainty = 0.8 }}]
        overlap = "{overlap}"
        """)
    futility = result.regions.futility
    assert futility is not None
    assert {t for t in TABLES if t in result.regions.success} == go
    assert {t for t in TABLES if t in futility} == no_go
    both = {t for t in TABLES if exceeds(*after(t), Fraction(0)) > Fraction(4, 5)} - go
    for name, rates in TRUTHS.items():
        found = result.of(name)
        outcomes: dict[str, Any] = {
            "power": go,
            "no_go": no_go,
            "consider": set(TABLES) - go - no_go,
            "overlap": both,
        }
        for metric, tables in outcomes.items():
            assert found.metric(metric).estimate.value == pytest.approx(mass(tables, *rates), rel=1e-11, abs=ROUNDING)
    assert result.of("b").metric("type1_at").estimate.value == pytest.approx(mass(go, *TRUTHS["b"]), rel=1e-11)


def test_equivalence_by_counting_every_table() -> None:
    """The band is that of the joint probability in fractions, and its chances those of its tables."""
    result = ran('kind = "equivalence"\nlower = -0.3\nupper = 0.2\ncertainty = 0.6')
    ends = Fraction(-3, 10), Fraction(1, 5)
    inside = {t for t in TABLES if exceeds(*after(t), ends[0]) - exceeds(*after(t), ends[1]) > Fraction(3, 5)}
    apart = {t for t in TABLES if exceeds(*after(t), ends[0]) > Fraction(3, 5) > exceeds(*after(t), ends[1])}
    assert {t for t in TABLES if t in result.regions.success} == inside
    assert inside
    assert inside < apart
    for name, rates in TRUTHS.items():
        power = result.of(name).metric("power").estimate.value
        assert power == pytest.approx(mass(inside, *rates), rel=1e-11, abs=ROUNDING)
    assert result.of("a").metric("type1_at").estimate.value == pytest.approx(mass(inside, *TRUTHS["a"]), rel=1e-11)
    assert not result.of("b").has("type1_at")
