"""Damage: what is wrong with a store, and a new one from its sound rows."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

from anatrial.domain.stores import Rebuilt, StoreCheck
from anatrial.store.faults import DamageError, refused, told
from anatrial.store.form import CELL, COLUMNS, NEW_CELL, NEW_QUESTION, described, sound, text_of
from anatrial.store.lock import Lock
from anatrial.store.opening import PATIENCE, connected, placed
from anatrial.store.pages import saved_rows

NAMED = 20  # damaged rows and broken pages that are told one by one
STRAY = "SELECT q.question, q.key, q.checksum, c.id FROM questions q LEFT JOIN cells c ON c.key = q.key"


def checked(path: Path) -> StoreCheck:
    """What is wrong with a store, which stays as it is; ``InputError`` for a file that is none."""
    placed(path, make=False)
    lock = Lock(path)
    try:
        lock.shared(PATIENCE)
        return _examined(path)
    finally:
        lock.close()


def rebuilt(path: Path) -> Rebuilt | None:
    """Put a new store with every sound row in the place of a damaged one; None where it is sound and stays.

    ``InputError`` for a file that is no store, while others have it open, and for a full disk.
    """
    placed(path, make=False)
    lock = Lock(path)
    try:
        return rebuilt_alone(path, lock)
    finally:
        lock.close()


def rebuilt_alone(path: Path, lock: Lock) -> Rebuilt | None:
    """The same for who has the store's lock with others, and has it so again in the end.

    The new store is written beside the old one and renamed over it: at every moment one of them is there.
    """
    lock.alone(PATIENCE)
    found = _examined(path)
    if found.sound:  # another process was first
        lock.shared(PATIENCE)
        return None
    fresh = path.with_name(f".{path.name}.rebuilt")
    try:
        _remove(fresh)  # what an attempt that was killed has left
        fresh.touch()
        shutil.copymode(path, fresh)
        there = _counted(path) if found.cells is None else found.cells
        saved, lost = _filled(path, fresh)
        kept_as = _swapped(path, fresh)
    except sqlite3.Error as error:
        raise told(path, error) from None
    except OSError as error:
        raise refused(path, error) from None
    finally:
        _remove(fresh)
    lock.shared(PATIENCE)
    return Rebuilt(str(path), str(kept_as), saved, max(saved + lost, there or 0), exact=there is not None)


def _examined(path: Path) -> StoreCheck:
    """The damage, the store being locked already."""
    try:
        with closing(connected(path)) as connection:
            found = _checked(path, connection)
    except DamageError as damage:
        found = StoreCheck(str(path), None, 0, 0, (), 0, (damage.what,))
    if found.cells is not None:
        return found
    return found._replace(whole=len({row[-1] for row in saved_rows(path, columns=COLUMNS)}))


def _checked(path: Path, connection: sqlite3.Connection) -> StoreCheck:
    cells, stray, damaged = 0, 0, 0
    named: list[str] = []
    broken: list[str] = []
    try:
        for (said,) in connection.execute(f"PRAGMA integrity_check({NAMED})"):
            broken += [text_of(said)] if said != b"ok" else []
        for row in connection.execute(f"SELECT {CELL} FROM cells NOT INDEXED"):  # noqa: S608 - names of columns
            cells += 1
            if not sound(row):
                damaged += 1
                named += [described(row)] if damaged <= NAMED else []
        for question, key, seal, number in connection.execute(STRAY):
            stray += number is None or not sound((question, key, seal))
    except sqlite3.DatabaseError as error:
        found = told(path, error)
        if not isinstance(found, DamageError):
            raise found from None
        return StoreCheck(str(path), None, 0, damaged, tuple(named), stray, (*broken, found.what))
    return StoreCheck(str(path), cells, cells - damaged, damaged, tuple(named), stray, tuple(broken))


def _counted(path: Path) -> int | None:
    """Cells by the index of their keys, which may be whole where the rows are not."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            ((many,),) = connection.execute("SELECT count(*) FROM cells")
            return int(many)
    except sqlite3.Error:
        return None


def _filled(path: Path, fresh: Path) -> tuple[int, int]:
    """Copy every sound row into a new store; the number of cells, and of those that only a question still names."""
    lost = set()
    with closing(connected(fresh)) as connection:
        connection.execute("BEGIN")
        cells = saved_rows(path, columns=COLUMNS)
        connection.executemany(NEW_CELL, ((*(text.decode() for text in row[:-2]), *row[-2:]) for row in cells))
        for question, key, seal in saved_rows(path, columns=3):
            names = (question.decode(), key.decode())
            if not connection.execute(NEW_QUESTION, (*names, seal)).rowcount and not _has(connection, names[1]):
                lost.add(key)
        connection.execute("COMMIT")
        ((many,),) = connection.execute("SELECT count(*) FROM cells")
    return many, len(lost)


def _has(connection: sqlite3.Connection, key: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM cells WHERE key = ?", (key,)).fetchall())


def _remove(fresh: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{fresh}{ending}").unlink(missing_ok=True)


def _swapped(path: Path, fresh: Path) -> Path:
    """Put the new store in the place of the damaged one; where that is now."""
    free = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    kept_as = next(place for place in free if not place.exists())
    try:
        kept_as.hardlink_to(path)
    except OSError:  # not every file system can
        shutil.copyfile(path, kept_as)
    log = Path(f"{path}-wal")
    if log.exists():  # SQLite could not put it into the file; it would be read as the log of the new store
        log.replace(f"{kept_as}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    fresh.replace(path)
    return kept_as
