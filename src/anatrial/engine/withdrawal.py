"""Randomised withdrawal: sums over the number of responders, who alone are randomised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.designs.withdrawal import Withdrawal
from anatrial.domain.counts import Look, Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.tally import Tally
from anatrial.engine.random_totals import LEFT_OUT, ArmLaw, powers, regions_at
from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.numerics.superiority import probability_greater
from anatrial.numerics.supremum import Supremum, supremum
from anatrial.numerics.unconditional import given_total
from anatrial.rules.base import Rule

GAP = 1e-9  # between the largest type I error found and its proven bound
Splits = Mapping[int, tuple[tuple[Look, float], ...]]
"""Per number of responders: the possible patients per arm with the chance of each."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the rule decides for each number of responders that may occur."""

    splits: Splits
    regions: Mapping[Look, Regions]

    @classmethod
    def by(cls, rule: Rule, design: Withdrawal, responders: tuple[int, ...]) -> Decided:
        """The regions of a rule at every split of so many responders."""
        splits = {r: design.splits(r) for r in responders}
        looks = [look for options in splits.values() for look, _ in options]
        return cls(splits, regions_at(rule, looks, single_arm=False))

    @property
    def looks(self) -> tuple[Look, ...]:
        """Every split once."""
        return tuple(dict.fromkeys(look for options in self.splits.values() for look, _ in options))

    def averaged(self, by_look: Mapping[Look, float]) -> dict[int, float]:
        """The mean of a number over the splits, per number of responders; 0 where nobody is randomised."""
        return {
            r: sum(chance * by_look[look] for look, chance in options if look in by_look)
            for r, options in self.splits.items()
        }


def success_given(decided: Decided, laws: tuple[ArmLaw, ArmLaw]) -> dict[int, float]:
    """P(success | number of responders) under laws of the patients free of flare in each arm."""
    looks = decided.looks
    return decided.averaged(dict(zip(looks, powers(decided.regions, looks, laws).tolist(), strict=True)))


def over_responders(given: Mapping[int, float], responders: FloatArray) -> float:
    """The mean over the number of responders of a chance that is known given it; 0 where it is not.

    ``responders``: probabilities of 0 to n responders, shape (n + 1,).
    """
    return min(float(sum(responders[r] * chance for r, chance in given.items() if r < responders.size)), 1.0)


class Belief(NamedTuple):
    """Priors of the share free of flare, and the difference above which going on truly helps."""

    treatment: BetaMixture
    control: BetaMixture
    effect: float

    @property
    def laws(self) -> tuple[ArmLaw, ArmLaw]:
        """Beta-binomial counts."""
        return self.treatment.predictive, self.control.predictive


def true_success_given(decided: Decided, belief: Belief) -> dict[int, float]:
    """P(success, and the effect is true | number of responders), as in ``engine.characteristics``."""
    found = {}
    for look, regions in decided.regions.items():
        sure = probability_greater(belief.treatment.array, look.n_t, belief.control.array, look.n_c, belief.effect)
        joint = np.outer(belief.treatment.predictive(look.n_t), belief.control.predictive(look.n_c)) * sure
        found[look] = float(joint[regions.success.grid].sum())
    return decided.averaged(found)


@dataclass(frozen=True, slots=True)
class NullChances:
    """P(success or harm | r responders, s of them free of flare) where both arms share one rate."""

    given: Mapping[int, FloatArray]
    """Per r an array of shape (r + 1,)."""

    @classmethod
    def of(cls, decided: Decided) -> NullChances:
        """From the regions: the split of s between the arms is hypergeometric, whatever the rate."""
        found = {}
        for r, options in decided.splits.items():
            total = np.zeros(r + 1)
            for look, chance in options:
                if look in decided.regions:
                    regions = decided.regions[look]
                    total += chance * given_total(regions.success.grid | regions.harm.grid)
            found[r] = total
        return cls(found)

    def at(self, rates: FloatArray, responders: FloatArray) -> FloatArray:
        """Type I error at each shared rate, shape of ``rates``; ``responders`` are the chances of 0 to n of them."""
        total = np.zeros(len(rates))
        for r, chances in self.given.items():
            if chances.any() and r < responders.size:
                total += responders[r] * (binomial(r, rates) @ chances)
        return np.minimum(total, 1.0)

    def worst(self, ends: tuple[float, float], responders: FloatArray) -> Supremum:
        """Largest type I error over shared rates in ``ends``, and its proven bound.

        The number of responders says nothing of the rate, so the joint result holds at most the information of the
        largest number: the bounds of ``numerics.supremum`` hold with it.
        """
        most = max(self.given, default=0)
        found = supremum(lambda rates: self.at(rates, responders), ends, (most, 0), gap=GAP)
        return found._replace(bound=min(found.bound + LEFT_OUT, 1.0))

    def worst_given(self, ends: tuple[float, float], r: int) -> Supremum:
        """The same given that ``r`` patients responded."""
        alone = np.eye(1, r + 1, r)[0]
        return NullChances({r: self.given[r]}).worst(ends, alone)


class Draws(NamedTuple):
    """How a rate is drawn for each simulated trial: known, or from a prior."""

    rate: float | None
    prior: BetaMixture | None = None

    def rates(self, rng: np.random.Generator, trials: int) -> FloatArray:
        """One rate per trial, shape (trials,)."""
        if self.prior is None:
            return np.full(trials, self.rate)
        return self.prior.draws(rng, trials)


class Reality(NamedTuple):
    """What is assumed of a simulated trial: the run-in, then who stays free of flare in each arm."""

    run_in: Draws
    treatment: Draws
    control: Draws
    effect: float | None
    """With it, successes are told apart: those where treatment - control truly exceeds it."""
    name: str
    """What a success is called: power, assurance, type_i_error."""


class Patients(NamedTuple):
    """Simulated patients, shape (trials, enrolled) each, and the true rates without a flare, shape (trials,) each."""

    responds: BoolArray
    """To the run-in, by order of enrolment."""
    treated: BoolArray
    """Whether the first, second, ... responder goes on with the treatment."""
    free: BoolArray
    """Whether the first, second, ... responder has no flare."""
    rate_t: FloatArray
    rate_c: FloatArray


def drawn(rng: np.random.Generator, trials: int, *, design: Withdrawal, reality: Reality) -> Patients:
    """So many trials, patient by patient: who responds, who is randomised where, who has a flare."""
    n = design.enrolled
    run_in, rate_t, rate_c = (draws.rates(rng, trials) for draws in reality[:3])
    responds = rng.random((trials, n)) < run_in[:, None]
    treated = _permuted(rng, trials, design)[:, :n]
    free = rng.random((trials, n)) < np.where(treated, rate_t[:, None], rate_c[:, None])
    return Patients(responds, treated, free, rate_t, rate_c)


def simulate(rng: np.random.Generator, trials: int, *, rule: Rule, design: Withdrawal, reality: Reality) -> Tally:
    """So many trials, each judged by who of its patients stays free of flare.

    The blocks are permuted as they would be in a trial; nothing here is taken from the exact sums but the rule.
    """
    responds, treated, free, rate_t, rate_c = drawn(rng, trials, design=design, reality=reality)
    number = responds.sum(axis=1)
    randomised = np.arange(design.enrolled)[None, :] < number[:, None]
    counts = np.column_stack([(who & randomised).sum(axis=1) for who in (treated, ~treated)])
    counts = np.column_stack([counts, *((who & randomised & free).sum(axis=1)[:, None] for who in (treated, ~treated))])
    enough = number >= design.least_responders
    success, harm = decisions(rule, counts, enough)
    found: dict[str, BoolArray | FloatArray] = {
        reality.name: success | harm if reality.name == "type_i_error" else success,
        "expected_randomised": np.where(enough, number, 0).astype(np.float64),
        "too_few": ~enough,
    }
    if reality.effect is not None:
        found["true_success"] = success & (rate_t - rate_c > reality.effect)
    return Tally.of(trials, 0, **found)


def _permuted(rng: np.random.Generator, trials: int, design: Withdrawal) -> BoolArray:
    """Whether the first, second, ... patient who is randomised goes on with the treatment: permuted blocks."""
    ratio = np.array([design.ratio.treatment, design.ratio.control])
    size_t, size_c = ratio // np.gcd(*ratio)
    size = int(size_t + size_c)
    blocks = -(-design.enrolled // size)
    ranks = rng.random((trials, blocks, size)).argsort(axis=2).argsort(axis=2)
    return np.asarray((ranks < size_t).reshape(trials, blocks * size))


def decisions(rule: Rule, counts: FloatArray, enough: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Success and harm of each trial; ``counts`` has columns n_t, n_c, x_t, x_c."""
    success, harm = np.zeros(len(counts), dtype=np.bool_), np.zeros(len(counts), dtype=np.bool_)
    pairs, which = np.unique(counts[:, :2], axis=0, return_inverse=True)
    looks = [Look(int(n_t), int(n_c)) for n_t, n_c in pairs]
    regions = regions_at(rule, looks, single_arm=False)
    for index, look in enumerate(looks):
        if look in regions:
            at = np.flatnonzero((which.ravel() == index) & enough)
            x_t, x_c = counts[at, 2], counts[at, 3]
            success[at], harm[at] = regions[look].success.grid[x_t, x_c], regions[look].harm.grid[x_t, x_c]
    return success, harm
