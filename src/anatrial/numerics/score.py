"""The score test of a difference of two rates: Farrington and Manning's z, and its unconditional exact p-value."""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray, IntArray
from anatrial.numerics.intervals import HALVINGS
from anatrial.numerics.unconditional import p_value

NEAREST_MARGIN = 1e-9  # z of margins nearer to 0, -1 or 1 errs by more than it may
SAME = 1e-10  # values of z that differ by less are equal: they err by 1e-13


def score_z(
    treatment: tuple[IntArray | int, int], control: tuple[IntArray | int, int], difference: FloatArray | float
) -> FloatArray:
    """Farrington and Manning's score statistic of p_t - p_c = ``difference``.

    Parameters
    ----------
    treatment, control
        Responders, of any shape, and patients.
    difference
        In [-1, 1], of any shape.

    Returns
    -------
    z of the common shape of all three; infinite where the difference allows no variance and is not the observed one.

    Source
    ------
    Farrington & Manning (1990), Statist. Med. 9:1447-1454; their cubic equation is solved by bisection of the score,
    because its closed solution is 0/0 at tables with empty cells.
    """
    (x_t, n_t), (x_c, n_c) = treatment, control
    p_c = restricted(treatment, control, difference)
    p_t = np.clip(p_c + difference, 0.0, 1.0)  # a sum of rates may round beyond its end
    variance = p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c
    distance = np.broadcast_to(np.asarray(x_t) / n_t - np.asarray(x_c) / n_c - difference, variance.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(distance == 0, 0.0, distance / np.sqrt(variance)))


def restricted(
    treatment: tuple[IntArray | float, float], control: tuple[IntArray | float, float], difference: FloatArray | float
) -> FloatArray:
    """The control rate that is most likely where p_t - p_c is the difference; the likelihood's slope falls.

    ``treatment`` and ``control`` as for ``score_z``, or the shares of both that are expected of one control patient.
    """
    (x_t, n_t), (x_c, n_c) = treatment, control
    shape = np.broadcast_shapes(np.shape(x_t), np.shape(x_c), np.shape(difference))
    low = np.broadcast_to(np.maximum(0.0, np.negative(difference)), shape)
    high = np.broadcast_to(np.minimum(1.0, np.subtract(1.0, difference)), shape)
    for _ in range(HALVINGS):
        p_c = 0.5 * (low + high)
        p_t = p_c + difference
        rises = (x_t - n_t * p_t) * (p_c * (1 - p_c)) + (x_c - n_c * p_c) * (p_t * (1 - p_t)) > 0
        low, high = np.where(rises, p_c, low), np.where(rises, high, p_c)
    return np.asarray(0.5 * (low + high))


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
