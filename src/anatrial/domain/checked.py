"""What a check finds: one verdict per target, prior and evidence file, and what moved against a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from anatrial.domain.results import Estimate, Verdict

Kind = Literal["target", "scenario", "results", "prior", "evidence", "file"]
Told = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]
PASSED, FAILED, BAD_INPUT, INCONCLUSIVE, NUMERICAL, INTERNAL = 0, 1, 2, 3, 4, 5
WORST_FIRST = (INTERNAL, NUMERICAL, BAD_INPUT, FAILED, INCONCLUSIVE, PASSED)
TOLD: Mapping[int, Told] = {PASSED: "PASS", FAILED: "FAIL", INCONCLUSIVE: "INCONCLUSIVE"}
"""Every other exit code is an error."""


class Why(NamedTuple):
    """Why something is no pass: the exit code that it asks for, and words; several lines where there are many."""

    code: int
    text: str


class Item(NamedTuple):
    """One thing that was checked. Its verdict is its exit code in words: the two cannot differ."""

    kind: Kind
    name: str
    """The target in words, ``indication/prior``, an indication, or what a file was to hold."""
    code: int
    why: str = ""
    file: str = ""
    line: int | None = None
    verdict: Verdict | None = None

    @property
    def told(self) -> Told:
        """PASS, FAIL, INCONCLUSIVE or ERROR."""
        return TOLD.get(self.code, "ERROR")


class Change(NamedTuple):
    """An input that is not what it was; None where it is new or gone."""

    path: str
    before: Any
    now: Any


class Moved(NamedTuple):
    """A number that is not what it was; None where it is new or gone."""

    truth: str
    metric: str
    before: Estimate | None
    now: Estimate | None


MovementKind = Literal["unchanged", "changed inputs", "changed results", "new"]


class Movement(NamedTuple):
    """A scenario beside its baseline."""

    kind: MovementKind
    inputs: tuple[Change, ...] = ()
    numbers: tuple[Moved, ...] = ()
    verdicts: tuple[Change, ...] = ()
    """Targets that ask the same and whose verdict is another one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a baseline keeps of a scenario."""

    tool_version: str
    inputs: Mapping[str, Any]
    """Everything in the resolved scenario that is not only words and no default, by its path."""
    results: Mapping[str, Mapping[str, Estimate]]
    """By truth and metric."""
    verdicts: Mapping[str, str]
    """By target in words."""
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By truth and metric, where a simulated number is taken at the worst of several rates: which one it was."""


Baseline = Mapping[str, Entry]
"""Entries by the name of their scenario."""


@dataclass(frozen=True, slots=True)
class CheckedScenario:
    """Every target of one scenario file."""

    name: str
    items: tuple[Item, ...]
    entry: Entry | None = None
    """None where the scenario has no numbers."""
    seconds: float | None = None
    """None where several workers shared the time."""
    movement: Movement | None = None
    """None without a baseline, or without numbers."""

    @property
    def code(self) -> int:
        """The worst of its exit codes."""
        return worst(item.code for item in self.items)


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that one check found."""

    scenarios: tuple[CheckedScenario, ...]
    priors: tuple[Item, ...]
    evidence: tuple[Item, ...]
    quick: bool
    tool_version: str
    gone: tuple[str, ...] = ()
    """Scenarios of the baseline that are no longer there."""
    unwritten: tuple[Item, ...] = ()
    """Files that were asked for and could not be written."""

    @property
    def others(self) -> tuple[Item, ...]:
        """What is no scenario's."""
        return (*self.priors, *self.evidence, *self.unwritten)

    @property
    def items(self) -> tuple[Item, ...]:
        """All of them, in the order in which they are told."""
        return (*(item for one in self.scenarios for item in one.items), *self.others)

    @property
    def exit_code(self) -> int:
        """The worst of all: what the program ends with, and what is printed."""
        return worst(item.code for item in self.items)

    @property
    def told(self) -> Told:
        """The same in a word."""
        return TOLD.get(self.exit_code, "ERROR")

    def counted(self) -> dict[Told, int]:
        """How many items ended how."""
        counts: dict[Told, int] = {"PASS": 0, "FAIL": 0, "INCONCLUSIVE": 0, "ERROR": 0}
        for item in self.items:
            counts[item.told] += 1
        return counts


def worst(codes: Iterable[int]) -> int:
    """Of several exit codes the one that counts."""
    found = set(codes)
    return next((code for code in WORST_FIRST if code in found), PASSED)
