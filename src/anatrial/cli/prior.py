"""``anatrial prior``: list, show, derive and plot priors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import Bar, Json, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.plan.inspect import Inspection
    from anatrial.posterior_io import Draws

app = typer.Typer(help="Priors: list, show, compare, derive, plot.", no_args_is_help=True, rich_markup_mode=None)
Indication = Annotated[str, typer.Argument(help="An indication, such as sjia.")]
Prior = Annotated[str, typer.Argument(help="A prior of that indication.")]
Planned = Annotated[list[int] | None, typer.Option("--n", help="Patients planned; may be given several times.")]


class What(StrEnum):
    """What is drawn of a prior."""

    overview = "overview"
    forest = "forest"
    update = "update"
    heterogeneity = "heterogeneity"
    predictive = "predictive"
    without = "without"
    trace = "trace"
    rank = "rank"


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List every prior with its closed form, and say which are stale."""
    from anatrial.files.indications import listed, shelf
    from anatrial.report.prior_text import list_text

    place = shelf()
    rows = listed(place)
    if json:
        say_json([row._asdict() for row in rows])
    else:
        remark(f"priors: {place.said}")
        say(list_text(rows))


@app.command()
def show(indication: Indication, prior: Prior, *, n: Planned = None, json: Json = False) -> None:
    """Show a prior in full: closed form, strength, what each study contributed, leave-one-out, predictions."""
    from anatrial.files import read_indication
    from anatrial.files.indications import read_derived, shelf, state
    from anatrial.plan.inspect import inspect
    from anatrial.report.machine import plain
    from anatrial.report.prior_text import show_text

    place = shelf()
    found = read_indication(indication, place)
    now = state(place, found, prior)
    kept = read_derived(place, found, prior) if now == "up to date" else None
    inspection = inspect(found, prior, now, kept=kept, planned=tuple(n or ()))
    if json:
        say_json(plain(inspection))
    else:
        say(show_text(inspection))


@app.command()
def compare(
    indication: Indication,
    priors: Annotated[list[str], typer.Argument(help="Priors of that indication; one is set beside other methods.")],
    *,
    n: Annotated[int, typer.Option("--n", help="Patients planned.")] = 20,
    out: Annotated[Path | None, typer.Option(help="Picture: .png, .svg or .pdf.")] = None,
    json: Json = False,
) -> None:
    """Compare priors with each other, with the usual methods on the same outcomes, and without each study."""
    from anatrial.files import read_indication, write_bytes
    from anatrial.files.indications import shelf
    from anatrial.plan.compare import compare as compared
    from anatrial.report.canvas import picture_format
    from anatrial.report.machine import plain
    from anatrial.report.prior_compare_text import compare_text
    from anatrial.report.prior_pictures import compare_picture

    fmt = picture_format(out) if out is not None else ""
    found = compared(read_indication(indication, shelf()), tuple(priors), n)
    if out is not None:
        write_bytes(out, compare_picture(found, fmt))
        remark(f"wrote {out}")
    if json:
        say_json({"format": "anatrial-prior-compare", "version": 1, **plain(found)})
    else:
        say(compare_text(found))


@app.command()
def derive(
    indication: Indication,
    prior: Annotated[str | None, typer.Argument(help="A prior; without it all of them.")] = None,
    *,
    json: Json = False,
) -> None:
    """Derive priors from their recipes and keep them as JSON with their digests; draws beside it, where sampled."""
    from anatrial.files import read_indication, write_derivation
    from anatrial.files.indications import shelf, writable
    from anatrial.plan.derive import derive as derived

    place = shelf()
    writable(place)
    found = read_indication(indication, place)
    made, lines = [], []
    for name in [prior] if prior else found.priors:
        with Bar(f"{indication}/{name}") as bar:
            each = derived(found, name, bar)
        path = write_derivation(place, each)
        made.append(each.derived)
        lines.append(f"{each.derived.name}: {each.value().mixture.said()}  ({path})")
    if json:
        say_json([each.model_dump(mode="json") for each in made])
    else:
        say("\n".join(lines))


@app.command()
def plot(
    indication: Indication,
    prior: Prior,
    out: Annotated[Path, typer.Argument(help="Picture: .png, .svg or .pdf.")],
    *,
    what: Annotated[What, typer.Option(help="What to draw.")] = What.overview,
    result: Annotated[str | None, typer.Option(help="For update: responders/patients, such as 6/24.")] = None,
    n: Annotated[int | None, typer.Option("--n", help="For overview and predictive: patients planned.")] = None,
    json: Json = False,
) -> None:
    """Draw a prior: its density and studies, shrinkage, an update, predictions, leave-one-out, or its chains."""
    from anatrial.files import read_indication, write_bytes
    from anatrial.files.indications import read_draws, shelf, state
    from anatrial.plan.inspect import inspect
    from anatrial.report.canvas import picture_format

    fmt, seen, place = picture_format(out), _checked(what, result, n), shelf()
    found = read_indication(indication, place)
    planned = () if n is None else (n,)
    inspection = inspect(found, prior, state(place, found, prior), planned=planned, leave_out=what is What.without)
    if what in (What.trace, What.rank):
        content = _chains(what, inspection, read_draws(place, found, prior), fmt)
    else:
        content = _drawn(what, inspection, seen, fmt)
    write_bytes(out, content)
    remark(f"wrote {out}")
    if json:
        say_json({"written": str(out)})


def _checked(what: What, result: str | None, n: int | None) -> tuple[int, int] | None:
    """The result to update with; ``InputError`` for options that do not fit what is drawn."""
    from anatrial.errors import Fault, InputError

    sized = (What.overview, What.predictive)
    if n is not None and what not in sized:
        raise InputError(
            Fault("--n", f"{n} with --what {what.value}", "--what overview or predictive", "leave out --n")
        )
    if what is not What.update:
        if result is not None:
            got = f"{result} with --what {what.value}"
            raise InputError(Fault("--result", got, "--what update", f"--what update --result {result}"))
        return None
    x, slash, patients = (result or "").partition("/")
    if not (slash and x.isdecimal() and patients.isdecimal() and int(x) <= int(patients)):
        got = "nothing" if result is None else repr(result)
        raise InputError(Fault("--result", got, "responders/patients", "--what update --result 6/24"))
    return int(x), int(patients)


def _drawn(what: What, found: Inspection, seen: tuple[int, int] | None, fmt: str) -> bytes:
    """The picture that was asked for, of those that need no chains."""
    from anatrial.plan.planned import update
    from anatrial.report import prior_pictures
    from anatrial.report.pictures import prior_picture

    if seen is not None:
        return prior_pictures.update_picture(found, update(found.prior, *seen), fmt)
    pictures = {
        What.overview: prior_picture,
        What.forest: prior_pictures.forest_picture,
        What.heterogeneity: prior_pictures.heterogeneity_picture,
        What.predictive: prior_pictures.predictive_picture,
        What.without: prior_pictures.without_picture,
    }
    return pictures[what](found, fmt)


def _chains(what: What, found: Inspection, draws: Draws, fmt: str) -> bytes:
    """The chains of a sampled posterior, as traces or as ranks."""
    from anatrial.plan.chains import chain_view
    from anatrial.report.prior_pictures import rank_picture, trace_picture

    assert found.synthesis is not None  # only recipes that integrate are sampled
    picture = trace_picture if what is What.trace else rank_picture
    return picture(found, chain_view(draws, found.synthesis), fmt)
