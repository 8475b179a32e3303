"""Several doses v one control: chances of every pattern of successes, exact where they can be summed, and simulated.

A pattern says which doses succeed; its number has bit d set where dose d does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from anatrial.domain.tally import Tally
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.supremum import Supremum, supremum
from anatrial.numerics.tables import BLOCK_CELLS
from anatrial.numerics.unconditional import shared_rate_supremum, table_chances
from anatrial.rules.several_decisions import Decisions, Graded, LargestZ, PooledClosed, Sizes, rises, successes

LARGEST = 500  # patients per arm up to which graded decisions are summed
LARGEST_CUBE = 210  # patients per arm up to which every result of three arms is enumerated
MOST_COMBINATIONS = 200_000  # of strengths and patterns: four doses by Simes, three by anything
GAP = 1e-7  # between the largest familywise error found and its proven bound
OTHERS = np.linspace(0.0, 1.0, 21)  # rates of doses that work, where the worst is not known to be 1

Laws = tuple[FloatArray, ...]
"""Probability of 0..n responders of the control and of every dose, rows of one assumption each: (m, n + 1)."""


class Null(NamedTuple):
    """An assumption without effect: the control rates, the margin, which doses are without it, the others' rates."""

    ends: tuple[float, float]
    margin: float
    doses: tuple[int, ...]
    others: tuple[float | None, ...]
    """A rate of each dose that works; None of those without effect."""


class Worst(NamedTuple):
    """The largest familywise error, where (control rate in ``error.at``), and whether its bound is proven."""

    error: Supremum
    null: Null
    proven: bool


@dataclass(frozen=True, slots=True)
class Cube:
    """The pattern at every result of two doses, shape (n_c + 1, n_1 + 1, n_2 + 1), where decisions do not factor."""

    decisions: LargestZ | PooledClosed
    codes: IntArray

    @property
    def sizes(self) -> Sizes:
        """Patients per arm."""
        return self.decisions.sizes


def enumerable(decisions: Decisions) -> bool:
    """Whether every chance is summed exactly within a few seconds."""
    sizes = decisions.sizes
    most = max(sizes.control, *sizes.doses)
    if isinstance(decisions, Graded):
        return most <= LARGEST and decisions.succeeds.size << len(sizes.doses) <= MOST_COMBINATIONS
    return len(sizes.doses) == 2 and most <= LARGEST_CUBE


def prepared(decisions: Decisions) -> Graded | Cube:
    """What the sums need of decisions that are ``enumerable``."""
    if isinstance(decisions, Graded):
        return decisions
    planes = [(holds << np.arange(2)).sum(axis=-1, dtype=np.int8) for holds in successes(decisions)]
    return Cube(decisions, np.stack(planes))


def patterns(decisions: Graded | Cube, laws: Laws) -> FloatArray:
    """Chance of every pattern of successes under each row of the laws, shape (m, 2^doses); rows sum to 1."""
    return _graded(decisions, laws) if isinstance(decisions, Graded) else _enumerated(decisions, laws)


def _graded(decisions: Graded, laws: Laws) -> FloatArray:
    """Sums over the control's count of products over doses."""
    k, n_c = len(decisions.grades), decisions.sizes.control
    codes = (decisions.succeeds << np.arange(k)).sum(axis=-1)
    wanted = (codes[..., None] == np.arange(2**k)).astype(np.float64)
    single = [(grade[:, :, None] == np.arange(wanted.shape[d])).reshape(grade.shape[0], -1).astype(np.float64)
              for d, grade in enumerate(decisions.grades)]  # fmt: skip
    rows = max(1, BLOCK_CELLS // ((n_c + 1) * max(wanted[0].size, 1)))
    found = np.empty((len(laws[0]), 2**k))
    for start in range(0, len(found), rows):
        block = slice(start, start + rows)
        left = np.broadcast_to(wanted.reshape(1, 1, -1), (1, 1, wanted.size))
        for d in range(k):
            strengths = (laws[d + 1][block] @ single[d]).reshape(-1, n_c + 1, 1, wanted.shape[d])
            table = left.reshape(*left.shape[:2], wanted.shape[d], -1)
            left = (strengths @ table)[:, :, 0, :]
        found[block] = np.einsum("rc,rcp->rp", laws[0][block], left)
    return found


def _enumerated(cube: Cube, laws: Laws) -> FloatArray:
    """Sums over every result of three arms."""
    found = np.zeros((len(laws[0]), 4))
    for row, (law_c, law_1, law_2) in enumerate(zip(*laws, strict=True)):
        mass = (law_1[:, None] * law_2).ravel()
        for codes, chance in zip(cube.codes, law_c, strict=True):
            found[row] += chance * np.bincount(codes.ravel(), mass, minlength=4)
    return found


@cache
def _shape_of(k: int) -> FloatArray:
    """Which doses succeed in each pattern, shape (2^k, k)."""
    return ((np.arange(2**k)[:, None] >> np.arange(k)) & 1).astype(np.float64)


def powers(chances: FloatArray, doses: tuple[int, ...]) -> tuple[float, float, tuple[float, ...]]:
    """At least one success among ``doses``, all doses, and each dose, from one row of ``patterns``."""
    holds = _shape_of(int(math.log2(len(chances))))
    some = float(chances[holds[:, list(doses)].any(axis=1)].sum())
    return min(some, 1.0), float(chances[-1]), tuple(np.minimum(chances @ holds, 1.0).tolist())


def point_laws(sizes: Sizes, rates: FloatArray) -> Laws:
    """Binomial laws; ``rates`` has shape (m, 1 + doses), the control first."""
    return tuple(binomial(n, rates[:, arm]) for arm, n in enumerate((sizes.control, *sizes.doses)))


def best_chosen(decisions: Graded | Cube, rates: tuple[float, ...]) -> float:
    """Chance that a dose with the highest true rate is chosen: it succeeds, and no other success has more responders.

    Responders are compared as shares of their arm; of two equal shares the lower dose is chosen. ``rates``: the control
    first, shape (1 + doses,).
    """
    laws = [law[0] for law in point_laws(decisions.sizes, np.array([rates]))]
    best = [d for d, rate in enumerate(rates[1:]) if rate >= max(rates[1:])]
    if isinstance(decisions, Graded):
        return sum(_chosen(decisions, laws, d) for d in best)
    total = 0.0
    share_1, share_2 = np.ogrid[: decisions.codes.shape[1], : decisions.codes.shape[2]]
    first = share_1 * decisions.sizes.doses[1] >= share_2 * decisions.sizes.doses[0]  # ties: the lower dose
    for x_c, codes in enumerate(decisions.codes):
        holds = (codes & 1).astype(np.bool_), codes > 1
        wins = holds[0] & (first | ~holds[1]), holds[1] & ~(first & holds[0])
        total += laws[0][x_c] * sum(float(laws[1] @ wins[d] @ laws[2]) for d in best)
    return float(total)


def _chosen(decisions: Graded, laws: list[FloatArray], dose: int) -> float:
    """Chance that a dose is chosen: sums over the control's count, the dose's count and everyone's strength."""
    sizes, levels = decisions.sizes, decisions.succeeds.shape[:-1]
    x = np.arange(sizes.doses[dose] + 1)
    whole, fewer = {}, {}
    for other, grade in enumerate(decisions.grades):
        for level in range(levels[other]):
            mass = (grade == level) * laws[other + 1][:, None]
            if other == dose:
                whole[other, level] = mass
                continue
            sums = np.concatenate([np.zeros((1, mass.shape[1])), np.cumsum(mass, axis=0)])
            count = x * sizes.doses[other]
            # other responders with a smaller share, or as large a one where this is the lower dose
            most = count // sizes.doses[dose] + 1 if dose < other else -(-count // sizes.doses[dose])
            whole[other, level], fewer[other, level] = sums[-1:], sums[np.minimum(most, sums.shape[0] - 1)]
    total = np.zeros((sizes.doses[dose] + 1, sizes.control + 1))
    for strengths in product(*map(range, levels)):
        holds = decisions.succeeds[strengths]
        if holds[dose]:
            term = whole[dose, strengths[dose]]
            for other, level in enumerate(strengths):
                if other != dose:
                    term = term * (fewer if holds[other] else whole)[other, level]
            total += term
    return float((total @ laws[0]).sum())


def familywise(decisions: Graded | Cube, null: Null, rates: FloatArray) -> FloatArray:
    """Chance that some dose without effect succeeds, at control rates of shape (m,)."""
    if isinstance(decisions, Cube):
        chance = _error_chance(decisions, null)
        laws = binomial(chance.shape[0] - 1, rates), binomial(decisions.sizes.control, rates)
        return np.asarray(np.einsum("rc,rc->r", laws[0] @ chance, laws[1]))
    lifted = np.clip(rates + null.margin, 0.0, 1.0)
    columns = [rates, *(lifted if rate is None else np.full(rates.shape, rate) for rate in null.others)]
    chances = patterns(decisions, point_laws(decisions.sizes, np.stack(columns, axis=1)))
    hit = _shape_of(len(null.others))[:, list(null.doses)].any(axis=1)
    return np.asarray(np.minimum(chances[:, hit].sum(axis=1), 1.0))


def _error_chance(cube: Cube, null: Null) -> FloatArray:
    """P(error | responders on all doses without effect, x_c), shape (their patients + 1, n_c + 1).

    These doses share one rate: given their total, the counts are hypergeometric whatever the rate.
    """
    n_1, n_2 = cube.sizes.doses
    if len(null.doses) == 2:
        weights = table_chances(n_1, n_2)
        total = np.add.outer(np.arange(n_1 + 1), np.arange(n_2 + 1)).ravel()
        columns = [np.bincount(total, (weights * (plane > 0)).ravel()) for plane in cube.codes]
        return np.stack(columns, axis=1)
    (dose,) = null.doses
    law = binomial((n_2, n_1)[dose], np.array([null.others[1 - dose]], dtype=np.float64))[0]
    hits = (cube.codes >> dose & 1).astype(np.float64)
    return np.asarray(np.tensordot(hits, law, axes=(2 - dose, 0))).T


def worst_of(decisions: Graded | Cube, null: Null) -> Supremum:
    """Largest familywise error over the control rates of one assumption, with its proven bound.

    Control and doses without effect share one rate, or differ by the margin, so that the bounds of two arms hold with
    all these doses as one arm; the other arms' rates stay.
    """
    if isinstance(decisions, Cube):
        return shared_rate_supremum(_error_chance(decisions, null), null.ends, gap=GAP)
    sizes = (sum(decisions.sizes.doses[d] for d in null.doses), decisions.sizes.control)
    shared = (sum(sizes), 0) if null.margin == 0 else sizes
    return supremum(lambda rates: familywise(decisions, null, rates), null.ends, shared, margin=null.margin, gap=GAP)


def worst_of_all(decisions: Graded | Cube, ends: tuple[float, float], margin: float) -> Worst:
    """The largest familywise error whichever doses are without effect, whatever the rates of the others.

    Where more responders of other doses never end an error, no other rate of theirs is worse than 1. Else their worst
    rate is sought on a grid of twentieths and, around the worst of these, of 320ths; the bound holds on that grid only.
    """
    k = len(decisions.sizes.doses)
    found: list[Worst] = []
    for m in range(1, k + 1):
        for doses in combinations(range(k), m):
            known = m == k or rises(decisions if isinstance(decisions, Graded) else decisions.decisions, doses)
            idle = Null(ends, margin, doses, tuple(None if d in doses else 1.0 for d in range(k)))
            tried = [idle] if known else [_with_other(idle, rate) for rate in OTHERS.tolist()]
            judged = [Worst(worst_of(decisions, null), null, known) for null in tried]
            for halvings in range(1, 1 if known else 5):
                top = max(judged, key=_height).null
                (here,) = (rate for rate in top.others if rate is not None)
                step = float(OTHERS[1]) / 2**halvings
                around = [_with_other(top, rate) for rate in (here - step, here + step) if 0 <= rate <= 1]
                judged += [Worst(worst_of(decisions, null), null, known) for null in around]
            found += judged
    highest = max(found, key=_height)
    bound = max(one.error.bound for one in found)
    return Worst(highest.error._replace(bound=bound), highest.null, all(one.proven for one in found))


def _height(one: Worst) -> float:
    return one.error.found


def _with_other(null: Null, rate: float) -> Null:
    """The same with another rate of the dose that works."""
    return null._replace(others=tuple(None if other is None else rate for other in null.others))


class Simulated(NamedTuple):
    """A trial to simulate: how it is decided, the law of each arm's count, and which doses have an effect or not."""

    decisions: Decisions
    laws: Laws
    best: tuple[int, ...] = ()
    """Doses with the highest rate, where rates are known."""
    idle: tuple[int, ...] = ()
    """Doses whose success is an error."""
    word: str = "power"
    """What a success is called: power, assurance, or nothing."""


def drawn(spec: Simulated, rng: np.random.Generator, trials: int) -> IntArray:
    """Responders of each arm, the control first, by inversion from one uniform per arm; shape (trials, arms)."""
    uniforms = rng.random((trials, len(spec.laws)))
    return np.stack([np.searchsorted(np.cumsum(law[0])[:-1], uniforms[:, arm], side="right")
                     for arm, law in enumerate(spec.laws)], axis=1)  # fmt: skip


def simulate(spec: Simulated, rng: np.random.Generator, trials: int) -> Tally:
    """Trials by the counts of each arm."""
    counts = drawn(spec, rng, trials)
    holds = spec.decisions.of(counts)
    arrays: dict[str, BoolArray] = {}
    if spec.word:
        arrays = {spec.word: np.any(holds, axis=1), f"{spec.word}_all": np.all(holds, axis=1)}
        arrays |= {f"{spec.word}_dose_{d + 1}": holds[:, d] for d in range(holds.shape[1])}
    if spec.best:
        shares = np.where(holds, counts[:, 1:] / np.array(spec.decisions.sizes.doses), -1.0)
        chosen = np.argmax(shares, axis=1)  # the first, lowest dose of equal ones
        arrays["best_dose_chosen"] = np.any(holds, axis=1) & np.isin(chosen, spec.best)
    if spec.idle:
        arrays["familywise_error"] = np.any(holds[:, list(spec.idle)], axis=1)
    return Tally.of(trials, 0, **arrays)
