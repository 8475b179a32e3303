"""``anatrial borrowing``: what it prints, keeps and draws, its JSON, and what it refuses."""

from __future__ import annotations

import csv
import json

from tests.cli.project import Project, refused


def test_the_price_is_told(project: Project) -> None:
    """Text names the variants, the sweet spot and the worst case, and nothing goes to stderr."""
    said = project.anatrial("borrowing", project.scenario())
    assert (said.code, said.err) == (0, "")
    for words in (
        "10 of 40 in 1 study, patient for patient",
        "pooled     Beta(11, 31)",
        "Sweet spot: placebo rates",
        "Worst case of borrowing",
        "History expects 0.26",
    ):
        assert words in said.out


def test_json_and_files_hold_the_curves(project: Project) -> None:
    """JSON on stdout and in the folder are the same; the CSV has a row per variant and rate; the picture is drawn."""
    path = project.scenario()
    said = project.anatrial("borrowing", path, "--json", "--out", "kept", "--plot", "kept/price.svg")
    assert said.code == 0
    content = json.loads(said.out)
    assert (content["format"], content["version"]) == ("anatrial-borrowing", 1)
    assert json.loads((project.path / "kept" / "results.json").read_text()) == content
    rows = list(csv.DictReader((project.path / "kept" / "results.csv").open()))
    assert len(rows) == len(content["variants"]) * len(content["rates"])
    last = {row["variant"]: row for row in rows if row["control_rate"] == "1.0"}
    assert last["borrowing"]["power"] == ""
    assert float(last["borrowing"]["type_i_error"]) == content["variants"][0]["type_i_error"][-1]
    assert (project.path / "kept" / "price.svg").read_bytes().startswith(b"<?xml")
    assert "wrote kept/price.svg" in said.err


def test_what_has_no_price_is_refused(project: Project) -> None:
    """A rule without a prior, another kind of trial and a picture without a format end with exit code 2."""
    prior = (
        '\n[rule.analysis_prior]\ntreatment = { a = 1, b = 1 }\ncontrol = { prior = "placebo", robust_weight = 0.2 }'
    )
    fisher = ('kind = "posterior"\ncertainty = 0.95\nmargin = 0.0', 'kind = "fisher"\nalpha = 0.05')
    rule = project.scenario(fisher, (prior, ""))
    refused(project.anatrial("borrowing", rule), "it: rule.kind", "'fisher'", "posterior or self_adapting")
    vague = project.scenario(("robust_weight = 0.2", "robust_weight = 1"), name="vague")
    refused(project.anatrial("borrowing", vague), "rule.analysis_prior.control", "Beta(1, 1)")
    refused(
        project.anatrial("borrowing", project.scenario(), "--plot", "price.jpeg"), "price.jpeg", ".png, .svg or .pdf"
    )
    assert not any(name.endswith(".jpeg") for name in project.files())
