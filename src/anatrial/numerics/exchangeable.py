"""Borrowing between groups of studies, each of which may or may not be like the others (exchangeable or not).

The log odds of group j are from N(mu, tau^2) with probability p_j, else from N(m_j, v_j^2) of its own; those of its
studies are normal around it with standard deviation sigma. Integrated over mu, tau and sigma as one group is over mu
and tau: given these three, groups are independent.

Source: Neuenschwander, Wandel, Roychoudhury & Bailey (2016), Pharm. Stat. 15:123-134.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import Density, Kernel, Normal, Studies, Tau, density_on, grid_for, likelihoods, others


class Group(NamedTuple):
    """Studies of one group, its chance to be exchangeable, and what is believed of it if it is not."""

    studies: Studies
    exchangeable: float
    alone: Normal


class Sharing(NamedTuple):
    """Priors that all groups share: mean of the exchangeable ones, their spread, and the spread within groups.

    ``reach`` is the sum of the largest tau and sigma that matter.
    """

    mean: Normal
    tau: Tau
    sigma: Tau
    reach: float


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Posterior for one group: its own mean, a new study of it, both spreads, and who is exchangeable."""

    typical: Density
    predicted: Density
    tau: Tau
    sigma: Tau
    exchangeable: tuple[float, ...]


def exchange(groups: tuple[Group, ...], sharing: Sharing, target: int) -> Exchanged:
    """The posterior of the group at index ``target``, and each group's probability of being exchangeable."""
    everything = Studies(*(np.concatenate(parts) for parts in zip(*(group.studies for group in groups), strict=True)))
    centre = [sharing.mean, *(group.alone for group in groups)]
    half = max(abs(n.mean - sharing.mean.mean) / 8.5 + n.sd for n in centre)
    sharpest = min(normal.sd for normal in centre)
    frame = grid_for(everything, Normal(sharing.mean.mean, half), sharing.reach, sharpest)
    grid = frame.points
    kernel = Kernel(grid)
    prior = _normal(grid, sharing.mean)
    own = [likelihoods(group.studies, frame) for group in groups]
    alone = np.array([_normal(grid, group.alone) for group in groups])
    sums = _Sums(grid, len(sharing.tau.nodes), len(sharing.sigma.nodes), len(groups))
    chance = np.array([group.exchangeable for group in groups])[:, None]
    for s, sigma in enumerate(sharing.sigma.nodes.tolist()):
        told, scale = _within(kernel, own, sigma)
        transformed = kernel.forward(told)
        apart = (told * alone).sum(axis=1, keepdims=True)
        for t, tau in enumerate(sharing.tau.nodes.tolist()):
            together = kernel.back(transformed * kernel.transfer(tau))
            mixed = chance * together + (1 - chance) * apart
            rest = others(mixed) * prior
            weight = scale + _log(sharing.tau.weights[t]) + _log(sharing.sigma.weights[s])
            like = kernel.back(kernel.forward(rest[target]) * kernel.transfer(tau)) * chance[target]
            unlike = rest[target].sum() * (1 - chance[target]) * alone[target]
            sums.add(t, s, weight, told[target] * (like + unlike), (chance * together * rest).sum(axis=1))
    return sums.result(kernel, sharing)


class _Sums:
    """Sums over nodes whose weights are known up to a factor that grows."""

    def __init__(self, grid: FloatArray, taus: int, sigmas: int, groups: int) -> None:
        self.grid = grid
        self.laws = np.zeros((sigmas, len(grid)))
        self.masses = np.zeros((taus, sigmas))
        self.shared = np.zeros(groups)
        self.top = -math.inf

    def add(self, t: int, s: int, log_weight: float, law: FloatArray, shared: FloatArray) -> None:
        if log_weight == -math.inf:
            return
        if log_weight > self.top:
            shrink = math.exp(self.top - log_weight)
            self.laws *= shrink
            self.masses *= shrink
            self.shared *= shrink
            self.top = log_weight
        weight = math.exp(log_weight - self.top)
        self.laws[s] += weight * law
        self.masses[t, s] = weight * law.sum()
        self.shared += weight * shared

    def result(self, kernel: Kernel, sharing: Sharing) -> Exchanged:
        masses = self.masses / self.masses.sum()
        new = np.zeros(len(kernel.frequency), dtype=np.complex128)
        for row, sigma in zip(self.laws, sharing.sigma.nodes.tolist(), strict=True):
            new += kernel.forward(row) * kernel.transfer(sigma)
        return Exchanged(
            typical=density_on(self.grid, self.laws.sum(axis=0)),
            predicted=density_on(self.grid, kernel.back(new)),
            tau=sharing.tau._replace(weights=masses.sum(axis=1)),
            sigma=sharing.sigma._replace(weights=masses.sum(axis=0)),
            exchangeable=tuple((self.shared / self.masses.sum()).tolist()),
        )


def _within(kernel: Kernel, own: list[FloatArray], sigma: float) -> tuple[FloatArray, float]:
    """What each group's studies say of its mean, largest value 1, and the log of all that was divided out."""
    rows, scale = [], 0.0
    for found in own:
        values = kernel.back(kernel.forward(found) * kernel.transfer(sigma))
        most = values.max(axis=1, keepdims=True)
        product = (values / most).prod(axis=0)
        rows.append(product / product.max())
        scale += float(np.log(most).sum()) + math.log(float(product.max()))
    return np.array(rows), scale


def _normal(grid: FloatArray, normal: Normal) -> FloatArray:
    values = np.exp(-0.5 * ((grid - normal.mean) / normal.sd) ** 2)
    return np.asarray(values / values.sum())


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
