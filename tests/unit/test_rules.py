"""Every rule table by table against p-values and posterior probabilities in whole numbers, ties and edges included."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import decided, posterior, sided

from anatrial.domain.counts import Look, Region, Regions, Run
from anatrial.errors import InputError
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher import Fisher

Shapes = tuple[int, int]
SMALL = [(1, 1), (1, 4), (3, 3), (4, 7), (12, 12), (10, 20), (24, 6), (7, 13)]


def ways(n_t: int, n_c: int, k: int) -> dict[int, int]:
    """Ways to have k responders in all, by the treatment count."""
    return {i: comb(n_t, i) * comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}


def better(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's p-value for treatment better."""
    row = ways(n_t, n_c, x_t + x_c)
    return Fraction(sum(w for i, w in row.items() if i >= x_t), comb(n_t + n_c, x_t + x_c))


def worse(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's p-value for treatment worse."""
    return better(x_c, n_c, x_t, n_t)


def no_more_likely(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's two-sided p-value over the tables no more likely than the observed one."""
    row = ways(n_t, n_c, x_t + x_c)
    return Fraction(sum(w for w in row.values() if w <= row[x_t]), comb(n_t + n_c, x_t + x_c))


def doubled(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """Fisher's two-sided p-value as twice the smaller one-sided one."""
    return min(Fraction(1), 2 * min(better(x_t, n_t, x_c, n_c), worse(x_t, n_t, x_c, n_c)))


def tables(region: Region) -> set[tuple[int, int]]:
    """The tables of a region."""
    return {(x_t, x_c) for x_c, first, last in region.runs for x_t in range(first, last + 1)}


def every(n_t: int, n_c: int) -> list[tuple[int, int]]:
    """Every table of two arms."""
    return [(x_t, x_c) for x_t in range(n_t + 1) for x_c in range(n_c + 1)]


def harms(regions: Regions) -> bool:
    """Whether any table is decided as harm, or as both."""
    assert not tables(regions.success) & tables(regions.harm)
    return bool(regions.harm.runs)


@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.05, 0.025, 0.01])
@pytest.mark.parametrize(("n_t", "n_c"), SMALL)
def test_fisher_one_sided(n_t: int, n_c: int, alpha: float) -> None:
    """Success where the p-value in whole numbers is at most alpha, and no harm is looked for."""
    regions = decided(sided("fisher", alpha, two_sided=False), n_t, n_c)
    level = Fraction(repr(alpha))
    assert tables(regions.success) == {t for t in every(n_t, n_c) if better(t[0], n_t, t[1], n_c) <= level}
    assert not harms(regions)
    assert regions.success.staircase is not None


@pytest.mark.parametrize(("test", "p"), [("fisher", no_more_likely), ("fisher_doubled", doubled)])
@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.025])
@pytest.mark.parametrize(("n_t", "n_c"), SMALL)
def test_fisher_two_sided(
    test: str, p: Callable[[int, int, int, int], Fraction], alpha: float, n_t: int, n_c: int
) -> None:
    """Both definitions: a table rejects where its p-value is at most alpha, as success or harm by the better arm."""
    regions = decided(sided(test, alpha, two_sided=True), n_t, n_c)
    level = Fraction(repr(alpha))
    rejects = {t for t in every(n_t, n_c) if p(t[0], n_t, t[1], n_c) <= level}
    assert tables(regions.success) == {t for t in rejects if t[0] * n_c > t[1] * n_t}
    assert tables(regions.harm) == {t for t in rejects if t[0] * n_c < t[1] * n_t}
    harms(regions)


def test_fisher_ties_at_every_attainable_level() -> None:
    """Where alpha is an attainable p-value, its table rejects; one step of the last digit below, it does not."""
    for x_t, x_c in every(5, 5):
        p = better(x_t, 5, x_c, 5)
        alpha = float(p)
        if not 0 < alpha <= 0.5 or Fraction(repr(alpha)) < p:
            continue
        assert (x_t, x_c) in decided(sided("fisher", alpha, two_sided=False), 5, 5).success
        less = alpha * (1 - 1e-9)
        assert (x_t, x_c) not in decided(sided("fisher", less, two_sided=False), 5, 5).success


def test_fisher_ties_are_reported() -> None:
    """A table on the threshold is named with its p-value and how it was settled."""
    regions = decided(sided("fisher", 0.05, two_sided=False), 3, 3)
    (tie,) = regions.ties
    assert (tie.x_t, tie.x_c, tie.value) == (3, 0, 0.05)
    assert tie.settled


@pytest.mark.parametrize(("test", "two_sided"), [("fisher", False), ("fisher", True), ("chi2_uncorrected", True)])
def test_one_patient_per_arm_never_decides(test: str, two_sided: bool) -> None:
    """1 of 1 v 0 of 1 has a Fisher p-value of 1/2 and a chi-square one of 0.157: nothing is decided at 0.05."""
    regions = decided(sided(test, 0.05, two_sided=two_sided), 1, 1)
    assert regions == Regions(Region(Look(1, 1), ()), Region(Look(1, 1), ()))


def test_one_patient_per_arm_decides_at_one_half() -> None:
    """At alpha 0.5 the tie 1 of 1 v 0 of 1 (p = 1/2) rejects, one-sided."""
    assert tables(decided(sided("fisher", 0.5, two_sided=False), 1, 1).success) == {(1, 0)}


def chi_square(x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """Pearson's statistic from the four cells, signed by the better arm; 0 where all or none respond."""
    n, k = n_t + n_c, x_t + x_c
    if k in (0, n):
        return 0.0
    cells = [(x_t, n_t * k), (n_t - x_t, n_t * (n - k)), (x_c, n_c * k), (n_c - x_c, n_c * (n - k))]
    statistic = sum((Fraction(seen) - Fraction(e, n)) ** 2 / Fraction(e, n) for seen, e in cells)
    return math.copysign(float(statistic), x_t * n_c - x_c * n_t)


@pytest.mark.parametrize(("n_t", "n_c"), SMALL)
@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.025])
def test_chi_square(n_t: int, n_c: int, alpha: float) -> None:
    """Two-sided it rejects where P(chi-square > statistic) <= alpha; one-sided where half of that is."""
    both = decided(sided("chi2_uncorrected", alpha, two_sided=True), n_t, n_c)
    one = decided(sided("chi2_uncorrected", alpha, two_sided=False), n_t, n_c)
    for x_t, x_c in every(n_t, n_c):
        signed = chi_square(x_t, n_t, x_c, n_c)
        p = math.erfc(math.sqrt(abs(signed) / 2))
        assert abs(p - alpha) > 1e-9, "no case here may lie on the threshold"
        assert abs(p / 2 - alpha) > 1e-9
        assert ((x_t, x_c) in both.success) == (p <= alpha and signed > 0)
        assert ((x_t, x_c) in both.harm) == (p <= alpha and signed < 0)
        assert ((x_t, x_c) in one.success) == (p / 2 <= alpha and signed > 0)
    assert not harms(one)


@pytest.mark.parametrize("two_sided", [True, False])
def test_chi_square_never_rejects_without_variance(two_sided: bool) -> None:
    """0/n v 0/n and n/n v n/n never reject, even at alpha 0.5."""
    regions = decided(sided("chi2_uncorrected", 0.5, two_sided=two_sided), 9, 4)
    for corner in ((0, 0), (9, 4)):
        assert corner not in regions.success
        assert corner not in regions.harm


@pytest.mark.parametrize(
    ("n", "null_rate", "alpha"), [(1, 0.5, 0.5), (10, 0.05, 0.05), (35, 0.333, 0.025), (5, 0.9, 0.05)]
)
def test_exact_binomial(n: int, null_rate: float, alpha: float) -> None:
    """Success where the upper binomial tail, in fractions, is at most alpha."""
    rate, level = Fraction(repr(null_rate)), Fraction(repr(alpha))
    regions = decided(ExactBinomial(kind="exact_binomial", alpha=alpha, null_rate=null_rate), n, 0)
    for x in range(n + 1):
        tail = sum((comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(x, n + 1)), Fraction(0))
        assert ((x, 0) in regions.success) == (tail <= level)
    assert not harms(regions)


def test_exact_binomial_tie() -> None:
    """5 of 5 at a null rate of 1/2 has p = 1/32 exactly: it rejects at 0.03125 and not at 0.03124999."""
    for alpha, holds in ((0.03125, True), (0.03124999, False)):
        regions = decided(ExactBinomial(kind="exact_binomial", alpha=alpha, null_rate=0.5), 5, 0)
        assert ((5, 0) in regions.success) == holds
    assert decided(ExactBinomial(kind="exact_binomial", alpha=0.03125, null_rate=0.5), 5, 0).ties


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def above(treatment: Shapes, control: Shapes) -> Fraction:
    """P(treatment rate > control rate) for whole shapes: a count of interleavings of uniforms."""
    (a_t, b_t), (a_c, b_c) = treatment, control
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    total = sum(comb(a_t - 1 + k, k) * comb(n_t - a_t + n_c - k, n_c - k) for k in range(a_c, n_c + 1))
    return Fraction(total, comb(n_t + n_c, n_c))


@pytest.mark.parametrize("certainty", [0.5, 0.9, 0.975])
@pytest.mark.parametrize(("treatment", "control"), [((1, 1), (1, 1)), ((1, 1), (8, 26)), ((5, 1), (1, 5))])
@pytest.mark.parametrize(("n_t", "n_c"), [(1, 1), (5, 5), (12, 4), (24, 6)])
def test_posterior_of_single_betas(n_t: int, n_c: int, treatment: Shapes, control: Shapes, certainty: float) -> None:
    """Success where the posterior probability in whole numbers is strictly above the certainty."""
    regions = decided(posterior([(1, *treatment)], [(1, *control)], certainty), n_t, n_c)
    level = Fraction(repr(certainty))
    for x_t, x_c in every(n_t, n_c):
        sure = above((treatment[0] + x_t, treatment[1] + n_t - x_t), (control[0] + x_c, control[1] + n_c - x_c))
        assert ((x_t, x_c) in regions.success) == (sure > level)
    assert regions.success.staircase is not None
    assert not harms(regions)


def test_posterior_tie_is_not_a_success() -> None:
    """Equal counts under equal priors are sure to exactly 1/2: not more than 0.5, and reported as a tie."""
    regions = decided(posterior([(1, 1, 1)], [(1, 1, 1)], 0.5), 4, 4)
    assert not {(x, x) for x in range(5)} & tables(regions.success)
    assert {(tie.x_t, tie.x_c, tie.value) for tie in regions.ties} == {(x, x, 0.5) for x in range(5)}
    assert (3, 2) in regions.success


def test_posterior_tie_at_a_rational_certainty() -> None:
    """1 of 1 v 0 of 1 under uniform priors is sure to 5/6; 2 of 2 v 0 of 1 to 0.9 exactly: not above 0.9."""
    rule = posterior([(1, 1, 1)], [(1, 1, 1)], 0.9)
    assert above((3, 1), (1, 2)) == Fraction(9, 10)
    regions = decided(rule, 2, 1)
    assert (2, 0) not in regions.success
    assert [(tie.x_t, tie.x_c) for tie in regions.ties] == [(2, 0)]
    assert (2, 0) in decided(posterior([(1, 1, 1)], [(1, 1, 1)], 0.8999999), 2, 1).success


@pytest.mark.parametrize("margin", [0.1, -0.15])
def test_posterior_with_a_margin(margin: float) -> None:
    """Success where P(difference > margin), added up over a fine grid of the control rate, passes the certainty."""
    n_t, n_c = 9, 7
    regions = decided(posterior([(1, 1, 1)], [(1, 2, 3)], 0.9, margin), n_t, n_c)
    grid = (np.arange(40_000) + 0.5) / 40_000
    for x_t, x_c in every(n_t, n_c):
        a, b = 2 + x_c, 3 + n_c - x_c
        density = grid ** (a - 1) * (1 - grid) ** (b - 1) / float(whole_beta(a, b))
        edge = np.clip(grid + margin, 0, 1)
        n = n_t + 1
        tail = sum(comb(n, k) * edge**k * (1 - edge) ** (n - k) for k in range(x_t + 1))
        sure = float((density * tail).mean())
        assert abs(sure - 0.9) > 1e-6
        assert ((x_t, x_c) in regions.success) == (sure > 0.9)


def test_posterior_against_a_fixed_rate() -> None:
    """In a single arm success is P(rate > benchmark | data) > certainty, in fractions, with the margin on top."""
    for margin, edge in ((0.0, Fraction(1, 4)), (0.1, Fraction(7, 20))):
        regions = decided(posterior([(1, 2, 3)], None, 0.95, margin, benchmark=0.25), 20, 0)
        for x in range(21):
            n = 24
            sure = sum((comb(n, k) * edge**k * (1 - edge) ** (n - k) for k in range(2 + x)), Fraction(0))
            assert ((x, 0) in regions.success) == (sure > Fraction(19, 20))


def test_posterior_against_an_uncertain_rate() -> None:
    """In a single arm the control prior is the benchmark: no data update it."""
    regions = decided(posterior([(1, 1, 1)], [(1, 11, 32)], 0.95), 20, 0)
    for x in range(21):
        assert ((x, 0) in regions.success) == (above((1 + x, 21 - x), (11, 32)) > Fraction(19, 20))


def test_dual_criterion_needs_both() -> None:
    """Significance and relevance: the region is where both criteria hold, no more and no less."""
    both = decided(posterior([(1, 1, 1)], [(1, 1, 1)], 0.95, relevance=(0.5, 0.3)), 20, 20)
    first = decided(posterior([(1, 1, 1)], [(1, 1, 1)], 0.95), 20, 20)
    second = decided(posterior([(1, 1, 1)], [(1, 1, 1)], 0.5, 0.3), 20, 20)
    assert tables(both.success) == tables(first.success) & tables(second.success)
    assert tables(both.success) < tables(first.success)


def test_self_adapting_prior_has_its_own_region() -> None:
    """With a bimodal control prior each table is still decided by its own posterior: a mixture of two counts."""
    parts = [(0.5, 3, 30), (0.5, 30, 3)]
    regions = decided(posterior([(1, 1, 1)], parts, 0.9), 8, 8)
    for x_t, x_c in every(8, 8):
        weights = [Fraction(1, 2) * whole_beta(a + x_c, b + 8 - x_c) / whole_beta(a, b) for _, a, b in parts]
        sure = sum(
            w * above((1 + x_t, 9 - x_t), (a + x_c, b + 8 - x_c)) for w, (_, a, b) in zip(weights, parts, strict=True)
        ) / sum(weights)
        assert ((x_t, x_c) in regions.success) == (sure > Fraction(9, 10))


@pytest.mark.parametrize("given", [{}, {"alpha": 0.05, "alpha_two_sided": 0.05}, {"alpha": 0.0}, {"alpha": 0.51}])
def test_a_test_has_one_level(given: dict[str, float]) -> None:
    """A test states its alpha once, one- or two-sided, above 0 and at most 0.5."""
    for rule, kind in ((Fisher, "fisher"), (ChiSquare, "chi_square")):
        with pytest.raises(ValidationError):
            rule.model_validate({"kind": kind, **given})


def test_region_round_trip_keeps_holes() -> None:
    """A grid with holes becomes runs and the same grid again; membership and the number of tables agree with it."""
    random = np.random.default_rng(1)
    for n_t, n_c in ((0, 0), (1, 1), (5, 0), (9, 6)):
        grid = random.random((n_t + 1, n_c + 1)) < 0.5
        region = Region.from_grid(Look(n_t, n_c), grid)
        assert (region.grid == grid).all()
        assert region.tables == grid.sum()
        assert all(((x_t, x_c) in region) == grid[x_t, x_c] for x_t, x_c in every(n_t, n_c))
        assert list(region.runs) == sorted(region.runs)


def test_a_region_that_falls_is_no_staircase() -> None:
    """A success region that asks for fewer treatment responders as control does better is not monotone."""
    look = Look(3, 1)
    assert Region(look, (Run(0, 3, 3), Run(1, 2, 3))).staircase is None
    assert Region(look, (Run(0, 2, 2),)).staircase is None
    assert Region(look, (Run(0, 2, 3),)).staircase == (2, None)
    assert Region(look, ()).staircase == (None, None)


def test_impossible_parts_do_not_reach_a_rule() -> None:
    """A rule cannot be built on weights that do not sum to 1."""
    with pytest.raises(InputError):
        posterior([(0.5, 1, 1)], [(1, 1, 1)], 0.9)
