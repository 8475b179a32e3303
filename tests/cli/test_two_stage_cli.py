"""Single-arm trials with looks from the command line: what is printed, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.project import Project, refused

from anatrial.cli.two_stage import two_stage_size
from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.errors import InputError
from anatrial.files import read_scenario

SIMON = """
version = 1
title = "Two stages"
question = "Does it hold?"
indication = "made-up"
endpoint = "response"

[design]
kind = "sequential"
looks = [{ treatment = 10 }, { treatment = 29 }]

[rule]
kind = "responders"
null_rate = 0.1
futility_at_most = [1]
success_at_least = ["never", 6]

[truths.hoped]
kind = "points"
rates = { treatment = 0.3 }

[truths.no-effect]
kind = "no_effect"
control = { from = 0.0, to = 0.1 }
why = "a test"

[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.8

[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = 0.05

[size]
per_arm = { from = 10, to = 40 }
"""


@pytest.fixture
def simon(project: Project) -> Path:
    """A two-stage trial on disk."""
    path = project.path / "scenarios" / "simon.toml"
    path.write_text(SIMON)
    return path


def changed(path: Path, old: str, new: str) -> str:
    """The file with some of its text replaced; its path."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return str(path)


def test_a_simon_design_runs(project: Project, simon: Path) -> None:
    """The printed type I error and power are those of Simon's tables: 0.047 and 0.805."""
    said = project.anatrial("run", str(simon))
    assert (said.code, said.err) == (0, "")
    assert "PASS  power         0.805" in said.out
    assert "PASS  type I error  0.047" in said.out
    assert "Success if at least 6 (look 2) have responded on anakinra; futility if at most 1 (look 1) have." in said.out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["never", 6]', "[6]", ("rule.success_at_least", "1 counts", "2, one per look")),
        ("= [1]", "= [1, 5]", ("rule.futility_at_most", "leave the last out")),
        ("= [1]", "= [11]", ("rule, look 1, futility_at_most", "at most the 10 patients of this look")),
        ('["never", 6]', "[2, 6]", ("rule, look 1", "every result stops the trial")),
        ('["never", 6]', '["nerver", 6]', ("rule.success_at_least 1", '"nerver"', 'or "never"')),
        ("{ treatment = 10 }", "{ treatment = 0 }", ("design.looks 1, treatment", "greater than or equal to 1")),
        ("{ treatment = 10 }", "{ treatment = 30 }", ("design, look 2, treatment", "give totals so far")),
    ],
)
def test_stages_that_do_not_fit_are_refused(
    project: Project, simon: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    """Every fault names its place in the file and what would be right, with exit code 2."""
    refused(project.anatrial("run", changed(simon, old, new)), *words)


def test_the_search_prints_what_to_paste(simon: Path, capsys: pytest.CaptureFixture[str], project: Project) -> None:
    """The designs are printed with the lines for the file, and the exit code is 0."""
    del project  # its folder is the working directory
    assert two_stage_size(counts_trial(read_scenario(str(simon)), "size"), plot=None, out=None, json=False) == 0
    printed = capsys.readouterr().out
    assert "minimax      1/15  5/25" in printed
    assert "optimal      1/10  5/29" in printed
    assert '  success_at_least = ["never", 6]' in printed


def searched(simon: Path) -> ResolvedScenario:
    """The scenario as the command reads it."""
    return counts_trial(read_scenario(str(simon)), "size")


def test_the_search_as_json_and_files(
    project: Project, simon: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON and files hold the designs at full precision."""
    assert two_stage_size(searched(simon), plot=None, out=tmp_path / "found", json=True) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((tmp_path / "found" / "results.json").read_text())
    assert content["optimal"]["power"] == pytest.approx(0.8050629131503246, rel=1e-12)
    rows = (tmp_path / "found" / "results.csv").read_text().splitlines()
    assert rows[0].startswith("scenario,design,r1,n1,r,n,expected_n_null")
    assert len(rows) == 1 + len(content["admissible"])
    assert "found/results.json" in project.files()


def test_a_search_in_vain_fails(simon: Path, capsys: pytest.CaptureFixture[str], project: Project) -> None:
    """Without a design the exit code is 1, and what was reached is printed."""
    del project
    path = changed(simon, "to = 40", "to = 20")
    assert two_stage_size(counts_trial(read_scenario(path), "size"), plot=None, out=None, json=False) == 1
    assert "the best power is 0.762" in " ".join(capsys.readouterr().out.split())


def test_no_picture_of_stages(simon: Path, project: Project) -> None:
    """A picture is refused: there is no curve to draw."""
    del project
    with pytest.raises(InputError, match="no picture"):
        two_stage_size(searched(simon), plot=Path("x.png"), out=None, json=False)
