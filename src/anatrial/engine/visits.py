"""A response seen at several visits: the counts that each rule for missing visits makes of it, exact and simulated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from anatrial.designs.safety import Bound
from anatrial.designs.visits import Counted, Missing, Visits, counted
from anatrial.domain.counts import Look, Regions
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.tally import Tally
from anatrial.engine.random_totals import ArmLaw, Totals, completing, powers, regions_at
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.beta_nodes import beta_nodes
from anatrial.numerics.binomial import binomial
from anatrial.rules.base import Rule
from anatrial.truths.visits import Markov, MarkovPrior, VisitRates

AnyTruth = Markov | VisitRates | MarkovPrior
Watch = tuple[tuple[tuple[Bound, ...], float], ...]
"""Per adverse event its boundary and its rate on treatment."""
NOBODY = Counted(1.0, 0.0)


class Analysed(NamedTuple):
    """A trial under one truth and one rule for missing visits.

    ``arms``: one patient of each arm, treatment first, at the mean of a prior. ``totals``: numbers analysed.
    """

    arms: tuple[Counted, ...]
    totals: Totals
    laws: tuple[ArmLaw, ArmLaw]


def analysed(design: Visits, truth: AnyTruth, missing: Missing) -> Analysed:
    """The numbers analysed and the laws of the responders among them.

    Leaving does not depend on the response, so the responders among the analysed follow from their number alone.
    """
    arms = tuple(counted(path, design.window, missing) for path in truth.paths(len(design.visits)))
    both = (arms[0], arms[1] if len(arms) > 1 else NOBODY)
    totals = completing(design.look, (1 - both[0].analysed, 1 - both[1].analysed))
    return Analysed(arms, totals, (_law(design, truth, missing, 0), _law(design, truth, missing, 1)))


def success(cases: list[Analysed], rule: Rule, *, single_arm: bool) -> tuple[tuple[float, float], ...]:
    """P(success) and P(harm) in each case: summed over the numbers analysed. An arm without patients proves nothing.

    Raises ``ComputationError`` where the numbers analysed leave too many tables to enumerate.
    """
    looks = [look for case in cases for look in case.totals.looks]
    regions = regions_at(rule, looks, single_arm=single_arm)
    if not rule.two_sided:
        return tuple((_over(case, regions), 0.0) for case in cases)
    harms = {look: replace(found, success=found.harm) for look, found in regions.items()}
    return tuple((_over(case, regions), _over(case, harms)) for case in cases)


def _over(case: Analysed, regions: Mapping[Look, Regions]) -> float:
    return min(float(case.totals.chances @ powers(regions, case.totals.looks, case.laws)), 1.0)


def _law(design: Visits, truth: AnyTruth, missing: Missing, index: int) -> ArmLaw:
    """Responders among the analysed of an arm: binomial, or where the first response is uncertain a mixture of these.

    The chance to count as a responder is linear in the rate of the first response: a mean of two known chances, for
    those who respond at the first visit and those who do not.
    """
    visits = len(design.visits)
    paths = truth.paths(visits)
    if index == len(paths):
        return lambda n: np.ones(1) if n == 0 else binomial(n, np.zeros(1))[0]
    if not isinstance(truth, MarkovPrior):
        rate = counted(paths[index], design.window, missing).responds
        return lambda n: binomial(n, np.array([rate]))[0]
    arm = truth.treatment if index == 0 else truth.control
    assert arm is not None
    others, first = (counted(arm.path(first, visits), design.window, missing).responds for first in (0.0, 1.0))
    prior = arm.first.mixture()
    return lambda n: believed(prior, n, others=others, first=first)


def believed(prior: BetaMixture, n: int, *, others: float, first: float) -> FloatArray:
    """Probabilities of 0 to n responders where each of n patients respond first at an uncertain rate; shape (n + 1,).

    ``first`` and ``others``: chances to count as a responder for those who respond at the first visit, or do not. Each
    probability is a polynomial in the uncertain rate, whose mean is a sum over nodes.
    """
    found = np.zeros(n + 1)
    for part in prior.parts:
        rates, weights = beta_nodes(part.a, part.b, n)
        found += part.weight * (weights @ binomial(n, others + (first - others) * rates))
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """A trial to simulate: what is drawn, and the names under which success is tallied."""

    design: Visits
    rule: Rule
    truth: AnyTruth
    success_name: str
    is_error: bool
    """Whether success or harm is an error under this truth."""
    safety: Watch | None
    """Per event its boundary and its rate on treatment; None where nothing is said of safety."""

    @property
    def arms(self) -> int:
        """One or two."""
        return 1 if self.design.single_arm else 2


class Visited(NamedTuple):
    """The simulated patients of an arm at one visit, shape (trials, n) each."""

    there: BoolArray
    """Not yet lost."""
    responds: BoolArray
    """At this visit, seen or not."""


class Patients(NamedTuple):
    """Simulated trials: every visit per arm, treatment first; adverse events on treatment, shape (trials, n_t) each."""

    arms: tuple[tuple[Visited, ...], ...]
    events: tuple[BoolArray, ...]


def drawn(case: Case, rng: np.random.Generator, more: np.random.Generator, trials: int) -> Patients:
    """The patients that ``simulate`` counts; ``more`` is for the visits after the analysis, which it needs not."""
    design = case.design
    after = len(design.visits) - design.window.last - 1
    streams = (*(rng,) * (design.window.last + 1), *(more,) * after)
    arms = tuple(tuple(_visited(case, index, streams, trials)) for index in range(case.arms))
    return Patients(arms, _events(case, rng, trials))


def simulate(case: Case, rng: np.random.Generator, trials: int) -> Tally:
    """Trials patient by patient and visit by visit; the same names as the exact numbers have."""
    design = case.design
    until = (rng,) * (design.window.last + 1)
    counts = [responding(design, _visited(case, index, until, trials)) for index in range(case.arms)]
    if case.arms == 1:
        counts.append((np.zeros(trials, dtype=np.int64), np.zeros(trials, dtype=np.int64)))
    won, harmed = decided(case, *counts)
    tallied: dict[str, BoolArray | FloatArray] = {case.success_name: won}
    if case.is_error:
        tallied["type_i_error"] = won | harmed
    if case.safety is not None:
        stopped_at = first_stop(case.safety, _events(case, rng, trials))
        stops = stopped_at <= design.look.n_t
        seen = np.minimum(stopped_at, design.look.n_t) / design.look.n_t
        tallied |= {
            "safe_success": won & ~stops,
            "safety_stop": stops,
            "expected_n_with_safety": seen * sum(design.look),
        }
    return Tally.of(trials, 0, **tallied)


def _drawn(prior: BetaMixture, rng: np.random.Generator, trials: int) -> FloatArray:
    """A rate per trial."""
    parts = prior.array
    which = np.minimum(np.searchsorted(np.cumsum(parts[:, 0]), rng.random(trials), side="right"), len(parts) - 1)
    return np.asarray(betaincinv(parts[which, 1], parts[which, 2], rng.random(trials)))


def _visited(case: Case, index: int, streams: tuple[np.random.Generator, ...], trials: int) -> Iterator[Visited]:
    """One visit after the other of an arm, each with its random numbers."""
    path = case.truth.paths(len(case.design.visits))[index]
    first = np.full(trials, path.first)
    if isinstance(case.truth, MarkovPrior):
        arm = case.truth.treatment if index == 0 else case.truth.control
        assert arm is not None
        first = _drawn(arm.first.mixture(), streams[0], trials)
    shape = (trials, case.design.look[index])
    there, responds = np.ones(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for visit, rng in enumerate(streams):
        there = there & (rng.random(shape) >= path.leaves[visit])
        u = rng.random(shape)
        if visit == 0:
            responds = u < first[:, None]
        else:
            responds = np.where(responds, u >= path.loss[visit - 1], u < path.gain[visit - 1])
        yield Visited(there, responds)


def responding(design: Visits, visits: Iterator[Visited]) -> tuple[IntArray, IntArray]:
    """Numbers analysed and responders among them, per trial; ``visits`` end with the last one that is analysed."""
    there, carried = next(visits)
    carried = there & carried
    ok = carried if design.window.first == 0 else np.ones_like(there)
    for visit, (there, responds) in enumerate(visits, start=1):
        carried = np.where(there, responds, carried)
        if visit >= design.window.first:
            ok = ok & carried
    trials, n = there.shape
    match design.analysis.missing:
        case "non_responder":
            return np.full(trials, n), (ok & there).sum(axis=1)
        case "last_observation":
            return np.full(trials, n), ok.sum(axis=1)
        case "observed_only":
            return there.sum(axis=1), (ok & there).sum(axis=1)


def decided(
    case: Case, treatment: tuple[IntArray, IntArray], control: tuple[IntArray, IntArray]
) -> tuple[BoolArray, BoolArray]:
    """Success and harm per trial, by the regions at the numbers analysed in it."""
    (n_t, x_t), (n_c, x_c) = treatment, control
    won, harmed = np.zeros(len(n_t), dtype=np.bool_), np.zeros(len(n_t), dtype=np.bool_)
    pairs, which = np.unique(np.stack([n_t, n_c], axis=1), axis=0, return_inverse=True)
    looks = [Look(*pair) for pair in pairs.tolist()]
    regions = regions_at(case.rule, looks, single_arm=case.design.single_arm)
    for index, look in enumerate(looks):
        if look in regions:
            here = np.flatnonzero(which.ravel() == index)
            won[here] = regions[look].success.grid[x_t[here], x_c[here]]
            harmed[here] = regions[look].harm.grid[x_t[here], x_c[here]]
    return won, harmed


def _events(case: Case, rng: np.random.Generator, trials: int) -> tuple[BoolArray, ...]:
    """Which treatment patients have each adverse event, shape (trials, n_t)."""
    return tuple(rng.random((trials, case.design.look.n_t)) < rate for _, rate in case.safety or ())


def first_stop(safety: Watch, happened: tuple[BoolArray, ...]) -> IntArray:
    """Treatment patients at the first stop for safety, per trial; n_t + 1 where there is none."""
    trials, n_t = happened[0].shape
    at = np.full(trials, n_t + 1)
    for (bounds, _), found in zip(safety, happened, strict=True):
        events = np.cumsum(found, axis=1)
        for bound in bounds:
            at = np.minimum(at, np.where(events[:, bound.patients - 1] >= bound.events, bound.patients, n_t + 1))
    return at
