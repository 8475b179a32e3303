"""Simulation-based calibration of the posteriors of hazards: truths drawn from the prior rank evenly in the posterior.

Source: Talts et al. (2018), arXiv:1804.06788; Cook, Gelman & Rubin (2006), J. Comput. Graph. Stat. 15:675-692.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from anatrial.numerics import FloatArray
from anatrial.numerics.time_to_event import Gamma
from anatrial.numerics.weibull import HazardPosterior, ShapePrior, Times, exponential_posterior, weibull_posterior

REPLICATES = 600
N = 6
SHAPE = ShapePrior(1.1, 0.4, 5.0)
PRIORS = (Gamma(2.0, 9.0), Gamma(1.5, 4.0))
LEAST_P = 1e-4  # one of 10,000 sets of even ranks looks as uneven as that


def drawn(*, weibull: bool) -> tuple[tuple[Times, ...], FloatArray, FloatArray]:
    """Data of two arms with uniform censoring, the true shapes, and the true hazards by the reference time."""
    rng = np.random.default_rng(7)
    shape = SHAPE.median * np.exp(SHAPE.log_sd * rng.standard_normal(REPLICATES)) if weibull else np.ones(REPLICATES)
    unit = SHAPE.reference_time if weibull else 1.0
    hazard = np.stack([rng.gamma(prior.shape, unit / prior.rate, REPLICATES) for prior in PRIORS])
    arms = []
    for rate in hazard:
        event = unit * (rng.exponential(1.0, (REPLICATES, N)) / rate[:, None]) ** (1 / shape[:, None])
        end = rng.uniform(1.0, 12.0, (REPLICATES, N))
        arms.append(Times(np.minimum(event, end), event <= end))
    return tuple(arms), shape, hazard


def ranks_of_median(found: HazardPosterior, medians: FloatArray) -> FloatArray:
    """Posterior probability below the true median of treatment, one per replicate."""
    rows = []
    for k, median in enumerate(medians):
        row = slice(k, k + 1)
        parts = (found.weights[row], found.shapes[row], found.events[:, row], found.log_watched[:, row])
        rows.append(HazardPosterior(*parts, found.reference_time).median_below(float(median))[0])
    return np.array(rows)


@pytest.mark.parametrize("weibull", [False, True])
def test_true_medians_rank_evenly(weibull: bool) -> None:
    """P(median < the true one | data) is uniform over draws of prior and data, censored ones among them."""
    arms, shape, hazard = drawn(weibull=weibull)
    found = weibull_posterior(arms, PRIORS, SHAPE) if weibull else exponential_posterior(arms, PRIORS)
    ranks = ranks_of_median(found, found.reference_time * (math.log(2) / hazard[0]) ** (1 / shape))
    assert kstest(ranks, "uniform").pvalue > LEAST_P
    assert kstest(np.abs(ranks - 0.5), "uniform", args=(0, 0.5)).pvalue > LEAST_P  # neither too narrow nor too wide


def test_true_shapes_rank_evenly() -> None:
    """P(shape < the true one | data) is uniform: the grid carries the posterior of the shape."""
    arms, shape, _ = drawn(weibull=True)
    found = weibull_posterior(arms, PRIORS, SHAPE)
    below = np.cumsum(found.weights, axis=1) - 0.5 * found.weights
    pairs = zip(np.log(shape), np.log(found.shapes), below, strict=True)
    ranks = np.array([np.interp(true, nodes, level) for true, nodes, level in pairs])
    assert kstest(ranks, "uniform").pvalue > LEAST_P
    assert kstest(np.abs(ranks - 0.5), "uniform", args=(0, 0.5)).pvalue > LEAST_P


@pytest.mark.parametrize("weibull", [False, True])
def test_believed_hazard_ratios_come_true_as_often_as_believed(weibull: bool) -> None:
    """Among all replicates, and among those believed with more than 0.8, the ratio is below 1 as often as P says."""
    arms, _, hazard = drawn(weibull=weibull)
    found = weibull_posterior(arms, PRIORS, SHAPE) if weibull else exponential_posterior(arms, PRIORS)
    believed, true = found.treatment_slower(), hazard[0] < hazard[1]
    for chosen in (np.ones(REPLICATES, bool), believed > 0.8, believed < 0.3):
        error = math.sqrt(float((believed * (1 - believed))[chosen].sum()))
        assert abs(float((true - believed)[chosen].sum())) < 4 * error
