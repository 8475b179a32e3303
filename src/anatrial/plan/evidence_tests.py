"""Which test gives which published p-value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from anatrial.documents.indication import Indication
from anatrial.domain.evidence import Fact, Study
from anatrial.errors import Fault, InputError
from anatrial.numerics.two_by_two import p_values, unconditional_p_values
from anatrial.plan.observed import Count
from anatrial.spec import MAX_N, nearest


class PrintedP(NamedTuple):
    """A published p-value beside what every test makes of its two counts."""

    fact: str
    what: str
    treatment: Count | None
    """None, as ``control``, where its count was not read."""
    control: Count | None
    printed: str
    tests: dict[str, float]
    """p under each test, by name; empty where a count was not read."""
    gives: tuple[str, ...]
    """The tests that round to the printed value, or fulfil a printed inequality."""
    nearest: str
    """Where no test gives it, the one that comes nearest; else empty."""


class Explained(NamedTuple):
    """A test, and the facts whose printed value it gives."""

    test: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudyTests:
    """The p-values of one study."""

    study: str
    title: str
    rows: tuple[PrintedP, ...]
    explained: tuple[Explained, ...]
    """Fewest tests that give all values that any test gives: always the one that gives most of the rest."""


def evidence_tests(indication: Indication, study: str | None = None) -> tuple[StudyTests, ...]:
    """Every published p-value that compares two counts, by study; ``InputError`` for a study that is not there."""
    ids = [one.id for one in indication.studies]
    if study is not None and study not in ids:
        where = f"{indication.indication}: study"
        raise InputError(Fault(where, repr(study), "a study of this indication", nearest(study, ids)))
    found = []
    for one in indication.studies:
        rows = tuple(_row(indication, f) for f in one.facts if f.compares is not None and f.p_value is not None)
        if study in {None, one.id} and rows:
            found.append(_study(one, rows))
    return tuple(found)


def _study(study: Study, rows: tuple[PrintedP, ...]) -> StudyTests:
    left, explained = {row.fact: row.gives for row in rows if row.gives}, []
    while left:
        names = [name for row in rows for name in row.tests]
        best = max(dict.fromkeys(names), key=lambda name: sum(name in gives for gives in left.values()))
        explained.append(Explained(best, tuple(fact for fact, gives in left.items() if best in gives)))
        left = {fact: gives for fact, gives in left.items() if best not in gives}
    return StudyTests(study.id, study.title, rows, tuple(explained))


def _row(indication: Indication, fact: Fact) -> PrintedP:
    assert fact.compares is not None
    assert fact.p_value is not None
    treatment, control = (_count(indication, name) for name in fact.compares)
    if treatment is None or control is None or treatment.n + control.n > MAX_N:
        return PrintedP(fact.id, fact.what, treatment, control, fact.p_value, {}, (), "")
    tests = p_values(*treatment, *control) | unconditional_p_values(*treatment, *control)
    gives = tuple(giving(fact.p_value, tests))
    value = float(fact.p_value.lstrip("<>"))
    nearest = "" if gives else min(tests, key=lambda name: abs(tests[name] - value))
    return PrintedP(fact.id, fact.what, treatment, control, fact.p_value, tests, gives, nearest)


def giving(printed: str, tests: dict[str, float]) -> list[str]:
    """The tests that round to the printed value, or lie on the side of a printed inequality."""
    text = printed.lstrip("<>")
    value, decimals = float(text), len(text.partition(".")[2])
    if printed.startswith("<"):
        return [name for name, p in tests.items() if p < value]
    if printed.startswith(">"):  # one of two one-sided tests is always large
        return [name for name, p in tests.items() if p > value and "one-sided" not in name]
    half = 0.5 * 10.0 ** -(decimals or 2) + 1e-12  # nobody prints 0.6 as 1
    return [name for name, p in tests.items() if abs(p - value) <= half]


def _count(indication: Indication, outcome: str) -> Count | None:
    _, one = indication.records[outcome]
    return None if one.responders is None or one.n is None else Count(one.responders, one.n)
