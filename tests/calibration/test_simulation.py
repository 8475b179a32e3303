"""Trials simulated patient by patient, and posteriors sampled by PyMC, against the exact numbers."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from tests.building import decided, drawn, indication, mixture, points, posterior, sided
from tests.tolerances import monte_carlo

from anatrial.domain.counts import Region
from anatrial.domain.mixture import BetaMixture
from anatrial.engine import type_one
from anatrial.engine.characteristics import characteristics, power
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.plan.derive import derive
from anatrial.rules import AnyRule
from anatrial.rules.exact_binomial import ExactBinomial

SEEDS = (20050913, 4_000_000_007)
DRAWS = 200_000
UNIFORM = [(1.0, 1.0, 1.0)]
ROBUST = [(0.8, 8.0, 26.0), (0.2, 1.0, 1.0)]

DESIGNS: list[tuple[AnyRule, int, int]] = [
    (sided("fisher", 0.05, two_sided=True), 46, 11),
    (sided("chi2_uncorrected", 0.025, two_sided=False), 12, 12),
    (posterior(UNIFORM, ROBUST, 0.98), 24, 24),
    (posterior([(1, 0.5, 1)], [(1, 11, 32)], 0.95), 24, 6),
    (posterior(UNIFORM, UNIFORM, 0.9, -0.1), 20, 30),
]


def falls(region: Region, x_t: IntArray, x_c: IntArray) -> BoolArray:
    """Whether each simulated table lies in a region, run by run."""
    found = np.zeros(x_t.shape, dtype=np.bool_)
    for run in region.runs:
        found |= (x_c == run.x_c) & (run.first <= x_t) & (x_t <= run.last)
    return found


def responders(random: np.random.Generator, n: int, rates: FloatArray) -> IntArray:
    """Responders among n patients at each rate, one patient at a time."""
    found = np.zeros(rates.shape, dtype=np.int64)
    for _ in range(n):
        found += random.random(rates.shape) < rates
    return found


def rates_of(random: np.random.Generator, prior: BetaMixture, draws: int) -> FloatArray:
    """Rates drawn from a mixture: first the part, then the rate."""
    weights, a, b = prior.array.T
    part = random.choice(len(weights), size=draws, p=weights / weights.sum())
    return np.asarray(random.beta(a[part], b[part]), dtype=np.float64)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rule", "n_t", "n_c"), DESIGNS)
def test_simulated_power(rule: AnyRule, n_t: int, n_c: int, seed: int) -> None:
    """The share of simulated trials that succeed, and that find harm, is the exact probability."""
    random = np.random.default_rng(seed)
    regions = decided(rule, n_t, n_c)
    for rate_t, rate_c in ((0.6, 0.25), (0.25, 0.6)):
        success, harm = power(regions, points(rate_t, rate_c))
        x_t = responders(random, n_t, np.full(DRAWS, rate_t))
        x_c = responders(random, n_c, np.full(DRAWS, rate_c))
        assert falls(regions.success, x_t, x_c).mean() == pytest.approx(success, abs=monte_carlo(success, DRAWS))
        assert falls(regions.harm, x_t, x_c).mean() == pytest.approx(harm, abs=monte_carlo(harm, DRAWS))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rule", "n_t", "n_c"), DESIGNS)
def test_simulated_type_one_error(rule: AnyRule, n_t: int, n_c: int, seed: int) -> None:
    """At the edge of no effect the share of simulated trials that decide anything is the exact type I error."""
    random = np.random.default_rng(seed)
    regions = decided(rule, n_t, n_c)
    margin = rule.null_margin
    worst = type_one.worst(regions, (max(0.0, -margin), 1.0), margin)
    for rate in (0.3, worst.at):
        exact = float(type_one.along(regions, np.array([rate]), margin)[0])
        x_t = responders(random, n_t, np.full(DRAWS, rate + margin))
        x_c = responders(random, n_c, np.full(DRAWS, rate))
        share = (falls(regions.success, x_t, x_c) | falls(regions.harm, x_t, x_c)).mean()
        assert share == pytest.approx(exact, abs=monte_carlo(exact, DRAWS))
        assert share <= worst.bound + monte_carlo(worst.bound, DRAWS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rule", "n_t", "n_c"), DESIGNS[1:4])
def test_simulated_assurance(rule: AnyRule, n_t: int, n_c: int, seed: int) -> None:
    """Drawing the rates first: the shares of successes, of true ones, and of true effects are the exact ones."""
    random = np.random.default_rng(seed)
    regions = decided(rule, n_t, n_c)
    believed_t, believed_c = [(1.0, 6.0, 4.0)], ROBUST
    truth = drawn(believed_t, believed_c)
    exact = {m.name: m.estimate.value for m in characteristics("it", rule, regions, truth, rates=np.array([])).metrics}
    rates_t = rates_of(random, mixture(believed_t), DRAWS)
    rates_c = rates_of(random, mixture(believed_c), DRAWS)
    x_t, x_c = responders(random, n_t, rates_t), responders(random, n_c, rates_c)
    success, true = falls(regions.success, x_t, x_c), rates_t > rates_c
    found = {
        "assurance": success,
        "true_success": success & true,
        "false_success": success & ~true,
        "effect_is_true": true,
    }
    for name, holds in found.items():
        assert holds.mean() == pytest.approx(exact[name], abs=monte_carlo(exact[name], DRAWS)), name
    both = responders(random, n_t, rates_c)
    again = falls(regions.success, both, responders(random, n_c, rates_c)).mean()
    assert again == pytest.approx(exact["type1_average"], abs=monte_carlo(exact["type1_average"], DRAWS))


@pytest.mark.parametrize("seed", SEEDS)
def test_simulated_single_arm(seed: int) -> None:
    """A single arm against a fixed rate: power and assurance as simulated."""
    random = np.random.default_rng(seed)
    rule = ExactBinomial(kind="exact_binomial", alpha=0.05, null_rate=0.25)
    regions = decided(rule, 20, 0)
    exact = power(regions, points(0.5))[0]
    nobody = np.zeros(DRAWS, dtype=np.int64)
    share = falls(regions.success, responders(random, 20, np.full(DRAWS, 0.5)), nobody).mean()
    assert share == pytest.approx(exact, abs=monte_carlo(exact, DRAWS))
    exact = power(regions, drawn(ROBUST))[0]
    drawn_rates = rates_of(random, mixture(ROBUST), DRAWS)
    share = falls(regions.success, responders(random, 20, drawn_rates), nobody).mean()
    assert share == pytest.approx(exact, abs=monte_carlo(exact, DRAWS))


@pytest.mark.parametrize("seed", SEEDS)
def test_posterior_is_calibrated(seed: int) -> None:
    """Rates drawn from the prior lie below their own posterior's median half of the time, in every tenth of it."""
    random = np.random.default_rng(seed)
    prior, n, draws = mixture(ROBUST), 24, 50_000
    rates = rates_of(random, prior, draws)
    x = responders(random, n, rates)
    ranks = np.empty(draws)
    for count in range(n + 1):
        after = prior.updated(count, n)
        ranks[x == count] = [after.cdf(rate) for rate in rates[x == count]]
    for level in np.arange(0.1, 1.0, 0.1):
        share = float((ranks <= level).mean())
        assert share == pytest.approx(level, abs=monte_carlo(float(level), draws))


POOLED = """
version = 1
indication = "made-up"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"

[[studies]]
id = "old"
title = "Old 2001"
citation = "Old 2001"
tier = "rct_double_blind"
arms = [{ id = "placebo", role = "placebo", drug = "placebo" }]

[[studies.outcomes]]
id = "old-1"
source_id = "O1"
arm = "placebo"
endpoint = "response"
visit = "week 12"
analysis_set = "itt"
n = 40
responders = 10
locator = "Table 1"

[priors.placebo]
title = "Placebo"
method = "pooled"
endpoint = "response"
outcomes = ["old-1"]
base = { a = 0.5, b = 1 }
"""


def test_pooled_prior_is_what_pymc_samples() -> None:
    """A Beta(0.5, 1) rate that saw 10 of 40, sampled by PyMC, has the mean and the tail of the pooled prior."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the announcements of other packages
        import pymc as pm

    chains, draws = 2, 2_000
    with pm.Model():
        rate = pm.Beta("rate", alpha=0.5, beta=1.0)
        pm.Binomial("responders", n=40, p=rate, observed=10)
        trace = pm.sample(
            draws=draws,
            tune=500,
            chains=chains,
            cores=1,
            random_seed=SEEDS[0],
            nuts_sampler="pymc",
            compile_kwargs={"mode": "NUMBA"},
            progressbar=False,
            compute_convergence_checks=False,
        )
    sampled = np.asarray(trace["posterior"]["rate"], dtype=np.float64).reshape(chains, draws)
    derived = derive(indication(POOLED), "placebo").value().mixture
    independent = chains * draws / 8  # neighbouring draws repeat each other: fewer than every eighth counts, on purpose
    assert sampled.mean() == pytest.approx(derived.mean, abs=4 * derived.sd / math.sqrt(independent))
    for edge in (0.15, 0.25, 0.35):
        exact = derived.survival(edge)
        assert (sampled > edge).mean() == pytest.approx(exact, abs=monte_carlo(exact, int(independent)))
