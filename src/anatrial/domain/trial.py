"""What every kind of trial tells: characteristics per truth, tables for people and machines, remarks. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from anatrial.domain.prior import Prior
from anatrial.domain.results import ByTruth, Estimate, Metric, OperatingCharacteristics, Verdict

Form = Literal["text", "chance", "number", "count", "percent"]
Cell = str | int | float | Estimate | None


class Column(NamedTuple):
    """A column of a table: its key for machines, its label for people, and how its numbers look."""

    key: str
    label: str
    form: Form = "chance"


def key_of(name: str) -> str:
    """A name of the file as part of a key: hyphens become underscores."""
    return name.replace("-", "_")


class Figure(NamedTuple):
    """How a table is drawn: the columns named in ``y`` along column ``x``; bars where ``x`` is no number."""

    kind: Literal["lines", "bars"]
    x: str
    y: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers under labels: the same table is printed, drawn, and written as JSON and CSV."""

    name: str
    """For machines: small letters and underscores."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str | None = None
    figure: Figure | None = None

    def column(self, key: str) -> tuple[Cell, ...]:
        """The cells of one column; ``StopIteration`` if there is none of this key."""
        at = next(k for k, column in enumerate(self.columns) if column.key == key)
        return tuple(row[at] for row in self.rows)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the engine of a trial kind tells of one scenario."""

    characteristics: tuple[OperatingCharacteristics, ...]
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    exact: bool = True
    """Whether every characteristic is enumerated; otherwise the simulated ones carry their error."""


@dataclass(frozen=True, slots=True)
class Section:
    """What a section of a counts trial adds: tables, metrics by truth, remarks."""

    tables: tuple[Table, ...] = ()
    metrics: Mapping[str, tuple[Metric, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class StatedEvent(NamedTuple):
    """An intercurrent event, and how the estimand deals with it."""

    name: str
    strategy: str


@dataclass(frozen=True, slots=True)
class StatedEstimand:
    """The five attributes of an estimand (ICH E9(R1), section A.3.3), as the file states them."""

    population: str
    treatment: str
    """The treatments compared: the arms of the trial."""
    variable: str
    events: tuple[StatedEvent, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class TrialEvaluation(ByTruth):
    """One run of a trial that is not told by the counts of one or two arms alone."""

    scenario: str
    title: str
    kind: str
    design: str
    """The layout in one sentence."""
    success: str
    """When the trial succeeds, in one sentence."""
    estimand: StatedEstimand | None
    exact: bool
    trials: int | None
    """Simulated trials per truth; None where everything is enumerated."""
    seed: int | None
    characteristics: tuple[OperatingCharacteristics, ...]
    verdicts: tuple[Verdict, ...]
    tables: tuple[Table, ...]
    priors: tuple[tuple[str, Prior], ...]
    """Where the file uses a prior, and the prior."""
    notes: tuple[str, ...]
    scenario_digest: str
    tool_version: str
