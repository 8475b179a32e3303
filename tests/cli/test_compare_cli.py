"""``anatrial compare``: words in, words out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.project import Project, refused

from anatrial.report.canvas import FORMATS

LARGER = ("n = { treatment = 12, control = 12 }", "n = { treatment = 20, control = 20 }")
OTHER = ("rates = { treatment = 0.70, control = 0.25 }", "rates = { treatment = 0.70, control = 0.20 }")
FAILING = ("at_least = 0.5", "at_least = 0.99")


def test_a_comparison_does_not_judge(project: Project) -> None:
    """Exit code 0 and nothing on stderr, also where a target fails; the best of a row has its star."""
    small, large = project.scenario(FAILING, name="small"), project.scenario(LARGER, name="large")
    said = project.anatrial("compare", small, large)
    assert (said.code, said.err) == (0, "")
    rows = [line.split() for line in said.out.splitlines()]
    assert ["patients", "24", "*", "40"] in rows
    assert ["targets", "that", "hold", "0", "of", "1", "1", "of", "1"] in rows
    assert "* the best of its row" in said.out


def test_json_has_every_value(project: Project) -> None:
    """One document with the numbers of each run at full precision, and equal runs are equal."""
    paths = [project.scenario(name="one"), project.scenario(LARGER, name="two")]
    said = project.anatrial("compare", *paths, "--json")
    content = json.loads(said.out)
    assert content["errors"] == []
    powers = next(
        row for row in content["comparison"]["rows"] if (row["truth"], row["metric"]) == ("expected", "power")
    )
    for path, value in zip(paths, powers["values"], strict=True):
        run = json.loads(project.anatrial("run", path, "--json").out)
        truth = next(one for one in run["characteristics"] if one["truth"] == "expected")
        assert value == next(metric for metric in truth["metrics"] if metric["name"] == "power")["estimate"]
    assert said == project.anatrial("compare", *paths, "--json")


def test_other_rates_under_one_name_are_told(project: Project) -> None:
    """Two files that mean other rates by one name are not compared there, and the rates are told."""
    said = project.anatrial("compare", project.scenario(name="one"), project.scenario(OTHER, name="two"))
    assert said.code == 0
    assert "rates 0.7 v 0.2 (two)" in " ".join(said.out.split())


def test_a_faulty_file_is_told_and_the_others_are_compared(project: Project) -> None:
    """Exit code 2 with the fault on stderr; two sound files still stand side by side, one alone does not."""
    one, two = project.scenario(name="one"), project.scenario(LARGER, name="two")
    bad = project.scenario(("certainty = 0.95", "certainty = 2"), name="bad")
    said = project.anatrial("compare", one, bad, two)
    assert said.code == 2
    assert "bad.toml: rule.certainty" in said.err
    assert "2 designs side by side" in said.out
    refused(project.anatrial("compare", one, bad), "rule.certainty")
    content = json.loads(project.anatrial("compare", one, bad, "--json").out)
    assert content["comparison"] is None
    assert content["errors"][0]["error"] == "input"


def test_files_of_one_name_are_told_apart(project: Project) -> None:
    """Two files with the same name in other folders have columns of their own."""
    first = project.scenario(name="it")
    again = project.path / "again"
    again.mkdir()
    (again / "it.toml").write_text(Path(first).read_text().replace("= 12, control = 12", "= 20, control = 20"))
    content = json.loads(project.anatrial("compare", first, "again/it.toml", "--json").out)
    assert [design["name"] for design in content["comparison"]["designs"]] == ["it", "again/it.toml"]


def test_one_scenario_or_nine_are_refused(project: Project) -> None:
    """Before anything is read; so is the same one twice."""
    refused(project.anatrial("compare", "anajis"), "1 scenario", "2 to 8")
    refused(project.anatrial("compare", *[f"s{k}" for k in range(9)]), "9 scenarios", "2 to 8")
    refused(project.anatrial("compare", "anajis", "anajis"), "'anajis' again")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_picture(project: Project, ending: str) -> None:
    """Each picture format is written and named on stderr; another ending is refused before anything is read."""
    paths = [project.scenario(name="one"), project.scenario(LARGER, name="two")]
    said = project.anatrial("compare", *paths, "--plot", f"designs.{ending}")
    assert (said.code, said.err) == (0, f"wrote designs.{ending}\n")
    assert (project.path / f"designs.{ending}").stat().st_size > 5000
    refused(project.anatrial("compare", "nowhere", "never", "--plot", "designs.gif"), "a picture: .png")
