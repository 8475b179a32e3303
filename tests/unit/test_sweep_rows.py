"""The long rows of a sweep: what stands in them, and that the files hold them whole or not at all."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.swept_cells import TEST, WEIGHT, N, by_weight, cells, frame

from anatrial.domain.cells import CellResult
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, exactly
from anatrial.domain.sweeps import SweptAxis, SweptCell
from anatrial.errors import InputError
from anatrial.files.long_rows import long_rows
from anatrial.report import sweep_rows
from anatrial.report.sweep_rows import sweep_batches, sweep_columns

NAMES = ("cells.parquet", "cells.csv")


def written(folder: Path, axes: tuple[SweptAxis, ...], found: list[SweptCell]) -> list[dict[str, Any]]:
    """The rows of the Parquet file; the CSV file lies beside it."""
    with long_rows([folder / name for name in NAMES], sweep_columns(axes)) as table:
        for batch in sweep_batches(axes, found):
            table.write(batch)
    rows: list[dict[str, Any]] = pq.read_table(folder / NAMES[0]).to_pylist()
    assert table.rows == len(rows)
    return rows


def made() -> list[SweptCell]:
    """One exact cell of two truths, one simulated, one failed; three axes of three forms."""
    first = (
        OperatingCharacteristics(
            "expected", "points", (Metric("power", exactly(0.84)), Metric("bias", exactly(-1e-9)))
        ),
        OperatingCharacteristics(
            "no-effect", "no_effect", (Metric("type1_max", Estimate(0.048, 0.048, 0.0481), 0.35),)
        ),
    )
    drawn = OperatingCharacteristics("expected", "points", (Metric("power", Estimate(0.8, 0.77, 0.83, 0.01, 1600)),))
    a, b = TEST.values
    return [
        SweptCell(0, "x", (("design.n", 10), ("rule.weight", 0.25), ("rule", a)), CellResult(first, 48)),
        SweptCell(1, "x", (("design.n", 40),), CellResult((drawn,), 48)),
        SweptCell(2, "y", (("rule", b),), CellResult(failure='it "did not", converge')),
    ]


def test_every_number_has_a_row_that_says_where_it_is_from(tmp_path: Path) -> None:
    """Cell, axes, truth, metric, bounds, error and engine stand in each row; what does not apply is missing."""
    rows = written(tmp_path, (N, WEIGHT, TEST), made())
    nothing = dict.fromkeys(("truth", "kind", "metric", "value", "lower", "upper", "mcse", "draws", "at", "engine"))
    a, b = (json.dumps(value) for value in TEST.values)
    head = {"cell": 0, "scenario": "x", "design.n": 10, "rule.weight": 0.25, "rule": a, "failure": None}
    exact = {"mcse": None, "draws": None, "at": None, "engine": "exact"}
    simulated = {"lower": 0.77, "upper": 0.83, "mcse": 0.01, "draws": 1600, "at": None, "engine": "simulated"}
    points = {"truth": "expected", "kind": "points", "metric": "power"}
    worst = {"truth": "no-effect", "kind": "no_effect", "metric": "type1_max"}
    assert rows == [
        {**head, **points, **exact, "value": 0.84, "lower": 0.84, "upper": 0.84},
        {**head, **points, **exact, "metric": "bias", "value": -1e-9, "lower": -1e-9, "upper": -1e-9},
        {**head, **worst, **exact, "value": 0.048, "lower": 0.048, "upper": 0.0481, "at": 0.35},
        {
            **(head | points | {"cell": 1, "design.n": 40, "rule.weight": None, "rule": None, "value": 0.8}),
            **simulated,
        },
        {
            **(nothing | {"cell": 2, "scenario": "y", "design.n": None, "rule.weight": None, "rule": b}),
            "failure": 'it "did not", converge',
        },
    ]


def test_the_csv_holds_the_rows_of_the_parquet_file(tmp_path: Path) -> None:
    """Read by another program, every number of the CSV has the same bits, and a missing value is empty."""
    values = [0.1, 1 / 3, 5e-324, 1e300, 1e-5, 0.0, *np.random.default_rng(7).random(500).tolist()]
    metrics = tuple(Metric(f"m{k}", exactly(value)) for k, value in enumerate(values))
    more = SweptCell(3, "x", (), CellResult((OperatingCharacteristics("t", "grid", metrics),), 1))
    rows = written(tmp_path, (N, WEIGHT, TEST), [*made(), more])
    with (tmp_path / NAMES[1]).open(encoding="utf-8", newline="") as file:
        texts = list(csv.DictReader(file))
    assert len(texts) == len(rows) > 500
    for row, text in zip(rows, texts, strict=True):
        for key, value in row.items():
            if isinstance(value, float):
                assert struct.pack("d", float(text[key])) == struct.pack("d", value)
            else:
                assert text[key] == ("" if value is None else str(value))


def test_the_same_cells_give_the_same_bytes_and_batches_lose_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writings agree byte for byte; rows do not depend on how many cells are written at once."""
    found = [cell for cell, _ in cells(frame((N, WEIGHT), "grid"), by_weight)]
    rows = written(tmp_path / "a", (N, WEIGHT), found)
    written(tmp_path / "b", (N, WEIGHT), found)
    for name in NAMES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert [row["cell"] for row in rows] == [k for k in range(12) for _ in range(2)]
    monkeypatch.setattr(sweep_rows, "BATCH", 5)
    assert written(tmp_path / "c", (N, WEIGHT), found) == rows


def test_axes_become_columns_of_their_own_form() -> None:
    """Whole numbers stay whole, any other number makes a column of doubles, everything else one of texts."""
    mixed = SweptAxis("a", "a", (1, 0.5))
    truth = SweptAxis("b", "b", (True, False))
    names = SweptAxis("c", "c", ("x", 1))
    forms = dict(sweep_columns((N, mixed, truth, names)))
    assert [forms[key] for key in ("design.n", "a", "b", "c")] == ["int", "double", "text", "text"]
    found = [SweptCell(0, "x", (("a", 1), ("b", True), ("c", 1)), CellResult(failure="f"))]
    batch = next(sweep_batches((mixed, truth, names), found))
    assert [batch[key][0] for key in "abc"] == [[1, 0.5], ["true", "false"], ["x", "1"]]


def interrupted(folder: Path) -> None:
    with long_rows([folder / name for name in NAMES], sweep_columns((N,))) as table:
        for batch in sweep_batches((N,), [SweptCell(0, "x", (), CellResult(failure="f"))]):
            table.write(batch)
        raise KeyboardInterrupt


def test_an_interrupted_writing_leaves_what_stood_there(tmp_path: Path) -> None:
    """The old files stay as they were, and nothing half-written is left beside them."""
    for name in NAMES:
        (tmp_path / name).write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == dict.fromkeys(NAMES, "old")


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """A folder that is a file, and a disk that is full while rows are written, are told with the path asked for."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"cells\.parquet"):
        written(tmp_path / "file", (N,), made()[:1])
    with pytest.raises(InputError, match="No space left") as told:
        full_disk(tmp_path / "a.csv")
    assert told.value.faults[0].where == str(tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def full_disk(path: Path) -> None:
    with long_rows([path], [("x", "int")]) as table:
        table._writers = [(path, Full())]
        table.write({"x": [1]})


class Full:
    """A writer whose disk is full."""

    def write_table(self, table: Any) -> None:
        """Fail as the operating system does."""
        del table
        raise OSError(28, "No space left on device")


def test_rows_are_taken_one_batch_at_a_time() -> None:
    """A sweep of any length is never held: when a batch is there, no more cells have been asked for than it holds."""
    asked = []

    def endless() -> Iterator[SweptCell]:
        for index in range(10**9):
            asked.append(index)
            yield SweptCell(index, "x", (), CellResult(failure="f"))

    batches = sweep_batches((N,), endless())
    next(batches)
    next(batches)
    assert len(asked) == 2 * sweep_rows.BATCH
