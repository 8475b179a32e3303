"""``anatrial compare``: designs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import PASSED, Bar, Json, each, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.domain.compared_designs import ComparedDesigns
    from anatrial.plan.compare_designs import Evaluated


def compare(
    scenarios: Annotated[list[str], typer.Argument(help="Two to eight scenario files, or names of shipped ones.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw what decides between them (.png, .svg or .pdf).")] = None,
    json: Json = False,
) -> None:
    """Put designs side by side: patients, power, type I error, assurance, and which is best in what."""
    from anatrial.plan.compare_designs import compare_designs, refuse_number
    from anatrial.report.canvas import picture_format

    refuse_number(scenarios)
    if plot is not None:
        picture_format(plot)
    done: list[Evaluated] = []
    code, errors = each(scenarios, lambda name: _evaluated(name, done))
    found = compare_designs(done) if len(done) > 1 else None
    if found is not None and plot is not None:
        _draw(plot, found)
    _show(found, errors, json=json)
    raise typer.Exit(code)


def _evaluated(name: str, done: list[Evaluated]) -> int:
    from anatrial.files import read_scenario
    from anatrial.plan.compare_designs import Evaluated
    from anatrial.plan.evaluate import evaluate

    used = read_scenario(name)
    with Bar(used.name) as bar:
        result = evaluate(used, bar)
    label = used.name if used.name not in [each.name for each in done] else name
    done.append(Evaluated(label, used, result))
    return PASSED


def _draw(plot: Path, found: ComparedDesigns) -> None:
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.compare_designs_picture import compared_picture

    write_bytes(plot, compared_picture(found, picture_format(plot)))
    remark(f"wrote {plot}")


def _show(found: ComparedDesigns | None, errors: list[dict[str, object]], *, json: bool) -> None:
    from anatrial.report.compare_designs_text import compared_content, compared_text

    if json:
        say_json({"comparison": None if found is None else compared_content(found), "errors": errors})
    elif found is not None:
        say(compared_text(found))
