"""Meta-analysis of response rates by deterministic integration: studies whose log odds are normal around a mean.

The log odds of study i are ``mu + covariate_i * slope + tau * e_i`` with ``e_i`` standard normal. For one tau, what a
study says about its mean is its likelihood convolved with N(0, tau^2): a product in Fourier space, exact down to
tau = 0. The mean lies on an even grid, where sums over smooth densities are accurate beyond any power of the step;
tau = s sinh(u) at Gauss-Legendre nodes in u.

Source: Neuenschwander, Capkun-Niggli, Branson & Spiegelhalter (2010), Clin. Trials 7:5-18 (the model).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import erfc, log_expit

from anatrial.numerics import BoolArray, FloatArray, IntArray

NODES = 48  # tau nodes: quantiles move by less than 1e-9 from 48 to 96
REACH = 8.5  # the mean's prior beyond so many standard deviations holds 2e-17
PADDING = 6.5  # a normal kernel beyond so many standard deviations weighs 1e-10 of its centre
FADING = 2.25  # width of the ends where likelihoods fade out, in units of tau's reach and at least this
COARSEST = 0.05  # largest step on the log-odds scale
LEAST = 1e-300  # what rounding left of a density that is nil


class Tau(NamedTuple):
    """Nodes of a heterogeneity and the probability of each, both of shape (nodes,).

    Several nodes are ``scale * sinh(u)`` at Gauss-Legendre nodes in u; one node is a known tau.
    """

    nodes: FloatArray
    weights: FloatArray
    scale: float = 0.0
    start: float = 0.0
    """The least u."""


class Normal(NamedTuple):
    """A normal prior on the log-odds scale."""

    mean: float
    sd: float


class Studies(NamedTuple):
    """Responders and patients per study, shape (studies,); fractions where a study is discounted."""

    responders: FloatArray
    patients: FloatArray


@dataclass(frozen=True, slots=True)
class Density:
    """A density on an even grid of log odds, both of shape (m,); it sums to 1 over the step."""

    grid: FloatArray
    values: FloatArray

    @property
    def step(self) -> float:
        """Distance of the grid points."""
        return float(self.grid[1] - self.grid[0])


@dataclass(frozen=True, slots=True)
class Synthesised:
    """What integration found.

    ``typical`` is the mean of the predicted group, ``predicted`` a new study of it, ``studies`` the log odds of each
    study; ``joint`` of shape (nodes, m) is the probability of each tau node and mean of the predicted group;
    ``tau`` holds per stratum the posterior probability of the nodes; ``slope`` is None without a covariate.
    """

    typical: Density
    predicted: Density
    studies: tuple[Density, ...]
    tau: tuple[Tau, ...]
    joint: FloatArray
    predicted_stratum: int
    slope: Density | None = None

    @property
    def nodes(self) -> FloatArray:
        """Tau nodes of the predicted stratum, as rows of ``joint``."""
        return self.tau[self.predicted_stratum].nodes


def sinh_nodes(within: tuple[float, float], narrowest: float, count: int = NODES) -> Tau:
    """Nodes on an interval that crowd at the scale of the narrowest study; each weighs its length."""
    scale = 1.5 * narrowest
    start, end = (math.asinh(limit / scale) for limit in within)
    at, weight = leggauss(count)
    u = start + 0.5 * (end - start) * (at + 1)
    return Tau(scale * np.sinh(u), 0.5 * (end - start) * weight * scale * np.cosh(u), scale, start)


def concentrated(tau: Tau, highest: float) -> tuple[float, float] | None:
    """Where the probability is, if that is at less than two thirds of the nodes; more nodes there would see more."""
    active = np.flatnonzero(tau.weights > 1e-16 * tau.weights.max())
    if len(tau.nodes) == 1 or len(active) > 2 * len(tau.nodes) // 3:
        return None
    before, after = int(active[0]) - 1, int(active[-1]) + 1
    low = float(tau.nodes[before]) if before >= 0 else 0.0
    return low, float(tau.nodes[after]) if after < len(tau.nodes) else highest


@cache
def leggauss(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on [-1, 1]."""
    at, weights = np.polynomial.legendre.leggauss(count)
    return np.asarray(at, dtype=np.float64), np.asarray(weights, dtype=np.float64)


def narrowest(studies: Studies) -> float:
    """Standard error of the log odds of the most informative study (half a patient of each kind added); 1 for none."""
    x, n = studies.responders, studies.patients
    if len(n) == 0:
        return 1.0
    return float(np.sqrt(1 / (x + 0.5) + 1 / (n - x + 0.5)).min())


def likelihoods(studies: Studies, frame: Frame) -> FloatArray:
    """Binomial likelihood of each study at each log odds, its largest value 1, shape (studies, m).

    It is faded out at the ends of the grid: a likelihood that does not fall (nobody or everybody responds) would jump
    where the grid closes on itself, and the jump would ring.
    """
    grid = frame.points
    x, n = studies.responders[:, None], studies.patients[:, None]
    logs = x * log_expit(grid) + (n - x) * log_expit(-grid)
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)) * frame.fade)


class Kernel:
    """Convolutions with normal kernels on one even grid."""

    def __init__(self, grid: FloatArray) -> None:
        self.size = len(grid)
        self.step = float(grid[1] - grid[0])
        self.frequency = 2 * math.pi * np.fft.rfftfreq(self.size, self.step)

    def transfer(self, sd: float) -> FloatArray:
        """The Fourier transform of a normal kernel."""
        return np.asarray(np.exp(-0.5 * (self.frequency * sd) ** 2))

    def forward(self, values: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
        """The Fourier transform of values on the grid, along the last axis."""
        return np.asarray(np.fft.rfft(values))

    def back(self, transformed: np.ndarray[tuple[int, ...], np.dtype[np.complex128]]) -> FloatArray:
        """Values on the grid; what rounding made negative is 0."""
        return np.maximum(np.fft.irfft(transformed, self.size), 0.0)

    def moved(self, values: FloatArray, normal: Normal, *, backwards: bool = False) -> FloatArray:
        """Values of the sum (backwards: the difference) of what is on the grid and a normal."""
        shift = np.exp((1j if backwards else -1j) * self.frequency * normal.mean)
        return self.back(self.forward(values) * self.transfer(normal.sd) * shift)


class Frame(NamedTuple):
    """An even grid of log odds, and a factor that falls from 1 to 0 at its ends, both of shape (m,)."""

    points: FloatArray
    fade: FloatArray


def grid_for(studies: Studies, spread: Normal, tau_reach: float, sharpest_prior: float) -> Frame:
    """An even grid of log odds that resolves the sharpest study, all of them together, and the sharpest normal prior.

    It covers ``spread`` and is wide enough for a tau of ``tau_reach`` not to wrap around.
    """
    x, n = studies.responders, studies.patients
    rate = (x + 0.5) / (n + 1)
    together = float((n * rate * (1 - rate)).sum()) ** -0.5 if n.sum() > 0 else 1.0
    step = min(COARSEST, 0.5 * narrowest(studies), 0.9 * together, sharpest_prior / 3)
    fading = FADING * max(1.0, tau_reach)
    half = REACH * spread.sd + PADDING * tau_reach + fading
    points = _smooth(2 * math.ceil(half / step) + 1)
    offset = step * np.asarray(np.arange(points) - points // 2, dtype=np.float64)
    middle = 0.5 * step * points - 0.5 * fading
    return Frame(spread.mean + offset, 0.5 * erfc((np.abs(offset) - middle) / (fading / 12)))


def _smooth(points: int) -> int:
    """The next size whose Fourier transform is quick: only factors 2, 3 and 5."""
    from scipy.fft import next_fast_len

    return int(next_fast_len(points, real=True))


class Model(NamedTuple):
    """The hierarchy: the prior of the mean, one heterogeneity per stratum, and who is predicted.

    ``reach`` is the largest tau that matters (the grid is padded for it). With a covariate (True or False per study)
    ``slope`` is added to the mean of the studies that have it, and of the predicted one if ``predicted_has_it``.
    """

    mean: Normal
    tau: tuple[Tau, ...]
    reach: float
    stratum: IntArray
    predicted_stratum: int = 0
    covariate: BoolArray | None = None
    slope: Normal | None = None
    predicted_has_it: bool = False


def synthesise(studies: Studies, model: Model, *, each_study: bool = True) -> Synthesised:
    """Posterior of the hierarchy by integration over the mean and tau; ``each_study`` False leaves out shrinkage.

    Accuracy: quantiles of the predicted rate to 1e-8 for the usual sizes (compared with adaptive integration).
    """
    spread, sharpest = model.mean, model.mean.sd
    if model.slope is not None:
        spread = Normal(model.mean.mean, math.hypot(model.mean.sd, model.slope.sd) + abs(model.slope.mean))
        sharpest = min(sharpest, model.slope.sd)
    frame = grid_for(studies, spread, model.reach, sharpest)
    grid, kernel, found = frame.points, Kernel(frame.points), likelihoods(studies, frame)
    prior = np.exp(-0.5 * ((grid - model.mean.mean) / model.mean.sd) ** 2)
    if model.slope is None or model.covariate is None:
        blocks = [_Block(kernel, found, np.flatnonzero(model.stratum == s), tau) for s, tau in enumerate(model.tau)]
        return _over_strata(grid, prior, blocks, model, each_study=each_study)
    return _with_covariate(grid, kernel, found, prior, model, each_study=each_study)


class _Block:
    """The studies of one stratum: for each tau node what they say of the mean together, and without each of them."""

    def __init__(self, kernel: Kernel, found: FloatArray, members: IntArray, tau: Tau) -> None:
        self.kernel, self.found, self.members, self.tau = kernel, found, members, tau
        self.transformed = kernel.forward(found[members]) if len(members) else None

    def factors(self, node: int) -> tuple[FloatArray, FloatArray]:
        """What each member says of the mean at a tau node, its largest value 1, and what it was divided by."""
        if self.transformed is None:
            return np.ones((0, self.kernel.size)), np.ones(0)
        values = self.kernel.back(self.transformed * self.kernel.transfer(float(self.tau.nodes[node])))
        most = values.max(axis=1)
        return np.maximum(values / most[:, None], LEAST), most

    def together(self) -> tuple[FloatArray, FloatArray]:
        """Products of all members per tau node, shape (nodes, m), and log weights of the nodes."""
        pairs = [self.factors(node) for node in range(len(self.tau.nodes))]
        logs = np.array([np.log(most).sum() for _, most in pairs]) + _log(self.tau.weights)
        return np.array([factor.prod(axis=0) for factor, _ in pairs]), logs


def _over_strata(
    grid: FloatArray, prior: FloatArray, blocks: list[_Block], model: Model, *, each_study: bool
) -> Synthesised:
    told = [block.together() for block in blocks]
    messages = [(np.exp(logs - logs.max())[:, None] * products).sum(axis=0) for products, logs in told]
    studies: dict[int, Density] = {}
    tau, chosen = [], None
    for s, (block, (products, logs)) in enumerate(zip(blocks, told, strict=True)):
        before = prior * np.prod([m / m.max() for o, m in enumerate(messages) if o != s], axis=0)
        joint = np.exp(logs - logs.max())[:, None] * products * before
        joint /= joint.sum()
        tau.append(block.tau._replace(weights=joint.sum(axis=1)))
        if s == model.predicted_stratum:
            chosen = joint
        if each_study:
            studies |= _shrunk(grid, block, before, logs)
    assert chosen is not None
    kernel, nodes = blocks[0].kernel, blocks[model.predicted_stratum].tau.nodes
    return Synthesised(
        typical=density_on(grid, chosen.sum(axis=0)),
        predicted=density_on(grid, _scattered(kernel, chosen, nodes)),
        studies=tuple(studies[i] for i in sorted(studies)),
        tau=tuple(tau),
        joint=chosen,
        predicted_stratum=model.predicted_stratum,
    )


def _with_covariate(
    grid: FloatArray, kernel: Kernel, found: FloatArray, prior: FloatArray, model: Model, *, each_study: bool
) -> Synthesised:
    """One tau, two groups whose means differ by the slope: each tells the other through a convolution."""
    assert model.slope is not None
    assert model.covariate is not None
    groups = [_Block(kernel, found, np.flatnonzero(model.covariate == has), model.tau[0]) for has in (False, True)]
    (without, logs_0), (with_it, logs_1) = (group.together() for group in groups)
    logs = logs_0 + logs_1 - _log(model.tau[0].weights)
    scale = np.exp(logs - logs.max())[:, None]
    before = [
        prior * np.array([kernel.moved(row, model.slope, backwards=True) for row in with_it]),
        np.array([kernel.moved(prior * row, model.slope) for row in without]),
    ]
    joints = [scale * before[0] * without, scale * before[1] * with_it]
    joints = [joint / joint.sum() for joint in joints]
    chosen = joints[int(model.predicted_has_it)]
    shrunk: dict[int, Density] = {}
    if each_study:
        for group, heard in zip(groups, before, strict=True):
            shrunk |= _shrunk(grid, group, heard, logs)
    return Synthesised(
        typical=density_on(grid, chosen.sum(axis=0)),
        predicted=density_on(grid, _scattered(kernel, chosen, model.tau[0].nodes)),
        studies=tuple(shrunk[i] for i in sorted(shrunk)),
        tau=(model.tau[0]._replace(weights=chosen.sum(axis=1)),),
        joint=chosen,
        predicted_stratum=0,
        slope=_slope(kernel, scale, prior * without, with_it, model.slope),
    )


def _slope(kernel: Kernel, scale: FloatArray, base: FloatArray, moved: FloatArray, prior: Normal) -> Density:
    """Posterior of the slope: how well the two groups fit at each shift, times its prior."""
    fits: FloatArray = np.fft.irfft(np.conj(np.fft.rfft(base)) * np.fft.rfft(moved), kernel.size)
    half = kernel.size // 2
    shift = np.asarray(kernel.step * (np.arange(kernel.size) - half), dtype=np.float64)
    values = np.roll((scale * np.maximum(fits, 0.0)).sum(axis=0), half)
    return density_on(shift, values * np.exp(-0.5 * ((shift - prior.mean) / prior.sd) ** 2))


def _shrunk(grid: FloatArray, block: _Block, before: FloatArray, logs: FloatArray) -> dict[int, Density]:
    """Posterior log odds of each member: its likelihood times what all others predict for it."""
    weights = np.exp(logs - logs.max())
    total = np.zeros((len(block.members), len(grid)))
    for node in range(len(block.tau.nodes)):
        factors, most = block.factors(node)
        heard = before if before.ndim == 1 else before[node]
        cavity = others(factors) * heard * (weights[node] / most)[:, None]
        total += block.kernel.back(block.kernel.forward(cavity) * block.kernel.transfer(float(block.tau.nodes[node])))
    return {int(i): density_on(grid, block.found[i] * row) for i, row in zip(block.members, total, strict=True)}


def others(factors: FloatArray) -> FloatArray:
    """Product of all rows but each, without a division: from the left times from the right."""
    ones = np.ones((1, factors.shape[1]))
    left = np.cumprod(np.vstack([ones, factors[:-1]]), axis=0)
    right = np.cumprod(np.vstack([ones, factors[:0:-1]]), axis=0)[::-1]
    return np.asarray(left * right)


def _scattered(kernel: Kernel, joint: FloatArray, nodes: FloatArray) -> FloatArray:
    """The new study's law: each tau node's mean, moved by a normal with that tau."""
    total = np.zeros(len(kernel.frequency), dtype=np.complex128)
    for row, tau in zip(joint, nodes, strict=True):
        total += kernel.forward(row) * kernel.transfer(float(tau))
    return kernel.back(total)


def density_on(grid: FloatArray, values: FloatArray) -> Density:
    """Values on a grid, scaled so that they hold 1."""
    return Density(grid, values / (values.sum() * (grid[1] - grid[0])))


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
