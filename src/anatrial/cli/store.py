"""``anatrial store``: what is kept of sweeps, and whether it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import FAILED, PASSED, Json, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.store import Store

app = typer.Typer(help="The store of computed cells: info, verify, prune, export.", no_args_is_help=True)
Place = Annotated[Path | None, typer.Argument(help="The store (default: .anatrial/cells.sqlite).")]


@contextmanager
def opened(path: Path | None, *, engine: str | None = None, make: bool) -> Iterator[Store]:
    """The store at a place, else at the usual one, made there if it may be; what it tells are remarks in the end."""
    from anatrial.store import DEFAULT, open_store

    with open_store(path or DEFAULT, engine=engine, make=make) as store:
        try:
            yield store
        finally:
            for said in store.remarks:
                remark(said)


@app.command()
def info(store: Place = None, *, json: Json = False) -> None:
    """Say what a store holds: cells by scenario and version of the program, and its size on disk."""
    from anatrial.report.store_text import contents_content, contents_text

    with opened(store, make=False) as kept:
        found = kept.contents()
    if json:
        say_json(contents_content(found))
    else:
        say(contents_text(found))


@app.command()
def verify(
    store: Place = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Put a new store of all sound cells in its place.")
    ] = False,
    json: Json = False,
) -> None:
    """Check every row against its checksum, and the file itself; exit 1 where something is damaged."""
    from anatrial.report.store_text import check_content, check_text, rebuilt_content, rebuilt_text
    from anatrial.store import DEFAULT, checked, rebuilt

    place = store or DEFAULT
    if rebuild:
        mended = rebuilt(place)
        content, text = rebuilt_content(str(place), mended), rebuilt_text(str(place), mended)
    else:
        found = checked(place)
        content, text = check_content(found), check_text(found)
    if json:
        say_json(content)
    else:
        say(text)
    raise typer.Exit(PASSED if rebuild or found.sound else FAILED)


@app.command()
def prune(
    store: Place = None,
    *,
    scenario: Annotated[str | None, typer.Option(help="Also remove every cell of this scenario.")] = None,
    json: Json = False,
) -> None:
    """Remove cells of other versions of the program, which this one never asks for, and give their room back."""
    from anatrial.files.engine import engine_version
    from anatrial.report.store_text import pruned_content, pruned_text

    with opened(store, make=False) as kept:
        found = kept.prune(engine_version(), scenario)
    if json:
        say_json(pruned_content(found))
    else:
        say(pruned_text(found))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The table to write (.parquet or .csv).")],
    store: Place = None,
    *,
    json: Json = False,
) -> None:
    """Write every cell as a long table: one row per cell, truth and metric."""
    from anatrial.files.long_rows import long_rows
    from anatrial.report.store_rows import STORE_COLUMNS, refuse_ending, store_batches
    from anatrial.report.store_text import export_content

    refuse_ending(file)
    with opened(store, make=False) as kept, long_rows([file], STORE_COLUMNS) as table:
        for batch in store_batches(kept.batches()):
            table.write(batch)
    if json:
        say_json(export_content(str(file), table.rows))
    else:
        remark(f"wrote {table.rows:,} rows to {file}")
