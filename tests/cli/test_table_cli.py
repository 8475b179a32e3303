"""``anatrial table`` and ``anatrial evidence tests``: words, JSON, pictures, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.project import Project, refused

PRIORS = Path(__file__).parents[2] / "priors"


def test_a_table_shows_tests_and_intervals(project: Project) -> None:
    """Two counts give every p-value with what it keeps, and the intervals of five quantities."""
    said = project.anatrial("table", "8/12", "1/12")
    assert (said.code, said.err) == (0, "")
    for line in (
        "8/12 (0.667) v 1/12 (0.083)",
        "Fisher two-sided 0.0094 yes",
        "chi-square uncorrected 0.0032 no",
        "Boschloo two-sided 0.0033 yes",
        "Chan-Zhang (exact) 0.201 to 0.849 yes",
        "Newcombe 0.197 to 0.790 no",
        "Koopman (score) 1.702 to 46.08 no",
        "Wald, logarithm 2.05 to 236.1 no",
    ):
        assert line in [" ".join(shown.split()) for shown in said.out.splitlines()]


def test_a_margin_adds_its_tests(project: Project) -> None:
    """A negative margin is taken as such, and its tests and posterior probability are shown."""
    said = project.anatrial("table", "25/30", "27/30", "--margin", "-0.3", "--level", "0.9")
    assert said.code == 0
    assert "Is p_t - p_c above -0.3?" in said.out
    assert "score, exact unconditional" in said.out
    assert "P(p_t - p_c > -0.3 | data)" in said.out
    assert "90 % interval" in said.out


def test_one_arm_against_a_rate(project: Project) -> None:
    """One count gives the intervals of a rate and, with --null, the exact binomial p-values."""
    said = project.anatrial("table", "8/12", "--null", "0.3")
    assert said.code == 0
    assert "binomial one-sided, rate higher  0.0095" in said.out
    assert "difference" not in said.out


def test_json_has_full_precision(project: Project) -> None:
    """JSON holds every test and interval unrounded; a limit that is not there is null, with the reason."""
    found = json.loads(project.anatrial("table", "8/12", "0/12", "--json").out)
    assert found["format"] == "anatrial-table"
    assert (found["treatment"], found["control"]) == ({"x": 8, "n": 12}, {"x": 0, "n": 12})
    (ratio,) = [one for one in found["measures"] if one["of"] == "ratio p_t / p_c"]
    assert (ratio["value"], ratio["intervals"][0]["upper"]) == (None, None)
    assert ratio["intervals"][0]["note"] == "no upper limit"
    p = {one["test"]: one["p"] for one in found["tests"]}
    assert p["Fisher two-sided"] == pytest.approx(2 * 495 / 735471, abs=1e-12)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("13/12", "1/12"), ("treatment", "13 responders of 12 patients")),
        (("8/12", "-1/12"), ("control", "'-1/12'", "responders/patients")),
        (("eight", "1/12"), ("treatment", "'eight'", "such as 8/12")),
        (("8/12", "1/3000"), ("control", "1 to 2000 patients")),
        (("8/12", "1/12", "--level", "95"), ("--level", "--level 0.95")),
        (("8/12", "1/12", "--margin", "-1"), ("--margin", "such as -0.1")),
        (("8/12", "1/12", "--null", "0.3"), ("--null", "leave out --null")),
        (("8/12", "--margin", "0.1"), ("--margin", "8/12 1/12 --margin 0.1")),
        (("8/12", "--plot", "a.png"), ("--plot", "give both arms")),
        (("8/12", "1/12", "--plot", "a.gif"), ("a.gif", "a.png")),
        (("8/12", "--null", "1.5"), ("--null", "above 0 and below 1")),
    ],
)
def test_bad_input_says_what_would_be_right(project: Project, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    """Counts and options that cannot be are refused with exit code 2 and the way out."""
    refused(project.anatrial("table", *words), *told)


def test_an_unknown_option_is_refused(project: Project) -> None:
    """A mistyped option is not passed over."""
    assert project.anatrial("table", "8/12", "1/12", "--levle", "0.9").code == 2


@pytest.mark.parametrize(("name", "starts"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_plot_writes_a_picture(project: Project, name: str, starts: bytes) -> None:
    """Each format is written, and said on stderr."""
    said = project.anatrial("table", "8/12", "1/12", "--margin", "0.1", "--plot", name)
    assert said.err == f"wrote {name}\n"
    assert (project.path / name).read_bytes().startswith(starts)


@pytest.fixture
def shipped(project: Project) -> Project:
    """A folder with the real evidence on sJIA."""
    shutil.copy(PRIORS / "sjia.toml", project.path / "priors")
    return project


def test_evidence_tests_shows_anajis_row_by_row(shipped: Project) -> None:
    """Each printed p-value stands beside its counts and the test that gives it."""
    said = shipped.anatrial("evidence", "tests", "sjia", "--study", "quartier-2011")
    assert (said.code, said.err) == (0, "")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert any(line.startswith("anajis-t2-acr30-p 11/12 7/12 0.059") and line.endswith("chi-square") for line in lines)
    assert any(line.startswith("anajis-t2-modacr50-p 7/12 0/12 0.005") and line.endswith("Fisher") for line in lines)
    assert "no test gives: anajis-t2-modacr70-p (nearest: Fisher two-sided)" in lines
    assert "anaSTILLs" not in said.out


def test_evidence_tests_as_json(shipped: Project) -> None:
    """JSON holds the p of each row under every test, at full precision."""
    found = json.loads(shipped.anatrial("evidence", "tests", "sjia", "--json").out)
    assert found["format"] == "anatrial-evidence-tests"
    rows = {row["fact"]: row for study in found["studies"] for row in study["rows"]}
    assert rows["anastills-ank-p"]["tests"]["Fisher two-sided"] == pytest.approx(1 / 462, abs=1e-12)
    assert rows["anajis-t2-modacr70-p"]["gives"] == []
    assert rows["anajis-t2-modacr70-p"]["nearest"] == "Fisher two-sided"


def test_evidence_tests_of_an_unknown_study(shipped: Project) -> None:
    """A mistyped study is bad input with the nearest name."""
    refused(shipped.anatrial("evidence", "tests", "sjia", "--study", "quartier-2012"), "quartier-2011")
