"""The long table of a store: one row per cell, truth and metric; a cell without numbers has one row, with why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from anatrial.domain.stores import StoredCell
from anatrial.errors import Fault, InputError

ENDINGS = (".parquet", ".csv")
STORE_COLUMNS = (
    *(("key", "text"), ("scenario", "text"), ("settings", "text"), ("engine", "text"), ("truth", "text")),
    *(("kind", "text"), ("metric", "text"), ("value", "double"), ("lower", "double"), ("upper", "double")),
    *(("mcse", "double"), ("draws", "int"), ("at", "double"), ("failure", "text")),
)
"""Names and forms of the columns."""
NOTHING = (None,) * 9
"""Truth, kind, metric, its five numbers and its place, where there are none."""


def refuse_ending(path: Path) -> None:
    """``InputError`` for a file whose ending is no table's."""
    if path.suffix not in ENDINGS:
        got = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        fix = f"name it {path.with_suffix('.parquet').name}" if path.name else "give a file name"
        raise InputError(Fault(str(path), got, f"a table: {' or '.join(ENDINGS)}", fix))


def store_batches(batches: Iterable[list[StoredCell]]) -> Iterator[dict[str, Any]]:
    """The rows of each batch of cells, as columns."""
    for cells in batches:
        rows = [row for cell in cells for row in _rows(cell)]
        columns = zip(*rows, strict=True) if rows else ((),) * len(STORE_COLUMNS)
        yield {name: list(column) for (name, _), column in zip(STORE_COLUMNS, columns, strict=True)}


def _rows(cell: StoredCell) -> list[tuple[Any, ...]]:
    head, failure = cell[:4], cell.result.failure
    rows = [
        (*head, found.truth, found.kind, m.name, *m.estimate, m.at, failure)
        for found in cell.result.characteristics
        for m in found.metrics
    ]
    return rows or [(*head, *NOTHING, failure)]
