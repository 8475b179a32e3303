"""When a trial with adaptive allocation succeeds: what is believed of each dose at the end, or Fisher's test."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.domain.prior import PriorRef
from anatrial.rules.base import Alpha
from anatrial.spec import Name, OpenRate, Spec


class AdaptivePriors(Spec):
    """What the analysis assumes of each arm before it sees the trial's data."""

    control: PriorRef
    doses: dict[Name, PriorRef]


class AdaptivePosterior(Spec):
    """A dose succeeds where P(its rate > control rate | data) exceeds the certainty at the end, strictly.

    With ``early_certainty`` the trial stops with success after the burn-in or a block where a dose exceeds that.
    """

    kind: Literal["posterior"]
    certainty: OpenRate
    early_certainty: OpenRate | None = None
    analysis_prior: AdaptivePriors

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        early = f"; early, before the end, at {self.early_certainty:.12g}" if self.early_certainty is not None else ""
        return f"Success if P({treatment} rate > {control} rate | data) > {self.certainty:.12g} for a dose{early}."


class AdaptiveFisher(Spec):
    """A dose succeeds where Fisher's one-sided test of the final table of it and the control has p <= alpha.

    The table is read as if its margins had been fixed; they were not, so that alpha does not hold by itself.
    """

    kind: Literal["fisher"]
    alpha: Alpha

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        test = "Fisher's exact test of the final table"
        return f"Success if {test} finds a dose of {treatment} better than {control}, one-sided p <= {self.alpha:g}."


ResponseAdaptiveRule = Annotated[AdaptiveFisher | AdaptivePosterior, Field(discriminator="kind")]
