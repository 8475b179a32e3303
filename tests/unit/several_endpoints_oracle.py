"""Trials with several endpoints in whole numbers: every table, p-values as fractions, textbook procedures on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import comb, factorial, prod

Cells = tuple[int, ...]
Reached = Sequence[Sequence[int]]
Decide = Callable[[Sequence[Fraction], Fraction], list[bool]]


def tables(n: int, cells: int) -> Iterator[Cells]:
    """Every way to share n patients out over so many cells."""
    return (counts for counts in product(range(n + 1), repeat=cells) if sum(counts) == n)


def multinomial(shares: Sequence[Fraction]) -> Callable[[Cells], Fraction]:
    """Probability of a table with known shares."""
    return lambda counts: (
        Fraction(factorial(sum(counts)), prod(factorial(x) for x in counts))
        * prod((share**x for share, x in zip(shares, counts, strict=True)), start=Fraction(1))
    )


def rising(a: Fraction, x: int) -> Fraction:
    """a (a + 1) ... (a + x - 1)."""
    return prod((a + k for k in range(x)), start=Fraction(1))


def polya(shapes: Sequence[Fraction]) -> Callable[[Cells], Fraction]:
    """Dirichlet-multinomial probability of a table."""
    total = sum(shapes, Fraction(0))
    return lambda counts: (
        Fraction(factorial(sum(counts)), prod(factorial(x) for x in counts))
        * prod((rising(a, x) for a, x in zip(shapes, counts, strict=True)), start=Fraction(1))
        / rising(total, sum(counts))
    )


def with_drop_out(chance: Callable[[Cells], Fraction], kept: Fraction) -> Callable[[Cells], Fraction]:
    """Each patient leaves with probability 1 - kept and is then found in the first cell."""

    def found(counts: Cells) -> Fraction:
        n = sum(counts)
        total = Fraction(0)
        for left in range(counts[0] + 1):
            rest = (counts[0] - left, *counts[1:])
            total += comb(n, left) * (1 - kept) ** left * kept ** (n - left) * chance(rest)
        return total

    return found


def reaching(counts: Cells, reached: Reached) -> list[int]:
    """Patients who reach each endpoint."""
    return [sum(x for x, row in zip(counts, reached, strict=True) if row[k]) for k in range(len(reached[0]))]


def binomial_p(x: int, n: int, rate: Fraction) -> Fraction:
    """P(X >= x)."""
    return sum((comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(x, n + 1)), Fraction(0))


def fisher_p(x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
    """One-sided p-value of Fisher's test."""
    k = x_t + x_c
    ways = sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
    return Fraction(ways, comb(n_t + n_c, k))


def co_primary(p: Sequence[Fraction], alpha: Fraction) -> list[bool]:
    """All or nothing."""
    return [max(p) <= alpha] * len(p)


def bonferroni(p: Sequence[Fraction], alpha: Fraction) -> list[bool]:
    """Each at its share."""
    return [value <= alpha / len(p) for value in p]


def hierarchical(order: Sequence[int]) -> Decide:
    """One after the other, until one fails."""

    def decide(p: Sequence[Fraction], alpha: Fraction) -> list[bool]:
        won = [False] * len(p)
        for k in order:
            if p[k] > alpha:
                break
            won[k] = True
        return won

    return decide


def holm(p: Sequence[Fraction], alpha: Fraction) -> list[bool]:
    """Holm (1979) by adjusted p-values."""
    order = sorted(range(len(p)), key=lambda k: p[k])
    won, highest = [False] * len(p), Fraction(0)
    for place, k in enumerate(order):
        highest = max(highest, (len(p) - place) * p[k])
        won[k] = highest <= alpha
    return won


def enumerated(
    chances: Sequence[tuple[int, Callable[[Cells], Fraction]]],
    reached: Reached,
    decide: Decide,
    p_values: tuple[Callable[..., Fraction], Fraction],
) -> dict[tuple[bool, ...], Fraction]:
    """Probability of every set of claims, over all tables of one arm or two; ``p_values``: p of the counts, alpha."""
    p_of, alpha = p_values
    cells = len(reached)
    arms = [[(reaching(c, reached), chance(c)) for c in tables(n, cells)] for n, chance in chances]
    found: dict[tuple[bool, ...], Fraction] = {}
    for together in product(*arms):
        counts = [x for x, _ in together]
        p = [p_of(k, *(x[k] for x in counts)) for k in range(len(reached[0]))]
        claims = tuple(decide(p, alpha))
        found[claims] = found.get(claims, Fraction(0)) + prod((c for _, c in together), start=Fraction(1))
    return found
