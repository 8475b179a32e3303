"""Virtual trials of the other kinds (visits, times, several endpoints, withdrawal), chosen and told one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from anatrial.domain.examples import Asked, ExampleLook, Share

ToldKind = Literal[
    "typical success", "failure", "false success", "conflict", "many drop-outs", "few randomised", "safety stop"
]


class Seen(NamedTuple):
    """Something seen of a patient, and when; ``at`` is None where the trial has no times."""

    at: float | None
    what: str


class Course(NamedTuple):
    """What is seen of one patient, in order; ``treated`` is None before or without randomisation."""

    treated: bool | None
    seen: tuple[Seen, ...]


class Believed(NamedTuple):
    """A number of the posterior in words: its median and 95 % interval."""

    what: str
    median: float
    lower: float
    upper: float


class Judged(NamedTuple):
    """Counts that the rule judges: of an endpoint (empty where there is one), ``verb`` says what is counted.

    ``levels``: where the level is divided, which parts of it the endpoint passes, in one sentence.
    """

    endpoint: str
    verb: str
    look: ExampleLook
    levels: str = ""


class Telling(NamedTuple):
    """All that is told of one trial: what was seen, what the rule makes of it, and the decision."""

    data: tuple[str, ...]
    judged: tuple[Judged, ...]
    believed: tuple[Believed, ...]
    asked: tuple[Asked, ...]
    decision: str
    patients: tuple[Course, ...]


@dataclass(frozen=True, slots=True)
class ToldTrial:
    """One virtual trial. ``number`` counts the trials of a truth from 1, as the file of virtual patients does."""

    kind: ToldKind
    number: int
    truth: str
    why: str
    share: Share
    told: Telling


class Missing(NamedTuple):
    """A kind of trial that none of the simulated ones is, in words, with their number."""

    kind: ToldKind
    truth: str
    what: str
    of: int


@dataclass(frozen=True, slots=True)
class ToldTrials:
    """Virtual trials chosen by stated descriptions: the first that fits each, and none twice.

    ``unit``: of all times; None where the trial has none.
    """

    scenario: str
    title: str
    design_kind: str
    unit: str | None
    success: str
    seed: int
    trials: tuple[ToldTrial, ...]
    not_found: tuple[Missing, ...]
    notes: tuple[str, ...]
    scenario_digest: str
    tool_version: str
