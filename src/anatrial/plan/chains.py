"""Chains of a sampled posterior as they are looked at: each as a trace, and its ranks among the draws of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anatrial.domain.synthesis import Synthesis
from anatrial.numerics import FloatArray
from anatrial.posterior_io import Draws

BINS = 20
LEVEL = 0.95


class Chains(NamedTuple):
    """One quantity: ``traces`` holds the draws of each chain in order, ``ranks`` how many of them fall in each bin."""

    name: str
    label: str
    traces: tuple[tuple[float, ...], ...]
    ranks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ChainView:
    """The main quantities of a sampled posterior.

    Ranks of all chains together are cut into 20 bins. Chains that agree fill each bin with ``expected`` draws; all
    heights of all chains stay between ``lowest`` and ``highest`` with probability 0.95 at least, if draws are
    independent.

    Source: Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Anal. 16:667-718, section 4.4.
    """

    quantities: tuple[Chains, ...]
    draws: int
    expected: float
    lowest: int
    highest: int


def chain_view(draws: Draws, synthesis: Synthesis) -> ChainView:
    """The typical rate, what differs between studies, and the rate of a new trial, as the chains found them."""
    found = draws.quantities()
    more = [(q.name, q.label) for q in (*synthesis.heterogeneity, *synthesis.others)]
    labels = [("mean_rate", synthesis.typical.label), *more, ("predicted_rate", synthesis.predicted.label)]
    quantities = tuple(_viewed(name, label, found[name]) for name, label in labels if np.ptp(found[name]) > 0)
    chains, count = found["predicted_rate"].shape
    lowest, highest = _band(chains, count)
    return ChainView(quantities, count, count / BINS, lowest, highest)


def _viewed(name: str, label: str, values: FloatArray) -> Chains:
    ranks = np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable").reshape(values.shape)
    bins = ranks * BINS // values.size
    return Chains(
        name,
        label,
        tuple(tuple(row) for row in values.tolist()),
        tuple(tuple(np.bincount(row, minlength=BINS).tolist()) for row in bins),
    )


def _band(chains: int, count: int) -> tuple[int, int]:
    """Limits that each of chains * bins heights leaves with probability (1 - LEVEL) / (chains * bins) at most.

    A height is hypergeometric: of all draws, so many are of this chain and so many ranks are in this bin.
    """
    from scipy.stats import hypergeom

    law = hypergeom(chains * count, count, chains * count // BINS)
    tail = (1 - LEVEL) / (2 * chains * BINS)
    return int(law.ppf(tail)), int(law.isf(tail))
