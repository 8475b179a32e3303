"""What a check is asked to look at is found, whatever the paths are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.project import PRIORS, SCENARIO

from anatrial.domain.checked import BAD_INPUT, Why
from anatrial.files.checks import gather


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one indication and one scenario ``it``, whose priors are not derived."""
    for name, text in (("priors/made-up.toml", PRIORS), ("scenarios/it.toml", SCENARIO)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_path_that_leads_nowhere_hides_no_other(folder: Path) -> None:
    """A name that no file can have, and a link in a circle, are faults of input each; the others are still found."""
    (folder / "scenarios" / "round.toml").symlink_to("round.toml")
    long = "a" * 300
    found = gather(["scenarios", long, f"{long}/it.toml", f"{long}/"])
    assert [one.name for one in found.scenarios][:2] == ["it", "round"]
    assert len(found.scenarios) == 5
    for one in found.scenarios[1:]:
        assert isinstance(one.read, Why)
        assert one.read.code == BAD_INPUT
    assert [one.file for one in found.indications] == ["priors/made-up.toml"]


def test_the_priors_of_a_linked_scenario_are_those_it_uses(folder: Path) -> None:
    """A link belongs to the folder in which it stands: the priors beside it are meant, not those beside the file."""
    (folder / "team" / "scenarios").mkdir(parents=True)
    (folder / "team" / "scenarios" / "linked.toml").symlink_to(folder / "scenarios" / "it.toml")
    shutil.copytree(folder / "priors", folder / "team" / "priors")
    assert [one.file for one in gather(["team/scenarios"]).indications] == ["team/priors/made-up.toml"]
