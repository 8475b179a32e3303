"""A Dask cluster as workers: workers that die, and a scheduler that goes away and comes back, lose nothing."""

from __future__ import annotations

import logging
import os
import pickle
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from anatrial import __version__
from anatrial.engine.workers import AHEAD, Died, J, Pool, R
from anatrial.errors import Fault, InputError

if TYPE_CHECKING:
    from distributed import Client, Future

ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}")
ANSWER = 10.0
"""Seconds in which a scheduler must answer the first time."""
WORKERS = 60.0
"""Seconds for which its first worker is waited for."""
PATIENCE = 120.0
"""The same for both once they have been there: somebody may be starting them again."""
GLANCE = 5.0
"""Seconds after which is asked again who is there."""
LOUD = ("distributed", "distributed.client", "tornado.application", "asyncio")
"""Loggers that tell of lost connections by tracebacks; what matters of it is told by errors of our own."""
KEPT = "start it again and run the same command again: what is finished is kept"


class Stack(NamedTuple):
    """What must be the same everywhere if the same bytes are to come out."""

    anatrial: str
    python: str
    numpy: str
    scipy: str
    threads: str
    """``OPENBLAS_NUM_THREADS``: how a sum is split over threads would move its last digit."""

    def __str__(self) -> str:
        versions = f"anatrial {self.anatrial}, Python {self.python}, numpy {self.numpy}, scipy {self.scipy}"
        return f"{versions}, OPENBLAS_NUM_THREADS {self.threads}"


def stack() -> Stack:
    """The one of the process that calls it."""
    import numpy as np
    import scipy

    threads = os.environ.get("OPENBLAS_NUM_THREADS", "not set")
    return Stack(
        __version__, f"{sys.version_info[0]}.{sys.version_info[1]}", np.__version__, scipy.__version__, threads
    )


@contextmanager
def cluster(work: Callable[[J], R], address: str) -> Iterator[Pool[J, R]]:
    """The workers of the scheduler at this address.

    Raises ``InputError`` if there is none, or none that works, or if its workers are of another version than we are.
    """
    try:
        import distributed  # noqa: F401 - is it there?
    except ImportError as error:
        fix = 'pip install "anatrial[dask]"'
        raise InputError(Fault("--dask", f"no package {error.name}", "dask and distributed", fix)) from None
    if not ADDRESS.fullmatch(address):
        expected = "the address of a running scheduler, such as tcp://host:8786 or tls://host:8786"
        raise InputError(Fault("--dask", repr(address), expected, "dask scheduler (it prints its address)"))
    with _quiet():
        pool = _Cluster(work, address)
        try:
            yield pool
        finally:
            pool.leave()


class _Cluster(Generic[J, R]):
    """One connection after the other to the same address, and what is not finished yet."""

    def __init__(self, work: Callable[[J], R], address: str) -> None:
        self._work, self._address = work, address
        self._unfinished: dict[int, bytes] = {}
        self._join(
            ANSWER,
            WORKERS,
            Fault("--dask", f"{address}, where no scheduler answers", "a running scheduler", "dask scheduler"),
        )

    def room(self) -> int:
        """A few per thread of the workers, which may come and go."""
        if time.monotonic() > self._next_look:
            self._look()
        return AHEAD * max(self._threads, 1)

    def send(self, ticket: int, job: J) -> None:
        """Have it done."""
        self._unfinished[ticket] = pickle.dumps((self._work, job))  # bytes: Dask would search anything else for tasks
        self._submit(ticket)

    def finished(self) -> tuple[int, R | Died]:
        """One that is done. If the scheduler is lost, all that was with it is sent again, once it is back."""
        from distributed import CancelledError, KilledWorker

        while True:
            if self._client.status == "closed":
                self._again()
            try:
                ticket, future = self._done.get(timeout=GLANCE)
            except Empty:
                self._look()
                continue
            try:
                found = future.result(timeout=GLANCE)
            except KilledWorker as error:
                last = error.last_worker.address
                found = Died(f"its workers died, and died again when it was alone with them; the last was {last}")
            except (OSError, CancelledError) as error:
                if future.status == "error":  # raised by the work
                    raise
                if isinstance(error, TimeoutError):  # the worker that had the result died: it is computed again
                    self._done.put((ticket, future))
                    self._look()
                else:
                    self._again()
                continue
            del self._futures[ticket], self._unfinished[ticket]
            return ticket, found

    def leave(self) -> None:
        """Go: the scheduler forgets what it was sent, and its workers drop it."""
        with suppress(OSError):  # it may have gone before us
            self._client.close(timeout=GLANCE)

    def _submit(self, ticket: int) -> None:
        try:
            future = self._client.submit(_ran, self._unfinished[ticket], pure=False)
        except Exception:
            if self._client.status != "closed":  # else it is sent again with all others
                raise
            return
        self._futures[ticket] = future
        done = self._done  # what still comes of a connection that was lost goes to a queue that nobody reads
        future.add_done_callback(lambda ended: done.put((ticket, ended)))

    def _again(self) -> None:
        """A new connection to a scheduler that knows nothing of what the old one was sent."""
        self.leave()
        got = f"{self._address}, whose scheduler went away and did not come back within {PATIENCE:.0f} s"
        self._join(PATIENCE, PATIENCE, Fault("--dask", got, "a running scheduler", KEPT))
        for ticket in self._unfinished:
            self._submit(ticket)

    def _join(self, answer: float, workers: float, nobody: Fault) -> None:
        """Connect; ``nobody`` is the error if no scheduler answers for so many seconds."""
        deadline = time.monotonic() + answer
        while True:
            try:
                self._client = _connected(self._address, max(deadline - time.monotonic(), 1.0))
                self._meet(workers)
            except OSError:  # also a scheduler that goes away while we meet its workers
                if time.monotonic() > deadline:
                    raise InputError(nobody) from None
                continue
            self._done: SimpleQueue[tuple[int, Future]] = SimpleQueue()
            self._futures: dict[int, Future] = {}
            self._threads, self._last_seen, self._next_look = 0, time.monotonic(), 0.0
            return

    def _meet(self, seconds: float) -> None:
        """Wait for the first worker, and see that all compute as we do."""
        try:
            self._client.wait_for_workers(1, timeout=seconds)
        except TimeoutError:
            raise InputError(self._deserted(seconds)) from None
        ours = stack()._replace(threads="1")
        try:
            found = self._client.run(stack)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - what a worker without our package answers has no type of its own
            fix = f'pip install "anatrial[dask]=={__version__}" where the workers run'
            raise InputError(Fault(f"--dask, a worker of {self._address}", str(error), str(ours), fix)) from None
        faults = [
            _differs(self._address, theirs, many, ours)
            for theirs, many in Counter(found.values()).items()
            if theirs != ours
        ]
        if faults:
            raise InputError(*faults)

    def _look(self) -> None:
        """See how many threads work; nobody for too long is an error."""
        self._next_look = time.monotonic() + GLANCE
        if self._client.status != "running":  # lost: then everything that was sent comes back as cancelled
            return
        with suppress(OSError):
            self._threads = sum(self._client.nthreads().values())
        if self._threads:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > PATIENCE:
            raise InputError(self._deserted(PATIENCE))

    def _deserted(self, seconds: float) -> Fault:
        got = f"{self._address}, a scheduler without workers for {seconds:.0f} s"
        return Fault("--dask", got, "at least one worker", f"dask worker {self._address} --nthreads 1")


def _connected(address: str, seconds: float) -> Client:
    """A connection within so many seconds, or ``OSError``."""
    from distributed import Client

    found: SimpleQueue[Client | Exception] = SimpleQueue()

    def connect() -> None:
        try:
            found.put(Client(address, timeout=seconds, set_as_default=False))
        except Exception as error:  # noqa: BLE001 - it is raised below
            found.put(error)

    # In a thread of its own: what listens there may be no scheduler, and Dask would wait for its first word for ever.
    threading.Thread(target=connect, daemon=True).start()
    try:
        client = found.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if not isinstance(client, Exception):
        return client
    if isinstance(client, TypeError) and address.startswith("tls:"):
        fix = "name them in the configuration of Dask (distributed.comm.tls)"
        raise InputError(Fault("--dask", f"{address}, without certificates", "certificates for tls", fix)) from None
    raise client


def _differs(address: str, theirs: Stack, many: int, ours: Stack) -> Fault:
    """Workers whose results might differ from ours."""
    fix = f'pip install "anatrial[dask]=={ours.anatrial}" where they run, with the versions above'
    if theirs._replace(threads=ours.threads) == ours:
        fix = f"OPENBLAS_NUM_THREADS=1 dask worker {address} --nthreads 1"
    return Fault(f"--dask, {many} of the workers of {address}", str(theirs), str(ours), fix)


def _ran(sent: bytes) -> Any:
    """What a worker does."""
    work, job = pickle.loads(sent)  # noqa: S301 - from the one who sends the code as well
    return work(job)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the words of Dask about connections."""
    loggers = [logging.getLogger(name) for name in LOUD]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
