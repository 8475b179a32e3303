"""``anatrial tests``: every test side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anatrial.cli.shared import Bar, Json, remark, say, say_json


def compare(
    scenario: Annotated[str, typer.Argument(help="A scenario file with two arms, or the name of a shipped one.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw boundaries and type I error (.png, .svg or .pdf).")] = None,
    json: Json = False,
) -> None:
    """Compare every test for the trial of a scenario: type I error, power, and where each rejects."""
    from anatrial.documents.scenario import counts_trial
    from anatrial.files import read_scenario, write_bytes
    from anatrial.plan.compare_tests import compare_tests
    from anatrial.report.tests_text import comparison_content, comparison_text

    used = counts_trial(read_scenario(scenario), "tests")
    with Bar("tests") as bar:
        found = compare_tests(used, bar)
    if plot is not None:
        from anatrial.report.canvas import picture_format
        from anatrial.report.tests_picture import comparison_picture

        write_bytes(plot, comparison_picture(found, used, picture_format(plot)))
        remark(f"wrote {plot}")
    if json:
        say_json(comparison_content(found))
    else:
        say(comparison_text(found, used))
