"""Cells to keep in stores, and damage to do to them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from anatrial.domain.cells import CellResult, KeptCell
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.store import open_store

PAGE = 4096
NOBODY = 65534


def digest(text: str) -> str:
    """64 letters, as keys and questions have."""
    return hashlib.sha256(text.encode()).hexdigest()


def result(k: int, metrics: int = 9) -> CellResult:
    """The result of cell ``k``: exact numbers, and simulated ones every third time."""
    numbers = [
        Metric(f"metric-{j}", Estimate(k + j / 7, k - 1.0, k + 2.5, 0.25, 1000 + k), 0.1 * j)
        if j % 3 == 2
        else Metric(f"metric-{j}", exactly(1 / (k + j + 1)))
        for j in range(metrics)
    ]
    return CellResult((OperatingCharacteristics("expected", "points", tuple(numbers)),), 20 + k)


def cell(k: int, scenario: str = "made-up", metrics: int = 9) -> KeptCell:
    """Cell ``k`` as it is kept."""
    return KeptCell(
        digest(f"question {k}"), digest(f"cell {k}"), scenario, (("design.n", k), ("label", "é'\"")), result(k, metrics)
    )


def cells(many: int, metrics: int = 9) -> list[KeptCell]:
    """Cells 0, 1, 2, ..."""
    return [cell(k, metrics=metrics) for k in range(many)]


def filled(path: Path, many: int, metrics: int = 9) -> list[KeptCell]:
    """A closed store with so many cells; what is in it."""
    rows = cells(many, metrics)
    with open_store(path, engine="engine 1") as store:
        store.keep(rows)
    return rows


def there(path: Path, rows: Iterable[KeptCell]) -> set[str]:
    """Questions whose answers a store has, each the right one."""
    rows = list(rows)
    with open_store(path) as store:
        found = store.answers([row.question for row in rows])
    expected = {row.question: row.result for row in rows}
    assert all(expected[question] == answer for question, answer in found.items())
    return set(found)


def overwritten(path: Path, pages: Iterable[int]) -> None:
    """Random bytes in place of these pages, the first being 0."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(os.urandom(PAGE))


def places(path: Path) -> dict[str, tuple[int, int]]:
    """Where the result and the checksum of each question's cell stand in a closed file, by looking for their bytes."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT question, content, c.checksum FROM questions q JOIN cells c ON c.key = q.key"
        ).fetchall()
    content = path.read_bytes()
    return {question: (at := content.index(a + b), at + len(a + b)) for question, a, b in rows}


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user whom file permissions stop: they stop root nowhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)
