"""Bias, mean squared error and interval coverage of the named estimators, under known rates.

Observed difference with Newcombe's interval (single arm: observed rate with Wilson's), and the posterior mean with its
95 % equal-tailed interval. An equal-tailed interval holds the true value where the posterior probability of lying above
it is between 2.5 and 97.5 %, so coverage needs no quantile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from anatrial.domain.counts import Look, Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.results import Metric, exactly
from anatrial.engine.course import Course, Trial
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.intervals import newcombe_limits, wilson_limits
from anatrial.numerics.superiority import greater_than_rate, posterior_weights, probability_greater
from anatrial.rules.base import Rule
from anatrial.rules.posterior import Posterior
from anatrial.truths.points import Points

Z = float(ndtri(0.975))
SLACK = 1e-12  # an interval that ends on the true value holds it, however its end was rounded


def estimator_metrics(rule: Rule, truth: Points, trial: Trial) -> tuple[Metric, ...]:
    """Bias, mean squared error and coverage; the posterior mean only of one look where the rule has an analysis prior.

    Of a trial with looks the counts are those at the look where it ends.
    """
    seen = [observed(truth, look, ends) for look, ends in _ends(trial)]
    sums = np.sum([(found.bias, found.mse, found.coverage) for found in seen], axis=0).tolist()
    interval = "newcombe" if trial.look.n_c else "wilson"
    found = _named("observed", interval, *sums)
    if isinstance(rule, Posterior) and isinstance(trial, Regions):
        law, (rate_t, rate_c) = truth.law(trial.look), truth.trial_rates()
        mean, above = _posterior(rule, trial.look, rate_t - rate_c)
        covers = (above >= 0.025 - SLACK) & (above <= 0.975 + SLACK)
        weights = law.treatment[0][:, None] * law.control[0][None, :]
        found += _named("posterior_mean", "equal_tailed", *_sums(mean - (rate_t - rate_c), covers, weights))
    return found


class Observed(NamedTuple):
    """Of the trials that end at one look: their probability, and the sums over them of error, square and coverage."""

    probability: float
    bias: float
    mse: float
    coverage: float


def observed(truth: Points, look: Look, ends: FloatArray) -> Observed:
    """The observed effect where the trial ends at a look with probability ``ends`` given its counts."""
    law, (rate_t, rate_c) = truth.law(look), truth.trial_rates()
    weights = law.treatment[0][:, None] * law.control[0][None, :] * ends
    true = rate_t - rate_c
    effect = (np.arange(look.n_t + 1) / look.n_t)[:, None]
    if look.n_c:
        effect = effect - (np.arange(look.n_c + 1) / look.n_c)[None, :]
        lower, upper = newcombe_limits(look.n_t, look.n_c, Z)
    else:
        lower, upper = (limit[:, None] for limit in wilson_limits(np.arange(look.n_t + 1), look.n_t, Z))
    covers = (lower <= true + SLACK) & (true - SLACK <= upper)
    return Observed(float(weights.sum()), *_sums(effect - true, covers, weights))


def at_each_stop(truth: Points, course: Course) -> list[tuple[Observed, Observed]]:
    """The observed effect among the trials that end at each look with success, and among those that end otherwise."""
    found = []
    for regions, weight, ends in zip(course.regions, course.reached, course.ends, strict=True):
        wins = weight * regions.success.grid
        found.append((observed(truth, regions.look, wins), observed(truth, regions.look, ends - wins)))
    return found


def _ends(trial: Trial) -> list[tuple[Look, FloatArray]]:
    """Every look with the probability that the trial ends there given its counts."""
    if isinstance(trial, Regions):
        return [(trial.look, np.ones((1, 1)))]
    return list(zip(trial.looks, trial.ends, strict=True))


def _sums(error: FloatArray, covers: BoolArray, weights: FloatArray) -> tuple[float, float, float]:
    return float((weights * error).sum()), float((weights * error**2).sum()), float(weights[covers].sum())


def _named(name: str, interval: str, bias: float, mse: float, coverage: float) -> tuple[Metric, ...]:
    return (
        Metric(f"{name}_bias", exactly(bias)),
        Metric(f"{name}_mse", exactly(mse)),
        Metric(f"{name}_{interval}_coverage", exactly(coverage)),
    )


def _posterior(rule: Posterior, look: Look, true: float) -> tuple[FloatArray, FloatArray]:
    """Posterior mean and P(above the true value) of every table; of the rate itself in a single-arm trial."""
    treatment = rule.analysis_prior.treatment.mixture()
    mean = _means(treatment, look.n_t)[:, None]
    if not look.n_c or rule.analysis_prior.control is None:
        return mean, greater_than_rate(treatment.array, look.n_t, min(max(true, 0.0), 1.0))[:, None]
    control = rule.analysis_prior.control.mixture()
    mean = mean - _means(control, look.n_c)[None, :]
    if abs(true) >= 1:
        return mean, np.full(mean.shape, float(true <= -1))
    return mean, probability_greater(treatment.array, look.n_t, control.array, look.n_c, true)


def _means(prior: BetaMixture, n: int) -> FloatArray:
    """Posterior mean after 0..n responders, shape (n + 1,)."""
    _, a, b = prior.array.T
    x = np.arange(n + 1.0)[:, None]
    return np.asarray((posterior_weights(prior.array, n) * (a + x) / (a + b + n)).sum(axis=1))
