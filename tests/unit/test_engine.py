"""Operating characteristics against counting every table, in fractions where the numbers allow it."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from tests.building import decided, drawn, null, points, posterior, sided
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look, Region, Regions
from anatrial.domain.results import Estimate, judged
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, power
from anatrial.numerics.supremum import supremum
from anatrial.rules import AnyRule
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.truths.grid import Grid, RateLists

FISHER = sided("fisher", 0.05, two_sided=False)
UNIFORM = [(1.0, 1.0, 1.0)]
RATES = np.linspace(0.0, 1.0, 11)


def binomial(x: int, n: int, rate: Fraction) -> Fraction:
    """Binomial probability."""
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def tables(region: Region) -> list[tuple[int, int]]:
    """The tables of a region, run by run."""
    return [(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)]


def counted(region: Region, rate_t: Fraction, rate_c: Fraction) -> Fraction:
    """Probability of a region by adding up its tables."""
    n_t, n_c = region.look
    return sum((binomial(t, n_t, rate_t) * binomial(c, n_c, rate_c) for t, c in tables(region)), Fraction(0))


@pytest.mark.parametrize(
    "rates", [(0, 0), (1, 0), (1, 1), (Fraction(3, 5), Fraction(1, 4)), (Fraction(1, 100), Fraction(99, 100))]
)
@pytest.mark.parametrize(
    "rule",
    [
        FISHER,
        sided("fisher", 0.1, two_sided=True),
        sided("chi2_uncorrected", 0.1, two_sided=True),
        posterior(UNIFORM, [(0.8, 8, 26), (0.2, 1, 1)], 0.9),
    ],
)
def test_power_equals_counting(rule: AnyRule, rates: tuple[Fraction, Fraction]) -> None:
    """P(success) and P(harm) are the sums over their tables, certain rates included."""
    rate_t, rate_c = map(Fraction, rates)
    regions = decided(rule, 11, 6)
    success, harm = power(regions, points(float(rate_t), float(rate_c)))
    assert success == pytest.approx(float(counted(regions.success, rate_t, rate_c)), rel=1e-11, abs=1e-300)
    assert harm == pytest.approx(float(counted(regions.harm, rate_t, rate_c)), rel=1e-11, abs=1e-300)


def test_two_sided_metrics_add_up() -> None:
    """Power counts success alone; rejects is success and harm; at equal rates that sum is the type I error."""
    rule = sided("fisher", 0.1, two_sided=True)
    regions = decided(rule, 11, 6)
    found = characteristics("it", rule, regions, points(0.3, 0.3), rates=RATES)
    success, harm = (float(counted(r, Fraction(3, 10), Fraction(3, 10))) for r in (regions.success, regions.harm))
    assert found.metric("power").estimate.value == pytest.approx(success, rel=ROUNDING)
    assert found.metric("harm").estimate.value == pytest.approx(harm, rel=ROUNDING)
    assert found.metric("rejects").estimate.value == pytest.approx(success + harm, rel=ROUNDING)
    assert found.metric("type1_at").estimate.value == pytest.approx(success + harm, rel=ROUNDING)
    assert found.metric("expected_responders").estimate.value == pytest.approx(17 * 0.3, rel=ROUNDING)


def test_a_rule_that_never_decides_has_no_power() -> None:
    """Without tables every probability is 0, and so are its certificate and its assurance."""
    rule = sided("fisher", 0.001, two_sided=True)
    regions = decided(rule, 2, 2)
    assert not regions.success.runs
    assert power(regions, points(1.0, 0.0)) == (0.0, 0.0)
    worst = type_one.worst(regions, (0.0, 1.0), 0.0)
    assert worst.found == 0
    assert worst.bound <= 1e-6
    found = characteristics("it", rule, regions, drawn(UNIFORM, UNIFORM), rates=RATES)
    assert found.metric("assurance").estimate.value == 0
    assert found.metric("success_is_true").estimate.value == 0


def test_a_grid_holds_every_pair() -> None:
    """Each cell of a grid is the power of its pair of rates; the target's number is the worst cell."""
    truth = Grid(kind="grid", rates=RateLists(treatment=(0.7, 0.4), control=(0.1, 0.25, 0.2)))
    regions = decided(FISHER, 12, 9)
    found = characteristics("it", FISHER, regions, truth, rates=RATES)
    assert found.table is not None
    cells = {}
    for rate_t, row in zip(found.table.treatment, found.table.success, strict=True):
        for rate_c, value in zip(found.table.control, row, strict=True):
            assert value == pytest.approx(power(regions, points(rate_t, rate_c))[0], rel=ROUNDING)
            cells[rate_t, rate_c] = value
    assert found.metric("power").estimate.value == min(cells.values()) == cells[0.4, 0.25]
    assert found.metric("power").at == 0.25
    assert found.metric("power_highest").estimate.value == max(cells.values())


SUPREMA: list[tuple[AnyRule, int, int, tuple[float, float], float]] = [
    (FISHER, 12, 12, (0.0, 1.0), 0.0),
    (FISHER, 3, 3, (0.0, 1.0), 0.0),
    (sided("chi2_uncorrected", 0.05, two_sided=True), 24, 6, (0.0, 1.0), 0.0),
    (sided("chi2_uncorrected", 0.05, two_sided=True), 24, 6, (0.1, 0.3), 0.0),
    (sided("fisher", 0.05, two_sided=True), 46, 11, (0.0, 1.0), 0.0),
    (posterior(UNIFORM, [(0.8, 8, 26), (0.2, 1, 1)], 0.98), 24, 24, (0.0, 1.0), 0.0),
    (posterior(UNIFORM, [(0.5, 3, 30), (0.5, 30, 3)], 0.9), 30, 30, (0.2, 0.21), 0.0),
    (posterior(UNIFORM, UNIFORM, 0.975, -0.12), 60, 60, (0.12, 1.0), -0.12),
    (posterior(UNIFORM, UNIFORM, 0.95, 0.1), 25, 40, (0.0, 0.9), 0.1),
    (posterior(UNIFORM, UNIFORM, 0.95, 0.1), 25, 40, (0.3, 0.3), 0.1),
    (ExactBinomial(kind="exact_binomial", alpha=0.05, null_rate=0.3), 40, 0, (0.0, 0.3), 0.0),
    (posterior(UNIFORM, [(1, 11, 32)], 0.95), 20, 0, (0.2, 0.3), 0.0),
]


@pytest.mark.parametrize(("rule", "n_t", "n_c", "ends", "margin"), SUPREMA)
def test_no_rate_passes_the_certificate(
    rule: AnyRule, n_t: int, n_c: int, ends: tuple[float, float], margin: float
) -> None:
    """Of 20,000 rates none passes the bound, all lie at most 1e-6 above the found value, which is taken at its rate."""
    regions = decided(rule, n_t, n_c)
    worst = type_one.worst(regions, ends, margin)
    dense = type_one.along(regions, np.linspace(*ends, 20_000), margin)
    assert float(dense.max()) <= worst.bound + 1e-15
    assert float(dense.max()) <= worst.found + 1e-6 + 1e-15
    assert worst.found <= worst.bound <= worst.found + 1e-6 + 1e-15
    assert ends[0] <= worst.at <= ends[1]
    assert worst.found == pytest.approx(float(type_one.along(regions, np.array([worst.at]), margin)[0]), rel=1e-12)


def test_stated_range_and_everywhere() -> None:
    """The worst over a range is at most the worst over all rates; the metric names both, each with its rate."""
    rule = posterior(UNIFORM, [(1, 11, 32)], 0.95)
    regions = decided(rule, 24, 6)
    found = characteristics("it", rule, regions, null(0.2, 0.25), rates=RATES)
    stated, everywhere = found.metric("type1_max"), found.metric("type1_max_everywhere")
    assert stated.at == 0.25
    assert stated.estimate.value < everywhere.estimate.value
    assert everywhere.at is not None
    assert everywhere.at > 0.47
    dense = type_one.along(regions, np.linspace(0, 1, 20_001), 0.0)
    assert everywhere.estimate.lower <= float(dense.max()) + 1e-6
    assert float(dense.max()) <= everywhere.estimate.upper


def test_type_one_along_a_margin_by_counting() -> None:
    """Under a margin the treatment rate is the control rate plus the margin."""
    rule = posterior(UNIFORM, UNIFORM, 0.9, -0.25)
    regions = decided(rule, 7, 5)
    found = type_one.along(regions, np.array([0.25, 0.5, 1.0]), -0.25)
    rates = [(Fraction(0), Fraction(1, 4)), (Fraction(1, 4), Fraction(1, 2)), (Fraction(3, 4), Fraction(1))]
    assert found.tolist() == pytest.approx([float(counted(regions.success, *pair)) for pair in rates], rel=1e-11)


def test_interior_of_the_null_is_no_worse_than_its_edge() -> None:
    """With a margin, no pair of rates inside the null passes the bound that is proven along its edge."""
    rule = posterior(UNIFORM, UNIFORM, 0.9, -0.2)
    regions = decided(rule, 15, 10)
    worst = type_one.worst(regions, (0.2, 1.0), -0.2)
    for rate_c in np.linspace(0.2, 1.0, 33):
        for rate_t in np.linspace(0.0, rate_c - 0.2, 17):
            assert power(regions, points(max(float(rate_t), 0.0), float(rate_c)))[0] <= worst.bound + 1e-15


def test_a_two_sided_test_has_its_null_on_the_edge() -> None:
    """Harm and success are both errors at the margin alone: its worst is that along the edge, holes or not."""
    regions = decided(sided("fisher", 0.05, two_sided=True), 46, 11)
    assert regions.success.staircase is None
    worst = type_one.worst(regions, (0.1, 0.9), 0.05)
    dense = float(type_one.along(regions, np.linspace(0.1, 0.9, 20_000), 0.05).max())
    assert worst.found - 1e-15 <= dense + 1e-6
    assert dense <= worst.bound + 1e-15


def test_supremum_of_a_known_function() -> None:
    """p (1 - p) of one patient has its largest value 1/4 at 1/2, off the first points, found within 1e-6."""
    found = supremum(lambda p: p * (1 - p), (0.0, 1.0), (2, 0))
    assert found.bound >= 0.25
    assert found.found == pytest.approx(0.25, abs=1e-6)
    assert found.at == pytest.approx(0.5, abs=2e-3)


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def drawn_count(x: int, n: int, a: int, b: int) -> Fraction:
    """Beta-binomial probability for whole shapes."""
    return comb(n, x) * whole_beta(a + x, b + n - x) / whole_beta(a, b)


def above(treatment: tuple[int, int], control: tuple[int, int]) -> Fraction:
    """P(treatment rate > control rate) for whole shapes: a count of interleavings of uniforms."""
    (a_t, b_t), (a_c, b_c) = treatment, control
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    ways = sum(comb(a_t - 1 + k, k) * comb(n_t - a_t + n_c - k, n_c - k) for k in range(a_c, n_c + 1))
    return Fraction(ways, comb(n_t + n_c, n_c))


def test_average_type_one_error_in_fractions() -> None:
    """Both arms at one rate drawn from Beta(2, 5): beta-binomial probabilities of the total, table by table."""
    regions = decided(sided("fisher", 0.1, two_sided=True), 6, 4)
    exact = Fraction(0)
    for region in (regions.success, regions.harm):
        for x_t, x_c in tables(region):
            k = x_t + x_c
            exact += comb(6, x_t) * comb(4, x_c) * whole_beta(2 + k, 5 + 10 - k) / whole_beta(2, 5)
    found = type_one.average(regions, np.array([[1.0, 2.0, 5.0]]))
    assert found == pytest.approx(float(exact), rel=1e-11)


def test_average_type_one_error_by_integration() -> None:
    """The average is the type I error curve, integrated against the density of a mixture."""
    rule = posterior(UNIFORM, [(0.8, 8, 26), (0.2, 1, 1)], 0.9)
    regions = decided(rule, 12, 12)
    rates = (np.arange(20_000) + 0.5) / 20_000
    density = 0.8 * rates**7 * (1 - rates) ** 25 / float(whole_beta(8, 26)) + 0.2
    exact = float((type_one.along(regions, rates, 0.0) * density).mean())
    assert type_one.average(regions, np.array([[0.8, 8, 26], [0.2, 1, 1]])) == pytest.approx(exact, rel=1e-7)


def test_assurance_and_its_parts_in_fractions() -> None:
    """P(success), P(success and true), P(success and false) and P(true) of 4 v 3 under whole priors, table by table."""
    treatment, control = (3, 2), (2, 4)
    rule = posterior(UNIFORM, UNIFORM, 0.8)
    regions = decided(rule, 4, 3)
    success = true = Fraction(0)
    for x_t, x_c in tables(regions.success):
        mass = drawn_count(x_t, 4, *treatment) * drawn_count(x_c, 3, *control)
        success += mass
        true += mass * above((3 + x_t, 2 + 4 - x_t), (2 + x_c, 4 + 3 - x_c))
    found = characteristics(
        "it", rule, regions, drawn([(1, *treatment)], [(1, *control)]), rates=RATES, planned=points(0.6, 0.3)
    )
    value = {m.name: m.estimate.value for m in found.metrics}
    assert value["assurance"] == pytest.approx(float(success), rel=1e-11)
    assert value["true_success"] == pytest.approx(float(true), rel=1e-10)
    assert value["false_success"] == pytest.approx(float(success - true), rel=1e-9)
    assert value["success_is_true"] == pytest.approx(float(true / success), rel=1e-10)
    assert value["effect_is_true"] == pytest.approx(float(above(treatment, control)), rel=1e-10)
    assert value["power_at_plan"] == pytest.approx(power(regions, points(0.6, 0.3))[0], rel=ROUNDING)
    assert value["expected_responders"] == pytest.approx(4 * 3 / 5 + 3 * 2 / 6, rel=ROUNDING)


def test_assurance_of_certain_rates_is_power() -> None:
    """Design priors worth 200,000 patients each give the power at their means, to three digits."""
    regions = decided(FISHER, 12, 12)
    sure = power(regions, drawn([(1, 60_000, 40_000)], [(1, 25_000, 75_000)]))[0]
    assert sure == pytest.approx(power(regions, points(0.6, 0.25))[0], abs=1e-4)


def test_assurance_of_mixtures_is_the_sum_over_pairs() -> None:
    """The law of two mixtures is the weighted sum over pairs of their parts."""
    regions = decided(FISHER, 9, 9)
    parts_t, parts_c = [(0.3, 2, 3), (0.7, 6, 4)], [(0.6, 1, 5), (0.4, 3, 3)]
    pairs = [(w * v * power(regions, drawn([(1, a, b)], [(1, c, d)]))[0]) for w, a, b in parts_t for v, c, d in parts_c]
    assert power(regions, drawn(parts_t, parts_c))[0] == pytest.approx(math.fsum(pairs), rel=1e-11)


def test_true_effect_of_a_single_arm_in_fractions() -> None:
    """Against a fixed rate a success is true where the rate exceeds it."""
    rule = ExactBinomial(kind="exact_binomial", alpha=0.1, null_rate=0.25)
    regions = decided(rule, 6, 0)
    edge, true = Fraction(1, 4), Fraction(0)
    for x, _ in tables(regions.success):
        n = 4 + 6
        sure = sum((comb(n, k) * edge**k * (1 - edge) ** (n - k) for k in range(2 + x)), Fraction(0))
        true += drawn_count(x, 6, 2, 3) * sure
    found = characteristics("it", rule, regions, drawn([(1, 2, 3)]), rates=RATES)
    assert found.metric("true_success").estimate.value == pytest.approx(float(true), rel=1e-10)


def wilson(x: int, n: int) -> tuple[float, float]:
    """Wilson's limits by solving |p - x/n| = z sqrt(p (1 - p) / n) for p."""
    z = 1.959963984540054
    a, b, c = 1 + z * z / n, -(2 * x / n + z * z / n), (x / n) ** 2
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def test_observed_difference_by_enumeration() -> None:
    """Bias 0, the binomial variance, and Newcombe's coverage, table by table."""
    regions = decided(FISHER, 9, 7)
    found = characteristics("it", FISHER, regions, points(0.6, 0.25), rates=RATES)
    coverage = 0.0
    for x_t in range(10):
        for x_c in range(8):
            mass = float(binomial(x_t, 9, Fraction(3, 5)) * binomial(x_c, 7, Fraction(1, 4)))
            (low_t, high_t), (low_c, high_c) = wilson(x_t, 9), wilson(x_c, 7)
            t, c = x_t / 9, x_c / 7
            lower = t - c - math.hypot(t - low_t, high_c - c)
            upper = t - c + math.hypot(high_t - t, c - low_c)
            coverage += mass * (lower <= 0.35 <= upper)
    variance = 0.6 * 0.4 / 9 + 0.25 * 0.75 / 7
    assert found.metric("observed_bias").estimate.value == pytest.approx(0, abs=1e-14)
    assert found.metric("observed_mse").estimate.value == pytest.approx(variance, rel=1e-11)
    assert found.metric("observed_newcombe_coverage").estimate.value == pytest.approx(coverage, rel=1e-11)


def test_posterior_mean_by_enumeration() -> None:
    """Bias, squared error and equal-tailed coverage of the posterior mean of a single arm, count by count."""
    rule = posterior([(1, 2, 3)], None, 0.9, benchmark=0.3)
    regions = decided(rule, 8, 0)
    found = characteristics("it", rule, regions, points(0.5), rates=RATES)
    bias = mse = coverage = 0.0
    for x in range(9):
        mass = comb(8, x) / 2**8
        error = (2 + x) / 13 - 0.5
        n = 12
        over = sum(comb(n, k) for k in range(2 + x)) / 2**n  # P(rate > 1/2 | x): a lower binomial tail
        bias += mass * error
        mse += mass * error**2
        coverage += mass * (0.025 <= over <= 0.975)
    assert found.metric("posterior_mean_bias").estimate.value == pytest.approx(bias, rel=1e-10)
    assert found.metric("posterior_mean_mse").estimate.value == pytest.approx(mse, rel=1e-10)
    assert found.metric("posterior_mean_equal_tailed_coverage").estimate.value == pytest.approx(coverage, rel=1e-10)


def test_posterior_mean_of_two_arms() -> None:
    """With two arms the estimate is the difference of the posterior means: uniform priors shrink it by (n + 2) / n."""
    rule = posterior(UNIFORM, UNIFORM, 0.9)
    found = characteristics("it", rule, decided(rule, 10, 10), points(0.6, 0.2), rates=RATES)
    assert found.metric("posterior_mean_bias").estimate.value == pytest.approx(0.4 * (10 / 12 - 1), rel=1e-10)


@pytest.mark.parametrize("rates", [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, 1.0)])
def test_estimators_of_certain_rates(rates: tuple[float, float]) -> None:
    """Where the outcome is certain the observed difference has no error and its interval holds the truth."""
    rule = posterior(UNIFORM, UNIFORM, 0.9)
    found = characteristics("it", rule, decided(rule, 5, 4), points(*rates), rates=RATES)
    value = {m.name: m.estimate.value for m in found.metrics}
    assert value["observed_mse"] == pytest.approx(0, abs=1e-15)
    assert value["observed_newcombe_coverage"] == 1
    assert all(math.isfinite(v) for v in value.values())


@pytest.mark.parametrize(
    ("estimate", "at_least", "at_most"),
    [
        (Estimate(0.05, 0.05, 0.05), "PASS", "PASS"),
        (Estimate(0.04, 0.04, 0.0500001), "INCONCLUSIVE", "INCONCLUSIVE"),
        (Estimate(0.06, 0.0500001, 0.07), "PASS", "FAIL"),
        (Estimate(0.04, 0.03, 0.0499999), "FAIL", "PASS"),
    ],
)
def test_a_verdict_needs_both_bounds(estimate: Estimate, at_least: str, at_most: str) -> None:
    """A target passes on the bound that is worst for it and fails on the best; between, it cannot be told."""
    assert judged(estimate, "at_least", 0.05) == at_least
    assert judged(estimate, "at_most", 0.05) == at_most


def test_one_table_has_the_probability_of_its_counts() -> None:
    """A region of the single table 2 of 3 v 1 of 2 has its binomial probability; tiny ones keep their digits."""
    region = Region(Look(3, 2), ((1, 2, 2),))  # type: ignore[arg-type]
    regions = Regions(region, Region(Look(3, 2), ()))
    rate_t, rate_c = Fraction(1, 10**6), Fraction(1, 2)
    exact = float(counted(region, rate_t, rate_c))
    assert power(regions, points(1e-6, 0.5))[0] == pytest.approx(exact, rel=1e-9)
