"""Several arms against one control by normal theory: printed tables, and an integral that shares no code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.tolerances import QUADRATURE, ROUNDING, printed

from anatrial.numerics.dunnett import critical, rectangle, shares_of_control

EQUAL = math.sqrt(0.5)


@pytest.mark.parametrize(
    ("doses", "alpha", "table"), [(2, 0.05, 1.92), (2, 0.01, 2.56), (3, 0.05, 2.06), (4, 0.05, 2.16)]
)
def test_one_sided_values_are_those_of_dunnetts_table(doses: int, alpha: float, table: float) -> None:
    """Dunnett (1955), table 1, infinitely many degrees of freedom: the critical values of equal arms."""
    assert critical(alpha, np.full(doses, EQUAL)) == pytest.approx(table, abs=printed(2))


def test_the_two_sided_value_of_two_doses_is_that_of_dunnetts_table() -> None:
    """Dunnett (1955), table 2: within 2.21 on both sides lie 95 % (2.205 to 2.215 hold more and less)."""
    shares = np.full(2, EQUAL)
    below, above = (rectangle(np.full(2, -z), np.full(2, z), shares) for z in (2.205, 2.215))
    assert below < 0.95 < above


@pytest.mark.parametrize(
    ("n", "n_c", "upper", "wanted"),
    [
        ((60, 60), 60, (1.9, 1.9), 0.9481752700137656),
        ((20, 90), 45, (2.2, 1.1), 0.8577175534781765),
        ((7, 200, 31), 12, (1.5, 2.5, 0.3), 0.6036418851113602),
        ((2000, 5), 9, (1.0, 2.0), 0.8343202094721681),
    ],
)
def test_the_chance_is_the_integral_over_the_control_mean(
    n: tuple[int, ...], n_c: int, upper: tuple[float, ...], wanted: float
) -> None:
    """mpmath 1.4.1 (30 digits): the mean, over the control's mean, of every arm's chance to stay below its own edge."""
    found = rectangle(np.full(len(n), -np.inf), np.array(upper), shares_of_control(np.array(n), n_c))
    assert found == pytest.approx(wanted, abs=ROUNDING)


def test_two_arms_have_the_correlation_of_the_allocation() -> None:
    """P(both statistics above 0) is 1/4 + arcsin(rho) / (2 pi), with rho = sqrt(n1 n2 / ((n1 + m)(n2 + m)))."""
    n1, n2, m = 30, 50, 40
    rho = math.sqrt(n1 * n2 / ((n1 + m) * (n2 + m)))
    shares = shares_of_control(np.array([n1, n2]), m)
    found = rectangle(np.zeros(2), np.full(2, np.inf), shares)
    assert found == pytest.approx(0.25 + math.asin(rho) / (2 * math.pi), abs=ROUNDING)


def test_one_arm_has_the_normal_quantile() -> None:
    """With one dose there is nothing to adjust for."""
    assert critical(0.025, np.array([EQUAL])) == pytest.approx(1.959963984540054, abs=ROUNDING)


def test_the_critical_value_spends_alpha() -> None:
    """The largest of three unequally sized arms' statistics passes it with chance alpha."""
    shares = shares_of_control(np.array([10, 40, 160]), 40)
    z = critical(0.025, shares)
    assert 1 - rectangle(np.full(3, -np.inf), np.full(3, z), shares) == pytest.approx(0.025, abs=QUADRATURE)
