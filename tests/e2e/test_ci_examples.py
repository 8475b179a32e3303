"""The ready files for hosting services are YAML with the keys that their platforms need, and name real options."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from anatrial.cli import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "ci-examples.md"
yaml: Any = importlib.import_module("yaml")


def examples() -> dict[str, Any]:
    """The files of the page by their path."""
    blocks = re.findall(r'^```yaml title="([^"]+)"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return {title: yaml.safe_load(body) for title, body in blocks}


def test_the_page_has_a_file_for_each_platform() -> None:
    """GitHub, GitLab and pre-commit, each where its platform looks for it."""
    assert examples().keys() == {".github/workflows/plans.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"}


def test_the_github_file_is_a_workflow() -> None:
    """Triggers, jobs with a machine, steps that use an action or run a command; reports are kept after a failure."""
    found = examples()[".github/workflows/plans.yml"]
    assert found.keys() == {"name", True, "permissions", "jobs"}  # YAML 1.1 reads the key on as true
    assert found[True].keys() == {"pull_request", "push"}
    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        assert job.keys() >= {"runs-on", "steps"}
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
        used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
        assert used.index("actions/checkout") < used.index("actions/setup-python")
        kept = [step for step in job["steps"] if step.get("if") == "always()"]
        assert "GITHUB_STEP_SUMMARY" in kept[0]["run"]
        assert kept[1]["with"]["path"].split() == ["report.xml", "summary.md"]


def test_the_gitlab_file_is_a_pipeline() -> None:
    """Each job has an image and a script, and shows JUnit after a failure too; INCONCLUSIVE alone may pass."""
    found = examples()[".gitlab-ci.yml"]
    for job in found.values():
        assert job.keys() >= {"image", "script", "artifacts", "rules"}
        assert job["artifacts"]["when"] == "always"
        assert job["artifacts"]["reports"] == {"junit": "report.xml"}
        assert job["allow_failure"] == {"exit_codes": [3]}
        assert all(isinstance(line, str) for line in job["script"])


def hooks() -> list[dict[str, Any]]:
    """The hook of the page, and that of this repository."""
    page: list[dict[str, Any]] = [h for repo in examples()[".pre-commit-config.yaml"]["repos"] for h in repo["hooks"]]
    return [*page, *yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())]


def test_the_hooks_check_changed_scenarios() -> None:
    """Every shipped scenario is passed on, also from a folder below; baselines and other files are not."""
    assert [hook["id"] for hook in hooks()] == ["anatrial-check"] * 2
    for hook in hooks():
        assert hook.keys() >= {"id", "name", "entry", "language", "files"}
        assert hook.get("pass_filenames", True) is True
        assert hook["require_serial"] is True
        wanted = re.compile(hook["files"])
        paths = [str(path.relative_to(ROOT)) for path in (ROOT / "scenarios").iterdir()]
        assert [path for path in paths if not wanted.search(path)] == ["scenarios/baseline.json"]
        assert wanted.search("trials/scenarios/x.toml")
        assert not wanted.search("priors/sjia.toml")
        assert not wanted.search("myscenarios/x.toml")
    assert hooks()[1]["language"] == "python"


def commands() -> Iterator[list[str]]:
    """Every call of the program in the files, as words."""
    for job in examples()[".github/workflows/plans.yml"]["jobs"].values():
        yield from (shlex.split(step["run"]) for step in job["steps"] if step.get("run", "").startswith("anatrial "))
    for job in examples()[".gitlab-ci.yml"].values():
        yield from (shlex.split(line) for line in job["script"])
    yield from (shlex.split(hook["entry"]) for hook in hooks())


def test_every_command_line_is_understood() -> None:
    """The words parse as a call of ``check``, with the options that they name; a wrong option would not."""
    command = typer.main.get_command(app).commands["check"]  # type: ignore[attr-defined]
    called = list(commands())
    assert len(called) == 4
    for program, name, *words in called:
        assert (program, name) == ("anatrial", "check")
        command.make_context("check", list(words))
    with pytest.raises(Exception, match="No such option"):
        command.make_context("check", ["--junitt", "x"])
