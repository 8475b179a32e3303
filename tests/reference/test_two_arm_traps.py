"""Figures of two-arm tests that the project stands for, and where other programs err: each one digit by digit."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tests.building import decided, points, sided
from tests.tolerances import printed

from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.numerics.two_by_two import p_values, unconditional_p_values
from anatrial.rules.base import SidedTest
from anatrial.rules.boschloo import Boschloo
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.fisher_midp import FisherMidp
from anatrial.rules.z_pooled import ZPooled
from anatrial.rules.z_unpooled import ZUnpooled


def size_at(held: set[tuple[int, int]], n_t: int, n_c: int, rate: Fraction) -> Fraction:
    """Probability of the tables at one rate for both arms."""
    return sum(
        (
            comb(n_t, x_t) * comb(n_c, x_c) * rate ** (x_t + x_c) * (1 - rate) ** (n_t + n_c - x_t - x_c)
            for x_t, x_c in held
        ),
        Fraction(0),
    )


@pytest.mark.parametrize("name", ["Boschloo two-sided", "Boschloo doubled", "Barnard pooled two-sided"])
def test_anajis(name: str) -> None:
    """ANAJIS, 8 of 12 v 1 of 12, two-sided: Boschloo and both forms of Barnard give 0.0033."""
    assert unconditional_p_values(8, 12, 1, 12)[name] == pytest.approx(0.0033, abs=printed(4))
    assert unconditional_p_values(8, 12, 1, 12)["Barnard unpooled two-sided"] == pytest.approx(0.0033, abs=printed(4))


ANAJIS: list[tuple[SidedTest, float, float]] = [
    (Boschloo(kind="boschloo", alpha_two_sided=0.05), 0.8954, 0.0449),
    (Boschloo(kind="boschloo", alpha_two_sided=0.05, two_sided_by="no_more_likely"), 0.8954, 0.0449),
    (ZPooled(kind="z_pooled", alpha_two_sided=0.05), 0.8954, 0.0449),
    (ZUnpooled(kind="z_unpooled", alpha_two_sided=0.05), 0.8954, 0.0449),
    (FisherMidp(kind="fisher_midp", alpha_two_sided=0.05, two_sided_by="doubled"), 0.8954, 0.0449),
    (ChiSquare(kind="chi_square", alpha_two_sided=0.05), 0.9202, 0.0640),
]


@pytest.mark.parametrize(("rule", "chance", "size"), ANAJIS, ids=lambda value: getattr(value, "kind", ""))
def test_anajis_plan(rule: SidedTest, chance: float, size: float) -> None:
    """12 v 12 at 0.7 v 0.1, two-sided 5 %: Boschloo and Barnard have power 0.8954 and a size of at most 0.0449."""
    regions = decided(rule, 12, 12)
    assert power(regions, points(0.7, 0.1))[0] == pytest.approx(chance, abs=printed(4))
    assert type_one.worst(regions, (0.0, 1.0), 0.0).bound == pytest.approx(size, abs=printed(4))


def test_anastills() -> None:
    """anaSTILLs, 6 of 6 v 0 of 5: Fisher's one-sided p is 1/462, one table of all."""
    assert p_values(6, 6, 0, 5)["Fisher one-sided"] == pytest.approx(1 / 462, rel=1e-12)


def test_a_tie_that_is_not_dropped() -> None:
    """9 of 13 v 1 of 7, two-sided by pooled z: 0.0271; without the table of equal |z| it would be 0.0225."""
    assert unconditional_p_values(9, 13, 1, 7)["Barnard pooled two-sided"] == pytest.approx(0.0271, abs=printed(4))
    lead = {
        (x_t, x_c): Fraction((7 * x_t - 13 * x_c) ** 2, max((x_t + x_c) * (20 - x_t - x_c), 1))
        for x_t in range(14)
        for x_c in range(8)
    }
    dropped = {table for table, z in lead.items() if z > lead[9, 1]} | {(9, 1)}
    worst = max(float(size_at(dropped, 13, 7, Fraction(k, 200))) for k in range(201))
    assert worst == pytest.approx(0.0225, abs=printed(4))


def test_a_tie_that_scipy_breaks() -> None:
    """32 of 60 v 10 of 30 by pooled z, one-sided: 0.0659, the supremum over all tables with z at least as large.

    scipy 1.17 gives 0.0577, because equal z differ in their last bit there.
    """
    found = unconditional_p_values(32, 60, 10, 30)["Barnard pooled one-sided"]
    assert found == pytest.approx(0.0659, abs=printed(4))
    at_least = {
        (x_t, x_c)
        for x_t in range(61)
        for x_c in range(31)
        if (lead := 30 * x_t - 60 * x_c) > 0
        and Fraction(lead**2, (x_t + x_c) * (90 - x_t - x_c)) >= Fraction(360**2, 42 * 48)
    }
    worst = max(float(size_at(at_least, 60, 30, Fraction(k, 100))) for k in range(90, 100))
    assert 0.0577 + printed(4) < worst <= found + 1e-8


def test_a_coarse_grid_would_admit_too_much() -> None:
    """Boschloo, 32 v 32 at one-sided 0.025: the region has size 0.0233; the next one 0.025005, which is too much."""
    regions = decided(sided("boschloo", 0.025, two_sided=False), 32, 32)
    worst = type_one.worst(regions, (0.0, 1.0), 0.0)
    assert worst.found == pytest.approx(0.0233, abs=printed(4))
    assert worst.bound < 0.025
    wider = decided(sided("boschloo", 0.02501, two_sided=False), 32, 32)
    assert wider.success.tables > regions.success.tables
    assert type_one.worst(wider, (0.0, 1.0), 0.0).found == pytest.approx(0.025005, abs=printed(6))


@pytest.mark.parametrize(("test", "chance"), [("fisher_doubled", 0.846), ("fisher", 0.918)])
def test_two_sided_fisher_has_two_meanings(test: str, chance: float) -> None:
    """Treatment 10 v control 20 at 0.667 v 0.083, two-sided 5 %: rejects 0.846 doubled, 0.918 by tables no likelier."""
    regions = decided(sided(test, 0.05, two_sided=True), 10, 20)
    assert sum(power(regions, points(0.667, 0.083))) == pytest.approx(chance, abs=printed(3))


@pytest.mark.parametrize("n", [10, 17, 32, 50])
def test_boschloo_rejects_wherever_fisher_does(n: int) -> None:
    """At one-sided 0.025 no table of Fisher's region is lost, and some are won."""
    fisher, boschloo = (
        decided(sided(test, 0.025, two_sided=False), n, n).success.grid for test in ("fisher", "boschloo")
    )
    assert not np.any(fisher & ~boschloo)
    assert boschloo.sum() > fisher.sum()
