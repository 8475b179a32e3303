"""Expected local-information ratio of a new trial's law itself, before it becomes a mixture of Betas.

On the log-odds scale the law is a mixture of normals over the mean and tau. In its middle derivatives come from its
Fourier series; in its tails, where one patient's information vanishes as fast as the law, from the mixture itself.

Source: Neuenschwander, Weber, Schmidli & O'Hagan (2020), Biometrics 76:578-587.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import Synthesised

EDGE = 1e-10  # the middle is where the law is above this share of its peak
WIDEST_MIDDLE = 15.0  # log odds at which rounding in the middle is still below 1e-5
END = 90.0  # where the tails are cut
TRUSTED = 1e-5  # the share that what lies beyond the cut may have
PANEL, POINTS = 1.5, 8
NIL = 1e-20
FAR = 2.0
"""How much further into the tail of tau this needs to see than quantiles do."""


def exact_elir(found: Synthesised) -> float | None:
    """The ratio on the scale of rates, in patients; None where the tails have not died away at log odds of 90.

    ``found`` must hold tau nodes that reach far into the tail of their prior. The law's density vanishes at rates 0
    and 1 wherever the integral converges, so the ratio is the same on the log-odds scale.
    """
    grid, q = found.predicted.grid, found.predicted.values
    peak = q.max()
    inside = np.flatnonzero((q > EDGE * peak) & (np.abs(grid) < WIDEST_MIDDLE))
    first, last = int(inside[0]), int(inside[-1])
    frequency = 2j * math.pi * np.fft.rfftfreq(len(grid), found.predicted.step)
    transformed = np.fft.rfft(q)
    slope = np.fft.irfft(frequency * transformed, len(grid))[first : last + 1]
    bend = np.fft.irfft(frequency**2 * transformed, len(grid))[first : last + 1]
    values = (slope**2 / q[first : last + 1] - bend) * _patients(grid[first : last + 1])
    middle = found.predicted.step * (values.sum() - 0.5 * (values[0] + values[-1]))
    middle += _ends(values, found.predicted.step)
    below, left = _tail(found, float(grid[first]), -1)
    above, right = _tail(found, float(grid[last]), 1)
    total = middle + below + above
    return float(total) if abs(left) + abs(right) < TRUSTED * abs(total) else None


def _patients(log_odds: FloatArray) -> FloatArray:
    """One over the information of one patient on the log-odds scale: 1 / (rate (1 - rate))."""
    return np.asarray(2.0 + 2.0 * np.cosh(log_odds))


def _ends(values: FloatArray, step: float) -> float:
    """What the trapezoidal rule misses where the integrand does not vanish (Gregory's correction, third order)."""
    one, two, three = (-1 / 12, -1 / 24, -19 / 720)
    start = one * (values[0] - values[1]) + two * (values[0] - 2 * values[1] + values[2])
    start += three * (values[0] - 3 * values[1] + 3 * values[2] - values[3])
    end = one * (values[-1] - values[-2]) + two * (values[-1] - 2 * values[-2] + values[-3])
    end += three * (values[-1] - 3 * values[-2] + 3 * values[-3] - values[-4])
    return float(step * (start + end))


def _tail(found: Synthesised, edge: float, side: int) -> tuple[float, float]:
    """The integral from the edge outwards, and how much may lie beyond its end (the integrand falls as a power)."""
    grid, nodes = found.typical.grid, found.nodes
    if nodes[0] == 0.0:  # one known tau of 0: the law is that of the mean, as narrow as the counts make it
        return 0.0, 0.0
    kept = found.joint.sum(axis=0) > NIL
    means, weights = grid[kept], found.joint[:, kept]
    kept = weights.sum(axis=1) > 0
    nodes, weights = np.maximum(nodes[kept], found.typical.step), weights[kept]  # narrower ones would be seen as spikes
    with np.errstate(divide="ignore"):
        logs = np.log(weights) - np.log(nodes)[:, None] - 0.5 * math.log(2 * math.pi)
    at, lengths = np.polynomial.legendre.leggauss(POINTS)
    panels = np.arange(0.0, END - side * edge, PANEL)
    total = last = 0.0
    for start in panels:
        where = edge + side * (start + 0.5 * PANEL * (at + 1))
        values = np.array([_integrand(float(x), means, nodes, logs) for x in where])
        last = float(np.abs(values).max())
        total += float(0.5 * PANEL * (lengths @ values))
        if last * END < 0.01 * TRUSTED * abs(total):
            break
    return total, last * END


def _integrand(log_odds: float, means: FloatArray, nodes: FloatArray, logs: FloatArray) -> float:
    """Minus the second derivative of the log density times the density, in patients."""
    distance = (log_odds - means[None, :]) / nodes[:, None]
    kernel = logs - 0.5 * distance**2
    top = float(logsumexp(kernel))
    shares = np.exp(kernel - top)
    slope = -distance / nodes[:, None]
    first = float((shares * slope).sum())
    second = float((shares * (slope**2 - 1 / nodes[:, None] ** 2)).sum())
    log_patients = abs(log_odds) + 2 * math.log1p(math.exp(-abs(log_odds)))
    return (first**2 - second) * math.exp(top + log_patients)
