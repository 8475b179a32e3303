"""Type I error: at a rate, along rates, at its worst, and on average."""

from __future__ import annotations

from functools import partial

import numpy as np

from anatrial.domain.results import ROUNDING, Curve, Estimate
from anatrial.engine.course import Course, Trial, errors
from anatrial.numerics import BoolArray, FloatArray, beta, tables
from anatrial.numerics.binomial import binomial
from anatrial.numerics.supremum import Supremum, supremum
from anatrial.numerics.supremum_area import Null, Side, supremum_area
from anatrial.numerics.two_by_two import hypergeometric
from anatrial.numerics.unconditional import shared_rate_supremum
from anatrial.truths.base import Law

GAP = 1e-9  # between the largest value found and its proven bound: closer costs next to nothing


def along(trial: Trial, control: FloatArray, *margins: float) -> FloatArray:
    """P(success) + P(harm) where treatment rate = control rate + margin, shape of ``control``; the larger of two.

    Without a control arm the control rate is that of an idle treatment, so the sum is over one arm.
    """
    edges = [_along_one(trial, control, margin) for margin in margins]
    if len(edges) > 1:  # of two edges one may end where the other goes on
        edges = [
            np.where(abs(control + m - 0.5) <= 0.5 + ROUNDING, edge, 0.0)
            for edge, m in zip(edges, margins, strict=True)
        ]
    return np.asarray(np.max(edges, axis=0))


def _along_one(trial: Trial, control: FloatArray, margin: float) -> FloatArray:
    look = trial.look
    rows = max(1, tables.BLOCK_CELLS // (look.n_t + look.n_c + 2))
    found = np.empty(len(control))
    for start in range(0, len(control), rows):
        rates = control[start : start + rows]
        law = Law(binomial(look.n_t, np.clip(rates + margin, 0.0, 1.0)), binomial(look.n_c, rates))
        found[start : start + rows] = errors(trial, law)
    return found


def worst(trial: Trial, ends: tuple[float, float], *margins: float) -> Supremum:
    """Largest type I error with the control rate in ``ends``, and its proven bound.

    No effect is a difference of rates at or below the first margin, and where there is a second at or above that one;
    a margin of 0, and any margin of a rule that also looks for harm, means a difference of just so much. The edge is
    enough where more treatment responders never lose a success, nor fewer control responders; else every pair of rates
    without effect is searched.
    """
    look, margin, edge_only = trial.look, margins[0], margins == (0.0,) or bool(trial.harm.grid.any())
    monotone = trial.error.monotone if isinstance(trial, Course) else trial.success.staircase is not None
    if len(margins) > 1 or not (edge_only or monotone):
        return _worst_anywhere(trial, ends, margins)
    if look.n_c == 0 and monotone and (isinstance(trial, Course) or not trial.harm.runs):
        highest = float(along(trial, np.array(ends[1:]), margin)[0])  # it only rises with the rate of the one arm
        return Supremum(highest, ends[1], highest)
    if margin == 0:
        return shared_rate_supremum(_rejects(trial), ends, gap=GAP)
    sizes = (look.n_t, look.n_c)
    return supremum(lambda rates: along(trial, rates, margin), ends, sizes, margin=margin, gap=GAP)


def _rejects(trial: Trial) -> FloatArray | BoolArray:
    """P(success or harm | last counts), as type I error counts it."""
    return trial.error.grid if isinstance(trial, Course) else trial.success.grid | trial.harm.grid


def _worst_anywhere(trial: Trial, ends: tuple[float, float], margins: tuple[float, ...]) -> Supremum:
    """Largest type I error over all pairs of rates without effect, on the edges and inside."""
    chance = trial.error.grid if isinstance(trial, Course) else trial.success.grid.astype(np.float64)
    sides: tuple[Side, ...] = ("at_most", "at_least")
    found = [
        supremum_area(chance, Null(margin, ends, side), partial(_along_one, trial, margin=margin))
        for margin, side in zip(margins, sides, strict=False)
    ]
    return max(found)._replace(bound=max(part.bound for part in found))


def estimate(found: Supremum) -> Estimate:
    """The certificate [found, proven upper bound] as an estimate."""
    return Estimate(found.found, found.found, found.bound)


def curve(trial: Trial, rates: FloatArray, *margins: float) -> Curve:
    """Type I error at each control rate, on the edge of no effect; on the worse of two."""
    return Curve("type1_curve", tuple(rates.tolist()), tuple(along(trial, rates, *margins).tolist()))


def average(trial: Trial, prior: FloatArray) -> float:
    """Type I error with both arms at one rate drawn from a beta mixture of shape (K, 3).

    Given the total of responders, the counts are hypergeometric whatever the rate; the total is beta-binomial.
    """
    look = trial.look
    total = beta.beta_binomial(prior, look.n_t + look.n_c)
    # P(x_t, x_c) = P(total) * C(n_t, x_t) C(n_c, x_c) / C(n, total), summed over the tables that reject
    weighted = total[:, None] * hypergeometric(look.n_t, look.n_c)[0]
    if isinstance(trial, Course):
        counts_t, counts_c = np.ogrid[: look.n_t + 1, : look.n_c + 1]
        return float((weighted[counts_t + counts_c, counts_t] * trial.error.grid).sum())
    mass = 0.0
    for x_c, first, last in (*trial.success.runs, *trial.harm.runs):
        x_t = np.arange(first, last + 1)
        mass += float(weighted[x_t + x_c, x_t].sum())
    return mass


def first_crossing(trial: Trial, promised: float, span: tuple[float, float], *margins: float) -> float | None:
    """The control rate closest to the start of ``span`` at which type I error passes ``promised``.

    Found on 500 steps and then bisected to 1e-6; None where it never does on that grid.
    """
    rates = np.linspace(*span, 501)
    above = along(trial, rates, *margins) > promised + ROUNDING
    if not above.any():
        return None
    index = int(np.argmax(above))
    if index == 0:
        return float(rates[0])
    inside, outside = float(rates[index - 1]), float(rates[index])
    while abs(outside - inside) > 1e-6:
        middle = 0.5 * (inside + outside)
        if along(trial, np.array([middle]), *margins)[0] > promised + ROUNDING:
            outside = middle
        else:
            inside = middle
    return outside
