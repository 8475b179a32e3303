"""The documentation is true: its blocks run, its shown outputs are what is printed, its reference covers everything."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.main import get_command

from anatrial import evaluate, read_scenario, size
from anatrial.cli import app
from anatrial.report.machine import run_content, size_content

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFRESH = loaded(DOCS / "refresh.py")
PAGES: list[Path] = REFRESH.pages()


def plain(line: str) -> str:
    """A line of output without what may differ: spaces, digests, a flat maximum's place, a zero's sign, the version."""
    line = re.sub(r"[0-9a-f]{4}\.\.|\(at [0-9.]+\)", "", " ".join(line.split()))
    return re.sub(r"[+-](0\.0+)\b", r"\1", re.sub(r"anatrial \d+\.\d+\.\d+", "anatrial", line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run_and_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Every block of a page runs, and every line of a shown output is what is printed."""
    text, printed = page.read_text(encoding="utf-8"), ""
    for block, output in REFRESH.run(text, tmp_path):
        if block.mark.startswith("output:"):
            lines = {plain(line) for line in printed.splitlines()}
            missing = [line for line in block.body.splitlines() if line != "..." and plain(line) not in lines]
            assert not missing, f"not printed now (python docs/refresh.py renews it): {missing}"
            assert block.body.strip()
        printed = output or printed


def test_the_reference_pages_are_the_ones_that_the_specs_make() -> None:
    """A changed spec changes its page: ``python docs/refresh.py`` writes it."""
    for path, text in loaded(DOCS / "reference" / "generate.py").pages().items():
        assert path.read_text(encoding="utf-8") == text, path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A link to a file of the project names one that is there."""
    code = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
    text = code.sub("", page.read_text(encoding="utf-8"))
    targets = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def commands(command: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, [option for param in command.params for option in param.opts if option.startswith("--")]
        return
    for name, child in children.items():
        yield from commands(child, f"{path} {name}")


def test_every_command_and_option_has_its_line() -> None:
    """``commands.md`` has a section per command that names its options."""
    assert isinstance(app, typer.Typer)
    sections = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8").split("\n### ")
    for path, options in commands(get_command(app), "anatrial"):
        section = next((s for s in sections if re.match(rf"`{path}[ `]", s)), "")
        assert section, path
        assert [option for option in options if f"`{option}" not in section] == [], path


def test_every_number_of_the_output_is_defined() -> None:
    """Every metric and curve of every shipped scenario, and every part of the JSON, is named in ``definitions.md``."""
    page = (DOCS / "reference" / "definitions.md").read_text(encoding="utf-8")
    wanted: set[str] = set()
    for path in (ROOT / "scenarios").glob("*.toml"):
        content = json.loads(json.dumps(run_content(evaluate(read_scenario(path)))))
        wanted |= set(content) - {"scenario", "title"} | set(content.get("borrowing") or {})
        wanted |= {key for breach in content.get("breaches", ()) for key in breach} - {"truth"}
        for truth in content["characteristics"]:
            wanted |= {metric["name"] for metric in truth["metrics"]} | {curve["name"] for curve in truth["curves"]}
    found = json.loads(json.dumps(size_content(size(read_scenario("anajis")))))
    wanted |= {key for answer in found["answers"] for key in answer} - {"label"}
    named = [re.compile(re.sub(r"<\w+>", r"\\w+", name)) for name in re.findall(r"`([\w<>]+)`", page)]
    assert sorted(name for name in wanted if not any(pattern.fullmatch(name) for pattern in named)) == []


def test_every_dependency_has_its_reason() -> None:
    """``dependencies.md`` has a row per dependency of the package and of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (DOCS / "reference" / "dependencies.md").read_text(encoding="utf-8")
    named = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[\[<>=~]", dependency)[0] for dependency in named} - {"anatrial"}
    assert sorted(name for name in names if name not in page) == []
