"""``anatrial evidence``: words, JSON, pictures, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from anatrial.cli import app
from anatrial.cli.shared import guarded
from anatrial.errors import InputError

GOOD = """
version = 1
indication = "good"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"

[endpoints.remission]
definition = "Remission"
visit = "week 12"
nested_in = "response"

[[studies]]
id = "one-2001"
title = "One 2001"
citation = "A journal 2001;1:1-2."
pmid = "12345"
tier = "rct_double_blind"
core = true
also_listed_under = ["bad"]

[[studies.arms]]
id = "anakinra"
role = "anakinra"
drug = "anakinra"

[[studies.outcomes]]
id = "one-response"
source_id = "one.response"
arm = "anakinra"
endpoint = "response"
visit = "week 12"
analysis_set = "itt"
n = 12
responders = 8
locator = "abstract"

[[studies.outcomes]]
id = "one-open"
source_id = "one.open"
arm = "anakinra"
endpoint = "remission"
visit = "week 12"
analysis_set = "itt"
n = 115
printed_percent = "43"
compatible = [49, 50]
locator = "abstract"
"""
BAD = GOOD.replace('"good"', '"bad"').replace('"bad"]', '"good"]').replace("[49, 50]", "[49]").replace("one-", "two-")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a priors folder of one good and one faulty indication."""
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors" / "good.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "priors" / "bad.toml").write_text(BAD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evidence", *arguments])


def said(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_check_passes_where_numbers_agree() -> None:
    """Without a fault the exit code is 0 and the last line counts the checks."""
    result = run("check", "good")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "0 faults, 0 notes, 1 checks without a finding, in 1 indication"


def test_check_fails_on_a_discrepancy_and_shows_it_first() -> None:
    """A fault makes the exit code 1 and opens the text, with its arithmetic."""
    result = run("check", "bad")
    assert result.exit_code == 1
    assert result.stdout.startswith(
        "FAULT  bad  two-open [one.open]  percent: compatible lists 49, but 43 % fits 49, 50 of 115"
    )


def test_check_without_names_reads_every_file() -> None:
    """Without names every indication is checked, and the worst decides."""
    result = run("check")
    assert result.exit_code == 1
    assert "in 2 indications" in result.stdout


def test_check_of_an_unknown_name_checks_the_others_and_ends_with_2() -> None:
    """A name that does not exist is bad input (2), with the nearest name; the others are still checked."""
    result = run("check", "goood", "good")
    assert result.exit_code == 2
    assert "did you mean 'good'?" in result.stderr
    assert "in 1 indication" in result.stdout


def test_check_as_json_has_findings_counts_and_errors() -> None:
    """JSON holds every finding with its numbers, the counts by status, and what could not be read."""
    content = said("check", "bad", "missing")
    assert content["counts"] == {"fault": 1, "note": 0, "ok": 0}
    assert [f["record"] for f in content["findings"]] == ["two-open"]
    assert len(content["errors"]) == 1


def test_list_tells_records_usable_counts_and_studies_elsewhere() -> None:
    """The list has one row per indication, and names studies that stand in another file."""
    rows = {row["indication"]: row for row in said("list")["indications"]}
    assert (rows["good"]["records"], rows["good"]["usable"]) == (2, 1)
    assert rows["bad"]["elsewhere"] == [{"indication": "good", "study": "one-2001", "title": "One 2001"}]
    text = run("list").stdout
    assert "also: One 2001 (in good)" in text
    assert "core: One 2001" in text


def test_list_shows_a_name_that_has_no_file_of_its_own(folder: Path) -> None:
    """A disease that studies are also listed under is listed even without a file."""
    (folder / "priors" / "good.toml").write_text(GOOD.replace('["bad"]', '["elsewhere"]'), encoding="utf-8")
    assert "elsewhere" in [row["indication"] for row in said("list")["indications"]]


def test_show_has_rates_intervals_and_sources() -> None:
    """The table shows count, rate and Clopper-Pearson interval; the studies show identifiers and locators."""
    text = run("show", "good").stdout
    assert "8/12   66.7 (34.9-90.1)" in text
    assert "49-50/115" in text
    assert "PMID 12345" in text


def test_show_with_wilson_intervals() -> None:
    """--interval wilson shows Wilson's limits instead."""
    assert "66.7 (39.1-86.2)" in run("show", "good", "--interval", "wilson").stdout


def test_show_of_one_endpoint_leaves_the_others_out() -> None:
    """--endpoint keeps the records of that endpoint alone."""
    content = said("show", "good", "--endpoint", "remission")
    assert [panel["endpoint"] for panel in content["panels"]] == ["remission"]
    assert "one-response" not in run("show", "good", "--endpoint", "remission").stdout


def test_show_as_json_has_full_precision() -> None:
    """JSON carries both intervals unrounded, and no number where no count was read."""
    (first, second) = (panel["rows"][0] for panel in said("show", "good")["panels"])
    assert first["rate"] == 8 / 12
    assert first["clopper_pearson"] == pytest.approx([0.34887550641881554, 0.9007539088504167], abs=1e-9)
    assert (second["rate"], second["allowed"]) == (None, [49 / 115, 50 / 115])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("show", "goood"), "did you mean 'good'?"),
        (("show", "good", "--endpoint", "remision"), "did you mean 'remission'?"),
        (("show", "good", "--plot", "picture.gif"), "picture.png"),
    ],
)
def test_wrong_names_end_with_2_and_the_nearest_name(
    arguments: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown indication, endpoint or picture format is bad input that tells the way out."""
    error = run(*arguments).exception
    assert isinstance(error, InputError)
    assert hint in str(error)
    with pytest.raises(SystemExit) as stop:
        guarded(lambda **options: app(["evidence", *arguments], **options))
    assert stop.value.code == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(("name", "starts"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_plot_writes_the_same_picture_every_time(name: str, starts: bytes, folder: Path) -> None:
    """Each format is written, and twice the same bytes."""
    pictures = []
    for _ in range(2):
        assert run("show", "good", "--plot", name).exit_code == 0
        pictures.append((folder / name).read_bytes())
    assert pictures[0].startswith(starts)
    assert pictures[0] == pictures[1]


def test_a_broken_file_beside_it_does_not_stop_show(folder: Path) -> None:
    """Another file that cannot be read is said on stderr, and the indication asked for is shown."""
    (folder / "priors" / "bad.toml").write_text("version = ", encoding="utf-8")
    result = run("show", "good")
    assert result.exit_code == 0
    assert "8/12" in result.stdout
    assert "bad.toml" in result.stderr


def test_a_folder_without_files_is_bad_input(folder: Path) -> None:
    """Nothing to check is an error, not a pass."""
    for file in (folder / "priors").glob("*.toml"):
        file.unlink()
    assert isinstance(run("check").exception, InputError)
