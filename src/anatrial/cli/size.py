"""``anatrial size``: search sample sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anatrial.cli.shared import FAILED, INCONCLUSIVE, PASSED, Bar, Json, remark, say, say_json


def size(
    scenario: Annotated[str, typer.Argument(help="A scenario file with a [size] range, or the name of a shipped one.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw every target along n (.png, .svg or .pdf).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and results.csv.")] = None,
    json: Json = False,
) -> None:
    """Find the sample sizes at which the targets hold, and hold for good."""
    from anatrial.documents.scenario import counts_trial
    from anatrial.files import read_scenario, write_bytes
    from anatrial.plan.size import size as search
    from anatrial.plan.two_stage import searches_stages
    from anatrial.report.machine import SIZE_COLUMNS, csv_bytes, json_bytes, size_content, size_rows
    from anatrial.report.size_text import size_text

    used = counts_trial(read_scenario(scenario), "size")
    if searches_stages(used):
        from anatrial.cli.two_stage import two_stage_size

        raise typer.Exit(two_stage_size(used, plot=plot, out=out, json=json))
    with Bar("sizes") as bar:
        result = search(used, bar)
    if plot is not None:
        from anatrial.report.canvas import picture_format
        from anatrial.report.pictures import size_picture

        write_bytes(plot, size_picture(result, used, picture_format(plot)))
        remark(f"wrote {plot}")
    if out is not None:
        write_bytes(out / "results.csv", csv_bytes(SIZE_COLUMNS, size_rows(result)))
        write_bytes(out / "results.json", json_bytes(size_content(result)))
        remark(f"wrote {out / 'results.json'} and {out / 'results.csv'}")
    if json:
        say_json(size_content(result))
    else:
        say(size_text(result, used))
    if result.answers[0].safe_n is not None:
        raise typer.Exit(PASSED)
    unsure = any("INCONCLUSIVE" in point.outcomes for point in result.points)
    raise typer.Exit(INCONCLUSIVE if unsure else FAILED)
