"""An indication's evidence in order: per endpoint every record with its rate and intervals; and an overview of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from anatrial.documents.indication import Indication
from anatrial.domain.evidence import Endpoint, Fact, Outcome, Study
from anatrial.errors import Fault, InputError
from anatrial.numerics.intervals import clopper_pearson, wilson
from anatrial.spec import nearest

LEVEL = 0.95
ROLES = ("anakinra", "other_active", "active_control", "placebo")

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome with its rate; ``rate`` and the intervals are there only where count and n were read.

    ``allowed`` are the lowest and highest rate that the printed percentage or the compatible counts leave open.
    Where fewer is better, counts and rates are those of the event, as published.
    """

    record: str
    source_id: str
    study: str
    title: str
    tier: str
    core: bool
    endpoint: str
    arm: str
    role: str
    visit: str
    analysis_set: str
    n: int | None
    responders: int | None
    compatible: tuple[int, ...]
    derived: bool
    printed_percent: str | None
    rate: float | None
    clopper_pearson: Interval | None
    wilson: Interval | None
    allowed: Interval | None
    dropouts: int | None
    dropouts_counted: str
    overlap: tuple[str, ...]
    repeats: str | None
    """An earlier record of the same cohort, endpoint and visit with the same number."""
    locator: str
    notes: tuple[str, ...]
    acknowledged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One endpoint with every record on it, by role."""

    endpoint: str
    definition: str
    visit: str
    better: str
    nested_in: str | None
    rows: tuple[Row, ...]


class StudyLine(NamedTuple):
    """A study: where it was published, and what it tells besides response counts."""

    study: str
    title: str
    citation: str
    pmid: str | None
    pmcid: str | None
    doi: str | None
    nct: str | None
    abstract: str | None
    tier: str
    core: bool
    also_listed_under: tuple[str, ...]
    source_level: str | None
    notes: tuple[str, ...]
    arms: tuple[str, ...]
    records: tuple[str, ...]
    facts: tuple[Fact, ...]


class RecipeLine(NamedTuple):
    """A recipe and the records it uses."""

    prior: str
    title: str
    method: str
    endpoint: str
    outcomes: tuple[str, ...]


class Elsewhere(NamedTuple):
    """A study that concerns an indication and stands in the file of another."""

    indication: str
    study: str
    title: str


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """Everything that ``evidence show`` prints and draws."""

    indication: str
    title: str
    level: float
    panels: tuple[Panel, ...]
    studies: tuple[StudyLine, ...]
    recipes: tuple[RecipeLine, ...]
    elsewhere: tuple[Elsewhere, ...]


class Overview(NamedTuple):
    """An indication in a list."""

    indication: str
    title: str
    studies: int
    records: int
    usable: int
    """Records with both count and n."""
    cohorts: int
    """Different cohorts among the usable records: no prior can have more."""
    facts: int
    core: tuple[str, ...]
    priors: tuple[str, ...]
    elsewhere: tuple[Elsewhere, ...]


def overview(indications: Iterable[Indication]) -> tuple[Overview, ...]:
    """Indications in their order, then names that have no file and occur in ``also_listed_under`` only."""
    known = tuple(indications)
    rows = []
    for found in known:
        outcomes = [o for _, o in found.records.values()]
        usable = [o for o in outcomes if o.countable]
        rows.append(
            Overview(
                indication=found.indication,
                title=found.title,
                studies=len(found.studies),
                records=len(outcomes),
                usable=len(usable),
                cohorts=len({o.overlap or (o.id,) for o in usable}),
                facts=sum(len(s.facts) for s in found.studies),
                core=tuple(s.title for s in found.studies if s.core),
                priors=tuple(found.priors),
                elsewhere=listed_elsewhere(found.indication, known),
            )
        )
    names = {name for i in known for s in i.studies for name in s.also_listed_under}
    fileless = sorted(names - {i.indication for i in known})
    return (*rows, *(Overview(name, name, 0, 0, 0, 0, 0, (), (), listed_elsewhere(name, known)) for name in fileless))


def listed_elsewhere(name: str, known: Iterable[Indication]) -> tuple[Elsewhere, ...]:
    """Studies of other indications that are also listed under this one."""
    others = (i for i in known if i.indication != name)
    return tuple(
        Elsewhere(i.indication, s.id, s.title) for i in others for s in i.studies if name in s.also_listed_under
    )


def summary(
    indication: Indication, endpoint: str | None = None, elsewhere: tuple[Elsewhere, ...] = ()
) -> EvidenceSummary:
    """The evidence of an indication, or of one of its endpoints; ``InputError`` if there is no such endpoint."""
    if endpoint is not None and endpoint not in indication.endpoints:
        hint = nearest(endpoint, indication.endpoints)
        raise InputError(Fault("endpoint", repr(endpoint), f"an endpoint of {indication.indication}", hint))
    wanted = indication.endpoints if endpoint is None else {endpoint: indication.endpoints[endpoint]}
    panels = tuple(_panel(indication, name, said) for name, said in wanted.items())
    shown = {row.record for panel in panels for row in panel.rows}
    studies = [s for s in indication.studies if endpoint is None or any(o.id in shown for o in s.outcomes)]
    recipes = (
        RecipeLine(name, r.title, r.method, r.endpoint, indication.outcomes_of(r))
        for name, r in indication.priors.items()
    )
    return EvidenceSummary(
        indication=indication.indication,
        title=indication.title,
        level=LEVEL,
        panels=panels,
        studies=tuple(_study(s, shown) for s in studies),
        recipes=tuple(r for r in recipes if endpoint is None or r.endpoint == endpoint or shown & set(r.outcomes)),
        elsewhere=elsewhere,
    )


def _panel(indication: Indication, name: str, endpoint: Endpoint) -> Panel:
    first: dict[tuple[object, ...], str] = {}
    rows = []
    for study, outcome in indication.records.values():
        if outcome.endpoint == name:
            numbers = (outcome.n, outcome.responders, outcome.compatible, outcome.printed_percent)
            earlier = first.setdefault((outcome.overlap or (outcome.id,), outcome.visit, *numbers), outcome.id)
            rows.append(_row(study, outcome, None if earlier == outcome.id else earlier))
    rows.sort(key=lambda row: ROLES.index(row.role))
    return Panel(name, endpoint.definition, endpoint.visit, endpoint.better, endpoint.nested_in, tuple(rows))


def _row(study: Study, outcome: Outcome, repeats: str | None) -> Row:
    x, n = outcome.responders, outcome.n
    counted = x is not None and n is not None
    return Row(
        record=outcome.id,
        source_id=outcome.source_id,
        study=study.id,
        title=study.title,
        tier=study.tier,
        core=study.core,
        endpoint=outcome.endpoint,
        arm=outcome.arm,
        role=next(arm.role for arm in study.arms if arm.id == outcome.arm),
        visit=outcome.visit,
        analysis_set=outcome.analysis_set,
        n=n,
        responders=x,
        compatible=outcome.compatible,
        derived=outcome.derived,
        printed_percent=outcome.printed_percent,
        rate=x / n if x is not None and n is not None else None,
        clopper_pearson=clopper_pearson(x, n, LEVEL) if x is not None and n is not None else None,
        wilson=wilson(x, n, LEVEL) if x is not None and n is not None else None,
        allowed=None if counted else _allowed(outcome),
        dropouts=outcome.dropouts,
        dropouts_counted=outcome.dropouts_counted,
        overlap=outcome.overlap,
        repeats=repeats,
        locator=outcome.locator,
        notes=outcome.notes,
        acknowledged=tuple(f"{item.check}: {item.why}" for item in outcome.acknowledged),
    )


def _allowed(outcome: Outcome) -> Interval | None:
    """The rates that compatible counts, or else the printed digits, leave open."""
    if outcome.compatible and outcome.n:
        return min(outcome.compatible) / outcome.n, max(outcome.compatible) / outcome.n
    if outcome.printed_percent is None:
        return None
    text = outcome.printed_percent.lstrip("<>")
    value, half = float(text) / 100, 0.5 * 10.0 ** -(2 + len(text.partition(".")[2]))
    if outcome.printed_percent.startswith(">"):
        return value, 1.0
    if outcome.printed_percent.startswith("<"):
        return 0.0, value
    return max(0.0, value - half), min(1.0, value + half)


def _study(study: Study, shown: set[str]) -> StudyLine:
    """A study with the records shown, and without p-values that compare other records."""
    arms = (f"{a.id}: {', '.join(filter(None, (a.drug, a.dose, a.population)))}" for a in study.arms)
    return StudyLine(
        study=study.id,
        title=study.title,
        citation=study.citation,
        pmid=study.pmid,
        pmcid=study.pmcid,
        doi=study.doi,
        nct=study.nct,
        abstract=study.abstract,
        tier=study.tier,
        core=study.core,
        also_listed_under=study.also_listed_under,
        source_level=study.source_level,
        notes=study.notes,
        arms=tuple(arms),
        records=tuple(o.id for o in study.outcomes if o.id in shown),
        facts=tuple(f for f in study.facts if f.compares is None or shown.issuperset(f.compares)),
    )
