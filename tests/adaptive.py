"""Adaptive allocation in fractions: every path of a small trial; shares no code with src."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import comb
from typing import NamedTuple

Polynomial = list[Fraction]
State = tuple[tuple[int, ...], tuple[int, ...], tuple[bool, ...]]
"""Patients and responders per arm, the control first, and whether each arm still takes part."""
End = tuple[State, tuple[bool, ...]]
"""The last state, and which doses succeed."""


def times(p: Polynomial, q: Polynomial) -> Polynomial:
    """Product of two polynomials, coefficients from the lowest."""
    found = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            found[i + j] += a * b
    return found


def primitive(p: Polynomial) -> Polynomial:
    """Integral from 0."""
    return [Fraction(0), *(a / (i + 1) for i, a in enumerate(p))]


def density(x: int, n: int) -> Polynomial:
    """The posterior after x of n from a uniform prior: (n + 1) C(n, x) p^x (1 - p)^(n - x)."""
    scale = (n + 1) * comb(n, x)
    return [Fraction(0)] * x + [Fraction((-1) ** k * scale * comb(n - x, k)) for k in range(n - x + 1)]


def best(n: tuple[int, ...], x: tuple[int, ...], active: tuple[bool, ...]) -> list[Fraction]:
    """P(each arm has the highest rate) from uniform priors, by integrating polynomials."""
    found = []
    for arm, takes_part in enumerate(active):
        inside = density(x[arm], n[arm])
        for other, there in enumerate(active):
            if there and other != arm:
                inside = times(inside, primitive(density(x[other], n[other])))
        found.append(sum(primitive(inside), Fraction(0)) if takes_part else Fraction(0))
    return found


class Plan(NamedTuple):
    """A small trial with exponent 1."""

    n: int
    arms: int
    burn_in: int
    block: int
    least: Fraction
    drop: Fraction | None = None
    early: Fraction | None = None


def shares(p: list[Fraction], least: Fraction) -> list[Fraction]:
    """Shares proportional to P(best); arms below the limit get the limit, again and again until none is below."""
    low: set[int] = set()
    while True:
        rest = 1 - least * len(low)
        total = sum((p[i] for i in range(len(p)) if i not in low), Fraction(0))
        found = [least if i in low else rest * p[i] / total for i in range(len(p))]
        more = {i for i in range(len(p)) if i not in low and p[i] > 0 and found[i] < least}
        if not more:
            return found
        low |= more


def ends(plan: Plan, rates: tuple[Fraction, ...], certainty: Fraction) -> dict[End, Fraction]:
    """Chance of every end (state, which doses succeed), patient by patient."""
    states: dict[State, Fraction] = defaultdict(Fraction)
    for x in product(range(plan.burn_in + 1), repeat=plan.arms):
        chance = Fraction(1)
        for count, rate in zip(x, rates, strict=True):
            chance *= comb(plan.burn_in, count) * rate**count * (1 - rate) ** (plan.burn_in - count)
        states[(plan.burn_in,) * plan.arms, x, (True,) * plan.arms] += chance
    done: dict[End, Fraction] = defaultdict(Fraction)
    for _ in range((plan.n - plan.arms * plan.burn_in) // plan.block):
        after: dict[State, Fraction] = defaultdict(Fraction)
        for (n, x, active), chance in states.items():
            early = sure((n, x, active), plan.early) if plan.early is not None else (False,)
            if any(early):
                done[(n, x, active), early] += chance
                continue
            takes_part = dropped(n, x, active, plan.drop) if plan.drop is not None else active
            share = shares(best(n, x, takes_part), plan.least)
            block: dict[State, Fraction] = {(n, x, takes_part): chance}
            for _ in range(plan.block):
                block = patient(block, share, rates)
            for state, part in block.items():
                after[state] += part
        states = after
    for state, chance in states.items():
        done[state, sure(state, certainty)] += chance
    return done


def patient(states: dict[State, Fraction], share: list[Fraction], rates: tuple[Fraction, ...]) -> dict[State, Fraction]:
    """One more patient."""
    found: dict[State, Fraction] = defaultdict(Fraction)
    for (n, x, active), chance in states.items():
        for arm, part in enumerate(share):
            for hit in (0, 1):
                one = tuple(int(k == arm) for k in range(len(n)))
                grown = tuple(a + b for a, b in zip(n, one, strict=True))
                counted = tuple(a + hit * b for a, b in zip(x, one, strict=True))
                found[grown, counted, active] += chance * part * (rates[arm] if hit else 1 - rates[arm])
    return found


def dropped(n: tuple[int, ...], x: tuple[int, ...], active: tuple[bool, ...], drop: Fraction) -> tuple[bool, ...]:
    """Who still takes part: poor doses leave, the better one stays where all would leave."""
    p = best(n, x, active)
    doses = [d for d in range(1, len(n)) if active[d]]
    poor = [d for d in doses if p[d] < drop]
    if len(poor) == len(doses):
        poor.remove(max(doses, key=lambda d: (p[d], -d)))
    return tuple(there and k not in poor for k, there in enumerate(active))


def sure(state: State, certainty: Fraction) -> tuple[bool, ...]:
    """Which doses that still take part are better than the control, as sure as asked for."""
    n, x, active = state
    return tuple(active[d] and best((n[0], n[d]), (x[0], x[d]), (True, True))[1] > certainty for d in range(1, len(n)))


def mean(found: dict[End, Fraction], of: Callable[[State, tuple[bool, ...]], Fraction | int]) -> float:
    """The expectation of something at the end."""
    return float(sum((chance * of(*end) for end, chance in found.items()), Fraction(0)))
