"""``anatrial run``: evaluate scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import Json, each, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.documents.scenario import ResolvedScenario
    from anatrial.domain.results import Evaluation


def run(
    scenarios: Annotated[list[str], typer.Argument(help="Scenario files, or names of shipped scenarios.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw power and type I error (.png, .svg or .pdf).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and results.csv.")] = None,
    json: Json = False,
) -> None:
    """Tell what the trial of each scenario would do, and whether its targets hold."""
    results: list[Evaluation] = []

    def one(name: str) -> int:
        from anatrial.files import read_scenario
        from anatrial.plan.evaluate import evaluate
        from anatrial.report.run_text import exit_code, run_text

        used = read_scenario(name)
        result = evaluate(used)
        if plot is not None:
            _draw(plot if len(scenarios) == 1 else plot.with_stem(f"{plot.stem}-{result.scenario}"), result, used)
        if not json:
            say(("" if not results else "\n" + "=" * 100 + "\n\n") + run_text(result, used))
        results.append(result)
        return exit_code(result)

    code, errors = each(scenarios, one)
    if out is not None and results:
        _save(out, results)
    if json:
        from anatrial.report.machine import run_content

        content = [run_content(result) for result in results]
        say_json([*content, *errors][0] if len(scenarios) == 1 else {"results": content, "errors": errors})
    raise typer.Exit(code)


def _save(out: Path, results: list[Evaluation]) -> None:
    from anatrial.files import write_bytes
    from anatrial.report.machine import RUN_COLUMNS, csv_bytes, json_bytes, run_content, run_rows

    content = [run_content(result) for result in results]
    write_bytes(out / "results.csv", csv_bytes(RUN_COLUMNS, [row for result in results for row in run_rows(result)]))
    write_bytes(out / "results.json", json_bytes(content[0] if len(content) == 1 else {"results": content}))
    remark(f"wrote {out / 'results.json'} and {out / 'results.csv'}")


def _draw(path: Path, result: Evaluation, used: ResolvedScenario) -> None:
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.pictures import run_picture

    write_bytes(path, run_picture(result, used, picture_format(path)))
    remark(f"wrote {path}")
