"""The models that PyMC samples: their densities, their priors, and the counts that they are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import betaln, expit, logit
from scipy.stats import beta, expon, halfcauchy, halfnorm, norm, uniform
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial.domain.prior import Contribution
from anatrial.methods.beta_binomial import BetaBinomial
from anatrial.methods.heterogeneity import Exponential, Fixed, HalfCauchy, HalfNormal, Heterogeneity, Uniform
from anatrial.methods.hierarchical import NormalPrior, studies_of
from anatrial.methods.map import Map
from anatrial.methods.sampling import BetaBinomialModel, LogitNormalModel, Records, exact_of, records_of
from anatrial.numerics import FloatArray
from anatrial.numerics.beta_laws import LogNormal

WIDE = HalfNormal(family="half_normal", scale=1.0)


def counts(x: list[int], n: list[int], weight: float = 1.0) -> Records:
    return Records(tuple(f"s{i}" for i in range(len(x))), np.array(x), np.array(n), np.full(len(x), weight))


def logit_normal(records: Records, heterogeneity: Heterogeneity) -> LogitNormalModel:
    strata = np.zeros(len(records.names), dtype=np.int64)
    return LogitNormalModel(records=records, mean=NormalPrior(), heterogeneity=(heterogeneity,), stratum=strata)


def beta_binomial(records: Records) -> BetaBinomialModel:
    return BetaBinomialModel(records=records, a=1.0, b=2.0, precision=LogNormal(20.0, 1.0))


FAMILIES: list[tuple[Heterogeneity, Any, float]] = [
    (WIDE, halfnorm(0, 1.0), 25.0),
    (HalfCauchy(family="half_cauchy", scale=0.5), halfcauchy(0, 0.5), 25.0),
    (Exponential(family="exponential", rate=2.0), expon(0, 0.5), 25.0),
    (HalfNormal(family="half_normal", scale=10.0), halfnorm(0, 10.0), 25.0),
    (Uniform(family="uniform", upper=3.0), uniform(0, 3.0), 3.0),
]


Points = list[dict[str, Any]]


def densities(model: Any, points: Points) -> FloatArray:
    """The PyMC model's log density at each point, less that of the first."""
    logp = model.built().compile_logp(jacobian=False, mode="FAST_COMPILE")
    found = np.array([float(logp({name: np.asarray(v) for name, v in point.items()})) for point in points])
    return np.asarray(found - found[0])


@pytest.mark.parametrize(("heterogeneity", "law", "most"), FAMILIES)
def test_the_logit_normal_density_is_that_of_the_model(heterogeneity: Heterogeneity, law: Any, most: float) -> None:
    """PyMC's density is priors times binomial likelihood of discounted counts, in the scatter that was placed."""
    records = counts([0, 7, 30], [12, 20, 30], 0.4)
    random, expected = np.random.default_rng(1), []
    points: Points = []
    for tau in (0.05, 0.7, 2.5):
        base, placed = random.normal(), random.normal(size=3)
        x, rest = 0.4 * records.responders, 0.4 * (records.patients - records.responders)
        variance = 1 / (x + 0.5) + 1 / (rest + 0.5)
        share = variance / (variance + tau**2)
        scatter = tau / (variance + tau**2) * (np.log((x + 0.5) / (rest + 0.5)) - base) + np.sqrt(share) * placed
        rate = expit(base + tau * scatter)
        likelihood = (x * np.log(rate) + rest * np.log1p(-rate)).sum()
        placing = norm.logpdf(scatter).sum() + np.log(share).sum() / 2
        expected.append(norm.logpdf(base, 0, 2) + law.logpdf(tau) + placing + likelihood)
        points.append({"base": base, "tau_0_interval__": logit(tau / most), "placed": placed})
    found = densities(logit_normal(records, heterogeneity), points)
    assert found == pytest.approx(np.array(expected) - expected[0], rel=1e3 * ROUNDING)


def two_groups() -> LogitNormalModel:
    return LogitNormalModel(
        records=counts([3, 8, 10, 2], [10, 20, 30, 9]),
        mean=NormalPrior(mean=-1.0, sd=1.5),
        heterogeneity=(WIDE, Fixed(family="fixed", value=0.3)),
        stratum=np.array([0, 1, 0, 1]),
        covariate=np.array([True, False, False, True]),
        slope=NormalPrior(mean=0.5, sd=0.8),
        predicted_has_it=True,
    )


def test_strata_and_covariate_enter_the_density_where_they_belong() -> None:
    """Each study has the tau of its stratum, and the slope if it has the trait; a fixed tau has no prior."""
    random, expected, model = np.random.default_rng(2), [], two_groups()
    points: Points = []
    x, rest = (values.astype(float) for values in model.records.discounted)
    variance, seen = 1 / (x + 0.5) + 1 / (rest + 0.5), np.log((x + 0.5) / (rest + 0.5))
    for first in (0.2, 1.4):
        base, slope, placed = random.normal(), random.normal(), random.normal(size=4)
        mean, tau = base + slope * np.array([1, 0, 0, 1]), np.array([first, 0.3, first, 0.3])
        share = variance / (variance + tau**2)
        scatter = tau / (variance + tau**2) * (seen - mean) + np.sqrt(share) * placed
        rate = expit(mean + tau * scatter)
        priors = norm.logpdf(base, -1, 1.5) + norm.logpdf(slope, 0.5, 0.8) + halfnorm.logpdf(first)
        placing = norm.logpdf(scatter).sum() + np.log(share).sum() / 2
        expected.append(priors + placing + (x * np.log(rate) + rest * np.log1p(-rate)).sum())
        points.append({"base": base, "slope": slope, "tau_0_interval__": logit(first / 25), "placed": placed})
    assert densities(model, points) == pytest.approx(np.array(expected) - expected[0], rel=1e3 * ROUNDING)


def test_the_beta_binomial_density_is_that_of_the_model() -> None:
    """PyMC's density is Beta times normal (of the log precision) times beta-binomial likelihood."""
    records, expected = counts([0, 7, 30], [12, 20, 30], 0.5), []
    points: Points = []
    x, rest = 0.5 * records.responders, 0.5 * (records.patients - records.responders)
    for mean, precision in ((0.3, 5.0), (0.7, 40.0), (0.05, 900.0)):
        a, b, at = mean * precision, (1 - mean) * precision, math.log(precision)
        likelihood = (betaln(a + x, b + rest) - betaln(a, b)).sum()
        expected.append(beta.logpdf(mean, 1, 2) + norm.logpdf(at, math.log(20), 1) + likelihood)
        points.append({"mean_rate_logodds__": logit(mean), "log_precision_interval__": logit(at / math.log(1e4))})
    assert densities(beta_binomial(records), points) == pytest.approx(np.array(expected) - expected[0], rel=QUADRATURE)


@pytest.mark.parametrize(("heterogeneity", "law", "most"), FAMILIES)
def test_prior_draws_follow_the_prior(heterogeneity: Heterogeneity, law: Any, most: float) -> None:
    """Shares of prior draws of tau below given values are its distribution function, cut where the prior is cut."""
    drawn = logit_normal(counts([1], [2]), heterogeneity).prior(40_000, np.random.default_rng(4))["tau"]
    assert drawn.shape == (1, 40_000, 1)
    assert drawn.max() < most
    for level in (0.05, 0.3, 0.5, 0.9, 0.99):
        at = law.ppf(level * law.cdf(most))
        assert (drawn < at).mean() == pytest.approx(level, abs=monte_carlo(level, drawn.size))


def test_prior_draws_of_rates_follow_the_hierarchy() -> None:
    """Of the two-group model and of the beta-binomial one, moments of prior draws are those of their formulas."""
    draws, random = 100_000, np.random.default_rng(5)
    found = two_groups().prior(draws, random)
    four_errors = 4 / math.sqrt(draws)
    assert found["mean"].mean() == pytest.approx(-0.5, abs=four_errors * math.hypot(1.5, 0.8))
    assert found["study"].shape == (1, draws, 4)
    assert found["study"][..., 1].var() == pytest.approx(1.5**2 + 0.3**2, rel=4 * math.sqrt(2 / draws))
    assert found["predicted"].var() == pytest.approx(1.5**2 + 0.8**2 + 1.0, rel=6 * math.sqrt(2 / draws))
    assert np.array_equal(found["study_rate"], expit(found["study"]))
    rates = beta_binomial(counts([1, 1], [2, 2])).prior(draws, random)
    assert rates["mean_rate"].mean() == pytest.approx(1 / 3, abs=four_errors)
    assert np.log(rates["precision"]).mean() == pytest.approx(math.log(20), abs=four_errors)
    error = rates["study_rate"][..., 0] - rates["mean_rate"]
    expected = (rates["mean_rate"] * (1 - rates["mean_rate"]) / (rates["precision"] + 1)).mean()
    assert (error**2).mean() == pytest.approx(expected, rel=0.05)
    assert abs(np.corrcoef(error[0], (rates["predicted_rate"] - rates["mean_rate"])[0])[0, 1]) < four_errors


def test_a_rate_of_nought_or_one_is_its_own_law() -> None:
    """A mean that rounding takes to an end gives studies the rate of that end, not an error."""
    model = BetaBinomialModel(records=counts([1], [2]), a=1e-3, b=1e-3, precision=LogNormal(20.0, 1.0))
    found = model.prior(2000, np.random.default_rng(6))
    ends = (found["mean_rate"] == 0) | (found["mean_rate"] == 1)
    assert ends.mean() > 0.1
    assert np.array_equal(found["predicted_rate"][ends], found["mean_rate"][ends])
    assert np.isfinite(found["study_rate"]).all()


def contribution(name: str, weight: float) -> Contribution:
    return Contribution(
        outcome=name, study=name, title=name, visit="w12", n=20, responders=4, weight=weight, why="as it is"
    )


USED = (contribution("a", 1.0), contribution("b", 0.0), contribution("c", 0.25))


def test_records_leave_out_what_does_not_count() -> None:
    """Studies of weight 0 are no part of the model; the others keep whole counts and their weight apart."""
    records = records_of(USED)
    assert records.names == ("a", "c")
    assert [values.tolist() for values in records.discounted] == [[4.0, 1.0], [16.0, 4.0]]
    assert studies_of(USED).patients.tolist() == [20.0, 5.0]


def test_exact_numbers_carry_the_names_of_the_draws() -> None:
    """What integration says of a recipe is asked of the draws by name, but for a tau that is fixed."""
    given: dict[str, Any] = {"title": "x", "endpoint": "x", "outcomes": ("a", "b", "c")}
    rates = {"mean_rate", "predicted_rate", "study_rate[a]", "study_rate[c]"}
    free, fixed = Map(method="map", **given), Fixed(family="fixed", value=0.5)
    assert set(exact_of(free.synthesis(USED))) == {*rates, "tau[0]"}
    assert set(exact_of(free.model_copy(update={"heterogeneity": fixed}).synthesis(USED))) == rates
    assert set(exact_of(BetaBinomial(method="beta_binomial", **given).synthesis(USED))) == {*rates, "precision"}
    assert {"mean_rate", "predicted_rate", "tau", "study_rate"} <= set(free.sampler_model(USED).prior(10, RANDOM))


RANDOM = np.random.default_rng(8)
