"""From the counts at an interim look to the final ones: a law of the final count for every count seen so far.

A prior gives beta-binomial laws (predictive probability), a known rate binomial ones (conditional power). The chance to
end in a region is then ``tables.crossed`` for all interim tables at once, because the arms go on independently.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from anatrial.numerics import FloatArray, IntArray, tables
from anatrial.numerics.binomial import LOWEST_EXPONENT, binomial, log_choose
from anatrial.numerics.superiority import log_beta


def predicted(parts: FloatArray, n: int, total: int) -> FloatArray:
    """Law of the final count given each count so far, the rate being drawn from a prior that is updated by it.

    Parameters
    ----------
    parts
        Prior, shape (K, 3): weight, a, b.
    n, total
        Patients so far and at the end, 0 <= n <= total.

    Returns
    -------
    Probability of 0..total responders per count 0..n, shape (n + 1, total + 1); every row sums to 1.

    Source
    ------
    Bernardo & Smith (1994), Bayesian Theory, section 5.2.3: with M_n(x) the probability of one order of x responders in
    n patients, a sum over the parts, the law is (m over j - x) M_total(j) / M_n(x), m = total - n. M_n(x), which holds
    the weights of the parts after x of n, is what the sum of a row is divided by.
    """
    ends = np.lib.stride_tricks.sliding_window_view(log_one_order(parts, total), total - n + 1)
    exponent = log_choose(total - n) + ends
    law = np.exp(np.maximum(exponent - exponent.max(axis=1, keepdims=True), LOWEST_EXPONENT))
    return _begun_at(np.arange(n + 1), law / law.sum(axis=1, keepdims=True), total)


def conditional(rates: FloatArray, n: int, total: int) -> FloatArray:
    """Law of the final count given each count so far, where the patients to come respond at a known rate.

    Parameters
    ----------
    rates
        Rate from here on, in [0, 1], shape (n + 1,): one per count so far.
    n, total
        Patients so far and at the end, 0 <= n <= total.

    Returns
    -------
    Probability of 0..total responders per count 0..n, shape (n + 1, total + 1); every row sums to 1.
    """
    return _begun_at(np.arange(n + 1), binomial(total - n, rates), total)


def at_pooled_rate(runs: IntArray, now: tuple[int, int], end: tuple[int, int]) -> FloatArray:
    """Chance of every interim table to end in a region, where both arms go on at the rate of all patients so far.

    The rate depends on the counts of both arms, so there is one law per number of responders: time grows with
    (n_t + n_c) n total: some seconds from 500 to 1000 patients per arm.

    Parameters
    ----------
    runs
        Region of the final look, shape (runs, 3): control count, first and last treatment count.
    now, end
        Patients per arm (treatment, control) so far, at least one, and at the end.

    Returns
    -------
    Probability, shape (n_t + 1, n_c + 1).
    """
    (n_t, n_c), (total_t, total_c) = now, end
    chance = np.empty((n_t + 1, n_c + 1))
    for responders in range(n_t + n_c + 1):
        rate = np.array([responders / (n_t + n_c)])
        x_t = np.arange(max(0, responders - n_c), min(n_t, responders) + 1)
        x_c = responders - x_t
        law_t, law_c = (binomial(whole - n, rate) for whole, n in ((total_t, n_t), (total_c, n_c)))
        laws = _begun_at(x_t, law_t, total_t), _begun_at(x_c, law_c, total_c)
        chance[x_t, x_c] = tables.paired(runs, *laws)
    return chance


def log_one_order(parts: FloatArray, n: int) -> FloatArray:
    """Logarithm of the probability of one order of x responders in n patients, for x = 0..n.

    Parameters
    ----------
    parts
        Prior, shape (K, 3): weight, a, b.
    n
        Patients, at least 0.

    Returns
    -------
    log sum_k w_k B(a_k + x, b_k + n - x) / B(a_k, b_k), shape (n + 1,).
    """
    x = np.arange(n + 1.0)
    w, a, b = (column[:, None] for column in parts[parts[:, 0] > 0].T)
    rate = (a + 0.5 * n) / (a + b + n)  # in the middle of all posteriors, where ``log_beta`` is small
    gain = log_beta(a + x, b + (n - x), rate) - log_beta(a, b, rate) + x * np.log(rate) + (n - x) * np.log1p(-rate)
    return np.asarray(logsumexp(np.log(w) + gain, axis=0))


def _begun_at(x: IntArray, law: FloatArray, total: int) -> FloatArray:
    """Laws of what is added, shape (rows or 1, m + 1), as laws of the final count of rows that begin at ``x``."""
    final = np.zeros((len(x), total + 1))
    final[np.arange(len(x))[:, None], x[:, None] + np.arange(law.shape[1])] = law
    return final
