"""Reading a text file that may be anything, and writing one so that nothing is ever half-written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anatrial.errors import Fault, InputError
from anatrial.spec import MAX_BYTES

MAX_DRAWS = 1 << 30


def read_bytes(path: Path, where: str, limit: int = MAX_DRAWS) -> bytes:
    """The content of a regular file of at most ``limit`` bytes; ``InputError`` says what is wrong with it."""
    try:
        if path.is_dir():
            raise InputError(Fault(where, "a directory", "a file", "name the file in it"))
        if path.exists() and not path.is_file():  # a pipe or a device would be waited for, or never end
            raise InputError(Fault(where, "a pipe or a device", "a regular file"))
        size = path.stat().st_size
        if size > limit:
            raise InputError(Fault(where, f"{size:,} bytes", f"at most {limit:,} bytes", "split the file"))
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(Fault(where, getattr(error, "strerror", None) or str(error), "a readable file")) from None


def read_text(path: Path, where: str | None = None, limit: int = MAX_BYTES) -> str:
    """The text of a file of at most ``limit`` bytes; ``InputError`` says what is wrong with it."""
    where = where or str(path)
    content = read_bytes(path, where, limit)
    if not content.strip():
        raise InputError(Fault(where, "an empty file", "a text file"))
    if b"\0" in content:
        raise InputError(Fault(where, "a binary file", "a text file in UTF-8"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            Fault(f"{where}: line {line}", "bytes that are not UTF-8", "a text file in UTF-8", "save it as UTF-8")
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with beside(path) as written, told(path):
        written.write_bytes(content)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """An empty file in the same folder, to be filled: it takes the place of ``path`` at the end, in one step.

    After an error or an interruption what stood there before still does. ``InputError`` for a place that cannot be
    written to.
    """
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    written = Path(name)
    try:
        yield written
        with told(path):
            written.chmod(0o644)
            written.replace(path)
    finally:
        written.unlink(missing_ok=True)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the disk refuses as an ``InputError`` that names the file, not the one beside it."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(Fault(str(path), why, "a place that can be written to")) from None
