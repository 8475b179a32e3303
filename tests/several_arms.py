"""Several arms in whole numbers: every result of a small trial, weighed by counting; shares no code with src."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from math import comb

Counts = tuple[int, ...]
"""Responders, the control first."""
Decide = Callable[[Counts], tuple[bool, ...]]


def fisher_p(x: int, n: int, x_c: int, n_c: int) -> Fraction:
    """One-sided p-value by counting the tables that are at least as extreme."""
    k = x + x_c
    return Fraction(sum(comb(n, i) * comb(n_c, k - i) for i in range(x, min(n, k) + 1)), comb(n + n_c, k))


def z_squared(x: int, n: int, x_c: int, n_c: int, pooled: Fraction) -> Fraction:
    """Square of z with a given common rate, negative where the control does better; 0 where there is no variance."""
    if pooled in {0, 1}:
        return Fraction(0)
    lead = Fraction(x, n) - Fraction(x_c, n_c)
    square = lead**2 / (pooled * (1 - pooled) * (Fraction(1, n) + Fraction(1, n_c)))
    return square if lead > 0 else -square


def beats(x: int, n: int, x_c: int, n_c: int) -> Fraction:
    """P(dose rate > control rate | data) from uniform priors: integral of polynomials, term by term."""
    a, b, c, d = x + 1, n - x + 1, x_c + 1, n_c - x_c + 1
    # the c-th of m = c + d - 1 sorted uniforms is Beta(c, d): it is above the dose rate where fewer than c of them are
    # below that rate, and how many are is beta-binomial
    m = c + d - 1

    def beta(p: int, q: int) -> Fraction:
        return Fraction(1, (p + q - 1) * comb(p + q - 2, p - 1))

    return 1 - sum((comb(m, j) * beta(a + j, b + m - j) / beta(a, b) for j in range(c)), Fraction(0))


def results(n: Counts) -> Iterator[Counts]:
    """Every possible result."""
    yield from product(*(range(size + 1) for size in n))


def weight(x: Counts, n: Counts, rates: tuple[Fraction, ...]) -> Fraction:
    """The binomial chance of one result."""
    found = Fraction(1)
    for count, size, rate in zip(x, n, rates, strict=True):
        found *= comb(size, count) * rate**count * (1 - rate) ** (size - count)
    return found


def chance(n: Counts, rates: tuple[Fraction, ...], happens: Callable[[Counts], bool]) -> Fraction:
    """The chance of an event by adding up every result."""
    return sum((weight(x, n, rates) for x in results(n) if happens(x)), Fraction(0))


def chosen(x: Counts, n: Counts, holds: tuple[bool, ...]) -> int | None:
    """The succeeding dose with the largest share of responders; of equal ones the lower dose."""
    best = None
    for dose, succeeds in enumerate(holds):
        if succeeds and (best is None or Fraction(x[dose + 1], n[dose + 1]) > Fraction(x[best + 1], n[best + 1])):
            best = dose
    return best
