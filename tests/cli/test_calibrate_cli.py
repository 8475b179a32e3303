"""``anatrial calibrate``: what it prints, its JSON, its exit codes."""

from __future__ import annotations

import json

from tests.cli.project import Project, refused

PROMISE = """
[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = 0.05

[size]"""


def test_the_value_to_write_is_told_and_then_holds(project: Project) -> None:
    """The printed line, written into the file, makes the promise of the file hold; before, it did not."""
    promised = ("[size]", PROMISE)
    loose = project.scenario(promised, ("certainty = 0.95", "certainty = 0.7"))
    assert project.anatrial("run", loose).code == 1
    said = project.anatrial("calibrate", loose)
    assert (said.code, said.err) == (0, "")
    value = said.out.partition("Write certainty = ")[2].split()[0]
    assert len(value) == len("0.0000")
    for words in ("FAIL", "PASS", f"| data) > {value}.", "least value that holds", "proven to be at most"):
        assert words in said.out
    written = project.scenario(promised, ("certainty = 0.95", f"certainty = {value}"), name="written")
    assert project.anatrial("run", written).code == 0


def test_json_has_every_number(project: Project) -> None:
    """JSON carries the edge, the interval and both settings at full precision."""
    path = project.scenario(("[size]", PROMISE))
    content = json.loads(project.anatrial("calibrate", path, "--json").out)
    assert (content["format"], content["dial"], content["rises"]) == ("anatrial-calibrate", "certainty", True)
    found, before = content["found"], content["before"]
    assert found["interval"][0] == found["edge"] <= found["setting"]["value"] <= found["interval"][1]
    assert before["value"] == 0.95
    (error,) = found["setting"]["errors"]
    assert error["estimate"]["lower"] <= error["estimate"]["upper"] <= 0.05
    assert content["strictest"] is None
    assert {"implied", "look", "tables"} == set(found["setting"]["looks"][0])


def test_a_promise_that_no_value_keeps(project: Project) -> None:
    """Exit code 1, with what the strictest success does."""
    changes = (
        ("[size]", PROMISE.replace("0.05", "1e-13")),
        ("treatment = 12, control = 12", "treatment = 2, control = 2"),
    )
    said = project.anatrial("calibrate", project.scenario(*changes))
    assert said.code == 1
    assert "No certainty holds" in said.out
    assert "strictest" in said.out


def test_a_file_without_a_promise_is_refused(project: Project) -> None:
    """Exit code 2, with the target that is missing."""
    refused(project.anatrial("calibrate", project.scenario()), "targets", "add [[targets]]")
