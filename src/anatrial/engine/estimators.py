"""Bias, mean squared error and interval coverage of the named estimators, under known rates.

Observed difference with Newcombe's interval (single arm: observed rate with Wilson's), and the posterior mean with its
95 % equal-tailed interval. An equal-tailed interval holds the true value where the posterior probability of lying above
it is between 2.5 and 97.5 %, so coverage needs no quantile.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from anatrial.domain.counts import Look
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.results import Metric, exactly
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.intervals import newcombe_limits, wilson_limits
from anatrial.numerics.superiority import greater_than_rate, posterior_weights, probability_greater
from anatrial.rules.base import Rule
from anatrial.rules.posterior import Posterior
from anatrial.truths.points import Points

Z = float(ndtri(0.975))
SLACK = 1e-12  # an interval that ends on the true value holds it, however its end was rounded


def estimator_metrics(rule: Rule, truth: Points, look: Look) -> tuple[Metric, ...]:
    """Bias, mean squared error and coverage; the posterior mean only where the rule has an analysis prior."""
    law = truth.law(look)
    weights = law.treatment[0][:, None] * law.control[0][None, :]
    rate_t, rate_c = truth.trial_rates()
    true = rate_t - rate_c
    observed = (np.arange(look.n_t + 1) / look.n_t)[:, None]
    if look.n_c:
        observed = observed - (np.arange(look.n_c + 1) / look.n_c)[None, :]
        lower, upper = newcombe_limits(look.n_t, look.n_c, Z)
        interval = "newcombe"
    else:
        lower, upper = (limit[:, None] for limit in wilson_limits(np.arange(look.n_t + 1), look.n_t, Z))
        interval = "wilson"
    covers = (lower <= true + SLACK) & (true - SLACK <= upper)
    found = _three("observed", interval, observed - true, covers, weights)
    if isinstance(rule, Posterior):
        mean, above = _posterior(rule, look, true)
        covers = (above >= 0.025 - SLACK) & (above <= 0.975 + SLACK)
        found += _three("posterior_mean", "equal_tailed", mean - true, covers, weights)
    return found


def _three(name: str, interval: str, error: FloatArray, covers: BoolArray, weights: FloatArray) -> tuple[Metric, ...]:
    return (
        Metric(f"{name}_bias", exactly(float((weights * error).sum()))),
        Metric(f"{name}_mse", exactly(float((weights * error**2).sum()))),
        Metric(f"{name}_{interval}_coverage", exactly(float(weights[covers].sum()))),
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
