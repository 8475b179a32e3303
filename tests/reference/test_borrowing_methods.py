"""Methods `beta_binomial`, `normalised_power_prior`, `commensurate` and `exnex` against sums and limits by hand.

That of `map` is in ``test_rbest_map.py``; here stands PyMC's agreement with shipped priors of both sampled methods.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaln, expit
from tests.hierarchies import HALF, NO_SPREAD, beta_binomial, brought, likelihood, meta, normal, studies

from anatrial.errors import ComputationError
from anatrial.methods.beta_binomial import Precision
from anatrial.methods.commensurate import Commensurate
from anatrial.methods.heterogeneity import Fixed, Heterogeneity
from anatrial.methods.normalised_power_prior import NormalisedPowerPrior
from anatrial.numerics.densities import moments
from anatrial.numerics.exchangeable import Group, Sharing, exchange
from anatrial.numerics.log_odds import Model, Normal, Tau, narrowest, synthesise

SAMPLED = sorted(
    path
    for path in (Path(__file__).parents[2] / "priors" / "derived").glob("*/*.json")
    if json.loads(path.read_text())["sampled"] is not None
)


def test_common_beta_against_a_plain_grid() -> None:
    """Mean and spread of a new rate under the common Beta equal sums over its mean and precision."""
    x, n = [3, 9, 4], [12, 15, 20]
    law = beta_binomial(precision=Precision(median=15.0, sd_log=0.8)).predicted(brought(x, n))
    m, log_p = np.linspace(0.0005, 0.9995, 1000)[:, None], np.linspace(0, math.log(1e4), 801)
    a, b = m * np.exp(log_p), (1 - m) * np.exp(log_p)
    logs = -0.5 * ((log_p - math.log(15)) / 0.8) ** 2 + sum(
        betaln(a + r, b + k - r) - betaln(a, b) for r, k in zip(x, n, strict=True)
    )
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    mean = float((weight * m).sum())
    second = float((weight * (m * (1 - m) / (np.exp(log_p) + 1) + m * m)).sum())
    assert moments(law) == pytest.approx((mean, math.sqrt(second - mean**2)), abs=2e-6)


def test_a_study_of_its_own_updates_the_common_beta() -> None:
    """Averaged over everything, a study's expected rate obeys the law of total expectation of its Beta."""
    recipe, given = beta_binomial(), brought([3, 9], [12, 15])
    found = recipe.found(given).betas
    after = found.a + 3, found.b + 9
    mean = float((found.weights * after[0] / (after[0] + after[1])).sum())
    assert recipe.synthesis(given).studies[0].rate.mean == pytest.approx(mean, abs=1e-7)


def test_counts_that_say_too_little_are_refused() -> None:
    """Three patients under a very wide precision leave rates of exactly 0 likely: no closed form, and the reason."""
    with pytest.raises(ComputationError, match="state a mean or a precision that says more"):
        beta_binomial(precision=Precision(median=1.0, sd_log=3.0)).closed_form(brought([0, 0], [1, 1]))


def test_normalised_power_prior_by_hand() -> None:
    """With a uniform fraction the mean rate is the integral of (1 + f x) / (2 + f n) over f from 0 to 1."""
    recipe = NormalisedPowerPrior(title="t", method="normalised_power_prior", endpoint="e", outcomes=("o-0",))
    x, n = 6, 20
    # integral of (1 + f x) / (2 + f n) = x / n + (1 - 2 x / n) / n * log((2 + n) / 2)
    by_hand = x / n + (1 - 2 * x / n) / n * math.log((2 + n) / 2)
    assert moments(recipe.predicted(brought([x], [n])))[0] == pytest.approx(by_hand, abs=1e-9)
    mixture, _ = recipe.closed_form(brought([x], [n]))
    assert mixture.mean == pytest.approx(by_hand, abs=1e-3)


def test_commensurate_prior_is_history_moved_by_a_random_distance() -> None:
    """With a fixed distance the law is the history's posterior plus a normal; at 0 it is history's posterior."""
    near = Commensurate(title="t", method="commensurate", endpoint="e", outcomes=("o-0",), distance=NO_SPREAD)
    pooled = meta(heterogeneity=NO_SPREAD).predicted(brought([10], [42]))
    assert moments(near.predicted(brought([3, 7], [20, 22]))) == pytest.approx(moments(pooled), abs=1e-10)
    far = near.model_copy(update={"distance": Fixed(family="fixed", value=0.7)})
    mean, sd = moments(far.predicted(brought([10], [42])), lambda v: v)
    centre, spread = moments(pooled, lambda v: v)
    assert (mean, sd) == pytest.approx((centre, math.hypot(spread, 0.7)), abs=1e-9)


def sharing(tau: Heterogeneity, sigma: Heterogeneity, sharpest: float) -> Sharing:
    """Shared priors."""
    return Sharing(Normal(0, 2), tau.tau(sharpest), sigma.tau(sharpest), tau.reach[0] + sigma.reach[0])


def test_groups_that_are_surely_exchangeable_are_a_meta_analysis() -> None:
    """Chance 1 and no spread within groups: a group's own mean is its shrunken study of the hierarchy."""
    x, n = [3, 9, 4], [12, 15, 20]
    data = studies(x, n)
    groups = tuple(Group(studies([a], [b]), 1 - 1e-15, Normal(0, 2)) for a, b in zip(x, n, strict=True))
    found = exchange(groups, sharing(HALF, NO_SPREAD, narrowest(data)), 1)
    model = Model(Normal(0, 2), (HALF.tau(narrowest(data)),), HALF.reach[0], np.zeros(3, np.int64))
    assert moments(found.typical) == pytest.approx(moments(synthesise(data, model).studies[1]), abs=1e-9)
    assert found.exchangeable == pytest.approx([1, 1, 1], abs=1e-12)


def test_groups_that_are_surely_alone_borrow_nothing() -> None:
    """Chance 0: the target's law is its own counts under its own prior, whatever the others say."""
    groups = tuple(Group(studies([a], [b]), 1e-15, Normal(0.3, 1.5)) for a, b in ((3, 12), (19, 20)))
    found = exchange(groups, sharing(HALF, NO_SPREAD, 0.5), 0)
    at = np.linspace(-9, 9, 20_001)
    density = likelihood(3, 12, at) * normal(at, 0.3, 1.5)
    assert moments(found.typical)[0] == pytest.approx(float(density @ expit(at) / density.sum()), abs=1e-9)


def test_chance_to_be_exchangeable_by_bayes() -> None:
    """With known spreads the posterior chance of each group is Bayes' rule over the four patterns of two groups."""
    x, n, p, tau = (3, 16), (12, 20), (0.4, 0.7), 0.3
    groups = tuple(Group(studies([x[i]], [n[i]]), p[i], Normal(0, 2)) for i in (0, 1))
    known = Tau(np.array([tau]), np.ones(1))
    found = exchange(groups, Sharing(Normal(0, 2), known, Tau(np.zeros(1), np.ones(1)), 4.0), 0)
    mu, z = np.linspace(-17, 17, 3001), np.linspace(-8, 8, 201)
    w = normal(z, 0, 1) / normal(z, 0, 1).sum()
    prior = normal(mu, 0, 2) * (mu[1] - mu[0])
    alike = [likelihood(x[i], n[i], mu[:, None] + tau * z) @ w for i in (0, 1)]
    alone = [float(prior @ likelihood(x[i], n[i], mu)) for i in (0, 1)]
    patterns = {
        (True, True): p[0] * p[1] * float(prior @ (alike[0] * alike[1])),
        (True, False): p[0] * (1 - p[1]) * float(prior @ alike[0]) * alone[1],
        (False, True): (1 - p[0]) * p[1] * float(prior @ alike[1]) * alone[0],
        (False, False): (1 - p[0]) * (1 - p[1]) * alone[0] * alone[1],
    }
    total = sum(patterns.values())
    by_hand = [sum(v for k, v in patterns.items() if k[i]) / total for i in (0, 1)]
    assert found.exchangeable == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize("x", [[37, 41, 33], [0, 0, 0], [37, 41, 32], [0, 0, 1]], ids=str)
def test_common_beta_of_full_or_empty_counts(x: list[int]) -> None:
    """Counts at one end are refused with the reason, and so are their mirror images."""
    with pytest.raises(ComputationError, match="0 or 1 for all practical purposes"):
        beta_binomial().closed_form(brought(x, [37, 41, 33]))


@pytest.mark.parametrize("path", SAMPLED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_priors_were_sampled_without_a_fault(path: Path) -> None:
    """PyMC's chains mixed, none diverged, and every number agreed with integration as chance allows."""
    record = json.loads(path.read_text())["sampled"]
    told, worst = record["diagnostics"], record["worst"]
    assert told["divergences"] == 0
    assert told["r_hat"] <= 1.01
    assert min(told["ess_bulk"], told["ess_tail"]) >= 400
    assert told["bfmi"] >= 0.3
    assert abs(worst["sampled"] - worst["exact"]) < 5.6 * worst["standard_error"]


def test_every_recipe_that_can_be_sampled_was() -> None:
    """All shipped recipes of both sampled methods: eighteen of `map`, one of `beta_binomial`."""
    methods = [json.loads(path.read_text())["origin"]["method"] for path in SAMPLED]
    assert (methods.count("map"), methods.count("beta_binomial")) == (18, 1)
