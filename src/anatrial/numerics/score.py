"""The score test of a difference of two rates, unconditional and exact: Farrington and Manning's z of every table."""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.difference_intervals import score_z
from anatrial.numerics.unconditional import p_value

NEAREST_MARGIN = 1e-9  # z of margins nearer to 0, -1 or 1 errs by more than it may
SAME = 1e-10  # values of z that differ by less are equal: they err by 1e-13


def score_grid(n_t: int, n_c: int, margin: float) -> FloatArray:
    """Score z of every table against treatment rate - control rate = margin, shape (n_t + 1, n_c + 1).

    At margin 0 it is the pooled z, and 0 where no or all patients respond.

    Parameters
    ----------
    n_t, n_c
        Patients per arm, at least 1.
    margin
        Null value of the treatment rate minus the control rate, above -1 and below 1.
    """
    return score_z((np.arange(n_t + 1)[:, None], n_t), (np.arange(n_c + 1)[None, :], n_c), margin)


def score_p_value(table: tuple[int, int], n_t: int, n_c: int, margin: float) -> float:
    """Unconditional exact p-value of the table (x_t, x_c) against treatment rate - control rate <= margin, by score z.

    At most 1e-8 below the largest size. Raises ``ComputationError`` where z does not order the tables.
    """
    return p_value(-score_grid(n_t, n_c, margin), table, same=SAME, margin=margin).found
