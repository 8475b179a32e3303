"""``anatrial simulate`` and ``run --audit``: output, exit codes, workers, interruption, files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from joblib import parallel_config
from tests.cli.project import ENVIRONMENT, Project, refused

from anatrial.domain import tally
from anatrial.domain.tally import Block, Tally
from anatrial.engine import simulation
from anatrial.plan import patients

MANY = "300000"  # ten blocks of 32,768 trials under each truth


def test_the_output_in_words(project: Project) -> None:
    """Every truth with its numbers beside the exact ones, the agreement at the end, no line above 100 characters."""
    said = project.anatrial("simulate", project.scenario(), "--trials", "2000")
    assert said.code == 0
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[:2] == ["A trial for tests", "Simulated with seed 0; ± is one Monte Carlo standard error."]
    assert "expected: 2,000 trials, 0 without an answer" in lines
    assert any(line.startswith("  type I error ") for line in lines)
    compared = sum(line.split()[-1] != "-" for line in lines if line.startswith("  ") and "±" in line)
    assert f"Audit: {compared} numbers of 6,000 virtual trials beside the exact ones;" in said.out
    assert max(map(len, lines)) <= 100


def test_why_a_truth_is_there_is_not_why_answers_lack(project: Project) -> None:
    """The reason that the file gives for a truth has a line of its own, apart from trials without an answer."""
    lines = project.anatrial("simulate", "sjia-hedrich", "--trials", "200").out.splitlines()
    at = lines.index("published: 200 trials, 0 without an answer")
    assert lines[at + 1] == "  The truth: the four children at full weight"


def test_json_is_the_same_for_any_number_of_workers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One, two or seven workers print the same bytes, whatever order blocks end in; forty small blocks per truth.

    Seven are threads here, because seven processes take longer to start than to simulate.
    """
    monkeypatch.setattr(tally, "LARGEST_BLOCK", 64)
    words = ("simulate", project.scenario(), "--trials", "2500", "--json", "--workers")
    alone, two = (project.anatrial(*words, workers) for workers in ("1", "2"))
    with parallel_config(backend="threading"):
        seven = project.anatrial(*words, "7")
    assert alone.out == two.out == seven.out
    content = json.loads(alone.out)
    assert content["format"] == "anatrial-simulation"
    assert content["agrees"] is True
    power = content["truths"][0]["rows"][0]
    assert power["metric"] == "power"
    assert power["simulated"]["draws"] == 2500
    assert abs(power["simulated"]["value"] - power["exact"]["value"]) < 4 * power["simulated"]["mcse"]


def test_a_second_start_goes_on_where_the_first_was_interrupted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with 130 and keeps what is finished; the second start prints what an undisturbed one prints."""
    words = ("simulate", project.scenario(), "--trials", MANY, "--json")
    whole, right, calls = project.anatrial(*words), simulation.one_block, list[int]()

    def counted(block: Block, seed: int, index: int, trials: int) -> Tally:
        calls.append(index)
        if len(calls) == 15:  # in the middle of the second truth
            raise KeyboardInterrupt
        return right(block, seed, index, trials)

    monkeypatch.setattr(simulation, "one_block", counted)
    stopped = project.anatrial(*words, "--keep", "blocks.json")
    assert (stopped.code, stopped.out) == (130, "")
    assert "kept 14 finished blocks in blocks.json" in stopped.err
    again = project.anatrial(*words, "--keep", "blocks.json")
    assert again.out == whole.out
    assert len(calls) == 15 + 30 - 14
    assert project.anatrial(*words, "--keep", "blocks.json").out == whole.out
    assert len(calls) == 15 + 30 - 14


def listening() -> None:
    """A shell lets its background jobs ignore the signal, and children inherit that: undo it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_real_interrupt_keeps_the_finished_blocks(project: Project) -> None:
    """A signal in the middle: exit 130, and what was kept serves a shorter simulation, to the same bytes."""
    scenario, path = project.scenario(), project.path / "blocks.json"
    words = [sys.executable, "-m", "anatrial", "simulate", scenario, "--trials", "200000000", "--keep", str(path)]
    with subprocess.Popen(
        words,
        cwd=project.path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,  # noqa: PLW1509 - no threads here
    ) as program:
        try:
            end = time.monotonic() + 60
            while not path.exists() and time.monotonic() < end:
                time.sleep(0.05)
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=60)
        finally:
            program.kill()  # does nothing to one that has ended
    assert program.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    short = ("simulate", scenario, "--trials", "32768", "--json")
    assert project.anatrial(*short, "--keep", str(path)).out == project.anatrial(*short).out


def test_kept_blocks_of_another_simulation_are_refused(project: Project) -> None:
    """Another scenario's file, or one that is no file of blocks, is told and left alone."""
    scenario = project.scenario()
    assert project.anatrial("simulate", scenario, "--trials", "200", "--keep", "b.json").code == 0
    changed = project.scenario(("treatment = 0.70", "treatment = 0.60"))
    refused(project.anatrial("simulate", changed, "--keep", "b.json"), "blocks of another scenario, seed or version")
    (project.path / "b.json").write_text('{"format": "anatrial-blocks", "key"')
    refused(project.anatrial("simulate", changed, "--keep", "b.json"), "no whole file of kept blocks")
    assert (project.path / "b.json").read_text() == '{"format": "anatrial-blocks", "key"'


def test_precision_on_demand(project: Project) -> None:
    """``--target-mcse`` simulates until every probability is that precise; one that nobody can wait for is refused."""
    said = project.anatrial("simulate", project.scenario(), "--trials", "100", "--target-mcse", "0.002", "--json")
    truths = json.loads(said.out)["truths"]
    assert all(truth["trials"] >= 32_768 for truth in truths)
    errors = [row["simulated"]["mcse"] for truth in truths for row in truth["rows"] if row["metric"] == "power"]
    assert max(errors) <= 0.002
    never = project.anatrial("simulate", project.scenario(), "--target-mcse", "1e-7", "--keep", "b.json")
    refused(never, "target_mcse", "1e-07, which may need 2.5e+13 trials", "at least 1.6e-05 (1,000,000,000 trials)")
    assert "b.json" not in project.files()


def test_patients_are_written_beside_the_numbers(project: Project) -> None:
    """One row per patient of each truth's trials; a wrong ending is told before anything is simulated."""
    said = project.anatrial("simulate", project.scenario(), "--trials", "50", "--patients", "p.parquet")
    assert said.code == 0
    assert said.err == "wrote 3,600 rows to p.parquet\n"
    assert pq.read_table(project.path / "p.parquet").num_rows == 3 * 50 * 24
    refused(project.anatrial("simulate", project.scenario(), "--patients", "p.csv"), "the ending '.csv'", ".parquet")
    nowhere = project.anatrial(
        "simulate", project.scenario(), "--trials", "50", "--patients", "scenarios/it.toml/p.parquet"
    )
    assert nowhere.code == 2
    assert "a place that can be written to" in nowhere.err


def test_grids_are_many_realities(project: Project) -> None:
    """A scenario with grids only has nothing to simulate."""
    grid = 'kind = "grid"\nrates = { treatment = [0.6, 0.7], control = [0.2] }'
    text = Path(project.scenario()).read_text()
    body = (
        text[: text.index("[truths.expected]")] + f"[truths.expected]\n{grid}\n\n" + text[text.index("[[targets]]") :]
    )
    (project.path / "scenarios" / "grid.toml").write_text(body)
    refused(project.anatrial("simulate", "scenarios/grid.toml"), "truths", "grids only", "points, design_prior")


def test_a_wrong_boundary_ends_with_exit_4(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that decides by another certainty: ``run --audit`` says so, and where, after its result."""
    right = patients.virtual_trial

    def wrong(plan: object, name: str) -> object:
        found = right(plan, name)  # type: ignore[arg-type]
        rule = found.rule.model_copy(update={"certainty": 0.90})
        return replace(found, rule=rule, trial=rule.regions(found.setting.looks)[0])

    scenario = project.scenario()
    good = project.anatrial("run", scenario, "--audit")
    assert good.code == 0
    assert "it: Audit: " in good.err
    assert "(limit 4)" in good.err
    monkeypatch.setattr(patients, "virtual_trial", wrong)
    said = project.anatrial("run", scenario, "--audit")
    assert said.code == 4
    assert "beyond 4: they do not agree." in said.err.replace("\n", " ")
    assert "expected" in said.err
    assert "power" in said.err
    assert said.out == good.out
    assert project.anatrial("simulate", scenario).code == 4


def test_trials_without_an_answer_are_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an analysis fails in some trials, their number stands beside all trials."""

    def failing(_rng: np.random.Generator, trials: int) -> Tally:
        return Tally.of(trials, trials // 10, power=np.zeros(trials, dtype=np.bool_))

    monkeypatch.setattr(patients, "block", lambda _plan, _truth: Block(failing, cells=1))
    said = project.anatrial("simulate", project.scenario(), "--trials", "1000")
    assert said.out.count(": 1,000 trials, 100 without an answer") == 3
