"""A result as the bytes that are kept: JSON, with NaN and infinities under JavaScript's names.

Written for speed: a sweep that has run before does little else than read these.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json, to_json

from anatrial.domain.cells import CellResult
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics

_of = tuple.__new__  # half the time of calling the class of a named tuple


def json_bytes(content: Any) -> bytes:
    """Numbers come back with the same bits."""
    return to_json(content, inf_nan_mode="constants")


def content_of(result: CellResult) -> bytes:
    """Truths with their metrics, patients, failure."""
    truths = [[found.truth, found.kind, list(map(_written, found.metrics))] for found in result.characteristics]
    return json_bytes([truths, result.patients, result.failure])


def result_of(content: bytes) -> CellResult:
    """The result that was written by ``content_of``."""
    truths, patients, failure = from_json(content)
    found = tuple(
        [OperatingCharacteristics(truth, kind, tuple([_read(m) for m in metrics])) for truth, kind, metrics in truths]
    )
    return CellResult(found, patients, failure)


def _written(metric: Metric) -> list[Any]:
    """Name, numbers and place; of an exact number, whose bounds are itself, name, value and place."""
    name, (value, lower, upper, mcse, draws), at = metric
    if mcse is None and draws is None and repr(value) == repr(lower) == repr(upper):
        return [name, value, at]
    return [name, value, lower, upper, mcse, draws, at]


def _read(metric: list[Any]) -> Metric:
    if len(metric) == 3:
        name, value, at = metric
        return _of(Metric, (name, _of(Estimate, (value, value, value, None, None)), at))
    return _of(Metric, (metric[0], _of(Estimate, metric[1:6]), metric[6]))
