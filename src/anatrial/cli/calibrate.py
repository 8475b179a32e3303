"""``anatrial calibrate``: the least strict certainty or alpha that keeps a promised type I error."""

from __future__ import annotations

from typing import Annotated

import typer

from anatrial.cli.shared import FAILED, PASSED, Bar, Json, say, say_json


def calibrate(
    scenario: Annotated[str, typer.Argument(help="A scenario file with a type I error target, or a shipped one.")],
    *,
    json: Json = False,
) -> None:
    """Find the certainty, alpha or factor on all alphas at which the promised type I error just holds."""
    from anatrial.documents.scenario import counts_trial
    from anatrial.files import read_scenario
    from anatrial.plan.calibrate import calibrate as search
    from anatrial.report.calibrate_text import calibrate_content, calibrate_text

    used = counts_trial(read_scenario(scenario), "calibrate")
    with Bar("calibrate") as bar:
        result = search(used, bar)
    if json:
        say_json(calibrate_content(result))
    else:
        say(calibrate_text(result, used))
    raise typer.Exit(PASSED if result.found is not None else FAILED)
