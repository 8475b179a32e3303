"""``anatrial check``: one verdict and one exit code, reports that are whole, and nothing computed twice."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.cli.project import Project, refused

import anatrial.plan.asking
import anatrial.plan.cells

FAILING = ("at_least = 0.5", "at_least = 0.99")
BAD = ("version = 1", "version = 7")


@pytest.mark.parametrize(
    ("kinds", "code", "word"),
    [
        (("good",), 0, "PASS"),
        (("good", "failing"), 1, "FAIL"),
        (("bad", "failing", "good"), 2, "ERROR"),
    ],
)
def test_the_exit_code_is_what_is_printed(project: Project, kinds: tuple[str, ...], code: int, word: str) -> None:
    """Of everything that is checked the worst counts, the last line says it, and all others are still told."""
    changes = {"good": [], "failing": [FAILING], "bad": [BAD]}
    for kind in kinds:
        project.scenario(*changes[kind], name=kind)
    said = project.anatrial("check")
    assert (said.code, said.err) == (code, "")
    assert said.out.rstrip().endswith(f"{word} (exit {code})")
    assert all(kind in said.out for kind in kinds)
    content = json.loads(project.anatrial("check", "--json").out)
    assert (content["verdict"], content["exit_code"]) == (word, code)
    assert [one["name"] for one in content["scenarios"]] == sorted(kinds)


def test_only_what_is_named_is_checked(project: Project) -> None:
    """A file, a name or a folder; the priors that they use are checked with them."""
    good = project.scenario(name="good")
    project.scenario(FAILING, name="failing")
    for asked in (good, "good"):
        said = project.anatrial("check", asked)
        assert said.code == 0
        assert "failing" not in said.out
        assert "2 priors" in said.out
    assert project.anatrial("check", "scenarios").code == 1
    assert project.anatrial("check", good, "nosuch").code == 2


def test_a_stale_prior_is_an_error(project: Project) -> None:
    """Exit code 2, and the command that derives it again."""
    project.scenario()
    path = project.path / "priors" / "made-up.toml"
    path.write_text(path.read_text().replace("n = 40", "n = 44"))
    said = project.anatrial("check")
    assert said.code == 2
    assert "stale; anatrial prior derive made-up placebo" in said.out


def test_reports_hold_the_same(project: Project) -> None:
    """JUnit, Markdown and annotations tell the same failure; JSON on stdout stays JSON beside them."""
    project.scenario(FAILING, name="fails")
    said = project.anatrial("check", "--json", "--github", "--junit", "out/j.xml", "--markdown", "out/m.md")
    assert said.code == 1
    assert json.loads(said.out)["counts"] == {"PASS": 3, "FAIL": 1, "INCONCLUSIVE": 0, "ERROR": 0}
    root = ET.parse(project.path / "out" / "j.xml").getroot()  # noqa: S314 - made one line above
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "0")
    assert "**FAIL**" in (project.path / "out" / "m.md").read_text()
    lines = [line for line in said.err.split("\n") if line.startswith("::")]
    assert len(lines) == 1
    assert lines[0].startswith("::error file=scenarios/fails.toml,line=")


def test_a_report_that_cannot_be_written_is_one_more_error(project: Project) -> None:
    """What was found is told all the same; exit code 2, and the other report is written."""
    project.scenario(FAILING)
    (project.path / "taken").mkdir()
    said = project.anatrial("check", "--junit", "taken", "--markdown", "m.md")
    assert said.code == 2
    assert "FAIL  power at least 0.99 if expected" in said.out
    assert "taken" in said.out
    assert said.out.rstrip().endswith("ERROR (exit 2)")
    assert (project.path / "m.md").is_file()


def test_a_baseline_from_first_to_last(project: Project) -> None:
    """Written, unchanged, changed input told and passed, written again, changed result failed and accepted."""
    project.scenario()
    base = ("--baseline", "scenarios/baseline.json")
    path = project.path / "scenarios" / "baseline.json"
    first = project.anatrial("check", *base, "--update-baseline")
    assert (first.code, "1 new" in first.out) == (0, True)
    before = path.read_bytes()
    again = project.anatrial("check", *base).out
    assert "1 target, 2 priors, 1 evidence file, 1 comparison: 5 PASS" in again
    assert "1 unchanged" in again
    assert project.anatrial("check", *base, "--update-baseline", "--quick").code == 0
    assert path.read_bytes() == before, "a quick check has the same numbers"
    project.scenario(("treatment = 12, control = 12", "treatment = 12, control = 14"))
    moved = project.anatrial("check", *base)
    assert moved.code == 0
    assert "changed inputs: design.n.control 12 -> 14" in moved.out
    assert "moved: expected.power" in moved.out
    assert path.read_bytes() == before, "a check without --update-baseline writes nothing"
    project.scenario()
    content = json.loads(before)
    content["scenarios"]["it"]["results"]["expected"]["power"] += 1e-6
    path.write_text(json.dumps(content))
    failed = project.anatrial("check", *base)
    assert failed.code == 1
    assert "changed results, the inputs are the same: expected.power" in failed.out
    assert project.anatrial("check", *base, "--update-baseline").code == 0
    assert path.read_bytes() == before


def test_a_baseline_of_some_keeps_the_others(project: Project) -> None:
    """A file checked alone renews its own entry; a check of all drops what is gone."""
    one = project.scenario(name="one")
    project.scenario(name="two")
    update = ("--baseline", "b.json", "--update-baseline")
    project.anatrial("check", *update)
    Path(project.scenario(name="two")).unlink()
    assert "gone" not in project.anatrial("check", one, "--baseline", "b.json").out
    project.anatrial("check", one, *update)
    assert json.loads(Path("b.json").read_text())["scenarios"].keys() == {"one", "two"}
    assert "gone: two" in project.anatrial("check", "--baseline", "b.json").out
    project.anatrial("check", *update)
    assert json.loads(Path("b.json").read_text())["scenarios"].keys() == {"one"}


def test_a_baseline_is_refused_before_anything_is_computed(project: Project) -> None:
    """Missing, of another program, or without a file to write to."""
    path = project.scenario()
    refused(project.anatrial("check", "--baseline", "none.json"), "no such file", "--update-baseline")
    refused(project.anatrial("check", "--update-baseline"), "--baseline FILE")
    for update in ([], ["--update-baseline"]):
        refused(project.anatrial("check", "--baseline", path, *update), "foreign", "remove it")
    assert "kind" in Path(path).read_text(), "a file of another kind is never overwritten"


def test_a_baseline_with_a_hole_is_not_written(project: Project) -> None:
    """Where a scenario has no numbers the file stays as it was, and that is an error."""
    project.scenario()
    project.anatrial("check", "--baseline", "b.json", "--update-baseline")
    before = Path("b.json").read_bytes()
    project.scenario(BAD, name="bad")
    said = project.anatrial("check", "--baseline", "b.json", "--update-baseline")
    assert said.code == 2
    assert "no numbers of bad" in said.out
    assert Path("b.json").read_bytes() == before


def test_a_cell_that_is_kept_is_not_computed_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --store a second check computes nothing and says the same; without it nothing is kept."""
    project.scenario()
    files = project.files()
    assert project.anatrial("check").code == 0
    assert project.files() == files
    first = project.anatrial("check", "--store", "cells.sqlite")

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(anatrial.plan.asking, "cell_result", never)
    again = project.anatrial("check", "--store", "cells.sqlite")
    assert (again.code, again.out) == (0, first.out)
    assert project.anatrial("check").code == 5, "without a store it is computed, which here is a fault"


def test_workers_change_no_byte(project: Project) -> None:
    """Two processes tell what one tells; the time of a scenario, which they share, is then left out."""
    project.scenario(name="one")
    project.scenario(FAILING, name="two")
    alone = project.anatrial("check", "--json", "--junit", "1.xml")
    together = project.anatrial("check", "--json", "--junit", "2.xml", "--workers", "2")
    assert (together.code, together.out) == (alone.code, alone.out) != (0, "")
    times = [[suite.get("time") is not None for suite in ET.parse(path).getroot()] for path in ("1.xml", "2.xml")]  # noqa: S314 - made above
    assert times == [[True, True, False, False], [False] * 4]


@pytest.mark.parametrize("name", ['a"b<c>', "x|y", "two\n::error::lines", "ünïcode", "per%cent, a:b"])
def test_hostile_names_come_through_every_report(project: Project, name: str) -> None:
    """JSON, JUnit, Markdown, annotations and text of a scenario whose file is called like this."""
    project.scenario(FAILING, name=name)
    said = project.anatrial("check", "--json", "--github", "--junit", "j.xml", "--markdown", "m.md", "--quick")
    assert said.code == 1
    assert json.loads(said.out)["scenarios"][0]["name"] == name
    root = ET.parse("j.xml").getroot()  # noqa: S314 - made two lines above
    assert root[0].get("name") == f"scenarios.{name}"
    rows = [row for row in Path("m.md").read_text().split("\n") if row.startswith("|")]
    assert {row.count("|") for row in rows} == {6}
    assert sum(line.startswith("::") for line in said.err.split("\n")) == 1
    assert not any(line.lstrip().startswith("::") for line in project.anatrial("check").out.split("\n"))


def test_a_folder_that_holds_scenarios_is_told_of_them(project: Project) -> None:
    """The folder of a team is no folder of scenario files: the fix is the command for the one that it holds."""
    (project.path / "our plans" / "scenarios").mkdir(parents=True)
    assert "fix" not in project.anatrial("check", "our plans").out, "a command that would fail is no fix"
    Path(project.scenario()).rename("our plans/scenarios/it.toml")
    said = project.anatrial("check", "our plans")
    assert said.code == 2
    assert "fix       anatrial check 'our plans/scenarios'" in said.out


def test_the_folder_above_and_a_folder_without_scenarios(project: Project) -> None:
    """``..`` is a folder like any other; one without scenario files is an error, never a pass."""
    project.scenario()
    (project.path / "scenarios" / "deep").mkdir()
    said = project.anatrial("check", "scenarios/deep/..")
    assert said.code == 0
    assert "1 scenario," in said.out
    assert project.anatrial("check", "scenarios/deep").code == 2
    Path("scenarios/it.toml").unlink()
    assert project.anatrial("check").code == 2
