"""Confidence intervals of one proportion."""

from __future__ import annotations

from scipy.special import betaincinv, ndtri

from anatrial.numerics.two_by_two import score_interval


def clopper_pearson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for ``x`` of ``n``: 0 and 1 are exact ends at ``x = 0`` and ``x = n``.

    Source: Clopper & Pearson (1934), Biometrika 26:404-413, by quantiles of Beta laws.
    """
    tail = (1 - level) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    # The upper limit is one minus the lower limit of the non-responders: their tail stays small and keeps its digits.
    upper = 1.0 if x == n else 1.0 - float(betaincinv(n - x, x + 1, tail))
    return lower, upper


def wilson(x: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for ``x`` of ``n`` (Wilson 1927, JASA 22:209-212)."""
    return score_interval(x, n, -float(ndtri((1 - level) / 2)))
