"""What counts at a later look say of the counts at an earlier one, whatever the rates are.

Given x responders among the first N patients of an arm, those among the first n < N are hypergeometric: a probability
that belongs to the counts at one look is carried to another look without knowing any rate. All numbers stay in [0, 1].
"""

from __future__ import annotations

import numpy as np

from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.two_by_two import hypergeometric

Totals = tuple[int, int]
"""Patients observed so far, treatment and control."""


def earlier(n: int, later: int) -> FloatArray:
    """P(y among the first ``n`` responded | x of ``later`` did), shape (later + 1, n + 1): a row per x."""
    return hypergeometric(n, later - n)[0]


def carried(values: FloatArray, now: Totals, later: Totals) -> FloatArray:
    """Mean of ``values`` over the counts at the look ``now``, given the counts at a ``later`` one.

    Parameters
    ----------
    values
        A number per table of the look ``now``, shape (n_t + 1, n_c + 1).
    now, later
        Totals of both looks; no arm shrinks.

    Returns
    -------
    Shape (N_t + 1, N_c + 1): a number per table of the look ``later``.
    """
    return np.asarray(earlier(now[0], later[0]) @ values @ earlier(now[1], later[1]).T)


def reached(continues: tuple[BoolArray, ...], totals: tuple[Totals, ...]) -> tuple[FloatArray, ...]:
    """P(the trial did not stop before a look | counts at that look), for every look.

    Parameters
    ----------
    continues
        True where the trial goes on, for every look but the last, each of shape (n_t + 1, n_c + 1).
    totals
        Totals at every look.

    Source
    ------
    Jennison & Turnbull (2000), Group Sequential Methods, section 12.1, has the forward recursion for one arm; here it
    is divided by the binomial probabilities, which leaves the hypergeometric ones.
    """
    found = [np.ones((totals[0][0] + 1, totals[0][1] + 1))]
    for index, goes_on in enumerate(continues):
        found.append(carried(found[index] * goes_on, totals[index], totals[index + 1]))
    return tuple(found)
