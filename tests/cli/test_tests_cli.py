"""``anatrial tests``: words in, words out."""

from __future__ import annotations

import json

import pytest
from tests.cli.project import Project, refused

from anatrial.report.canvas import FORMATS

FISHER = (
    """kind = "posterior"
certainty = 0.95
margin = 0.0

[rule.analysis_prior]
treatment = { a = 1, b = 1 }
control = { prior = "placebo", robust_weight = 0.2 }
""",
    """kind = "fisher"
alpha_two_sided = 0.05
""",
)
LEVEL = ("[size]", '[[targets]]\nmetric = "type_i_error"\ntruth = "no-effect"\nat_most = 0.05\n\n[size]')


def test_a_comparison_is_a_result_whatever_it_finds(project: Project) -> None:
    """Exit code 0 and nothing on stderr, also where a test breaks the level."""
    said = project.anatrial("tests", project.scenario(FISHER))
    assert (said.code, said.err) == (0, "")
    for word in ("fisher (no_more_likely) *", "chi_square (continuity)", "BROKEN", "12 on anakinra v 12 on placebo"):
        assert word in said.out


def test_the_level_of_a_bayesian_rule_is_that_of_its_target(project: Project) -> None:
    """A posterior rule is compared at the type I error that its file promises; without one the fix is told."""
    said = project.anatrial("tests", project.scenario(LEVEL))
    assert said.code == 0
    assert "every test at one-sided 5 %" in said.out
    refused(project.anatrial("tests", project.scenario()), "targets", "a level", "add a target")


def test_json_holds_every_region(project: Project) -> None:
    """One document, in which each test names its decision, and equal runs are equal."""
    path = project.scenario(FISHER)
    said = project.anatrial("tests", path, "--json")
    content = json.loads(said.out)
    letters = {decision["letter"] for decision in content["decisions"]}
    assert {test["decision"] for test in content["tests"]} == letters
    assert all(decision["success"] for decision in content["decisions"])
    assert said == project.anatrial("tests", path, "--json")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_picture(project: Project, ending: str) -> None:
    """Each picture format is written and named on stderr; another ending is refused."""
    said = project.anatrial("tests", project.scenario(FISHER), "--plot", f"tests.{ending}")
    assert (said.code, said.err) == (0, f"wrote tests.{ending}\n")
    assert (project.path / f"tests.{ending}").stat().st_size > 5000
    refused(project.anatrial("tests", project.scenario(FISHER), "--plot", "tests.gif"), "a picture: .png")
