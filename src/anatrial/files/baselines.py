"""A baseline on disk: one line per number, sorted, so that equal content is equal bytes and a change reads well."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anatrial.domain.checked import Baseline, Entry
from anatrial.domain.results import Estimate
from anatrial.errors import Fault, InputError
from anatrial.files.texts import read_text, write_bytes
from anatrial.spec import digest

FORMAT, VERSION = "anatrial-baseline", 1
MOST_BYTES = 100_000_000
HOW = "anatrial check --baseline {} --update-baseline"


def read_baseline(path: Path) -> Baseline:
    """The baseline of a file; ``InputError`` for one that is missing, damaged, foreign or of a newer version."""
    where, fix = str(path), HOW.format(path)
    if not path.exists():
        raise InputError(Fault(where, "no such file", "a baseline", fix))
    text = read_text(path, where, MOST_BYTES)
    try:
        content = json.loads(text, parse_constant=_refused)
        ours, version = content["format"] == FORMAT, content["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        ours, version = False, 0
    if not ours:
        raise InputError(
            Fault(where, "a damaged or foreign file", "a baseline of this program", f"remove it, then: {fix}")
        )
    if version != VERSION:
        raise InputError(
            Fault(
                where,
                f"a baseline of version {version!r}",
                f"version {VERSION}",
                f"upgrade the program, or remove it, then: {fix}",
            )
        )
    try:
        return {str(name): _entry(found) for name, found in content["scenarios"].items()}
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise InputError(
            Fault(where, "a baseline that is damaged or was edited", "a whole one", f"remove it, then: {fix}")
        ) from None


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Keep a baseline, whole or not at all; ``InputError`` for a place that cannot be written to."""
    write_bytes(path, baseline_text(baseline).encode())


def baseline_text(baseline: Baseline) -> str:
    """The text of a baseline: the same bytes for the same content, and no clock time."""
    scenarios = [_lines(name, baseline[name]) for name in sorted(baseline)]
    head = f'{{\n "format": "{FORMAT}",\n "version": {VERSION},\n "scenarios": {{'
    return head + ",".join(f"\n{block}" for block in scenarios) + "\n }\n}\n"


def _lines(name: str, entry: Entry) -> str:
    """A scenario: a line for each input, number and verdict."""
    results = [f"{_json(truth)}: {_table(entry.results[truth], 4)}" for truth in sorted(entry.results)]
    parts = [
        f'"tool_version": {_json(entry.tool_version)}',
        f'"inputs_digest": {_json(digest(dict(entry.inputs)))}',
        f'"inputs": {_table(entry.inputs, 3)}',
        '"results": {' + ",".join(f"\n    {line}" for line in results) + "\n   }",
        f'"verdicts": {_table(entry.verdicts, 3)}',
    ]
    if entry.rates:
        rates = [f"{_json(truth)}: {_table(entry.rates[truth], 4)}" for truth in sorted(entry.rates)]
        parts.append('"rates": {' + ",".join(f"\n    {line}" for line in rates) + "\n   }")
    return f"  {_json(name)}: {{\n   " + ",\n   ".join(parts) + "\n  }"


def _table(rows: Mapping[str, Any], indent: int) -> str:
    lines = [f"\n{' ' * (indent + 1)}{_json(key)}: {_json(_plain(rows[key]))}" for key in sorted(rows)]
    return "{" + ",".join(lines) + f"\n{' ' * indent}}}" if lines else "{}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)  # ASCII: a name may hold anything


def _plain(value: Any) -> Any:
    """A number that is exact and its own bound stands alone; numbers that are none are written as text."""
    if not isinstance(value, Estimate):
        return value
    sure = value.mcse is None and value.value == value.lower == value.upper
    return _said(value.value) if sure else [_said(number) for number in value]


def _said(number: float | None) -> Any:
    return number if number is None or math.isfinite(number) else repr(number)


def _entry(content: dict[str, Any]) -> Entry:
    inputs = content["inputs"]
    if digest(inputs) != content["inputs_digest"]:
        raise ValueError("the inputs were edited")
    results = {
        str(truth): {str(metric): _estimate(found) for metric, found in rows.items()}
        for truth, rows in content["results"].items()
    }
    verdicts = {str(said): _text(outcome) for said, outcome in content["verdicts"].items()}
    rates = {
        str(truth): {str(metric): _number(rate) for metric, rate in rows.items()}
        for truth, rows in content.get("rates", {}).items()
    }
    known = {str(key): value for key, value in inputs.items()}
    return Entry(_text(content["tool_version"]), known, results, verdicts, rates)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError
    return found


def _estimate(found: Any) -> Estimate:
    if not isinstance(found, list):
        return Estimate(_number(found), _number(found), _number(found))
    value, lower, upper, mcse, draws = found
    error = None if mcse is None else _number(mcse)
    if (error is None) != (draws is None) or not (draws is None or type(draws) is int):
        raise TypeError
    return Estimate(_number(value), _number(lower), _number(upper), error, draws)


def _number(found: Any) -> float:
    """A number as it was written; those that are none are text."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise TypeError
    number = float(found)
    if isinstance(found, str) and math.isfinite(number):
        raise ValueError
    return number


def _refused(word: str) -> Any:
    raise ValueError(word)
