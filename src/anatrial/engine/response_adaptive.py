"""A trial whose allocation follows the results so far, simulated patient by patient, many trials at once.

Every trial owns two uniforms per patient: one chooses the arm, one the response, so that other rates and other
allocations are compared on the same patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anatrial.designs.response_adaptive import ResponseAdaptive
from anatrial.domain.tally import Tally
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.best_arm import Arms
from anatrial.numerics.two_by_two import fisher_tails
from anatrial.numerics.walk import fisher_staircases
from anatrial.rules.response_adaptive import AdaptiveFisher, AdaptivePosterior

NEAR = 1e-9  # a posterior probability this close to the certainty is a tie: no success
SAME = 1e-10  # p-values that pass alpha by this ratio are equal to it: they err by 1e-12
WRONG_WAY = 10  # an inferior arm is ahead of the best by at least n / 10 where the imbalance is wrong


class Outcome(NamedTuple):
    """How trials ended: patients and responders, shape (trials, arms); which doses succeeded or were dropped."""

    n: IntArray
    x: IntArray
    success: BoolArray
    dropped: BoolArray
    arm: NDArray[np.int8]
    """Of every patient, shape (trials, patients), 0 the control; -1 after an early end."""
    responds: BoolArray
    """Of every patient."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A trial to simulate, the control first."""

    design: ResponseAdaptive
    rule: AdaptiveFisher | AdaptivePosterior
    rates: tuple[float, ...]
    balanced: bool = False
    """Whether patients are dealt to the arms in turn instead, whatever was seen, and no dose is dropped."""

    @property
    def idle(self) -> tuple[int, ...]:
        """Doses whose success is an error: no better than the control; counted from 0."""
        return tuple(d for d, rate in enumerate(self.rates[1:]) if rate <= self.rates[0])

    @property
    def early(self) -> float | None:
        """The certainty that ends the trial before all patients are in."""
        return self.rule.early_certainty if isinstance(self.rule, AdaptivePosterior) else None


def shares(best: FloatArray, exponent: float, least: float, active: BoolArray) -> FloatArray:
    """Allocation proportional to a power of P(best), no active arm below ``least``; shape (m, arms), rows sum to 1.

    Arms below the limit get just that, the others share the rest in proportion; arms that are not active get nothing.
    """
    raised = np.where(active, best**exponent, 0.0)
    found = raised / raised.sum(axis=1, keepdims=True)
    held = np.zeros_like(active)
    for _ in range(active.shape[1] - 1):  # raising one arm may push another below
        held = held | (active & (found < least))
        rest = 1.0 - least * held.sum(axis=1, keepdims=True)
        free = np.where(held, 0.0, raised)
        total = free.sum(axis=1, keepdims=True)
        found = np.where(held, least, rest * np.divide(free, total, out=np.zeros_like(free), where=total > 0))
    return np.asarray(found)


def outcomes(trial: Adaptive, rng: np.random.Generator, trials: int) -> Outcome:
    """So many trials, each to its end."""
    design, arms = trial.design, trial.design.arms
    rates = np.array(trial.rates)
    choose, respond = rng.random((trials, design.n)), rng.random((trials, design.n))
    first = arms * design.burn_in
    turns = np.arange(design.n) % arms
    hits = respond[:, :first] < rates[turns[:first]]
    n = np.full((trials, arms), design.burn_in, dtype=np.int64)
    x = np.stack([hits[:, arm::arms].sum(axis=1) for arm in range(arms)], axis=1)
    active, going = np.ones((trials, arms), dtype=np.bool_), np.ones(trials, dtype=np.bool_)
    belief, analysis = _posteriors(design), _analysis(trial)
    success = np.zeros((trials, arms - 1), dtype=np.bool_)
    whose, responds = np.empty((trials, design.n), dtype=np.int8), np.empty((trials, design.n), dtype=np.bool_)
    whose[:, :first], responds[:, :first] = turns[:first], hits
    for start in range(first, design.n, design.block):
        if trial.early is not None:
            sure = _sure(analysis, n, x, trial.early) & active[:, 1:] & going[:, None]
            success |= sure
            going &= ~sure.any(axis=1)
        block = slice(start, start + design.block)
        if trial.balanced:
            arm = np.broadcast_to(turns[block], (trials, design.block))
        else:
            remaining = active.copy()
            share = _allocation(design, belief, n, x, remaining)
            active = np.where(going[:, None], remaining, active)
            arm = np.zeros((trials, design.block), dtype=np.int8)
            for edge in np.cumsum(share, axis=1).T[:-1]:
                arm += choose[:, block] >= edge[:, None]
        hit = respond[:, block] < rates[arm]
        whose[:, block], responds[:, block] = np.where(going[:, None], arm, -1), hit
        for a in range(arms):
            mine = (arm == a) & going[:, None]
            n[:, a] += mine.sum(axis=1)
            x[:, a] += (mine & hit).sum(axis=1)
    success |= _successes(trial, analysis, n, x) & active[:, 1:] & going[:, None]
    return Outcome(n, x, success, ~active[:, 1:], whose, responds)


def _allocation(design: ResponseAdaptive, belief: Arms, n: IntArray, x: IntArray, active: BoolArray) -> FloatArray:
    """Shares of the next block, shape (trials, arms); doses that are dropped now are taken out of ``active``."""
    best = belief.best(n, x, active)
    if design.drop_below is not None:
        poor = active & (best < design.drop_below)
        poor[:, 0] = False
        last = poor[:, 1:].sum(axis=1) == active[:, 1:].sum(axis=1)  # the better dose stays
        poor[np.flatnonzero(last), 1 + np.argmax(np.where(active, best, -1.0)[last, 1:], axis=1)] = False
        if poor.any():
            active &= ~poor
            best = belief.best(n, x, active)
    exponent = n.sum(axis=1, keepdims=True) / (2 * design.n) if design.exponent == "thall_wathen" else design.exponent
    return shares(best, exponent, design.min_share, active)


def _successes(trial: Adaptive, analysis: Arms | None, n: IntArray, x: IntArray) -> BoolArray:
    """Which doses the final analysis finds better, shape (trials, doses)."""
    if isinstance(trial.rule, AdaptivePosterior):
        return _sure(analysis, n, x, trial.rule.certainty)
    found = [fisher_succeeds(n[:, [dose, 0]], x[:, [dose, 0]], trial.rule.alpha) for dose in range(1, n.shape[1])]
    return np.stack(found, axis=1)


def fisher_succeeds(n: IntArray, x: IntArray, alpha: float) -> BoolArray:
    """Whether Fisher's test of each table has p <= alpha, shape (m,); ``n``, ``x`` of dose and control, (m, 2)."""
    most = int(n.max()) + 1
    pairs, back = np.unique(n[:, 0] * most + n[:, 1], return_inverse=True)
    n_d, n_c = np.divmod(pairs, most)
    least, near = fisher_staircases(n_d, n_c, alpha)
    found = np.asarray(x[:, 0] >= least[back, x[:, 1]])
    for k in np.flatnonzero(near).tolist():  # a p-value near alpha: looked at itself
        rows = np.flatnonzero(back == k)
        p = fisher_tails(int(n_d[k]), int(n_c[k]))[0]
        found[rows] = p[x[rows, 0], x[rows, 1]] <= alpha * (1 + SAME)
    return found


def _sure(analysis: Arms | None, n: IntArray, x: IntArray, certainty: float) -> BoolArray:
    """Whether P(dose rate > control rate | data) exceeds the certainty, shape (trials, doses)."""
    assert analysis is not None
    beats = [analysis.beats(dose, n, x) for dose in range(1, n.shape[1])]
    return np.stack(beats, axis=1) > certainty + NEAR


@lru_cache(maxsize=4)
def _cached(parts: tuple[tuple[tuple[float, float, float], ...], ...], n: int) -> Arms:
    return Arms(tuple(np.array(one) for one in parts), n)


def _posteriors(design: ResponseAdaptive) -> Arms:
    """What the allocation believes."""
    return _cached((design.prior.mixture().parts,) * design.arms, design.n)


def _analysis(trial: Adaptive) -> Arms | None:
    """What the final analysis believes; None of Fisher's test."""
    if isinstance(trial.rule, AdaptiveFisher):
        return None
    priors = trial.rule.analysis_prior
    every = priors.control, *(priors.doses[name] for name in trial.design.doses)
    return _cached(tuple(prior.mixture().parts for prior in every), trial.design.n)


def simulate(trial: Adaptive, rng: np.random.Generator, trials: int) -> Tally:
    """The tally of one block: successes, patients per arm, responders, bias and imbalance."""
    found, rates = outcomes(trial, rng, trials), np.array(trial.rates)
    n, x = found.n, found.x
    total = n.sum(axis=1)
    some: BoolArray = np.asarray(found.success.any(axis=1))
    arrays: dict[str, BoolArray | FloatArray] = {}
    if len(trial.idle) < n.shape[1] - 1:
        arrays["power"] = some
        arrays |= {f"power_dose_{d}": found.success[:, d - 1] for d in range(1, n.shape[1])}
    if trial.idle:
        arrays[error_name(trial.design)] = np.asarray(found.success[:, list(trial.idle)].any(axis=1))
    if trial.early is not None:
        arrays["expected_n"] = total.astype(np.float64)
    arrays["expected_n_control"] = n[:, 0].astype(np.float64)
    arrays |= {f"expected_n_dose_{d}": n[:, d].astype(np.float64) for d in range(1, n.shape[1])}
    arrays["expected_responders"] = x.sum(axis=1).astype(np.float64)
    for d in range(1, n.shape[1]):
        arrays[f"expected_bias_dose_{d}"] = x[:, d] / n[:, d] - x[:, 0] / n[:, 0] - (rates[d] - rates[0])
        if trial.design.drop_below is not None:
            arrays[f"dropped_dose_{d}"] = found.dropped[:, d - 1]
    best, worse = rates == rates.max(), rates < rates.max()
    if worse.any():
        on_best = n[:, best].max(axis=1)
        arrays["expected_share_on_best"] = n[:, best].sum(axis=1) / total
        arrays["wrong_way"] = n[:, worse].max(axis=1) * WRONG_WAY >= on_best * WRONG_WAY + trial.design.n
    return Tally.of(trials, 0, **arrays)


def error_name(design: ResponseAdaptive) -> str:
    """What a success without effect is called: of one dose type I error, of any of two familywise error."""
    return "type_i_error" if design.arms == 2 else "familywise_error"


def best_arm_patients(trial: Adaptive, rng: np.random.Generator, trials: int) -> IntArray:
    """Patients on the arms with the highest rate in each of so many trials, shape (trials,)."""
    rates = np.array(trial.rates)
    return np.asarray(outcomes(trial, rng, trials).n[:, rates == rates.max()].sum(axis=1))
