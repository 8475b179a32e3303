"""A basket trial in numbers: which baskets win on every table of counts, and how probable that is under a truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np
from scipy.special import betainc

from anatrial.designs.basket import Basket
from anatrial.domain.results import Estimate, Metric, exactly
from anatrial.domain.tally import Tally
from anatrial.errors import ComputationError
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.similarity import Shared, borrowed, divergence, weights
from anatrial.numerics.superiority import greater_than_rate
from anatrial.rules.basket import Independent
from anatrial.rules.basket import Shared as SharedRule
from anatrial.truths.basket import Laws

NEAR = 1e-9  # a posterior this close to its certainty is on it, and does not win
DIGITS = (4, 6, 8)  # decimals of a certainty that is found
BLOCK = 250_000  # tables whose posteriors are held at once


@dataclass(frozen=True)
class Judge:
    """The posteriors of every basket: sizes, benchmarks and prior (weight, a, b); what baskets share, if they do."""

    sizes: tuple[int, ...]
    benchmarks: tuple[float, ...]
    prior: FloatArray
    shared: Shared | None

    def probabilities(self, counts: IntArray) -> FloatArray:
        """P(rate > benchmark | data) per basket, for tables of counts of shape (K, m); shape (K, m)."""
        if self.shared is None:
            pairs = zip(counts, self.sizes, self.benchmarks, strict=True)
            return np.array([greater_than_rate(self.prior, n, rate)[row] for row, n, rate in pairs])
        prior = (float(self.prior[0, 1]), float(self.prior[0, 2]))
        found = np.empty(counts.shape)
        rates = np.array(self.benchmarks)[:, None]
        for start in range(0, counts.shape[1], BLOCK):
            part = slice(start, start + BLOCK)
            a, b = borrowed(counts[:, part], self.sizes, prior, self.shared)
            found[:, part] = betainc(b, a, 1 - rates)  # ten times as fast as the complement, and as accurate
        return found


def judge(rule: Independent | SharedRule, design: Basket) -> Judge:
    """The posteriors of a rule in a design; what baskets share is computed once for every pair of counts."""
    prior = rule.analysis_prior.mixture().array
    if isinstance(rule, Independent):
        return Judge(design.sizes, design.benchmarks, prior, None)
    a, b = prior[0, 1:]
    tables: dict[tuple[int, int], FloatArray] = {}
    for n, m in combinations_with_replacement(sorted(set(design.sizes)), 2):
        shapes = [np.stack([a + np.arange(k + 1), b + np.arange(k, -1, -1)], axis=1) for k in (n, m)]
        tables[n, m] = weights(divergence(*shapes), rule.sharpness, rule.threshold)
        tables[m, n] = tables[n, m].T
    shared = tuple(tuple(tables[n, m] for m in design.sizes) for n in design.sizes)
    return Judge(design.sizes, design.benchmarks, prior, shared)


def every_table(sizes: tuple[int, ...]) -> IntArray:
    """All tables of counts, shape (K, product of n + 1)."""
    return np.indices([n + 1 for n in sizes]).reshape(len(sizes), -1)


def joint(laws: tuple[FloatArray, ...]) -> FloatArray:
    """Probability of every table under independent laws, in the order of ``every_table``."""
    found = np.ones(1)
    for law in laws:
        found = np.multiply.outer(found, law).ravel()
    return found


def familywise(best: FloatArray, chances: FloatArray, certainty: float) -> float:
    """P(any basket wins): ``best`` is the largest posterior probability of each table."""
    return _sum(chances, best > certainty + NEAR)


def least_certainty(best: FloatArray, chances: FloatArray, alpha: float) -> float:
    """The least certainty, to four decimals where they are enough, at which P(any basket wins) is at most ``alpha``.

    Parameters
    ----------
    best, chances
        Largest posterior probability and chance of each table where no basket works, shape (tables,).
    alpha
        In (0, 1).

    Raises ``ComputationError`` where even a certainty next to 1 lets a basket win too often.
    """
    order = np.argsort(-best, kind="stable")
    beyond = np.flatnonzero(np.cumsum(chances[order]) > alpha)
    edge = float(best[order[beyond[0]]]) if len(beyond) else 0.0
    for digits in DIGITS:
        found: float = max(math.ceil((edge - NEAR) * 10**digits), 1) / 10**digits
        if found < 1:
            return found
    raise ComputationError(f"no certainty below 1 keeps the familywise error at {alpha:g}: take larger baskets")


@dataclass(frozen=True)
class Won:
    """Which baskets win on every table of counts: tables and wins of shape (K, tables)."""

    counts: IntArray
    wins: BoolArray
    on_edge: int
    """Posterior probabilities within 1e-9 of the certainty: settled as no win."""


def won(probabilities: FloatArray, counts: IntArray, certainty: float) -> Won:
    """The wins at a certainty."""
    near = int((np.abs(probabilities - certainty) < NEAR).sum())
    return Won(counts, probabilities > certainty + NEAR, near)


def characteristics(found: Won, laws: Laws, labels: tuple[str, ...]) -> tuple[Metric, ...]:
    """Chances of every kind of result under one truth, exactly.

    ``labels`` name each basket's chance to win. A false win is one of a basket whose rate is not above its benchmark;
    where rates are drawn, counts tell how probable that is.
    """
    chances = joint(laws[0])
    works = [law[row] for law, row in zip(laws[1], found.counts, strict=True)]
    wins = found.wins.astype(np.float64)
    none_false = np.ones(len(chances))
    right = np.ones(len(chances))
    for win, good in zip(found.wins, works, strict=True):
        none_false *= np.where(win, good, 1.0)
        right *= np.where(win, good, 1 - good)
    true = sum(_sum(chances, win * good) for win, good in zip(wins, works, strict=True))
    each = [Metric(label, _chance(_sum(chances, win))) for label, win in zip(labels, wins, strict=True)]
    return (
        *each,
        Metric("any_won", _chance(_sum(chances, np.asarray(found.wins.any(axis=0))))),
        Metric("familywise_error", _chance(_sum(chances, 1 - none_false))),
        Metric("all_right", _chance(_sum(chances, right))),
        Metric("expected_won", exactly(min(float((wins @ chances).sum()), float(len(wins))))),
        Metric("expected_truly_won", exactly(true)),
    )


def _sum(chances: FloatArray, of: FloatArray | BoolArray) -> float:
    """Mean of one number per table."""
    return float(chances @ of)


def _chance(value: float) -> Estimate:
    return exactly(min(max(float(value), 0.0), 1.0))


@dataclass(frozen=True)
class Mixed:
    """So many baskets without effect: the worst familywise error over which they are, and those that are."""

    idle: int
    error: float
    worst: tuple[int, ...]


def mixed_errors(found: Won, working: Laws, idle: Laws) -> tuple[Mixed, ...]:
    """Familywise error with 1 to K baskets without effect, the others at their rates, worst over which they are.

    ``working`` and ``idle`` hold each basket's law where it works and where it does not; a basket that does not work
    under ``working`` never does. Baskets with the same two laws are the same (patients, rate to beat, rate), so of
    choices that differ in them alone one is looked at.
    """
    always = tuple(k for k, law in enumerate(working[1]) if law[0] == 0.0)
    others = [k for k in range(len(found.counts)) if k not in always]
    twins = [tuple(law.tobytes() for law in pair) for pair in zip(working[0], idle[0], strict=True)]
    rows: list[Mixed] = []
    for more in range(len(others) + 1):
        worst: tuple[float, tuple[int, ...]] = (-1.0, ())
        alike = {tuple(sorted(twins[k] for k in chosen)): chosen for chosen in combinations(others, more)}
        for chosen in alike.values():
            null = tuple(sorted((*always, *chosen)))
            if not null:
                continue
            laws = tuple(idle[0][k] if k in chosen else working[0][k] for k in range(len(found.counts)))
            worst = max(worst, (_any(found.wins[list(null)], laws), null))
        if worst[1]:
            rows.append(Mixed(len(worst[1]), min(worst[0], 1.0), worst[1]))
    return tuple(rows)


def _any(wins: BoolArray, laws: tuple[FloatArray, ...]) -> float:
    """P(any of these wins), by halves of the baskets: their joint law would be as long as the tables."""
    first, second = joint(laws[: len(laws) // 2]), joint(laws[len(laws) // 2 :])
    return float(first @ (wins.any(axis=0).reshape(len(first), -1) @ second))


@dataclass(frozen=True)
class Drawn:
    """A basket trial to simulate: how it is judged, its laws, and the names of each basket's chance to win."""

    judged: Judge
    certainty: float
    laws: Laws
    labels: tuple[str, ...]


def results(drawn: Drawn, rng: np.random.Generator, trials: int) -> tuple[IntArray, BoolArray]:
    """Responders of each basket by their law, then whether it works given them; shape (K, trials) each.

    Two uniform numbers per basket and trial, so that neighbouring truths share their draws.
    """
    laws, chances = drawn.laws
    draws = rng.random((2, len(laws), trials))
    pairs = zip(laws, draws[0], strict=True)
    counts = np.array([np.searchsorted(np.cumsum(law)[:-1], u, side="right") for law, u in pairs])
    return counts, np.array([u < chance[row] for chance, row, u in zip(chances, counts, draws[1], strict=True)])


def simulate(drawn: Drawn, rng: np.random.Generator, trials: int) -> Tally:
    """Basket trials drawn one by one; the names are those of ``characteristics``."""
    counts, works = results(drawn, rng, trials)
    wins = drawn.judged.probabilities(counts) > drawn.certainty + NEAR
    tallied = {
        **dict(zip(drawn.labels, wins, strict=True)),
        "any_won": wins.any(axis=0),
        "familywise_error": (wins & ~works).any(axis=0),
        "all_right": (wins == works).all(axis=0),
        "expected_won": wins.sum(axis=0).astype(np.float64),
        "expected_truly_won": (wins & works).sum(axis=0).astype(np.float64),
    }
    return Tally.of(trials, **tallied)
