"""What is assumed of a randomised withdrawal: who responds to the run-in, and who stays free of flare in each arm."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.domain.prior import PriorRef
from anatrial.numerics import FloatArray
from anatrial.numerics.binomial import binomial
from anatrial.spec import Rate, RateDifference, Spec, Text
from anatrial.truths.base import Truth
from anatrial.truths.no_effect import RateRange


class KnownRunIn(Truth):
    """The run-in rate is known."""

    run_in: Rate
    """Share of the enrolled who respond and are randomised."""

    def responders(self, enrolled: int) -> FloatArray:
        """Probabilities of 0 to ``enrolled`` responders, shape (enrolled + 1,): binomial."""
        return np.asarray(binomial(enrolled, np.array([self.run_in]))[0])


class NoFlareRates(Spec):
    """Share of the randomised who are free of flare at the visit."""

    treatment: Rate
    control: Rate


class WithdrawalPoints(KnownRunIn):
    """Known rates after randomisation."""

    kind: Literal["points"]
    no_flare: NoFlareRates

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        return (
            f"{self.run_in:.0%} respond, then {self.no_flare.treatment:.0%} v {self.no_flare.control:.0%} have no flare"
        )


class NoFlarePriors(Spec):
    """What is known of the share without a flare in each arm."""

    treatment: PriorRef
    control: PriorRef


class WithdrawalPriors(Truth):
    """Rates drawn from priors, independent of each other: the chance of success is the assurance."""

    kind: Literal["design_prior"]
    run_in: PriorRef
    """Prior of the share of the enrolled who respond and are randomised."""
    no_flare: NoFlarePriors
    true_effect: RateDifference | None = None
    """A success is a true one where treatment - control exceeds this; by default the rule's margin."""

    def responders(self, enrolled: int) -> FloatArray:
        """Probabilities of 0 to ``enrolled`` responders, shape (enrolled + 1,): beta-binomial."""
        return self.run_in.mixture().predictive(enrolled)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        rates = (ref.mixture().mean for ref in (self.run_in, self.no_flare.treatment, self.no_flare.control))
        return "about {:.0%} respond, then about {:.0%} v {:.0%} have no flare".format(*rates)


class WithdrawalNoEffect(KnownRunIn):
    """Going on does nothing: both arms stay free of flare at the same rate, the worst of a range."""

    kind: Literal["no_effect"]
    no_flare: RateRange
    why: Text

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        span = f"{self.no_flare.lowest:.0%}-{self.no_flare.highest:.0%}"
        return f"{self.run_in:.0%} respond, then as many in both arms ({span}) have no flare"


AnyWithdrawalTruth = Annotated[WithdrawalPoints | WithdrawalPriors | WithdrawalNoEffect, Field(discriminator="kind")]
