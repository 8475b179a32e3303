"""Runs what the documentation says: ``python docs/refresh.py`` writes generated pages and renews shown outputs.

A page is a list of fenced blocks. ``sh`` blocks are run, ``python`` blocks are executed, ``toml`` blocks that are whole
files are parsed, and a block with ``title="path"`` is first written to that path; all in a copy of ``priors`` and
``scenarios``, from the top of a page to its end. A block written to ``src`` goes into a copy of the package, and a rule
is added to the union of rules there. ``text`` blocks are shown only. A ``text`` block after the comment
``<!-- output: paragraphs 1 2 -1 -->`` shows these paragraphs of what the ``sh`` block before it printed, and one after
``<!-- output: all -->`` all of it.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n+)?^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


LONGEST = 600
"""Seconds after which a block hangs."""


class Block(NamedTuple):
    """A fenced block: the comment before it, its language, the path it is written to, its text and its place."""

    mark: str
    language: str
    title: str
    body: str
    span: tuple[int, int]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for found in FENCE.finditer(text):
        yield Block(found["mark"] or "", found["language"], found["title"] or "", found["body"], found.span("body"))


def pages() -> list[Path]:
    """Every page whose blocks are run."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def workplace(folder: Path) -> dict[str, str]:
    """A copy of priors and scenarios in ``folder``; the environment in which ``anatrial`` is this program."""
    for name in ("priors", "scenarios", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    commands = folder / ".bin"
    commands.mkdir()
    for name, arguments in (("anatrial", " -m anatrial"), ("python", "")):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    extra = {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg", "COLUMNS": "100"}
    return {**os.environ, **extra, "PYTHONPATH": str(folder / "src")}


def run(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Every block of a page, run in ``folder``, with what it printed; ``RuntimeError`` where one fails."""
    surroundings = workplace(folder)
    for block in blocks(page):
        if block.title:
            (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.title).write_text(block.body, encoding="utf-8")
            if block.title.startswith("src/anatrial/rules/"):
                add_rule(folder / block.title, block.body)
        command: list[str] = []
        if block.language == "sh" and not block.mark.startswith("command:"):
            command = ["sh", "-e", "-c", block.body]
        elif block.language == "python" and not block.title:
            command = [sys.executable, "-c", block.body]
        elif block.language == "toml" and block.body.startswith("version = 1"):
            command = [sys.executable, "-c", CHECK, block.body]
        printed = ""
        if command:
            done = subprocess.run(
                command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False, timeout=LONGEST
            )
            if done.returncode:
                raise RuntimeError(f"{block.body}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}")
            printed = done.stdout
        yield block, printed


def add_rule(path: Path, code: str) -> None:
    """Add the rule of a new file to the union beside it: one import and one name."""
    name = next(found for found in re.findall(r"^class (\w+)\(", code, re.MULTILINE))
    union = path.parent / "__init__.py"
    text = union.read_text(encoding="utf-8")
    text = text.replace("\nAnyRule =", f"\nfrom anatrial.rules.{path.stem} import {name}\n\nAnyRule =")
    union.write_text(re.sub(r"(AnyRule = Annotated\[)", rf"\1{name} | ", text), encoding="utf-8")


CHECK = """
import sys, tomllib
from anatrial.documents.indication import parse_indication
from anatrial.documents.sweeps import SweepFile
from anatrial.documents.trials import parse_any
from anatrial.spec import parse_toml
text = sys.argv[1]
keys = tomllib.loads(text)
if "scenarios" in keys:
    parse_toml(text, SweepFile, "the block")
else:
    (parse_any if "design" in keys else parse_indication)(text, "the block")
"""


def chosen(printed: str, mark: str) -> str:
    """The paragraphs that an output mark asks for, with ``...`` where some are left out."""
    parts = printed.strip("\n").split("\n\n")
    numbers = [int(n) for n in mark.removeprefix("output: paragraphs ").split()] if "paragraphs" in mark else []
    wanted = sorted(n - 1 if n > 0 else len(parts) + n for n in numbers) or list(range(len(parts)))
    shown: list[str] = []
    for before, number in zip([-1, *wanted], wanted, strict=False):
        shown += (["..."] if number > before + 1 else []) + [parts[number]]
    return "\n\n".join(shown) + "\n"


def renewed(text: str, folder: Path) -> str:
    """A page with every output block as the program prints it now."""
    printed, changes = "", []
    for block, output in run(text, folder):
        if block.mark.startswith("output:"):
            changes.append((block.span, chosen(printed, block.mark)))
        printed = output or printed
    for (start, end), body in reversed(changes):
        text = text[:start] + body + text[end:]
    return text


def main() -> None:
    """Write the generated pages, then renew the outputs of all pages."""
    runpy.run_path(str(ROOT / "docs" / "reference" / "generate.py"), run_name="__main__")
    for page in pages():
        with tempfile.TemporaryDirectory() as folder:
            text = page.read_text(encoding="utf-8")
            page.write_text(renewed(text, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
