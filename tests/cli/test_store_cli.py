"""``anatrial store``: what it holds, whether it is sound, pruning, export."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.project import Project, refused
from tests.stores import cell, cells, filled, overwritten, there

from anatrial.domain.cells import CellResult
from anatrial.files.engine import engine_version
from anatrial.store import DEFAULT, open_store


def test_info_counts_cells_by_scenario_and_engine(project: Project) -> None:
    """Format, size and a line per scenario and engine; the store in the working directory is the default."""
    with open_store(DEFAULT, engine="0.1.0+abc numpy 2.0") as store:
        store.keep([*cells(1200), cell(7, scenario="other")._replace(key="another", question="another")])
    with open_store(DEFAULT) as store:
        store.keep([cell(5000)])
    size = (project.path / DEFAULT).stat().st_size
    said = project.anatrial("store", "info")
    assert (said.code, said.err) == (0, "")
    assert [" ".join(line.split()) for line in said.out.splitlines()] == [
        f"{DEFAULT}: format 1, {size / 1e6:.3g} MB",
        "1,202 cells, which answer 1,202 questions",
        "scenario engine cells",
        "made-up not known 1",
        "made-up 0.1.0+abc numpy 2.0 1,200",
        "other 0.1.0+abc numpy 2.0 1",
    ]
    content = json.loads(project.anatrial("store", "info", str(DEFAULT), "--json").out)
    assert (content["format"], content["version"], content["store_version"]) == ("anatrial-store-contents", 1, 1)
    assert (content["cells"], content["size"]) == (1202, size)
    assert content["holdings"][2] == {"scenario": "other", "engine": "0.1.0+abc numpy 2.0", "cells": 1}


def test_verify_tells_damage_and_rebuilds(project: Project) -> None:
    """Exit 0 where all is sound; 1 and the way out where not; then a rebuild, which says what it saved."""
    path = project.path / "s.sqlite"
    filled(path, 900)
    sound = project.anatrial("store", "verify", "s.sqlite")
    assert (sound.code, sound.err) == (0, "")
    assert sound.out == "s.sqlite is sound: 900 cells, every one as it was kept.\n"
    overwritten(path, [0])
    broken = project.anatrial("store", "verify", "s.sqlite")
    assert broken.code == 1
    assert broken.out.splitlines() == [
        "s.sqlite is damaged. 900 cells can be saved.",
        "  SQLite: file is not a database",
        "fix: anatrial store verify s.sqlite --rebuild makes a new store of every sound cell",
    ]
    content = json.loads(project.anatrial("store", "verify", "s.sqlite", "--json").out)
    assert (content["sound"], content["cells"], content["broken"]) == (False, None, ["file is not a database"])
    mended = project.anatrial("store", "verify", "s.sqlite", "--rebuild")
    assert (mended.code, mended.err) == (0, "")
    assert " ".join(mended.out.split()) == (
        "s.sqlite was damaged and has been rebuilt: 900 of at least 900 cells were saved. "
        "The damaged file is s.sqlite.damaged-1."
    )
    again = project.anatrial("store", "verify", "s.sqlite", "--rebuild")
    assert (again.code, again.out) == (0, "s.sqlite is sound: there is nothing to rebuild.\n")
    content = json.loads(project.anatrial("store", "verify", "s.sqlite", "--rebuild", "--json").out)
    assert content["rebuilt"] is False


def test_damaged_rows_are_named(project: Project) -> None:
    """Rows that do not match their checksum are told by scenario and settings, the first twenty of them."""
    path = project.path / "s.sqlite"
    filled(path, 30)
    with open_store(path) as store:
        store._connection.execute("UPDATE cells SET checksum = x'00' WHERE id > 5")
        store._connection.execute("DELETE FROM cells WHERE id = 1")
    said = project.anatrial("store", "verify", "s.sqlite")
    lines = said.out.splitlines()
    assert said.code == 1
    assert lines[0] == "s.sqlite is damaged. 4 cells can be saved."
    assert lines[1] == "  25 of 29 cells do not match the checksum:"
    assert lines[2] == '    made-up {"design.n":5,"label":"é\'\\""}'
    assert lines[22:24] == ["    and 5 more", "  1 question without a sound cell"]
    with open_store(path) as store:
        store._connection.execute("UPDATE cells SET checksum = x'00' WHERE id = 3")
    listed = project.anatrial("store", "export", "rows.csv", "s.sqlite")
    assert listed.code == 0
    assert "a damaged row is treated as missing (made-up" in listed.err
    assert "wrote 27 rows to rows.csv" in listed.err


def test_a_damaged_store_is_rebuilt_with_a_remark(project: Project) -> None:
    """Other commands rebuild and go on; the remark stands beside the result."""
    filled(project.path / "s", 40)
    overwritten(project.path / "s", [0])
    said = project.anatrial("store", "info", "s")
    assert said.code == 0
    assert "40 cells, which answer 40 questions" in said.out
    assert "s was damaged and has been rebuilt: 40 of at least 40 cells were saved." in said.err


def test_prune_removes_what_this_version_cannot_ask_for(project: Project) -> None:
    """Cells of another engine go, those of this one stay unless their scenario is named."""
    path = project.path / "s"
    filled(path, 500)
    with open_store(path, engine=engine_version()) as store:
        store.keep([cell(600, scenario="a"), cell(601, scenario="b")])
    said = project.anatrial("store", "prune", "s")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("s: removed 500 cells, ")
    assert said.out.endswith(" kB freed; 2 cells left.\n")
    content = json.loads(project.anatrial("store", "prune", "s", "--scenario", "a", "--json").out)
    assert (content["cells"], content["left"]) == (1, 1)
    assert len(there(path, [cell(601)])) == 1
    refused(project.anatrial("store", "prune", "s", "--scenario", "bb"), "no cells of 'bb'", "did you mean 'b'?")


COLUMNS = [
    *("key", "scenario", "settings", "engine", "truth", "kind", "metric"),
    *("value", "lower", "upper", "mcse", "draws", "at", "failure"),
]


def test_export_writes_every_number(project: Project) -> None:
    """One row per cell, truth and metric at full precision, a failed cell with its reason; the same in both formats."""
    failed = CellResult(failure='too large, "really"\nso')
    filled(project.path / "s", 600)
    with open_store(project.path / "s", engine="e") as store:
        store.keep([cell(700)._replace(result=failed), cell(701)._replace(result=CellResult())])
    for name in ("rows.csv", "out/rows.parquet"):
        said = project.anatrial("store", "export", name, "s")
        assert (said.code, said.out, said.err) == (0, "", f"wrote 5,402 rows to {name}\n")
    table = pq.read_table(project.path / "out" / "rows.parquet")
    assert table.column_names == COLUMNS
    rows = table.to_pylist()
    expected = [
        (row.key, json.dumps(dict(row.settings), ensure_ascii=False, separators=(",", ":")), m.name, *m.estimate, m.at)
        for row in cells(600)
        for m in (row.result.characteristics[0].metrics if row.result else ())
    ]
    names = ("key", "settings", "metric", "value", "lower", "upper", "mcse", "draws", "at")
    assert [tuple(row[name] for name in names) for row in rows[:5400]] == expected
    assert {row["scenario"] for row in rows} == {"made-up"}
    assert (rows[5400]["failure"], rows[5400]["value"], rows[5400]["truth"]) == (failed.failure, None, None)
    assert (rows[5401]["failure"], rows[5401]["value"]) == (None, None)
    with (project.path / "rows.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert [row["metric"] for row in listed] == [row["metric"] or "" for row in rows]
    for name in ("value", "lower", "upper", "mcse", "draws", "at"):
        assert [float(row[name]) if row[name] else None for row in listed] == [row[name] for row in rows]
    content = json.loads(project.anatrial("store", "export", "rows.csv", "s", "--json").out)
    assert (content["path"], content["rows"]) == ("rows.csv", 5402)


def test_an_empty_store_has_an_empty_table(project: Project) -> None:
    """Columns and no rows; ``info`` says that nothing is there."""
    filled(project.path / "s", 0)
    assert project.anatrial("store", "export", "rows.parquet", "s").code == 0
    assert pq.read_table(project.path / "rows.parquet").num_rows == 0
    assert project.anatrial("store", "info", "s").out.endswith("It holds no cells yet.\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("info",), (str(DEFAULT), "no such file", "a sweep makes one")),
        (("verify", "nowhere.sqlite"), ("nowhere.sqlite", "no such file")),
        (("verify", "scenarios", "--rebuild"), ("a directory", "name the file in it")),
        (("prune", "priors/made-up.toml"), ("priors/made-up.toml", "a file of another program", "left as it is")),
        (("export", "rows.xlsx"), ("the ending '.xlsx'", ".parquet or .csv", "name it rows.parquet")),
        (("export", "rows"), ("no ending",)),
    ],
)
def test_bad_input_says_what_would_be_right(project: Project, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    """Exit 2, and nothing is made in the wrong place."""
    before = project.files()
    refused(project.anatrial("store", *words), *told)
    assert project.files() - before <= {"priors/made-up.toml.lock", "scenarios.lock"}


def test_an_export_that_cannot_be_written(project: Project) -> None:
    """A place below a file is told, and the store stays as it is."""
    filled(project.path / "s", 3)
    (project.path / "file").touch()
    refused(project.anatrial("store", "export", "file/rows.csv", "s"), "file/rows.csv")
    assert len(there(Path("s"), cells(3))) == 3
