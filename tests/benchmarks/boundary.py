"""Posterior grids at n = 100 per arm against one scipy.integrate.quad per table, extrapolated from a sample."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy import integrate, special
from tests.benchmarks.measure import Row, cpu

from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.superiority import by_quadrature, by_recurrence, posterior_weights, probability_greater

N = 100
SAMPLE = 200
PRIORS = {
    1: np.array([[1.0, 1.0, 1.0]]),
    3: np.array([[0.5, 0.5, 0.5], [0.3, 12.0, 30.0], [0.2, 1.0, 1.0]]),
    5: np.array([[0.3, 0.5, 0.5], [0.2, 5.0, 9.0], [0.2, 40.0, 60.0], [0.2, 1.0, 1.0], [0.1, 90.0, 10.0]]),
}


def rows() -> Iterator[Row]:
    """Grids for 1, 3 and 5 parts, margin 0 and 0.1."""
    tables = np.random.default_rng(20240517).integers(0, N + 1, (SAMPLE, 2))
    for (count, parts), margin in product(PRIORS.items(), (0.0, 0.1)):
        found: dict[str, FloatArray] = {}

        def whole(parts: FloatArray = parts, margin: float = margin) -> FloatArray:
            return probability_greater(parts, N, parts, N, margin)

        def sample(parts: FloatArray = parts, margin: float = margin, found: dict[str, FloatArray] = found) -> None:
            found["quad"] = _per_table(parts, tables, margin)

        ours, part = cpu(whole, sample, repetitions=1)  # the sample takes seconds: one turn is long enough
        peer = part * (N + 1) ** 2 / SAMPLE
        grid = whole()
        accuracy = f"quad {np.abs(grid[*tables.T] - found['quad']).max():.0e}, {_engines(parts, grid, margin)}"
        yield Row(f"grid n = {N}, K = {count}, margin {margin:g}", ours, peer, peer / ours, ">= 2e4", accuracy)


def _engines(parts: FloatArray, grid: FloatArray, margin: float) -> str:
    """Largest difference from the other engine; at another margin, from the swapped arms."""
    if margin == 0.0:
        other = by_recurrence(parts, N, parts, N) - by_quadrature(parts, N, parts, N, 0.0)
        return f"other engine {np.abs(other).max():.0e}"
    swapped = by_quadrature(parts[:, [0, 2, 1]], N, parts[:, [0, 2, 1]], N, margin).T[::-1, ::-1]
    return f"swapped arms {np.abs(grid - swapped).max():.0e}"


def _per_table(parts: FloatArray, tables: IntArray, margin: float) -> FloatArray:
    """P(p_t > p_c + margin) for each row (x_t, x_c) of ``tables`` as a programmer would write it."""
    weights = posterior_weights(parts, N)
    return np.array([_one_table(parts, weights[x_t], weights[x_c], x_t, x_c, margin) for x_t, x_c in tables.tolist()])


def _one_table(parts: FloatArray, w_t: FloatArray, w_c: FloatArray, x_t: int, x_c: int, margin: float) -> float:  # noqa: PLR0917
    a_t, b_t, a_c, b_c = parts[:, 1] + x_t, parts[:, 2] + N - x_t, parts[:, 1] + x_c, parts[:, 2] + N - x_c
    scale = special.betaln(a_t, b_t)

    def integrand(p: float) -> float:
        density = w_t @ np.exp((a_t - 1) * np.log(p) + (b_t - 1) * np.log1p(-p) - scale)
        return float(density * (w_c @ special.betainc(a_c, b_c, p - margin)))

    # without its peaks, quad would overlook a narrow part
    peaks = sorted({float(p) for p in a_t / (a_t + b_t) if margin < p < 1})
    return float(integrate.quad(integrand, margin, 1.0, points=peaks, limit=200)[0])
