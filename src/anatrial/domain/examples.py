"""Virtual trials to read one by one: their patients, what each look shows and decides, and why they were chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["typical success", "early success", "early futility", "failure", "false success", "conflict"]
Decides = Literal["success", "harm", "futility", "no-go"]
Decision = Literal[Decides, "consider", "no success", "goes on"]


class Believed(NamedTuple):
    """A posterior rate: mean and 95 % interval."""

    mean: float
    lower: float
    upper: float


class ArmAtLook(NamedTuple):
    """Responders among patients of an arm so far; ``believed`` is None where the rule has no prior of the arm."""

    x: int
    n: int
    believed: Believed | None


class Asked(NamedTuple):
    """A number that the rule computes, in words, and what it must be (``sign`` and ``threshold``) to decide so."""

    what: str
    value: float
    sign: Literal[">", "<", ">=", "<="]
    threshold: float
    decides: Decides


class Deciding(NamedTuple):
    """Treatment counts, as runs (first, last), with which a look decides so, given the control count seen there."""

    decides: Decides
    runs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ExampleLook:
    """What is seen at a look of a virtual trial, what the rule makes of it, and what else it would have taken.

    ``effect``: observed difference of rates with its 95 % Newcombe interval; of one arm its rate with Wilson's.
    ``history``: weight that history keeps in the control prior after this result; None where no prior can lose it.
    """

    number: int
    last: bool
    treatment: ArmAtLook
    control: ArmAtLook | None
    effect: float
    lower: float
    upper: float
    asked: tuple[Asked, ...]
    history: float | None
    decision: Decision
    deciding: tuple[Deciding, ...]


class VirtualPatient(NamedTuple):
    """A patient in order of arrival; one who is not ``counted`` has left the analysis."""

    treated: bool
    responded: bool
    counted: bool


class Share(NamedTuple):
    """How many of the simulated trials are like this, in words and numbers."""

    what: str
    trials: int
    of: int


@dataclass(frozen=True, slots=True)
class ExampleTrial:
    """One virtual trial. ``number`` counts the trials of a truth from 1, as the file of virtual patients does.

    ``rate_t`` and ``rate_c`` are the true rates of responders in it; ``rate_c`` is None without a control arm. The
    patients are all that were planned; those after ``arrived`` would have come after the trial's end. ``arrivals``:
    patients who are there at each look.
    """

    kind: Kind
    number: int
    truth: str
    rate_t: float
    rate_c: float | None
    why: str
    share: Share
    looks: tuple[ExampleLook, ...]
    patients: tuple[VirtualPatient, ...]
    arrivals: tuple[int, ...]

    @property
    def end(self) -> ExampleLook:
        """The look at which it ends."""
        return self.looks[-1]

    @property
    def arrived(self) -> int:
        """Patients who are there when it ends."""
        return self.arrivals[-1]


class NotFound(NamedTuple):
    """A kind of trial that none of the simulated ones is, in words, with their number."""

    kind: Kind
    truth: str
    what: str
    of: int


@dataclass(frozen=True, slots=True)
class ExampleTrials:
    """Virtual trials of a scenario chosen by stated descriptions: the first that fits each, and none twice."""

    scenario: str
    title: str
    success: str
    """When the trial succeeds, in one sentence or more."""
    seed: int
    trials: tuple[ExampleTrial, ...]
    not_found: tuple[NotFound, ...]
    notes: tuple[str, ...]
    scenario_digest: str
    tool_version: str
