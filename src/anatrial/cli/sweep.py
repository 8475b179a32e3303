"""``anatrial sweep``: the same trial with some of its fields changed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from anatrial.cli.shared import NUMERICAL, PASSED, Bar, Json, remark, say, say_json
from anatrial.cli.store import opened

if TYPE_CHECKING:
    from anatrial.domain.pareto import DesignSearch
    from anatrial.domain.sweeps import Swept, SweptCell
    from anatrial.domain.tipping import Tipping
    from anatrial.plan.asking import Asker
    from anatrial.plan.sweep import SweepPlan, SweepRun

CELLS = ("sweep.parquet", "sweep.csv")


class Answers(NamedTuple):
    """Everything that a file asks, answered."""

    swept: Swept
    computed: int
    tipped: tuple[Tipping, ...]
    searches: tuple[DesignSearch, ...]


def sweep(
    file: Annotated[str, typer.Argument(help="A scenario with [[axes]], or a file that names scenarios.")],
    *,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; they never change a number.")] = 1,
    dask: Annotated[
        str | None, typer.Option(help="Compute on the cluster of this Dask scheduler, such as tcp://host:8786.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Where finished cells are kept (default: .anatrial/cells.sqlite).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for every cell (.parquet, .csv) and sweep.json.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it (.png, .svg or .pdf).")] = None,
    json: Json = False,
) -> None:
    """Tell how the numbers of a trial move when its fields do; what is finished is kept, and never computed again."""
    from anatrial.engine.workers import Workers
    from anatrial.errors import Fault, InputError
    from anatrial.files.engine import engine_version
    from anatrial.files.sweeps import read_sweep
    from anatrial.plan.asking import Asker

    plan = read_sweep(file)
    _refuse(plan, plot)
    if dask is not None and workers > 1:
        raise InputError(Fault("--workers", f"{workers}, with --dask", "one of them: a cluster has its own workers"))
    gc.freeze()  # what is loaded by now stays: looking through it again and again would cost a fifth of a warm sweep
    with opened(store, engine=engine_version(), make=True) as kept:
        try:
            found = _answered(plan, Asker(kept, engine_version(), Workers(workers, dask)), out)
        except KeyboardInterrupt:
            remark(f"every finished cell is kept in {kept.path}: the same command goes on from there")
            raise
    _show(found, out, json=json)
    if plot is not None:
        _draw(plot, plan, found)
    raise typer.Exit(NUMERICAL if found.swept.failed or any(one.unanswered for one in found.tipped) else PASSED)


def _refuse(plan: SweepPlan, plot: Path | None) -> None:
    """``InputError`` before anything is computed."""
    from anatrial.plan.pareto import search_aims
    from anatrial.plan.sweep import refuse
    from anatrial.plan.tipping import refuse_points
    from anatrial.report.canvas import picture_format
    from anatrial.report.sweep_picture import refuse_picture
    from anatrial.report.tipping_picture import refuse_panels

    refuse(plan)
    refuse_points(plan)
    search_aims(plan)
    if plot is not None:
        picture_format(plot)
        refuse_panels(len(plan.tipping_points) * sum(len(one.targets) for one in plan.scenarios))
        if not plan.tipping_points and plan.pareto is None:
            refuse_picture(len(plan.axes), plan.sweep.layout)


def _answered(plan: SweepPlan, asker: Asker, out: Path | None) -> Answers:
    from anatrial.plan.pareto import design_searches
    from anatrial.plan.sweep import answered
    from anatrial.plan.tipping import tipping

    with Bar(plan.name) as bar:
        run = answered(plan, asker, bar)
    with Bar(f"{plan.name}: tipping points") as bar:
        tipped = tipping(plan, asker, bar)
    return Answers(_gathered(run, out), run.completed.computed, tipped, design_searches(run))


def _gathered(run: SweepRun, out: Path | None) -> Swept:
    """What text and pictures need of all cells; each is written on its way, if it is wanted."""
    from anatrial.domain.sweeps import Swept
    from anatrial.plan.swept import frame, gathered

    found = Swept(frame(run.plan))
    cells = gathered(run, found)
    if out is not None:
        _write(cells, found, [out / name for name in CELLS])
    for _ in cells:  # taken in as they pass
        pass
    return found


def _write(cells: Iterator[SweptCell], found: Swept, paths: list[Path]) -> None:
    from anatrial.files.long_rows import long_rows
    from anatrial.report.sweep_rows import sweep_batches, sweep_columns

    axes = found.frame.axes
    with long_rows(paths, sweep_columns(axes)) as table:
        for batch in sweep_batches(axes, cells):
            table.write(batch)
    remark(f"wrote {table.rows:,} rows to {' and '.join(map(str, paths))}")


def _show(found: Answers, out: Path | None, *, json: bool) -> None:
    from anatrial.files import write_bytes
    from anatrial.report.machine import json_bytes

    content = _content(found, CELLS[0] if out is not None else None)
    if out is not None:
        write_bytes(out / "sweep.json", json_bytes(content))
        remark(f"wrote {out / 'sweep.json'}")
    if json:
        say_json(content)
    else:
        say(_text(found))


def _content(found: Answers, rows: str | None) -> dict[str, Any]:
    from anatrial.report.pareto_text import search_content
    from anatrial.report.sweep_json import sweep_content
    from anatrial.report.tipping_text import tipping_content

    searches = [search_content(one) for one in found.searches]
    tipped = tipping_content(found.tipped)
    return {**sweep_content(found.swept, found.computed, rows), "tipping_points": tipped, "design_search": searches}


def _text(found: Answers) -> str:
    from anatrial.report.pareto_text import search_text
    from anatrial.report.sweep_text import sweep_text
    from anatrial.report.tipping_text import tipping_text

    parts = [sweep_text(found.swept, found.computed)] if found.swept.frame.axes else []
    parts += [search_text(one) for one in found.searches]
    parts += [tipping_text(found.tipped)] if found.tipped else []
    return "\n\n".join(parts)


def _draw(path: Path, plan: SweepPlan, found: Answers) -> None:
    """The cells, then the designs and the tipping points; the first in ``path``, the others beside it."""
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.pareto_picture import search_picture
    from anatrial.report.sweep_picture import sweep_picture
    from anatrial.report.tipping_picture import tipping_picture

    fmt, drawn = picture_format(path), []
    if plan.sweep.layout == "grid" and len(plan.axes) > 2:
        remark("not drawn: the cells, whose grid has more axes than a picture")
    elif plan.axes:
        picture = sweep_picture(found.swept, fmt)
        drawn.append(("cells", picture.content))
        for said in picture.remarks:
            remark(said)
    alone = len(found.searches) == 1
    names = ["designs" if alone else f"designs-{one.scenario}" for one in found.searches]
    drawn += [(name, search_picture(one, fmt)) for name, one in zip(names, found.searches, strict=True)]
    if found.tipped:
        drawn.append(("tipping", tipping_picture(plan.title, found.tipped, fmt)))
    for index, (name, content) in enumerate(drawn):
        place = path if index == 0 else path.with_stem(f"{path.stem}-{name}")
        write_bytes(place, content)
        remark(f"wrote {place}")
