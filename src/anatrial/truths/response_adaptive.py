"""The realities of a trial with adaptive allocation: known rates, or no effect at several control rates."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.spec import Rate, Text
from anatrial.truths.base import Truth
from anatrial.truths.several_arms import SeveralPoints


class AdaptiveNoEffect(Truth):
    """Every arm responds at the same rate, each of those stated in turn: every success is an error."""

    kind: Literal["no_effect"]
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=50)]
    why: Text

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        lowest, highest = min(self.rates), max(self.rates)
        rates = f"rate {lowest:g}" if lowest == highest else f"{len(self.rates)} rates from {lowest:g} to {highest:g}"
        return f"{treatment} is no better than {control}, {rates}"


ResponseAdaptiveTruth = Annotated[AdaptiveNoEffect | SeveralPoints, Field(discriminator="kind")]
