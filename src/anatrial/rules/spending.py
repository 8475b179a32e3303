"""Families that say how much error a look may use up, as a person writes them."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.numerics import FloatArray, spending
from anatrial.spec import Spec


class Spending(Spec):
    """How the error is spread over the looks, as a function of the share of information seen so far."""

    def spent(self, total: float, fractions: FloatArray) -> FloatArray:
        """Error that may be used up to each look, cumulative; fractions in (0, 1], the result has their shape."""
        raise TypeError(total, fractions)


class SpendingOBrienFleming(Spending):
    """Little at first, nearly all at the end (Lan & DeMets 1983)."""

    family: Literal["spending_obrien_fleming"]

    def spent(self, total: float, fractions: FloatArray) -> FloatArray:
        """Error that may be used up to each look, cumulative."""
        return spending.obrien_fleming(total, fractions)


class SpendingPocock(Spending):
    """Much of it early (Lan & DeMets 1983)."""

    family: Literal["spending_pocock"]

    def spent(self, total: float, fractions: FloatArray) -> FloatArray:
        """Error that may be used up to each look, cumulative."""
        return spending.pocock(total, fractions)


class HwangShihDeCani(Spending):
    """Between the two, by one number (Hwang, Shih & De Cani 1990)."""

    family: Literal["hwang_shih_decani"]
    gamma: Annotated[float, Field(ge=-40, le=40)]
    """The higher, the earlier the error is spent: -4 resembles O'Brien and Fleming, 1 Pocock, 0 spends evenly."""

    def spent(self, total: float, fractions: FloatArray) -> FloatArray:
        """Error that may be used up to each look, cumulative."""
        return spending.hwang_shih_decani(total, fractions, self.gamma)


class SpendingPower(Spending):
    """A power of the share of information (Kim & DeMets 1987)."""

    family: Literal["spending_power"]
    exponent: Annotated[float, Field(gt=0, le=20)]
    """The higher, the later the error is spent; 1 spends evenly."""

    def spent(self, total: float, fractions: FloatArray) -> FloatArray:
        """Error that may be used up to each look, cumulative."""
        return spending.power_family(total, fractions, self.exponent)


AnySpending = Annotated[
    SpendingOBrienFleming | SpendingPocock | HwangShihDeCani | SpendingPower, Field(discriminator="family")
]
