"""What ``anatrial evidence tests`` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from anatrial.plan.evidence_tests import PrintedP, StudyTests
from anatrial.report.numbers import columns, p_said

WIDTH = 140
SHOWN = {
    "Fisher two-sided": "Fisher",
    "Fisher mid-p two-sided": "mid-p",
    "chi-square uncorrected": "chi-square",
    "chi-square with Yates correction": "Yates",
    "chi-square N-1": "N-1",
    "Boschloo two-sided": "Boschloo",
}
"""The tests that have a column, all two-sided; the others are named where they give the printed value."""
HEAD = ("fact", "treatment", "control", "printed", *SHOWN.values(), "given by")


def printed_p_text(found: Sequence[StudyTests]) -> str:
    """A table per study, and which tests give its values; p-values are two-sided where nothing else is said."""
    if not found:
        return "no printed p-value compares two counts"
    lines = ["Printed p-values beside those of each test; two-sided, except where a test's name says one-sided."]
    for study in found:
        lines += ["", f"{study.title} ({study.study})", *columns([HEAD, *map(_cells, study.rows)], "  ")]
        for one in study.explained:
            lines += _hanging(f"{one.test} gives {len(one.facts)} of {len(study.rows)}: {', '.join(one.facts)}")
        ungiven = [f"{row.fact} (nearest: {row.nearest})" for row in study.rows if row.nearest]
        if ungiven:
            lines += _hanging(f"no test gives: {', '.join(ungiven)}")
    return "\n".join(lines)


def _cells(row: PrintedP) -> tuple[str, ...]:
    counts = ("?" if arm is None else str(arm) for arm in (row.treatment, row.control))
    if not row.tests:
        return (row.fact, *counts, row.printed, *("" for _ in SHOWN), "not recomputed")
    shown = (p_said(row.tests[test]) for test in SHOWN)
    return (row.fact, *counts, row.printed, *shown, _given(row))


def _given(row: PrintedP) -> str:
    """The tests with a column that give the printed value; others only where none of these does."""
    if row.nearest:
        return "none"
    names = [SHOWN[test] for test in row.gives if test in SHOWN]
    return ", ".join(names or row.gives)


def _hanging(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
