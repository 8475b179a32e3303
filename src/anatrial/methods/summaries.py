"""Laws on a grid as numbers and curves."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from anatrial.domain.synthesis import LEVELS, Quantity, Spread
from anatrial.methods.heterogeneity import Heterogeneity
from anatrial.numerics import FloatArray
from anatrial.numerics.densities import inverse_quantiles, moments, tau_curve, tau_moments, tau_quantiles
from anatrial.numerics.log_odds import Density, Tau, sinh_nodes

CURVE = 200  # points of a curve that is drawn


def rate_spread(density: Density) -> Spread:
    """A law of log odds in numbers, as rates."""
    return Spread(*moments(density), tuple(expit(inverse_quantiles(density, LEVELS)).tolist()))


def plain_spread(density: Density) -> Spread:
    """A law on its own scale, in numbers."""
    return Spread(*moments(density, lambda value: value), inverse_quantiles(density, LEVELS))


def rate_quantity(name: str, label: str, density: Density) -> Quantity:
    """A law of log odds as a quantity on rates, with its curve."""
    spread = rate_spread(density)
    low, high = max(spread.mean - 6 * spread.sd, 1e-4), min(spread.mean + 6 * spread.sd, 1 - 1e-4)
    rates = np.linspace(low, high, CURVE)
    log_odds = np.log(rates) - np.log1p(-rates)
    heights = np.interp(log_odds, density.grid, density.values) / (rates * (1 - rates))
    return Quantity(name, label, spread, pairs(rates, heights))


def pairs(x: FloatArray, y: FloatArray) -> tuple[tuple[float, float], ...]:
    """Points of a curve."""
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def effective_n_of(spread: Spread) -> float:
    """Moment effective n: a + b of the Beta with this mean and standard deviation."""
    return spread.mean * (1 - spread.mean) / spread.sd**2 - 1


def tau_quantity(name: str, label: str, prior: Heterogeneity, tau: Tau) -> Quantity:
    """A heterogeneity's posterior in numbers, with its density and that of its prior."""
    spread = Spread(*tau_moments(tau), tau_quantiles(tau, LEVELS))
    if len(tau.nodes) == 1:
        return Quantity(name, label, spread)
    at = np.linspace(0.0, min(1.5 * spread.quantiles[-1], prior.reach[0]), CURVE)
    whole = sinh_nodes((0.0, prior.reach[1]), tau.scale / 1.5)
    total = float(whole.weights @ np.exp(prior.log_density(whole.nodes)))
    return Quantity(
        name, label, spread, pairs(at, tau_curve(tau, at)), pairs(at, np.exp(prior.log_density(at)) / total)
    )
