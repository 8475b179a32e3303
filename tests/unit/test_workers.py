"""Jobs spread over processes: the same results for any number, whatever dies, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from joblib import Parallel, delayed

from anatrial.engine.workers import AHEAD, Lost, Workers, spread
from anatrial.errors import InputError

ROOT = Path(__file__).parents[2]
LONG = 60.0
"""Seconds that nothing here should take, on however busy a machine."""


def squared(number: int) -> int:
    return number * number


def waiting(job: tuple[int, str]) -> int:
    """Job 0 ends only when its file is there."""
    number, path = job
    deadline = time.monotonic() + LONG
    while number == 0 and not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return number


def killed_once(job: tuple[int, str]) -> int:
    """The process of job 5 is killed the first time."""
    number, path = job
    if number == 5 and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly(number: int) -> int:
    """Jobs 3 and 8 always end their process."""
    if number in (3, 8):
        os._exit(7)
    return number


def faulty(number: int) -> int:
    raise ValueError(number)


def process(_: int) -> tuple[int, bool, str | None]:
    return os.getpid(), signal.getsignal(signal.SIGINT) == signal.SIG_IGN, os.environ.get("OPENBLAS_NUM_THREADS")


def processes() -> list[psutil.Process]:
    """The workers of this process."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "popen_loky" in " ".join(child.cmdline())]


class Taken:
    """Jobs, and what is known of who took them."""

    def __init__(self, many: int) -> None:
        self.count = 0
        self.threads: set[int] = set()
        self.many = many

    def __iter__(self) -> Iterator[int]:
        for number in range(self.many):
            self.count += 1
            self.threads.add(threading.get_ident())
            yield number


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_processes_gives_the_same(count: int) -> None:
    """Every job comes back once with its own result."""
    found = sorted(spread(squared, range(12), Workers(count)))
    assert found == list(zip(range(12), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121], strict=True))


@pytest.mark.parametrize("count", [1, 2])
def test_no_jobs_give_no_results(count: int) -> None:
    """Nothing to do is done."""
    assert list(spread(squared, [], Workers(count))) == []


def test_a_result_does_not_wait_for_a_longer_job(tmp_path: Path) -> None:
    """Results come as soon as they are there: the first job is the last to come back."""
    path = tmp_path / "go"
    jobs = [(number, str(path)) for number in range(AHEAD)]
    order = []
    for _, number in spread(waiting, jobs, Workers(2)):
        order.append(number)
        if len(order) == AHEAD - 1:
            path.touch()
    assert sorted(order) == list(range(AHEAD))
    assert order[-1] == 0


def test_jobs_are_taken_a_few_ahead_and_by_the_caller() -> None:
    """A million jobs are not held, and a generator of jobs may hold what belongs to one thread."""
    jobs = Taken(10**6)
    found = spread(squared, jobs, Workers(2))
    for returned in range(1, 21):
        next(found)
        assert jobs.count - returned < AHEAD * 2
    found.close()
    assert jobs.threads == {threading.get_ident()}


def test_one_worker_takes_a_job_when_it_is_asked_for() -> None:
    """Alone, this process holds one job at a time."""
    jobs = Taken(10)
    assert next(spread(squared, jobs, Workers())) == (0, 0)
    assert jobs.count == 1


def test_a_process_that_is_killed_costs_no_result(tmp_path: Path) -> None:
    """What was with it and with the others is done again."""
    path = tmp_path / "killed"
    jobs = [(number, str(path)) for number in range(20)]
    assert sorted(found for _, found in spread(killed_once, jobs, Workers(2))) == list(range(20))
    assert path.exists()


def test_a_process_killed_from_outside_costs_no_result() -> None:
    """So does one that somebody else kills while results are taken."""
    seen: list[int] = []
    for job, found in spread(process, range(20), Workers(2)):
        assert not isinstance(found, Lost)
        if not seen:
            psutil.Process(found[0]).kill()
        seen.append(job)
    assert sorted(seen) == list(range(20))


def test_a_job_that_kills_its_process_is_lost_alone() -> None:
    """It is found among those that were at work with it, told with the exit code, and all others have results."""
    found = dict(spread(deadly, range(12), Workers(2)))
    lost = {job: result for job, result in found.items() if isinstance(result, Lost)}
    assert sorted(lost) == [3, 8]
    assert all("EXIT(7)" in result.why for result in lost.values())
    assert [found[job] for job in sorted(found) if job not in lost] == [0, 1, 2, 4, 5, 6, 7, 9, 10, 11]


def test_an_error_of_the_work_is_raised_and_ends_the_processes() -> None:
    """It is a fault of the program, not of a worker; the next time is none the worse."""
    with pytest.raises(ValueError, match=r"^[01]$"):
        list(spread(faulty, range(2), Workers(2)))
    assert processes() == []
    assert list(spread(squared, [3], Workers(2))) == [(3, 9)]


def test_leaving_early_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed generator has killed its workers, busy or not, and no thread failed over it."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    for taken in range(1, 6):
        found = spread(squared, iter(range(10**6)), Workers(2))
        for _ in range(taken):
            next(found)
        assert len(processes()) == 2
        found.close()
        assert processes() == []
    assert failed == []


def test_processes_are_other_ones_with_one_thread_deaf_to_an_interrupt() -> None:
    """Sums are not split over threads, and Ctrl-C is for the program that asked."""
    for _, found in spread(process, range(6), Workers(2)):
        assert not isinstance(found, Lost)
        assert found[0] != os.getpid()
        assert found[1:] == (True, "1")


def test_joblib_finds_its_own_kind_of_processes() -> None:
    """``joblib.Parallel`` of anybody in this process works before, between and after."""
    for _ in range(2):
        assert sorted(found for _, found in spread(squared, [1, 2, 3], Workers(2))) == [1, 4, 9]
        assert Parallel(n_jobs=2)(delayed(squared)(k) for k in (1, 2, 3)) == [1, 4, 9]


PROGRAM = """
import os, psutil
from anatrial.engine.workers import Workers, spread
for job, _ in spread(abs, iter(range(10**9)), Workers(2)):
    if job == 0:
        children = psutil.Process().children(recursive=True)
        print(*[child.pid for child in children if "popen_loky" in " ".join(child.cmdline())], flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_processes_of_a_program_end_with_it(how: signal.Signals) -> None:
    """After ``kill -9`` and Ctrl-C nothing goes on, and no worker prints a traceback of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path])}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        start_new_session=True,
    )
    try:
        assert program.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in program.stdout.readline().split()]
        assert len(workers) == 2
        os.killpg(program.pid, how) if how == signal.SIGINT else program.kill()
        assert psutil.wait_procs(workers, timeout=LONG)[1] == []
        assert program.communicate(timeout=LONG)[1].count("Traceback") == (how == signal.SIGINT)
    finally:
        program.kill()


def test_no_worker_at_all_is_refused() -> None:
    """Nobody computes nothing."""
    with pytest.raises(InputError, match="--workers\n  got       0\n  expected  at least 1"):
        list(spread(squared, [1], Workers(0)))


def test_a_cluster_without_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask is an extra: asked for without it, the command that installs it is told."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r'fix       pip install "anatrial\[dask\]"'):
        list(spread(squared, [1], Workers(dask="tcp://127.0.0.1:8786")))
