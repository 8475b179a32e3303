"""Where a function crosses zero, without the half second that importing a library for it would cost every run."""

from __future__ import annotations

import math
from collections.abc import Callable

from anatrial.errors import ComputationError

ROUNDS = 200


def root(function: Callable[[float], float], low: float, high: float, *, within: float = 1e-13) -> float:
    """A zero of a continuous function that changes its sign between ``low`` and ``high``.

    Parameters
    ----------
    function
        To be finite at both ends and between them.
    low, high
        Ends of the interval.
    within
        Distance to the zero that is close enough; four rounding errors of the result are always allowed.

    Returns
    -------
    The zero. Raises ``ComputationError`` where both ends have the same sign, or a value is not a number.

    Source
    ------
    Chandrupatla (1997), Adv. Eng. Softw. 28:145-149: inverse quadratic steps, halving where these are not safe.
    """
    b, a = low, high
    f_b, f_a = function(b), function(a)
    if not f_a * f_b <= 0:
        raise ComputationError(f"no zero between {low:g} and {high:g}: the function is {f_b:g} and {f_a:g} there")
    step = 0.5
    for _ in range(ROUNDS):
        x = a + step * (b - a)
        f_x = function(x)
        if math.isnan(f_x):
            break
        if (f_x > 0) == (f_a > 0):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f_x
        best, f_best = (a, f_a) if abs(f_a) < abs(f_b) else (b, f_b)
        least = (within + 4 * math.ulp(best)) / abs(b - a)
        if f_best == 0 or least > 0.5:
            return best
        position, height = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
        if height * height < position and (1 - height) ** 2 < 1 - position:
            step = f_a / (f_b - f_a) * f_c / (f_b - f_c)
            step += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
            step = min(max(step, least), 1 - least)
        else:
            step = 0.5
    raise ComputationError(f"the search for a zero between {low:g} and {high:g} did not settle")
