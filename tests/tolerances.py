"""How far a number may be from its oracle, each with its reason."""

from __future__ import annotations

import math

ROUNDING = 1e-12  # thousands of terms rounded to 1e-16 each, with logarithms up to 1e4 in the exponents
QUADRATURE = 1e-8  # peers that integrate numerically stop refining at about this error


def printed(digits: int) -> float:
    """Half a unit of the last printed digit: all that a number printed with so many decimals can tell."""
    return 0.5 * 10.0**-digits


def monte_carlo(exact: float, draws: int) -> float:
    """Half-width around ``exact`` that a simulated proportion leaves by chance once in 16,000 tests: 4 sigma.

    The second term allows for the skew of rare events (Bernstein's inequality).
    """
    sigma = math.sqrt(exact * (1.0 - exact) / draws)
    return 4.0 * sigma + 16.0 / (3.0 * draws)
