"""Averages over a rate with a Beta density, exact for polynomials; and counts of patients who are kept by chance."""

from __future__ import annotations

import numpy as np

from anatrial.numerics import FloatArray
from anatrial.numerics.beta import beta_binomial

MOST_NODES = 300  # exact up to degree 599
# Beyond, a binomial chance in up to 4,000 patients is, along the rate p, a bump with a standard deviation of at least
# sqrt(p (1 - p) / 4000); nodes lie sqrt(p (1 - p)) pi / 300 apart, 1.5 of them per standard deviation, and what such a
# sum leaves out falls as exp(-2 pi^2 1.5^2), below 1e-18.


def beta_nodes(a: float, b: float, degree: int) -> tuple[FloatArray, FloatArray]:
    """Rates and weights (summing to 1) whose weighted sum is the mean over Beta(a, b) of a polynomial of this degree.

    Gauss-Jacobi quadrature by the eigenvalues of the Jacobi matrix.
    Source: Golub & Welsch (1969), Math. Comp. 23:221-230; the recurrence is DLMF table 18.9.1 moved to [0, 1].

    Parameters
    ----------
    a, b
        Shapes, above 0.
    degree
        At least 0; above 599 the sum is exact to rounding for binomial chances in up to 4,000 patients.

    Returns
    -------
    Rates in [0, 1] and their weights, shapes (m,).
    """
    m = min(degree // 2 + 1, MOST_NODES)
    k = np.arange(1, m)
    s = 2 * k + a + b - 2
    diagonal = np.empty(m)
    diagonal[0] = (a - b) / (a + b)
    diagonal[1:] = (a - b) * (a + b - 2) / (s * (s + 2))
    ratio = np.ones(m - 1)  # (k + a + b - 2) / (s - 1), which is 0 / 0 at k = 1 where a + b = 1
    ratio[1:] = (k[1:] + a + b - 2) / (s[1:] - 1)
    beside = np.sqrt(4 * k * (k + a - 1) * (k + b - 1) * ratio / (s**2 * (s + 1)))
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    weights = vectors[0] ** 2
    return np.clip((1 + values) / 2, 0.0, 1.0), weights / weights.sum()


def thinned(law: FloatArray, chances: FloatArray) -> FloatArray:
    """Law of how many are left of a random number of patients when each is kept with a chance of its own.

    Parameters
    ----------
    law
        Probability of 0..n patients, shape (n + 1,).
    chances
        To be kept, in [0, 1], shape (m,).

    Returns
    -------
    Probability of 0..n patients left at each chance, shape (m, n + 1): sums of positive terms, patient by patient.
    """
    n, p = len(law) - 1, np.asarray(chances)[:, None]
    left = np.zeros((len(p), n + 1))
    left[:, 0] = 1.0
    total = np.asarray(law[0] * left)
    for k in range(1, n + 1):
        moved = p * left[:, :k]
        left[:, :k] -= moved
        left[:, 1 : k + 1] += moved
        total += law[k] * left
    return total


def kept(law: FloatArray, a: float, b: float) -> FloatArray:
    """Law of how many are left of a random number of patients when all are kept with one chance drawn from Beta(a, b).

    ``law`` and the result are probabilities of 0..n patients, shape (n + 1,).
    """
    total, part = np.zeros(len(law)), np.array([[1.0, a, b]])
    for k, weight in enumerate(law):
        total[: k + 1] += weight * beta_binomial(part, k)
    return total
