"""What a file asks beside its one trial: axes along which fields change, tipping points, and designs to choose from."""

import json
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from anatrial.spec import Spec, Text, Versioned, shown

MOST_VALUES = 100_000
LARGEST = 1_000_000_000


def _number(value: object, accept: ValidatorFunctionWrapHandler) -> object:
    """A number that is not too large, refused in one sentence instead of one per form."""
    try:
        found = accept(value)
    except ValidationError:
        found = None
    if found is None or abs(found) > LARGEST:
        raise ValueError(f"{shown(value)} | a number from {-LARGEST:,} to {LARGEST:,}")
    return found


Number = Annotated[int | Annotated[float, Field(ge=-LARGEST, le=LARGEST)], WrapValidator(_number)]
Path = Annotated[str, Field(min_length=1, max_length=200)]


class Steps(Spec):
    """Numbers from one to another: ``step`` apart, or so many ``points`` with equal distances."""

    lowest: Annotated[Number, Field(alias="from")]
    highest: Annotated[Number, Field(alias="to")]
    step: Annotated[Number, Field(gt=0)] | None = None
    points: Annotated[int, Field(ge=2, le=MOST_VALUES)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.step is None) == (self.points is None):
            raise ValueError(f"{'neither' if self.step is None else 'both'} | step or points")
        if self.lowest >= self.highest:
            raise ValueError(f"{self.lowest:g} to {self.highest:g} | a range whose start is below its end")
        if self.step is not None and len(self.numbers()) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values | at most {MOST_VALUES:,}")
        return self

    def numbers(self) -> tuple[int | float, ...]:
        """The numbers, without the rounding errors of adding steps; whole ones stay whole where all are written so."""
        return _numbers(self.lowest, self.highest, self.step, self.points)


@lru_cache(maxsize=100, typed=True)
def _numbers(lowest: float, highest: float, step: float | None, points: int | None) -> tuple[int | float, ...]:
    first, last = Fraction(repr(lowest)), Fraction(repr(highest))
    apart = Fraction(repr(step)) if step is not None else (last - first) / ((points or 2) - 1)
    many = int((last - first) / apart) + 1
    exact = [first + k * apart for k in range(min(many, MOST_VALUES + 1))]
    whole = isinstance(lowest, int) and all(value.denominator == 1 for value in exact)
    return tuple(int(value) if whole else float(value) for value in exact)


class Axis(Spec):
    """A field, by its path, and the values it takes one after another: ``values``, or ``range`` with step or points."""

    path: Path
    """Keys with dots between them, members of lists by their number from 1: ``design.looks.2.treatment``."""
    label: Text | None = None
    """What tables and pictures call it."""
    values: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    range_: Annotated[Steps | None, Field(alias="range")] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.values is None) == (self.range_ is None):
            raise ValueError(f"{'neither' if self.values is None else 'both'} | values, or range")
        seen = set[Any]()
        for value in self.taken():
            table = isinstance(value, dict | list)
            key = json.dumps(value, sort_keys=True) if table else (isinstance(value, bool), value)  # 1 and 1.0 are one
            if key in seen:
                raise ValueError(f"{shown(value)} twice | each value once")
            seen.add(key)
        return self

    def taken(self) -> tuple[Any, ...]:
        """The values in their order."""
        return self.values if self.values is not None else self.range_.numbers() if self.range_ else ()

    @property
    def said(self) -> str:
        """The axis in words: its label, else its path."""
        return self.label or self.path


class Sweep(Spec):
    """How the axes are combined: every combination, each axis alone around the file's own values, or a map of two."""

    layout: Literal["grid", "one_at_a_time", "map"] = "grid"


class TippingPoint(Spec):
    """A number that moves from ``from`` to ``to``, and the question where a target of the file flips first."""

    path: Path
    label: Text | None = None
    """What tables and pictures call it."""
    lowest: Annotated[Number, Field(alias="from")]
    highest: Annotated[Number, Field(alias="to")]
    points: Annotated[int, Field(ge=2, le=1001)] = 21
    """Equally spaced numbers that are tried first: a flip and back between two of them is not seen."""
    resolution: Annotated[float, Field(gt=0, le=1e6)] = 0.001
    """How closely the first crossing is pinned down; 1 for whole numbers."""

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.lowest == self.highest:
            raise ValueError(f"{self.lowest:g} to {self.highest:g} | two different ends; the first is where it starts")
        return self

    @property
    def said(self) -> str:
        """The number in words: its label, else its path."""
        return self.label or self.path


Aim = Literal["patients", "expected_n", "power", "type_i_error", "assurance"]


class Pareto(Spec):
    """Among all cells, the designs that none beats: fewest patients against power, type I error and assurance."""

    aims: Annotated[tuple[Aim, ...], Field(min_length=2, max_length=5)] = ("patients", "power", "type_i_error")


class SweepFile(Versioned):
    """A sweep over several scenarios: the same axes for each."""

    title: Text
    scenarios: Annotated[tuple[Text, ...], Field(min_length=1, max_length=1000)]
    """Names, or paths beside this file."""
    axes: tuple[Axis, ...] = ()
    sweep: Sweep = Sweep()
    tipping_points: tuple[TippingPoint, ...] = ()
    pareto: Pareto | None = None
