"""No effect: every success is a false one."""

from typing import Literal, Self

from pydantic import Field, model_validator

from anatrial.spec import Rate, Spec, Text
from anatrial.truths.base import Truth


class RateRange(Spec):
    """Rates from the lowest to the highest."""

    lowest: Rate = Field(alias="from")
    highest: Rate = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"{self.lowest:g} to {self.highest:g} | a range whose start is at most its end")
        return self


class NoEffect(Truth):
    """The rates lie at the edge of no effect; the worst plausible control rate counts.

    With a margin, treatment rate = control rate + margin. In a single-arm trial ``control`` is the range of the rate
    that the treatment would have if it did nothing.
    """

    kind: Literal["no_effect"]
    control: RateRange
    why: Text
    rates_among: Literal["randomised"] = "randomised"
