"""How patients arrive: open sites over calendar time, and the exact law of the number recruited.

Given the rate per site and month, patients arrive as a Poisson process whose intensity is the rate times the sites that
are open. Its integral counts site-months: N(t) is Poisson with mean rate * site_months(t). A rate that is uncertain has
a gamma prior, and N(t) is then negative binomial. All times are months since the first site could open.

Source: Anisimov & Fedorov (2007), Stat. Med. 26:4958-4975 (Poisson-gamma recruitment), with one rate that
all sites share; Gajewski, Simon & Carlson (2008), Stat. Med. 27:2328-2340 (its prior from past accrual).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincc, betaincinv, gammainc, gammaincc, gammaincinv, gammaln, xlog1py, xlogy

from anatrial.numerics import FloatArray

PANEL = 24  # Gauss-Legendre nodes between two breaks: 1e-13 for a distribution function of time
TAILS = (1e-12, 1e-6, 1e-3, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12)


class Opening(NamedTuple):
    """Open sites over time, piecewise linear: from ``starts[i]`` on there are ``sites[i]``, growing by ``growth[i]``.

    Arrays of shape (m,); ``starts`` rises from 0, the last piece never ends and does not grow.
    """

    starts: FloatArray
    sites: FloatArray
    growth: FloatArray


class Accrual(NamedTuple):
    """Sites over time, patients per site and month (its mean), and the gamma shape of that rate (None: known)."""

    opening: Opening
    rate: float
    shape: float | None


def opened_over(sites: float, months: float) -> Opening:
    """So many sites, opening evenly over ``months`` (0: all at once); part sites count, as an average over sites."""
    if months == 0:
        return Opening(np.zeros(1), np.array([sites]), np.zeros(1))
    return Opening(np.array([0.0, months]), np.array([0.0, sites]), np.array([sites / months, 0.0]))


def opened_at(months: tuple[float, ...]) -> Opening:
    """One site at each of these months, from 0, in any order."""
    opens, counts = np.unique(np.array(months), return_counts=True)
    if opens[0] > 0:
        opens, counts = np.concatenate([[0.0], opens]), np.concatenate([[0], counts])
    return Opening(opens, np.cumsum(counts).astype(np.float64), np.zeros(len(opens)))


def site_months(opening: Opening, months: FloatArray) -> FloatArray:
    """Site-months by each time in [0, inf): the integral of the open sites; same shape as ``months``."""
    at = np.asarray(months, dtype=np.float64)
    piece = np.searchsorted(opening.starts, at, side="right") - 1
    since = at - opening.starts[piece]
    return np.asarray(_before(opening)[piece] + since * (opening.sites[piece] + 0.5 * opening.growth[piece] * since))


def month_of(opening: Opening, site_months: FloatArray) -> FloatArray:
    """The time at which so many site-months have passed: the inverse of ``site_months``; any shape, values from 0."""
    wanted = np.asarray(site_months, dtype=np.float64)
    if len(opening.starts) == 1:  # all sites from the start on, so they never grow
        return np.asarray(wanted / float(opening.sites[0]))
    before = _before(opening)
    piece = np.searchsorted(before, wanted, side="right") - 1  # the last of pieces that begin alike: no site was open
    more, sites, growth = wanted - before[piece], opening.sites[piece], opening.growth[piece]
    # The root of sites * t + growth * t^2 / 2 = more in the form that does not cancel where growth is 0.
    root = np.sqrt(sites**2 + 2 * growth * np.where(growth > 0, more, 0.0))  # the last piece may take for ever
    return np.asarray(opening.starts[piece] + np.where(more > 0, 2 * more / np.where(more > 0, sites + root, 1.0), 0.0))


def _before(opening: Opening) -> FloatArray:
    """Site-months at the start of each piece, shape (m,)."""
    length = np.diff(opening.starts)
    passed = length * (opening.sites[:-1] + 0.5 * opening.growth[:-1] * length)
    return np.concatenate([[0.0], np.cumsum(passed)])


def expected_patients(accrual: Accrual, months: FloatArray) -> FloatArray:
    """Mean number recruited by each time."""
    return accrual.rate * site_months(accrual.opening, months)


def reached(accrual: Accrual, n: int, months: FloatArray) -> FloatArray:
    """P(at least ``n`` >= 1 patients by each time), same shape as ``months``."""
    mean = expected_patients(accrual, months)
    if accrual.shape is None:
        return np.asarray(gammainc(n, mean))
    return np.asarray(betainc(n, accrual.shape, mean / (mean + accrual.shape)))


def not_reached(accrual: Accrual, n: int, months: FloatArray) -> FloatArray:
    """P(fewer than ``n`` patients by each time), accurate where it is small."""
    mean = expected_patients(accrual, months)
    if accrual.shape is None:
        return np.asarray(gammaincc(n, mean))
    return np.asarray(betaincc(n, accrual.shape, mean / (mean + accrual.shape)))


def recruited(accrual: Accrual, months: float, n: int) -> FloatArray:
    """Probability of 0..n patients at a time if recruitment ends with the ``n``-th, shape (n + 1,); sums to 1."""
    at = np.array([months])
    mean, x = float(expected_patients(accrual, at)[0]), np.arange(n)
    if accrual.shape is None:
        log_p = xlogy(x, mean) - mean - gammaln(x + 1)
    else:
        shape = accrual.shape
        # Rising by a product, because log-gamma functions of a large shape leave no digits in their difference
        ways = np.concatenate([[0.0], np.cumsum(np.log((shape + x[:-1]) / (mean + shape) / (x[:-1] + 1)))])
        log_p = np.asarray(ways + xlogy(x, mean) + xlog1py(shape, -mean / (mean + shape)))
    return np.concatenate([np.exp(log_p), reached(accrual, n, at)])


def time_quantile(accrual: Accrual, n: int, p: FloatArray) -> FloatArray:
    """The time by which ``n`` >= 1 patients are recruited with probability ``p`` in (0, 1); same shape as ``p``."""
    if accrual.shape is None:
        mean = gammaincinv(n, p)
    else:
        # x / (1 - x) from both tails: near 1 the quantile itself has no digits left
        with np.errstate(divide="ignore"):  # beyond any number of months
            mean = accrual.shape * betaincinv(n, accrual.shape, p) / betaincinv(accrual.shape, n, 1 - p)
    return month_of(accrual.opening, mean / accrual.rate)


def mean_time(accrual: Accrual, n: int, limit: float) -> float:
    """Mean time until ``n`` >= 1 patients are recruited or recruitment ends at ``limit``, whichever comes first.

    The integral of P(fewer than n by t) from 0 to the limit, by Gauss-Legendre between breaks: where sites open, and
    at quantiles of the time itself.
    """
    quantiles = time_quantile(accrual, n, np.array(TAILS))
    inner = np.concatenate([accrual.opening.starts, quantiles])
    breaks = np.unique(np.concatenate([[0.0], inner[(inner > 0) & (inner < limit)], [limit]]))
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    half = 0.5 * np.diff(breaks)
    at = (breaks[:-1] + half)[:, None] + half[:, None] * nodes
    return float((half[:, None] * weights * not_reached(accrual, n, at)).sum())
