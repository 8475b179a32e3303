"""Cells are asked for: answered from the store where it knows them, computed once where it does not, never lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anatrial import evaluate, read_scenario
from anatrial.documents.sweeps import Axis
from anatrial.domain.cells import CellResult, KeptCell
from anatrial.engine.workers import Workers
from anatrial.errors import InputError
from anatrial.files.engine import engine_version
from anatrial.files.scenarios import read_base
from anatrial.files.sweeps import read_sweep
from anatrial.plan import asking, sweep
from anatrial.plan.asking import Asker, MemoryStore, Question
from anatrial.plan.cells import cell_key, cell_result, cell_verdicts
from anatrial.plan.looks import planned
from anatrial.plan.variants import variant

BASE, USED = read_base("anajis")
CONTROL = "truths.expected.rates.control"
EASIER = [{**BASE.data["targets"][0], "at_least": 0.5}, *BASE.data["targets"][1:]]
RENAMED = replace(BASE, data={**BASE.data, "title": "Another", "targets": EASIER})


class Counted:
    """Progress as it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def advance(self, done: int, total: int) -> None:
        self.steps.append((done, total))


def asker(store: MemoryStore | None = None, engine: str = "e1") -> Asker:
    return Asker(store or MemoryStore(), engine, Workers())


def questions(*rates: float) -> list[Question]:
    return [Question(k, BASE, ((CONTROL, rate),)) for k, rate in enumerate(rates)]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The trials that are computed, in their order."""
    seen: list[Any] = []

    def noted(used: Any) -> CellResult:
        seen.append(used)
        return cell_result(used)

    monkeypatch.setattr(asking, "cell_result", noted)
    return seen


def test_a_cell_has_the_numbers_of_a_run_of_the_changed_file(tmp_path: Path) -> None:
    """A file whose text is changed gives, when it is run, the numbers of the cell with that setting."""
    text = (Path(__file__).parents[2] / "scenarios" / "anajis.toml").read_text()
    changed = tmp_path / "changed.toml"
    changed.write_text(text.replace("control = 0.10 }", "control = 0.15 }"))
    run = evaluate(read_scenario(changed))
    (result,) = asker().all_of(questions(0.15))
    assert [one.metrics for one in result.characteristics] == [one.metrics for one in run.characteristics]
    assert cell_verdicts(USED.scenario, result) == run.verdicts


def test_a_cell_is_computed_once(computed: list[Any]) -> None:
    """Asked again, in another order and beside a new one, only the new one is computed; answers keep their order."""
    store, told = MemoryStore(), Counted()
    first = asker(store).all_of(questions(0.1, 0.2))
    assert len(computed) == 2
    again = asker(store).all_of(questions(0.2, 0.3, 0.1), told)
    assert len(computed) == 3
    assert [again[2], again[0]] == first
    assert told.steps[-1] == (3, 3)


def test_questions_share_an_answer(computed: list[Any]) -> None:
    """The file's own value, a setting that changes nothing and the same cell twice are one computation."""
    own = USED.resolved.truths["expected"].rates.control
    asked = [Question(0, BASE, ()), *questions(0.2, own, own)[1:], Question(3, RENAMED, ())]
    found = asker().all_of(asked)
    assert len(computed) == 1
    assert found[0] == found[1] == found[2] == found[3]


def test_words_and_thresholds_do_not_make_another_cell_but_numbers_do() -> None:
    """The key is blind to titles and thresholds, and sees rates, the seed, the engine and the priors."""
    key = cell_key(USED, "e1")
    assert cell_key(RENAMED.resolved(), "e1") == key
    others = {cell_key(variant(BASE, (setting,)), "e1") for setting in ((CONTROL, 0.2), ("seed", 5), ("design.n", 13))}
    assert len({key, cell_key(USED, "e2"), *others}) == 5
    base, used = read_base("sjia-next-trial")
    less = cell_key(variant(base, (("rule.analysis_prior.control.robust_weight", 0.3),)), "e1")
    assert less != cell_key(used, "e1")


def test_the_order_of_truths_and_arms_makes_another_question_and_cell() -> None:
    """Numbers stand in the order of the file and are summed along it: a file in another order is not answered by it."""

    def turned(value: Any) -> Any:
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    base, used = read_base("il1-basket")
    other = replace(base, data=turned(base.data))
    assert other.digest != base.digest
    assert cell_key(other.resolved(), "e1") != cell_key(used, "e1")
    found = asker().all_of([Question(0, base, ()), Question(1, other, ())])
    truths = [[one.truth for one in each.characteristics] for each in found]
    assert truths[1] == truths[0][::-1] != truths[0]


def test_what_is_lost_after_it_was_computed_is_computed_again(computed: list[Any]) -> None:
    """Answers that vanish from the store before they are read, damaged or removed, are no failed cells."""
    one, asked = asker(), questions(0.1, 0.2, 0.3)
    done = one.complete(asked, 3)
    before = [result for _, result in one.results(asked, done)]
    again = replace(one, store=MemoryStore())
    again.store.keep([KeptCell(again.asked(asked[1]).digest, "k", "anajis", (), before[1])])
    assert [result for _, result in again.results(asked, done)] == before
    assert all(result.failure is None for result in before)
    assert len(computed) == 5


def test_another_engine_computes_anew(computed: list[Any]) -> None:
    """What one version of the program computed is no answer for another."""
    store = MemoryStore()
    asker(store).all_of(questions(0.1))
    asker(store, "e2").all_of(questions(0.1))
    assert len(computed) == 2


def test_a_setting_that_does_not_fit_fails_its_cell_alone() -> None:
    """A rate above one is told with its place; the other cells have numbers, and the failure is kept."""
    store = MemoryStore()
    found = asker(store).all_of(questions(0.1, 1.5, 0.2))
    assert [one.failure is None for one in found] == [True, False, True]
    assert "truths.expected.rates.control" in (found[1].failure or "")
    assert asker(store).complete(questions(1.5), 1).computed == 0
    renamed = replace(BASE, name="other", where="folder/other.toml")
    assert asker(store).all_of([Question(0, renamed, ((CONTROL, 1.5),))]) == [found[1]]
    assert "anajis" not in (found[1].failure or "")  # it is kept, and files with the same content share it


def test_a_fault_of_the_program_fails_its_cell_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen exception is told as an internal error; at the next start the cell is computed again."""
    from anatrial.plan import cells

    store, real = MemoryStore(), planned

    def broken(used: Any) -> Any:
        if used.resolved.truths["expected"].rates.control == 0.2:
            raise ZeroDivisionError("by test")
        return real(used)

    monkeypatch.setattr(cells, "planned", broken)
    found = asker(store).all_of(questions(0.1, 0.2))
    assert found[0].failure is None
    assert found[1].failure == "internal error: ZeroDivisionError: by test"
    monkeypatch.setattr(cells, "planned", real)
    assert asker(store).all_of(questions(0.2))[0].failure is None


def test_a_fault_of_the_program_in_a_setting_fails_its_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks before a cell is computed is told by that cell, whether it is tried before the sweep or not."""

    def broken(base: Any, settings: Any) -> Any:
        if dict(settings).get(CONTROL) == 0.2:
            raise ZeroDivisionError("by test")
        return variant(base, settings)

    store = MemoryStore()
    monkeypatch.setattr(asking, "variant", broken)
    found = asker(store).all_of(questions(0.1, 0.2))
    assert [one.failure for one in found] == [None, "internal error: ZeroDivisionError: by test"]
    monkeypatch.setattr(sweep, "variant", broken)
    sweep.refuse(replace(read_sweep("anajis-boschloo"), bases=(BASE,), axes=(Axis(path=CONTROL, values=(0.1, 0.2)),)))
    monkeypatch.setattr(asking, "variant", variant)
    assert asker(store).all_of(questions(0.2))[0].failure is None


def test_an_interruption_loses_only_the_cells_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C in the fourth cell the first three are kept."""
    monkeypatch.setattr(asking, "SECONDS", 1e-9)  # one cell per job
    store, real, many = MemoryStore(), cell_result, []

    def interrupted(used: Any) -> CellResult:
        many.append(used)
        if len(many) == 4:
            raise KeyboardInterrupt
        return real(used)

    monkeypatch.setattr(asking, "cell_result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asker(store).all_of(questions(0.1, 0.2, 0.3, 0.4, 0.5))
    monkeypatch.setattr(asking, "cell_result", real)
    assert asker(store).complete(questions(0.1, 0.2, 0.3, 0.4, 0.5), 5).computed == 2


def test_questions_are_taken_as_they_are_needed() -> None:
    """A failing 1,001st question is not reached before the first batch is answered: nothing is held."""

    def endless() -> Iterator[Question]:
        yield from (Question(k, BASE, ()) for k in range(1000))
        raise InputError

    store, told = MemoryStore(), Counted()
    with pytest.raises(InputError):
        asker(store).complete(endless(), 2000, told)
    assert told.steps


def deadly(used: Any) -> CellResult:
    """Kills the process that computes the one cell."""
    if used.resolved.truths["expected"].rates.control == 0.2:
        os.kill(os.getpid(), signal.SIGKILL)
    return cell_result(used)


def test_a_cell_that_kills_its_worker_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two processes, the cells that shared a job with it are answered, and it alone has failed."""
    monkeypatch.setattr(asking, "_computed", killing)
    store = MemoryStore()
    found = Asker(store, "e1", Workers(2)).all_of(questions(0.1, 0.2, 0.3))
    assert [one.failure is None for one in found] == [True, False, True]
    assert not found[1].lasting


def killing(job: asking.Job) -> tuple[float, tuple[CellResult, ...]]:
    """As the asker's own, with a deadly cell among them."""
    return 0.001, tuple(deadly(trial) for trial in job.trials)


def test_the_store_takes_each_result_once(computed: list[Any]) -> None:
    """Two questions with one answer are two rows, of which one holds the result."""
    rows: list[KeptCell] = []

    class Watched(MemoryStore):
        def keep(self, rows_: Any) -> None:
            rows.extend(rows_)
            super().keep(rows_)

    asker(Watched()).all_of([Question(0, BASE, ()), *questions(0.2, 0.1)[1:]])
    assert len(computed) == 1
    assert [row.result is None for row in rows] == [False, True]
    assert len({row.key for row in rows}) == 1


def test_the_engine_version_names_its_sources_and_libraries() -> None:
    """Version, twelve digits of the sources, numpy and scipy."""
    import numpy as np

    version, digits, *libraries = engine_version().replace("+", " ").split()
    assert len(digits) == 12
    assert version == "0.1.0"
    assert libraries[:2] == ["numpy", np.__version__]
