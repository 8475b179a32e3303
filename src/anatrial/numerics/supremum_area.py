"""The largest probability of a decision over all pairs of rates without the effect, with a proven upper bound.

``supremum`` searches the edge treatment rate = control rate + margin. Where a region is no staircase its probability
may be larger inside the null than on that edge, so this module bounds it over the whole area. theta = arcsin sqrt(p).

* A function of curvature at most M_t and M_c (see ``curvature``) lies, within a cell, at most
  (M_t w_t^2 + M_c w_c^2) / 8 above the largest of its four corners, because interpolation in one arm after the other is
  a weighted mean.
* Where the edge cuts a cell, each point of the null lies, at its control rate, between the cell's far side and the
  edge: at most M_t w_t^2 / 8 above the larger of the two, and the edge has its own proven bound.

Cells that could still hold a larger value are split, the most promising first. The bounds are worked out above.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.curvature import within_arm
from anatrial.numerics.supremum import Known, Supremum, angle, climbed, first_rates

Side = Literal["at_most", "at_least"]

GAP = 1e-5  # ten times that of the edge, which it has to contain
FIRST_ERROR = 0.01  # what the first, even cells may add to their corners
PIECES = 4  # per arm, of a cell that is split
MOST_WORK = 60_000_000  # work limit, about two seconds; the bound stays valid when it is met
PIECE_WORK = 100  # of one piece, in units of the probability of a single count
BLOCK = 4_000_000  # units of work at once
SLACK = 1e-12  # a cell this close to the edge may touch it, however its corners were rounded


class Null(NamedTuple):
    """Pairs of rates without the effect: treatment - control at most, or at least, the margin.

    The control rate lies in ``ends``, the treatment rate in [0, 1].
    """

    margin: float
    ends: tuple[float, float]
    side: Side = "at_most"


class _Cells(NamedTuple):
    """Rectangles of angles, and the most that each could hold: five columns of shape (m,)."""

    low_t: FloatArray
    high_t: FloatArray
    low_c: FloatArray
    high_c: FloatArray
    bound: FloatArray

    def at(self, where: BoolArray | IntArray) -> _Cells:
        return _Cells(*(column[where] for column in self))


def supremum_area(chance: FloatArray, null: Null, along: Callable[[FloatArray], FloatArray]) -> Supremum:
    """Largest probability of a decision over every pair of rates of the null.

    Parameters
    ----------
    chance
        Probability of the decision for every table, shape (n_t + 1, n_c + 1): 1 in a region and 0 outside of it.
    null
        Where to look.
    along
        Maps control rates of shape (m,) to the probability on the edge of the null, shape (m,).

    Returns
    -------
    Found value, its control rate (the treatment rate may lie off the edge), and a bound at most 1e-5 above it, or
    above what is proven of the edge, unless the work limit was met.
    Where no pair of rates lies in the null, both are 0.
    """
    sizes = (chance.shape[0] - 1, chance.shape[1] - 1)
    best, cells = _edge(null, along, sizes), _sections(null)
    edge, proven = best.bound, best.bound
    pieces, work = _first_pieces(sizes), 0
    while True:
        could = cells.bound > max(best.found, edge) + GAP
        proven = max(proven, float(cells.bound[~could].max(initial=0.0)))
        cells = cells.at(could)
        if not could.any() or work > MOST_WORK:
            return best._replace(bound=min(1.0, max(proven, float(cells.bound.max(initial=0.0)))))
        cost = (pieces + 1) * (sum(sizes) + 2) + PIECE_WORK * pieces**2
        order = np.argsort(-cells.bound, kind="stable")
        now, later = np.split(order, [max(1, BLOCK // cost)])
        work += len(now) * cost
        split = _Split(cells.at(now), pieces, null)
        heights = split.heights(chance)
        best = split.better(heights, best)
        parts = split.parts(heights, sizes, edge)
        cells = _Cells(*map(np.concatenate, zip(cells.at(later), parts, strict=True)))
        pieces = PIECES


class _Split:
    """Cells cut into equal pieces: the angles and rates of their grid lines, each of shape (m, pieces + 1)."""

    def __init__(self, cells: _Cells, pieces: int, null: Null) -> None:
        steps = np.linspace(0.0, 1.0, pieces + 1)
        self.theta_t, self.theta_c = (
            low[:, None] + (high - low)[:, None] * steps
            for low, high in ((cells.low_t, cells.high_t), (cells.low_c, cells.high_c))
        )
        self.p_t, self.p_c, self.null = np.sin(self.theta_t) ** 2, np.sin(self.theta_c) ** 2, null

    def heights(self, chance: FloatArray) -> FloatArray:
        """Probability of the decision at every crossing of grid lines, shape (m, pieces + 1, pieces + 1)."""
        laws = [binomial(n - 1, rates.ravel()) for n, rates in zip(chance.shape, (self.p_t, self.p_c), strict=True)]
        decided, control = (law.reshape(*self.p_t.shape, -1) for law in (laws[0] @ chance, laws[1]))
        return np.asarray(np.minimum(decided @ control.transpose(0, 2, 1), 1.0))

    def better(self, heights: FloatArray, best: Supremum) -> Supremum:
        """The largest height inside the null and its control rate, where it is above what was found."""
        effect = self.p_t[:, :, None] - self.p_c[:, None, :]
        inside = effect <= self.null.margin if self.null.side == "at_most" else effect >= self.null.margin
        heights = np.where(inside, heights, -1.0)
        top = int(np.argmax(heights))
        if heights.flat[top] <= best.found:
            return best
        cell, _, column = np.unravel_index(top, heights.shape)
        return best._replace(found=float(heights.flat[top]), at=float(self.p_c[cell, column]))

    def parts(self, heights: FloatArray, sizes: tuple[int, int], edge: float) -> _Cells:
        """The pieces that touch the null, each with the most that it could hold."""
        low_t, high_t = self.theta_t[:, :-1, None], self.theta_t[:, 1:, None]
        low_c, high_c = self.theta_c[:, None, :-1], self.theta_c[:, None, 1:]
        by_c = within_arm(sizes[1], (low_c, high_c)) * (high_c - low_c) ** 2 / 8
        by_t = within_arm(sizes[0], (low_t, high_t)) * (high_t - low_t) ** 2 / 8
        sides = np.maximum(heights[:, :, :-1], heights[:, :, 1:])  # along a row of equal treatment rate
        bound = np.maximum(sides[:, :-1], sides[:, 1:]) + by_t + by_c
        smallest, largest = (
            self.p_t[:, at_t, None] - self.p_c[:, None, at_c]
            for at_t, at_c in ((slice(-1), slice(1, None)), (slice(1, None), slice(-1)))
        )
        margin = self.null.margin
        if self.null.side == "at_most":
            inside, outside = largest <= margin + SLACK, smallest > margin + SLACK
            far, start, end = sides[:, :-1], low_t, angle(self.p_c[:, None, 1:] + margin)
        else:
            inside, outside = smallest >= margin - SLACK, largest < margin - SLACK
            far, start, end = sides[:, 1:], angle(self.p_c[:, None, :-1] + margin), high_t
        start, end = np.broadcast_arrays(start, end)
        reach = np.maximum(end - start, 0.0)
        to_edge = np.maximum(far + by_c, edge) + within_arm(sizes[0], (start, end)) * reach**2 / 8
        bound = np.where(inside, bound, np.minimum(bound, to_edge))
        columns = (*np.broadcast_arrays(low_t, high_t, low_c, high_c), bound)
        return _Cells(*(column[~outside] for column in columns))


def _first_pieces(sizes: tuple[int, int]) -> int:
    """Pieces per arm of the first, even cells: enough to add at most 0.01 to their corners, away from the ends."""
    return math.ceil(np.pi / 2 / math.sqrt(8 * FIRST_ERROR / (math.sqrt(8) * sum(sizes))))


def _edge(null: Null, along: Callable[[FloatArray], FloatArray], sizes: tuple[int, int]) -> Supremum:
    """The largest value on the edge of the null; where none of it lies in the range, nothing found and 0 proven."""
    low, high = max(null.ends[0], -null.margin), min(null.ends[1], 1 - null.margin)
    if low > high:
        return Supremum(0.0, null.ends[0], 0.0)
    rates = first_rates((low, high), sizes)
    return climbed(along, Known(rates, along(rates)), sizes, margin=null.margin)


def _sections(null: Null) -> _Cells:
    """The null's control rates with every treatment rate, cut where the edge of the null begins or ends."""
    low, high = null.ends
    within = [cut for cut in sorted((-null.margin, 1 - null.margin)) if low < cut < high]
    cuts = angle(np.array([low, *within, high]))
    rows = len(cuts) - 1
    return _Cells(np.zeros(rows), np.full(rows, np.pi / 2), cuts[:-1], cuts[1:], np.ones(rows))
