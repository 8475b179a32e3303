"""What a patient may reach in a trial with several endpoints, and how a file says how many reach it."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray, dependence
from anatrial.spec import Count, Name, Rate, Spec, nearest

NOBODY = "none"
CellName = Annotated[str, Field(pattern=r"^[a-z0-9-]+( \+ [a-z0-9-]+)*$", max_length=400)]


class Layout(NamedTuple):
    """What a patient may reach, and which endpoints that makes."""

    endpoints: tuple[str, ...]
    parts: tuple[str, ...]
    """The nested endpoints from the easiest on, or the components."""
    needs: tuple[tuple[str, ...], ...]
    """The components that each endpoint asks for; empty for nested endpoints."""

    @property
    def nested(self) -> bool:
        """Whether the parts are levels of one outcome."""
        return not self.needs

    @property
    def met(self) -> BoolArray:
        """Which parts the patients of each cell meet, shape (cells, parts)."""
        if self.nested:
            return np.tri(len(self.parts) + 1, len(self.parts), -1, dtype=np.bool_)
        return np.asarray(dependence.held(len(self.parts)), dtype=np.bool_)

    @property
    def reached(self) -> BoolArray:
        """Which endpoints the patients of each cell reach, shape (cells, endpoints)."""
        if self.nested:
            return self.met
        met = self.met
        return np.column_stack([met[:, [self.parts.index(n) for n in need]].all(axis=1) for need in self.needs])

    @property
    def cells(self) -> tuple[str, ...]:
        """The name of each cell: the last level reached, or the components that are met."""
        if self.nested:
            return (NOBODY, *self.parts)
        names = (" + ".join(np.array(self.parts)[row]) for row in self.met)
        return tuple(name or NOBODY for name in names)

    def rates(self, cells: FloatArray) -> tuple[float, ...]:
        """The rate of each endpoint from the shares of the cells."""
        return tuple((cells @ self.reached).tolist())


class Arms(NamedTuple):
    """Shares of the cells per arm, each of shape (cells,); control None in a single-arm trial."""

    treatment: FloatArray
    control: FloatArray | None


class Association(Spec):
    """How strongly every two components hang together: one odds ratio given the others, or one correlation (phi)."""

    odds_ratio: Annotated[float, Field(ge=1e-4, le=1e4)] | None = None
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.odds_ratio is None) == (self.correlation is None):
            raise ValueError(f"{'neither' if self.odds_ratio is None else 'both'} | odds_ratio or correlation")
        return self


Dependence = Literal["independent", "comonotone"] | Association


class PartRates(Spec):
    """Rates per arm, by endpoint (nested) or component."""

    treatment: dict[Name, Rate]
    control: dict[Name, Rate] | None = None


class CellShares(Spec):
    """Shares of the patients per arm, by what they reach."""

    treatment: dict[CellName, Rate]
    control: dict[CellName, Rate] | None = None


class CellCounts(Spec):
    """What is known of one arm: patients of an old study by what they reached, and how much they count.

    Nested endpoints: ``n`` and ``responders`` as published (who reaches ASAS70 is counted for ASAS40 and ASAS20 too).
    Components: ``cells``, patients by all that they met. ``weight``: what an old patient counts. ``prior_weight``:
    patients' worth of not knowing, spread evenly over the cells.
    """

    n: Count | None = None
    responders: dict[Name, Count] | None = None
    cells: dict[CellName, Count] | None = None
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    prior_weight: Annotated[float, Field(ge=1e-6, le=1_000)]

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        published = (self.n is None, self.responders is None)
        if len(set(published)) > 1 or published[0] == (self.cells is None):
            given = [name for name in ("n", "responders", "cells") if getattr(self, name) is not None]
            raise ValueError(f"{' and '.join(given) or 'nothing'} | n and responders, or cells")
        return self

    @property
    def patients(self) -> int:
        """How many are counted."""
        return sum(self.cells.values()) if self.cells is not None else self.n or 0

    def shapes(self, layout: Layout) -> FloatArray:
        """Shapes of the Dirichlet law of the cells, shape (cells,)."""
        if self.responders is None:
            counts = vector(self.cells or {}, layout)
        else:
            reached = [self.n or 0, *(self.responders[name] for name in layout.parts), 0]
            counts = np.array([more - fewer for more, fewer in pairwise(reached)], dtype=np.float64)
        return np.asarray(self.weight * counts + self.prior_weight / len(layout.cells))

    def faults(self, place: str, layout: Layout) -> Iterator[Fault]:
        """Counts that do not fit the endpoints."""
        if (self.responders is not None) != layout.nested:
            expected = "n and responders per nested endpoint" if layout.nested else "cells: patients by all they met"
            yield Fault(place, "responders" if self.responders is not None else "cells", expected)
        elif self.cells is not None:
            yield from cell_faults(f"{place}.cells", self.cells, layout)
        elif self.responders is not None:
            known = list(_key_faults(f"{place}.responders", self.responders, layout))
            yield from known or falling(f"{place}.responders", self.responders, layout, most=self.n)


class ArmCounts(Spec):
    """What is known of each arm."""

    treatment: CellCounts
    control: CellCounts | None = None


def given_arms(spec: PartRates | CellShares) -> list[tuple[str, dict[str, float]]]:
    """What stands for each arm that is given."""
    return [(arm, value) for arm in ("treatment", "control") if (value := getattr(spec, arm)) is not None]


def vector(named: Mapping[str, float], layout: Layout) -> FloatArray:
    """Numbers by cell in the order of the layout, shape (cells,); cells that are not named hold 0."""
    return np.array([named.get(cell, 0) for cell in layout.cells], dtype=np.float64)


def shares_of(rates: PartRates, how: Dependence | None, layout: Layout) -> tuple[FloatArray, FloatArray | None]:
    """Shares of the cells per arm, each of shape (cells,); None without a control arm."""
    arms = [_one_arm(found, how, layout) for _, found in given_arms(rates)]
    return arms[0], arms[1] if len(arms) > 1 else None


def _one_arm(rates: Mapping[str, float], how: Dependence | None, layout: Layout) -> FloatArray:
    """Shares of the cells of one arm, shape (cells,)."""
    levels = np.array([rates[part] for part in layout.parts])
    if layout.nested:
        return np.asarray(-np.diff([1.0, *levels, 0.0]))
    return joint(levels, how).ravel()


def joint(rates: FloatArray, how: Dependence | None) -> FloatArray:
    """Cell shares of components, an axis of length 2 for each; None is not a dependence and raises ``TypeError``."""
    match how:
        case "independent":
            return dependence.independent(rates)
        case "comonotone":
            return dependence.comonotone(rates)
        case Association(odds_ratio=float(odds_ratio)):
            return dependence.associated(rates, odds_ratio)
        case Association(correlation=float(correlation)):
            return dependence.correlated(rates, correlation)
        case _:
            raise TypeError(how)


def control_faults(place: str, control: object | None, *, single: bool) -> Iterator[Fault]:
    """A control arm in a single-arm trial, or none where there is one."""
    if (control is not None) == single:
        expected = "no control arm in a single-arm trial" if single else "the control arm too"
        yield Fault(place, "a control arm" if single else "no control arm", expected)


def _key_faults(place: str, named: Mapping[str, object], layout: Layout) -> Iterator[Fault]:
    what = "endpoint" if layout.nested else "component"
    for name in named:
        if name not in layout.parts:
            yield Fault(
                f"{place}.{name}", f"no {what} of the design", f"one of its {what}s", nearest(name, layout.parts)
            )
    for name in layout.parts:
        if name not in named:
            yield Fault(f"{place}.{name}", "nothing", f"a number for every {what}")


def cell_faults(place: str, named: Mapping[str, object], layout: Layout) -> Iterator[Fault]:
    """Patients that cannot be."""
    for name in named:
        if name not in layout.cells:
            yield Fault(
                f"{place}.{name!r}", "no such patients", "what a patient may reach", nearest(name, layout.cells)
            )


def falling(place: str, named: Mapping[str, float], layout: Layout, *, most: float | None = None) -> Iterator[Fault]:
    """A harder level that more patients reach than an easier one."""
    before, above = "n", most
    for name in layout.parts:
        if above is not None and named[name] > above:
            expected = f"at most that of {before} ({above:g}): who reaches {name} has reached it"
            yield Fault(f"{place}.{name}", f"{named[name]:g}", expected if before != "n" else f"at most n ({above:g})")
        before, above = name, named[name]


def rate_faults(
    place: str, rates: PartRates, how: Dependence | None, layout: Layout, *, single: bool
) -> Iterator[Fault]:
    """Rates that do not fit the parts of the layout, each other, or their dependence."""
    yield from control_faults(place, rates.control, single=single)
    if layout.nested and how is not None:
        yield Fault("dependence", "a dependence", "none: nested endpoints are levels of one outcome")
    if not layout.nested and how is None:
        expected = "independent, comonotone, { odds_ratio = ... } or { correlation = ... }; shares say a joint table"
        yield Fault("dependence", "nothing", expected)
    for arm, found in given_arms(rates):
        where = f"{place}.{arm}"
        known = list(_key_faults(where, found, layout))
        yield from known
        if known:
            continue
        if layout.nested:
            yield from falling(where, found, layout)
        elif isinstance(how, Association):
            yield from association_faults(where, np.array([found[part] for part in layout.parts]), how)


def association_faults(place: str, rates: FloatArray, how: Association) -> Iterator[Fault]:
    """A correlation that no joint law has at these rates."""
    if how.correlation is not None and dependence.infeasible(dependence.correlated(rates, how.correlation)):
        expected = "a correlation that leaves no share of patients below 0 at these rates"
        yield Fault(place, f"correlation {how.correlation:g}", expected, "a weaker one, comonotone, or an odds_ratio")
