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
    from anatrial.documents.trials import COUNTS
    from anatrial.domain.examples import ExampleTrials
    from anatrial.files import read_scenario, write_bytes
    from anatrial.plan.examples import examples as chosen
    from anatrial.report.canvas import picture_format
    from anatrial.report.examples_picture import examples_picture
    from anatrial.report.examples_text import examples_content, examples_text
    from anatrial.report.told_picture import refuse_without_times, told_picture
    from anatrial.report.told_text import told_content, told_text

    fmt = None if plot is None else picture_format(plot)
    used = read_scenario(scenario)
    arms, counts = used.scenario.arms, used.scenario.design.kind in COUNTS
    if plot is not None and not counts:
        refuse_without_times(used.name, used.scenario.design.kind)
    result = chosen(used)
    if plot is not None and fmt is not None:
        if isinstance(result, ExampleTrials):
            write_bytes(plot, examples_picture(result, arms, fmt))
        else:
            write_bytes(plot, told_picture(result, arms, fmt))
        remark(f"wrote {plot}")
    if isinstance(result, ExampleTrials):
        content, text = examples_content(result), examples_text(result, arms)
    else:
        content, text = told_content(result), told_text(result, arms)
    if json:
        say_json(content)
    else:
        say(text)
