"""The long table of a sweep: one row per cell, truth and metric, built as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from anatrial.domain.sweeps import Places, SweptAxis, SweptCell

BATCH = 2048
"""Cells that are written at once; it decides how the rows are grouped in a Parquet file, and so its bytes."""
ENGINES = ["exact", "simulated"]
NUMBERS = ("value", "lower", "upper", "mcse", "draws")
NOTHING = (None, (None,) * len(NUMBERS), None)
"""In place of the metric of a failed cell."""
NONE = -1
HEAD = (("cell", "int"), ("scenario", "text"))
REST = (
    *(("truth", "text"), ("kind", "text"), ("metric", "text"), ("value", "double"), ("lower", "double")),
    *(("upper", "double"), ("mcse", "double"), ("draws", "int"), ("at", "double"), ("engine", "text")),
    ("failure", "text"),
)


def sweep_columns(axes: Sequence[SweptAxis]) -> tuple[tuple[str, str], ...]:
    """Names and forms (``int``, ``double``, ``text``) of the columns; each axis has one, named by its path."""
    return (*HEAD, *((axis.path, _form(axis)) for axis in axes), *REST)


def _form(axis: SweptAxis) -> str:
    return "int" if axis.whole else "double" if axis.numeric else "text"


def sweep_batches(axes: Sequence[SweptAxis], cells: Iterable[SweptCell]) -> Iterator[dict[str, Any]]:
    """The rows of cells in their order, in batches of columns: lists, or ``(values, places)`` where values recur.

    A failed cell has one row, with why. An axis that a cell leaves as its file has it is missing there.
    """
    places, rest = Places(axes), iter(cells)
    values = [[_plain(value, form) for value in axis.values] for axis, form in zip(axes, map(_form, axes), strict=True)]
    while batch := list(islice(rest, BATCH)):
        yield _columns(batch, axes, places, values)


def _plain(value: Any, form: str) -> Any:
    """A value as its column holds it: numbers and texts as they are, everything else as JSON text."""
    if form != "text" or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _columns(
    cells: list[SweptCell], axes: Sequence[SweptAxis], places: Places, values: list[list[Any]]
) -> dict[str, Any]:
    """The rows of some cells. Whole lists at a time: a sweep has millions of rows."""
    truths: list[str | None] = []
    kinds: list[str | None] = []
    metrics: list[Any] = []
    many, failures = [], []
    for cell in cells:
        before = len(metrics)
        if cell.result.failure is not None:
            truths.append(None)
            kinds.append(None)
            metrics.append(NOTHING)
        for found in cell.result.characteristics:
            truths += [found.truth] * len(found.metrics)
            kinds += [found.kind] * len(found.metrics)
            metrics += found.metrics
        many.append(len(metrics) - before)
        failures += [cell.result.failure] * many[-1]
    names, estimates, rates = zip(*metrics, strict=True)
    numbers = dict(zip(NUMBERS, map(list, zip(*estimates, strict=True)), strict=True))
    engine = [
        NONE if v is None else error is not None for v, error in zip(numbers["value"], numbers["mcse"], strict=True)
    ]
    scenarios = list(dict.fromkeys(cell.scenario for cell in cells))
    at = np.array([places.of(cell.settings) for cell in cells], np.int32).reshape(len(cells), len(axes))
    return {
        "cell": np.repeat([cell.number for cell in cells], many),
        "scenario": (scenarios, np.repeat([scenarios.index(cell.scenario) for cell in cells], many)),
        **{axis.path: (values[k], np.repeat(at[:, k], many)) for k, axis in enumerate(axes)},
        "truth": truths,
        "kind": kinds,
        "metric": list(names),
        **numbers,
        "at": list(rates),
        "engine": (ENGINES, np.array(engine, np.int8)),
        "failure": failures,
    }
