"""What ``anatrial sweep`` prints: how far each target moves, and where it turns."""

from __future__ import annotations

import numpy as np

from anatrial.domain import sweeps
from anatrial.domain.results import ROUNDING, SizeTarget
from anatrial.domain.sweeps import Reach, Swept, SweptAxis, Whole
from anatrial.domain.trial import Cell, Column, Form, Table
from anatrial.report import sweep_words as words
from anatrial.report.numbers import METRICS, WIDEST, chance, columns, hanging, wrapped
from anatrial.report.size_text import MARKS
from anatrial.report.table_lines import shown_error, table_lines

MOST_LINES = 60
MAP_ROWS, MAP_COLUMNS = 12, 11
CELL = 7
"""Letters of a number with its mark."""
SIDE_BY_SIDE = 4
"""Targets in one table."""
MOST_VALUES = 20
"""Rows of a table along one axis."""
LETTERS = (30, 20, 12)
"""Of values at the ends of an axis: fewer where the table would be too wide."""
BEST = 10
MANY_AXES = 4
"""More than this have no columns of their own."""
MOST_AXES = 10
LABEL = 34
"""Letters of the name of an axis."""
NARROW = 66
"""Letters of the names and paths of axes that leave room for a column of values."""
FORMS: tuple[Form, ...] = ("text", "number", "text", "number", "text", "text", "number", "text")
MOST_WHY = 150
"""Letters of the reason why a cell failed."""
FEWEST = 3
"""Rows of a table, however many targets there are."""


def sweep_text(swept: Swept, computed: int) -> str:
    """What was swept, how far each target moves, and which cells failed, in about ``MOST_LINES`` lines.

    ``computed``: cells that were not known before.
    """
    scenarios = swept.frame.scenarios
    head, tail = _head(swept, computed), _failures(swept)
    room = MOST_LINES - len(head) - len(tail) - 2
    lines: list[str] = []
    for k in range(len(scenarios)):
        block = ["", *_scenario(swept, k, room)]
        if k and len(lines) + len(block) > room:
            lines += ["", f"Not shown here: {len(scenarios) - k} more of {len(scenarios)} scenarios."]
            break
        lines += block
    turns = "; turns: the verdict changes" if swept.frame.layout == "one_at_a_time" else ""
    return "\n".join([*head, *lines, *wrapped(words.MARKS_SAID + turns), *tail])


def _head(swept: Swept, computed: int) -> list[str]:
    frame = swept.frame
    more = [f"  and {len(frame.axes) - MOST_AXES} more axes"] if len(frame.axes) > MOST_AXES else []
    known = swept.finished - computed
    counts = f"{swept.finished:,} cell{'s' * (swept.finished != 1)}: {computed:,} computed, "
    counts += f"{known:,} known before or the same as another, {swept.failed:,} failed."
    return [
        *wrapped(frame.title),
        words.LAYOUTS[frame.layout],
        *_axes(frame.axes[:MOST_AXES]),
        *more,
        counts,
    ]


def _axes(axes: tuple[SweptAxis, ...]) -> list[str]:
    """Each axis with its path and its values, in columns where these are narrow enough."""
    rows = [(_label(axis), "" if axis.said == axis.path else axis.path, words.values_said(axis)) for axis in axes]
    if max(map(len, columns([row[:2] for row in rows]))) <= NARROW:
        return hanging([(f"  {label}", *more) for label, *more in rows])
    told = (f"{label} ({path}): {values}" if path else f"{label}: {values}" for label, path, values in rows)
    return [line for text in told for line in wrapped(text, indent="  ")]


def _label(axis: SweptAxis) -> str:
    return words.shortened(axis.said, LABEL)


def _scenario(swept: Swept, scenario: int, room: int) -> list[str]:
    """The tables of one scenario in about ``room`` lines."""
    frame, one = swept.frame, swept.frame.scenarios[scenario]
    named = [f"{one.name}: {one.title}"] if len(frame.scenarios) > 1 else []
    lines = [line for name in named for line in wrapped(name)]
    many = len(swept.of(scenario))
    if one.targets:
        all_of = {1: "The target holds", 2: "Both targets hold"}.get(
            len(one.targets), f"All {len(one.targets)} targets hold"
        )
        lines += wrapped(f"{all_of} in {swept.holding(scenario):,} of {many:,} cells.")
    if frame.layout != "one_at_a_time" and len(frame.axes) == 1:
        return [*lines, "", *_along(swept, scenario)]
    each = (room - len(lines) - 1) // max(len(one.targets), 1) - 3
    for target in range(len(one.targets)):
        if frame.layout == "one_at_a_time":
            block = _tornado(swept, scenario, target, max(each, FEWEST))
        elif frame.layout == "map":
            block = _map(swept, scenario, target, min(MAP_ROWS, max(each - 1, FEWEST)))
        else:
            block = _ranks(swept, scenario, target, min(BEST, max((each - 2) // 2, FEWEST)))
        if target and len(lines) + len(block) > room:
            return [*lines, "", f"Not shown here: {len(one.targets) - target} more of {len(one.targets)} targets."]
        lines += ["", *block]
    return lines


def _tornado(swept: Swept, scenario: int, target: int, most: int) -> list[str]:
    """Per axis the lowest and the highest number with the values where they occur, the widest spread first."""
    goal, axes = swept.frame.scenarios[scenario].targets[target], swept.frame.axes
    own, reaches = sweeps.own_point(swept, scenario, target), sweeps.reaches(swept, scenario, target)
    said = "failed" if own is None else words.point_said(own, goal.threshold)
    found = [reach for reach in reaches if reach.spread > ROUNDING]
    still = [axes[reach.axis].said for reach in reaches if reach.spread <= ROUNDING]
    silent = [axis.said for k, axis in enumerate(axes) if k not in {reach.axis for reach in reaches}]
    notes = [f"{len(found) - most} more axes move it less."] if len(found) > most else []
    notes += [f"Not moved by {', '.join(still)}."] if still else []
    notes += [f"Every cell failed along {', '.join(silent)}."] if silent else []
    title, lines = f"{goal.said}: {said} as the file is written", list[str]()
    heads = ("along", "lowest", "at", "highest", "at", "in file", "spread", "")
    columns = tuple(Column(str(k), *pair) for k, pair in enumerate(zip(heads, FORMS, strict=True)))
    for longest in LETTERS:
        rows = tuple(_reach(swept, goal, reach, longest) for reach in found[:most])
        lines = table_lines(Table("tornado", title, columns, rows, " ".join(notes) or None))
        if max(map(len, lines), default=0) <= WIDEST:
            break
    return lines or wrapped(f"{title}; {' '.join(notes)}")


def _reach(swept: Swept, goal: SizeTarget, reach: Reach, longest: int) -> tuple[str, ...]:
    """The row of one axis, its values in at most so many letters."""
    axis, own = swept.frame.axes[reach.axis], swept.frame.scenarios[swept.scenario[reach.lowest.cell]].own[reach.axis]
    at = [int(swept.at[point.cell, reach.axis]) for point in (reach.lowest, reach.highest)]
    low, high = (words.shortened(words.place_said(swept.frame, reach.axis, place, own), longest) for place in at)
    return (
        _label(axis),
        words.point_said(reach.lowest, goal.threshold),
        low,
        words.point_said(reach.highest, goal.threshold),
        high,
        "-" if own is None else words.shortened(words.value_said(own), longest),
        chance(reach.spread) if goal.threshold <= 1 else f"{reach.spread:.4g}",
        "turns" if len(reach.outcomes) > 1 else "",
    )


def _map(swept: Swept, scenario: int, target: int, most: int) -> list[str]:
    """The number along both axes: the first axis down, the second across."""
    _, goal = _asked(swept, scenario, target)
    down, across = swept.frame.axes
    cells = sweeps.lattice(swept, scenario, (0, 1))
    rows = sweeps.spread_out(len(down.values), most)
    shown = sweeps.spread_out(len(across.values), _fitting(down, across))
    heads = ["", *(words.shortened(words.value_said(across.values[k])) for k in shown)]
    columns = tuple(Column(str(k), head, "number") for k, head in enumerate(heads))
    body = [
        (words.shortened(words.value_said(down.values[j])), *(_cell(swept, int(cells[j, k]), target) for k in shown))
        for j in rows
    ]
    thinned = [
        f"{len(few)} of {len(axis.values):,} values {way}"
        for way, axis, few in (("down", down, rows), ("across", across, shown))
        if len(few) < len(axis.values)
    ]
    errors = swept.numbers[swept.told(scenario, target), target, 3]
    said = [f"Shown: {' and '.join(thinned)}."] if thinned else []
    if np.isfinite(errors).any():
        said.append(f"One Monte Carlo standard error is at most {shown_error(float(np.nanmax(errors)), 'number')}.")
    return table_lines(
        Table(
            "map",
            f"{goal.said}; down: {_label(down)}; across: {_label(across)}",
            columns,
            tuple(body),
            " ".join(said) or None,
        )
    )


def _fitting(down: SweptAxis, across: SweptAxis) -> int:
    """How many columns of a map are not too wide together; their heads are folded at spaces."""
    names = [words.shortened(words.value_said(value)) for value in across.values]
    first = max(len(words.shortened(words.value_said(value))) for value in down.values)
    width = max(CELL, *(len(word) for name in names for word in name.split()))
    return min(MAP_COLUMNS, (WIDEST - first - 2) // (width + 2))


def _cell(swept: Swept, cell: int, target: int) -> str:
    """A number of a map, without its error."""
    if cell < 0 or swept.outcomes[cell, target] < 0:
        return "failed"
    point, goal = swept.point(cell, target), swept.frame.scenarios[swept.scenario[cell]].targets[target]
    return f"{words.number(point.estimate.value, goal.threshold)} {MARKS[point.outcome]}"


def _along(swept: Swept, scenario: int) -> list[str]:
    """Every target along the one axis, a few side by side."""
    axis, targets = swept.frame.axes[0], swept.frame.scenarios[scenario].targets
    cells = sweeps.lattice(swept, scenario, (0,))
    shown = sweeps.spread_out(len(axis.values), MOST_VALUES)
    note = f"Shown: {len(shown)} of {len(axis.values):,} values." if len(shown) < len(axis.values) else None
    names = [words.shortened(words.value_said(axis.values[k])) for k in shown]
    points = [_points(swept, int(cells[k])) for k in shown]
    lines = []
    for first in range(0, len(targets), SIDE_BY_SIDE):
        some = slice(first, first + SIDE_BY_SIDE)
        heads = (Column("0", _label(axis)), *(Column(goal.said, goal.said, "number") for goal in targets[some]))
        rows = tuple((name, *found[some]) for name, found in zip(names, points, strict=True))
        lines += table_lines(Table("along", f"Along {axis.said}:", heads, rows, note))
    return lines


def _points(swept: Swept, cell: int) -> list[str]:
    """Every target in a cell."""
    goals = swept.frame.scenarios[swept.scenario[cell]].targets
    return [
        "failed" if cell < 0 or swept.outcomes[cell, k] < 0 else words.point_said(swept.point(cell, k), goal.threshold)
        for k, goal in enumerate(goals)
    ]


def _ranks(swept: Swept, scenario: int, target: int, most: int) -> list[str]:
    """The best cells of a target and the worst, as it asks."""
    _, goal = _asked(swept, scenario, target)
    found = sweeps.ranked(swept, scenario, target)
    if len(found) <= 2 * most:
        return _cells(swept, target, found, f"{goal.said}: every cell, the best first")
    best = _cells(swept, target, found[:most], f"{goal.said}: the best {most} of {len(found):,} cells")
    return [*best, *_cells(swept, target, found[-most:], f"and the worst {most}")]


def _cells(swept: Swept, target: int, cells: Whole, title: str) -> list[str]:
    frame = swept.frame
    if not len(cells):
        return [f"{title}: none"]
    scenario = frame.scenarios[swept.scenario[cells[0]]]
    goal = scenario.targets[target]
    if len(frame.axes) > MANY_AXES:
        told = [(int(cell), words.point_said(swept.point(int(cell), target), goal.threshold)) for cell in cells]
        listed = [(f"  {cell}", said, words.settings_said(frame, swept.settings(cell))) for cell, said in told]
        return [*wrapped(title), *hanging([("  cell", _metric(goal), "with"), *listed])]
    columns = (
        Column("cell", "cell", "count"),
        *(Column(str(k), axis.said, "number" if axis.numeric else "text") for k, axis in enumerate(frame.axes)),
        Column("number", _metric(goal), "number"),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            int(cell),
            *(words.place_said(frame, k, int(at), scenario.own[k]) for k, at in enumerate(swept.at[cell])),
            words.point_said(swept.point(int(cell), target), goal.threshold),
        )
        for cell in cells
    )
    return table_lines(Table("cells", title, columns, rows))


def _metric(goal: SizeTarget) -> str:
    return METRICS.get(goal.metric, goal.metric.replace("_", " "))


def _failures(swept: Swept) -> list[str]:
    """Cells without numbers, with what was changed in them and why they failed."""
    if not swept.failed:
        return []
    first = "" if swept.failed == len(swept.failures) else f", the first {len(swept.failures)}"
    lines = ["", f"Failed cells ({swept.failed:,}{first}):"]
    several = len(swept.frame.scenarios) > 1
    for why in dict.fromkeys(one.why for one in swept.failures):
        lines += wrapped(words.shortened(why, MOST_WHY), indent="  ")
        for one in swept.failures:
            if one.why == why:
                what = words.settings_said(swept.frame, one.settings)
                where = f"{one.scenario}, {what}" if several else what
                lines += wrapped(f"cell {one.number}: {where}", indent="    ")
    return lines


def _asked(swept: Swept, scenario: int, target: int) -> tuple[sweeps.SweptScenario, SizeTarget]:
    one = swept.frame.scenarios[scenario]
    return one, one.targets[target]
