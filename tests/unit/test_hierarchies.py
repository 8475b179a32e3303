"""Laws that recipes integrate over: limits that can be worked out by hand, and integrals by another route."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit
from tests.hierarchies import HALF, NO_SPREAD, brought, likelihood, meta, normal, studies
from tests.tolerances import QUADRATURE, printed

from anatrial.domain.mixture import BetaMixture
from anatrial.errors import InputError
from anatrial.methods.heterogeneity import Exponential, Fixed, HalfCauchy, HalfNormal, Heterogeneity, Uniform
from anatrial.methods.hierarchical import NormalPrior
from anatrial.methods.map import Covariate, Stratum
from anatrial.numerics import FloatArray
from anatrial.numerics.densities import inverse_quantiles, moments, tau_quantiles
from anatrial.numerics.log_odds import narrowest, synthesise

SPREADS: list[Heterogeneity] = [
    HALF,
    HalfCauchy(family="half_cauchy", scale=0.5),
    Exponential(family="exponential", rate=2.0),
    Uniform(family="uniform", upper=2.0),
    Fixed(family="fixed", value=0.3),
    NO_SPREAD,
]


def test_without_spread_all_studies_are_one() -> None:
    """Heterogeneity 0 gives the posterior of the pooled counts under the mean's prior."""
    law = meta(heterogeneity=NO_SPREAD).predicted(brought([3, 5, 2], [10, 12, 20]))
    at = np.linspace(-8, 8, 40_001)
    density = likelihood(10, 42, at) * normal(at, 0, 2)
    density /= density.sum()
    rates = expit(at)
    mean = float(density @ rates)
    assert moments(law) == pytest.approx((mean, math.sqrt(density @ (rates - mean) ** 2)), rel=QUADRATURE)


@pytest.mark.parametrize("spread", SPREADS, ids=lambda s: s.said())
def test_every_spread_against_sums_over_all_three_unknowns(spread: Heterogeneity) -> None:
    """Mean and standard deviation of a new rate equal sums over tau, mean and effect on plain grids."""
    x, n = [3, 9], [12, 15]
    law = meta(heterogeneity=spread).predicted(brought(x, n))
    mu, z = np.linspace(-14, 14, 401), np.linspace(-8, 8, 161)
    weight = normal(z, 0, 1) / normal(z, 0, 1).sum()
    at, lengths = np.polynomial.legendre.leggauss(80)
    root = 0.5 * math.sqrt(spread.reach[1]) * (at + 1)
    taus, lengths = (np.array([spread.value]), np.ones(1)) if isinstance(spread, Fixed) else (root**2, lengths * root)
    total = first = second = 0.0
    for tau, length in zip(taus, lengths, strict=True):
        finer = np.linspace(-8, 8, int(161 + 60 * tau) | 1)
        w = normal(finer, 0, 1) / normal(finer, 0, 1).sum()
        told = np.prod([likelihood(a, b, mu[:, None] + tau * finer) @ w for a, b in zip(x, n, strict=True)], axis=0)
        joint = told * normal(mu, 0, 2) * length * np.exp(spread.log_density(np.array([tau]))[0])
        rates = expit(mu[:, None] + tau * z)
        total, first, second = (
            total + joint.sum(),
            first + float(joint @ (rates @ weight)),
            second + float(joint @ (rates**2 @ weight)),
        )
    mean = first / total
    assert moments(law) == pytest.approx((mean, math.sqrt(second / total - mean**2)), abs=1e-6)


def test_a_covariate_is_a_difference_of_two_means() -> None:
    """With fixed spread the two groups' means have the joint law that sums over mean and slope give."""
    x, n, tau = [8, 2, 9], [10, 11, 14], 0.4
    trait = Covariate(
        name="new-onset", studies=("s-0", "s-2"), predict=True, slope=NormalPrior(mean=0.5, sd=1.0), why="w"
    )
    found = meta(heterogeneity=Fixed(family="fixed", value=tau), covariate=trait).found(brought(x, n), each_study=True)
    mu, slope, z = np.linspace(-9, 9, 161), np.linspace(-6, 7, 161), np.linspace(-8, 8, 81)
    weight = normal(z, 0, 1) / normal(z, 0, 1).sum()

    def told(i: int, mean: FloatArray) -> FloatArray:
        return np.asarray(likelihood(x[i], n[i], mean[..., None] + tau * z) @ weight)

    both = mu[:, None] + slope
    joint = told(1, mu)[:, None] * told(0, both) * told(2, both) * normal(mu, 0, 2)[:, None] * normal(slope, 0.5, 1)
    joint /= joint.sum()
    rates = expit(both[..., None] + tau * z) @ weight
    assert moments(found.predicted)[0] == pytest.approx(float((joint * rates).sum()), abs=1e-8)
    assert found.slope is not None
    assert moments(found.slope, lambda v: v)[0] == pytest.approx(float((joint * slope).sum()), abs=1e-8)
    without = meta(
        heterogeneity=Fixed(family="fixed", value=tau), covariate=trait.model_copy(update={"predict": False})
    )
    rates = expit(mu[:, None] + tau * z) @ weight
    assert moments(without.predicted(brought(x, n)))[0] == pytest.approx(float(joint.sum(axis=1) @ rates), abs=1e-8)
    shrunk = [
        float((joint * _mean_rate(x[i], n[i], both if i != 1 else mu[:, None] + 0 * slope, tau)).sum())
        for i in range(3)
    ]
    assert [moments(law)[0] for law in found.studies] == pytest.approx(shrunk, abs=1e-7)


def _mean_rate(x: int, n: int, mean: FloatArray, tau: float) -> FloatArray:
    """Expected rate of a study given its mean and its counts."""
    z = np.linspace(-8, 8, 121)
    at = mean[..., None] + tau * z
    weight = likelihood(x, n, at) * normal(z, 0, 1)
    return np.asarray((weight * expit(at)).sum(axis=-1) / weight.sum(axis=-1))


def test_a_stratum_of_its_own_spread_tells_only_the_mean() -> None:
    """A stratum whose spread is known to be huge leaves the prediction as it is without its studies."""
    wide = Stratum(name="old", studies=("s-2",), heterogeneity=Fixed(family="fixed", value=10.0), why="w")
    apart = meta(heterogeneity=HALF, stratum=wide).predicted(brought([3, 5, 11], [10, 12, 12]))
    alone = meta(heterogeneity=HALF).predicted(brought([3, 5], [10, 12]))
    assert moments(apart) == pytest.approx(moments(alone), abs=2e-3)


def test_discounts_shrink_counts() -> None:
    """Studies at weight 0.5 equal studies of half the counts."""
    half = meta(heterogeneity=HALF).predicted(brought([4, 6], [10, 20], weight=0.5))
    small = meta(heterogeneity=HALF).predicted(brought([2, 3], [5, 10]))
    assert inverse_quantiles(half, (0.1, 0.5, 0.9)) == pytest.approx(
        inverse_quantiles(small, (0.1, 0.5, 0.9)), abs=1e-12
    )


def test_swapping_outcomes_mirrors_the_law() -> None:
    """Counting failures instead of responders mirrors mean, quantiles and shrinkage."""
    one = meta(heterogeneity=HALF).found(brought([3, 5, 0], [10, 12, 9]), each_study=True)
    two = meta(heterogeneity=HALF).found(brought([7, 7, 9], [10, 12, 9]), each_study=True)
    assert moments(one.predicted)[0] == pytest.approx(1 - moments(two.predicted)[0], abs=1e-10)
    for a, b in zip(one.studies, two.studies, strict=True):
        assert moments(a)[0] == pytest.approx(1 - moments(b)[0], abs=1e-10)


@pytest.mark.parametrize(
    ("x", "n"),
    [
        ([0, 0, 0], [10, 5, 20]),
        ([10, 5], [10, 5]),
        ([1], [1]),
        ([0, 1, 1, 0], [1, 1, 1, 1]),
        ([300], [1000]),
        ([4] * 40, [10] * 40),
    ],
    ids=["no responder", "all responders", "one patient", "studies of one", "large", "forty studies"],
)
def test_odd_evidence_works(x: list[int], n: list[int]) -> None:
    """Zero and full counts, single patients and forty studies give a closed form within its gate."""
    mixture, score = meta(heterogeneity=HALF).closed_form(brought(x, n))
    assert score.divergence <= 1e-3
    assert score.cdf_error <= 0.005
    law = meta(heterogeneity=HALF).predicted(brought(x, n))
    assert mixture.mean == pytest.approx(moments(law)[0], abs=2e-3)


def test_without_a_study_that_counts_only_the_priors_speak() -> None:
    """Studies of weight 0 leave the law of a new trial that the priors alone give: normal around 0."""
    law = meta(heterogeneity=Fixed(family="fixed", value=0.5)).predicted(brought([3], [10], weight=0.0))
    assert moments(law, lambda v: v) == pytest.approx((0, math.hypot(2, 0.5)), abs=1e-9)
    mixture, _ = meta(heterogeneity=HALF).closed_form(brought([3], [10], weight=0.0))
    assert mixture.mean == pytest.approx(0.5, abs=1e-3)


def test_what_a_new_trial_sees_is_wider_than_the_mean() -> None:
    """A new study's rate is less certain than the typical one, and its information less than the patients behind it."""
    found = meta(heterogeneity=HALF).synthesis(brought([23, 12, 19], [107, 44, 51]))
    assert found.predicted.posterior.sd > found.typical.posterior.sd
    assert found.effective_n < 202
    assert found.elir is not None


def test_information_that_does_not_exist_has_a_reason() -> None:
    """Heavy tails of the spread leave no expected information, and the reason is told instead of a number."""
    for spread in (HalfNormal(family="half_normal", scale=1.2), SPREADS[1], SPREADS[2]):
        found = meta(heterogeneity=spread).synthesis(brought([3, 5, 2], [10, 12, 20]))
        assert found.elir is None
        assert "heavy" in found.no_elir


@pytest.mark.parametrize("mean", [0.02, 0.25, 0.9])
def test_a_closed_form_returns_to_itself(mean: float) -> None:
    """A Beta on the grid of log odds is fitted by that Beta alone."""
    from anatrial.numerics.beta_laws import BetaNodes, on_grid
    from anatrial.numerics.mixture_fit import fitted

    shapes: Callable[[float], BetaMixture] = lambda m: BetaMixture.beta(m * 60, (1 - m) * 60)  # noqa: E731 - one use
    part = shapes(mean).parts[0]
    law = on_grid(BetaNodes(np.ones(1), np.array([part.a]), np.array([part.b])))
    found = fitted(law, 1e-3, 0.005)
    assert found.parts[0] == pytest.approx([1, part.a, part.b], rel=1e-5)


def test_draws_become_a_mixture() -> None:
    """Quantiles of a Beta as draws give that Beta, with one part."""
    drawn = BetaMixture.beta(6, 18)
    found = BetaMixture.of_draws([drawn.quantile((i + 0.5) / 400) for i in range(400)])
    assert len(found.parts) == 1
    assert found.mean == pytest.approx(0.25, abs=1e-3)
    assert found.effective_n == pytest.approx(24, rel=0.02)


@pytest.mark.parametrize(
    "rates", [[0.2] * 5, [0.0] * 30, [1.0] * 30, [0.5, 2.0] * 20], ids=["few", "zero", "one", "above"]
)
def test_draws_that_are_no_rates_are_refused(rates: list[float]) -> None:
    """Too few draws, and rates of 0, 1 or beyond, are told as such."""
    with pytest.raises(InputError, match="at least 20 rates above 0 and below 1"):
        BetaMixture.of_draws(rates)


@pytest.mark.parametrize(
    ("x", "n", "scale", "weight", "expected"),
    [
        ([3], [10], 0.25, 0.0, 4.2373),
        ([3], [10], 0.5, 0.0, 4.2399),
        ([1], [1], 0.5, 1.0, 5.1070),
        ([2, 1], [4, 3], 0.25, 1.0, 7.2495),
    ],
    ids=["prior alone", "prior alone, wider", "one patient", "two tiny studies"],
)
def test_information_of_vague_laws(x: list[int], n: list[int], scale: float, weight: float, expected: float) -> None:
    """ELIR of laws that are wide from end to end is that of an integration written apart from this program."""
    spread = HalfNormal(family="half_normal", scale=scale)
    found = meta(heterogeneity=spread).synthesis(brought(x, n, weight=weight))
    assert found.elir == pytest.approx(expected, abs=printed(4))


def test_a_narrow_slope_is_resolved() -> None:
    """A slope that its prior pins down has that prior's spread."""
    trait = Covariate(name="t", studies=("s-0",), predict=True, slope=NormalPrior(mean=0.0, sd=0.05), why="w")
    found = meta(heterogeneity=HALF, covariate=trait).synthesis(brought([32, 5, 15], [42, 22, 20]))
    assert found.others[0].posterior.sd == pytest.approx(0.05, rel=0.01)
    assert found.others[0].posterior.quantiles[0] == pytest.approx(-0.09, abs=0.01)


def test_many_large_studies_leave_a_narrow_spread() -> None:
    """Where tau is known well its quantiles are those of three times as many nodes."""
    x, n = [100 + 30 * i for i in range(16)], [1000] * 16
    wide = HalfNormal(family="half_normal", scale=1.0)
    recipe, given = meta(heterogeneity=wide), brought(x, n)
    ours = recipe.found(given, each_study=False).tau[0]
    data = studies(x, n)
    model = recipe.model(given)._replace(tau=(wide.tau(narrowest(data), count=150),))
    finer = synthesise(data, model, each_study=False).tau[0]
    levels = (0.025, 0.5, 0.975)
    assert tau_quantiles(ours, levels) == pytest.approx(tau_quantiles(finer, levels), abs=1e-5)


def test_closed_form_next_to_one() -> None:
    """Near rate 1 distances are measured from that end: one responder of one mirrors none of one."""
    wide = HalfNormal(family="half_normal", scale=10)
    one, two = (meta(heterogeneity=wide).closed_form(brought([k], [1]))[1] for k in (1, 0))
    assert one.cdf_error == pytest.approx(two.cdf_error, rel=1e-3)
