"""Trials whose analysed numbers are random: a rule's regions at every pair of totals that occurs, summed over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from anatrial.domain.counts import Look, Region, Regions, Run
from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, IntArray, tables
from anatrial.numerics.binomial import binomial
from anatrial.rules.base import Rule

LEFT_OUT = 1e-15  # chance of all the pairs of totals that are left out together
MOST_CELLS = 100_000_000
"""Tables of all pairs of totals, together: about half a minute where a rule has no fast way."""
MOST_STEPS = 20_000_000
"""Steps of all boundaries that are walked the fast way: about a minute, and 3 GB of memory."""
MOST_RANDOMISED = 1_000_000
"""Patients per arm of whom those who stay are counted."""


class Totals(NamedTuple):
    """Pairs of numbers analysed and the chance of each; ``left_out`` is what they lack to 1 at most."""

    looks: tuple[Look, ...]
    chances: FloatArray
    left_out: float


def planned_to_randomise(analysed: Look, dropout: tuple[float, float]) -> Look:
    """Patients to randomise so that as many as planned are analysed on average: n / (1 - share), rounded up."""
    n_t, n_c = (math.ceil(n / (1 - share) - 1e-9) for n, share in zip(analysed, dropout, strict=True))
    return Look(n_t, n_c)


def completing(randomised: Look, dropout: tuple[float, float]) -> Totals:
    """Numbers analysed where each patient leaves on their own with the chance of their arm: two binomial counts.

    Parameters
    ----------
    randomised
        Patients randomised per arm; a single arm has 0 control patients.
    dropout
        Shares that leave the analysis, treatment and control, in [0, 1).

    Raises
    ------
    ComputationError
        Where more than ``MOST_RANDOMISED`` are randomised in an arm.
    """
    if max(randomised) > MOST_RANDOMISED:
        raise ComputationError(f"{max(randomised):,} patients of an arm, more than the {MOST_RANDOMISED:,} enumerated")
    laws = [binomial(n, np.array([1 - share]))[0] for n, share in zip(randomised, dropout, strict=True)]
    arms = [occurring(law, LEFT_OUT / 4) for law in laws]  # each arm first: all pairs may not fit into memory
    joint = np.outer(laws[0][arms[0]], laws[1][arms[1]]).ravel()
    kept = occurring(joint, LEFT_OUT / 2)
    looks = [Look(n_t, n_c) for n_t in arms[0].tolist() for n_c in arms[1].tolist()]
    gone = (np.delete(chances, some).sum() for chances, some in zip((*laws, joint), (*arms, kept), strict=True))
    return Totals(tuple(looks[k] for k in kept), joint[kept], float(sum(gone)))


def occurring(chances: FloatArray, left_out: float = LEFT_OUT) -> IntArray:
    """Which outcomes are likely enough, as sorted indices: the others have ``left_out`` together at most."""
    order = np.argsort(chances, kind="stable")
    gone = int(np.searchsorted(np.cumsum(chances[order]), left_out, side="right"))
    return np.sort(order[gone:])


def regions_at(rule: Rule, looks: Iterable[Look], *, single_arm: bool) -> dict[Look, Regions]:
    """What the rule decides at each pair of totals; pairs that lack an arm are left out, since nothing is compared.

    Raises
    ------
    ComputationError
        Where there are more tables than ``MOST_CELLS`` and the rule has no fast way, or more steps of boundaries than
        ``MOST_STEPS`` where it has one.
    """
    wanted = [look for look in dict.fromkeys(looks) if look.n_t > 0 and (single_arm or look.n_c > 0)]
    if not wanted:
        return {}
    found = {} if single_arm else _by_staircases(rule, wanted)
    rest = [look for look in wanted if look not in found]
    cells = sum((n_t + 1) * (n_c + 1) for n_t, n_c in rest)
    if cells > MOST_CELLS:
        raise ComputationError(
            f"{len(rest)} pairs of numbers analysed have {cells:,} tables, more than the {MOST_CELLS:,} enumerated"
        )
    return found | {look: rule.regions((look,))[0] for look in rest}


def _by_staircases(rule: Rule, looks: list[Look]) -> dict[Look, Regions]:
    """Regions of every look whose boundary the rule's fast way settles; such rules know no harm."""
    n_t, n_c = (np.array(n, dtype=np.int64) for n in zip(*looks, strict=True))
    if rule.staircases(n_t[:1], n_c[:1]) is None:
        return {}
    steps = int((n_c + 1).sum())
    if steps > MOST_STEPS:
        raise ComputationError(
            f"the boundaries of {len(looks):,} pairs of numbers analysed have {steps:,} steps, more than the "
            f"{MOST_STEPS:,} walked"
        )
    walked = rule.staircases(n_t, n_c)
    assert walked is not None
    found = {}
    for look, first, near in zip(looks, *walked, strict=True):
        if not near:
            heights = first[: look.n_c + 1].tolist()
            runs = tuple(Run(x_c, least, look.n_t) for x_c, least in enumerate(heights) if least <= look.n_t)
            found[look] = Regions(Region(look, runs), Region(look, ()))
    return found


ArmLaw = Callable[[int], FloatArray]
"""Probabilities of 0 to n responders in an arm of n, shape (n + 1,)."""


def at_rates(treatment: float, control: float) -> tuple[ArmLaw, ArmLaw]:
    """Binomial counts at known rates in [0, 1]."""
    return (lambda n: binomial(n, np.array([treatment]))[0], lambda n: binomial(n, np.array([control]))[0])


def powers(regions: Mapping[Look, Regions], looks: Iterable[Look], laws: tuple[ArmLaw, ArmLaw]) -> FloatArray:
    """P(success) at each pair of totals, shape (looks,); 0 where the regions do not hold the pair."""
    law_t, law_c = (cache(law) for law in laws)
    found = [
        float(tables.paired(regions[look].success.array, law_t(look.n_t)[None], law_c(look.n_c)[None])[0])
        if look in regions
        else 0.0
        for look in looks
    ]
    return np.array(found)
