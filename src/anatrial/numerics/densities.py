"""Numbers that describe a density on a grid: mean, standard deviation, quantiles, on log odds or as rates."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import Density, Tau, leggauss

FINER = 4  # grid points between grid points, by the Fourier series: exact for a density that the grid resolves
HALVINGS = 60


def moments(density: Density, scale: Callable[[FloatArray], FloatArray] = expit) -> tuple[float, float]:
    """Mean and standard deviation of a function of the log odds (default: the rate)."""
    at, weight = scale(density.grid), density.values * density.step
    mean = float(weight @ at)
    return mean, math.sqrt(float(weight @ (at - mean) ** 2))


class Cumulative:
    """The distribution function on the log-odds scale; error below 1e-9 on a grid that resolves the density.

    The density is refined by its Fourier series and integrated as a spline of degree 5.
    """

    def __init__(self, density: Density) -> None:
        from scipy.interpolate import make_interp_spline

        size = len(density.grid) * FINER
        finer = np.maximum(np.fft.irfft(np.fft.rfft(density.values), size) * FINER, 0.0)
        grid = density.grid[0] + density.step / FINER * np.arange(size)
        self._whole = make_interp_spline(grid, finer, k=5).antiderivative()
        self.lowest, self.highest = float(grid[0]), float(grid[-1])
        self._total = float(self._whole(self.highest))

    def __call__(self, log_odds: FloatArray) -> FloatArray:
        """P(log odds <= each), shape (m,)."""
        return np.asarray(self._whole(np.clip(log_odds, self.lowest, self.highest)) / self._total)


def inverse_quantiles(density: Density, probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Log odds below which the density holds each probability in (0, 1)."""
    below = Cumulative(density)
    return inverted(below, below.lowest, below.highest, probabilities)


def tau_moments(tau: Tau) -> tuple[float, float]:
    """Mean and standard deviation of a heterogeneity."""
    mean = float(tau.weights @ tau.nodes)
    return mean, math.sqrt(float(tau.weights @ (tau.nodes - mean) ** 2))


class GaussLaw:
    """A law on [-1, 1] known by its probabilities at Gauss-Legendre nodes: the polynomial through them."""

    def __init__(self, weights: FloatArray) -> None:
        self.nodes, _ = leggauss(len(weights))
        order = np.arange(len(weights))
        table = np.polynomial.legendre.legvander(self.nodes, len(weights) - 1)
        self._series = (order + 0.5) * (table.T @ weights)
        self._whole = np.polynomial.legendre.legint(self._series, lbnd=-1)

    def below(self, x: FloatArray) -> FloatArray:
        """P(value <= x)."""
        return np.asarray(np.polynomial.legendre.legval(x, self._whole))

    def density(self, x: FloatArray) -> FloatArray:
        """Density at x."""
        return np.asarray(np.polynomial.legendre.legval(x, self._series))

    def quantiles(self, probabilities: tuple[float, ...]) -> FloatArray:
        """Values below which the law holds each probability."""
        return np.array(inverted(self.below, -1.0, 1.0, probabilities))


def tau_quantiles(tau: Tau, probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of a heterogeneity: its nodes are Gauss-Legendre in u, tau = scale sinh(u)."""
    if len(tau.nodes) == 1:
        return (float(tau.nodes[0]),) * len(probabilities)
    law = GaussLaw(tau.weights)
    return tuple((tau.scale * np.sinh(tau.start + _half(tau, law) * (law.quantiles(probabilities) + 1))).tolist())


def tau_curve(tau: Tau, at: FloatArray) -> FloatArray:
    """Density of a heterogeneity at values of tau."""
    law = GaussLaw(tau.weights)
    half = _half(tau, law)
    x = (np.arcsinh(at / tau.scale) - tau.start) / half - 1
    inside = np.abs(x) <= 1
    return np.where(inside, law.density(np.where(inside, x, 0.0)) / half / np.hypot(tau.scale, at), 0.0)


def _half(tau: Tau, law: GaussLaw) -> float:
    """Half the range of u."""
    return (math.asinh(float(tau.nodes[-1]) / tau.scale) - tau.start) / (float(law.nodes[-1]) + 1)


def inverted(
    below: Callable[[FloatArray], FloatArray], lowest: float, highest: float, probabilities: tuple[float, ...]
) -> tuple[float, ...]:
    """Where an increasing function on [lowest, highest] reaches each probability, by bisection."""
    low, high = np.full(len(probabilities), lowest), np.full(len(probabilities), highest)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = below(middle) < np.array(probabilities)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return tuple((0.5 * (low + high)).tolist())
