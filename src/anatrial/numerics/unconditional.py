"""Unconditional exact tests: a p-value is the largest size, over the nuisance rate, of all tables as extreme.

A statistic ranks the tables, small values first: Fisher's p-value (Boschloo), minus a z (Barnard) and so on. The
regions of its k most extreme values are nested, and the test rejects the largest one whose size is proven to be at
most alpha.

Where both arms share one rate the total of responders s is sufficient: given s the counts are hypergeometric whatever
the rate. Size(p) = sum_s Binomial(n_t + n_c, p)(s) P(region | s) is one product of a matrix and a vector for any shape
of region. With a margin the arms differ along the edge of the null, and the region must be a success staircase: only
then is the largest size met at that edge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Self

import numpy as np

from anatrial.errors import ComputationError
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.binomial import binomial, log_choose
from anatrial.numerics.supremum import GAP, Known, Supremum, climbed, first_rates, side, supremum
from anatrial.numerics.tables import BLOCK_CELLS, at_least

UNSURE = 1e-9  # a size this close to alpha that is proven on neither side is a tie
FINE = 1e-8  # p-values are proven to this
POLISHED = 6  # times that the neighbourhood of the highest value is looked at eight times closer


class Rejection(NamedTuple):
    """Where a test rejects, shape (n_t + 1, n_c + 1), and the tables (x_t, x_c, p) too close to alpha to tell."""

    rejects: BoolArray
    undecided: tuple[tuple[int, int, float], ...]


def table_chances(n_t: int, n_c: int) -> FloatArray:
    """P(table | its total of responders) where both arms share any one rate, shape (n_t + 1, n_c + 1)."""
    total = _totals(n_t, n_c)
    log_p = log_choose(n_t)[:, None] + log_choose(n_c)[None, :] - log_choose(n_t + n_c)[total]
    weight = np.exp(np.maximum(log_p, -700.0))
    return np.asarray(weight / np.bincount(total.ravel(), weight.ravel())[total])


def given_total(chance: FloatArray | BoolArray) -> FloatArray:
    """P(decision | s responders in both arms) where they share one rate, for s = 0..n_t + n_c.

    ``chance`` is the probability of the decision at each table, shape (n_t + 1, n_c + 1): true or 1 in its region.
    """
    sizes = chance.shape[0] - 1, chance.shape[1] - 1
    weights = (table_chances(*sizes) * chance).ravel()
    return np.asarray(np.bincount(_totals(*sizes).ravel(), weights), dtype=np.float64)


def shared_rate_supremum(
    chance: FloatArray | BoolArray, ends: tuple[float, float] = (0.0, 1.0), *, gap: float = GAP
) -> Supremum:
    """Largest P(decision) over the rate that both arms share, in ``ends``; the bound is at most ``gap`` above it.

    ``chance`` is that of ``given_total``; the region may have any shape.
    """
    chances = given_total(chance)
    n = chances.size - 1
    return supremum(lambda rates: _blocks(lambda some: binomial(n, some) @ chances, rates, n), ends, (n, 0), gap=gap)


def rejection(statistic: FloatArray, alpha: float, *, same: float = 0.0, margin: float = 0.0) -> Rejection:
    """The tables with unconditional p <= alpha.

    Parameters
    ----------
    statistic
        Shape (n_t + 1, n_c + 1), smallest where the data speak most against the null.
    alpha
        Level in (0, 1).
    same
        Neighbouring values that differ by no more are one value.
    margin
        Treatment rate minus control rate at the edge of the null, above -1 and below 1.

    Raises
    ------
    ComputationError
        With a margin, where the statistic does not order the tables by more on treatment and less on control.

    Source
    ------
    Barnard (1947), Biometrika 34:123-138; Boschloo (1970), Statistica Neerlandica 24:1-9; Suissa & Shuster (1985),
    JRSS A 148:317-327; with a margin Roehmel & Mansmann (1999), Biometrical Journal 41:149-170.
    """
    ranked = _Ranked.of(statistic, same)
    null = _null(ranked, margin)
    rates = first_rates(null.ends, null.sizes)
    laws = null.laws(rates)
    gap = min(UNSURE, 1e-3 * alpha)

    @cache
    def judged(k: int) -> Supremum:
        region = null.region(k)
        known = Known(rates, null.mass(region, laws))
        return climbed(null.curve(region), known, null.sizes, margin=margin, gap=gap, level=alpha)

    count = ranked.ends.size
    likely = _last(lambda k: _peak(null.mass(null.region(k), laws)) <= alpha, count, count // 2, step=count)
    proven = _last(lambda k: side(judged(k), alpha) < 0, count, likely)
    possible = _last(lambda k: side(judged(k), alpha) <= 0, count, proven)
    rejects = np.zeros(statistic.shape, dtype=np.bool_)
    rejects.flat[ranked.tables(0, proven)] = True
    undecided = [
        (*divmod(table, statistic.shape[1]), judged(k).found)
        for k in range(proven + 1, possible + 1)
        for table in ranked.tables(k, k).tolist()
    ]
    return Rejection(rejects, tuple(undecided))


def p_value(statistic: FloatArray, table: tuple[int, int], *, same: float = 0.0, margin: float = 0.0) -> Supremum:
    """Unconditional p-value of the table (x_t, x_c), the control rate where it is met, and a bound 1e-8 above it.

    The other arguments and the errors are those of ``rejection``.
    """
    ranked = _Ranked.of(statistic, same)
    null = _null(ranked, margin)
    curve = null.curve(null.region(ranked.index(table)))
    rates = first_rates(null.ends, null.sizes)
    values = curve(rates)
    for _ in range(POLISHED):  # around the highest value, so that tiny p-values keep their digits
        top = int(np.argmax(values))
        around = np.linspace(rates[max(top - 1, 0)], rates[min(top + 1, rates.size - 1)], 17)[1:-1]
        rates, order = np.unique(np.concatenate([rates, around]), return_index=True)
        values = np.concatenate([values, curve(around)])[order]
    return climbed(curve, Known(rates, values), null.sizes, margin=margin, gap=FINE)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Tables in the order of a statistic: ``ends[k]`` of them have the k + 1 smallest values; indices are flat."""

    shape: tuple[int, int]
    order: IntArray
    ends: IntArray

    @classmethod
    def of(cls, statistic: FloatArray, same: float) -> Self:
        order = np.argsort(statistic, axis=None, kind="stable")
        values = statistic.ravel()[order]
        rises = np.flatnonzero(values[1:] > values[:-1] + same) + 1
        return cls((statistic.shape[0], statistic.shape[1]), order, np.append(rises, order.size))

    def tables(self, first: int, last: int) -> IntArray:
        """Those from the ``first`` to the ``last`` value, both included."""
        return self.order[self.ends[first - 1] if first else 0 : self.ends[last] if last >= 0 else 0]

    def index(self, table: tuple[int, int]) -> int:
        """Which value a table has."""
        place = np.flatnonzero(self.order == table[0] * self.shape[1] + table[1])[0]
        return int(np.searchsorted(self.ends, place, side="right"))

    @property
    def ranks(self) -> IntArray:
        """The index of every table's value, in the shape of the statistic."""
        ranks = np.empty(self.order.size, dtype=np.int64)
        ranks[self.order] = np.repeat(np.arange(self.ends.size), np.diff(self.ends, prepend=0))
        return ranks.reshape(self.shape)


class _Null(ABC):
    """Probabilities of the nested regions along the edge of the null."""

    def __init__(self, ranked: _Ranked, margin: float) -> None:
        self.ranked, self.margin = ranked, margin
        self.sizes = (ranked.shape[0] - 1, ranked.shape[1] - 1)
        self.ends = (max(0.0, -margin), min(1.0, 1.0 - margin))

    @abstractmethod
    def region(self, k: int) -> FloatArray | IntArray:
        """What ``mass`` needs of the tables with the k + 1 smallest values."""

    @abstractmethod
    def laws(self, rates: FloatArray) -> tuple[FloatArray, ...]:
        """What ``mass`` needs of the control rates, a row for each."""

    @abstractmethod
    def mass(self, region: FloatArray | IntArray, laws: tuple[FloatArray, ...]) -> FloatArray:
        """Probability of a region at each rate."""

    def curve(self, region: FloatArray | IntArray) -> Callable[[FloatArray], FloatArray]:
        """Probability of a region as a function of the control rates."""
        return lambda rates: _blocks(lambda some: self.mass(region, self.laws(some)), rates, sum(self.sizes))


class _SharedRate(_Null):
    """Both arms respond at one rate; a region is its probability given the total of responders."""

    def __init__(self, ranked: _Ranked, margin: float) -> None:
        super().__init__(ranked, margin)
        self.totals = _totals(*self.sizes).ravel()[ranked.order]
        self.chances = table_chances(*self.sizes).ravel()[ranked.order]

    def region(self, k: int) -> FloatArray:
        end = self.ranked.ends[k]
        found = np.bincount(self.totals[:end], self.chances[:end], minlength=sum(self.sizes) + 1)
        return np.asarray(found, dtype=np.float64)

    def laws(self, rates: FloatArray) -> tuple[FloatArray, ...]:
        return (binomial(sum(self.sizes), rates),)

    def mass(self, region: FloatArray | IntArray, laws: tuple[FloatArray, ...]) -> FloatArray:
        return np.asarray(laws[0] @ region)


class _ApartByMargin(_Null):
    """The arms differ by the margin; a region is a success staircase: treatment counts below it, per control count."""

    def __init__(self, ranked: _Ranked, margin: float) -> None:
        super().__init__(ranked, margin)
        ranks = ranked.ranks
        if (np.diff(ranks, axis=0) > 0).any() or (np.diff(ranks, axis=1) < 0).any():
            raise ComputationError(
                "the statistic does not order the tables by more responders on treatment and fewer on control, so the "
                "edge of the null does not bound the size"
            )
        self.x_c = ranked.order % ranked.shape[1]

    def region(self, k: int) -> IntArray:
        held = np.bincount(self.x_c[: self.ranked.ends[k]], minlength=self.ranked.shape[1])
        return np.asarray(self.ranked.shape[0] - held)

    def laws(self, rates: FloatArray) -> tuple[FloatArray, ...]:
        n_t, n_c = self.sizes
        return at_least(binomial(n_t, np.clip(rates + self.margin, 0.0, 1.0))), binomial(n_c, rates)

    def mass(self, region: FloatArray | IntArray, laws: tuple[FloatArray, ...]) -> FloatArray:
        above, law_c = laws
        return np.asarray(np.einsum("ij,ij->i", above[:, region], law_c))


def _null(ranked: _Ranked, margin: float) -> _Null:
    return _SharedRate(ranked, margin) if margin == 0 else _ApartByMargin(ranked, margin)


def _totals(n_t: int, n_c: int) -> IntArray:
    """Responders in both arms of every table."""
    return np.arange(n_t + 1)[:, None] + np.arange(n_c + 1)[None, :]


def _blocks(value: Callable[[FloatArray], FloatArray], rates: FloatArray, cells: int) -> FloatArray:
    """``value`` of some rates at a time, so that tables of ``cells`` per rate fit into memory."""
    rows = max(1, BLOCK_CELLS // (cells + 2))
    return np.concatenate([value(rates[start : start + rows]) for start in range(0, rates.size, rows)])


def _peak(heights: FloatArray) -> float:
    """The largest value, raised to the top of the parabola through it and its neighbours."""
    top = int(np.argmax(heights))
    if not 0 < top < heights.size - 1:
        return float(heights[top])
    before, here, after = heights[top - 1 : top + 2].tolist()
    bend = 2 * here - before - after
    return float(here + (after - before) ** 2 / (8 * bend) if bend > 0 else here)


def _last(holds: Callable[[int], bool], count: int, guess: int, step: int = 1) -> int:
    """The largest k below ``count`` that ``holds``, -1 if none; where it holds for k it holds for all below.

    Steps away from the guess double until the answer lies between two of them.
    """
    low, high, k = -1, count, min(max(guess, 0), count - 1)
    while high - low > 1:
        if holds(k):
            low, k = k, k + step
        else:
            high, k = k, k - step
        step *= 2
        if not low < k < high:
            k = (low + high) // 2
    return low
