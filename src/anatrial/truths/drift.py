"""A shift of the control rate away from its history, with its reason."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from anatrial.spec import Spec, Text


class Drift(Spec):
    """How far the control rate may have moved since history was seen; both directions and half of it are tried."""

    log_odds: Annotated[float, Field(ge=-5, le=5)]
    """log(rate / (1 - rate)) now minus then; 0.99 is what placebo ASAS20 did between eras."""
    why: Text

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.log_odds == 0:
            raise ValueError("0 | a shift; without [drift] the one seen in published controls is tried")
        return self
