"""What the code promises about itself: file length, public names, complete unions, one version, one test command."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import anatrial
from anatrial.documents.indication import Indication
from anatrial.documents.scenario import Scenario
from anatrial.documents.trials import KINDS as TRIALS
from anatrial.documents.trials import scenario_class
from anatrial.methods import Method
from anatrial.rules import AnyRule
from anatrial.rules.final import FinalRule
from anatrial.truths import AnyTruth

ROOT = Path(__file__).parents[2]
LONGEST = 400


def test_no_file_is_longer_than_400_lines() -> None:
    """A file that grows beyond is split."""
    folders = (ROOT / name for name in ("src", "tests", "docs"))
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for folder in folders for p in folder.rglob("*.py")}
    assert len(lengths) > 50
    assert {str(p): n for p, n in lengths.items() if n > LONGEST} == {}


PUBLIC = [
    "Asker",
    "BetaMixture",
    "Calibration",
    "Checked",
    "ComparedDesigns",
    "ComparedTests",
    "ComputationError",
    "Evaluated",
    "Evaluation",
    "ExampleTrials",
    "InputError",
    "MemoryStore",
    "Price",
    "Simulation",
    "SizeSearch",
    "TrialEvaluation",
    "TwoStageSearch",
    "Workers",
    "__version__",
    "calibrate",
    "check",
    "compare_designs",
    "compare_tests",
    "derive",
    "engine_version",
    "evaluate",
    "examples",
    "gather",
    "open_store",
    "price",
    "read_indication",
    "read_scenario",
    "read_sweep",
    "simulate",
    "size",
    "sweep",
    "tipping",
    "two_stage",
]


def test_the_public_names_are_these() -> None:
    """A name that is added or removed is a decision: it changes this list."""
    assert sorted(anatrial.__all__) == PUBLIC
    assert dir(anatrial) == PUBLIC


def test_public_names_are_those_that_type_checkers_see_and_load() -> None:
    """The lazy table and the type-checking imports name the same things of the same modules."""
    tree = ast.parse(Path(anatrial.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen: dict[str | None, tuple[str | None, str]] = {}
    for line in block.body:
        assert isinstance(line, ast.ImportFrom)
        seen |= {alias.asname: (line.module, alias.name) for alias in line.names}
    assert seen == anatrial._HOMES
    assert all(getattr(anatrial, name) is not None for name in PUBLIC)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A mistyped name of the package says so."""
    with pytest.raises(AttributeError, match="evaluat"):
        _ = anatrial.evaluat


def test_importing_the_package_loads_nothing_heavy() -> None:
    """``import anatrial`` and the command line's help load neither numpy nor anything that draws or samples."""
    heavy = ("numpy", "scipy", "matplotlib", "pymc", "arviz")
    code = f"import sys, anatrial, anatrial.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == "[]"


def members(union: Any) -> list[tuple[str, str]]:
    """(key, kind) of every member of a union of specs."""
    inner = typing.get_args(union)[0]
    found = []
    for model in typing.get_args(inner):
        key = "method" if "method" in model.model_fields else "kind"
        found.append((key, str(typing.get_args(model.model_fields[key].annotation)[0])))
    return found


MEMBERS = [*members(AnyRule), *members(AnyTruth), *members(Method)]


def kinds_of(path: Path) -> set[str]:
    """The kind of the rule and of the truths of a scenario file, or the methods of an indication file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if "rule" in content:
        if content["design"]["kind"] in TRIALS:
            return set()
        return {content["rule"]["kind"], *(truth["kind"] for truth in content["truths"].values())}
    return {recipe["method"] for recipe in content.get("priors", {}).values()}


def vouched(kind: str) -> bool:
    """Whether a reference test names the member, as a class, as a key, or through a shipped scenario."""
    said = re.compile(rf"(?<![a-z_]){kind}(?![a-z_])|{kind.title().replace('_', '')}\(")
    folder = ROOT / "tests" / "reference"
    texts = [p.read_text(encoding="utf-8") for p in folder.iterdir() if p.suffix in {".py", ".json"}]
    through = [path.stem for path in SHIPPED if path.parent.name == "scenarios" and kind in kinds_of(path)]
    return any(said.search(text) or any(f"{stem}.toml" in text for stem in through) for text in texts)


def tags(annotation: Any) -> list[str]:
    """The kinds of a union of specs, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and "kind" in annotation.model_fields:
        return [str(typing.get_args(annotation.model_fields["kind"].annotation)[0])]
    return [tag for inner in typing.get_args(annotation) for tag in tags(inner)]


def choices(trial: str) -> dict[str, set[str]]:
    """The kinds of rule and of truth of a further kind of trial, but for rules of counts trials that it asks again."""
    fields = scenario_class(trial).model_fields
    rules, truths = (set(tags(fields[part].annotation)) for part in ("rule", "truths"))
    return {"rule": rules - set(tags(FinalRule)), "truths": truths}


SHIPPED = [*(ROOT / "scenarios").glob("*.toml"), *(ROOT / "priors").glob("*.toml")]


def test_the_unions_are_those_of_the_files() -> None:
    """The members that are checked here are all that a file can choose from."""
    assert len(MEMBERS) == len(set(MEMBERS))
    assert Scenario.model_fields["rule"].annotation == typing.get_args(AnyRule)[0]
    assert typing.get_args(Scenario.model_fields["truths"].annotation)[1] == AnyTruth
    assert typing.get_args(Indication.model_fields["priors"].annotation)[1] == Method


@pytest.mark.parametrize(("key", "kind"), MEMBERS)
def test_every_member_of_a_union_is_complete(key: str, kind: str) -> None:
    """It has an example in a shipped file, a section in the reference, and an expected value in the tests."""
    assert any(kind in kinds_of(path) for path in SHIPPED), "no example in scenarios/ or priors/"
    page = "indication.md" if key == "method" else "scenario.md"
    assert f'with `{key} = "{kind}"`' in (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert vouched(kind), "no expected value in tests/reference or tests/unit"


@pytest.mark.parametrize("trial", TRIALS)
def test_every_kind_of_trial_is_complete(trial: str) -> None:
    """It has a page; every rule and truth of its own has a section there, an example, and a place in its tests."""
    page = (ROOT / "docs" / "reference" / f"trial-{trial.replace('_', '-')}.md").read_text(encoding="utf-8")
    contents = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "scenarios").glob("*.toml")]
    own = [content for content in contents if content["design"]["kind"] == trial]
    texts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob(f"test_{trial}*.py"))
    used = {
        "rule": {content["rule"]["kind"] for content in own},
        "truths": {truth["kind"] for content in own for truth in content["truths"].values()},
    }
    for part, kinds in choices(trial).items():
        assert kinds - used[part] == set(), f"no example of a {part} in scenarios/"
        assert [kind for kind in kinds if f'kind = "{kind}"' not in page] == []
        named = [kind for kind in kinds if re.search(rf"\b{kind}\b|{kind.title().replace('_', '')}", texts)]
        assert kinds - set(named) == set(), f"no test names this {part}"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The command is written once: ``.ci/run`` takes it out of the README by its mark."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    found = re.findall(r"<!-- command: (\w+) -->\n+```sh\n(.+)\n```", readme)
    assert [name for name, _ in found] == ["run", "test"]
    assert all("\n" not in command and command.startswith("python3 -m venv") for _, command in found)
    assert "command=$(readme_command test)" in script
    pattern = re.search(r're\.search\(rf"(.+?)", text\)', script)
    assert pattern is not None
    taken = re.search(pattern[1].replace("{sys.argv[2]}", "test"), readme)
    assert taken is not None
    assert taken[1] == dict(found)["test"]


def test_the_version_has_one_source() -> None:
    """``pyproject.toml`` reads it from the package; the changelog names it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/anatrial/__init__.py"
    written = [
        p
        for p in (ROOT / "src").rglob("*.py")
        if re.search(r"^__version__ =", p.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert [p.name for p in written] == ["__init__.py"]
    assert f"## {anatrial.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_import_linter_is_a_tool_of_developers_only() -> None:
    """The layers are checked by ``lint-imports``; where the tool is installed its contract must name every package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert any(name.startswith("import-linter") for name in project["project"]["optional-dependencies"]["dev"])
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    package = ROOT / "src" / "anatrial"
    there = {p.name for p in package.iterdir() if (p / "__init__.py").exists()} | {p.stem for p in package.glob("*.py")}
    assert named == there - {"__init__", "__main__"}
    assert importlib.util.find_spec("anatrial.cli") is not None
