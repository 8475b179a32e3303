"""Laws on a grid as numbers and curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from anatrial.domain.synthesis import LEVELS, Quantity, Spread
from anatrial.methods.heterogeneity import Heterogeneity
from anatrial.numerics import FloatArray
from anatrial.numerics.densities import inverse_quantiles, moments, tau_curve, tau_moments, tau_quantiles
from anatrial.numerics.log_odds import Density, Synthesised, Tau, sinh_nodes
from anatrial.numerics.predicted_information import exact_elir

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


def information(spread: Heterogeneity, far: Callable[[], Synthesised]) -> tuple[float | None, str]:
    """ELIR of a new trial's law, or None with the reason; ``far`` integrates again with nodes far into tau's tail."""
    if spread.heavy_tail:
        return None, spread.heavy_tail
    value = exact_elir(far())
    return value, "" if value is not None else "its integral converges too slowly to be computed"


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
