"""How many patients a prior is worth, from the curvature of its density: ELIR on two scales, and the Morita number.

A Beta mixture is an array ``parts`` of shape (K, 3): weight, a, b, shapes from 1e-3 to 1e6; parts of weight 0 are left
out. With n = a + b and g = a - n theta, a Beta's log density of the log odds has slope g and curvature
-n theta (1 - theta). For a mixture whose parts are responsible for a rate with r_k,

    -(log q)'' / (theta (1 - theta)) = E_r[n] - Var_r[g] / (theta (1 - theta))

and its expectation, with densities p_k = w_k Beta(a_k, b_k) of the rate and p their sum, is

    ELIR on log odds = sum_k w_k n_k - sum_{j<k} integral (g_j - g_k)^2 p_j p_k / p  d(log odds)

in which nothing cancels: one Beta is worth a + b exactly. Integration by parts takes p(0) + p(1) off this on the
response scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy.special import expit, logsumexp

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray
from anatrial.numerics.quadrature import centres_of, integral, log_parts, logs_of, partition

ENDED = 80.0  # integrands are followed until they have fallen by e^-80
FARTHEST = 40.0  # standard deviations beyond which a normal density is nil
MOST_EXPONENT = 700.0  # above it, exp leaves the range of floats
HALVINGS = 80
FLAT = 1e-12  # log densities that differ by less are equal
SIDES = ("rate 0", "rate 1")


def why_no_elir(parts: FloatArray) -> str:
    """Why ELIR on the response scale does not exist, in words; empty where it does.

    Next to an end with smallest shape a below 1 the local information is (a - 1) theta^(a - 2): not integrable.
    """
    for shape, side in zip(_present(parts)[:, 1:].min(axis=0), SIDES, strict=True):
        if shape < 1:
            return f"a shape below 1 ({shape:.6g}): the density is infinite at {side}"
    return ""


def why_no_elir_log_odds(parts: FloatArray) -> str:
    """Why ELIR on the log-odds scale does not exist, in words; empty where it does.

    Where a1 < a2 are the two smallest values of a, the integrand falls like theta^(a2 - 1) at rate 0: a2 must exceed 1.
    """
    for shapes, side in zip(_present(parts)[:, 1:].T, SIDES, strict=True):
        low = np.unique(shapes)[:2]
        if low.size > 1 and low[1] <= 1:
            return f"two different shapes that do not exceed 1 ({low[0]:.6g} and {low[1]:.6g}) at {side}"
    return ""


def elir_log_odds(parts: FloatArray) -> float:
    """Expected local-information ratio of a Beta mixture on the log-odds scale, in patients; may be negative.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, a, b.

    Returns
    -------
    E[-(log q)'' / (theta (1 - theta))], q the density of the log odds; a + b for one Beta. Error below 1e-10 of the
    weighted a + b. Raises ``ComputationError`` where it does not exist: ask ``why_no_elir_log_odds`` first.

    Source
    ------
    Neuenschwander, Weber, Schmidli & O'Hagan (2020), Biometrics 76:578-587, equation 7.
    """
    _refuse(why_no_elir_log_odds(parts))
    parts = _present(parts)
    weights, n = parts[:, 0], parts[:, 1:].sum(axis=1)
    worth = float(weights @ n)
    if len(parts) == 1:
        return worth

    def lost(log_odds: FloatArray) -> FloatArray:
        log_rate, log_not = logs_of(log_odds)
        rate, other = np.exp(log_rate), np.exp(log_not)
        terms = log_parts(parts, log_rate, log_not) - (log_rate + log_not)
        total = logsumexp(terms, axis=0)
        result = np.zeros_like(log_odds)
        for j, k in combinations(range(len(parts)), 2):
            apart_a, apart_b = parts[j, 1:] - parts[k, 1:]
            apart = apart_a + apart_b
            # from the nearer end, where the difference of the slopes may vanish
            slope = np.where(rate < other, apart_a - apart * rate, apart * other - apart_b)
            result += np.square(slope) * np.exp(terms[j] + terms[k] - total)
        return result

    centres, widths = centres_of(parts)
    reach = 5.0 + math.log(float(n.max()))  # beyond it, every density is a power of the rate
    left = min(-reach, float(centres.min())) - ENDED / _fall(parts[:, 1])
    right = max(reach, float(centres.max())) + ENDED / _fall(parts[:, 2])
    return worth - integral(lost, partition(left, right, centres, widths), least=worth)


def elir(parts: FloatArray) -> float:
    """Expected local-information ratio of a Beta mixture on the response scale, in patients; may be negative.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, a, b.

    Returns
    -------
    E[-(log p)'' theta (1 - theta)], p the density of the rate; error as ``elir_log_odds``. Raises
    ``ComputationError`` where it does not exist: ask ``why_no_elir`` first.

    Source
    ------
    Neuenschwander, Weber, Schmidli & O'Hagan (2020), Biometrics 76:578-587, equation 7; "elir" of RBesT.
    """
    _refuse(why_no_elir(parts))
    return elir_log_odds(parts) - math.fsum(_ends(_present(parts)))


def logit_normal_elir(parts: FloatArray) -> float:
    """Expected local-information ratio, on the log-odds scale, of log odds that are a mixture of normals.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, mean, standard deviation of the log odds.

    Returns
    -------
    E[-(log q)'' / (theta (1 - theta))] in patients. Raises ``ComputationError`` where it leaves the range of floats.

    Source
    ------
    Neuenschwander, Weber, Schmidli & O'Hagan (2020), Biometrics 76:578-587; "elir" of RBesT for a binomial family.
    """
    parts = _present(parts)
    w, mean, sd = parts.T
    worth = float((w / sd**2) @ _inverse_information(mean, sd))
    if len(parts) == 1:
        return worth

    def lost(log_odds: FloatArray) -> FloatArray:
        scaled = (log_odds - mean[:, None]) / sd[:, None]
        terms = np.log(w / sd)[:, None] - 0.5 * (scaled**2 + math.log(2 * math.pi))
        total = logsumexp(terms, axis=0) + np.add(*logs_of(log_odds))
        result = np.zeros_like(log_odds)
        for j, k in combinations(range(len(parts)), 2):
            result += np.square(scaled[j] / sd[j] - scaled[k] / sd[k]) * np.exp(terms[j] + terms[k] - total)
        return result

    centres = np.concatenate([mean, mean - sd**2, mean + sd**2])  # a density divided by theta or 1 - theta is shifted
    low, high = float((centres - FARTHEST * np.tile(sd, 3)).min()), float((centres + FARTHEST * np.tile(sd, 3)).max())
    return worth - integral(lost, partition(low, high, centres, np.tile(2 * sd, 3)), least=worth)


def logit_normal_moment(parts: FloatArray) -> float:
    """Moment effective sample size of log odds that are a mixture of normals: E[1 / information] over the variance.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, mean, standard deviation of the log odds.

    Returns
    -------
    E[1 / (theta (1 - theta))] / Var(log odds), in patients. Raises ``ComputationError`` beyond the range of floats.

    Source
    ------
    "moment" of RBesT for a binomial family. 1 / (theta (1 - theta)) = 2 + 2 cosh(log odds), which normals average to
    2 + 2 exp(sd^2 / 2) cosh(mean).
    """
    w, mean, sd = _present(parts).T
    variance = float(w @ (sd**2 + (mean - w @ mean) ** 2))
    return float(w @ _inverse_information(mean, sd)) / variance


def why_no_mode(parts: FloatArray) -> str:
    """Why a Beta mixture has no mode, in words; empty where it has one."""
    if reason := why_no_elir(parts):
        return reason
    heights = _heights(_present(parts), _grid(_present(parts)))
    return "the density is the same at every rate" if float(np.ptp(heights)) < FLAT else ""


def mode(parts: FloatArray) -> float:
    """The rate with the highest density of a Beta mixture, ends included; the lowest of several as high.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, a, b.

    Returns
    -------
    Rate in [0, 1]. Raises ``ComputationError`` where there is none: ask ``why_no_mode`` first.
    """
    _refuse(why_no_mode(parts))
    return float(expit(_peak(_present(parts))))


def why_no_morita(parts: FloatArray) -> str:
    """Why the Morita number does not exist, in words; empty where it does."""
    if reason := why_no_mode(parts):
        return reason
    at = _peak(_present(parts))
    return "" if math.isfinite(at) else f"the density is highest at {SIDES[at > 0]}, where its curvature says nothing"


def morita(parts: FloatArray, flattening: float = 100.0) -> float:
    """Effective sample size from the curvature at the mode, in patients; too optimistic where parts overlap.

    Parameters
    ----------
    parts
        Mixture, shape (K, 3): weight, a, b.
    flattening
        What the mode m is divided by for the vague Beta(m / flattening, (1 - m) / flattening) that is compared.

    Returns
    -------
    (i(p) - i(vague)) / (mean / m^2 + (1 - mean) / (1 - m)^2), with i = -(log density)'' at m; the divisor is the
    observed information of one patient at m, expected under the prior. Raises ``ComputationError`` where it does not
    exist: ask ``why_no_morita`` first.

    Source
    ------
    Morita, Thall & Mueller (2008), Biometrics 64:595-602, at the mode and without their search for a whole number, as
    in Neuenschwander et al. (2020); "morita" of RBesT, whose s is ``flattening``.
    """
    _refuse(why_no_morita(parts))
    parts = _present(parts)
    log_rate, log_not = logs_of(np.array([_peak(parts)]))
    m, other = float(np.exp(log_rate[0])), float(np.exp(log_not[0]))
    w, a, b = parts.T
    logs = log_parts(parts, log_rate, log_not)[:, 0]
    share = np.exp(logs - logsumexp(logs))
    slope = (a - 1) / m - (b - 1) / other
    curvature = share @ ((a - 1) / m**2 + (b - 1) / other**2) - share @ (slope - share @ slope) ** 2
    vague = (m / flattening - 1) / m**2 + (other / flattening - 1) / other**2
    mean = w @ (a / (a + b))
    return float((curvature - vague) / (mean / m**2 + (1 - mean) / other**2))


WHY_NOT: dict[str, Callable[[FloatArray], str]] = {
    "elir": why_no_elir,
    "elir_log_odds": why_no_elir_log_odds,
    "mode": why_no_mode,
    "morita": why_no_morita,
}


def _present(parts: FloatArray) -> FloatArray:
    return parts[parts[:, 0] > 0]


def _refuse(reason: str) -> None:
    if reason:
        raise ComputationError(f"does not exist: {reason}")


def _fall(shapes: FloatArray) -> float:
    """How fast the integrand falls per unit of log odds beyond the parts: theta to this power, at least."""
    low = np.unique(shapes)[:2]
    return float(low[0] - 1 + min(2.0, low[1] - low[0] if low.size > 1 else 2.0))


def _ends(parts: FloatArray) -> tuple[float, float]:
    """Densities at the rates 0 and 1, where no shape is below 1."""
    w, a, b = parts.T
    return float((w * b)[a == 1].sum()), float((w * a)[b == 1].sum())


def _inverse_information(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """E[1 / (theta (1 - theta))] for normal log odds."""
    if float((np.abs(mean) + 0.5 * sd**2).max()) > MOST_EXPONENT:
        raise ComputationError("log odds so wide that one patient's information has no expectation in floats")
    return np.asarray(2 + np.exp(0.5 * sd**2 + mean) + np.exp(0.5 * sd**2 - mean))


def _peak(parts: FloatArray) -> float:
    """Log odds where the density of the rate is highest; infinite at an end."""
    grid = _grid(parts)
    falls = _slope(parts, grid) < 0
    turns = np.flatnonzero(~falls[:-1] & falls[1:])
    low, high = grid[turns], grid[turns + 1]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        falling = _slope(parts, middle) < 0
        low, high = np.where(falling, low, middle), np.where(falling, middle, high)
    with np.errstate(divide="ignore"):
        first, last = np.log(_ends(parts))
    at, heights = np.array([-np.inf, *low, np.inf]), np.array([first, *_heights(parts, low), last])
    return float(at[heights > heights.max() - FLAT][0])


def _grid(parts: FloatArray) -> FloatArray:
    """Log odds a quarter of a standard deviation apart around each part, its own mode included, and a few others."""
    a, b = parts[:, 1:2], parts[:, 2:]
    around = np.log(a / b) + np.linspace(-6, 6, 49) * np.sqrt(1 / a + 1 / b)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.log((a - 1) / (b - 1)) + np.array([-1.0, 0.0, 1.0])
    return np.unique(np.concatenate([around.ravel(), own[np.isfinite(own)], np.linspace(-30, 30, 241)]))


def _slope(parts: FloatArray, log_odds: FloatArray) -> FloatArray:
    """Slope of the log density of the rate, with respect to the log odds."""
    log_rate, log_not = logs_of(log_odds)
    logs = log_parts(parts, log_rate, log_not)
    share = np.exp(logs - logsumexp(logs, axis=0))
    a, b = parts[:, 1:2], parts[:, 2:]
    return np.asarray((share * ((a - 1) * np.exp(log_not) - (b - 1) * np.exp(log_rate))).sum(axis=0))


def _heights(parts: FloatArray, log_odds: FloatArray) -> FloatArray:
    """Log density of the rate."""
    log_rate, log_not = logs_of(log_odds)
    return np.asarray(logsumexp(log_parts(parts, log_rate, log_not), axis=0) - log_rate - log_not)
