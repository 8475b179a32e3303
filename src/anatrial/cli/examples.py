"""``anatrial examples``: a few virtual trials, told one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anatrial.cli.shared import Json, remark, say, say_json


def examples(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw the trials, patient by patient (.png, .svg or .pdf).")] = None,
    json: Json = False,
) -> None:
    """Tell a few virtual trials: data, posterior and decision at each look, a failure and a conflict among them."""
    from anatrial.documents.scenario import counts_trial
    from anatrial.files import read_scenario, write_bytes
    from anatrial.plan.examples import examples as chosen
    from anatrial.report.canvas import picture_format
    from anatrial.report.examples_picture import examples_picture
    from anatrial.report.examples_text import examples_content, examples_text

    fmt = None if plot is None else picture_format(plot)
    used = counts_trial(read_scenario(scenario), "examples")
    result = chosen(used)
    if plot is not None and fmt is not None:
        write_bytes(plot, examples_picture(result, used.scenario.arms, fmt))
        remark(f"wrote {plot}")
    if json:
        say_json(examples_content(result))
    else:
        say(examples_text(result, used.scenario.arms))
