"""The same patients counted by another definition of response: what that would have meant for this design."""

from typing import Self

from pydantic import model_validator

from anatrial.spec import Name, Spec, Text
from anatrial.truths.base import ArmRates


class ArmIds(Spec):
    """Arms of a study by their ids in the indication file; no control in a trial with one arm."""

    treatment: Name
    control: Name | None = None


class Definition(Spec):
    """One way to count response: an endpoint of the indication, with what a study saw or with rates written out."""

    endpoint: Name
    study: Name | None = None
    arms: ArmIds | None = None
    """Arms of ``study`` whose counts are taken."""
    visit: Text | None = None
    """Which visit, where the study has several for this endpoint."""
    rates: ArmRates | None = None
    why: Text | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.study is None) == (self.rates is None):
            raise ValueError(f"{'neither' if self.study is None else 'both'} | a study with its arms, or rates")
        if (self.study is None) != (self.arms is None):
            raise ValueError(f"{'arms' if self.study is None else 'a study'} alone | a study with its arms, or rates")
        if self.visit is not None and self.study is None:
            raise ValueError("a visit with rates | a visit of a study")
        return self
