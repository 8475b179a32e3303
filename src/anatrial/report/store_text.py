"""What ``anatrial store`` prints, and its JSON content."""

from __future__ import annotations

import shlex
from typing import Any

from anatrial.domain.stores import Pruned, Rebuilt, StoreCheck, StoreContents
from anatrial.domain.trial import Column, Table
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import wrapped
from anatrial.report.table_lines import table_lines

UNITS = ("bytes", "kB", "MB", "GB", "TB")
COLUMNS = (
    Column("scenario", "scenario", "text"),
    Column("engine", "engine", "text"),
    Column("cells", "cells", "count"),
)


def contents_text(found: StoreContents) -> str:
    """Where the store is, how large it is, and its cells by scenario and engine."""
    lines = wrapped(f"{found.path}: format {found.store_version}, {size_said(found.size)}")
    if not found.holdings:
        return "\n".join([*lines, "It holds no cells yet."])
    rows = tuple((held.scenario, held.engine or "not known", held.cells) for held in found.holdings)
    title = f"{_cells(found.cells)}, which answer {found.questions:,} {_s('question', found.questions)}"
    return "\n".join([*lines, *table_lines(Table("cells", title, COLUMNS, rows))])


def contents_content(found: StoreContents) -> dict[str, Any]:
    """The same as JSON content."""
    return _content("contents", {**plain(found), "cells": found.cells})


def check_text(found: StoreCheck) -> str:
    """That all is sound, or everything that is not, and what to do."""
    if found.sound:
        return "\n".join(wrapped(f"{found.path} is sound: {_cells(found.whole)}, every one as it was kept."))
    of = f" of {found.cells:,}" if found.cells is not None else ""
    lines = wrapped(f"{found.path} is damaged. {_cells(found.whole)} can be saved.")
    if found.damaged:
        many = f"{found.damaged:,}{of} {_s('cell', found.cells or found.damaged)}"
        lines.append(f"  {many} {'does' if found.damaged == 1 else 'do'} not match the checksum:")
        lines += [line for name in found.named for line in wrapped(name, indent="    ")]
        more = found.damaged - len(found.named)
        lines += [f"    and {more:,} more"] if more else []
    if found.stray:
        lines.append(f"  {found.stray:,} {_s('question', found.stray)} without a sound cell")
    lines += [line for said in found.broken for line in wrapped(f"SQLite: {said}", indent="  ")]
    fix = f"fix: anatrial store verify {shlex.quote(found.path)} --rebuild makes a new store of every sound cell"
    return "\n".join([*lines, *wrapped(fix)])


def check_content(found: StoreCheck) -> dict[str, Any]:
    """The same as JSON content."""
    return _content("check", {**plain(found), "sound": found.sound})


def rebuilt_text(path: str, found: Rebuilt | None) -> str:
    """What was saved; None where there was nothing to do."""
    return "\n".join(wrapped(found.said if found else f"{path} is sound: there is nothing to rebuild."))


def rebuilt_content(path: str, found: Rebuilt | None) -> dict[str, Any]:
    """The same as JSON content."""
    return _content("rebuild", {"path": path, "rebuilt": found is not None, **(plain(found) if found else {})})


def pruned_text(found: Pruned) -> str:
    """How many cells went, how many are left, and the room that was given back."""
    said = f"{found.path}: removed {_cells(found.cells)}, {size_said(found.freed)} freed; {_cells(found.left)} left."
    return "\n".join(wrapped(said))


def pruned_content(found: Pruned) -> dict[str, Any]:
    """The same as JSON content."""
    return _content("prune", plain(found))


def export_content(path: str, rows: int) -> dict[str, Any]:
    """Where the long table is, and how long, as JSON content."""
    return _content("export", {"path": path, "rows": rows})


def size_said(size: float) -> str:
    """Bytes in the unit that suits, to three figures."""
    for unit in UNITS[:-1]:
        if abs(size) < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {UNITS[-1]}"


def _content(what: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"format": f"anatrial-store-{what}", "version": SCHEMA_VERSION, **content}


def _cells(many: int) -> str:
    return f"{many:,} {_s('cell', many)}"


def _s(word: str, many: int) -> str:
    return word if many == 1 else f"{word}s"
