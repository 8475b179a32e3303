"""Assurance of a 100 v 100 trial, exact, against 100,000 simulated trials."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tests.benchmarks.measure import Row, cpu
from tests.benchmarks.power import RULE

from anatrial.domain.counts import Look
from anatrial.domain.prior import PartSpec, PriorRef
from anatrial.engine.characteristics import power
from anatrial.truths.design_prior import DesignPrior

TRIALS = 100_000


def rows() -> Iterator[Row]:
    """Design priors of three parts on control and one on treatment; the region is known to both sides."""
    look = Look(100, 100)
    regions = RULE.regions((look,))[0]
    parts = ((0.5, 8.0, 26.0), (0.3, 30.0, 90.0), (0.2, 1.0, 1.0))
    control = PriorRef(parts=tuple(PartSpec(weight=w, a=a, b=b) for w, a, b in parts))
    truth = DesignPrior(kind="design_prior", treatment=PriorRef(mean=0.5, effective_n=10.0), control=control)
    grid = regions.success.grid
    rng = np.random.default_rng(11)
    shapes = np.array(parts)

    def simulated() -> float:
        part = rng.choice(len(parts), size=TRIALS, p=shapes[:, 0])
        x_c = rng.binomial(look.n_c, rng.beta(shapes[part, 1], shapes[part, 2]))
        x_t = rng.binomial(look.n_t, rng.beta(5.0, 5.0, size=TRIALS))
        return float(grid[x_t, x_c].mean())

    ours, peer = cpu(lambda: power(regions, truth), simulated, repetitions=5)
    gap = abs(power(regions, truth)[0] - simulated())
    yield Row("assurance, 100 v 100, K = 3", ours, peer, peer / ours, ">= 40", f"simulated differs by {gap:.4f}")
