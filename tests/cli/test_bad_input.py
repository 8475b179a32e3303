"""Every bad input ends as an input error: exit code 2, told in full, no traceback, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.project import ENVIRONMENT, Project, refused

RATES = "rates = { treatment = 0.70, control = 0.25 }"
ARMS = "n = { treatment = 12, control = 12 }"
CONTROL = 'control = { prior = "placebo", robust_weight = 0.2 }'


def test_the_project_itself_is_good(project: Project) -> None:
    """The scenario that the other tests spoil runs, and its targets hold."""
    assert project.anatrial("run", project.scenario()).code == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title =", "tilte =", ["'tilte'", "title"]),
        ("certainty = 0.95", "certianty = 0.95", ["rule", "certainty"]),
        ("[truths.expected]", "[truth.expected]", ["'truth'", "did you mean 'truths'?"]),
        ("per_arm", "per_amr", ["per_arm"]),
        ("from = 8", "form = 8", ["size.per_arm", "did you mean 'from'?"]),
        ("at_least = 0.5", "at_leats = 0.5", ["targets 1", "did you mean 'at_least'?"]),
        ('kind = "points"', 'kind = "pionts"', ["truths.expected", "did you mean 'points'?"]),
        ('kind = "posterior"', 'kind = "posteror"', ["rule", "did you mean 'posterior'?"]),
        ('metric = "power"', 'metric = "pwer"', ["targets 1, metric", "power"]),
        ('truth = "expected"', 'truth = "expcted"', ["targets 1, truth", "did you mean 'expected'?"]),
        ('indication = "made-up"', 'indication = "made-upp"', ["indication", "did you mean 'made-up'?"]),
        ('endpoint = "response"', 'endpoint = "respnse"', ["endpoint", "did you mean 'response'?"]),
        ('prior = "placebo", r', 'prior = "placeb", r', ["rule.analysis_prior.control", "did you mean 'placebo'?"]),
        ('prior = "placebo", r', 'prior = "remission", r', ["a prior on remission", "a prior on response"]),
        ("version = 1", "version = 2", ["version"]),
        (ARMS, "n = { treatment = 0, control = 12 }", ["design.n.treatment", "0"]),
        (ARMS, "n = { treatment = -12, control = 12 }", ["design.n.treatment", "-12"]),
        (ARMS, "n = { treatment = 12.5, control = 12 }", ["design.n.treatment", "12.5"]),
        (ARMS, "n = { treatment = 1000000000, control = 12 }", ["design.n.treatment", "2000"]),
        (ARMS, "n = { treatment = 1e3, control = 12 }", ["design.n.treatment"]),
        (ARMS, 'n = { treatment = "12", control = 12 }', ["design.n.treatment"]),
        (ARMS, "n = { treatment = true, control = 12 }", ["design.n.treatment"]),
        (ARMS, f"n = {{ treatment = {'9' * 400}, control = 12 }}", ["design.n.treatment"]),
        (ARMS, "n = { treatment = nan, control = 12 }", ["design.n.treatment", "nan"]),
        (RATES, "rates = { treatment = 1.7, control = 0.25 }", ["truths.expected.rates.treatment", "1.7"]),
        (RATES, "rates = { treatment = -0.1, control = 0.25 }", ["truths.expected.rates.treatment", "-0.1"]),
        (RATES, "rates = { treatment = nan, control = 0.25 }", ["truths.expected.rates.treatment", "nan"]),
        (RATES, "rates = { treatment = inf, control = 0.25 }", ["truths.expected.rates.treatment", "inf"]),
        (RATES, "rates = { treatment = 70, control = 25 }", ["truths.expected.rates.treatment", "70"]),
        (RATES, 'rates = { treatment = "70 %", control = 0.25 }', ["truths.expected.rates.treatment", "70 %"]),
        (
            RATES,
            f"{RATES}\ndropout = {{ treatment = 0.35, control = 0.1 }}",
            ["truths.expected.dropout", "already count"],
        ),
        ("margin = 0.0", "margin = -inf", ["rule.margin", "-inf"]),
        ("margin = 0.0", "margin = 1.0", ["rule.margin"]),
        ("certainty = 0.95", "certainty = 95", ["rule.certainty"]),
        ("certainty = 0.95", "certainty = 1", ["rule.certainty"]),
        ("from = 0.1, to = 0.4", "from = 0.4, to = 0.1", ["truths.no-effect.control"]),
        ("from = 8, to = 30", "from = 30, to = 8", ["size.per_arm"]),
        ("from = 8, to = 30", "from = 0, to = 8", ["size.per_arm.from"]),
        ("at_least = 0.5", "at_least = 0.5\nat_most = 0.9", ["targets 1", "at_least or at_most"]),
        ("at_least = 0.5", "at_least = nan", ["targets 1, at_least", "nan"]),
        ("{ a = 1, b = 1 }", "{ a = 0, b = 1 }", ["rule.analysis_prior.treatment.a"]),
        ("{ a = 1, b = 1 }", "{ a = 1 }", ["rule.analysis_prior.treatment", "a and b"]),
        ("{ a = 1, b = 1 }", "{ parts = [{ weight = 0.7, a = 1, b = 1 }] }", ["sum to"]),
        (CONTROL, "", ["rule.analysis_prior", "a prior for the control rate"]),
        ("certainty = 0.95", "certainty = 0.95\nbenchmark = 0.2", ["rule.benchmark"]),
        ("version = 1", "version = 1\nstarted = 2026-01-01", ["started", "2026-01-01"]),
        ("[size]", "[size", ["TOML"]),
    ],
)
def test_bad_scenario(project: Project, old: str, new: str, words: list[str]) -> None:
    """A spoilt scenario is refused by both commands; the message names the place and the way out."""
    path = project.scenario((old, new))
    before = project.files()
    refused(project.anatrial("run", path, "--out", "results"), *words)
    refused(project.anatrial("size", path, "--out", "results"), *words)
    assert project.files() == before


def test_all_faults_at_once(project: Project) -> None:
    """Faults of different kinds in one file are told together: a wrong rate, a misspelt key and an unknown truth."""
    path = project.scenario((RATES, "rates = { treatment = 1.7, control = 0.25 }"), ("margin =", "mragin ="))
    refused(project.anatrial("run", path), "truths.expected.rates.treatment", "did you mean 'margin'?")
    path = project.scenario(('truth = "expected"', 'truth = "expcted"'), (ARMS, "n = { treatment = 12 }"))
    refused(project.anatrial("run", path), "targets 1, truth", "truths.expected.rates")
    path = project.scenario(
        ('prior = "placebo", r', 'prior = "plac", r'), ('{ prior = "placebo" }', '{ prior = "pla" }')
    )
    refused(project.anatrial("run", path), "rule.analysis_prior.control", "truths.uncertain.control")


def test_faults_of_every_layer_at_once(project: Project) -> None:
    """A misspelt key hides neither an unknown truth nor an unknown prior."""
    path = project.scenario(
        ("margin =", "mragin ="),
        ('truth = "expected"', 'truth = "expcted"'),
        ('prior = "placebo", r', 'prior = "plac", r'),
    )
    refused(project.anatrial("run", path), "did you mean 'margin'?", "targets 1, truth", "rule.analysis_prior.control")


SINGLE = (ARMS, "n = { treatment = 12 }"), (RATES, "rates = { treatment = 0.70 }")


@pytest.mark.parametrize(
    "changes",
    [
        (
            ('metric = "power"\ntruth = "expected"', 'metric = "type1_average"\ntruth = "uncertain"'),
            ("margin = 0.0", "margin = -0.1"),
        ),
        (
            *SINGLE,
            ('metric = "power"\ntruth = "expected"', 'metric = "type1_average"\ntruth = "uncertain"'),
            (CONTROL, ""),
            ("margin = 0.0", "benchmark = 0.2"),
            ('control = { prior = "placebo" }', ""),
        ),
        (
            (ARMS, "n = { treatment = 12 }"),
            (RATES, "rates = { treatment = 0.0 }"),
            ('metric = "power"', 'metric = "type_i_error"'),
        ),
    ],
    ids=["with-a-margin", "against-a-fixed-rate", "rate-0-against-an-uncertain-rate"],
)
def test_metric_that_the_trial_cannot_have(project: Project, changes: tuple[tuple[str, str], ...]) -> None:
    """A target on a number that this trial does not have is refused when the file is read."""
    refused(project.anatrial("run", project.scenario(*changes)), "targets 1")


def test_null_beyond_one(project: Project) -> None:
    """A range of rates without effect that, with the margin, passes 1 is refused in a single arm too, never clipped."""
    path = project.scenario(
        *SINGLE, (CONTROL, "control = { a = 11, b = 32 }"), ("margin = 0.0", "margin = 0.2"), ("to = 0.4", "to = 1.0")
    )
    refused(project.anatrial("run", path), "truths.no-effect.control")


def test_single_arm_without_a_benchmark_prior(project: Project) -> None:
    """Against an uncertain rate a success is true only where it beats that rate: it must not be true for certain."""
    path = project.scenario(*SINGLE, (CONTROL, "control = { a = 11, b = 32 }"), ('control = { prior = "placebo" }', ""))
    said = project.anatrial("run", path, "--json")
    if said.code == 2:
        assert "truths.uncertain" in said.err
        return
    metrics = {m["name"]: m["estimate"]["value"] for c in json.loads(said.out)["characteristics"] for m in c["metrics"]}
    assert metrics["effect_is_true"] < 1


def test_stated_null_range_lies_in_the_null(project: Project) -> None:
    """Against a fixed rate no rate above it is "without effect": the worst everywhere is at least the worst stated."""
    path = project.scenario(
        *SINGLE,
        (CONTROL, ""),
        ("margin = 0.0", "benchmark = 0.3"),
        ("from = 0.1, to = 0.4", "from = 0.5, to = 0.6"),
        ('control = { prior = "placebo" }', ""),
    )
    said = project.anatrial("run", path, "--json")
    if said.code == 2:
        assert "truths.no-effect" in said.err
        return
    metrics = {m["name"]: m["estimate"]["value"] for c in json.loads(said.out)["characteristics"] for m in c["metrics"]}
    assert metrics["type1_max_everywhere"] >= metrics["type1_max"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b" \n\t\n", ["empty"]),
        (b"\xef\xbb\xbf", ["it.toml"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ["it.toml"]),
        (bytes(range(256)) * 40, ["it.toml"]),
        ("title = 'gr\u00f6\u00dfer'".encode("latin-1"), ["UTF-8", "line 1"]),
        ("version = 1".encode("utf-16"), ["it.toml"]),
        (b"# \xff", ["UTF-8"]),
        (b"version = 1\x00", ["it.toml"]),
        (b"[" * 100_000, ["it.toml"]),
        (b"a" + b".a" * 100_000 + b" = 1", ["it.toml"]),
        (b'{"version": 1}', ["it.toml"]),
    ],
    ids=["empty", "blank", "mark", "picture", "binary", "latin-1", "utf-16", "ff", "nul", "deep", "dotted", "json"],
)
def test_files_that_are_no_scenario(project: Project, content: bytes, words: list[str]) -> None:
    """A file that is empty, binary or in another encoding is refused in words."""
    path = project.path / "it.toml"
    path.write_bytes(content)
    refused(project.anatrial("run", str(path)), *words)


def test_a_file_of_100_megabytes(project: Project) -> None:
    """A huge file is refused by its size, before it is read."""
    path = project.path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    refused(project.anatrial("run", str(path)), "100,000,000 bytes", "1,000,000")


@pytest.mark.parametrize("name", ["nothing.toml", "scenarios", "", "scenarios/it.toml/x", "anajis.toml", "A B"])
def test_files_that_are_not_there(project: Project, name: str) -> None:
    """A missing file, a directory and a path through a file are refused in words."""
    project.scenario()
    refused(project.anatrial("run", name))


def test_misspelt_scenario_name(project: Project) -> None:
    """The name of a scenario is matched with those that exist."""
    project.scenario(name="my-trial")
    refused(project.anatrial("run", "my-tral"), "did you mean 'my-trial'?")


def test_long_scenario_name(project: Project) -> None:
    """A name too long for the file system is a name that is not known."""
    refused(project.anatrial("run", "a" * 300), "scenario")
    refused(project.anatrial("run", "a" * 300 + ".toml"))


def test_a_file_that_may_not_be_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is refused with the system's words."""
    path = project.scenario()

    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    refused(project.anatrial("run", path), "Permission denied")


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    """A named pipe that nobody writes to is no readable file; the program does not wait for it."""
    os.mkfifo(tmp_path / "pipe.toml")
    words = [sys.executable, "-m", "anatrial", "run", str(tmp_path / "pipe.toml")]
    found = subprocess.run(words, env=ENVIRONMENT, capture_output=True, timeout=8, check=False)
    assert found.returncode == 2


@pytest.mark.parametrize("command", ["run", "size"])
def test_output_that_cannot_be_written(project: Project, command: str) -> None:
    """A folder below a regular file cannot be made: exit 2, the path is named, and nothing is left behind."""
    path = project.scenario()
    (project.path / "file").write_text("x")
    before = project.files()
    said = project.anatrial(command, path, "--out", "file/results")
    assert said.code == 2
    assert "file/results" in said.err
    assert "Traceback" not in said.err
    assert project.files() == before
    assert (project.path / "file").read_text() == "x"


def test_output_that_cannot_be_written_leaves_one_json(project: Project) -> None:
    """With --json the standard output is one JSON document, even where the folder for results cannot be made."""
    path = project.scenario()
    (project.path / "file").write_text("x")
    said = project.anatrial("run", path, "--json", "--out", "file/results")
    assert said.code == 2
    json.loads(said.out)


def test_a_write_that_fails_midway_leaves_the_old_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while a result is written leaves the old result whole and no other file."""
    path = project.scenario()
    assert project.anatrial("run", path, "--out", "results").code == 0
    before = {name: (project.path / name).read_bytes() for name in project.files()}

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target), None, str(self))

    monkeypatch.setattr(Path, "replace", full)
    refused_code = project.anatrial("run", path, "--out", "results")
    assert refused_code.code == 2
    assert "No space left" in refused_code.err
    assert {name: (project.path / name).read_bytes() for name in project.files()} == before


def test_errors_as_json(project: Project) -> None:
    """With --json every fault stands on the standard output, as one JSON document with place and way out."""
    path = project.scenario((RATES, "rates = { treatment = 1.7, control = 0.25 }"), ("margin =", "mragin ="))
    for words in (("run", path), ("size", path), ("scenario", "show", path)):
        said = project.anatrial(*words, "--json")
        assert said.code == 2
        places = {fault["where"] for fault in json.loads(said.out)["faults"]}
        assert {place.rpartition(": ")[2] for place in places} == {"truths.expected.rates.treatment", "rule.mragin"}


def test_usage_errors_as_json(project: Project) -> None:
    """A wrong word on the command line is an error like any other: with --json it is JSON too."""
    said = project.anatrial("run", project.scenario(), "--jsn", "--json")
    assert said.code == 2
    json.loads(said.out)
