"""``anatrial check``: the gate for plans that are kept under version control."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import Bar, Json, remark, say, say_json
from anatrial.cli.store import opened

if TYPE_CHECKING:
    from anatrial.domain.checked import Baseline, Checked
    from anatrial.plan.ports import CellStore


def check(
    paths: Annotated[list[str] | None, typer.Argument(help="Scenario files, folders or names; none: all.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Derive no prior again; targets are judged the same.")] = False,
    baseline: Annotated[Path | None, typer.Option(help="Tell changed inputs from changed results.")] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Accept what came out, and write it to --baseline.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML: a test case per target.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a summary for a pull request.")] = None,
    github: Annotated[bool, typer.Option("--github", help="Put GitHub annotations on stderr.")] = False,
    store: Annotated[Path | None, typer.Option(help="Keep what is computed there, and take it from there.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; they never change a number.")] = 1,
    json: Json = False,
) -> None:
    """Tell of every scenario, prior and evidence file whether it holds, and what moved against a baseline."""
    before = _before(baseline, update=update_baseline)
    checked = _checked(paths or [], before, (store, workers), quick=quick, accepted=update_baseline)
    if baseline is not None and update_baseline:
        checked = _updated(baseline, before or {}, checked)
    checked = _written(checked, junit, markdown)
    _say(checked, github=github, json=json)
    raise typer.Exit(checked.exit_code)


def _before(path: Path | None, *, update: bool) -> Baseline | None:
    """The baseline to compare with, if one is named; an update may make the first one."""
    from anatrial.errors import Fault, InputError
    from anatrial.files.baselines import read_baseline

    if update and path is None:
        raise InputError(Fault("--update-baseline", "no --baseline", "the file to write", "--baseline FILE"))
    return None if path is None else {} if update and not path.exists() else read_baseline(path)


def _checked(
    paths: list[str], before: Baseline | None, how: tuple[Path | None, int], *, quick: bool, accepted: bool
) -> Checked:
    from anatrial.engine.workers import Workers
    from anatrial.files.checks import gather
    from anatrial.files.engine import engine_version
    from anatrial.plan.asking import Asker
    from anatrial.plan.check import against, once
    from anatrial.plan.check import check as checked_

    asked, (store, workers) = gather(paths, quick=quick), how
    asked = asked if before is None else once(asked)
    with _cells(store) as cells, Bar("check") as bar:
        found = checked_(asked, Asker(cells, engine_version(), Workers(workers)), bar)
    return found if before is None else against(found, before, whole=asked.whole, accepted=accepted)


@contextmanager
def _cells(path: Path | None) -> Iterator[CellStore]:
    """Where cells are kept: in a file, else in memory."""
    from anatrial.plan.asking import MemoryStore

    if path is None:
        yield MemoryStore()
        return
    from anatrial.files.engine import engine_version

    with opened(path, engine=engine_version(), make=True) as store:
        yield store


def _updated(path: Path, before: Baseline, checked: Checked) -> Checked:
    from anatrial.files.baselines import write_baseline
    from anatrial.plan.baseline import updated

    return _kept(checked, path, "the baseline", lambda: write_baseline(path, updated(before, checked)))


def _written(checked: Checked, junit: Path | None, markdown: Path | None) -> Checked:
    """With the reports on disk that are asked for."""
    from anatrial.files import write_bytes
    from anatrial.report.check_markdown import check_markdown
    from anatrial.report.junit import junit_bytes

    if junit is not None:
        checked = _kept(checked, junit, "JUnit XML", lambda: write_bytes(junit, junit_bytes(checked)))
    if markdown is not None:
        text = check_markdown(checked).encode()
        checked = _kept(checked, markdown, "the summary", lambda: write_bytes(markdown, text))
    return checked


def _kept(checked: Checked, path: Path, what: str, write: Callable[[], None]) -> Checked:
    """What was found is told even where a file of it cannot be written: that is one more error."""
    from anatrial.domain.checked import Item
    from anatrial.errors import InputError
    from anatrial.plan.check import why

    try:
        write()
    except InputError as error:
        item = Item("file", what, *why(error), file=str(path))
        return replace(checked, unwritten=(*checked.unwritten, item))
    remark(f"wrote {path}")
    return checked


def _say(checked: Checked, *, github: bool, json: bool) -> None:
    """The result on stdout; annotations on stderr, which the host reads too, so that JSON stays JSON."""
    from anatrial.report.annotations import commands
    from anatrial.report.check_text import check_content, check_text

    if json:
        say_json(check_content(checked))
    else:
        say(check_text(checked))
    if github:
        sys.stdout.flush()
        for line in commands(checked):
            remark(line)
