"""What ``anatrial compare`` prints, and its JSON content."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from anatrial.domain.compared_designs import ComparedDesign, ComparedDesigns, ComparedRow, ComparedTruth, Mark
from anatrial.domain.results import ROUNDING, Estimate
from anatrial.domain.trial import Form
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import WIDEST, hanging, wrapped
from anatrial.report.table_lines import shown, shown_error
from anatrial.report.trial_text import form_of, metric_said

SIGNS: dict[Mark | None, str] = {"best": " *", "not_told_apart": " ~", "other": " !", None: "  "}
NARROW = 12
"""Letters of a column at least."""
FOLDED = 18
"""Letters of a name in the head of a column at most, unless its numbers are longer."""
MOST_DIGITS = 9
WORDS = {
    "type1_max": "type I error, worst of the range",
    "type1_max_everywhere": "type I error, worst of all rates",
    "median_n": "median of the patients",
    "n_90": "patients, at most, in 90 % of trials",
}
"""Numbers that need better words beside others."""
MEAN = re.compile("bias|mse")
Line = tuple[str, tuple[str, ...]]


def compared_text(found: ComparedDesigns) -> str:
    """A column per design, in blocks as wide as the page; where assumptions differ; what one design has alone."""
    blocks = [
        _head(found),
        *_blocks(found),
        _legend(found),
        _assumptions(found),
        _alone(found),
        [f"anatrial {found.tool_version} | scenarios {', '.join(f'{d.scenario_digest[:4]}..' for d in found.designs)}"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def row_said(metric: str) -> str:
    """The label of a row."""
    if metric.endswith("_at") and metric != "type1_at":
        return "  at the rate"
    return WORDS.get(metric) or metric_said(metric)


def _head(found: ComparedDesigns) -> list[str]:
    return [f"{len(found.designs)} designs side by side", *hanging([(d.name, d.title) for d in found.designs])]


def _blocks(found: ComparedDesigns) -> list[list[str]]:
    """The table, in blocks of as many columns as fit the page."""
    lines = _lines(found)
    first = max(len(label) for label, cells in lines if cells) + 2
    widths = [
        max(NARROW, *(len(cells[k]) for _, cells in lines if cells), *map(len, _name(design)))
        for k, design in enumerate(found.designs)
    ]
    blocks, start = [], 0
    while start < len(widths):
        stop = start + 1
        while stop < len(widths) and first + sum(width + 2 for width in widths[start : stop + 1]) <= WIDEST:
            stop += 1
        blocks.append(_block(found.designs[start:stop], lines, first, range(start, stop), widths))
        start = stop
    return blocks


def _block(
    designs: Sequence[ComparedDesign], lines: list[Line], first: int, places: range, widths: list[int]
) -> list[str]:
    names = [_name(design) for design in designs]
    tall = max(map(len, names))
    heads = [[""] * (tall - len(name)) + name for name in names]
    shown_lines = []
    for level in range(tall):
        words = [f"{head[level]}  ".rjust(widths[k] + 2) for head, k in zip(heads, places, strict=True)]
        shown_lines.append(" " * first + "".join(words))
    heading: list[str] = []
    for label, cells in lines:
        if not cells:
            heading = wrapped(label)
        elif any(cells[k].strip() != "-" for k in places):
            numbers = "".join(cells[k].rjust(widths[k] + 2) for k in places)
            shown_lines += [*heading, f"  {label}".ljust(first) + numbers]
            heading = []
    return [line.rstrip() for line in shown_lines]


def _name(design: ComparedDesign) -> list[str]:
    """The name of a design in lines, broken at hyphens where it is long."""
    parts = re.findall(r"[^-/]+[-/]?|[-/]", design.name)
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > FOLDED:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in textwrap.wrap(line, FOLDED)]


def _lines(found: ComparedDesigns) -> list[Line]:
    """Label and cells of every line; a heading has no cells."""
    designs = found.designs
    lines: list[Line] = [("The design", ())]
    lines += [_line(row) for row in found.rows if row.truth is None]
    lines.append(("patients per arm", _cells([" + ".join(str(n) for _, n in d.arms) or "-" for d in designs])))
    lines.append(("looks", _cells(["-" if d.looks is None else str(d.looks) for d in designs])))
    lines.append(("targets that hold", _cells([_targets(d) for d in designs])))
    for truth in found.truths:
        lines.append((_heading(truth), ()))
        lines += [_line(row) for row in found.rows if row.truth == truth.name]
    return lines


def _heading(truth: ComparedTruth) -> str:
    """The name of a truth with what it means in most designs, or in the first where none are most."""
    said = truth.said[truth.realities.index(0)]
    return f"{truth.name}: {said}"


def _targets(design: ComparedDesign) -> str:
    many = design.passed + design.failed + design.inconclusive
    unsure = f", {design.inconclusive} open" if design.inconclusive else ""
    return f"{design.passed} of {many}{unsure}"


def _cells(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{word}  " for word in words)


def _line(row: ComparedRow) -> Line:
    """A row with its signs; as many digits as it takes to see why one is better than another."""
    plainly = [number_said(row.metric, value) for value in row.values]
    texts = plainly if _tell_apart(plainly, row) else _longer(row)
    return row_said(row.metric), tuple(f"{text}{SIGNS[mark]}" for text, mark in zip(texts, row.marks, strict=True))


def number_said(metric: str, value: Estimate | None) -> str:
    """A number of a row; a bias that is rounding alone is none."""
    if value is None:
        return "-"
    if "bias" in metric and value.mcse is None and abs(value.value) < ROUNDING:
        return "0"
    return shown(value, _form(metric))


def _form(metric: str) -> Form:
    if metric in {"patients", "median_n"}:
        return "count"
    return "chance" if "coverage" in metric else "number" if MEAN.search(metric) else form_of(metric)


def _tell_apart(texts: Sequence[str], row: ComparedRow) -> bool:
    """Whether no number that is best looks like one that is not."""
    told = [(text, mark) for text, mark in zip(texts, row.marks, strict=True) if text != "-" and mark != "other"]
    best, rest = ({text for text, mark in told if bool(mark) is good} for good in (True, False))
    return not (best and best & rest)


def _longer(row: ComparedRow) -> list[str]:
    texts: list[str] = []
    for digits in range(4, MOST_DIGITS + 1):
        texts = ["-" if value is None else _with_digits(value, digits) for value in row.values]
        if _tell_apart(texts, row):
            break
    return texts


def _with_digits(value: Estimate, digits: int) -> str:
    error = f" ± {shown_error(value.mcse, 'number')}" if value.mcse else ""
    return f"{value.value:.{digits}f}{error}"


def _legend(found: ComparedDesigns) -> list[str]:
    marks = {mark for row in found.rows for mark in row.marks}
    lines = ["* the best of its row; all that tie"] if "best" in marks else []
    if "not_told_apart" in marks:
        lines += wrapped(
            "~ the best of its row, but not told apart: within two combined Monte Carlo standard errors of each other"
        )
    if "other" in marks:
        lines += wrapped("! under other assumptions than the heading tells, see below: not compared")
    if found.simulated:
        lines.append("± one Monte Carlo standard error of a simulated number; the others are exact")
    return lines


def _assumptions(found: ComparedDesigns) -> list[str]:
    """Truths of one name that are not one reality, and endpoints that differ."""
    lines = []
    for truth in found.truths:
        others: dict[str, list[str]] = {}
        for design, said, number in zip(found.designs, truth.said, truth.realities, strict=True):
            if number:
                alike = said == truth.said[truth.realities.index(0)]
                others.setdefault(f"{said}, but not written alike" if alike else str(said), []).append(design.name)
        if others:
            told = "; ".join(f"{said} ({', '.join(names)})" for said, names in others.items())
            lines += wrapped(f"NOTE  {truth.name} means something else in some designs (!): {told}")
    endpoints: dict[str, list[str]] = {}
    for design in found.designs:
        endpoints.setdefault(design.endpoint, []).append(design.name)
    if len(endpoints) > 1:
        told = "; ".join(f"{endpoint} ({', '.join(names)})" for endpoint, names in endpoints.items())
        lines += wrapped(f"NOTE  the designs do not count the same: {told}")
    return lines


def _alone(found: ComparedDesigns) -> list[str]:
    """Numbers that one design has and no other, under each design."""
    lines = []
    for place, design in enumerate(found.designs):
        own = [one for one in found.alone if one.design == place]
        if not own:
            continue
        lines.append(f"Only {design.name} has")
        for truth in dict.fromkeys(one.truth for one in own):
            told = [
                f"{row_said(one.metric)} {number_said(one.metric, one.estimate)}" for one in own if one.truth == truth
            ]
            lines += wrapped(f"  {truth}: {', '.join(told)}", indent="  ")
    return lines


def compared_content(found: ComparedDesigns) -> dict[str, Any]:
    """The comparison as JSON content: each row has its values and marks in the order of the designs."""
    return {"format": "anatrial-compare", "version": SCHEMA_VERSION, **plain(found)}
