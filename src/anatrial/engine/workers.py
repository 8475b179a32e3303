"""Work is spread over this process, local processes or a Dask cluster: every job comes back, whatever dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as numbers
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from anatrial.errors import Fault, InputError

J = TypeVar("J")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
J_contra = TypeVar("J_contra", contravariant=True)

AHEAD = 2
"""Jobs per worker that are sent before the first comes back: a worker never waits, and a million are never held."""
IDLE = 300.0
"""Seconds after which a local worker without work ends; until then the next ``spread`` finds it ready."""
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
"""How a sum is split over threads would move its last digit; and workers would fight for the cores."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who computes: this process (1), so many local processes, or the Dask cluster whose scheduler has this address."""

    count: int = 1
    dask: str | None = None


class Lost(NamedTuple):
    """A job that has no result because its worker died, and died again when it had nothing else to do."""

    why: str


class Died(NamedTuple):
    """The worker of a job died; whether the job did it is not known yet."""

    why: str


class Pool(Protocol[J_contra, R_co]):
    """Workers that run elsewhere. Jobs are told apart by their tickets."""

    def room(self) -> int:
        """Jobs that may be with the workers at once."""

    def send(self, ticket: int, job: J_contra) -> None:
        """Have it done."""

    def finished(self) -> tuple[int, R_co | Died]:
        """One that was sent and is done, and what came of it; waits for it."""


def spread(work: Callable[[J], R], jobs: Iterable[J], how: Workers) -> Generator[tuple[J, R | Lost]]:
    """Each job with its result, as soon as it is there, in any order.

    Parameters
    ----------
    work
        A function of a module (workers import it by its name). What it raises is raised here.
    jobs
        Taken one by one by the thread that asks for results, at most ``AHEAD`` per worker before their results are
        taken.
    how
        Who works. A job whose worker dies is done again; it comes back as ``Lost`` if its worker dies although it has
        nothing else to do. If the generator is closed before its end, local workers are killed and a cluster forgets
        what it was sent.

    Raises
    ------
    InputError
        No such cluster, or one that went away and did not come back.
    """
    if how.dask is not None:
        from anatrial.engine.cluster import cluster

        with cluster(work, how.dask) as pool:
            yield from _each(pool, iter(jobs))
    elif how.count > 1:
        with _processes(work, how.count) as pool:
            yield from _each(pool, iter(jobs))
    elif how.count == 1:
        for job in jobs:
            yield job, work(job)
    else:
        raise InputError(Fault("--workers", str(how.count), "at least 1"))


def _each(pool: Pool[J, R], jobs: Iterator[J]) -> Iterator[tuple[J, R | Lost]]:
    """Send and fetch. Nothing new is sent while there are suspects: each of them has the workers for itself."""
    sent: dict[int, J] = {}
    suspects: deque[J] = deque()
    tickets = numbers()
    alone = False
    while True:
        if not suspects:
            room = pool.room() - len(sent)
            for ticket, job in zip(tickets, islice(jobs, max(room, 0)), strict=False):
                sent[ticket] = job
                pool.send(ticket, job)
        elif not sent:
            alone, ticket = True, next(tickets)
            sent[ticket] = suspects.popleft()
            pool.send(ticket, sent[ticket])
        if not sent:
            return
        ticket, found = pool.finished()
        job = sent.pop(ticket)
        if not isinstance(found, Died):
            yield job, found
        elif alone:
            yield job, Lost(found.why)
        else:
            suspects.append(job)
        alone = False


@contextmanager
def _processes(work: Callable[[J], R], count: int) -> Iterator[Pool[J, R]]:
    """So many local processes; they stay ready for the next time unless they are left in the middle."""
    pool = _Processes(work, count)
    try:
        yield pool
    except BaseException:  # also a caller who is interrupted, or wants no more
        pool.kill()
        raise


class _Processes(Generic[J, R]):
    """The process pool of joblib (loky); see decision 0018 for why it is used without ``joblib.Parallel``."""

    def __init__(self, work: Callable[[J], R], count: int) -> None:
        self._work, self._count = work, count
        self._futures: dict[Any, int] = {}
        self._ready: deque[tuple[int, R | Died]] = deque()
        self._executor = self._fresh()

    def room(self) -> int:
        """A few per process."""
        return AHEAD * self._count

    def send(self, ticket: int, job: J) -> None:
        """Have it done; by new processes if one has died since."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        with _deaf():
            try:
                future = self._executor.submit(self._work, job)
            except BrokenProcessPool:
                self._collect(everything=True)
                self._executor = self._fresh()
                future = self._executor.submit(self._work, job)
            self._futures[future] = ticket  # before Ctrl-C is heard again: ``kill`` must know of it

    def finished(self) -> tuple[int, R | Died]:
        """One that is done; if a process died, all that were sent come back one after another, done or not."""
        if not self._ready:
            self._collect(everything=False)
        return self._ready.popleft()

    def kill(self) -> None:
        """End the processes, whatever they do."""
        # Every job must have reached the queue of the processes: loky fails with a KeyError over one that has not.
        deadline = time.monotonic() + 1.0
        while not all(job.running() or job.done() for job in self._futures) and time.monotonic() < deadline:
            time.sleep(0.001)
        self._executor.shutdown(wait=True, kill_workers=True)

    def _fresh(self) -> Any:
        """The executor of this process, or a new one where there is none or it is broken.

        There is one for all that uses joblib here, and ``joblib.Parallel`` must find one of its own kind.
        """
        from joblib.executor import get_memmapping_executor

        how = {"timeout": IDLE, "initializer": _prepare, "initargs": (os.getpid(),), "env": ONE_THREAD}
        with _deaf():
            return get_memmapping_executor(self._count, max_nbytes=None, **how)

    def _collect(self, *, everything: bool) -> None:
        """Wait for what is done; for everything where a process died, since that ends all that was sent."""
        from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, wait

        from joblib.externals.loky.process_executor import TerminatedWorkerError

        done, _ = wait(self._futures, return_when=ALL_COMPLETED if everything else FIRST_COMPLETED)
        if any(isinstance(future.exception(), TerminatedWorkerError) for future in done):
            done, _ = wait(self._futures)
            self._executor = self._fresh()
        for future in done:
            error = future.exception()
            if error is not None and not isinstance(error, TerminatedWorkerError):
                raise error
            outcome = future.result() if error is None else Died(_said(error))
            self._ready.append((self._futures.pop(future), outcome))


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started here never hear Ctrl-C, not even before they could ask to be left alone."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # here, because its start would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(parent: int) -> None:
    """What a process does first: leave Ctrl-C to the program that asked, and end when that has been killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _said(error: BaseException) -> str:
    """Why a process ended, in short: joblib tells the exit codes in the last but one line of its text."""
    _, _, told = str(error).partition("The exit codes of the workers are ")
    codes = told.partition("\n")[0].strip("{}") or "unknown exit code"
    return f"its process died, and died again when it was alone with it ({codes}); the memory may not suffice"
