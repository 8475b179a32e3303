"""The command line: words in, words out. No arithmetic here, and nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from anatrial import __version__
from anatrial.cli import (
    borrowing,
    calibrate,
    check,
    compare,
    evidence,
    examples,
    prior,
    run,
    scenario,
    simulate,
    size,
    store,
    sweep,
    table,
    tests,
)
from anatrial.cli.shared import guarded

app = typer.Typer(
    name="anatrial",
    help="Plan new anakinra trials from published response rates: power, type I error, sample size, assurance.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: loading rich would double the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="run")(run.run)
app.command(name="check")(check.check)
app.command(name="sweep")(sweep.sweep)
app.command(name="compare")(compare.compare)
app.command(name="borrowing")(borrowing.borrowing)
app.command(name="simulate")(simulate.simulate)
app.command(name="examples")(examples.examples)
app.command(name="size")(size.size)
app.command(name="calibrate")(calibrate.calibrate)
app.command(name="tests")(tests.compare)
app.command(name="table", context_settings={"ignore_unknown_options": True})(table.table)
app.command(name="init")(scenario.init)
app.command(name="schema")(scenario.schema)
app.add_typer(store.app, name="store")
app.add_typer(scenario.app, name="scenario")
app.add_typer(prior.app, name="prior")
app.add_typer(evidence.app, name="evidence")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"anatrial {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=lambda v: _version(wanted=v))
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Run the program; the exit code tells what happened (0, 1, 2, 3, 4, 5 or 130)."""
    guarded(app)
