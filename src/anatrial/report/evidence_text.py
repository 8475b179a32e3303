"""What ``anatrial evidence list``, ``show`` and ``check`` print."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from anatrial.domain.evidence import Fact
from anatrial.domain.findings import Finding
from anatrial.plan.evidence_summary import EvidenceSummary, Overview, Panel, Row, StudyLine

WIDTH = 140
HEAD = ("study", "arm", "x/n", "printed", "rate (interval)", "visit", "analysis set", "drop-outs", "cohort")
INTERVALS = {"clopper-pearson": "Clopper-Pearson", "wilson": "Wilson"}


# ---- list ----


def list_text(rows: Sequence[Overview]) -> str:
    """Indications in columns, each with its core studies, its priors, and studies that stand in another file."""
    head = ("indication", "title", "studies", "records", "with count", "cohorts", "facts")
    cells = [head, *((r.indication, r.title, *map(str, r[2:7])) for r in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = [_aligned(cells[0], widths, left=2)]
    for row, texts in zip(rows, cells[1:], strict=True):
        lines.append(_aligned(texts, widths, left=2))
        elsewhere = [f"{e.title} (in {e.indication})" for e in row.elsewhere]
        for label, names in (("core", row.core), ("priors", row.priors), ("also", elsewhere)):
            if names:
                lines += _hanging(f"{label}: ", "; ".join(names), " " * (widths[0] + 2))
    return "\n".join(lines)


# ---- show ----


def show_text(found: EvidenceSummary, interval: str) -> str:
    """The records per endpoint with their intervals, then studies with facts, notes and sources, then recipes."""
    rows = [row for panel in found.panels for row in panel.rows]
    counted = sum(row.rate is not None for row in rows)
    lines = [f"{found.title} ({found.indication})"]
    lines += [f"{len(found.studies)} studies, {len(rows)} records, {counted} of them with count and n; * core study"]
    lines += [f"x of n as published; rates in per cent with {100 * found.level:g} % {INTERVALS[interval]} intervals"]
    lines += [
        "drop-outs: failed = counted as non-responders; cohort (again) = the same number of the same patients once more"
    ]
    for other in found.elsewhere:
        lines.append(f"also: {other.title}, in anatrial evidence show {other.indication}")
    for panel in found.panels:
        lines += ["", *_panel_lines(panel, interval)]
    lines += ["", "STUDIES"]
    for study in found.studies:
        lines += ["", *_study_lines(study, {row.record: row for row in rows})]
    if found.recipes:
        lines += ["", "PRIORS"]
    for recipe in found.recipes:
        uses = ", ".join(recipe.outcomes) or "no record"
        lines += ["", f"{recipe.prior}: {recipe.title}", f"    {recipe.method} on {recipe.endpoint}"]
        lines += _hanging("uses ", uses, "    ")
    return "\n".join(lines)


def _panel_lines(panel: Panel, interval: str) -> list[str]:
    nested = f", within {panel.nested_in}" if panel.nested_in else ""
    fewer = ", fewer is better: x counts events" if panel.better == "fewer" else ""
    lines = [f"{panel.endpoint}  (planned visit {panel.visit}{nested}{fewer})", *_wrapped(panel.definition, "  ", "  ")]
    if not panel.rows:
        return [*lines, "  no record"]
    rows = [_cells(row, interval) for row in panel.rows]
    kept = [k for k in range(len(HEAD)) if any(row[k] for row in rows)]
    widths = {k: max(len(row[k]) for row in (HEAD, *rows)) for k in kept}
    for k, least in ((5, 18), (8, 16), (6, 12), (0, 16)):  # visit, cohort, analysis set, study: in full under STUDIES
        excess = sum(widths.values()) + 2 * len(widths) - WIDTH
        if k in widths and excess > 0:
            widths[k] = min(widths[k], max(least, widths[k] - excess))
    for row in (HEAD, *rows):
        cells = (_cell(row[k], w, right=k in {2, 3}) for k, w in widths.items())
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _cell(text: str, width: int, *, right: bool) -> str:
    shown = text if len(text) <= width else text[: width - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return shown.rjust(width) if right else shown.ljust(width)


def _cells(row: Row, interval: str) -> tuple[str, ...]:
    return (
        row.title + ("*" if row.core else ""),
        arm_said(row),
        counts_said(row),
        f"{row.printed_percent} %" if row.printed_percent else "",
        rate_said(row, interval),
        row.visit,
        row.analysis_set,
        _dropouts(row),
        " ".join(row.overlap) + (" (again)" if row.repeats else ""),
    )


def arm_said(row: Row) -> str:
    """The arm, with its role where the name does not tell it."""
    role = row.role.replace("_", " ")
    return row.arm if row.role in row.arm else f"{row.arm} ({role})"


def counts_said(row: Row) -> str:
    """Responders and patients; a range of counts where several fit, ``?`` for what was not read."""
    n = "?" if row.n is None else str(row.n)
    if row.responders is not None:
        return f"{row.responders}/{n}"
    ends = sorted({min(row.compatible), max(row.compatible)}) if row.compatible else []
    return f"{'-'.join(map(str, ends)) or '?'}/{n}"


def rate_said(row: Row, interval: str) -> str:
    """The rate in per cent with its interval, or the rates that the compatible counts leave open."""
    limits = row.wilson if interval == "wilson" else row.clopper_pearson
    if row.rate is not None and limits is not None:
        return f"{100 * row.rate:5.1f} ({100 * limits[0]:.1f}-{100 * limits[1]:.1f})"
    if row.compatible and row.allowed is not None:
        return "-".join(dict.fromkeys(f"{100 * rate:.1f}" for rate in row.allowed)).rjust(5)
    return "    -"


def _dropouts(row: Row) -> str:
    how = {"as_non_responders": "failed", "excluded": "excluded", "unknown": "unknown"}[row.dropouts_counted]
    if row.dropouts is None:
        return "" if how == "unknown" else how
    return f"{row.dropouts} {how}"


def _study_lines(study: StudyLine, rows: dict[str, Row]) -> list[str]:
    ids = [
        ("PMID ", study.pmid),
        ("", study.pmcid),
        ("doi:", study.doi),
        ("", study.nct),
        ("abstract ", study.abstract),
    ]
    said = ", ".join(f"{label}{value}" for label, value in ids if value)
    said = f" {said}." if said else ""
    also = f", also listed under {', '.join(study.also_listed_under)}" if study.also_listed_under else ""
    core = ", core study" if study.core else ""
    read = f" Read: {study.source_level}." if study.source_level else ""
    lines = [f"{study.title} ({study.study}): {study.tier.replace('_', ' ')}{core}{also}"]
    lines += _hanging("", f"{study.citation}{said}{read}", "    ")
    for arm in study.arms:
        lines += _hanging("arm ", arm, "    ")
    for note in study.notes:
        lines += _hanging("note ", note, "    ")
    for name in study.records:
        row = rows[name]
        lines += _hanging(f"{name}: ", _record(row), "    ")
        for note in (*row.notes, *(f"acknowledged, {text}" for text in row.acknowledged)):
            lines += _hanging("- ", note, "      ")
    for fact in study.facts:
        lines += _hanging(f"{fact.id}: ", _fact(fact), "    ")
        for note in (*fact.notes, *(f"acknowledged, {a.check}: {a.why}" for a in fact.acknowledged)):
            lines += _hanging("- ", note, "      ")
    return lines


def _record(row: Row) -> str:
    parts = [
        f"{counts_said(row)} on {row.endpoint} at {row.visit}, {row.analysis_set}",
        "count derived" if row.derived else "",
        f"cohort {', '.join(row.overlap)}" if row.overlap else "",
        f"repeats {row.repeats}" if row.repeats else "",
        f"{row.source_id}, {row.locator}",
    ]
    return "; ".join(filter(None, parts))


def _fact(fact: Fact) -> str:
    numbers = [
        f"{'?' if fact.count is None else fact.count}/{fact.n}" if fact.n is not None else "",
        f"{fact.count}" if fact.count is not None and fact.n is None else "",
        f"printed {fact.printed_percent} %" if fact.printed_percent else "",
        f"mean {fact.mean:g}" if fact.mean is not None else "",
        f"median {fact.median:g}" if fact.median is not None else "",
        f"range {fact.range[0]:g} to {fact.range[1]:g}" if fact.range else "",
        fact.unit or "",
        f"p = {fact.p_value}".replace("= <", "< ").replace("= >", "> ") if fact.p_value else "",
        f"of {' v '.join(fact.compares)}" if fact.compares else "",
        *(f"{k.replace('_', ' ')} {_value(v)}" for k, v in fact.values.items()),
    ]
    if fact.count is None and fact.n is not None:
        numbers[0] = f"n {fact.n}"
    where = ", ".join(filter(None, (fact.arm, fact.visit)))
    said = ", ".join(filter(None, numbers))
    head = f"[{fact.kind.replace('_', ' ')}] {fact.what}{f' ({where})' if where else ''}"
    return f"{head}{': ' + said if said else ''} ({fact.source_id}; {fact.locator})"


def _value(value: object) -> str:
    return " to ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# ---- check ----


def check_text(findings: Sequence[Finding]) -> str:
    """Faults, then notes, then one line of counts."""
    order = {"fault": 0, "note": 1}
    shown = sorted((f for f in findings if f.status != "ok"), key=lambda f: order[f.status])
    lines: list[str] = []
    for one in shown:
        source = f" [{one.source_id}]" if one.source_id else ""
        head = f"{'FAULT' if one.status == 'fault' else 'note '}  {one.indication}  {one.record}{source}  {one.check}: "
        lines += _hanging(head, one.arithmetic, "", 7)
        if one.why:
            lines += _hanging("why: ", one.why, " " * 7, 12)
    return "\n".join([*lines, "", count_line(findings)] if lines else [count_line(findings)])


def count_line(findings: Sequence[Finding]) -> str:
    """How many checks of how many indications ended how."""
    faults, notes, fine = (sum(f.status == s for f in findings) for s in ("fault", "note", "ok"))
    places = len({f.indication for f in findings})
    where = f"{places} indication" + ("s" if places != 1 else "")
    return f"{faults} fault{'s' if faults != 1 else ''}, {notes} notes, {fine} checks without a finding, in {where}"


# ---- layout ----


def _aligned(row: Sequence[str], widths: Sequence[int], left: int) -> str:
    pairs = enumerate(zip(row, widths, strict=True))
    return "  ".join(c.ljust(w) if k < left else c.rjust(w) for k, (c, w) in pairs).rstrip()


def _hanging(label: str, text: str, indent: str, hang: int | None = None) -> list[str]:
    """Text after a label, its further lines indented under it."""
    inner = " " * (len(indent) + 4 if hang is None else hang)
    return _wrapped(f"{label}{text}", indent, inner)


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
