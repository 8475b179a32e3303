"""Stores that cannot be used: other files in their place, places without rights, full disks, locks."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.project import ENVIRONMENT
from tests.stores import cell, cells, filled, overwritten, there, without_rights

from anatrial.errors import InputError
from anatrial.store import checked, open_store, rebuilt

ROOT = Path(__file__).parents[2]


def text(path: Path) -> None:
    path.write_text("SQLite format 3 is described elsewhere\n" * 1000)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cells (key TEXT, a TEXT, b TEXT, c TEXT, d TEXT, e TEXT)")
        connection.executemany("INSERT INTO cells VALUES ('a', 'b', 'c', 'd', 'e', 'f')", [()] * 500)


def newer(path: Path) -> None:
    filled(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Path.mkdir, "a directory"),
        (os.mkfifo, "a pipe or a device"),
        (text, "a file of another program"),
        (lambda path: path.write_bytes(b"\0" * 5000), "a file of another program"),
        (foreign, "a file of another program"),
        (newer, "a store of format 2"),
    ],
)
def test_another_file_in_its_place_is_left_alone(tmp_path: Path, made: Callable[[Path], object], words: str) -> None:
    """It is told what is there, by whichever way it is opened, and not a byte of it changes."""
    path = tmp_path / "s"
    made(path)
    before = path.read_bytes() if path.is_file() else None
    for ask in (open_store, checked, rebuilt):
        with pytest.raises(InputError, match=words):
            ask(path)
    assert before is None or path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} <= {"s", "s.lock"}


def test_a_newer_store_says_which_and_what_to_do(tmp_path: Path) -> None:
    """Both versions are named, and the way out."""
    newer(tmp_path / "s")
    with pytest.raises(InputError) as told:
        open_store(tmp_path / "s")
    (fault,) = told.value.faults
    assert (fault.got, fault.expected) == ("a store of format 2", "format 1, which this program knows")
    assert fault.fix.startswith("update anatrial")


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """Nothing is lost by filling it."""
    (tmp_path / "s").touch()
    assert len(there(tmp_path / "s", filled(tmp_path / "s", 2))) == 2


def test_nothing_is_made_where_something_is_to_be_read(tmp_path: Path) -> None:
    """A mistyped name is told, not created."""
    for ask in (lambda path: open_store(path, make=False), checked, rebuilt):
        with pytest.raises(InputError, match="no such file"):
            ask(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that a user without rights can reach: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
        Path(name).chmod(0o777)


def test_a_read_only_folder_is_told_at_once(public: Path) -> None:
    """Before anything is computed: neither a new store nor one that is there can be used, and another is proposed."""
    with without_rights():
        filled(public / "s", 3)
    public.chmod(0o555)
    with without_rights():
        for path in (public / "new", public / "deep" / "new"):
            with pytest.raises(InputError, match="Permission denied") as told:
                open_store(path)
            assert "--store FILE" in told.value.faults[0].fix
        (public / "s.lock").chmod(0o666)
        with pytest.raises(InputError, match="a store and a folder that can be written to"):
            open_store(public / "s")


def test_a_read_only_file_is_told_at_once(public: Path) -> None:
    """Before anything is computed, although it could be read."""
    with without_rights():
        filled(public / "s", 3)
        (public / "s").chmod(0o444)
        with pytest.raises(InputError, match="a store and a folder that can be written to") as told:
            open_store(public / "s")
    assert "--store FILE" in told.value.faults[0].fix
    (public / "s").chmod(0o666)
    assert len(there(public / "s", cells(3))) == 3


def test_a_full_disk_keeps_what_was_kept(tmp_path: Path) -> None:
    """``keep`` says that the disk is full and keeps none of its rows; all others are safe, and room helps at once."""
    path = tmp_path / "s"
    with open_store(path) as store:
        store.keep(cells(50))
        ((pages,),) = store._connection.execute("PRAGMA page_count")
        store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(InputError, match="the disk is full") as told:
            store.keep([cell(k) for k in range(50, 200)])
        assert "what was kept before is safe" in told.value.faults[0].fix
        assert len(store.known([cell(k).question for k in range(200)])) == 50
        store._connection.execute("PRAGMA max_page_count = 1000000")
        store.keep([cell(50)])
    assert len(there(path, cells(200))) == 51
    assert checked(path).sound


FULL = """
import json, resource, sys
from pathlib import Path
from tests.stores import cell
from anatrial.errors import InputError
from anatrial.store import open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
kept = 0
try:
    with open_store(Path(sys.argv[1])) as store:
        for k in range(100_000):
            store.keep([cell(k)])
            kept += 1
except InputError as error:
    print(json.dumps([kept, str(error)]))
"""


@pytest.mark.parametrize("room", [2_000, 20_000, 40_000, 200_000])
def test_a_disk_that_refuses_in_the_middle_of_writing(tmp_path: Path, room: int) -> None:
    """Files that may not grow, from the first byte on or later: told as such, and everything kept before is there."""
    path = tmp_path / "s"
    words = [sys.executable, "-c", FULL, str(path), str(room)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT, env=ENVIRONMENT)
    kept, said = json.loads(done.stdout)
    assert "the disk is full or refuses to be written to (SQLITE_" in said
    assert len(there(path, cells(kept + 5))) == kept
    assert checked(path).sound


def test_a_rebuild_without_room_leaves_the_damaged_store(tmp_path: Path) -> None:
    """The disk fills up in the middle of a rebuild: told, nothing is lost, and it works once there is room."""
    path = tmp_path / "s"
    filled(path, 300)
    overwritten(path, [0])
    before = path.read_bytes()
    words = [sys.executable, "-c", FULL, str(path), "60000"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT, env=ENVIRONMENT)
    kept, said = json.loads(done.stdout)
    assert kept == 0
    assert "the disk is full" in said
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s", "s.lock"]
    assert len(there(path, cells(300))) == 300


def test_a_store_that_is_locked_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long says so, on opening and on keeping, and can go on later."""
    monkeypatch.setattr("anatrial.store.opening.PATIENCE", 0.1)
    path = tmp_path / "s"
    filled(path, 1)
    with open_store(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for ask in (lambda: store.keep([cell(1)]), lambda: open_store(path)):
            with pytest.raises(InputError, match="a store that another program has locked for long"):
                ask()
        other.execute("ROLLBACK")
        store.keep([cell(1)])
    assert len(there(path, cells(2))) == 2
