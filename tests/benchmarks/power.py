"""Power on 100 x 100 rates at n = 500 per arm against an outer product per point; exactness at n = 2,000."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np
from tests.benchmarks.measure import Row, cpu

from anatrial.domain.counts import Look, Region
from anatrial.domain.prior import PriorRef
from anatrial.numerics import tables
from anatrial.numerics.binomial import binomial
from anatrial.rules.posterior import AnalysisPrior, Posterior

POINTS = 40
FLAT = PriorRef(a=1.0, b=1.0)
RULE = Posterior(
    kind="posterior", certainty=0.975, analysis_prior=AnalysisPrior(treatment=FLAT, control=FLAT)
)  # fmt: skip


def rows() -> Iterator[Row]:
    """One row for the grid, with the error at n = 2,000 against whole-number arithmetic beside it."""
    look = Look(500, 500)
    region = RULE.regions((look,))[0].success
    rates = np.linspace(0.005, 0.995, 100)
    runs, grid = region.array, region.grid

    def ours() -> object:
        return tables.crossed(runs, binomial(look.n_t, rates), binomial(look.n_c, rates))

    def per_point() -> list[float]:
        found = []
        for k in range(POINTS):
            rate_t, rate_c = rates[(37 * k) % 100], rates[(61 * k) % 100]
            law_t, law_c = binomial(look.n_t, rate_t[None])[0], binomial(look.n_c, rate_c[None])[0]
            found.append(float(np.outer(law_t, law_c)[grid].sum()))
        return found

    mine, peer = cpu(ours, per_point, repetitions=5)
    peer *= rates.size**2 / POINTS
    accuracy = f"error at n = 2,000: {_error_at_2000():.0e} (<= 1e-12)"
    yield Row("power on 100 x 100 rates, n = 500", mine, peer, peer / mine, ">= 2,000", accuracy)


def _error_at_2000() -> float:
    """Largest error at three pairs of rates in tenths, against sums of whole numbers over 10^(2n)."""
    n = 2_000
    region = RULE.regions((Look(n, n),))[0].success
    return max(abs(_ours(region, n, t, c) - _whole(region, n, t, c)) for t, c in ((3, 3), (5, 4), (1, 2)))


def _ours(region: Region, n: int, tenths_t: int, tenths_c: int) -> float:
    laws = (binomial(n, np.array([tenths / 10])) for tenths in (tenths_t, tenths_c))
    return float(tables.paired(region.array, *laws)[0])


def _whole(region: Region, n: int, tenths_t: int, tenths_c: int) -> float:
    def numerators(tenths: int) -> list[int]:
        return [comb(n, x) * tenths**x * (10 - tenths) ** (n - x) for x in range(n + 1)]

    tails = [0]
    for numerator in reversed(numerators(tenths_t)):
        tails.append(tails[-1] + numerator)
    control = numerators(tenths_c)
    total: int = sum(control[run.x_c] * tails[n + 1 - run.first] for run in region.runs)
    scale: int = 10 ** (2 * n)
    return total / scale
