"""What SQLite and the disk complain of, in words that a person can act on."""

from __future__ import annotations

import os
import shlex
import sqlite3
from pathlib import Path

from anatrial.errors import Fault, InputError

FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
ANOTHER = "or name another store (sweep and check: --store FILE)"


class DamageError(InputError):
    """The file does not hold together."""

    def __init__(self, path: Path, what: str) -> None:
        self.what = what
        fix = f"stop every other program that uses it, then {rebuilding(path)}"
        super().__init__(Fault(str(path), f"a damaged store ({what})", "a sound one", fix))


def rebuilding(path: Path) -> str:
    """The command that rebuilds it."""
    return f"anatrial store verify {shlex.quote(str(path))} --rebuild"


def told(path: Path, error: sqlite3.Error) -> InputError:
    """The same as an ``InputError``; an error that only a fault of the program can cause is raised as it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what kind of reading or writing it was
    if code in DAMAGE:
        return DamageError(path, str(error))
    if code in FULL:
        got = f"the disk is full or refuses to be written to ({error.sqlite_errorname})"
        fix = "make room and start again: what was kept before is safe, and the rest goes on from there"
        return InputError(Fault(str(path), got, "room for results", fix))
    if code in LOCKED:
        fix = "start again when the other program is done"
        return InputError(Fault(str(path), "a store that another program has locked for long", "a free one", fix))
    if code in CLOSED:
        return closed(path, str(error))
    raise error


def closed(path: Path, why: str) -> InputError:
    """A place that lets nobody write."""
    fix = f"let the program write there, {ANOTHER}"
    return InputError(Fault(str(path), why, "a store and a folder that can be written to", fix))


def refused(path: Path, error: OSError) -> InputError:
    """What the system says of the file or its folder."""
    return closed(path, os.strerror(error.errno) if error.errno else str(error))


def foreign(path: Path) -> InputError:
    """A file that is no store."""
    fix = "name another file; this one is left as it is"
    return InputError(Fault(str(path), "a file of another program", "a store of results", fix))


def newer(path: Path, version: int, known: int) -> InputError:
    """A store that a later program has made."""
    fix = f"update anatrial, {ANOTHER}"
    return InputError(
        Fault(str(path), f"a store of format {version}", f"format {known}, which this program knows", fix)
    )
