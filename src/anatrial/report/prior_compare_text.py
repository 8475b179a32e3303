"""What ``anatrial prior compare`` prints."""

from __future__ import annotations

from anatrial.plan.compare import Comparison, Group, Row
from anatrial.report.numbers import patients, table, wrapped

HEADS = ("mean", "sd", "95 % interval", "effective n", "ELIR")
ELIR = "effective n: by moment; ELIR: expected local-information ratio; both in patients (see prior show)"


def titles(found: Comparison) -> dict[Group, str]:
    """What stands above each group of rows."""
    return {
        "named": "As in the file",
        "usual": "The same studies by other methods: default settings, no robust part unless said",
        "without": f"{found.names[0]} without one study",
    }


def compare_text(found: Comparison) -> str:
    """Priors in rows; where one cannot be computed, or a number does not exist, the reason below."""
    heads = ("", *HEADS, f"of {found.n} (95 %)")
    lines = table([heads, *(_cells(row) for row in found.rows)])
    text, group = [f"{found.indication}: priors beside {patients(found.n)} planned", lines[0]], None
    for row, line in zip(found.rows, lines[1:], strict=True):
        if row.group != group:
            text.append(titles(found)[row.group])
            group = row.group
        text.append(line)
    text += ["", *wrapped(f"{ELIR}; of {found.n} (95 %): central 95 % of the responders that the prior expects")]
    if any(row.group == "usual" for row in found.rows):
        text += wrapped(f"other methods: counts and weights per study are those of {found.names[0]}")
    for reason, labels in _reasons(found).items():
        text += wrapped(f"- {', '.join(labels)}: {reason}")
    for note in found.notes:
        text += wrapped(f"NOTE  {note}")
    return "\n".join(text)


def _cells(row: Row) -> tuple[str, ...]:
    s, elir = row.summary, row.elir
    if s is None:
        return (f"  {row.label}", *("-",) * (len(HEADS) + 1))
    return (
        f"  {row.label}",
        f"{s.mean:.3f}",
        f"{s.sd:.3f}",
        f"{s.lower:.3f}-{s.upper:.3f}",
        f"{s.effective_n:.3g}",
        "-" if elir is None or elir.value is None else f"{elir.value:.3g}",
        f"{row.low}-{row.high}",
    )


def _reasons(found: Comparison) -> dict[str, list[str]]:
    """Why something is missing, each with the rows where it is."""
    reasons: dict[str, list[str]] = {}
    for row in found.rows:
        if row.why_not:
            reasons.setdefault(row.why_not, []).append(row.label)
        if row.elir is not None and row.elir.why_not:
            reasons.setdefault(f"no ELIR: {row.elir.why_not}", []).append(row.label)
    return reasons
