"""What we really know: rates drawn from priors, independent between arms."""

from typing import Literal

import numpy as np

from anatrial.domain.counts import Look
from anatrial.domain.prior import PriorRef
from anatrial.spec import RateDifference
from anatrial.truths.base import Law, Truth


class DesignPrior(Truth):
    """The rates are uncertain: the laws are beta-binomial mixtures, and the chance of success is the assurance.

    Source: O'Hagan, Stevens & Campbell (2005), Pharm. Stat. 4:187-201.
    """

    kind: Literal["design_prior"]
    treatment: PriorRef
    control: PriorRef | None = None
    true_effect: RateDifference | None = None
    """A success is a true one where treatment - control exceeds this; by default the rule's margin."""
    rates_among: Literal["randomised"] = "randomised"

    def law(self, look: Look) -> Law:
        """The predictive law of each arm; arms are independent, so their product is the law of the trial."""
        control = self.control.mixture().predictive(look.n_c) if self.control else np.ones(1)
        return Law(self.treatment.mixture().predictive(look.n_t)[None, :], control[None, :])
