"""Type I error: at a rate, along rates, at its worst, and on average."""

from __future__ import annotations

import numpy as np

from anatrial.domain.counts import Regions
from anatrial.domain.results import ROUNDING, Curve, Estimate
from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, beta, tables
from anatrial.numerics.binomial import binomial
from anatrial.numerics.supremum import Supremum, supremum
from anatrial.numerics.two_by_two import hypergeometric


def along(regions: Regions, control: FloatArray, margin: float) -> FloatArray:
    """P(success) + P(harm) where treatment rate = control rate + margin, shape of ``control``.

    Without a control arm the control rate is that of an idle treatment, so the sum is over one arm.
    """
    look, both = regions.success.look, np.concatenate([regions.success.array, regions.harm.array])
    rows = max(1, tables.BLOCK_CELLS // (look.n_t + look.n_c + 2))
    found = np.empty(len(control))
    for start in range(0, len(control), rows):
        rates = control[start : start + rows]
        law_t = binomial(look.n_t, np.clip(rates + margin, 0.0, 1.0))
        found[start : start + rows] = tables.paired(both, law_t, binomial(look.n_c, rates))
    return found


def worst(regions: Regions, ends: tuple[float, float], margin: float) -> Supremum:
    """Largest type I error with the control rate in ``ends``, and its proven bound.

    With a margin the edge of the null is enough only where the success region is a staircase; every rule with a margin
    has one, and a region that has none raises ``ComputationError`` instead of an unproven number.
    """
    look = regions.success.look
    if margin != 0 and regions.success.staircase is None:
        raise ComputationError(
            "the success region is no staircase, so the edge of the null does not bound the type I error"
        )
    if look.n_c == 0 and regions.success.staircase is not None and not regions.harm.runs:
        highest = float(along(regions, np.array(ends[1:]), margin)[0])  # it only rises with the rate of the one arm
        return Supremum(highest, ends[1], highest)
    sizes = (look.n_t, look.n_c)
    return supremum(lambda rates: along(regions, rates, margin), ends, sizes, margin=margin)


def estimate(found: Supremum) -> Estimate:
    """The certificate [found, proven upper bound] as an estimate."""
    return Estimate(found.found, found.found, found.bound)


def curve(regions: Regions, rates: FloatArray, margin: float) -> Curve:
    """Type I error at each control rate."""
    return Curve("type1_curve", tuple(rates.tolist()), tuple(along(regions, rates, margin).tolist()))


def average(regions: Regions, prior: FloatArray) -> float:
    """Type I error with both arms at one rate drawn from a beta mixture of shape (K, 3).

    Given the total of responders, the counts are hypergeometric whatever the rate; the total is beta-binomial.
    """
    look = regions.success.look
    total = beta.beta_binomial(prior, look.n_t + look.n_c)
    # P(x_t, x_c) = P(total) * C(n_t, x_t) C(n_c, x_c) / C(n, total), summed over the runs of both regions
    given_total, _ = hypergeometric(look.n_t, look.n_c)
    weighted = total[:, None] * given_total
    mass = 0.0
    for x_c, first, last in (*regions.success.runs, *regions.harm.runs):
        x_t = np.arange(first, last + 1)
        mass += float(weighted[x_t + x_c, x_t].sum())
    return mass


def first_crossing(regions: Regions, promised: float, margin: float, start: float, end: float) -> float | None:
    """The control rate closest to ``start`` on the way to ``end`` at which type I error passes ``promised``.

    Found on 500 steps and then bisected to 1e-6; None where it never does on that grid.
    """
    rates = np.linspace(start, end, 501)
    above = along(regions, rates, margin) > promised + ROUNDING
    if not above.any():
        return None
    index = int(np.argmax(above))
    if index == 0:
        return float(rates[0])
    inside, outside = float(rates[index - 1]), float(rates[index])
    while abs(outside - inside) > 1e-6:
        middle = 0.5 * (inside + outside)
        if along(regions, np.array([middle]), margin)[0] > promised + ROUNDING:
            outside = middle
        else:
            inside = middle
    return outside
