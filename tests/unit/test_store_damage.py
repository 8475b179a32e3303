"""Damaged stores: noticed, named, and rebuilt without losing a row whose bytes are whole."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.project import ENVIRONMENT
from tests.stores import PAGE, cell, cells, filled, overwritten, places, there

from anatrial.errors import InputError
from anatrial.store import checked, open_store, rebuilt
from anatrial.store.mending import _swapped

ROOT = Path(__file__).parents[2]
MANY = 1500


def roots(path: Path) -> list[int]:
    """The pages at the top of tables and indexes, the first page of the file being 0."""
    with closing(sqlite3.connect(path)) as connection:
        return [page - 1 for (page,) in connection.execute("SELECT rootpage FROM sqlite_master ORDER BY name")]


@pytest.mark.parametrize(
    ("what", "chosen"),
    [
        ("pages in the middle", lambda path: [path.stat().st_size // PAGE // k for k in (2, 3, 5)]),
        ("the first page", lambda _: [0]),
        ("the first five pages", lambda _: range(5)),
        ("the roots of all tables", roots),
        ("every tenth page", lambda path: range(0, path.stat().st_size // PAGE, 10)),
    ],
)
def test_overwritten_pages_cost_only_the_rows_on_them(
    tmp_path: Path, what: str, chosen: Callable[[Path], list[int]]
) -> None:
    """Whichever pages are destroyed: every row whose result lies elsewhere is saved, the others are recomputed."""
    path = tmp_path / "s"
    rows = filled(path, MANY)
    where, pages = places(path), list(chosen(path))
    lost = {q for q, (start, end) in where.items() if {start // PAGE, (end - 1) // PAGE} & set(pages)}
    overwritten(path, pages)
    before = path.read_bytes()
    noticed = checked(path)
    assert not noticed.sound, what
    assert noticed.whole == MANY - len(lost)
    assert path.read_bytes() == before
    found = rebuilt(path)
    assert found is not None
    assert found.saved == MANY - len(lost)
    assert found.of <= MANY
    assert Path(found.kept_as).read_bytes() == before
    assert checked(path).sound
    keys = {row.key: row.result for row in rows if row.question not in lost}
    with open_store(path) as store:
        assert store.cells([row.key for row in rows]) == keys
        store.keep(rows)
    assert len(there(path, rows)) == MANY


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1003])
def test_a_truncated_file_is_rebuilt_on_opening(tmp_path: Path, share: float) -> None:
    """What stands before the cut is saved; a remark says how many cells, and where the damaged file is."""
    path = tmp_path / "s"
    rows = filled(path, MANY)
    where, cut = places(path), int(share * path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(cut)
    whole = sum(end <= cut for _, end in where.values())
    with open_store(path) as store:
        (said,) = store.remarks
        assert len(store.cells([row.key for row in rows])) == whole
    assert f"{whole:,} of at least " in said
    assert said.endswith(f"The damaged file is {path}.damaged-1.")
    assert (tmp_path / "s.damaged-1").stat().st_size == cut


def test_damage_that_shows_while_it_is_used_is_mended(tmp_path: Path) -> None:
    """A store that opens well and turns out to be damaged when asked: rebuilt then, and the question answered."""
    path = tmp_path / "s"
    rows = filled(path, MANY)
    overwritten(path, roots(path)[1:])  # opening looks at the first, which is that of the cells
    with open_store(path) as store:
        assert store.remarks == []
        found = store.cells([row.key for row in rows])
        assert "was damaged and has been rebuilt" in store.remarks[0]
        assert len(found) == MANY
        store.keep([cell(MANY)])
    assert there(path, [cell(MANY)])


def replaced(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    filled(path, 1)


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        (lambda path: path.unlink(), [1, 2]),
        (lambda path: shutil.rmtree(path.parent), [1, 2]),
        (replaced, [0, 1, 2]),
    ],
    ids=["the file", "its folder", "replaced"],
)
def test_a_store_that_is_removed_while_it_is_open(
    tmp_path: Path, taken: Callable[[Path], object], left: list[int]
) -> None:
    """It is told once, and what is kept from then on is in a store that the next program finds."""
    path = tmp_path / "folder" / "s"
    with open_store(path) as store:
        store.keep([cell(0)])
        taken(path)
        store.keep([cell(1)])
        store.keep([cell(2)])
        assert len(store.cells([cell(k).key for k in range(3)])) == len(left)
    (said,) = store.remarks
    assert said.startswith(f"{path} was removed while it was in use")
    assert checked(path).sound
    assert there(path, [cell(k) for k in left])


def test_a_store_whose_place_is_taken_away(tmp_path: Path) -> None:
    """Where no new one can be made this is told, and what was opened can still be closed."""
    path = tmp_path / "folder" / "s"
    with open_store(path) as store:
        shutil.rmtree(path.parent)
        path.parent.write_text("no folder")
        with pytest.raises(InputError, match="folder"):
            store.keep([cell(0)])


def test_each_damaged_file_is_kept(tmp_path: Path) -> None:
    """A second damage does not overwrite what the first left behind."""
    path = tmp_path / "s"
    filled(path, 50)
    for _ in range(2):
        overwritten(path, [0])
        assert len(there(path, cells(50))) == 50
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s", "s.damaged-1", "s.damaged-2", "s.lock"]


def test_long_rows_are_saved_too(tmp_path: Path) -> None:
    """Results that take several pages are put together again; one page of them costs one row."""
    path = tmp_path / "s"
    rows = filled(path, 40, metrics=500)
    overwritten(path, [0])
    assert len(there(path, rows)) == 40
    content = path.read_bytes()
    marker = b'["metric-400",0.' + repr(1 / (17 + 400 + 1)).removeprefix("0.").encode()
    overwritten(path, [0, content.index(marker) // PAGE])
    assert there(path, rows) == {row.question for row in rows} - {rows[17].question}


def test_rows_in_the_log_are_saved(tmp_path: Path) -> None:
    """A program was killed, its last rows stand in the write-ahead log only, and the file itself is damaged."""
    path, copy = tmp_path / "s", tmp_path / "copy"
    with open_store(path) as store:
        store.keep(cells(60))
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    assert copy.stat().st_size < 60 * 500
    overwritten(copy, range(copy.stat().st_size // PAGE))
    assert len(there(copy, cells(60))) == 60


def test_a_damaged_row_is_missing_and_gives_way(tmp_path: Path) -> None:
    """A row that does not match its checksum is no answer, is told, and is replaced when the cell is kept again."""
    path = tmp_path / "s"
    rows = filled(path, 20)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE cells SET content = replace(content, '0.2', '0.3') WHERE key = ?", (rows[4].key,))
        connection.execute("UPDATE cells SET settings = 7 WHERE key = ?", (rows[5].key,))
        connection.execute("UPDATE questions SET key = ? WHERE question = ?", (rows[8].key, rows[9].question))
    found = checked(path)
    assert (found.cells, found.damaged, found.stray, found.broken) == (20, 2, 1, ())
    assert found.named[0] == 'made-up {"design.n":4,"label":"é\'\\""}'
    questions = [row.question for row in rows]
    expected = set(questions) - {questions[k] for k in (4, 5, 9)}
    with open_store(path) as store:
        assert store.known(questions) == set(store.answers(questions)) == expected
        assert set(store.cells([row.key for row in rows])) == {row.key for row in rows} - {rows[4].key, rows[5].key}
        assert len(store.remarks) == 2
        assert "a damaged row is treated as missing (made-up" in store.remarks[0]
        assert len([stored for batch in store.batches() for stored in batch]) == 18
        store.keep([rows[4], rows[5]])
        assert set(store.answers(questions)) == expected | {questions[4], questions[5]}


def test_nothing_is_rebuilt_while_another_has_it_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who notices the damage says that the store is open elsewhere; later it is rebuilt."""
    monkeypatch.setattr("anatrial.store.mending.PATIENCE", 0.1)
    path = tmp_path / "s"
    rows = filled(path, 200)
    with open_store(path):
        overwritten(path, [0])
        before = path.read_bytes()
        for ask in (open_store, rebuilt):
            with pytest.raises(InputError, match="damaged, and open in another program"):
                ask(path)
        assert path.read_bytes()[PAGE:] == before[PAGE:]
    assert rebuilt(path) is not None
    assert len(there(path, rows)) == 200


OPENER = """
import sys
from pathlib import Path
from tests.cli.project import ENVIRONMENT
from tests.stores import cells
from anatrial.store import open_store
sys.stdin.readline()
with open_store(Path(sys.argv[1])) as store:
    print(len(store.cells([row.key for row in cells(800)])), len(store.remarks))
"""


def test_two_that_notice_the_damage_rebuild_it_once(tmp_path: Path) -> None:
    """One of them rebuilds and says so, the other waits and goes on with the new store; both have every row."""
    path = tmp_path / "s"
    filled(path, 800)
    overwritten(path, [0])
    words, pipe = [sys.executable, "-c", OPENER, str(path)], subprocess.PIPE
    both = [subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=ENVIRONMENT) for _ in range(2)]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert sorted(one.communicate(timeout=60)[0].split() for one in both) == [["800", "0"], ["800", "1"]]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s", "s.damaged-1", "s.lock"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file cannot have two names, the damaged one is copied instead."""

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "not here")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    path = tmp_path / "s"
    rows = filled(path, 30)
    overwritten(path, [0])
    before = path.read_bytes()
    assert len(there(path, rows)) == 30
    assert (tmp_path / "s.damaged-1").read_bytes() == before


def test_a_log_that_is_left_goes_with_the_damaged_file(tmp_path: Path) -> None:
    """It must not be read as the log of the new store."""
    for name in ("s", "s-wal", "s-shm", "s.damaged-1", "fresh"):
        (tmp_path / name).write_text(name)
    assert _swapped(tmp_path / "s", tmp_path / "fresh") == tmp_path / "s.damaged-2"
    found = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert found == {"s": "fresh", "s.damaged-1": "s.damaged-1", "s.damaged-2": "s", "s.damaged-2-wal": "s-wal"}


def test_a_sound_store_is_not_rebuilt(tmp_path: Path) -> None:
    """Nothing to do: not a byte changes, nothing is left beside it."""
    path = tmp_path / "s"
    filled(path, 10)
    before = path.read_bytes()
    assert rebuilt(path) is None
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s", "s.lock"]
