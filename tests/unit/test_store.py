"""The store of cells: what is kept comes back, whoever writes, however the writer ends."""

from __future__ import annotations

import math
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.project import ENVIRONMENT
from tests.stores import cell, cells, digest, filled, result, there

from anatrial.domain.cells import CellResult
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics
from anatrial.errors import InputError
from anatrial.report.store_rows import store_batches
from anatrial.store import checked, open_store

ROOT = Path(__file__).parents[2]


def bits(value: object) -> object:
    """A number as its bits; NaN has many, and stays NaN."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    return value


def test_numbers_come_back_with_the_same_bits(tmp_path: Path) -> None:
    """Doubles of random bits, whole numbers, signed zeros, infinities and NaN are what they were."""
    rng = random.Random(6)  # noqa: S311 - no secrets
    odd = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1, 1, 1.0]
    numbers = odd + [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(5000)]
    pairs = [(0.0, -0.0), (1, 1.0), (math.nan, math.nan)]
    metrics = [Metric("m", Estimate(v, v, v), v) for v in numbers]
    metrics += [Metric("m", Estimate(a, b, a, b, 7), None) for a, b in pairs]
    metrics += [Metric("m", Estimate(a, b, a), None) for a, b in pairs]
    given = CellResult((OperatingCharacteristics("é", "points", tuple(metrics)),), 3)
    with open_store(tmp_path / "s") as store:
        store.keep([cell(0)._replace(result=given)])
        (found,) = store.answers([cell(0).question]).values()
    (truth,) = found.characteristics
    assert (truth.truth, truth.kind, found.patients, found.failure) == ("é", "points", 3, None)
    expected = [[bits(value) for value in (*m.estimate, m.at)] for m in metrics]
    assert [[bits(value) for value in (*m.estimate, m.at)] for m in truth.metrics] == expected
    assert all(isinstance(m, Metric) and isinstance(m.estimate, Estimate) for m in truth.metrics)


def test_answers_are_found_by_question_and_by_key(tmp_path: Path) -> None:
    """More than one statement takes; unknown ones are left out; a second opening finds the same."""
    rows = filled(tmp_path / "deep" / "s", 1203)
    questions = [row.question for row in rows]
    with open_store(tmp_path / "deep" / "s") as store:
        assert store.known([*questions, "unknown"]) == set(questions)
        assert store.answers(["unknown", *questions]) == {row.question: row.result for row in rows}
        assert store.cells([*(row.key for row in rows), "unknown"]) == {row.key: row.result for row in rows}
        assert store.remarks == []


def test_questions_may_share_a_cell(tmp_path: Path) -> None:
    """A further question needs no result; one whose cell is not kept is not kept either."""
    first, other = cell(1), cell(2)
    with open_store(tmp_path / "s") as store:
        store.keep([first, other._replace(key=first.key, result=None)])
        store.keep([cell(3)._replace(result=None)])
        assert store.answers([first.question, other.question, cell(3).question]) == {
            first.question: first.result,
            other.question: first.result,
        }
        assert store.contents().questions == 2


def test_what_is_kept_stays(tmp_path: Path) -> None:
    """The same key with another result changes nothing; failures are kept only where they would come again."""
    lasting, passing = CellResult(failure="too large"), CellResult(failure="the worker died", lasting=False)
    with open_store(tmp_path / "s") as store:
        store.keep([cell(1), cell(2)._replace(result=lasting), cell(3)._replace(result=passing)])
        store.keep([cell(1)._replace(result=result(9))])
        found = store.answers([cell(k).question for k in (1, 2, 3)])
    assert found == {cell(1).question: cell(1).result, cell(2).question: lasting}


WRITER = """
import sys
from pathlib import Path
from tests.stores import cell
from anatrial.store import open_store
sys.stdin.readline()
with open_store(Path(sys.argv[1]), engine="e") as store:
    for k in range(int(sys.argv[2]), int(sys.argv[3])):
        store.keep([cell(k)])
        print(k, flush=True)
"""


def writer(path: Path, first: int, end: int) -> subprocess.Popen[str]:
    """A process that waits for a line, and then keeps cells one by one."""
    words = [sys.executable, "-c", WRITER, str(path), str(first), str(end)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=ENVIRONMENT)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    """Two that start together, make the store and keep overlapping cells: all are there, once."""
    path = tmp_path / "s"
    both = [writer(path, 0, 200), writer(path, 100, 300)]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert [len(one.communicate(timeout=60)[0].split()) for one in both] == [200, 200]
    assert [one.returncode for one in both] == [0, 0]
    assert len(there(path, cells(300))) == 300
    found = checked(path)
    assert (found.cells, found.sound) == (300, True)


def test_a_killed_writer_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """``kill -9`` in the middle of writing: every cell whose ``keep`` had returned is there, and the file is sound."""
    path = tmp_path / "s"
    with writer(path, 0, 100_000) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdin.write("go\n")
        one.stdin.flush()
        said = [one.stdout.readline() for _ in range(150)]
        one.send_signal(signal.SIGKILL)
        said += one.stdout.readlines()
    kept = {cell(int(line)).question for line in said if line.endswith("\n")}
    assert len(kept) >= 150
    assert there(path, cells(len(kept) + 5)) >= kept
    assert checked(path).sound


def test_contents_are_counted_by_scenario_and_engine(tmp_path: Path) -> None:
    """Each scenario and engine with its cells; questions may be more."""
    path = tmp_path / "s"
    with open_store(path, engine="old") as store:
        store.keep([cell(k, scenario="one") for k in range(3)])
    with open_store(path, engine="new") as store:
        store.keep([cell(3, scenario="one"), cell(4, scenario="two"), cell(5)._replace(key=cell(4).key, result=None)])
        found = store.contents()
    assert [tuple(held) for held in found.holdings] == [("one", "new", 1), ("one", "old", 3), ("two", "new", 1)]
    assert (found.cells, found.questions, found.store_version) == (5, 6, 1)
    assert found.size > 4 * 4096


def test_pruning_removes_other_engines_and_one_scenario(tmp_path: Path) -> None:
    """What this engine would never ask for goes with its questions, and the file shrinks by what is said."""
    path = tmp_path / "s"
    with open_store(path, engine="old") as store:
        store.keep(cells(500))
    with open_store(path, engine="new") as store:
        store.keep([cell(k, scenario="kept") for k in range(500, 510)])
        store.keep([cell(k, scenario="gone") for k in range(510, 520)])
        before = store.contents().size
        found = store.prune("new")
        assert (found.cells, found.left) == (500, 20)
        assert 0 < found.freed <= before
        assert store.contents().questions == 20
        assert store.prune("new", "gone").cells == 10
        with pytest.raises(InputError, match="did you mean 'kept'"):
            store.prune("new", "kep")
    assert there(path, cells(520)) == {cell(k).question for k in range(500, 510)}
    assert checked(path).sound


def test_cells_come_out_in_batches_in_order(tmp_path: Path) -> None:
    """Every cell once, in the order in which it was kept, with settings as JSON."""
    filled(tmp_path / "s", 1203)
    with open_store(tmp_path / "s") as store:
        batches = list(store.batches())
    assert max(map(len, batches)) <= 500
    found = [stored for batch in batches for stored in batch]
    assert [stored.key for stored in found] == [digest(f"cell {k}") for k in range(1203)]
    assert found[7][1:4] == ("made-up", '{"design.n":7,"label":"é\'\\""}', "engine 1")
    assert found[7].result == result(7)


def test_memory_of_an_export_does_not_grow(tmp_path: Path) -> None:
    """Five times the cells take no more memory than a fifth above."""
    peaks = []
    for many in (1_000, 5_000):
        filled(tmp_path / str(many), many, metrics=2)
        with open_store(tmp_path / str(many)) as store:
            tracemalloc.start()
            rows = sum(len(batch["key"]) for batch in store_batches(store.batches()))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert rows == 2 * many
    assert peaks[1] < 1.2 * peaks[0]


def test_any_name_will_do(tmp_path: Path) -> None:
    """Quotes, question marks, spaces and per cent signs in a path have no meaning."""
    path = tmp_path / "a 'b\" ?mode=ro#%20" / "é.sqlite"
    rows = filled(path, 3)
    assert len(there(path, rows)) == 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM cells").fetchone() == (3,)
