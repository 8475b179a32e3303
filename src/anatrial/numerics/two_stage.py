"""Two-stage designs of a single arm: every one of a range of sizes, exactly.

A design stops after ``n1`` patients with at most ``r1`` responders, and succeeds with more than ``r`` of ``n``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial

ROUNDING = 1e-12  # an error rate that equals its limit keeps it, however the sum was rounded


class TwoStageDesign(NamedTuple):
    """A design, and what it does where the rate is the null rate or the alternative."""

    r1: int
    n1: int
    r: int
    n: int
    expected_n_null: float
    expected_n_alternative: float
    stops_early_null: float
    stops_early_alternative: float
    type_i_error: float
    power: float


class Wanted(NamedTuple):
    """What a design must keep: at most ``alpha`` at the null rate, at least ``power`` at the alternative."""

    null_rate: float
    alternative_rate: float
    alpha: float
    power: float


class Found(NamedTuple):
    """The designs that matter, by their size.

    ``admissible`` are the corners of the lower convex hull of (n, expected n), from the minimax design to the optimal
    one: each is best for some weight between the two sizes. It is empty where no size keeps what is wanted. ``meets``
    are all sizes with such a design. ``settled`` is true where no larger trial, of whatever size, expects fewer
    patients than the optimal one. ``closest`` is the most powerful design that keeps alpha, where none keeps both;
    None where none keeps alpha.
    """

    admissible: tuple[TwoStageDesign, ...]
    meets: tuple[int, ...]
    settled: bool
    closest: TwoStageDesign | None = None

    @property
    def optimal(self) -> TwoStageDesign | None:
        """The least expected n at the null rate."""
        return self.admissible[-1] if self.admissible else None

    @property
    def minimax(self) -> TwoStageDesign | None:
        """The least n, and among those the least expected n at the null rate."""
        return self.admissible[0] if self.admissible else None


def search(wanted: Wanted, sizes: range) -> Found:
    """Simon's designs among all sizes of a range.

    Parameters
    ----------
    wanted
        Rates in (0, 1), the alternative above the null; alpha and power in (0, 1).
    sizes
        The total numbers of patients to try, without gaps, each at least 2.

    Source
    ------
    Simon (1989), Controlled Clinical Trials 10:1-10: optimal and minimax. Jung, Lee, Kim & George (2004), Statist. Med.
    23:561-569: the admissible ones between. For given (r1, n1, n) the least r that keeps alpha is the most powerful,
    and the expected n does not depend on it.
    """
    laws = _Laws(wanted, sizes[-1])
    meets = tuple(n for n in sizes if laws.has(n))
    best: list[TwoStageDesign] = []  # per size the least expected n, where smaller sizes expect more
    for n in meets:
        design = laws.least(n, below=best[-1].expected_n_null if best else np.inf)
        if design is not None:
            best.append(design)
    if best:
        return Found(_hull(best), meets, laws.settled(best[-1].expected_n_null, sizes[-1]))
    closest: TwoStageDesign | None = None
    for n in reversed(sizes):
        closest = laws.stronger(n, closest)
    return Found((), meets, settled=False, closest=closest)


def _hull(points: list[TwoStageDesign]) -> tuple[TwoStageDesign, ...]:
    """The lower convex hull of (n, expected n)."""
    hull: list[TwoStageDesign] = []
    for new in points:
        while len(hull) > 1 and not _turns(hull[-2], hull[-1], new):
            hull.pop()
        hull.append(new)
    return tuple(hull)


def _turns(first: TwoStageDesign, middle: TwoStageDesign, last: TwoStageDesign) -> bool:
    """Whether the middle lies below the line from first to last."""
    gain = (middle.expected_n_null - first.expected_n_null) * (last.n - first.n)
    return gain < (last.expected_n_null - first.expected_n_null) * (middle.n - first.n) - ROUNDING


class _Laws:
    """Binomial tables of every stage up to ``most`` patients, at both rates."""

    def __init__(self, wanted: Wanted, most: int) -> None:
        self.wanted = wanted
        rates = np.array([wanted.null_rate, wanted.alternative_rate])
        self.mass = np.zeros((2, most + 1, most + 1))  # rate, patients, responders
        for n in range(most + 1):
            self.mass[:, n, : n + 1] = binomial(n, rates)
        self.stops = np.cumsum(self.mass, axis=2)
        above = np.cumsum(self.mass[:, :, ::-1], axis=2)[:, :, ::-1]
        # P(more than k responders), k = -1 - most .. most, so that counts already reached need no special case.
        self.more = np.concatenate([np.ones((2, most + 1, most + 1)), above[:, :, 1:], np.zeros((2, most + 1, 1))], 2)
        self.zero = most + 1  # where k = 0 stands

    def rejects(self, n: int, r: int) -> FloatArray:
        """P(success) per rate, n1 = 1..n - 1 and r1 = 0..n - 1, shape (2, n - 1, n)."""
        n1, x1 = np.arange(1, n)[:, None], np.arange(n)[None, :]
        joint = self.mass[:, 1:n, :n] * self.more[:, n - n1, self.zero + r - x1]
        after = np.cumsum(joint[:, :, ::-1], axis=2)[:, :, ::-1]  # P(x1 >= r1 and success)
        return np.concatenate([after[:, :, 1:], np.zeros((2, n - 1, 1))], axis=2)

    def expected(self, n: int) -> FloatArray:
        """Expected n at the null rate, per n1 = 1..n - 1 and r1 = 0..n - 1."""
        n1 = np.arange(1, n)[:, None]
        return n1 + (1 - self.stops[0, 1:n, :n]) * (n - n1)

    def candidates(self, n: int) -> list[int]:
        """Values of r that are worth a look, the largest first: up to the one that keeps alpha in a single stage."""
        keeps = np.flatnonzero(self.more[0, n, self.zero : self.zero + n + 1] <= self.wanted.alpha + ROUNDING)
        return list(range(int(keeps[0]), -1, -1))

    def least(self, n: int, below: float) -> TwoStageDesign | None:
        """The design of this size with the least expected n, if that is less than ``below``; None if there is none."""
        expected = self.expected(n)
        open_ = (expected < below) & (self.stops[1, 1:n, :n] <= 1 - self.wanted.power + ROUNDING)
        found: TwoStageDesign | None = None
        for r in self.candidates(n):
            errors, powers = self.rejects(n, r)
            keeps = open_ & (errors <= self.wanted.alpha + ROUNDING)
            if not keeps.any():
                break
            good = keeps & (powers >= self.wanted.power - ROUNDING)
            if good.any():
                n1, r1 = np.unravel_index(np.where(good, expected, np.inf).argmin(), good.shape)
                design = self.design(int(r1), int(n1) + 1, r, n)
                if found is None or design.expected_n_null <= found.expected_n_null:
                    found = design
        return found

    def has(self, n: int) -> bool:
        """Whether any design of this size keeps alpha and power."""
        might = self.stops[1, 1:n, :n] <= 1 - self.wanted.power + ROUNDING  # else the first stage alone loses too much
        for r in self.candidates(n):
            errors, powers = self.rejects(n, r)
            keeps = might & (errors <= self.wanted.alpha + ROUNDING)
            if (keeps & (powers >= self.wanted.power - ROUNDING)).any():
                return True
            if not keeps.any():
                break
        return False

    def stronger(self, n: int, found: TwoStageDesign | None) -> TwoStageDesign | None:
        """The most powerful design of this size that keeps alpha, if it has more power than the one found so far."""
        for r in self.candidates(n):
            errors, powers = self.rejects(n, r)
            most = found.power if found else 0.0
            keeps = (self.stops[1, 1:n, :n] < 1 - most) & (errors <= self.wanted.alpha + ROUNDING)
            if not keeps.any():  # a smaller r keeps alpha less often, and a first stage that stops has no power
                break
            n1, r1 = np.unravel_index(np.where(keeps, powers, -1.0).argmax(), keeps.shape)
            if powers[n1, r1] > most:
                found = self.design(int(r1), int(n1) + 1, r, n)
        return found

    def design(self, r1: int, n1: int, r: int, n: int) -> TwoStageDesign:
        """A design with everything that is told of it."""
        error, power = self.rejects(n, r)[:, n1 - 1, r1].tolist()
        stop_null, stop_alternative = self.stops[:, n1, r1].tolist()
        null, alternative = (n1 + (1 - stop) * (n - n1) for stop in (stop_null, stop_alternative))
        return TwoStageDesign(r1, n1, r, n, null, alternative, stop_null, stop_alternative, error, power)

    def settled(self, least: float, most: int) -> bool:
        """Whether no trial larger than ``most`` expects fewer patients than ``least``.

        At a given first stage the expected n grows with n, it is never below n1, and a first stage that stops more
        often than 1 - power at the alternative never keeps the power: the size after ``most`` tells it for all.
        """
        if least > most:
            return False
        n1 = np.arange(1, most + 1)[:, None]
        expected = n1 + (1 - self.stops[0, 1:]) * (most + 1 - n1)
        return not ((expected < least) & (self.stops[1, 1:] <= 1 - self.wanted.power + ROUNDING)).any()
