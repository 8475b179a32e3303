"""``anatrial run``: evaluate scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anatrial.cli.shared import Bar, Json, each, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.documents.trial_scenario import ResolvedTrial
    from anatrial.domain.results import Evaluation
    from anatrial.domain.trial import TrialEvaluation


def run(
    scenarios: Annotated[list[str], typer.Argument(help="Scenario files, or names of shipped scenarios.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw power and type I error (.png, .svg or .pdf).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and results.csv.")] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Simulate the trial too; numbers that do not agree end with exit 4.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell what the trial of each scenario would do, and whether its targets hold."""
    results: list[Evaluation | TrialEvaluation] = []

    def one(name: str) -> int:
        from anatrial.errors import Fault, InputError
        from anatrial.files import read_scenario
        from anatrial.plan.evaluate import evaluate
        from anatrial.report.run_text import exit_code

        used = read_scenario(name)
        if (plot or out) and used.name in [result.scenario for result in results]:
            raise InputError(Fault(name, f"a second scenario called {used.name!r}", "names of their own for the files"))
        with Bar(used.name) as bar:
            result = evaluate(used, bar)
        if plot is not None:
            _draw(plot if len(scenarios) == 1 else plot.with_stem(f"{plot.stem}-{result.scenario}"), result, used)
        if not json:
            say(("" if not results else "\n" + "=" * 100 + "\n\n") + _told(result, used))
        results.append(result)
        if audit:
            _audit(used)
        return exit_code(result)

    code, errors = each(scenarios, one)
    if out is not None and results:
        _save(out, results)
    if json:
        from anatrial.report.machine import run_content

        content = [run_content(result) for result in results]
        say_json([*content, *errors][0] if len(scenarios) == 1 else {"results": content, "errors": errors})
    raise typer.Exit(code)


def _audit(used: ResolvedTrial[Any]) -> None:
    """Say how far simulated numbers are from the exact ones; ``ComputationError`` where they do not agree."""
    from anatrial.errors import ComputationError
    from anatrial.plan.simulate import simulate
    from anatrial.report.simulate_text import agreement

    with Bar(used.name) as bar:
        found = simulate(used, progress=bar)
    if not found.agrees:
        raise ComputationError(agreement(found))
    remark(f"{used.name}: {agreement(found)}")


def _told(result: Evaluation | TrialEvaluation, used: ResolvedTrial[Any]) -> str:
    from anatrial.documents.scenario import ResolvedScenario
    from anatrial.domain.results import Evaluation

    if isinstance(result, Evaluation) and isinstance(used, ResolvedScenario):
        from anatrial.report.run_text import run_text

        return run_text(result, used)
    from anatrial.report.trial_text import trial_text

    assert not isinstance(result, Evaluation)
    return trial_text(result, used)


def _save(out: Path, results: list[Evaluation | TrialEvaluation]) -> None:
    from anatrial.files import write_bytes
    from anatrial.report.machine import RUN_COLUMNS, csv_bytes, json_bytes, run_content, run_rows, table_csv

    content = [run_content(result) for result in results]
    write_bytes(out / "results.csv", csv_bytes(RUN_COLUMNS, [row for result in results for row in run_rows(result)]))
    write_bytes(out / "results.json", json_bytes(content[0] if len(content) == 1 else {"results": content}))
    said = [str(out / "results.json"), str(out / "results.csv")]
    for result in results:
        for table in result.tables:
            path = out / f"{result.scenario}-{table.name.replace('_', '-')}.csv"
            write_bytes(path, table_csv(table))
            said.append(str(path))
    remark(f"wrote {', '.join(said[:-1])} and {said[-1]}")


def _draw(path: Path, result: Evaluation | TrialEvaluation, used: ResolvedTrial[Any]) -> None:
    from anatrial.documents.scenario import ResolvedScenario
    from anatrial.domain.results import Evaluation
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.tables_picture import drawable, tables_picture

    fmt, drawn = picture_format(path), drawable(result.tables)
    if isinstance(result, Evaluation) and isinstance(used, ResolvedScenario):
        from anatrial.report.pictures import run_picture

        write_bytes(path, run_picture(result, used, fmt))
        remark(f"wrote {path}")
        path = path.with_stem(f"{path.stem}-sections")
    if drawn:
        write_bytes(path, tables_picture(result.title, drawn, fmt))
        remark(f"wrote {path}")
