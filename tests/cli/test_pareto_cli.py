"""A design search from the command line: what it tells, and what it refuses before anything is computed."""

from __future__ import annotations

import json

import pytest
from tests.cli.project import Project, refused
from tests.tolerances import ROUNDING

AXES = """[[axes]]
path = "design.n"
values = [8, 12, 16]

[[axes]]
path = "rule.certainty"
values = [0.95, 0.975]

"""


SIMON = """
version = 1
title = "Two stages"
question = "Which is minimax?"
indication = "made-up"
endpoint = "response"
rule = { kind = "responders", null_rate = 0.05, futility_at_most = [0], success_at_least = ["never", 3] }
truths.idle = { kind = "points", rates = { treatment = 0.05 } }
truths.hoped = { kind = "points", rates = { treatment = 0.25 } }
truths.no-effect = { kind = "no_effect", control = { from = 0.05, to = 0.05 }, why = "a test" }

[design]
kind = "sequential"
looks = [{ treatment = 9 }, { treatment = 17 }]

[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.8

[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = 0.05

[[axes]]
path = "design.looks.1.treatment"
range = { from = 7, to = 13, step = 1 }

[[axes]]
path = "design.looks.2.treatment"
range = { from = 14, to = 17, step = 1 }

[[axes]]
path = "rule.futility_at_most"
values = [[0], [1]]

[[axes]]
path = "rule.success_at_least"
values = [["never", 2], ["never", 3], ["never", 4]]

[pareto]
aims = ["patients", "expected_n"]
"""


def searched(aims: str, axes: str = AXES) -> tuple[str, str]:
    """The change that adds axes and aims to the scenario."""
    return "[size]", f"{axes}[pareto]\naims = {aims}\n\n[size]"


def test_a_search_tells_the_front_and_the_cheapest(project: Project) -> None:
    """Six designs; the front has numbers that a run of the same design tells, and the cheapest is one of them."""
    path = project.scenario(searched('["patients", "power", "assurance"]'))
    said = project.anatrial("sweep", path)
    assert said.code == 0, said.err
    assert "Design search: A trial for tests" in said.out
    (found,) = json.loads(project.anatrial("sweep", path, "--json").out)["design_search"]
    assert found["designs"] == 6
    settings = found["cheapest"]["settings"]
    size, certainty = settings["design.n"], settings["rule.certainty"]
    changes = (
        ("n = { treatment = 12, control = 12 }", f"n = {{ treatment = {size}, control = {size} }}"),
        ("certainty = 0.95", f"certainty = {certainty}"),
    )
    run = json.loads(project.anatrial("run", project.scenario(*changes, name="one"), "--json").out)
    truths = {one["truth"]: {m["name"]: m["estimate"] for m in one["metrics"]} for one in run["characteristics"]}
    assert found["cheapest"]["patients"] == 2 * size
    assert found["cheapest"]["values"][1:] == [truths["expected"]["power"], truths["uncertain"]["assurance"]]


def test_faults_are_told_before_anything_is_computed(project: Project) -> None:
    """An aim twice and an axis along which the truth changes: both at once, and no store is made."""
    axes = AXES.replace("rule.certainty", "truths.expected.rates.control")
    said = project.anatrial("sweep", project.scenario(searched('["power", "power"]', axes)))
    refused(said, "pareto.aims 2", "'power' again", "axes 2, path", "in one reality")
    assert not (project.path / ".anatrial").exists()
    lost = project.scenario(searched('["power", "size"]'))
    refused(project.anatrial("sweep", lost), "pareto.aims", "patients")


def test_the_cheapest_two_stages_are_simons_minimax_design(project: Project) -> None:
    """Of 168 designs for 0.05 v 0.25 (alpha 0.05, power 0.8) the published one, 0/12 and 2/16, is the cheapest.

    Minimax: fewest patients, then fewest expected where the treatment does nothing, the first truth of the file.
    Source: clinfun 1.1.5, as in tests/reference/two_stage.json.
    """
    (project.path / "simon.toml").write_text(SIMON)
    said = project.anatrial("sweep", "simon.toml", "--json")
    assert said.code == 0, said.err
    (found,) = json.loads(said.out)["design_search"]
    assert found["designs"] == 168
    assert list(found["cheapest"]["settings"].values()) == [12, 16, [0], ["never", 3]]
    assert found["cheapest"]["values"][1]["value"] == pytest.approx(13.838559649349452, rel=ROUNDING)
