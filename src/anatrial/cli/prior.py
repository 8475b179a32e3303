"""``anatrial prior``: list, show, derive and plot priors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anatrial.cli.shared import Json, remark, say, say_json

app = typer.Typer(help="Priors: list, show, derive, plot.", no_args_is_help=True, rich_markup_mode=None)
Indication = Annotated[str, typer.Argument(help="An indication, such as sjia.")]
Prior = Annotated[str, typer.Argument(help="A prior of that indication.")]


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
def show(indication: Indication, prior: Prior, *, json: Json = False) -> None:
    """Show a prior in full: closed form, quantiles, what each study contributed, leave-one-out, predictions."""
    from anatrial.files import read_indication
    from anatrial.files.indications import shelf, state
    from anatrial.plan.inspect import inspect
    from anatrial.report.machine import plain
    from anatrial.report.prior_text import show_text

    place = shelf()
    found = read_indication(indication, place)
    inspection = inspect(found, prior, state(place, found, prior))
    if json:
        say_json(plain(inspection))
    else:
        say(show_text(inspection))


@app.command()
def derive(
    indication: Indication,
    prior: Annotated[str | None, typer.Argument(help="A prior; without it all of them.")] = None,
    *,
    json: Json = False,
) -> None:
    """Derive priors from their recipes and keep them as JSON with their digests."""
    from anatrial.files import read_indication, write_derived
    from anatrial.files.indications import shelf
    from anatrial.plan.derive import derive as derived

    place = shelf()
    found = read_indication(indication, place)
    made = [derived(found, name) for name in ([prior] if prior else found.priors)]
    paths = [write_derived(place, each) for each in made]
    if json:
        say_json([each.model_dump(mode="json") for each in made])
    else:
        lines = (
            f"{each.name}: {each.value().mixture.said()}  ({path})" for each, path in zip(made, paths, strict=True)
        )
        say("\n".join(lines))


@app.command()
def plot(
    indication: Indication,
    prior: Prior,
    out: Annotated[Path, typer.Argument(help="Picture: .png, .svg or .pdf.")],
    *,
    json: Json = False,
) -> None:
    """Draw a prior: its density, the studies behind it, and what it predicts."""
    from anatrial.files import read_indication, write_bytes
    from anatrial.files.indications import shelf, state
    from anatrial.plan.inspect import inspect
    from anatrial.report.canvas import picture_format
    from anatrial.report.pictures import prior_picture

    place = shelf()
    found = read_indication(indication, place)
    content = prior_picture(inspect(found, prior, state(place, found, prior)), picture_format(out))
    write_bytes(out, content)
    remark(f"wrote {out}")
    if json:
        say_json({"written": str(out)})
