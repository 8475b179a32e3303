"""Unconditional tests against scipy bisecting per column, looks against simulation, predictive probabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats
from tests.benchmarks.looks_rows import looks_rows
from tests.benchmarks.measure import Row, cpu
from tests.benchmarks.predictive_rows import predictive_rows

from anatrial.domain.counts import Look, Region
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.unconditional import shared_rate_supremum
from anatrial.rules.base import SidedTest
from anatrial.rules.boschloo import Boschloo
from anatrial.rules.z_pooled import ZPooled

ALPHA = 0.025
RULES: dict[str, SidedTest] = {
    "Boschloo": Boschloo(kind="boschloo", alpha=ALPHA),
    "Barnard": ZPooled(kind="z_pooled", alpha=ALPHA),
}


def rows() -> Iterator[Row]:
    """Rows of every part of the suite."""
    yield from _unconditional()
    yield _certificate()
    yield from looks_rows()
    yield from predictive_rows()


def _unconditional() -> Iterator[Row]:
    """Whole boundaries; scipy is timed on a few columns and multiplied up to all of them."""
    for name, rule in RULES.items():
        for n, columns in ((20, 7), (50, 5), (100, 3), (200, 1)):
            look = Look(n, n)
            region = rule.regions((look,))[0].success
            sampled = np.linspace(0, n, columns + 2).astype(int)[1:-1].tolist()
            found: dict[int, int] = {}

            def ours(look: Look = look, rule: SidedTest = rule) -> object:
                return rule.regions((look,))

            def peer(n: int = n, name: str = name, sampled: list[int] = sampled, found: dict[int, int] = found) -> None:
                found |= {x_c: _least(name, n, x_c) for x_c in sampled}

            mine, theirs = cpu(ours, repetitions=7)[0], cpu(peer, repetitions=1)[0]
            theirs *= (n + 1) / columns
            least = region.staircase or ()
            same = sum((least[x_c] or 0) == found[x_c] for x_c in sampled)
            accuracy = f"{same} of {columns} columns alike; size error {_error(region):.0e} (<= 1e-8)"
            what = f"{name}, n = {n}, scipy on {columns} columns of {n + 1}"
            yield Row(what, mine, theirs, theirs / mine, ">= 1,000" if n == 100 else "reported", accuracy)


def _least(name: str, n: int, x_c: int) -> int:
    """Least treatment count that rejects, by bisection of scipy's p-value; its groups are columns."""
    low, high = x_c, n + 1  # with no lead no table rejects
    while high - low > 1:
        x_t = (low + high) // 2
        table = [[x_t, x_c], [n - x_t, n - x_c]]
        test = stats.boschloo_exact if name == "Boschloo" else stats.barnard_exact
        low, high = (low, x_t) if test(table, alternative="greater").pvalue <= ALPHA else (x_t, high)
    return high if high <= n else 0


def _size(region: Region, rates: FloatArray) -> FloatArray:
    """Probability of the tables as a double sum."""
    look = region.look
    grid = region.grid.astype(np.float64)
    return np.asarray(
        np.einsum("ri,ij,rj->r", binomial(look.n_t, rates), grid, binomial(look.n_c, rates), optimize=True)
    )


def _error(region: Region) -> float:
    """How far the size falls short of a maximum that knows nothing of the search: 20,000 rates, the best zoomed."""
    rates = np.sin(np.linspace(0, np.pi / 2, 20_001)) ** 2
    for _ in range(5):
        sizes = _size(region, rates)
        top = int(np.argmax(sizes))
        rates = np.linspace(rates[max(top - 1, 0)], rates[min(top + 1, rates.size - 1)], 41)
    return max(float(sizes.max()) - shared_rate_supremum(region.grid, gap=1e-9).found, 0.0)


def _certificate() -> Row:
    """The proven bound on the size of one region of 500 patients per arm; a second is the target."""
    region = RULES["Barnard"].regions((Look(500, 500),))[0].success
    grid = region.grid
    mine = cpu(lambda: shared_rate_supremum(grid))[0]
    found = shared_rate_supremum(grid)
    accuracy = f"bound - found {found.bound - found.found:.0e} (<= 1e-6)"
    return Row("proven bound, n = 500 (peer: one second)", mine, 1.0, 1.0 / mine, "> 1", accuracy)
