"""Hierarchical recipes and their evidence built in code, and densities written apart from the program."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_expit

from anatrial.domain.prior import Contribution
from anatrial.methods.beta_binomial import BetaBinomial
from anatrial.methods.heterogeneity import Fixed, HalfNormal
from anatrial.methods.map import Map
from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import Studies

HALF = HalfNormal(family="half_normal", scale=0.5)
NO_SPREAD = Fixed(family="fixed", value=0.0)


def brought(x: list[int], n: list[int], weight: float = 1.0, basket: str | None = None) -> tuple[Contribution, ...]:
    """Contributions of studies s-0, s-1, ..."""
    return tuple(
        Contribution(
            outcome=f"o-{i}", study=f"s-{i}", title=f"Study {i}", visit="week 12", n=b, responders=a,
            weight=weight, why="a test", basket=basket,
        )
        for i, (a, b) in enumerate(zip(x, n, strict=True))
    )  # fmt: skip


def meta(**fields: object) -> Map:
    """A MAP recipe."""
    return Map.model_validate({"title": "t", "method": "map", "endpoint": "e", "outcomes": ("o-0",), **fields})


def studies(x: list[int], n: list[int]) -> Studies:
    """Counts as numerics take them."""
    return Studies(np.array(x, float), np.array(n, float))


def normal(at: FloatArray, mean: float, sd: float) -> FloatArray:
    """Normal density."""
    return np.asarray(np.exp(-0.5 * ((at - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi)))


def likelihood(x: float, n: float, log_odds: FloatArray) -> FloatArray:
    """Binomial likelihood."""
    return np.asarray(np.exp(x * log_expit(log_odds) + (n - x) * log_expit(-log_odds)))


def beta_binomial(**fields: object) -> BetaBinomial:
    """A beta-binomial recipe."""
    return BetaBinomial.model_validate(
        {"title": "t", "method": "beta_binomial", "endpoint": "e", "outcomes": ("o-0",), **fields}
    )
