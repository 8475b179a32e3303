"""Seeing a rare event at least once: what n patients can show, without the approximations of the rule of three."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betaln

from anatrial.numerics import FloatArray

MOST_PATIENTS = 10_000_000
CLOSE = 1e-9  # a chance is reached however the powers were rounded


def seen(n: int, rate: float) -> float:
    """Probability of at least one event in ``n`` patients (n at least 0) with this rate, 1 - (1 - rate)^n."""
    return 1.0 if rate >= 1.0 and n > 0 else -math.expm1(n * math.log1p(-rate)) if n else 0.0


def seen_believed(n: int, parts: FloatArray) -> float:
    """The same where the rate is uncertain: one minus the beta-binomial probability of no event.

    ``parts`` is a mixture of shape (K, 3): weight, a, b. Source: Skellam (1948), JRSS B 10:257-261.
    """
    w, a, b = parts.T
    return float(-(w * np.expm1(betaln(a, b + n) - betaln(a, b))).sum())


def upper_after_none(n: int, level: float = 0.95) -> float:
    """One-sided upper limit of a rate after no event in ``n`` patients (n at least 1): 1 - (1 - level)^(1/n).

    The rate at which no event in n patients has probability 1 - level; the rule of three says 3 / n for 0.95.
    Source: Clopper & Pearson (1934), Biometrika 26:404-413; Hanley & Lippman-Hand (1983), JAMA 249:1743-1745.
    """
    return -math.expm1(math.log1p(-level) / n)


def patients_to_see(rate: float, chance: float = 0.95) -> int | None:
    """Fewest patients among whom at least one event has this chance (0 to 1, both excluded); None if none of 10^7."""
    return _fewest(lambda n: seen(n, rate), chance)


def patients_to_see_believed(parts: FloatArray, chance: float = 0.95) -> int | None:
    """The same where the rate is uncertain, a mixture of shape (K, 3); None where not even 10^7 patients are enough.

    A Beta with a small first shape gives rates next to 0 so much weight that no practical number is enough.
    """
    return _fewest(lambda n: seen_believed(n, parts), chance)


def _fewest(chance_of: Callable[[int], float], chance: float) -> int | None:
    """Doubling and bisection: the chance rises with n."""
    high = 1
    while chance_of(high) < chance - CLOSE * (1 - chance):
        high *= 2
        if high > 2 * MOST_PATIENTS:
            return None
    low = high // 2  # not enough, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_of(middle) >= chance - CLOSE * (1 - chance) else (middle, high)
    return high if high <= MOST_PATIENTS else None
