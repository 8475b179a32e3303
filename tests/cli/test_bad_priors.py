"""Spoilt evidence and derived priors that are stale, damaged or edited: exit code 2 and the command that mends them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.project import PRIORS, Project, refused

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("responders = 10", "responders = 41", ["old-1", "41", "40"]),
        ("responders = 10", "responders = -1", ["responders", "-1"]),
        ("responders = 10", "responders = 10.5", ["responders", "10.5"]),
        ("responders = 10", "responders = nan", ["responders", "nan"]),
        ("n = 40", "n = 0", ["outcomes 1, n"]),
        ("n = 40", "n = -40", ["outcomes 1, n"]),
        ("n = 40", f"n = {'9' * 40}", ["outcomes 1, n"]),
        ("n = 40\n", "", ["old-1"]),
        ("responders = 10", "respnders = 10", ["did you mean 'responders'?"]),
        ('endpoint = "response"\nvisit', 'endpoint = "respnse"\nvisit', ["did you mean 'response'?"]),
        ('outcomes = ["old-1"]', 'outcomes = ["old-2"]', ["did you mean 'old-1'?"]),
        ('arm = "placebo"', 'arm = "plcebo"', ["plcebo"]),
        ('method = "pooled"', 'method = "poled"', ["did you mean 'pooled'?"]),
    ],
)
def test_bad_evidence(project: Project, old: str, new: str, words: list[str]) -> None:
    """Spoilt evidence is refused wherever it is used: in a run, when deriving and when looking at a prior."""
    path = project.scenario()
    assert old in PRIORS
    (project.path / "priors" / "made-up.toml").write_text(PRIORS.replace(old, new, 1))
    refused(project.anatrial("run", path), "made-up.toml", *words)
    refused(project.anatrial("prior", "derive", "made-up"), *words)
    refused(project.anatrial("prior", "show", "made-up", "placebo"), *words)


def test_stale_prior(project: Project) -> None:
    """A count that changed since the prior was derived stops the run and names the command; deriving mends it."""
    path = project.scenario()
    changed = PRIORS.replace("responders = 10", "responders = 11")
    (project.path / "priors" / "made-up.toml").write_text(changed)
    refused(project.anatrial("run", path), "stale", "anatrial prior derive made-up placebo")
    assert project.anatrial("prior", "derive", "made-up", "placebo").code == 0
    assert project.anatrial("run", path).code == 0


def test_stale_prior_of_the_shipped_evidence(project: Project) -> None:
    """A changed count of the real sJIA evidence makes its prior stale in the shipped scenario too."""
    shutil.rmtree(project.path / "priors")
    shutil.copytree(ROOT / "priors", project.path / "priors")
    scenario = project.path / "scenarios" / "sjia-next-trial.toml"
    shutil.copy(ROOT / "scenarios" / "sjia-next-trial.toml", scenario)
    assert project.anatrial("run", str(scenario)).code == 0
    evidence = project.path / "priors" / "sjia.toml"
    head, found, tail = evidence.read_text().partition('id = "hc-sjia-ruperto-pbo"')
    assert found
    before, key, after = tail.partition("responders = 4\n")
    assert key
    evidence.write_text(f"{head}{found}{before}responders = 5\n{after}")
    refused(project.anatrial("run", str(scenario)), "stale", "anatrial prior derive sjia placebo-discounted")


def test_prior_that_was_never_derived(project: Project) -> None:
    """A prior without its derived file names the command that makes it."""
    (project.path / "priors" / "derived" / "made-up" / "placebo.json").unlink()
    refused(project.anatrial("run", project.scenario()), "anatrial prior derive made-up placebo")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 1}', "\x00", "null", "[" * 100_000, '{"version": NaN}']
)
def test_damaged_prior(project: Project, content: str) -> None:
    """A damaged derived file names the command that mends it, or says what it is."""
    (project.path / "priors" / "derived" / "made-up" / "placebo.json").write_text(content)
    refused(project.anatrial("run", project.scenario()), "made-up")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a": 11.0', '"a": 21.0'),
        ('"b": 31.0', '"b": 1.0'),
        ('"weight": 1.0', '"weight": 0.9'),
        ('"a": 11.0', '"a": -1.0'),
    ],
)
def test_edited_prior(project: Project, old: str, new: str) -> None:
    """A derived prior whose numbers were changed by hand is not what its recipe says: it is refused."""
    path = project.path / "priors" / "derived" / "made-up" / "placebo.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused(project.anatrial("run", project.scenario()), "anatrial prior derive made-up placebo")
