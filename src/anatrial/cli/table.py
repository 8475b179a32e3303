"""``anatrial table``: read one observed result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import Json, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.plan.observed import Observed


def table(
    treatment: Annotated[str, typer.Argument(help="Responders/patients on treatment, such as 8/12.")],
    control: Annotated[str | None, typer.Argument(help="The same on control; without it, one arm is read.")] = None,
    *,
    level: Annotated[float, typer.Option(help="Confidence of the intervals.")] = 0.95,
    margin: Annotated[
        float | None, typer.Option(help="Two arms: test p_t - p_c > margin; -0.1 allows 10 % less.")
    ] = None,
    null: Annotated[float | None, typer.Option(help="One arm: the rate to test against.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Two arms: draw the intervals (.png, .svg or .pdf).")] = None,
    json: Json = False,
) -> None:
    """Read one observed result: p-values under every test, and every interval."""
    from anatrial.plan.observed import compared, read_count, single
    from anatrial.report.machine import plain
    from anatrial.report.table_text import table_text

    _check(two=control is not None, margin=margin, null=null, plot=plot)
    arm = read_count(treatment, "treatment")
    if control is None:
        found = single(arm, level=level, null=null)
    else:
        found = compared(arm, read_count(control, "control"), level=level, margin=margin)
    _draw(plot, found)
    if json:
        say_json({"format": "anatrial-table", "version": 1, **plain(found)})
    else:
        say(table_text(found))


def _check(*, two: bool, margin: float | None, null: float | None, plot: Path | None) -> None:
    """``InputError`` for options that do not fit the number of arms or the picture's format."""
    from anatrial.errors import Fault, InputError
    from anatrial.report.canvas import picture_format

    if two and null is not None:
        raise InputError(Fault("--null", f"{null:g} with two arms", "one arm", "leave out --null, or use --margin"))
    for option, value in (("--margin", margin), ("--plot", plot)):
        if not two and value is not None:
            got, fix = f"{value} with one arm", f"give both arms, such as 8/12 1/12 {option} {value}"
            raise InputError(Fault(option, got, "two arms", fix))
    if plot is not None:
        picture_format(plot)


def _draw(path: Path | None, found: Observed) -> None:
    """Write the picture where one was asked for."""
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.table_picture import table_picture

    if path is not None:
        write_bytes(path, table_picture(found, picture_format(path)))
        remark(f"wrote {path}")
