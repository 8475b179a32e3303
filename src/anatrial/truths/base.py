"""What every truth shares: rates per arm and drop-out."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from anatrial.numerics import FloatArray
from anatrial.spec import Rate, Spec, Text


class Law(NamedTuple):
    """Probabilities of 0..n responders per arm: rows are assumptions, shapes (m, n_t + 1) and (m, n_c + 1)."""

    treatment: FloatArray
    control: FloatArray


class DropOut(Spec):
    """Share of each arm that leaves before the endpoint is seen, and how they are counted.

    ``as_non_responders``: rates among completers are multiplied by one minus the share. ``excluded``: they leave the
    analysis; rates stay, and more patients must be randomised.
    """

    treatment: Annotated[float, Field(ge=0, lt=1)]
    control: Annotated[float, Field(ge=0, lt=1)] | None = None
    counted: Literal["as_non_responders", "excluded"] = "as_non_responders"

    def kept(self) -> tuple[float, float]:
        """Factor on the completer rates, treatment and control."""
        if self.counted == "excluded":
            return 1.0, 1.0
        return 1 - self.treatment, 1 - (self.control or 0.0)


class Truth(Spec):
    """The reality assumed."""

    why: Text | None = None


class RateTruth(Truth):
    """Rates that are stated, among the randomised or among completers."""

    rates_among: Literal["randomised", "completers"] = "randomised"
    dropout: DropOut | None = None

    def drop_out_faults(self) -> list[tuple[str, str, str, str]]:
        """What is wrong with the drop-out, as (where, got, expected, fix)."""
        if self.dropout is not None and self.rates_among == "randomised":
            got = "a drop-out on rates among the randomised, which already count it"
            fix = 'say rates_among = "completers" if they are, or leave the drop-out out'
            return [("dropout", got, "rates among completers, or no drop-out", fix)]
        if self.dropout is None and self.rates_among == "completers":
            fix = "add dropout = { treatment = ..., control = ... } (0 where nobody leaves)"
            return [("dropout", "nothing", "the drop-out that turns completer rates into trial rates", fix)]
        return []


class ArmRates(Spec):
    """A responder rate per arm; no control rate in a single-arm trial."""

    treatment: Rate
    control: Rate | None = None
