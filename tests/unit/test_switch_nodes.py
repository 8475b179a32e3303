"""Averages over a Beta density by nodes, and counts of which each patient is kept by chance."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tests.tolerances import ROUNDING

from anatrial.numerics.beta_nodes import beta_nodes, kept, thinned


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.5), (2.0, 12.0), (17.0, 7.0), (0.001, 0.001), (0.3, 0.7)])
@pytest.mark.parametrize("degree", [0, 1, 2, 7, 24])
def test_moments_are_exact_up_to_the_degree(a: float, b: float, degree: int) -> None:
    """The mean of rate**k is the product of (a + i) / (a + b + i) for i < k, for every k up to the degree."""
    rates, weights = beta_nodes(a, b, degree)
    assert len(rates) == degree // 2 + 1
    exact, p, q = Fraction(1), Fraction(str(a)), Fraction(str(b))
    for k in range(degree + 1):
        assert float(weights @ rates**k) == pytest.approx(float(exact), rel=ROUNDING)
        exact *= (p + k) / (p + q + k)


def test_many_patients_need_no_more_than_300_nodes() -> None:
    """Under a uniform rate every count of 4,000 patients is equally likely, as it is with exactly enough nodes."""
    rates, weights = beta_nodes(1.0, 1.0, 4000)
    assert len(rates) == 300
    for x in (0, 1, 40, 1333, 2000, 3999, 4000):
        ways = float(sum(np.log(np.arange(x + 1, 4001))) - sum(np.log(np.arange(1, 4001 - x))))
        with np.errstate(divide="ignore"):
            pmf = np.exp(ways + x * np.log(rates) + (4000 - x) * np.log1p(-rates))
        assert 4001 * float(weights @ pmf) == pytest.approx(1.0, abs=1e-9)


def test_a_thinned_law_counts_those_who_are_kept() -> None:
    """P(j left) = sum over k of P(k) C(k, j) p^j (1 - p)^(k - j), in fractions; chances 0 and 1 are exact."""
    law = [Fraction(1, 8), Fraction(3, 8), Fraction(0), Fraction(1, 2)]
    p = Fraction(3, 16)
    exact = [sum(law[k] * comb(k, j) * p**j * (1 - p) ** (k - j) for k in range(j, 4)) for j in range(4)]
    found = thinned(np.array([float(q) for q in law]), np.array([0.0, 0.1875, 1.0]))
    assert found[0].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert found[1] == pytest.approx([float(q) for q in exact], rel=ROUNDING)
    assert found[2].tolist() == [float(q) for q in law]


def test_a_common_uncertain_chance_gives_a_beta_binomial() -> None:
    """All of 3 or none are kept with one chance from Beta(2, 1): P(j of k) is C(k, j) B(2 + j, 1 + k - j) / B(2, 1)."""
    law = [Fraction(1, 4), Fraction(0), Fraction(0), Fraction(3, 4)]
    of_three = [Fraction(1, 10), Fraction(2, 10), Fraction(3, 10), Fraction(4, 10)]  # Beta(2, 1): weights 1, 2, 3, 4
    exact = [law[3] * q + (law[0] if j == 0 else 0) for j, q in enumerate(of_three)]
    found = kept(np.array([float(q) for q in law]), 2.0, 1.0)
    assert found == pytest.approx([float(q) for q in exact], rel=ROUNDING)
