"""Words for what a sweep changes and finds: values of axes, numbers beside their target, layouts."""

from __future__ import annotations

from typing import Any

from anatrial.domain.cells import Settings
from anatrial.domain.sweeps import Frame, Point, SweptAxis
from anatrial.report.numbers import beside, chance
from anatrial.report.size_text import MARKS
from anatrial.report.table_lines import shown_error

LONGEST = 30
"""Letters of a value in a table or a picture."""
MARKS_SAID = "+ meets the target, - does not, ? cannot be told at this precision"
LAYOUTS = {
    "grid": "Every combination of the values is a cell.",
    "map": "Two axes, every pair of their values a cell.",
    "one_at_a_time": "One axis at a time, all else as the file has it.",
}
FEW = 6
AS_WRITTEN = "as written"


def value_said(value: Any) -> str:
    """A value in short: two arms as 24 + 12 patients or 0.6 v 0.25, a range by its ends, other tables by key."""
    if value is None:
        return AS_WRITTEN
    if isinstance(value, dict):
        return _table_said(value)
    if isinstance(value, (list, tuple)):
        return "[" + "; ".join(map(value_said, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str) else f"{value:.12g}"


def _table_said(table: dict[str, Any]) -> str:
    numbers = all(isinstance(value, (int, float)) for value in table.values())
    if numbers and set(table) == {"treatment", "control"}:
        joint = " + " if all(isinstance(value, int) for value in table.values()) else " v "
        return joint.join(value_said(table[arm]) for arm in ("treatment", "control"))
    if numbers and set(table) == {"from", "to"}:
        return f"{value_said(table['from'])} to {value_said(table['to'])}"
    parts = (value_said(value) if key == "kind" else f"{key} {value_said(value)}" for key, value in table.items())
    return ", ".join(parts)


def shortened(text: str, longest: int = LONGEST) -> str:
    """At most so many letters; dots stand for what is left out."""
    return text if len(text) <= longest else text[: longest - 3].rstrip(" ,;") + "..."


def values_said(axis: SweptAxis) -> str:
    """The values of an axis: all where they are few, else the first, the last and how many."""
    many = len(axis.values)
    if many <= FEW:
        said = [shortened(value_said(value)) for value in axis.values]
        return ("; " if any("," in one for one in said) else ", ").join(said)
    first, last = (shortened(value_said(axis.values[k])) for k in (0, -1))
    return f"{first} to {last} ({many:,} values)" if axis.numeric else f"{first}, ..., {last} ({many:,} values)"


def place_said(frame: Frame, axis: int, at: int, own: Any) -> str:
    """The value at a place of an axis; below 0 the file's own value."""
    return shortened(value_said(own if at < 0 else frame.axes[axis].values[at]))


def settings_said(frame: Frame, settings: Settings) -> str:
    """What is changed in a cell, in words."""
    words = {axis.path: axis.said for axis in frame.axes}
    return ", ".join(f"{words[path]} {shortened(value_said(value))}" for path, value in settings) or AS_WRITTEN


def number(value: float, threshold: float) -> str:
    """A number with enough digits to stand on the right side of a threshold, and never 0 where it is not."""
    text = beside(value, threshold)
    return chance(value) if float(text) == 0 and 0 < value < 1 else text


def point_said(point: Point, threshold: float) -> str:
    """A target's number with its Monte Carlo error, if it has one, and its mark."""
    error = "" if point.estimate.mcse is None else f" ± {shown_error(point.estimate.mcse, 'number')}"
    return f"{number(point.estimate.value, threshold)}{error} {MARKS[point.outcome]}"
