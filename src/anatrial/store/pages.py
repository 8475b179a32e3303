"""Rows read from the pages of a damaged file themselves, without the trees above them.

Source: "Database File Format", sqlite.org/fileformat2.html, sections 1.6 (pages) and 2.1 (records).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from anatrial.store.form import PAGE, sound

LEAF = b"\x0d"  # how a page that holds rows of a table starts
ONE_PAGE = PAGE - 35  # longest row without overflow pages
FEWEST = (PAGE - 12) * 32 // 255 - 23
OVERFLOW = PAGE - 4
File = mmap.mmap | bytes


def saved_rows(path: Path, *, columns: int, most: int | None = None) -> Iterator[tuple[bytes, ...]]:
    """Every row of ``columns`` texts in a closed file that matches its checksum, one that was moved perhaps twice.

    What stood in the write-ahead log is in the file: SQLite puts it there when the last one closes it, however damaged
    the file is. ``most``: so many pages are looked at.
    """
    with _content(path) as file:
        for at in islice(range(PAGE, len(file), PAGE), most):  # the first page lists the tables
            if file[at : at + 1] != LEAF:
                continue
            for record in _records(file, at):
                row = _texts(record)
                if len(row) == columns and sound(row):
                    yield row


@contextmanager
def _content(path: Path) -> Iterator[File]:
    """The bytes of a file, none where there is none; not read as a whole."""
    if not path.exists() or path.stat().st_size == 0:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _records(file: File, at: int) -> Iterator[bytes]:
    """The records of a page, each with what overflows to further pages; those out of their bounds are left out."""
    leaf = file[at : at + PAGE]
    many = min(int.from_bytes(leaf[3:5]), PAGE // 2)
    for (place,) in struct.iter_unpack(">H", leaf[8 : 8 + 2 * many]):
        try:
            size, start = _number(leaf, place)
            _, start = _number(leaf, start)  # the id
        except IndexError:
            continue
        if size <= ONE_PAGE:
            yield leaf[start : start + size]
        elif size <= len(file):
            local = FEWEST + (size - FEWEST) % OVERFLOW
            end = start + (local if local <= ONE_PAGE else FEWEST)
            yield leaf[start:end] + _overflow(file, int.from_bytes(leaf[end : end + 4]), size - (end - start))


def _overflow(file: File, number: int, size: int) -> bytes:
    """The rest of a record, or as much as there is."""
    found = b""
    while number and len(found) < size:
        content = file[(number - 1) * PAGE : number * PAGE]
        if len(content) <= 4:
            break
        number = int.from_bytes(content[:4])
        found += content[4:]
    return found[:size]


def _texts(record: bytes) -> tuple[bytes, ...]:
    """The texts and bytes of a record but for the id; none where it holds anything else."""
    sizes = []
    try:
        start, at = _number(record, 0)
        while at < start:
            kind, at = _number(record, at)
            if kind >= 12:
                sizes.append((kind - 12) // 2)
            elif kind or sizes:  # an id is kept as nothing, in the first column
                return ()
    except IndexError:
        return ()
    found = []
    for size in sizes:
        found.append(record[start : start + size])
        start += size
    return tuple(found)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for k in range(8):
        byte = data[at + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + k + 1
    return value << 8 | data[at + 8], at + 9
