"""Chances of a trial with several endpoints: power of each, of all, of any, and the familywise error."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv, gammaln, softmax

from anatrial.designs.several_endpoints import SeveralEndpoints
from anatrial.domain.counts import Regions
from anatrial.domain.results import Estimate, Metric, exactly
from anatrial.domain.tally import Tally
from anatrial.domain.trial import key_of
from anatrial.engine import joint_counts, type_one
from anatrial.engine.joint_counts import Counts, CrossedCounts, NestedCounts
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.supremum_area import Null, supremum_area
from anatrial.rules.several_endpoints import EndpointsRule, Test
from anatrial.truths.endpoint_cells import Arms
from anatrial.truths.several_endpoints import SeveralPriors

SAME = 1e-12  # rates that differ by less are one rate
TINY = 1e-200  # gamma draws below it are taken by their logarithm


class Judged(NamedTuple):
    """What every possible result means.

    ``labels``: per endpoint the number of levels at which each table succeeds, shape (n_t + 1, n_c + 1). ``claims``:
    the endpoints that each combination of labels claims, shape (most + 1,) per endpoint and (endpoints,). ``wins``:
    whether the trial then succeeds.
    """

    endpoints: tuple[str, ...]
    labels: tuple[IntArray, ...]
    claims: BoolArray
    wins: BoolArray

    @property
    def most(self) -> int:
        """The highest label."""
        return len(self.claims) - 1


class Chances(NamedTuple):
    """Probability of each combination of labels, with what it means."""

    patterns: FloatArray
    judged: Judged

    def of(self, there: BoolArray) -> float:
        """Probability of the combinations where ``there`` is true."""
        return float(min(self.patterns[there].sum(), 1.0))

    @property
    def claimed(self) -> tuple[float, ...]:
        """Probability that each endpoint is claimed."""
        return tuple(self.of(self.judged.claims[..., k]) for k in range(len(self.judged.endpoints)))

    @property
    def alone(self) -> tuple[float, ...]:
        """Probability that each test succeeds at the undivided level, whatever the others do."""
        axes = range(self.patterns.ndim)
        return tuple(float(min(np.delete(self.patterns, 0, axis=k).sum(), 1.0)) for k in axes)

    @property
    def number(self) -> tuple[float, ...]:
        """Probability that 0, 1, ... endpoints are claimed."""
        won = self.judged.claims.sum(axis=-1)
        return tuple(self.of(won == k) for k in range(len(self.judged.endpoints) + 1))

    def metrics(self, name: str) -> tuple[Metric, ...]:
        """Success of the trial under ``name`` (power or assurance), of all, any and each endpoint, and how many."""
        number = len(self.judged.endpoints)
        found = {
            name: self.of(self.judged.wins),
            f"{name}_all": self.number[number],
            f"{name}_any": min(math.fsum(self.number[1:]), 1.0),
            **{metric_of(name, e): chance for e, chance in zip(self.judged.endpoints, self.claimed, strict=True)},
            "expected_endpoints": math.fsum(self.claimed),
        }
        return tuple(Metric(key, exactly(value)) for key, value in found.items())

    def error(self, idle: BoolArray) -> float:
        """Probability that an endpoint without effect is claimed; ``idle`` says which have none, shape (endpoints,)."""
        return self.of(np.asarray((self.judged.claims & idle).any(axis=-1)))


def metric_of(name: str, endpoint: str) -> str:
    """The metric of one endpoint."""
    return f"{name}_of_{key_of(endpoint)}"


def judged(design: SeveralEndpoints, rule: EndpointsRule) -> Judged:
    """What every possible result of the trial means under its rule."""
    number = len(design.endpoints)
    most = len(rule.divisors(number))
    every = np.moveaxis(np.indices((most + 1,) * number), 0, -1)
    claims = rule.claims(every, design.endpoints)
    return Judged(design.endpoints, rule.labels(design.endpoints, design.look), claims, rule.wins(claims))


def enumerable(design: SeveralEndpoints, judge: Judged, *, uncertain: bool) -> bool:
    """Whether every possible result can be summed within the work limit; ``uncertain``: under Dirichlet shares."""
    look, nested, number = design.look, design.layout.nested, len(design.endpoints)
    total = joint_counts.work((look.n_t, look.n_c), number, judge.most, nested=nested)
    if uncertain and not nested:
        total += sum(joint_counts.work_of_shapes(n, number) for n in look)
    return total <= joint_counts.MOST_WORK


def of_shares(design: SeveralEndpoints, judge: Judged, arms: Arms) -> Chances:
    """The chances under known shares of the cells."""
    layout, look = design.layout, design.look
    control = arms.control if arms.control is not None else arms.treatment  # of nobody
    counts: Counts
    if layout.nested:
        counts = NestedCounts(
            joint_counts.nested_of_shares(look.n_t, arms.treatment), joint_counts.nested_of_shares(look.n_c, control)
        )
    else:
        make = partial(joint_counts.crossed_of_shares, reached=layout.reached)
        counts = CrossedCounts(make(look.n_t, arms.treatment), make(look.n_c, control))
    return Chances(counts.patterns(judge.labels, judge.most), judge)


def of_priors(design: SeveralEndpoints, judge: Judged, truth: SeveralPriors) -> Chances:
    """The chances when the shares of the cells follow Dirichlet laws, independent between arms."""
    layout, look = design.layout, design.look
    shapes, kept = truth.shapes(layout), truth.kept()
    arms = (shapes.treatment, shapes.control if shapes.control is not None else shapes.treatment)
    counts: Counts
    if layout.nested:
        counts = NestedCounts(
            *(joint_counts.nested_of_shapes(n, a, k) for n, a, k in zip(look, arms, kept, strict=True))
        )
    else:
        reached = layout.reached
        counts = CrossedCounts(
            *(joint_counts.crossed_of_shapes(n, a, reached, k) for n, a, k in zip(look, arms, kept, strict=True))
        )
    return Chances(counts.patterns(judge.labels, judge.most), judge)


def idle_by_state(design: SeveralEndpoints, states: tuple[tuple[tuple[str, ...], Arms], ...]) -> tuple[BoolArray, ...]:
    """Of each state of a truth without effect, the endpoints whose rate is no higher than where all is idle."""
    lowest = np.array(design.layout.rates(states[0][1].treatment))
    return tuple(np.array(design.layout.rates(arms.treatment)) <= lowest + SAME for _, arms in states)


def proven_error(design: SeveralEndpoints, rule: EndpointsRule, arms: Arms) -> float:
    """Bound of the familywise error over every combination of endpoints with and without effect, and all rates.

    It follows from the largest type I error of each test on its own. ``arms``: where all is idle; its rates are the
    highest without effect where a single arm is compared with an uncertain benchmark.
    """
    tests, rates = rule.ordered(design.endpoints), design.layout.rates(arms.treatment)
    sizes: list[list[float]] = []
    for test, rate in zip(tests, rates, strict=True):
        top = test.fixed_benchmark if test.fixed_benchmark is not None else rate
        same = tests.index(test)
        if same < len(sizes) and (not design.single_arm or test.fixed_benchmark is not None):
            sizes.append(sizes[same])
        else:
            every = rule.regions(test, len(tests), design.look)
            sizes.append([_size(test, found, top) for found in every])
    return rule.bound(np.array(sizes).T)


def _size(test: Test, regions: Regions, highest: float) -> float:
    """Proven largest chance of success without effect."""
    if regions.look.n_c == 0:
        return type_one.worst(regions, (0.0, highest), 0.0).bound
    if regions.success.staircase is not None:
        return type_one.worst(regions, (0.0, 1.0), test.null_margin).bound
    null = Null(test.null_margin, (0.0, 1.0))
    return supremum_area(
        regions.success.grid.astype(np.float64), null, lambda rates: type_one.along(regions, rates, test.null_margin)
    ).bound


class Virtual(NamedTuple):
    """A trial to be simulated patient by patient: shares of the cells, or shapes where these are uncertain."""

    judged: Judged
    sizes: tuple[int, int]
    reached: BoolArray
    shares: Arms
    kept: tuple[float, float] | None = None
    """Where it is given, ``shares`` are Dirichlet shapes, and so much of each arm stays."""
    idle: BoolArray | None = None
    """Endpoints without effect, where a familywise error is asked for."""
    only_error: bool = False


class Drawn(NamedTuple):
    """Patients of one arm, shape (trials, n): the cell of each, and the uniform number that chose it.

    Cells are chosen in order and the first is that of those who reach nothing, drop-outs among them: who drops out are
    those whose number is below the share that does.
    """

    cell: IntArray
    luck: FloatArray


def drawn(trial: Virtual, rng: np.random.Generator, trials: int) -> tuple[Drawn, Drawn]:
    """What every patient of each arm reaches. No control: n = 0.

    Every patient takes one uniform number, and each uncertain share one more, so that neighbouring truths share draws.
    """
    kept = trial.kept or (None, None)
    shares, sizes = trial.shares, trial.sizes
    treatment = _cells(rng, (trials, sizes[0]), shares=shares.treatment, kept=kept[0])
    if shares.control is None:
        return treatment, Drawn(np.zeros((trials, 0), dtype=np.int64), np.zeros((trials, 0)))
    return treatment, _cells(rng, (trials, sizes[1]), shares=shares.control, kept=kept[1])


def simulate(trial: Virtual, rng: np.random.Generator, trials: int) -> Tally:
    """Decisions of many virtual trials; the tally has the names of the exact metrics."""
    judge = trial.judged
    counts = [trial.reached[arm.cell].sum(axis=1) for arm in drawn(trial, rng, trials)]
    at = tuple(label[counts[0][:, k], counts[1][:, k]] for k, label in enumerate(judge.labels))
    claims, wins = judge.claims[at], judge.wins[at]
    if trial.only_error:
        return Tally.of(trials, 0, **_error(trial, claims))
    name, number = "power" if trial.kept is None else "assurance", claims.sum(axis=1)
    found = {name: wins, f"{name}_all": number == claims.shape[1], f"{name}_any": number > 0}
    found |= {metric_of(name, e): claims[:, k] for k, e in enumerate(judge.endpoints)}
    return Tally.of(trials, 0, **found, expected_endpoints=number.astype(np.float64), **_error(trial, claims))


def _error(trial: Virtual, claims: BoolArray) -> dict[str, BoolArray]:
    """Whether an endpoint without effect is claimed, where that is asked for."""
    return {} if trial.idle is None else {"familywise_error": np.asarray((claims & trial.idle).any(axis=1))}


def _cells(rng: np.random.Generator, shape: tuple[int, int], *, shares: FloatArray, kept: float | None) -> Drawn:
    """The patients of one arm, of this shape (trials, n)."""
    if kept is None:
        chances = np.broadcast_to(shares, (shape[0], len(shares)))
    else:
        chances = kept * _dirichlet(shares, rng.random((shape[0], len(shares))))
        chances[:, 0] += 1 - kept
    edges = np.cumsum(chances, axis=1)
    patients = rng.random(shape)
    cell = np.zeros(shape, dtype=np.int64)
    for k in range(len(shares) - 1):
        cell += patients >= edges[:, k : k + 1]
    return Drawn(cell, patients)


def _dirichlet(shapes: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Shares of a Dirichlet law by inverse transform, shape (trials, shares): gamma draws over their sum.

    A gamma draw of a small shape may be too small for a number, so its logarithm is taken: near 0 the distribution
    function is g^shape / gamma(shape + 1).
    """
    gammas = gammaincinv(shapes, uniforms)
    near_zero = (np.log(uniforms) + gammaln(shapes + 1)) / shapes
    logs = np.where(gammas > TINY, np.log(np.maximum(gammas, TINY)), near_zero)
    return np.asarray(softmax(logs, axis=1))


def worst_of(found: tuple[Estimate, ...], bound: float) -> Estimate:
    """The largest of some errors, with the proven bound of all of them; no draws and no rounding carry it beyond."""
    largest = max(found)
    upper = max(bound, largest.value if largest.mcse is None else largest.lower)
    return largest._replace(value=min(largest.value, upper), upper=upper)
