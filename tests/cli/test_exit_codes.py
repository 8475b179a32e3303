"""What the program's exit code says: 0, 1, 2, 3, 4, 5, 130, and which of several files counts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.project import ENVIRONMENT, Project

import anatrial.cli.run
import anatrial.files
import anatrial.plan.evaluate
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Estimate, Evaluation
from anatrial.errors import ComputationError
from anatrial.plan.evaluate import evaluate
from anatrial.plan.ports import Progress

HEAVY = ("scipy.stats", "pandas", "matplotlib", "numba", "pymc", "arviz")


@pytest.fixture
def good(project: Project) -> str:
    """A scenario whose target holds."""
    return project.scenario(name="good")


@pytest.fixture
def failing(project: Project) -> str:
    """A scenario whose target fails."""
    return project.scenario(("at_least = 0.5", "at_least = 0.99"), name="failing")


@pytest.fixture
def bad(project: Project) -> str:
    """A scenario that cannot be read."""
    return project.scenario(("version = 1", "version = 7"), name="bad")


def test_targets_that_hold(project: Project, good: str) -> None:
    """All targets hold: 0, with the result on stdout and nothing on stderr."""
    said = project.anatrial("run", good)
    assert (said.code, said.err) == (0, "")
    assert "PASS" in said.out


def test_a_target_that_fails(project: Project, failing: str) -> None:
    """A failed target: 1, and the result is shown all the same."""
    said = project.anatrial("run", failing)
    assert said.code == 1
    assert "FAIL" in said.out
    assert "Protocol text" in said.out


def test_one_failed_target_of_several_counts(project: Project) -> None:
    """One target that fails beside one that holds: 1."""
    more = '[[targets]]\nmetric = "power"\ntruth = "expected"\nat_least = 0.999\n\n[size]'
    said = project.anatrial("run", project.scenario(("[size]", more)))
    assert said.code == 1
    assert "PASS" in said.out
    assert "FAIL" in said.out


def straddling(scenario: ResolvedScenario, _: Progress) -> Evaluation:
    """The evaluation with a first verdict that cannot be told."""
    found = evaluate(scenario)
    first = replace(found.verdicts[0], outcome="INCONCLUSIVE", estimate=Estimate(0.5, 0.4, 0.6))
    return replace(found, verdicts=(first, *found.verdicts[1:]))


def test_a_target_that_cannot_be_told(project: Project, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No failed target, but one inconclusive at this precision: 3."""
    monkeypatch.setattr(anatrial.plan.evaluate, "evaluate", straddling)
    assert project.anatrial("run", good).code == 3


def test_a_size_that_is_never_reached(project: Project) -> None:
    """A size search that ends without an answer is a failed one: 1; with an answer: 0; without a range: 2."""
    assert project.anatrial("size", project.scenario(("to = 30", "to = 60"))).code == 0
    assert project.anatrial("size", project.scenario(("at_least = 0.5", "at_least = 0.999"))).code == 1
    assert project.anatrial("size", project.scenario(("[size]\nper_arm = { from = 8, to = 30 }", ""))).code == 2


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (("good", "good"), 0),
        (("good", "failing"), 1),
        (("failing", "good"), 1),
        (("bad", "failing", "good"), 2),
        (("failing", "bad"), 2),
    ],
)
def test_the_worst_of_several_counts(project: Project, order: tuple[str, ...], code: int) -> None:
    """Of several files the worst counts, in any order, and every other file is still run."""
    changes = {"good": [], "failing": [("at_least = 0.5", "at_least = 0.99")], "bad": [("version = 1", "version = 7")]}
    paths = [project.scenario(*changes[kind], name=f"{kind}-{k}") for k, kind in enumerate(order)]
    said = project.anatrial("run", *paths)
    assert said.code == code
    assert said.out.count("Protocol text") == sum(kind != "bad" for kind in order)
    assert said.err.count(": version") == sum(kind == "bad" for kind in order)


def failed(scenario: ResolvedScenario, _: Progress) -> Evaluation:
    """A computation that could not be completed, for scenarios so named."""
    if scenario.name == "hard":
        raise ComputationError("no answer")
    if scenario.name == "broken":
        raise ZeroDivisionError("a fault of the program")
    if scenario.name == "slow":
        raise KeyboardInterrupt
    return evaluate(scenario)


def test_a_computation_that_fails(project: Project, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A numerical failure: 4, worse than bad input; the other files are still run."""
    monkeypatch.setattr(anatrial.plan.evaluate, "evaluate", failed)
    hard, bad = project.scenario(name="hard"), project.scenario(("version = 1", "version = 7"), name="bad")
    said = project.anatrial("run", bad, hard, good)
    assert said.code == 4
    assert "no answer" in said.err
    assert "Traceback" not in said.err
    assert "Protocol text" in said.out


def test_a_fault_of_the_program(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error: 5, in one line, without a traceback; with --json as JSON too."""
    monkeypatch.setattr(anatrial.plan.evaluate, "evaluate", failed)
    broken = project.scenario(name="broken")
    said = project.anatrial("run", broken)
    assert said.code == 5
    assert "ZeroDivisionError" in said.err
    assert "Traceback" not in said.err
    said = project.anatrial("run", broken, "--json")
    assert said.code == 5
    assert "ZeroDivisionError" in json.dumps(json.loads(said.out))


def test_a_fault_of_the_program_does_not_stop_the_others(
    project: Project, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An internal error in one of several files is the worst of all, and the others are still run."""
    monkeypatch.setattr(anatrial.plan.evaluate, "evaluate", failed)
    said = project.anatrial("run", project.scenario(name="broken"), good)
    assert said.code == 5
    assert "Protocol text" in said.out


def test_interrupted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C: 130, without a traceback."""
    monkeypatch.setattr(anatrial.plan.evaluate, "evaluate", failed)
    said = project.anatrial("run", project.scenario(name="slow"))
    assert said.code == 130
    assert "Traceback" not in said.err


def test_json_is_one_document(project: Project, good: str, failing: str, bad: str) -> None:
    """With --json the standard output is one JSON document, whatever happened."""
    for code, words in ((0, [good]), (1, [failing]), (2, [bad]), (2, [good, bad, failing]), (1, [good, failing])):
        said = project.anatrial("run", *words, "--json")
        assert said.code == code
        content = json.loads(said.out)
        if len(words) > 1:
            assert [r["scenario"] for r in content["results"]] == [Path(w).stem for w in words if w != bad]
            assert len(content["errors"]) == words.count(bad)
    found = json.loads(project.anatrial("run", good, "--json").out)
    assert (found["format"], found["version"], found["scenario"]) == ("anatrial-run", 1, "good")
    assert found["verdicts"][0]["outcome"] == "PASS"


def test_equal_runs_give_equal_bytes(project: Project, good: str) -> None:
    """Two runs print the same, and write the same bytes."""
    first = project.anatrial("run", good, "--json", "--out", "one")
    second = project.anatrial("run", good, "--json", "--out", "two")
    assert (first.code, first.out) == (second.code, second.out)
    for name in ("results.json", "results.csv"):
        assert (project.path / "one" / name).read_bytes() == (project.path / "two" / name).read_bytes()


@pytest.mark.parametrize("words", [["--nonsense"], ["run"], ["nonsense"], ["run", "it.toml", "--nonsense"]])
def test_wrong_words(project: Project, words: list[str]) -> None:
    """Words that the program does not know: 2, with how it is used."""
    said = project.anatrial(*words)
    assert said.code == 2
    assert "Usage" in said.err


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["run", "--help"], ["size", "-h"], ["prior", "show", "--help"], ["--version"]]
)
def test_help(project: Project, words: list[str]) -> None:
    """Help and version: 0, on stdout."""
    said = project.anatrial(*words)
    assert said.code == 0
    assert said.out
    assert said.err == ""


def python(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A script in a fresh interpreter, with the program's words."""
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


LOADED = """
import sys
from anatrial.cli import main
sys.argv[0] = "anatrial"
try:
    main()
finally:
    sys.stderr.write("LOADED " + " ".join(sorted(sys.modules)))
"""


def loaded(*words: str) -> set[str]:
    """The modules that a run of the program loads."""
    found = python(LOADED, *words)
    assert found.returncode == 0, found.stderr
    return set(found.stderr.partition("LOADED ")[2].split())


def test_help_loads_nothing_heavy() -> None:
    """Asking for help loads neither numpy nor the file formats, let alone anything larger."""
    modules = loaded("--help")
    assert "anatrial.cli" in modules
    assert not {"numpy", "scipy", "pydantic", "anatrial.documents", "anatrial.plan", *HEAVY} & modules


def test_run_loads_nothing_heavy(project: Project, good: str) -> None:
    """An exact run needs no sampling, no tables, no pictures and no statistics library."""
    del project
    modules = loaded("run", good)
    assert "anatrial.engine.characteristics" in modules
    assert not set(HEAVY) & modules
    assert not set(HEAVY) & loaded("size", good)


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_broken_pipe_is_no_failure(project: Project, good: str, option: list[str]) -> None:
    """A reader that goes away before anything is written: 0, and nothing on stderr."""
    del project
    words = [sys.executable, "-m", "anatrial", "run", good, *option]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=pipe, stderr=pipe) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        errors = program.stderr.read()
        assert program.wait(timeout=60) == 0
    assert errors == b""
