"""Whole-number arithmetic for the tables that lie on a threshold, where floating point cannot tell > from >=."""

from __future__ import annotations

from fractions import Fraction
from math import comb


def decimal(value: float) -> Fraction:
    """The number a person wrote: 0.05 is 1/20, not the nearest binary fraction."""
    return Fraction(repr(value))


def whole(*shapes: float) -> bool:
    """Whether all shapes are whole numbers above 0 and small enough for exact sums."""
    return all(float(shape).is_integer() and 1 <= shape <= 5_000 for shape in shapes)


def superiority(a_t: int, b_t: int, a_c: int, b_c: int) -> Fraction:
    """P(p_t > p_c) for independent Betas with whole shapes.

    Beta(a, b) is the a-th of a + b - 1 sorted uniforms: count the ways in which at least a_c uniforms of the control
    sample lie below the a_t-th of the treatment sample. Source: David & Nagaraja (2003), Order Statistics, section 2.2.
    """
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    ways = sum(comb(a_t - 1 + j, j) * comb(b_t - 1 + n_c - j, n_c - j) for j in range(a_c, n_c + 1))
    return Fraction(ways, comb(n_t + n_c, n_c))


def above_rate(a: int, b: int, rate: Fraction) -> Fraction:
    """P(p > rate) for p ~ Beta(a, b) with whole shapes: a binomial lower tail (Abramowitz & Stegun 26.5.24)."""
    n = a + b - 1
    return sum((comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(a)), Fraction(0))


def binomial_tail(x: int, n: int, rate: Fraction) -> Fraction:
    """P(X >= x) for X binomial."""
    return sum((comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(x, n + 1)), Fraction(0))


def fisher(x_t: int, n_t: int, x_c: int, n_c: int) -> tuple[Fraction, Fraction, Fraction]:
    """Fisher's p-values: treatment better, treatment worse, and all tables no more likely than the observed one."""
    k = x_t + x_c
    ways = {i: comb(n_t, i) * comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}
    total, seen = comb(n_t + n_c, k), ways[x_t]
    upper = sum(w for i, w in ways.items() if i >= x_t)
    lower = sum(w for i, w in ways.items() if i <= x_t)
    both = sum(w for w in ways.values() if w <= seen)
    return Fraction(upper, total), Fraction(lower, total), Fraction(both, total)
