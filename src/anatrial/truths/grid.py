"""Every combination of some treatment and control rates."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.counts import Look
from anatrial.numerics.binomial import binomial
from anatrial.spec import Rate, Spec
from anatrial.truths.base import Law, RateTruth

Rates = Annotated[tuple[Rate, ...], Field(min_length=1, max_length=200)]


class RateLists(Spec):
    """Rates to combine."""

    treatment: Rates
    control: Rates | None = None


class Grid(RateTruth):
    """A table of rates; a target on it must hold at the worst of them."""

    kind: Literal["grid"]
    rates: RateLists

    def trial_rates(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Rates of responders in the analysis, treatment and control, after drop-out."""
        kept_t, kept_c = self.dropout.kept() if self.dropout else (1.0, 1.0)
        return tuple(r * kept_t for r in self.rates.treatment), tuple(r * kept_c for r in self.rates.control or (0.0,))

    def law(self, look: Look) -> Law:
        """Binomial laws, one row per rate; to be crossed, not paired."""
        rates_t, rates_c = self.trial_rates()
        return Law(binomial(look.n_t, np.array(rates_t)), binomial(look.n_c, np.array(rates_c)))
