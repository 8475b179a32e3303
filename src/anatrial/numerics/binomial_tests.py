"""Exact p-values of one arm against a fixed rate."""

from __future__ import annotations

import numpy as np

from anatrial.numerics.binomial import binomial

SAME = 1 + 1e-9  # two counts are equally likely if their probabilities agree to this ratio


def binomial_p_values(x: int, n: int, rate: float) -> dict[str, float]:
    """The exact binomial p-values of ``x`` of ``n`` against a rate in (0, 1), by name.

    Source: Clopper & Pearson (1934), Biometrika 26:404-413, for the tails; the two-sided sum over counts that are no
    more likely is the one of R's ``binom.test``.
    """
    law = binomial(n, np.array([rate]))[0]
    higher, lower = float(law[x:].sum()), float(law[: x + 1].sum())
    return {
        "binomial two-sided": min(1.0, float(law[law <= law[x] * SAME].sum())),
        "binomial doubled": min(1.0, 2 * min(higher, lower)),
        "binomial one-sided, rate higher": min(1.0, higher),
        "binomial one-sided, rate lower": min(1.0, lower),
    }
