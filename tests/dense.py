"""A second integration of the logit-normal hierarchy, which shares nothing with the first.

For one tau, what a study says of the mean is an integral over its standardised effect z (trapezoid on [-9, 9]); the
mean lies on a short grid, tau at Gauss-Legendre nodes of its square root. A new study's distribution function is a
second integral over z of the mean's, which is a spline.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

Floats = NDArray[np.float64]


class Dense:
    """Posterior of mean and tau for responders ``x`` of ``n``; ``tau`` is its log density, cut at ``upper``."""

    def __init__(
        self, x: list[int], n: list[int], mean: tuple[float, float], tau: Callable[[Floats], Floats], upper: float
    ) -> None:
        centre = float(np.log((sum(x) + 0.5) / (sum(n) - sum(x) + 0.5)))
        self.mu = np.linspace(max(centre - 9, mean[0] - 8.5 * mean[1]), min(centre + 9, mean[0] + 8.5 * mean[1]), 501)
        at, lengths = np.polynomial.legendre.leggauss(48)
        root = 0.5 * np.sqrt(upper) * (at + 1)
        self.tau = root**2
        weights = lengths * root * np.exp(tau(self.tau))
        prior = np.exp(-0.5 * ((self.mu - mean[0]) / mean[1]) ** 2)
        self.joint = np.array([self._together(x, n, t) for t in self.tau]) * weights[:, None] * prior
        self.joint /= self.joint.sum()

    def _together(self, x: list[int], n: list[int], tau: float) -> Floats:
        z = np.linspace(-9, 9, int(121 + 60 * tau) | 1)
        weight = np.exp(-0.5 * z**2)
        weight /= weight.sum()
        total = np.ones_like(self.mu)
        for responders, patients in zip(x, n, strict=True):
            log_odds = self.mu[:, None] + tau * z
            shape = responders * -np.logaddexp(0, -log_odds) - (patients - responders) * np.logaddexp(0, log_odds)
            rate = min(max(responders / patients, 1e-12), 1 - 1e-12)
            most = responders * np.log(rate) + (patients - responders) * np.log1p(-rate)
            total = total * (np.exp(shape - most) @ weight)
        return total

    def below(self, log_odds: float) -> float:
        """P(log odds of a new study <= this)."""
        z = np.linspace(-9, 9, 721)
        weight = np.exp(-0.5 * z**2)
        weight /= weight.sum()
        total = 0.0
        for row, tau in zip(self.joint, self.tau, strict=True):
            if row.sum() < 1e-16:
                continue
            whole = make_interp_spline(self.mu, row, k=5).antiderivative()
            at = np.clip(log_odds - tau * z, self.mu[0], self.mu[-1])
            total += float((whole(at) * weight).sum()) / (self.mu[1] - self.mu[0])
        return total
