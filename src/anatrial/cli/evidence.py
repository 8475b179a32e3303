"""``anatrial evidence``: list, show and check what was published, and tell which test gives a printed p-value."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anatrial.cli.shared import FAILED, PASSED, Json, each, remark, say, say_json

if TYPE_CHECKING:
    from anatrial.documents.indication import Indication
    from anatrial.domain.findings import Finding
    from anatrial.plan.evidence_summary import Elsewhere, EvidenceSummary

app = typer.Typer(
    help="Published evidence: list, show, check its arithmetic.", no_args_is_help=True, rich_markup_mode=None
)


class IntervalName(StrEnum):
    """Which confidence interval is shown."""

    clopper_pearson = "clopper-pearson"
    wilson = "wilson"


@app.command("list")
def list_(*, json: Json = False) -> None:
    """List the indications: studies, records, usable counts, core studies, priors."""
    from anatrial.plan.evidence_summary import overview
    from anatrial.report.evidence_text import list_text
    from anatrial.report.machine import plain

    code, faults, found = _read(_all_names())
    rows = overview(found)
    if json:
        say_json({"format": "anatrial-evidence-list", "version": 1, "indications": plain(rows), "errors": faults})
    else:
        say(list_text(rows))
    raise typer.Exit(code)


@app.command()
def show(
    indication: Annotated[str, typer.Argument(help="An indication, such as sjia.")],
    *,
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw a forest plot (.png, .svg or .pdf).")] = None,
    interval: Annotated[
        IntervalName, typer.Option(help="Confidence interval of the rates.")
    ] = IntervalName.clopper_pearson,
    json: Json = False,
) -> None:
    """Show every record with its rate and 95 % interval, then facts, notes and sources."""
    from anatrial.files import read_indication
    from anatrial.files.indications import shelf
    from anatrial.plan.evidence_summary import summary
    from anatrial.report.evidence_text import show_text

    found = summary(read_indication(indication, shelf()), endpoint, _elsewhere(indication))
    _draw(plot, found, endpoint, interval.value)
    if json:
        _say_summary(found)
    else:
        say(show_text(found, interval.value))


@app.command()
def check(
    indications: Annotated[list[str] | None, typer.Argument(help="Indications; without any, all of them.")] = None,
    *,
    json: Json = False,
) -> None:
    """Check that published numbers agree with themselves; exit code 1 if a discrepancy is not acknowledged."""
    from anatrial.plan.evidence import check as checked
    from anatrial.report.evidence_text import check_text

    findings: list[Finding] = []
    read, errors, found = _read(indications or _all_names())
    for one in found:
        findings += checked(one)
    if json:
        _say_findings(findings, errors)
    elif found:
        say(check_text(findings))
    raise typer.Exit(max(read, FAILED if any(f.status == "fault" for f in findings) else PASSED))


@app.command("tests")
def printed(
    indication: Annotated[str, typer.Argument(help="An indication, such as sjia.")],
    *,
    study: Annotated[str | None, typer.Option(help="Only this study, such as quartier-2011.")] = None,
    json: Json = False,
) -> None:
    """Show which test gives each printed p-value that compares two counts."""
    from anatrial.files import read_indication
    from anatrial.files.indications import shelf
    from anatrial.plan.evidence_tests import evidence_tests
    from anatrial.report.machine import plain
    from anatrial.report.printed_p_text import printed_p_text

    found = evidence_tests(read_indication(indication, shelf()), study)
    if json:
        say_json({"format": "anatrial-evidence-tests", "version": 1, "studies": plain(found)})
    else:
        say(printed_p_text(found))


def _all_names() -> list[str]:
    from anatrial.errors import Fault, InputError
    from anatrial.files import indication_names
    from anatrial.files.indications import shelf

    place = shelf()
    remark(f"priors: {place.said}")
    names = list(indication_names(place))
    if not names:
        raise InputError(Fault(str(place.path), "no indication file", "at least one <indication>.toml"))
    return names


def _read(names: list[str]) -> tuple[int, list[dict[str, str]], list[Indication]]:
    """Every indication that can be read; the worst exit code and the faults of those that cannot."""
    from anatrial.files import read_indication
    from anatrial.files.indications import shelf

    place, found = shelf(), []

    def one(name: str) -> int:
        found.append(read_indication(name, place))
        return PASSED

    return *each(names, one), found


def _elsewhere(indication: str) -> tuple[Elsewhere, ...]:
    """Studies in other files that concern this indication; a file that cannot be read is said and passed over."""
    from anatrial.files import indication_names
    from anatrial.files.indications import shelf
    from anatrial.plan.evidence_summary import listed_elsewhere

    names = [name for name in indication_names(shelf()) if name != indication]
    return listed_elsewhere(indication, _read(names)[2]) if names else ()


def _draw(path: Path | None, found: EvidenceSummary, endpoint: str | None, interval: str) -> None:
    """Write the forest plot where one was asked for."""
    from anatrial.files import write_bytes
    from anatrial.report.canvas import picture_format
    from anatrial.report.forest import forest_picture

    if path is not None:
        write_bytes(path, forest_picture(found, endpoint, interval, picture_format(path)))
        remark(f"wrote {path}")


def _say_summary(found: EvidenceSummary) -> None:
    from anatrial.report.machine import plain

    say_json({"format": "anatrial-evidence", "version": 1, **plain(found)})


def _say_findings(findings: list[Finding], errors: list[dict[str, str]]) -> None:
    counts = {status: sum(f.status == status for f in findings) for status in ("fault", "note", "ok")}
    content = {"counts": counts, "findings": [f._asdict() for f in findings], "errors": errors}
    say_json({"format": "anatrial-evidence-check", "version": 1, **content})
