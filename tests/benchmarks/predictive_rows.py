"""Predictive-probability grids against a double sum of scipy's beta-binomial per table, scaled from a sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats
from tests.benchmarks.measure import Row, cpu

from anatrial.domain.counts import Look
from anatrial.domain.prior import PartSpec, PriorRef
from anatrial.numerics import BoolArray, FloatArray
from anatrial.rules.posterior import AnalysisPrior, Posterior
from anatrial.rules.stops import PredictiveStop

SAMPLE = 40  # tables of the peer
PRIORS = {
    1: PriorRef(a=1.0, b=1.0),
    5: PriorRef(
        parts=tuple(
            PartSpec(weight=w, a=a, b=b)
            for w, a, b in ((0.3, 0.5, 0.5), (0.2, 5, 9), (0.2, 40, 60), (0.2, 1, 1), (0.1, 90, 10))
        )
    ),
}


def predictive_rows() -> Iterator[Row]:
    """Grids for 1 and 5 parts per arm, from 50 to 100, 100 to 200 and 250 to 500 patients per arm."""
    for n in (50, 100, 250):
        flat = AnalysisPrior(treatment=PRIORS[1], control=PRIORS[1])
        final = Posterior(kind="posterior", certainty=0.975, analysis_prior=flat)
        look, end = Look(n, n), final.regions((Look(2 * n, 2 * n),))[0].success
        succeeds, tables = end.grid, np.random.default_rng(n).integers(0, n + 1, (SAMPLE, 2))
        for parts, prior in PRIORS.items():
            both = AnalysisPrior(treatment=prior, control=prior)
            stop = PredictiveStop(kind="predictive_probability", decides="futility", below=0.1, prior=both)
            rows, found = prior.mixture().array, np.zeros(SAMPLE)

            def ours(stop: PredictiveStop = stop, look: Look = look) -> FloatArray:
                return stop.statement(final, look, end).probability  # noqa: B023 - called at once

            def peer(rows: FloatArray = rows, found: FloatArray = found, n: int = n) -> None:
                for k, (x_t, x_c) in enumerate(tables.tolist()):  # noqa: B023 - called at once
                    found[k] = _double_sum(rows, succeeds, (x_t, x_c), n)  # noqa: B023 - called at once

            mine, sampled = cpu(ours, peer, repetitions=3)
            scaled = sampled * (n + 1) ** 2 / SAMPLE
            error = np.abs(ours()[*tables.T] - found).max()
            what = f"predictive grid {n} to {2 * n}, K = {parts} (of {SAMPLE} cells)"
            yield Row(what, mine, scaled, scaled / mine, "reported", f"betabinom {error:.0e}")


def _double_sum(parts: FloatArray, succeeds: BoolArray, table: tuple[int, int], n: int) -> float:
    """The chance of one table to end in the region, from n to 2 n per arm."""
    laws, y = [], np.arange(n + 1)
    for x in table:
        w, a, b = parts.T
        seen = w * stats.betabinom(n, a, b).pmf(x)
        after = stats.betabinom(n, (a + x)[:, None], (b + n - x)[:, None]).pmf(y)
        laws.append(seen @ after / seen.sum())
    x_t, x_c = table
    return float(laws[0] @ succeeds[x_t : x_t + n + 1, x_c : x_c + n + 1] @ laws[1])
