"""Cells are asked for: what a store holds is taken from there, the rest is computed by one worker or many, and kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from anatrial.documents.base import Base
from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.domain.cells import CellResult, KeptCell, Settings
from anatrial.engine.workers import Lost, Workers, spread
from anatrial.plan.cells import cell_key, cell_result, failed
from anatrial.plan.ports import SILENT, CellStore, Progress
from anatrial.plan.variants import variant

BATCH = 500
"""Questions that are looked up in the store at once."""
SECONDS = 0.25
"""What a worker computes before it hands over: so much at most is lost with it."""
MOST_AT_ONCE = 200
COMPACT = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Question:
    """A cell as it is asked for: its place in the sweep, its scenario, and what is changed in it."""

    index: int
    base: Base
    settings: Settings


class Asked(NamedTuple):
    """A question with its digest."""

    question: Question
    digest: str


class Job(NamedTuple):
    """Cells that one worker computes one after another."""

    keys: tuple[str, ...]
    trials: tuple[ResolvedTrial[Any], ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """What it took to answer all questions."""

    asked: int
    computed: int
    """Cells that were not kept before; questions may share one."""
    passing: dict[int, str]
    """Failures that are not kept, by the index of the question: a worker that died, a fault of the program."""


class MemoryStore:
    """Cells that are kept as long as the process lives."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._cells: dict[str, CellResult] = {}

    def known(self, questions: Sequence[str]) -> set[str]:
        """Those of these questions that were asked before."""
        return {question for question in questions if question in self._keys}

    def answers(self, questions: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these questions that were asked before, by question."""
        return {question: self._cells[self._keys[question]] for question in questions if question in self._keys}

    def cells(self, keys: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these cells that are kept, by key."""
        return {key: self._cells[key] for key in keys if key in self._cells}

    def keep(self, rows: Sequence[KeptCell]) -> None:
        """Keep these."""
        for row in rows:
            self._keys[row.question] = row.key
            if row.result is not None:
                self._cells.setdefault(row.key, row.result)


@dataclass(frozen=True)
class Asker:
    """Who answers questions: with what is kept, and with workers for the rest."""

    store: CellStore
    engine: str
    """The version of everything that computes: another one asks anew."""
    workers: Workers

    def all_of(self, questions: Sequence[Question], progress: Progress = SILENT) -> list[CellResult]:
        """The answers in the order of the questions."""
        done = self.complete(questions, len(questions), progress)
        return [result for _, result in self.results(questions, done)]

    def complete(self, questions: Iterable[Question], total: int, progress: Progress = SILENT) -> Completed:
        """Compute and keep every answer that is not kept yet: the same answers for any number of workers.

        What is finished is kept at once, so that an interruption loses only the cells at work. The questions are taken
        one by one, and never held. ``total``: how many they are, for ``progress``.
        """
        run = _Run(self, total, progress)
        jobs: Iterator[Job] = run.jobs(iter(questions))
        while True:
            with closing(spread(_computed, jobs, self.workers)) as finished:
                for job, found in finished:
                    run.took(job, found)
            if not run.suspects:
                return Completed(run.asked, run.computed, run.passing)
            jobs, run.suspects = iter(run.suspects), []

    def results(self, questions: Iterable[Question], done: Completed) -> Iterator[tuple[Question, CellResult]]:
        """The answers in the order of the questions, once they are complete; in bounded memory.

        What has been damaged or removed since is computed again.
        """
        for batch in _batched(questions):
            asked = [self.asked(question) for question in batch]
            found, passing = self.store.answers([one.digest for one in asked]), done.passing
            lost = [one for one in asked if one.digest not in found and one.question.index not in passing]
            if lost:
                passing = passing | self.complete([one.question for one in lost], len(lost)).passing
                found |= self.store.answers([one.digest for one in lost])
            for question, digest in asked:
                why = passing.get(question.index, "what was kept of it was damaged or removed twice")
                yield question, found.get(digest) or CellResult(failure=why, lasting=False)

    def asked(self, question: Question) -> Asked:
        """The question with its digest: what the file says, with which changes, to which engine."""
        start = _prefix(self.engine, question.base.digest).copy()
        start.update(COMPACT.encode(question.settings).encode())
        return Asked(question, start.hexdigest())


@dataclass
class _Run:
    """One way through all questions."""

    asker: Asker
    total: int
    progress: Progress
    asked: int = 0
    done: int = 0
    computed: int = 0
    passing: dict[int, str] = field(default_factory=dict)
    waiting: dict[str, list[Asked]] = field(default_factory=dict)
    """Questions by the key of the cell that is at work for them."""
    suspects: list[Job] = field(default_factory=list)
    """Cells whose worker died with others at work: each on its own."""
    pace: float = SECONDS
    """Seconds that a cell takes, as far as is known."""

    def jobs(self, questions: Iterator[Question]) -> Iterator[Job]:
        """What is to be computed, in portions that take a worker about as long as ``SECONDS``."""
        ready: list[tuple[str, ResolvedTrial[Any]]] = []
        for batch in _batched(questions):
            for cell in self._missing([self.asker.asked(question) for question in batch]):
                ready.append(cell)
                if len(ready) >= min(max(round(SECONDS / self.pace), 1), MOST_AT_ONCE):
                    yield _job(ready)
                    ready = []
        if ready:
            yield _job(ready)

    def took(self, job: Job, found: tuple[float, tuple[CellResult, ...]] | Lost) -> None:
        """Keep what a worker has computed; cells whose worker died are tried once more, one by one."""
        if isinstance(found, Lost) and len(job.keys) > 1:
            self.suspects += [Job((key,), (trial,)) for key, trial in zip(*job, strict=True)]
            return
        if isinstance(found, Lost):
            results: tuple[CellResult, ...] = (CellResult(failure=found.why, lasting=False),)
        else:
            seconds, results = found
            self.pace = max(seconds / len(results), 1e-6)
        answered = [(key, self.waiting.pop(key), result) for key, result in zip(job.keys, results, strict=True)]
        self._keep([row for key, asked, result in answered if result.lasting for row in _rows(asked, key, result)])
        self.computed += len(answered)
        for _, asked, result in answered:
            if not result.lasting:
                self.passing |= {one.question.index: result.failure or "" for one in asked}
            self._advance(len(asked))

    def _missing(self, batch: list[Asked]) -> Iterator[tuple[str, ResolvedTrial[Any]]]:
        """The cells of a batch that nobody has computed or is computing."""
        store = self.asker.store
        known = store.known([one.digest for one in batch])
        self.asked += len(batch)
        self._advance(sum(one.digest in known for one in batch))
        new: dict[str, tuple[ResolvedTrial[Any], list[Asked]]] = {}
        for one in batch:
            if one.digest in known:
                continue
            try:
                trial = variant(one.question.base, one.question.settings)
            except Exception as error:  # noqa: BLE001 - settings that do not fit together; the other cells go on
                result = failed(error, one.question.base.where)
                if result.lasting:
                    self._keep(_rows([one], one.digest, result))
                else:
                    self.passing[one.question.index] = result.failure or ""
                self.computed += 1
                self._advance(1)
            else:
                new.setdefault(cell_key(trial, self.asker.engine), (trial, []))[1].append(one)
        for key in store.cells(list(new)):
            _, asked = new.pop(key)
            self._keep(_rows(asked, key, None))
            self._advance(len(asked))
        for key, (trial, asked) in new.items():
            if key in self.waiting:
                self.waiting[key] += asked
            else:
                self.waiting[key] = asked
                yield key, trial

    def _keep(self, rows: list[KeptCell]) -> None:
        if rows:
            self.asker.store.keep(rows)

    def _advance(self, more: int) -> None:
        self.done += more
        self.progress.advance(self.done, self.total)


def _computed(job: Job) -> tuple[float, tuple[CellResult, ...]]:
    """The cells of a job, and the seconds that they took."""
    start = time.perf_counter()
    results = tuple(cell_result(trial) for trial in job.trials)
    return time.perf_counter() - start, results


def _job(ready: list[tuple[str, ResolvedTrial[Any]]]) -> Job:
    return Job(tuple(key for key, _ in ready), tuple(trial for _, trial in ready))


def _rows(asked: list[Asked], key: str, result: CellResult | None) -> list[KeptCell]:
    """Every way in which a cell was asked for, the first with its result."""
    names = [(one.digest, key, one.question.base.name, one.question.settings) for one in asked]
    return [KeptCell(*name, result if k == 0 else None) for k, name in enumerate(names)]


def _batched(questions: Iterable[Question]) -> Iterator[list[Question]]:
    rest = iter(questions)
    while batch := list(islice(rest, BATCH)):
        yield batch


@lru_cache(maxsize=1000)
def _prefix(engine: str, base: str) -> hashlib._Hash:
    """What the digests of all questions on one scenario have in common."""
    return hashlib.sha256(f"{engine}\n{base}\n".encode())
