"""Group-sequential test of two arms by the pooled z of the results so far, with bounds from normal theory."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import ndtr, ndtri

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.errors import ComputationError, Fault
from anatrial.numerics import BoolArray, FloatArray, exact
from anatrial.numerics.normal_bounds import Normal, bounds
from anatrial.numerics.normal_looks import exits
from anatrial.numerics.two_by_two import z_grid
from anatrial.numerics.walk import NEAR
from anatrial.rules.base import LARGEST_ALPHA, SMALLEST, Dial, SidedTest
from anatrial.rules.z_bounds import (
    AnyEfficacy,
    AnyFutility,
    FutilitySpending,
    FutilityZ,
    GivenZ,
    asked_efficacy,
    asked_futility,
)

POWER = 0.8  # at which the inflation is told where no futility bound says for which power the trial is planned
LARGEST_FACTOR = 100.0
SLACK = 0.02  # of alpha: what written bounds may miss it by; two decimals of z leave 0.012

LookNumbers = Annotated[tuple[Annotated[int, Field(ge=1, le=6)], ...], Field(min_length=1, max_length=6)]

NAMES = {
    "obrien_fleming": "O'Brien-Fleming bounds",
    "pocock": "Pocock bounds",
    "wang_tsiatis": "Wang-Tsiatis bounds",
    "haybittle_peto": "Haybittle-Peto bounds",
    "z": "bounds as given",
    "spending_obrien_fleming": "O'Brien-Fleming type spending",
    "spending_pocock": "Pocock type spending",
    "hwang_shih_decani": "Hwang-Shih-DeCani spending",
    "spending_power": "power family spending",
}


class ZBounds(NamedTuple):
    """Bounds per look on the z scale, and what normal theory says of them; None where a look has no such bound."""

    information: tuple[float, ...]
    """Share of the information that the last look has."""
    efficacy: tuple[float | None, ...]
    levels: tuple[float | None, ...]
    """Nominal one-sided level of each efficacy bound."""
    futility: tuple[float | None, ...]
    beta: tuple[float | None, ...]
    """Chance of a stop for futility up to each look where the trial has its power; None without futility."""
    spent: tuple[float, ...]
    """Type I error used up after each look; that of counts differs, and is what the exact type I error tells."""
    inflation: float
    """Patients at the last look over those of a trial with one look and the same power, before ``alpha_factor``."""
    power: float
    """The power for which the inflation holds: 1 - beta, or 0.8 where no beta is spent."""


class GroupSequential(SidedTest):
    """Success at the first look whose pooled z reaches its bound; interim looks may also stop for futility.

    Bounds come from normal theory, for the information n_t n_c / (n_t + n_c) of each look relative to the last one
    (Jennison & Turnbull 2000, Group Sequential Methods with Applications to Clinical Trials; Lan & DeMets 1983). They
    hold alpha for large samples; the exact type I error of the counts stands beside it and may be higher.
    """

    kind: Literal["group_sequential"]
    efficacy: AnyEfficacy
    futility: AnyFutility | None = None
    efficacy_at: LookNumbers | None = None
    """Looks that may stop for efficacy, counted from 1; all of them unless said. The last one always belongs to it."""
    futility_at: LookNumbers | None = None
    """Looks that may stop for futility; all but the last unless said."""
    alpha_factor: Annotated[float, Field(gt=0, le=LARGEST_FACTOR)] = 1.0
    """A factor on the one-sided level of every look, such as ``anatrial calibrate`` finds."""

    @model_validator(mode="after")
    def _looks_in_order(self) -> Self:
        if self.one_sided >= LARGEST_ALPHA:
            raise ValueError(f"alpha {self.level:g} | a level below {LARGEST_ALPHA:g}")
        if self.two_sided and self.futility is not None:
            raise ValueError("alpha_two_sided with futility | alpha (one-sided), or no futility")
        if self.futility_at is not None and self.futility is None:
            raise ValueError("futility_at | futility, which says how the looks stop, or no futility_at")
        for name, at in (("efficacy_at", self.efficacy_at), ("futility_at", self.futility_at)):
            if at is not None and list(at) != sorted(set(at)):
                raise ValueError(f"{name} = {list(at)} | looks in rising order, each once")
        return self

    @property
    def interim(self) -> bool:
        """It decides at every look."""
        return True

    @property
    def binding(self) -> bool:
        """As the futility says."""
        return self.futility is None or self.futility.binding

    @property
    def dial(self) -> Dial | None:
        """The factor on the levels of all looks; futility bounds do not move with it."""
        return Dial(
            "alpha_factor", self.alpha_factor, strictest=min(self.alpha_factor, SMALLEST), loosest=LARGEST_FACTOR
        )

    def bounds(self, looks: tuple[Look, ...], power: float = POWER) -> ZBounds:
        """The bound of every look; ``ComputationError`` where there are none, which ``misfits`` tells before.

        ``power`` is that at which the inflation is told; futility that spends beta is planned for 1 - beta.
        """
        return _bounds(self, looks, power)

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Looks that are not there, written bounds of the wrong number, and bounds that cross or miss alpha."""
        last = len(looks)
        faults = list(self._look_faults(last)) or list(self._length_faults(last))
        yield from faults
        if faults:
            return
        try:
            found = self.bounds(looks)
        except ComputationError as error:
            fix = "move the bounds apart, spend the errors later, or drop a look"
            factor = self.alpha_factor != 1 and "alpha_factor" in str(error)
            place, fix = ("rule.alpha_factor", "a smaller factor") if factor else ("rule", fix)
            yield Fault(place, str(error), "bounds between which the trial can go on until its last look", fix)
            return
        spent = found.spent[-1]
        if isinstance(self.efficacy, GivenZ) and self.alpha_factor == 1 and abs(spent / self.level - 1) > SLACK:
            got, name = f"bounds that use up {spent:.4g}", "alpha_two_sided" if self.two_sided else "alpha"
            yield Fault(
                "rule.efficacy.bounds", got, f"bounds that use up alpha ({self.level:g})", f"{name} = {spent:.4g}"
            )

    def _look_faults(self, last: int) -> Iterator[Fault]:
        """Looks that the design does not have."""
        if self.efficacy_at is not None and self.efficacy_at[-1] != last:
            got, fix = f"{list(self.efficacy_at)}", f"end with {last}"
            yield Fault(
                "rule.efficacy_at", got, f"looks from 1 to {last}, with the last one: it must be able to succeed", fix
            )
        if self.futility_at is not None and self.futility_at[-1] >= last:
            yield Fault("rule.futility_at", f"{list(self.futility_at)}", f"interim looks, from 1 to {last - 1}")

    def _length_faults(self, last: int) -> Iterator[Fault]:
        """Written bounds, one per look that has them."""
        for place, family, at, fewer in (
            ("efficacy", self.efficacy, self.efficacy_at, 0),
            ("futility", self.futility, self.futility_at, 1),
        ):
            wanted = len(at) if at is not None else last - fewer
            if isinstance(family, GivenZ | FutilityZ) and len(family.bounds) != wanted:
                got, what = f"{len(family.bounds)} bounds", "look" if place == "efficacy" else "interim look"
                yield Fault(f"rule.{place}.bounds", got, f"{wanted}, one for each {what} that can stop for {place}")

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """Tables at or beyond the bounds; those within 1e-9 of a bound are decided in whole numbers."""
        found = self.bounds(looks)
        return tuple(
            _regions(look, efficacy, futility, both=self.two_sided)
            for look, efficacy, futility in zip(looks, found.efficacy, found.futility, strict=True)
        )

    def again(self, looks: tuple[Look, ...], index: int, over: Look) -> Regions:
        """Where z, with the patients of the pipeline, is beyond the bounds of the look that stopped the trial."""
        found = self.bounds(looks)
        return _regions(over, found.efficacy[index], found.futility[index], both=self.two_sided)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        where = "at any look" if self.efficacy_at is None else _numbers(self.efficacy_at)
        told = (
            f"Success if {where} the pooled z of {treatment} against {control} reaches its bound "
            f"({named(self.efficacy)}, {'two' if self.two_sided else 'one'}-sided alpha {self.level:g}"
        )
        told += ")" if self.alpha_factor == 1 else f", every level times {self.alpha_factor:g})"
        if self.two_sided:
            return f"{told}; harm if it reaches minus its bound."
        if self.futility is None:
            return f"{told}."
        where = "at an interim look" if self.futility_at is None else _numbers(self.futility_at)
        beta = f", beta {self.futility.beta:g}" if isinstance(self.futility, FutilitySpending) else ""
        binds = "binding" if self.binding else "not binding"
        return f"{told}; futility, {binds}, if {where} z is at or below its bound ({named(self.futility)}{beta})."


def _bounds(rule: GroupSequential, looks: tuple[Look, ...], power: float) -> ZBounds:
    """The bound of every look."""
    power = 1 - rule.futility.beta if isinstance(rule.futility, FutilitySpending) else power
    normal = _normal(rule.model_copy(update={"alpha_factor": 1.0}), looks, power)
    upper, spent = normal.upper, normal.spent
    if rule.alpha_factor != 1:
        upper, spent = _moved(rule, normal)
    floor = np.append(normal.lower[:-1], upper[-1])
    lost = np.cumsum(exits(normal.fractions, upper, floor, normal.drift).below).tolist()
    return ZBounds(
        information=tuple(normal.fractions.tolist()),
        efficacy=_finite(upper),
        levels=tuple(None if z is None else float(ndtr(-z)) for z in _finite(upper)),
        futility=tuple(None for _ in looks) if rule.futility is None else (*_finite(normal.lower[:-1]), None),
        beta=tuple(None if rule.futility is None else share for share in lost),
        spent=tuple(spent.tolist()),
        inflation=normal.inflation,
        power=power,
    )


@lru_cache(maxsize=4096)  # a size search asks at every size whether it fits, and only then for the regions
def _normal(rule: GroupSequential, looks: tuple[Look, ...], power: float) -> Normal:
    """The bounds before the factor: found once, however often regions and reports ask for them."""
    information = np.array([look.n_t * look.n_c / (look.n_t + look.n_c) for look in looks])
    fractions = information / information[-1]
    efficacy_at, futility_at = _at(rule.efficacy_at, len(looks)), _at(rule.futility_at, len(looks))
    futility_at[-1] = False
    return bounds(
        fractions,
        asked_efficacy(rule.efficacy, rule.one_sided, fractions, efficacy_at),
        asked_futility(rule.futility, fractions, futility_at),
        alpha=rule.one_sided,
        power=power,
        binding=rule.binding,
        symmetric=rule.two_sided,
    )


def _moved(rule: GroupSequential, normal: Normal) -> tuple[FloatArray, FloatArray]:
    """Efficacy bounds whose levels are multiplied by the factor, and the error that they use up."""
    levels = rule.alpha_factor * normal.levels
    if levels.max() >= 0.5:
        raise ComputationError(f"alpha_factor {rule.alpha_factor:g} makes the level of a look {levels.max():.4g}")
    moved, lower = -ndtri(levels), normal.lower[:-1]
    for look, (high, low) in enumerate(zip(moved[:-1], lower, strict=True), start=1):
        if low >= high:
            raise ComputationError(f"the bounds cross at look {look}: futility at z {low:.4g}, efficacy {high:.4g}")
    if rule.two_sided:
        both = exits(normal.fractions, moved, -moved, 0.0)
        return moved, np.cumsum(both.above + both.below)
    floor = np.append(lower, moved[-1]) if rule.binding else np.full(len(moved), -np.inf)
    return moved, np.cumsum(exits(normal.fractions, moved, floor, 0.0).above)


def _at(numbers: tuple[int, ...] | None, looks: int) -> BoolArray:
    """Which looks are meant; all of them unless said."""
    return np.array([numbers is None or look in numbers for look in range(1, looks + 1)])


def _finite(z: FloatArray) -> tuple[float | None, ...]:
    """Bounds with None for those that are infinite."""
    return tuple(value if np.isfinite(value) else None for value in z.tolist())


def _regions(look: Look, efficacy: float | None, futility: float | None, *, both: bool) -> Regions:
    """Tables with z at or above one bound, at or below the other; with ``both`` also harm, at the mirrored bound."""
    ties: list[Tie] = []
    none = np.zeros((look.n_t + 1, look.n_c + 1), dtype=np.bool_)
    z = z_grid(*look)
    success = none if efficacy is None else _beyond(look, z, efficacy, 1, ties) & (z > 0)
    harm = none if efficacy is None or not both else _beyond(look, z, -efficacy, -1, ties) & (z < 0)
    drop = None if futility is None else Region.from_grid(look, _beyond(look, z, futility, -1, ties) & ~success)
    return Regions(Region.from_grid(look, success), Region.from_grid(look, harm), tuple(ties), drop)


def _beyond(look: Look, z: FloatArray, bound: float, sign: Literal[-1, 1], ties: list[Tie]) -> BoolArray:
    """Tables with z at the bound or beyond it on the side of ``sign``; those within 1e-9 are told and settled."""
    found = np.asarray(sign * (z - bound) >= 0)
    for x_t, x_c in np.argwhere((np.abs(z - bound) < NEAR) & (z != 0)).tolist():  # a z of 0 is exact
        found[x_t, x_c] = sign * (_signed_square(look, x_t, x_c) - _square(exact.decimal(bound))) >= 0
        ties.append(Tie(x_t, x_c, float(z[x_t, x_c]), "z squared, in whole numbers"))
    return found


def _signed_square(look: Look, x_t: int, x_c: int) -> Fraction:
    """The z of a table times its own size, which rises with z."""
    lead, total, n = x_t * look.n_c - x_c * look.n_t, x_t + x_c, look.n_t + look.n_c
    return Fraction(lead * abs(lead) * n, total * (n - total) * look.n_t * look.n_c)


def _square(z: Fraction) -> Fraction:
    """A bound times its own size."""
    return z * abs(z)


def named(family: AnyEfficacy | AnyFutility) -> str:
    """A family in words, with its number."""
    numbers = [f"{key} {getattr(family, key):g}" for key in ("delta", "z", "gamma", "exponent") if hasattr(family, key)]
    written = [", ".join(f"{bound:g}" for bound in family.bounds)] if isinstance(family, GivenZ | FutilityZ) else []
    return " ".join([NAMES[family.family], *numbers, *written])


def _numbers(looks: tuple[int, ...]) -> str:
    """Looks by number."""
    return f"at look{'s' if len(looks) > 1 else ''} {', '.join(map(str, looks))}"
