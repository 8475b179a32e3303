"""How strongly the probability of a decision can bend as rates move; theta = arcsin sqrt(p) in each arm.

* Within one arm, the other rate held: the probability is the mean of d, a number in [0, 1] per table, and its second
  derivative E[d (U^2 + U')] with the score U = 2 (x - n p) / sqrt(p q). Because E[U^2 + U'] = 0 it is at most half of
  E|U^2 + U'|. Put as sums over patients, U^2 + U' is 4 / (p q) times the sum of (x_i - p)(x_j - p) over pairs, plus
  2 (q - p) / (p q) times (x - n p). Half the mean size of the first is at most sqrt(8 n (n - 1)) and at most
  2 n (n - 1) sin^2 2 theta; that of the second at most 2 sqrt(n) |cot 2 theta| and at most 2 n |cos 2 theta|. Of both
  together it is also at most half the root of the mean square, sqrt(8 n^2 - 12 n + 4 n / sin^2 2 theta). Two arms that
  share one rate are one arm.
* Along an edge p_t = p_c + margin, as a function of the theta of one arm, say 1: the other moves by
  r = sin 2 theta_1 / sin 2 theta_2 for it, and r changes by at most 2 (1 + r^2) / sin 2 theta_2. The mixed derivative
  is E[d U_1 U_2], at most half of E|U_1 U_2| <= 4 sqrt(n_1 n_2); the first E[d U_2], at most half of E|U_2| <=
  2 sqrt(n_2). Together the bend is at most M_1 + 4 sqrt(n_1 n_2) r + M_2 r^2 + 2 sqrt(n_2) (1 + r^2) / sin 2 theta_2.

A function that bends by at most M lies at most M w^2 / 8 above its chord of width w. The bounds are worked out here.
"""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray

TINY = 1e-300  # instead of a division by 0, where another bound is the smaller one
SMALL = 1e-60  # the same, where its square is divided by too
Ends = tuple[FloatArray, FloatArray]
"""Smallest and largest theta of intervals."""


def within_arm(n: int, ends: Ends) -> FloatArray:
    """Largest second derivative in theta of any probability in a trial arm of n, for theta within the ends."""
    low, high = ends
    least = np.maximum(_least_sine(ends) ** 2, TINY)
    cosine = np.maximum(np.abs(np.cos(2 * low)), np.abs(np.cos(2 * high)))
    together = np.sqrt(8 * n**2 - 12 * n + 4 * n / least)
    single = np.minimum(2 * np.sqrt(n / least) * cosine, 2 * n * cosine)
    pairs = np.minimum(np.sqrt(8 * n * (n - 1)), 2 * n * (n - 1) * _largest_sine(ends) ** 2)
    return np.asarray(np.minimum(together, pairs + single))


def along_edge(first: tuple[int, Ends], second: tuple[int, Ends]) -> FloatArray:
    """Largest second derivative in the theta of the first arm, where the second follows it at a fixed difference."""
    (n, ends), (other, others) = first, second
    least = np.maximum(_least_sine(others), SMALL)
    ratio = _largest_sine(ends) / least
    turns = 2 * np.sqrt(other) * (1 + ratio**2) / least
    return np.asarray(
        within_arm(n, ends) + 4 * np.sqrt(n * other) * ratio + within_arm(other, others) * ratio**2 + turns
    )


def _least_sine(ends: Ends) -> FloatArray:
    """Of 2 theta, which is concave: the smaller at the ends."""
    return np.asarray(np.minimum(np.sin(2 * ends[0]), np.sin(2 * ends[1])))


def _largest_sine(ends: Ends) -> FloatArray:
    low, high = ends
    inside = (low <= np.pi / 4) & (high >= np.pi / 4)
    return np.asarray(np.where(inside, 1.0, np.maximum(np.sin(2 * low), np.sin(2 * high))))
