"""Recipes and grids against published counts and another program's distribution functions."""

from __future__ import annotations

import pytest
from scipy import stats
from tests.building import resolved
from tests.tolerances import QUADRATURE, ROUNDING, printed

import anatrial
from anatrial.files.indications import shelf


def test_pooled_placebo_of_eight_trials_is_the_conjugate_posterior() -> None:
    """The ``pooled`` recipe adds the eight arms of Baeten et al. 2013, 127 of 513, to the uniform: Beta(128, 387)."""
    derived = anatrial.derive(anatrial.read_indication("as", shelf()), "placebo-asas20-pooled")
    (part,) = derived.value().mixture.parts
    assert tuple(part) == (1.0, 128.0, 387.0)
    assert sum(c.n for c in derived.derived.contributions) == 513


def test_power_prior_of_five_trials_is_the_planned_one() -> None:
    """The ``power_prior`` recipe makes 28 of 128 at weight 0.25 Beta(8, 26), robust part 20 % uniform."""
    derived = anatrial.derive(anatrial.read_indication("sjia", shelf()), "placebo-discounted")
    assert [tuple(part) for part in derived.value().mixture.parts] == [(0.8, 8.0, 26.0), (0.2, 1.0, 1.0)]
    assert (
        sum(c.responders for c in derived.derived.contributions),
        sum(c.n for c in derived.derived.contributions),
    ) == (28, 128)


def test_elicited_median_and_interval_are_met_in_scipy() -> None:
    """The ``elicited`` Beta has the stated median and holds the stated probability, by scipy's own law."""
    derived = anatrial.derive(anatrial.read_indication("as", shelf()), "placebo-asas20-elicited")
    (part,) = derived.value().mixture.parts
    law = stats.beta(part.a, part.b)
    assert law.cdf(0.25) == pytest.approx(0.5, abs=QUADRATURE)
    assert law.cdf(0.47) - law.cdf(0.12) == pytest.approx(0.95, abs=QUADRATURE)


def test_grid_holds_the_published_power_and_every_binomial_sum() -> None:
    """A ``grid`` truth has ANAJIS's power at 0.7 v 0.1 (0.8262), and a sum of scipy's binomial laws in every cell."""
    rates = {"treatment": [0.5, 0.7], "control": [0.1, 0.2]}
    used = resolved("""
[design]
kind = "fixed"
n = { treatment = 12, control = 12 }
[rule]
kind = "fisher"
alpha_two_sided = 0.05
[truths.rates]
kind = "grid"
rates = { treatment = [0.5, 0.7], control = [0.1, 0.2] }
[[targets]]
metric = "power"
truth = "rates"
at_least = 0.1
""")
    result = anatrial.evaluate(used)
    table = result.of("rates").table
    assert table is not None
    assert table.success[1][0] == pytest.approx(0.8262, abs=printed(4))
    for row, rate_t in zip(table.success, rates["treatment"], strict=True):
        for found, rate_c in zip(row, rates["control"], strict=True):
            law_t, law_c = stats.binom(12, rate_t), stats.binom(12, rate_c)
            runs = result.regions.success.runs
            expected = sum(law_c.pmf(x) * (law_t.cdf(last) - law_t.cdf(first - 1)) for x, first, last in runs)
            assert found == pytest.approx(expected, rel=ROUNDING * 100)
