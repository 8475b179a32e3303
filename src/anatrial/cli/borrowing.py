"""``anatrial borrowing``: what history in the control arm buys and costs along the true control rate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anatrial.cli.shared import Json, remark, say, say_json


def borrowing(
    scenario: Annotated[str, typer.Argument(help="A scenario file whose control arm borrows, or a shipped one.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw the whole price on one page (.png, .svg or .pdf).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and results.csv.")] = None,
    json: Json = False,
) -> None:
    """Tell what borrowed history buys and costs: borrowing, none and pooled at every true control rate."""
    from anatrial.documents.scenario import counts_trial
    from anatrial.files import read_scenario, write_bytes
    from anatrial.plan.price import price
    from anatrial.report.canvas import picture_format
    from anatrial.report.machine import csv_bytes, json_bytes
    from anatrial.report.price_picture import price_picture
    from anatrial.report.price_text import COLUMNS, price_content, price_rows, price_text

    fmt = None if plot is None else picture_format(plot)
    used = counts_trial(read_scenario(scenario), "borrowing")
    found = price(used)
    if plot is not None and fmt is not None:
        write_bytes(plot, price_picture(found, used, fmt))
        remark(f"wrote {plot}")
    if out is not None:
        write_bytes(out / "results.json", json_bytes(price_content(found)))
        write_bytes(out / "results.csv", csv_bytes(COLUMNS, price_rows(found)))
        remark(f"wrote {out / 'results.json'} and {out / 'results.csv'}")
    if json:
        say_json(price_content(found))
    else:
        say(price_text(found, used))
