"""Families of bounds on the z of a group-sequential test, for efficacy and for futility, as a person writes them."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.numerics import BoolArray, FloatArray
from anatrial.numerics.normal_bounds import Asked
from anatrial.rules.spending import HwangShihDeCani, SpendingOBrienFleming, SpendingPocock, SpendingPower
from anatrial.spec import Spec

Z = Annotated[float, Field(gt=-10, lt=10)]
PositiveZ = Annotated[float, Field(gt=0, lt=10)]


class Scaled(Spec):
    """A shape of the bounds; the number that multiplies it is found so that all of alpha is used up."""

    def shape(self, fractions: FloatArray) -> FloatArray:
        """Bounds up to a factor; information fractions in (0, 1], the result has their shape."""
        raise TypeError(fractions)


class OBrienFleming(Scaled):
    """z falls as 1 / sqrt(t): hard to pass at first, near the usual value at the end (O'Brien & Fleming 1979)."""

    family: Literal["obrien_fleming"]

    def shape(self, fractions: FloatArray) -> FloatArray:
        """Bounds up to a factor."""
        return 1.0 / np.sqrt(fractions)


class Pocock(Scaled):
    """The same z at every look (Pocock 1977)."""

    family: Literal["pocock"]

    def shape(self, fractions: FloatArray) -> FloatArray:
        """Bounds up to a factor."""
        return np.ones_like(fractions)


class WangTsiatis(Scaled):
    """z is proportional to t^(delta - 0.5): delta 0 is O'Brien and Fleming's, 0.5 Pocock's (Wang & Tsiatis 1987)."""

    family: Literal["wang_tsiatis"]
    delta: Annotated[float, Field(ge=-1, le=1)]

    def shape(self, fractions: FloatArray) -> FloatArray:
        """Bounds up to a factor."""
        return np.asarray(fractions ** (self.delta - 0.5))


class HaybittlePeto(Spec):
    """The same high z at every look but the last, whose bound uses up the rest of alpha (Haybittle 1971, Peto 1976)."""

    family: Literal["haybittle_peto"]
    z: PositiveZ = 3.0


class GivenZ(Spec):
    """Bounds as they are written, one for each look that can stop for efficacy; they must use up alpha."""

    family: Literal["z"]
    bounds: Annotated[tuple[PositiveZ, ...], Field(min_length=1, max_length=6)]


AnyEfficacy = Annotated[
    OBrienFleming
    | Pocock
    | WangTsiatis
    | HaybittlePeto
    | GivenZ
    | SpendingOBrienFleming
    | SpendingPocock
    | HwangShihDeCani
    | SpendingPower,
    Field(discriminator="family"),
]


class Futility(Spec):
    """When an interim look stops for lack of effect: at or below its bound."""

    binding: bool = False
    """Whether the trial must stop there; if not, type I error is computed as if it never did."""


class FutilityZ(Futility):
    """Bounds as they are written, one for each interim look that can stop for futility; 0 is no difference."""

    family: Literal["z"]
    bounds: Annotated[tuple[Z, ...], Field(min_length=1, max_length=5)]


class FutilitySpending(Futility):
    """Bounds that use up the type II error ``beta`` at the effect for which the power is 1 - beta."""

    beta: Annotated[float, Field(gt=0, lt=0.5)]


class FutilityOBrienFleming(SpendingOBrienFleming, FutilitySpending):
    """Little of beta at first, nearly all at the end."""


class FutilityPocock(SpendingPocock, FutilitySpending):
    """Much of beta early."""


class FutilityHwangShihDeCani(HwangShihDeCani, FutilitySpending):
    """Between the two, by gamma."""


class FutilityPower(SpendingPower, FutilitySpending):
    """A power of the share of information."""


AnyFutility = Annotated[
    FutilityZ | FutilityOBrienFleming | FutilityPocock | FutilityHwangShihDeCani | FutilityPower,
    Field(discriminator="family"),
]


def asked_efficacy(family: AnyEfficacy, alpha: float, fractions: FloatArray, at: BoolArray) -> Asked:
    """What the efficacy bounds shall be: information fractions, and at which looks there is one, shape (looks,) each.

    A family with written bounds has as many as there are such looks.
    """
    unknown = np.full(len(fractions), np.nan)
    match family:
        case Scaled():
            return Asked(np.where(at, family.shape(fractions), np.inf), unknown, scaled=True)
        case HaybittlePeto():
            z = np.full(len(fractions), family.z)
            z[-1] = np.nan
            return Asked(np.where(at, z, np.inf), np.full(len(fractions), alpha))
        case GivenZ():
            return Asked(_placed(family.bounds, at, np.inf), unknown)
        case _:
            return Asked(np.where(at, np.nan, np.inf), family.spent(alpha, fractions))


def asked_futility(family: AnyFutility | None, fractions: FloatArray, at: BoolArray) -> Asked:
    """What the futility bounds shall be; ``at`` is false at the last look, where the test ends anyway."""
    unknown = np.full(len(fractions), np.nan)
    match family:
        case None:
            return Asked(np.full(len(fractions), -np.inf), unknown)
        case FutilityZ():
            return Asked(_placed(family.bounds, at, -np.inf), unknown)
        case _:
            return Asked(np.where(at, np.nan, -np.inf), family.spent(family.beta, fractions))


def _placed(bounds: tuple[float, ...], at: BoolArray, elsewhere: float) -> FloatArray:
    """Bounds at the looks that have one."""
    z = np.full(len(at), elsewhere)
    z[at] = bounds
    return z
