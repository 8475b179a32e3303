"""One rate per arm."""

from typing import Literal

import numpy as np

from anatrial.domain.counts import Look
from anatrial.numerics.binomial import binomial
from anatrial.truths.base import ArmRates, Law, RateTruth


class Points(RateTruth):
    """The rates are known: the laws are binomial."""

    kind: Literal["points"]
    rates: ArmRates

    def trial_rates(self) -> tuple[float, float]:
        """Rates of responders in the analysis, treatment and control, after drop-out."""
        kept_t, kept_c = self.dropout.kept() if self.dropout else (1.0, 1.0)
        return self.rates.treatment * kept_t, (self.rates.control or 0.0) * kept_c

    def law(self, look: Look) -> Law:
        """One pair of binomial laws."""
        rate_t, rate_c = self.trial_rates()
        return Law(binomial(look.n_t, np.array([rate_t])), binomial(look.n_c, np.array([rate_c])))
