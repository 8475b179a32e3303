"""The store: what is asked of it while cells are computed, and what people ask of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from anatrial.domain.cells import CellResult, KeptCell
from anatrial.domain.stores import Holding, Pruned, Rebuilt, StoreContents, StoredCell
from anatrial.errors import Fault, InputError
from anatrial.spec import nearest
from anatrial.store import mending
from anatrial.store.content import result_of
from anatrial.store.faults import DamageError, told
from anatrial.store.form import (
    CELL,
    NEW_CELL,
    NEW_QUESTION,
    VERSION,
    Row,
    cell_row,
    described,
    question_row,
    sound,
    text_of,
)
from anatrial.store.lock import Lock
from anatrial.store.opening import PATIENCE, connected, placed, size_on_disk

DEFAULT = Path(".anatrial/cells.sqlite")
"""Where the commands look, in the working directory."""
MOST = 500  # values in one statement, and cells in memory at once
ASKED = "SELECT q.question, q.key, q.checksum, c.id, c.key, c.scenario, c.settings, c.engine, c.content, c.checksum "
Found = TypeVar("Found")


def open_store(path: Path | str, *, engine: str | None = None, make: bool = True) -> Store:
    """The store at a place; made where there is none, unless ``make`` is false.

    ``engine`` is noted beside every cell that is kept. A damaged store is rebuilt from its sound rows, and ``remarks``
    says so. Raises ``InputError`` for a place that cannot be written to, a file of another program, a store of a newer
    version, and a damaged one that another process has open.
    """
    path = Path(path)
    placed(path, make=make)
    lock = Lock(path)
    try:
        lock.shared(PATIENCE)
        try:
            return Store(path, engine or "", lock, connected(path))
        except DamageError:
            rebuilt = mending.rebuilt_alone(path, lock)
        return Store(path, engine or "", lock, connected(path), rebuilt)
    except BaseException:
        lock.close()
        raise


class Store:
    """Finished cells in a file; several processes may have it open. Use it as a context, or ``close`` it."""

    def __init__(
        self, path: Path, engine: str, lock: Lock, connection: sqlite3.Connection, rebuilt: Rebuilt | None = None
    ) -> None:
        self.path = path
        self.remarks = [rebuilt.said] if rebuilt else list[str]()
        """What people should know: of a rebuild, and of damaged rows that were met."""
        self._engine, self._lock, self._connection = engine, lock, connection
        self._damaged: set[int] = set()
        self._file = self._place()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._lock.close()

    # ---- while cells are computed ----

    def known(self, questions: Sequence[str]) -> set[str]:
        """Those of these questions that have a sound answer."""
        return self._done(lambda: {question for question, _ in self._asked(questions)})

    def answers(self, questions: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these questions that were asked before, by question; damaged rows are no answer."""
        return self._done(lambda: {question: result_of(content) for question, content in self._asked(questions)})

    def cells(self, keys: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these cells that are kept, by key; damaged rows are none."""
        return self._done(lambda: {key: result_of(content) for key, content in self._cells(keys)})

    def keep(self, rows: Sequence[KeptCell]) -> None:
        """Keep these; they are safe when this returns. A cell that is kept already stays as it is.

        Failures that might not come again are not kept, nor are questions whose cell is not there. ``InputError`` for a
        full disk: then none of these is kept.
        """
        cells = [
            cell_row(row, row.result, self._engine) for row in rows if row.result is not None and row.result.lasting
        ]
        questions = [question_row(row.question, row.key) for row in rows]

        def write() -> None:
            with self._writing():
                self._without_damaged()
                self._connection.executemany(NEW_CELL, cells)
                self._connection.executemany(NEW_QUESTION, questions)

        if self._place() != self._file:
            self._open_again()
        self._done(write)

    # ---- for people ----

    def contents(self) -> StoreContents:
        """What it holds, by scenario and engine."""
        many = "SELECT scenario, engine, count(*) FROM cells GROUP BY scenario, engine ORDER BY scenario, engine"
        rows = self._done(lambda: self._rows(many))
        ((questions,),) = self._done(lambda: self._rows("SELECT count(*) FROM questions"))
        held = tuple(Holding(text_of(scenario), text_of(engine), cells) for scenario, engine, cells in rows)
        return StoreContents(str(self.path), VERSION, size_on_disk(self.path), questions, held)

    def batches(self) -> Iterator[list[StoredCell]]:
        """Every sound cell in the order in which they came, a few hundred at once.

        ``InputError`` where the file is damaged: a rebuild now could repeat rows.
        """
        query = f"SELECT id, {CELL} FROM cells WHERE id > ? ORDER BY id LIMIT {MOST}"  # noqa: S608 - names of columns
        last = 0
        while rows := self._rows(query, last):
            last = rows[-1][0]
            yield [_stored(row) for number, *row in rows if self._met(number, row)]

    def prune(self, engine: str, scenario: str | None = None) -> Pruned:
        """Remove cells of every other engine, and all of one scenario if it is named; give their room back.

        ``InputError`` for a scenario that the store does not know.
        """
        known = {held.scenario for held in self.contents().holdings}
        if scenario is not None and scenario not in known:
            got, fix = f"no cells of {scenario!r}", nearest(scenario, sorted(known))
            raise InputError(Fault("--scenario", got, f"a scenario of {self.path}", fix))
        return self._done(lambda: self._pruned(engine, scenario))

    def _pruned(self, engine: str, scenario: str | None) -> Pruned:
        run = self._connection.execute
        run("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        before = size_on_disk(self.path)
        with self._writing():
            removed = run("DELETE FROM cells WHERE engine <> ? OR scenario IS ?", (engine, scenario)).rowcount
            run("DELETE FROM questions WHERE key NOT IN (SELECT key FROM cells)")
        run("VACUUM")
        run("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        ((left,),) = run("SELECT count(*) FROM cells")
        return Pruned(str(self.path), removed, left, before - size_on_disk(self.path))

    # ---- how ----

    def _place(self) -> tuple[int, int]:
        """Which file has the name of the store now; no file that is open where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return -1, -1
        return found.st_dev, found.st_ino

    def _open_again(self) -> None:
        """A store that somebody has removed or replaced: the one that is there now, or a new one."""
        self._connection.close()
        placed(self.path, make=True)
        lock = Lock(self.path)
        self._lock.close()
        self._lock = lock
        self._lock.shared(PATIENCE)
        self._connection, self._file = connected(self.path), self._place()
        self._damaged.clear()
        self.remarks.append(f"{self.path} was removed while it was in use; what it held is computed again when needed.")

    def _asked(self, questions: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The questions with a sound answer, and the content of it."""
        joined = f"{ASKED} FROM questions q JOIN cells c ON c.key = q.key WHERE q.question IN"
        for question, key, seal, number, *row in self._selected(joined, questions):
            if sound((question, key, seal)) and self._met(number, row):
                yield question.decode(), row[4]

    def _cells(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The keys with a sound cell, and the content of it."""
        for number, *row in self._selected(f"SELECT id, {CELL} FROM cells WHERE key IN", keys):  # noqa: S608 - names of columns
            if self._met(number, row):
                yield row[0].decode(), row[4]

    def _selected(self, query: str, wanted: Sequence[str]) -> Iterator[Row]:
        rest = iter(wanted)
        while some := list(islice(rest, MOST)):
            yield from self._connection.execute(f"{query} ({','.join('?' * len(some))})", some).fetchall()

    def _rows(self, query: str, *values: int) -> list[Row]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise told(self.path, error) from None

    def _met(self, number: int, row: Row) -> bool:
        """Whether a row is sound; one that is not is remembered, and gives way to the same cell computed anew."""
        if sound(row):
            return True
        if number not in self._damaged:
            self._damaged.add(number)
            self.remarks.append(f"{self.path}: a damaged row is treated as missing ({described(row)}).")
        return False

    def _without_damaged(self) -> None:
        """Remove the damaged rows that were met, unless another process has done so."""
        for number in self._damaged:
            for row in self._connection.execute(f"SELECT {CELL} FROM cells WHERE id = ?", (number,)).fetchall():  # noqa: S608 - names of columns
                if not sound(row):
                    self._connection.execute("DELETE FROM cells WHERE id = ?", (number,))
        self._damaged.clear()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back when the disk is full
                self._connection.execute("ROLLBACK")
            raise

    def _done(self, work: Callable[[], Found]) -> Found:
        """Do it; again after a rebuild where the file turns out to be damaged."""
        try:
            return work()
        except DamageError:
            pass
        except sqlite3.Error as error:
            found = told(self.path, error)
            if not isinstance(found, DamageError):
                raise found from None
        self._connection.close()
        rebuilt = mending.rebuilt_alone(self.path, self._lock)
        self.remarks += [rebuilt.said] if rebuilt else []
        self._damaged.clear()
        self._connection, self._file = connected(self.path), self._place()
        try:
            return work()
        except sqlite3.Error as error:
            raise told(self.path, error) from None


def _stored(row: Row) -> StoredCell:
    key, scenario, settings, engine, content, _ = row
    return StoredCell(key.decode(), scenario.decode(), settings.decode(), engine.decode(), result_of(content))
