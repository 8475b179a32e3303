"""Posterior grids at n = 100 per arm against one scipy.integrate.quad per table, extrapolated from a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from scipy import integrate, special, stats
from tests.benchmarks.measure import Row, cpu

from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.superiority import by_quadrature, by_recurrence, posterior_weights, probability_greater

N = 100
SAMPLE, FEW = 200, 50  # tables for the quicker and for the slower peer
PRIORS = {
    1: np.array([[1.0, 1.0, 1.0]]),
    3: np.array([[0.5, 0.5, 0.5], [0.3, 12.0, 30.0], [0.2, 1.0, 1.0]]),
    5: np.array([[0.3, 0.5, 0.5], [0.2, 5.0, 9.0], [0.2, 40.0, 60.0], [0.2, 1.0, 1.0], [0.1, 90.0, 10.0]]),
}


def rows() -> Iterator[Row]:
    """Grids for 1, 3 and 5 parts, margin 0 and 0.1, each against two ways to write the integrand."""
    tables = np.random.default_rng(20240517).integers(0, N + 1, (SAMPLE, 2))
    for (count, parts), margin in product(PRIORS.items(), (0.0, 0.1)):
        found: dict[str, FloatArray] = {}

        def whole(parts: FloatArray = parts, margin: float = margin) -> FloatArray:
            return probability_greater(parts, N, parts, N, margin)

        def plain(parts: FloatArray = parts, margin: float = margin, found: dict[str, FloatArray] = found) -> None:
            found["plain"] = _per_table(_plain, parts, tables[:FEW], margin)

        def tuned(parts: FloatArray = parts, margin: float = margin, found: dict[str, FloatArray] = found) -> None:
            found["tuned"] = _per_table(_tuned, parts, tables, margin)

        # the samples take seconds: one turn is long enough
        ours, of_plain, of_tuned = cpu(whole, plain, tuned, repetitions=1)
        grid = whole()
        for said, time, size, target in (("plain", of_plain, FEW, ">= 2e4"), ("tuned", of_tuned, SAMPLE, "reported")):
            peer = time * (N + 1) ** 2 / size
            accuracy = f"quad {np.abs(grid[*tables[:size].T] - found[said]).max():.0e}, {_engines(parts, grid, margin)}"
            yield Row(f"K = {count}, margin {margin:g}, {said} integrand", ours, peer, peer / ours, target, accuracy)


def _engines(parts: FloatArray, grid: FloatArray, margin: float) -> str:
    """Largest difference from the other engine; at another margin, from the swapped arms."""
    if margin == 0.0:
        other = by_recurrence(parts, N, parts, N) - by_quadrature(parts, N, parts, N, 0.0)
        return f"other engine {np.abs(other).max():.0e}"
    swapped = by_quadrature(parts[:, [0, 2, 1]], N, parts[:, [0, 2, 1]], N, margin).T[::-1, ::-1]
    return f"swapped arms {np.abs(grid - swapped).max():.0e}"


def _per_table(
    integrand: Callable[..., Callable[[float], float]], parts: FloatArray, tables: IntArray, margin: float
) -> FloatArray:
    """P(p_t > p_c + margin) by quad for each row (x_t, x_c) of ``tables``."""
    weights, found = posterior_weights(parts, N), []
    for x_t, x_c in tables.tolist():
        a_t, b_t, a_c, b_c = parts[:, 1] + x_t, parts[:, 2] + N - x_t, parts[:, 1] + x_c, parts[:, 2] + N - x_c
        # without its peaks, quad would overlook a narrow part
        peaks = sorted({float(p) for p in a_t / (a_t + b_t) if margin < p < 1})
        of_p = integrand(weights[x_t], a_t, b_t, weights[x_c], a_c, b_c, margin)
        found.append(integrate.quad(of_p, margin, 1.0, points=peaks, limit=200)[0])
    return np.array(found)


def _plain(*arguments: Any) -> Callable[[float], float]:
    """Density times distribution function as a programmer would write it, with frozen scipy.stats laws."""
    w_t, a_t, b_t, w_c, a_c, b_c, margin = arguments
    law_t, law_c = stats.beta(a_t, b_t), stats.beta(a_c, b_c)
    return lambda p: float((w_t @ law_t.pdf(p)) * (w_c @ law_c.cdf(p - margin)))


def _tuned(*arguments: Any) -> Callable[[float], float]:
    """The same with scipy.special, what does not depend on p computed once."""
    w_t, a_t, b_t, w_c, a_c, b_c, margin = arguments
    scale = special.betaln(a_t, b_t)

    def integrand(p: float) -> float:
        density = w_t @ np.exp((a_t - 1) * np.log(p) + (b_t - 1) * np.log1p(-p) - scale)
        return float(density * (w_c @ special.betainc(a_c, b_c, p - margin)))

    return integrand
