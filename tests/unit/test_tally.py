"""Sums over simulated trials, and the Monte Carlo error and bounds that follow from them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.tolerances import ROUNDING

from anatrial.domain.tally import BLOCK_CELLS, LARGEST_BLOCK, Block, Sum, Tally

Z = Fraction(32905267314919255, 10**16)  # two-sided 99.9 %, as tables of the normal distribution print it


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 99.9 % limits, rates p with (hits / n - p)^2 = z^2 p (1 - p) / n, but for the root in fractions."""
    square, p = Z * Z, Fraction(hits, n)
    middle, under = p + square / (2 * n), p * (1 - p) / n + square / (4 * n * n)
    half = float(Z) * math.sqrt(under)
    return (float(middle) - half) / float(1 + square / n), (float(middle) + half) / float(1 + square / n)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (1, 20_000), (12_345, 100_000)])
def test_a_chance_has_wilsons_bounds(hits: int, n: int) -> None:
    """Value, standard error and bounds of a probability are those of counting hits."""
    found = Sum(n, float(hits), float(hits), chance=True).estimate()
    assert found.value == hits / n
    assert found.mcse == pytest.approx(math.sqrt(Fraction(hits, n) * (1 - Fraction(hits, n)) / n), abs=ROUNDING)
    assert found.draws == n
    lower, upper = wilson(hits, n)
    assert found.lower == pytest.approx(lower, abs=ROUNDING)
    assert found.upper == pytest.approx(upper, abs=ROUNDING)
    assert 0 <= found.lower <= found.value <= found.upper <= 1


def test_a_mean_has_normal_bounds() -> None:
    """Of 1, 2, 6 the mean is 3, its variance 14/3 over n, and the standard error the root of 7/3."""
    ((_, total),) = Tally.of(3, duration=np.array([1.0, 2.0, 6.0])).sums
    found = total.estimate()
    assert found.value == pytest.approx(3)
    assert found.mcse == pytest.approx(math.sqrt(Fraction(14, 3) / 2))
    assert found.upper - found.value == pytest.approx(float(Z) * math.sqrt(Fraction(7, 3)))


def test_sums_by_hand() -> None:
    """Hits of yes or no, sums and squares of numbers, and trials in which a number is not defined."""
    found = Tally.of(4, failed=1, power=np.array([True, False, True, True]), n=np.array([2.0, np.nan, 3.0, 5.0]))
    assert found.sums == (("power", Sum(4, 3.0, 3.0, chance=True)), ("n", Sum(3, 10.0, 38.0, chance=False)))
    assert (found.trials, found.failed) == (4, 1)


def test_blocks_add_up() -> None:
    """Two blocks together are the block of all their trials; other names do not add."""
    values, hits = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([True, False, False, True, True])
    parts = [Tally.of(hi - lo, hi % 2, power=hits[lo:hi], n=values[lo:hi]) for lo, hi in ((0, 2), (2, 5))]
    assert parts[0].plus(parts[1]) == Tally.of(5, 1, power=hits, n=values)
    with pytest.raises(ValueError, match="zip"):
        parts[0].plus(Tally.of(1, power=hits[:1]))


def test_what_is_never_defined_is_left_out() -> None:
    """A quantity that no trial defines is no metric, and as an estimate no number."""
    found = Tally.of(2, power=np.array([True, True]), bias=np.array([np.nan, np.nan]))
    assert [metric.name for metric in found.metrics()] == ["power"]
    assert math.isnan(found.sums[1][1].estimate().value)


@pytest.mark.parametrize(("hits", "n"), [(0, 1000), (1000, 1000), (500, 1000), (3, 50)])
def test_the_cautious_error_is_never_below_the_plain_one(hits: int, n: int) -> None:
    """Two more hits and two more misses: no hit in a thousand trials does not mean that nothing is left to learn."""
    total = Sum(n, float(hits), float(hits), chance=True)
    p = Fraction(hits + 2, n + 4)
    assert total.cautious_error == pytest.approx(math.sqrt(p * (1 - p) / n), abs=ROUNDING)
    assert total.cautious_error >= (total.estimate().mcse or 0.0) * (1 - ROUNDING)


@pytest.mark.parametrize("cells", [1, 48, 100, 4000, BLOCK_CELLS, 10 * BLOCK_CELLS])
def test_a_block_fits_the_memory(cells: int) -> None:
    """A block is a power of two, as large as its arrays may be, and at least one trial."""
    size = Block(lambda _rng, trials: Tally.of(trials), cells).size
    assert size & (size - 1) == 0
    assert size == 1 or size * cells <= BLOCK_CELLS
    assert size == LARGEST_BLOCK or 2 * size * cells > BLOCK_CELLS
