"""What ``anatrial sweep`` prints of a design search, and its JSON content."""

from __future__ import annotations

from typing import Any

from anatrial.domain.cells import Settings
from anatrial.domain.pareto import AimOf, DesignSearch, Front, Placed
from anatrial.domain.results import Estimate
from anatrial.domain.trial import Cell, Column, Form, Table
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import METRICS, WIDEST, beside, limit, wrapped
from anatrial.report.numbers import patients as patients_said
from anatrial.report.size_text import MARKS
from anatrial.report.sweep_words import AS_WRITTEN, MARKS_SAID, value_said
from anatrial.report.table_lines import table_lines, with_error

SHOWN = 30
"""Designs of the front that are printed; the JSON content has all."""
FORMS: dict[str, Form] = {"patients": "count", "expected_n": "count"}
WORDS = {"patients": "patients", "expected_n": "expected patients"}


def search_text(found: DesignSearch) -> str:
    """The designs that no other beats, which of them meet the targets, and the cheapest that meets all."""
    front = found.front
    blocks = [
        _head(found),
        _table(found) if front.members else ["No design has the numbers that the aims need."],
        _cheapest(found),
        _cautions(found),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def aim_said(aim: AimOf) -> str:
    """An aim in words, with its truth."""
    said = WORDS.get(aim.aim) or METRICS[aim.aim]
    return said if aim.truth is None else f"{said} ({aim.truth})"


def settings_said(found: DesignSearch, settings: Settings) -> str:
    """The settings of a design in words."""
    labels = dict(found.labels)
    return ", ".join(f"{labels.get(path, path)} = {value_said(value)}" for path, value in settings) or AS_WRITTEN


def _head(found: DesignSearch) -> list[str]:
    front = found.front
    aims = [f"{'fewer' if aim.aim in FORMS else 'more' if aim.more else 'less'} {aim_said(aim)}" for aim in front.aims]
    kept, many = len(front.members), front.designs
    said = f"{kept:,} of {many:,} designs are beaten by no other, judged by {', '.join(aims)}."
    if front.simulated:
        rule = (
            "A design is beaten where another is nowhere worse and somewhere better; where numbers are simulated, by "
            "more than two combined Monte Carlo standard errors."
        )
    else:
        rule = "A design is beaten where another is nowhere worse and somewhere better by more than rounding. Exact."
    if any(aim.aim == "type_i_error" for aim in front.aims):
        rule += " Type I error counts at its proven upper bound." if not front.simulated else ""
    return [f"Design search: {found.title}", *wrapped(f"{said} {rule}")]


def _table(found: DesignSearch) -> list[str]:
    front = found.front
    rows = _shown(front)
    lines = table_lines(_designs(found, rows))
    if max(map(len, lines)) > WIDEST:
        lines = table_lines(_designs(found, rows, together=True))
    if front.targets:
        asked = [
            f"{METRICS.get(target.metric, target.metric.replace('_', ' '))} {target.bound.replace('_', ' ')} "
            f"{limit(target.threshold)} ({target.truth})"
            for target in front.targets
        ]
        lines += [*wrapped(f"Targets, in this order: {'; '.join(asked)}."), MARKS_SAID]
    if left := len(front.members) - len(rows):
        meeting = " that do not meet all targets" if len(rows) < SHOWN else ""
        lines += wrapped(f"{left:,} more designs of the front{meeting} are in the output of --json.")
    return lines


def _shown(front: Front) -> tuple[Placed, ...]:
    """All designs of a short front; of a long one those that meet every target, else some from end to end."""
    if len(front.members) <= SHOWN:
        return front.members
    holding = tuple(member for member in front.members if member.holds)
    if holding:
        return holding[:SHOWN]
    last = len(front.members) - 1
    return tuple(front.members[k * last // (SHOWN - 1)] for k in range(SHOWN))


def _designs(found: DesignSearch, rows: tuple[Placed, ...], *, together: bool = False) -> Table:
    """A row per design; ``together``: all its settings in one column, where several would not fit."""
    front = found.front
    counted = [k for k, aim in enumerate(front.aims) if aim.truth is not None]
    columns = [Column("mark", "", "text"), Column("patients", "patients", "count")]
    columns += [Column(f"aim_{k}", aim_said(front.aims[k]), FORMS.get(front.aims[k].aim, "chance")) for k in counted]
    columns += [Column("targets", "targets", "text")] if front.targets else []
    if together:
        columns.append(Column("settings", "settings", "text"))
    else:
        columns += [Column(f"axis_{k}", label, "text") for k, (_, label) in enumerate(found.labels)]
    cells = [_row(found, row, counted, together=together) for row in rows]
    return Table("front", "Designs that no other beats, by patients", tuple(columns), tuple(cells))


def _row(found: DesignSearch, row: Placed, counted: list[int], *, together: bool) -> tuple[Cell, ...]:
    front, given = found.front, dict(row.settings)
    start: list[Cell] = ["*" if row == front.cheapest else "", row.patients]
    start += [_number(front, row.values[k], front.aims[k]) for k in counted]
    start += [" ".join(MARKS[outcome] for outcome in row.outcomes)] if front.targets else []
    if together:
        return (*start, settings_said(found, row.settings))
    return (*start, *(value_said(given[path]) if path in given else AS_WRITTEN for path, _ in found.labels))


def _number(front: Front, estimate: Estimate, aim: AimOf) -> Cell:
    """The number as it counts, a proven one at its worse bound; on the right side of the target that asks for it."""
    if estimate.mcse is None:
        estimate = estimate._replace(value=estimate.lower if aim.more else estimate.upper)
    asked = aim_targets(front, aim)
    if not asked:
        return estimate
    nearest = min(asked, key=lambda threshold: abs(threshold - estimate.value))
    return with_error(beside(estimate.value, nearest), estimate, FORMS.get(aim.aim, "chance"))


def aim_targets(front: Front, aim: AimOf) -> list[float]:
    """The thresholds of the targets that ask for an aim."""
    names = {aim.aim, *aim.metrics}
    return [target.threshold for target in front.targets if target.truth == aim.truth and target.metric in names]


def _cheapest(found: DesignSearch) -> list[str]:
    front = found.front
    if not front.targets:
        return []
    if front.cheapest is None:
        return wrapped(f"None of the {front.designs:,} designs meets all targets.")
    meet = "meets" if front.holding == 1 else "meet"
    said = f"{front.holding:,} of {front.designs:,} designs {meet} all targets. The cheapest "
    said += f"({'*' if front.cheapest_is_member else 'not on the front'}) "
    said += f"needs {patients_said(front.cheapest.patients)}: {settings_said(found, front.cheapest.settings)}."
    if front.as_small:
        said += f" {front.as_small:,} more with as few meet them too; the aims decide between them in their order."
    return wrapped(said)


def _cautions(found: DesignSearch) -> list[str]:
    front, lines = found.front, []
    if front.unplaced:
        lines += wrapped(f"NOTE  {front.unplaced:,} designs have no place, because a number is missing. The first:")
        for reason in front.reasons[:3]:
            lines += wrapped(f"{settings_said(found, reason.settings)}: {reason.why}", indent="      ")
    return lines


def search_content(found: DesignSearch) -> dict[str, Any]:
    """A design search as JSON content: settings by path, values by aim, outcomes by target."""
    front = found.front
    aims = [{**plain(aim), "better": "more" if aim.more else "less"} for aim in front.aims]
    return {
        "format": "anatrial-design-search",
        "version": SCHEMA_VERSION,
        "scenario": found.scenario,
        "title": found.title,
        "aims": aims,
        "targets": plain(front.targets),
        "designs": front.designs,
        "holding": front.holding,
        "simulated": front.simulated,
        "front": [_content(member) for member in front.members],
        "cheapest": None if front.cheapest is None else _content(front.cheapest),
        "cheapest_is_on_front": front.cheapest_is_member,
        "as_small": front.as_small,
        "unplaced": front.unplaced,
        "reasons": [{"settings": dict(reason.settings), "why": reason.why} for reason in front.reasons],
        "tool_version": found.tool_version,
    }


def _content(design: Placed) -> dict[str, Any]:
    return {
        "settings": dict(design.settings),
        "patients": design.patients,
        "values": plain(design.values),
        "outcomes": list(design.outcomes),
        "holds": design.holds,
    }
