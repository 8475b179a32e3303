"""What ``anatrial size`` does for a single arm with two looks whose counts are written out: Simon's search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anatrial.cli.shared import FAILED, PASSED, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.documents.scenario import ResolvedScenario


def two_stage_size(used: ResolvedScenario, *, plot: Path | None, out: Path | None, json: bool) -> int:
    """Search, show and write the designs; the exit code."""
    from anatrial.errors import Fault, InputError
    from anatrial.files import write_bytes
    from anatrial.plan.two_stage import two_stage
    from anatrial.report.machine import csv_bytes, json_bytes
    from anatrial.report.two_stage_text import COLUMNS, two_stage_content, two_stage_rows, two_stage_text

    if plot is not None:
        expected = "no picture: the search for two stages gives a few designs, not a curve along n"
        raise InputError(Fault("--plot", str(plot), expected, "leave it out, or run the design with --plot"))
    result = two_stage(used)
    if out is not None:
        write_bytes(out / "results.csv", csv_bytes(COLUMNS, two_stage_rows(result)))
        write_bytes(out / "results.json", json_bytes(two_stage_content(result)))
        remark(f"wrote {out / 'results.json'} and {out / 'results.csv'}")
    if json:
        say_json(two_stage_content(result))
    else:
        say(two_stage_text(result))
    held = bool(result.verdicts) and all(verdict.outcome == "PASS" for verdict in result.verdicts)
    return PASSED if held else FAILED
