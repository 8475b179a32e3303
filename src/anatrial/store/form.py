"""The form of the file: its tables, and the checksum of every row.

``cells`` holds a result per key, ``questions`` the ways in which a cell was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from anatrial.domain.cells import CellResult, KeptCell
from anatrial.store.content import content_of, json_bytes

APPLICATION = 0x616E6163  # "anac", in the header of the file
VERSION = 1
PAGE = 4096
SCHEMA = (
    """CREATE TABLE cells (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        scenario TEXT NOT NULL,
        settings TEXT NOT NULL,
        engine TEXT NOT NULL,
        content BLOB NOT NULL,
        checksum BLOB NOT NULL
    )""",
    "CREATE TABLE questions (question TEXT PRIMARY KEY, key TEXT NOT NULL, checksum BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
CELL = "key, scenario, settings, engine, content, checksum"
NEW_CELL = f"INSERT OR IGNORE INTO cells ({CELL}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of columns
NEW_QUESTION = (
    "INSERT OR IGNORE INTO questions (question, key, checksum) "
    "SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM cells WHERE key = ?2)"
)
COLUMNS = 6
Row = Sequence[Any]


def cell_row(cell: KeptCell, result: CellResult, engine: str) -> tuple[Any, ...]:
    """The columns of ``CELL``."""
    settings = json_bytes(dict(cell.settings)).decode()
    content = content_of(result)
    texts = (cell.key, cell.scenario, settings, engine)
    return *texts, content, checksum(*(text.encode() for text in texts), content)


def question_row(question: str, key: str) -> tuple[Any, ...]:
    """The columns of ``questions``."""
    return question, key, checksum(question.encode(), key.encode())


def checksum(*columns: bytes) -> bytes:
    """16 bytes that no damage leaves as they are."""
    return hashlib.sha256(b"\0".join(columns)).digest()[:16]


def sound(row: Row) -> bool:
    """Whether a row, read as bytes, is the one that was kept: its last column is the checksum of the others."""
    try:
        return bool(checksum(*row[:-1]) == row[-1])
    except TypeError:  # a number or nothing where text should be
        return False


def text_of(column: Any) -> str:
    """A text of a row, however damaged."""
    return column.decode(errors="replace") if isinstance(column, bytes) else str(column)


def described(row: Row) -> str:
    """Which cell a row is, for people."""
    return f"{text_of(row[1])} {text_of(row[2])}"
