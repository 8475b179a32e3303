"""The realities of a trial with one control and several doses: rates known, uncertain, or without effect."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.domain.prior import PriorRef
from anatrial.spec import Name, Rate, Spec, Text
from anatrial.truths.base import Truth
from anatrial.truths.no_effect import RateRange


class DoseRates(Spec):
    """A responder rate per arm."""

    control: Rate
    doses: dict[Name, Rate]


class SeveralPoints(Truth):
    """The rates are known."""

    kind: Literal["points"]
    rates: DoseRates

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        del treatment
        doses = ", ".join(f"{name} {rate:g}" for name, rate in self.rates.doses.items())
        return f"the rates are {doses} v {control} {self.rates.control:g}"


class SeveralPriors(Truth):
    """The rates are drawn from priors, independent between arms."""

    kind: Literal["design_prior"]
    control: PriorRef
    doses: dict[Name, PriorRef]

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        return f"the rates are as uncertain as what is believed now of {treatment} and {control}"


class SeveralNoEffect(Truth):
    """Some doses respond like the control, at the worst of a range of rates; every success of one of them is an error.

    Without more all doses are without effect (weak control). ``effective`` states the rates of doses that do work.
    ``strong`` asks for the worst of everything: whichever doses are without effect, whatever the rates of the others.
    """

    kind: Literal["no_effect"]
    control: RateRange
    effective: dict[Name, Rate] = {}
    strong: bool = False
    why: Text

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        at = f"{control} rates {self.control.lowest:.2f}-{self.control.highest:.2f}"
        if self.strong:
            return f"any doses of {treatment} do nothing and the others anything, {at}"
        if self.effective:
            doses = ", ".join(f"{name} {rate:g}" for name, rate in self.effective.items())
            return f"{treatment} works as {doses} and does nothing at other doses, {at}"
        return f"no dose of {treatment} does anything, {at}"


SeveralArmsTruth = Annotated[SeveralNoEffect | SeveralPoints | SeveralPriors, Field(discriminator="kind")]
