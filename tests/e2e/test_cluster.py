"""Jobs on a real Dask cluster, one scheduler and two workers on this machine: whatever dies, every result is there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from typer.testing import CliRunner

from anatrial.cli import app
from anatrial.cli.shared import Bar
from anatrial.engine import cluster as engine
from anatrial.engine.workers import AHEAD, Lost, Workers, spread
from anatrial.errors import InputError

ROOT = Path(__file__).parents[2]
LONG = 60.0
"""Seconds that nothing here should take, on however busy a machine."""


def squared(number: int) -> int:
    return number * number


def process(_: int) -> int:
    return os.getpid()


def deadly(number: int) -> int:
    """Job 3 always ends its process."""
    if number == 3:
        os._exit(7)
    return number


def faulty(number: int) -> int:
    raise OSError(number)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Cluster:
    """A scheduler and its workers, each a process of its own, on a port that stays the same."""

    def __init__(self, failures: int = 3) -> None:
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.failures = failures
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def started(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        paths = [str(ROOT / "src"), str(ROOT), *sys.path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", **variables}
        command = [sys.executable, "-m", *arguments, "--no-dashboard"]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    def worker(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """One more; it ends by itself when its scheduler does."""
        options = ("--nthreads", "1", "--no-nanny", "--death-timeout", "60")
        worker = self.started("distributed.cli.dask_worker", self.address, *options, *arguments, **variables)
        self.workers.append(worker)
        return worker

    def whole(self, workers: int = 2) -> None:
        """Start what is missing, and wait until it is there."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.end(*self.workers)
            options = ("--host", "127.0.0.1", "--port", str(self.port), "--idle-timeout", "5 minutes")
            allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self.failures)}
            self.scheduler = self.started("distributed.cli.dask_scheduler", *options, **allowed)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < workers:
            self.worker()
        with self.client() as client:
            deadline = time.monotonic() + LONG
            while len(client.nthreads()) != workers:  # those that died may still be listed
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def client(self) -> Client:
        return Client(self.address, timeout=LONG, set_as_default=False)

    def end(self, *processes: subprocess.Popen[bytes]) -> None:
        """Kill these."""
        for ended in processes:
            ended.kill()
            ended.wait()

    def close(self) -> None:
        self.end(*self.workers, *([self.scheduler] if self.scheduler is not None else []))


@contextmanager
def opened(failures: int = 3) -> Iterator[Cluster]:
    cluster = Cluster(failures)
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with opened() as cluster:
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """Two workers, whatever the test before has killed."""
    running.whole()
    return running


def fault(address: str) -> str:
    """What somebody reads who asks for this cluster."""
    with pytest.raises(InputError) as caught:
        list(spread(squared, range(3), Workers(dask=address)))
    return str(caught.value)


def test_a_cluster_gives_the_results_of_this_process(cluster: Cluster) -> None:
    """Every job comes back once with its own result, computed elsewhere."""
    found = sorted(spread(squared, range(10), Workers(dask=cluster.address)))
    assert found == list(zip(range(10), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81], strict=True))
    where = {found for _, found in spread(process, range(10), Workers(dask=cluster.address))}
    assert where <= {worker.pid for worker in cluster.workers}
    assert list(spread(squared, [], Workers(dask=cluster.address))) == []


def test_jobs_are_taken_a_few_ahead_and_forgotten_when_nobody_wants_them(cluster: Cluster) -> None:
    """A million jobs are not held, and nothing stays at the scheduler of a caller who left early."""
    taken, threads = 0, set()

    def jobs() -> Iterator[int]:
        nonlocal taken
        for number in range(10**6):
            taken += 1
            threads.add(threading.get_ident())
            yield number

    found = spread(squared, jobs(), Workers(dask=cluster.address))
    for returned in range(1, 21):
        next(found)
        assert taken - returned < AHEAD * 2
    found.close()
    assert threads == {threading.get_ident()}
    with cluster.client() as client:
        deadline = time.monotonic() + LONG
        while client.run_on_scheduler(known_tasks):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def known_tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def test_a_worker_killed_in_the_middle_costs_no_result(cluster: Cluster) -> None:
    """The other one does its work."""
    seen: list[int] = []
    for job, found in spread(squared, range(40), Workers(dask=cluster.address)):
        assert found == job * job
        if len(seen) == 5:
            cluster.workers[0].send_signal(signal.SIGKILL)
        seen.append(job)
    assert sorted(seen) == list(range(40))
    assert cluster.workers[0].wait(LONG) == -signal.SIGKILL


AXES = """
[[axes]]
path = "design.n"
range = { from = 8, to = 12, step = 1 }

[[axes]]
path = "truths.expected.rates.control"
range = { from = 0.05, to = 0.4, step = 0.05 }
"""


def test_a_sweep_has_the_same_bytes_wherever_it_runs(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 cells by this process, by two, and on the cluster with a worker killed in the middle: the same files."""
    plain = Bar.advance
    killed: list[int] = []

    def advance(bar: Bar, done: int, total: int) -> None:
        plain(bar, done, total)
        if done >= 3 and "cluster" in at_work and not killed:
            assert done < total
            cluster.end(cluster.workers[0])
            killed.append(done)

    monkeypatch.setattr(Bar, "advance", advance)
    asked = tmp_path / "swept.toml"
    asked.write_text((ROOT / "scenarios" / "anajis.toml").read_text(encoding="utf-8") + AXES, encoding="utf-8")
    found = {}
    for name, options in [("one", []), ("two", ["--workers", "2"]), ("cluster", ["--dask", cluster.address])]:
        at_work = {name}
        out = tmp_path / name
        kept = ["--store", str(tmp_path / f"{name}.sqlite"), "--out", str(out)]
        ended = CliRunner().invoke(app, ["sweep", str(asked), *options, *kept])
        assert ended.exit_code == 0, ended.output
        found[name] = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
    assert killed
    assert sorted(found["one"]) == ["sweep.csv", "sweep.json", "sweep.parquet"]
    assert found["one"]["sweep.csv"].count(b"\n") > 40
    assert found["one"] == found["two"] == found["cluster"]


def test_a_scheduler_that_comes_back_costs_no_result(cluster: Cluster) -> None:
    """It is waited for, and told again what it was told before it died."""
    seen: list[int] = []
    back = threading.Thread(target=cluster.whole)
    for job, found in spread(squared, range(40), Workers(dask=cluster.address)):
        assert found == job * job
        if len(seen) == 5:
            assert cluster.scheduler is not None
            cluster.end(cluster.scheduler)
            back.start()  # takes a second, in which the next result is asked for
        seen.append(job)
    back.join()
    assert sorted(seen) == list(range(40))


def test_a_scheduler_that_stays_away_ends_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some patience it is said what to do, and that nothing was in vain."""
    monkeypatch.setattr(engine, "PATIENCE", 1.0)
    found = spread(squared, range(40), Workers(dask=cluster.address))
    next(found)
    assert cluster.scheduler is not None
    cluster.end(cluster.scheduler)
    with pytest.raises(InputError) as caught:
        list(found)
    assert "did not come back within 1 s" in str(caught.value)
    assert "run the same command again: what is finished is kept" in str(caught.value)


def test_workers_that_never_come_or_go_away_are_not_waited_for_ever(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler alone computes nothing; the message tells how to start a worker."""
    monkeypatch.setattr(engine, "PATIENCE", 0.5)
    monkeypatch.setattr(engine, "WORKERS", 0.5)
    monkeypatch.setattr(engine, "GLANCE", 0.2)
    found = spread(squared, range(40), Workers(dask=cluster.address))
    next(found)
    cluster.end(*cluster.workers)
    with pytest.raises(InputError, match="a scheduler without workers"):
        list(found)
    assert f"fix       dask worker {cluster.address} --nthreads 1" in fault(cluster.address)


def test_a_job_that_kills_every_worker_is_lost_alone() -> None:
    """It is found among those that were at work with it; with a new worker all others have results."""
    with opened(failures=0) as cluster:
        cluster.whole()
        found = {}
        for job, result in spread(deadly, range(8), Workers(dask=cluster.address)):
            found[job] = result
            if isinstance(result, Lost):
                cluster.whole()
        assert [job for job, result in found.items() if isinstance(result, Lost)] == [3]
        assert [found[job] for job in sorted(found) if job != 3] == [0, 1, 2, 4, 5, 6, 7]


def test_an_error_of_the_work_is_raised(cluster: Cluster) -> None:
    """Also one that looks like a lost connection: it is a fault of the program, and would come again."""
    with pytest.raises(OSError, match=r"^[012]$"):
        list(spread(faulty, range(3), Workers(dask=cluster.address)))


def test_workers_that_may_compute_other_bytes_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Another version, or sums that are split over threads: both differ in the last digit, or more."""
    older = tmp_path / "older.py"
    older.write_text("import anatrial\nanatrial.__version__ = '0.0.1'\n")
    cluster.end(*cluster.workers)
    cluster.workers = []
    cluster.worker("--preload", str(older))
    cluster.worker(OPENBLAS_NUM_THREADS="2")
    cluster.whole()
    told = fault(cluster.address)
    cluster.end(*cluster.workers)
    assert "got       anatrial 0.0.1" in told
    assert "OPENBLAS_NUM_THREADS 2\n" in told
    assert f"fix       OPENBLAS_NUM_THREADS=1 dask worker {cluster.address}" in told


def test_workers_without_this_program_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    """They cannot compute; the message tells what to install where."""
    absent = tmp_path / "absent.py"
    absent.write_text("import sys\nsys.modules['anatrial'] = None\n")
    cluster.end(*cluster.workers)
    cluster.workers = []
    cluster.worker("--preload", str(absent))
    cluster.whole(1)
    told = fault(cluster.address)
    cluster.end(*cluster.workers)
    assert "anatrial" in told
    assert 'fix       pip install "anatrial[dask]==' in told


@pytest.mark.parametrize("address", ["", "localhost:8786", "http://host:8786", "tcp://host", "tcp://a b:1", "tcp://:1"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    """The form is told before anybody is asked."""
    assert f"got       {address!r}\n  expected  the address of a running scheduler, such as tcp://" in fault(address)


def test_where_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there, somebody who says nothing, and no certificates: each is told in seconds."""
    monkeypatch.setattr(engine, "ANSWER", 1.0)
    assert "where no scheduler answers" in fault(f"tcp://127.0.0.1:{free_port()}")
    assert "certificates" in fault(f"tls://127.0.0.1:{free_port()}")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert "fix       dask scheduler" in fault(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
