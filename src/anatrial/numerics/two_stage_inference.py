"""What can be said of the rate after a two-stage trial that could stop for futility: totals alone would mislead.

Results are ordered by the number of responders: those of trials that stopped after ``n1`` patients (at most ``r1``)
come before those of trials that went on to ``n`` (more than ``r1``). Under this order a larger rate makes larger
results more likely, so that each tail is solved by one rate.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial

MOST_STEPS = 100  # halvings alone would take 50
CLOSE = 1e-15


class Stages(NamedTuple):
    """A trial that stops after ``n1`` patients with at most ``r1`` responders (-1: never), and else has ``n``."""

    r1: int
    n1: int
    n: int


def umvue(responders: int, stages: Stages) -> float:
    """The unbiased estimate of the rate with the least variance, after this final number of responders.

    Source: Jung & Kim (2004), Statist. Med. 23:881-896: the mean of the first stage's rate, given the result. In whole
    numbers. Raises ``ValueError`` for a number that cannot be.
    """
    _check(responders, stages)
    r1, n1, n = stages
    if responders <= r1:
        return responders / n1
    first = range(max(r1 + 1, responders - (n - n1), 0), min(responders, n1) + 1)
    ways = [comb(n1, x) * comb(n - n1, responders - x) for x in first]
    return float(Fraction(sum(x * w for x, w in zip(first, ways, strict=True)), n1 * sum(ways)))


def tails(stages: Stages, results: FloatArray, rates: FloatArray) -> FloatArray:
    """P(a result at least as large) of each result at the rate beside it, shape (m,).

    ``results`` are responders 0..n + 1, ``rates`` in (0, 1), both of shape (m,). At the null rate it is the p-value.
    Source: Koyama & Chen (2008), Statist. Med. 27:3145-3154, section 3.
    """
    return _tails_and_slopes(_shares(stages), results, rates)[0]


def _shares(stages: Stages) -> tuple[tuple[int, FloatArray], ...]:
    """The two ways to end: patients seen, and P(it ends so | responders among as many), shape (patients + 1,)."""
    r1, n1, n = stages
    passes = [
        float(Fraction(sum(comb(n1, i) * comb(n - n1, x - i) for i in range(r1 + 1, min(x, n1) + 1)), comb(n, x)))
        for x in range(n + 1)
    ]
    return (n1, (np.arange(n1 + 1) <= r1).astype(np.float64)), (n, np.array(passes))


def _tails_and_slopes(
    shares: tuple[tuple[int, FloatArray], ...], results: FloatArray, rates: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The tails and their derivatives by the rate."""
    tail, slope = np.zeros(len(results)), np.zeros(len(results))
    for patients, share in shares:
        x = np.arange(patients + 1)
        mass = binomial(patients, rates) * share * (x >= results[:, None])
        tail += mass.sum(axis=1)
        slope += (mass * (x - patients * rates[:, None])).sum(axis=1) / (rates * (1 - rates))
    return np.minimum(tail, 1.0), slope


def rates_at(stages: Stages, results: FloatArray, tail: float) -> FloatArray:
    """The rate at which each result, or a larger one, has this probability; shape (m,).

    0 for the result 0, whose tail is always 1, and 1 for n + 1, which never happens. With ``tail = 0.5`` it is the
    median-unbiased estimate of Koyama & Chen (2008); a lower limit solves the result's own tail, an upper limit that of
    the next larger result (as Clopper and Pearson do: the interval then covers at least as often as it says).
    """
    rates = np.where(results > stages.n, 1.0, 0.0)
    inner = (results > 0) & (results <= stages.n)
    rates[inner] = _solved(stages, results[inner], tail)
    return rates


def _solved(stages: Stages, results: FloatArray, tail: float) -> FloatArray:
    """The rates for results whose tail runs from 0 to 1: Newton's steps, halving where one leaves the bracket."""
    shares = _shares(stages)
    low, high = np.zeros(len(results)), np.ones(len(results))
    rate = results / (stages.n + 1)
    for _ in range(MOST_STEPS):
        found, slope = _tails_and_slopes(shares, results, rate)
        low, high = np.where(found < tail, rate, low), np.where(found < tail, high, rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = rate - (found - tail) / slope
        after = np.where((step > low) & (step < high), step, (low + high) / 2)
        if (np.abs(after - rate) <= CLOSE).all():
            break
        rate = after
    return rate


class Inference(NamedTuple):
    """After a final number of responders: p-value against the null rate, estimates and interval of the rate."""

    responders: int
    patients: int
    p_value: float
    median_unbiased: float
    umvue: float
    lower: float
    upper: float


def inference(stages: Stages, null_rate: float, level: float = 0.95) -> tuple[Inference, ...]:
    """What to say after each possible result, 0..n responders.

    The interval is two-sided and conservative: at every rate it covers with probability ``level`` at least. Raises
    ``ValueError`` for stages that cannot be.
    """
    _check(0, stages)
    results = np.arange(stages.n + 1, dtype=np.float64)
    half = (1 - level) / 2
    p_values = tails(stages, results, np.full(len(results), null_rate))
    columns = (p_values, rates_at(stages, results, 0.5), rates_at(stages, results, half))
    upper = rates_at(stages, results + 1, 1 - half)
    return tuple(
        Inference(x, stages.n1 if x <= stages.r1 else stages.n, p, median, umvue(x, stages), low, high)
        for x, (p, median, low, high) in enumerate(zip(*(c.tolist() for c in columns), upper.tolist(), strict=True))
    )


def _check(responders: int, stages: Stages) -> None:
    r1, n1, n = stages
    if not (0 < n1 < n and -1 <= r1 < n1):
        raise ValueError(f"stages {r1}/{n1} and {n} patients cannot be")
    if not 0 <= responders <= n:
        raise ValueError(f"{responders} responders of {n} cannot be")
