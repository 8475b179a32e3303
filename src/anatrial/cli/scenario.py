"""``anatrial scenario``, ``anatrial init`` and ``anatrial schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from anatrial.cli.shared import Json, remark, say, say_json

app = typer.Typer(help="List and show scenarios.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List the scenarios of the nearest scenarios folder and those shipped."""
    from anatrial.files.scenarios import titles

    found = {name: spec.title for name, spec in titles().items()}
    if json:
        say_json([{"name": name, "title": title} for name, title in found.items()])
    else:
        say(_listed(found))


def _listed(found: dict[str, str]) -> str:
    width = max(map(len, found), default=0)
    return "\n".join(f"{name.ljust(width)}  {title}" for name, title in found.items())


@app.command()
def show(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")],
    *,
    json: Json = False,
) -> None:
    """Show a scenario as it was read, with defaults filled in and priors written out."""
    from anatrial.files import read_scenario

    used = read_scenario(scenario)
    if json:
        say_json(
            {"name": used.name, "digest": used.digest, "scenario": used.resolved.model_dump(mode="json", by_alias=True)}
        )
    else:
        from anatrial.report.scenario_text import scenario_text

        say(scenario_text(used))


def init(
    indication: Annotated[str, typer.Argument(help="An indication, such as sjia.")],
    design: Annotated[Literal["two-arm", "single-arm"], typer.Argument(help="Kind of trial.")] = "two-arm",
    *,
    out: Annotated[Path | None, typer.Option(help="File to write; without it the starter is printed.")] = None,
    json: Json = False,
) -> None:
    """Write a commented starter scenario for an indication and a design."""
    from anatrial.files import read_indication, write_bytes
    from anatrial.files.indications import shelf
    from anatrial.files.scenarios import refuse_existing
    from anatrial.report.starter import starter

    text = starter(read_indication(indication, shelf()), single_arm=design == "single-arm")
    if out is not None:
        refuse_existing(out)
        write_bytes(out, text.encode())
        remark(f"wrote {out}; try: anatrial run {out}")
    if json:
        say_json({"written": str(out) if out else None, "text": text})
    elif out is None:
        say(text.rstrip("\n"))


def schema(
    kind: Annotated[
        str,
        typer.Argument(help="scenario, indication, sweep, or the design.kind of another trial, such as withdrawal."),
    ] = "scenario",
    *,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a file format, for editors."""
    del json  # it is JSON either way
    from anatrial.documents.trials import form

    model = form(kind)
    say_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)})
