"""How a store is opened: what the file is, and the modes of SQLite that the store relies on."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from anatrial.errors import Fault, InputError
from anatrial.store.faults import DamageError, foreign, newer, refused, told
from anatrial.store.form import APPLICATION, COLUMNS, PAGE, SCHEMA, VERSION
from anatrial.store.pages import saved_rows

PATIENCE = 30.0
"""Seconds to wait for another process."""
LOOKED_AT = 5_000  # pages of a file that may be another program's


def placed(path: Path, *, make: bool) -> None:
    """``InputError`` for a folder, and for a place without a store where none is to be made."""
    try:
        if path.is_dir():
            raise InputError(Fault(str(path), "a directory", "a store of results", "name the file in it"))
        if path.exists() and not path.is_file():
            raise InputError(Fault(str(path), "a pipe or a device", "a store of results"))
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            fix = "name the store; a sweep makes one"
            raise InputError(Fault(str(path), "no such file", "a store of results", fix))
    except OSError as error:
        raise refused(path, error) from None


def connected(path: Path) -> sqlite3.Connection:
    """A store that is open for reading and writing, made where there is none; texts are read as bytes.

    Raises ``DamageError`` where it does not hold together, ``InputError`` for another program's file, a store of a
    newer version, and a place that cannot be written to.
    """
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        connection.text_factory = bytes  # a damaged text need not be UTF-8
        _accepted(path, connection)
        _logged_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine may lose the last rows, no other
    except BaseException as error:  # noqa: BLE001 - whatever it is, it goes on
        if connection is not None:
            connection.close()
        found = told(path, error) if isinstance(error, sqlite3.Error) else error
        raise (foreign(path) if isinstance(found, DamageError) and not _recognised(path) else found) from None
    return connection


def _accepted(path: Path, connection: sqlite3.Connection) -> None:
    """Look at what the file is, and make the tables in an empty one; alone, so that nobody sees them half-made."""
    connection.execute(f"PRAGMA page_size = {PAGE}")
    connection.execute("BEGIN IMMEDIATE")
    ((application,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if (application, version, tables) == (0, 0, set()):
        for statement in SCHEMA:
            connection.execute(statement)
    elif application != APPLICATION:
        raise DamageError(path, "its first page")
    elif version > VERSION:
        raise newer(path, version, VERSION)
    elif version < VERSION or not tables >= {b"cells", b"questions"}:
        raise DamageError(path, "its list of tables")
    else:
        connection.execute("DELETE FROM cells WHERE id < 0")  # changes nothing, and fails where nobody may write
    connection.execute("COMMIT")


def _logged_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; the switch does not wait for others by itself."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _recognised(path: Path) -> bool:
    """Whether a file that SQLite does not take for a store has been one: by its header, or by a sound row in it."""
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] == b"SQLite format 3\0" and head[68:72] == APPLICATION.to_bytes(4):
        return True
    return next(saved_rows(path, columns=COLUMNS, most=LOOKED_AT), None) is not None


def size_on_disk(path: Path) -> int:
    """Bytes of the store and of its write-ahead log."""
    files = (path, Path(f"{path}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
