"""``anatrial examples``: sentences, JSON, a picture, and what is refused."""

from __future__ import annotations

import json

import pytest
from tests.cli.project import Project

from anatrial.files import read_scenario
from anatrial.plan.examples import examples
from anatrial.report.examples_text import examples_content

KINDS = ["A typical success", "A failure where success would be right", "A false success", "A conflict"]
ONE_ARM = """kind = "responders"
null_rate = 0.3
success_at_least = ["never", "never", "never", "never", "never", "never", "never", "never", "never", "never", 7]"""


def test_trials_are_told_in_sentences(project: Project) -> None:
    """Every trial has a heading, a reason, its data, posterior, decision, and what it would have taken."""
    said = project.anatrial("examples", project.scenario())
    assert (said.code, said.err) == (0, "")
    paragraphs = said.out.split("\n\n")
    told = [" ".join(one.split()) for one in paragraphs[1:5]]
    for number, (kind, text) in enumerate(zip(KINDS, told, strict=True), start=1):
        assert text.startswith(f"{number}. {kind}: trial ")
        for part in (
            "Chosen because ",
            " simulated trials (",
            "At the end, ",
            " respond on anakinra and ",
            "Posterior: ",
            "history keeps a weight of ",
            "P(anakinra rate > placebo rate | data) is ",
            "; success asks above 0.95. Decision: ",
            " of 12 mean success.",
        ):
            assert part in text
    assert max(map(len, said.out.splitlines())) <= 100


def test_the_same_words_every_time(project: Project) -> None:
    """Two runs print the same; JSON holds what the function returns, at full precision."""
    path = project.scenario()
    assert project.anatrial("examples", path).out == project.anatrial("examples", path).out
    content = json.loads(project.anatrial("examples", path, "--json").out)
    assert content == json.loads(json.dumps(examples_content(examples(read_scenario(path)))))  # type: ignore[arg-type]
    assert (content["format"], content["version"]) == ("anatrial-examples", 1)
    assert len(content["trials"][0]["patients"]) == 24


def test_many_looks_are_shortened(project: Project) -> None:
    """A trial that goes on at many looks is told by its first two and its last three."""
    grown = ", ".join(f"{{ treatment = {n} }}" for n in range(2, 13))
    path = project.scenario(
        ('kind = "fixed"\nn = { treatment = 12, control = 12 }', f'kind = "sequential"\nlooks = [{grown}]'),
        ('kind = "posterior"\ncertainty = 0.95\nmargin = 0.0', ONE_ARM),
        (
            '[rule.analysis_prior]\ntreatment = { a = 1, b = 1 }\ncontrol = { prior = "placebo", robust_weight = 0.2 }',
            "",
        ),
        ("rates = { treatment = 0.70, control = 0.25 }", "rates = { treatment = 0.70 }"),
        ("to = 0.4", "to = 0.3"),
        (
            'treatment = { mean = 0.6, effective_n = 10 }\ncontrol = { prior = "placebo" }',
            "treatment = { a = 6, b = 4 }",
        ),
    )
    run = project.anatrial("examples", path)
    assert run.err == ""
    said = run.out
    assert "   ... at 6 looks more the trial goes on ..." in said
    assert "At look 2, " in said
    assert "At look 4, " not in said


def test_a_picture(project: Project) -> None:
    """A picture is written, the same bytes every time, and what is printed stays."""
    path = project.scenario()
    said = project.anatrial("examples", path, "--plot", "one.svg")
    assert (said.code, said.err) == (0, "wrote one.svg\n")
    assert said.out == project.anatrial("examples", path, "--plot", "two.svg").out
    one, two = ((project.path / f"{name}.svg").read_bytes() for name in ("one", "two"))
    assert one.startswith(b"<?xml")
    assert one == two


def test_a_picture_of_another_format_is_refused(project: Project) -> None:
    """Before anything is simulated, an ending that is no picture is refused."""
    said = project.anatrial("examples", project.scenario(), "--plot", "trials.gif")
    assert (said.code, said.out) == (2, "")
    assert "trials.gif" in said.err


def test_other_kinds_of_trials_are_refused(project: Project) -> None:
    """A kind of trial without a narration says which kinds have one."""
    said = project.anatrial("examples", "il1-basket")
    assert said.code == 2
    assert [line.strip() for line in said.err.splitlines()] == [
        "il1-basket: design.kind",
        "got       'basket'",
        "expected  fixed, sequential, several_endpoints, time_to_event, visits or withdrawal, for anatrial examples",
        "fix       anatrial simulate --patients writes such trials",
    ]


@pytest.mark.parametrize("name", ["as-haibel", "sjia-hedrich", "sjia-valencia", "sjia-withdrawal"])
def test_further_kinds_are_told(project: Project, name: str) -> None:
    """A replan of another kind is told in sentences, and as JSON what the function returns; the same every time."""
    said = project.anatrial("examples", name)
    assert (said.code, said.err) == (0, "")
    told = [" ".join(one.split()) for one in said.out.split("\n\n")]
    for number, kind in enumerate(["A typical success", "A failure", "A false success", "A conflict"], start=1):
        assert told[number].startswith(f"{number}. {kind}: trial ")
        assert "Chosen because " in told[number]
        assert "Decision: " in told[number]
    assert max(map(len, said.out.splitlines())) <= 100
    content = json.loads(project.anatrial("examples", name, "--json").out)
    assert (content["format"], content["version"], content["scenario"]) == ("anatrial-examples", 1, name)
    assert content["trials"][0]["told"]["patients"][0]["seen"]
    assert len(content["trials"]) == sum(": trial " in one for one in told)


def test_a_picture_of_patients_over_time(project: Project) -> None:
    """Trials with times are drawn, the same bytes every time; without times a picture is refused."""
    said = project.anatrial("examples", "sjia-hedrich", "--plot", "one.svg")
    assert (said.code, said.err) == (0, "wrote one.svg\n")
    project.anatrial("examples", "sjia-hedrich", "--plot", "two.svg")
    one, two = ((project.path / f"{name}.svg").read_bytes() for name in ("one", "two"))
    assert one.startswith(b"<?xml")
    assert one == two
    refused = project.anatrial("examples", "as-haibel", "--plot", "three.svg")
    assert refused.code == 2
    assert [line.strip() for line in refused.err.splitlines()] == [
        "as-haibel: design.kind",
        "got       'several_endpoints'",
        "expected  a trial with times (time_to_event, visits), or with looks at counts (fixed, sequential)",
        "fix       leave --plot out, or ask for --json",
    ]
    assert not (project.path / "three.svg").exists()
