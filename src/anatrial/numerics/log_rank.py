"""The log-rank test and Cox's estimate of one hazard ratio, for thousands of two-arm trials at once."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from anatrial.numerics import BoolArray, FloatArray, IntArray

NEAR = 1e-9  # statistics this close are tied, however they were rounded
STEPS = 30  # of Newton's method; a dozen suffice wherever an estimate exists


class RiskSets(NamedTuple):
    """Who is watched at each event: one row per trial, one column per patient in order of time, shape (m, n) each."""

    happened: BoolArray
    """Whether this patient's time ends with the event."""
    treated: BoolArray
    at_risk: IntArray
    """Patients whose time is at least this one."""
    at_risk_t: IntArray
    """Those of them on treatment."""
    tied: IntArray
    """Events at this very time, this one among them."""
    last: IntArray
    """Column of the last patient with this time."""


def risk_sets(time: FloatArray, happened: BoolArray, treated: BoolArray) -> RiskSets:
    """The risk set at each patient's time; patients censored at the time of an event are in its risk set.

    Parameters
    ----------
    time
        Time to event or censoring, shape (m, n), 0 or more.
    happened
        Whether it ended with the event, shape (m, n).
    treated
        Who is on treatment, shape (n,).
    """
    order = np.argsort(time, axis=1, kind="stable")
    time, happened = np.take_along_axis(time, order, axis=1), np.take_along_axis(happened, order, axis=1)
    treated = treated[order]
    n, place = time.shape[1], np.arange(time.shape[1])
    starts = np.ones(time.shape, dtype=bool)
    starts[:, 1:] = time[:, 1:] != time[:, :-1]
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    ends = np.ones(time.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, n)[:, ::-1], axis=1)[:, ::-1]
    before_t, before = _counted_before(treated), _counted_before(happened)
    left_t = treated.sum(axis=1, keepdims=True) - np.take_along_axis(before_t, first, axis=1)
    tied = np.take_along_axis(before, last + 1, axis=1) - np.take_along_axis(before, first, axis=1)
    return RiskSets(happened, treated, n - first, left_t, tied, last)


def log_rank(sets: RiskSets) -> tuple[FloatArray, FloatArray]:
    """Observed minus expected events on treatment, and the variance under no effect, shape (m,) each.

    The variance is hypergeometric, so that tied events count once for each.
    Source: Mantel (1966), Cancer Chemother. Rep. 50:163-170; Peto & Peto (1972), JRSS A 135:185-207.
    """
    share = sets.at_risk_t / sets.at_risk
    surplus = np.where(sets.happened, sets.treated - share, 0.0).sum(axis=1)
    left = (sets.at_risk - sets.tied) / np.maximum(sets.at_risk - 1, 1)  # 0 / 1 where one patient is left
    variance = np.where(sets.happened, share * (1 - share) * left, 0.0).sum(axis=1)
    return surplus, variance


def one_sided_p(surplus: FloatArray, variance: FloatArray) -> FloatArray:
    """P(at most this many events on treatment) by normal theory, shape (m,); 1 where nothing can be compared."""
    z = np.divide(surplus, np.sqrt(variance), out=np.full(surplus.shape, np.inf), where=variance > 0)
    return np.asarray(ndtr(z))


def permutation_p(sets: RiskSets) -> tuple[FloatArray, FloatArray]:
    """Exact one-sided p-values of the log-rank statistic: P(as few events or fewer) and P(as many or more).

    All ways to deal the treatment to so many patients are equally likely, given the times. Exact where the arms are
    censored alike; the statistic is a sum of one score per patient, so that a deal is a product of matrices.

    Returns
    -------
    Two arrays of shape (m,), in (0, 1]; the work grows with the number of deals, ``comb(n, n_t)``.

    Source
    ------
    Peto & Peto (1972), JRSS A 135:185-207: the scores, event minus the cumulated hazard of all patients.
    """
    m, n = sets.happened.shape
    n_t = int(sets.treated[0].sum())
    deals = np.array(list(combinations(range(n), n_t)))
    chosen = np.zeros((len(deals), n))
    chosen[np.arange(len(deals))[:, None], deals] = 1.0
    hazard = np.cumsum(np.where(sets.happened, 1.0 / sets.at_risk, 0.0), axis=1)
    scores = sets.happened - np.take_along_axis(hazard, sets.last, axis=1)
    seen = (scores * sets.treated).sum(axis=1)
    fewer, more = np.empty(m), np.empty(m)
    for start in range(0, m, 256):  # a table of deals times 256 trials stays in memory
        part = slice(start, start + 256)
        dealt = chosen @ scores[part].T
        fewer[part] = (dealt <= seen[part] + NEAR).mean(axis=0)
        more[part] = (dealt >= seen[part] - NEAR).mean(axis=0)
    return fewer, more


def cox_log_hazard_ratio(sets: RiskSets) -> FloatArray:
    """Maximum partial likelihood estimate of the log hazard ratio (treatment to control), shape (m,).

    NaN where there is none: no events, or all of them in one arm's favour to the end (the estimate is infinite).
    Source: Cox (1972), JRSS B 34:187-220; ties by Breslow (1974), Biometrics 30:89-99.
    """
    on, off = sets.at_risk_t.astype(float), (sets.at_risk - sets.at_risk_t).astype(float)
    both = sets.happened & (on > 0) & (off > 0)
    observed = np.where(both, sets.treated, False).sum(axis=1).astype(float)
    total = both.sum(axis=1)
    exists = (observed > 0) & (observed < total)
    beta = np.zeros(len(total))
    for _ in range(STEPS):
        weighted = on * np.exp(beta)[:, None]
        share = np.where(both, weighted / (weighted + np.where(both, off, 1.0)), 0.0)
        information = (share * (1 - share)).sum(axis=1)
        step = np.divide(observed - share.sum(axis=1), information, out=np.zeros_like(beta), where=exists)
        beta += np.clip(step, -1.0, 1.0)  # the likelihood is concave: short steps always arrive
        if not (np.abs(step) > 1e-10).any():
            break
    return np.where(exists, beta, np.nan)


def _counted_before(flags: BoolArray) -> IntArray:
    """How many of the columns before each are set, shape (m, n + 1)."""
    counts = np.zeros((flags.shape[0], flags.shape[1] + 1), dtype=np.int64)
    np.cumsum(flags, axis=1, out=counts[:, 1:])
    return counts
