"""What a path of a file names, and the content of a file with another value there.

Keys are joined by dots, and members of a list are counted from 1: ``design.looks.2.treatment`` or
``design.looks[2].treatment``.
"""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic_core import PydanticUndefined

from anatrial.documents.trial_scenario import QUESTIONS
from anatrial.domain.cells import Settings
from anatrial.errors import Fault, InputError
from anatrial.spec import TAGS, Spec, members, specs_in, tags_of

LONGEST = 200
DEEPEST = 12
REASON = "changed to see what it does"
"""Stands where a table that a path adds must give a reason."""
FIXED = {
    **dict.fromkeys(QUESTIONS, "asks more about the trial and is no part of it"),
    **dict.fromkeys(("title", "question", "notes"), "is text for readers"),
    "arms": "names the arms for readers",
    "version": "is the version of the format",
    "indication": "is where all priors come from: name several scenarios in a sweep file instead",
    "endpoint": "is what all priors must be on: definition changes what is counted",
    "targets": "judges the numbers and changes none of them",
    "drift": "is a table of a run: drift, with a number, moves the control rates",
    "definitions": "is a table of a run: definition, with an endpoint, moves the planned rates",
    **dict.fromkeys(("secondary", "also_primary"), "changes no number of the primary endpoint"),
    "size": "is for anatrial size alone: design.n changes the number of patients",
}
"""Keys of a scenario file on which no number depends, or that hold for all cells: no axis changes them."""
ABSENT: Any = object()
INDEX = re.compile(r"[1-9][0-9]{0,6}")
BRACKETS = re.compile(r"\[([0-9]+)\]")


class Spot(NamedTuple):
    """A place in a file: what its form allows there, and what stands there, or would by default; else ``ABSENT``."""

    form: Any
    value: Any


def steps(path: str) -> tuple[str, ...]:
    """The keys of a path; ``InputError`` where it is none, as with two dots in a row."""
    found = tuple(BRACKETS.sub(r".\1", path).split("."))
    if len(path) > LONGEST:
        got, expected = f"a path of {len(path):,} letters", f"at most {LONGEST}"
        raise InputError(Fault("path", got, expected))
    if not all(found) or not path.isprintable():
        fix = "count the members of a list from 1, as in design.looks.2.treatment"
        raise InputError(Fault("path", repr(path), "keys with dots between them, as in design.n.control", fix))
    return found


def changed(data: dict[str, Any], path: str, value: Any, form: type[Spec]) -> dict[str, Any]:
    """A copy of the content of a file with ``value`` at ``path``; what is not changed is shared, ``data`` stays.

    A table that the file does not write starts from the default of the form, and where it must give a reason
    (``why``), from ``REASON``.

    Raises ``InputError`` for a path that the form does not have, or for a member that a list does not have.
    """
    way = steps(path)
    if way[0] in FIXED:
        raise InputError(_fixed(way[0]))
    copy = dict(data)
    here: Any = copy
    for depth, step in enumerate(way, start=1):
        key = _key(here, step)
        inner = ABSENT if key is None else here[key]
        if depth == len(way):
            if key is None:
                _existing(data, path, way, form)
            here[step if key is None else key] = value
        else:
            if not isinstance(inner, dict | list):
                inner = _begun(_existing(data, path, way[:depth], form), data, path, form)
            fresh = dict(inner) if isinstance(inner, dict) else list(inner)
            here[step if key is None else key] = here = fresh
    return copy


def _key(here: Any, step: str) -> str | int | None:
    """The key of a table, or the index of a list, that stands there; None where there is none."""
    if isinstance(here, dict):
        return step if step in here else None
    return int(step) - 1 if INDEX.fullmatch(step) and int(step) <= len(here) else None


def _existing(data: dict[str, Any], path: str, way: tuple[str, ...], form: type[Spec]) -> Spot:
    found = spot(data, way, form)
    if found is None:
        raise InputError(unknown(path, data, form))
    return found


def _begun(found: Spot, data: dict[str, Any], path: str, form: type[Spec]) -> Any:
    """The table that a path enters where the file has none."""
    if isinstance(found.value, dict | list):
        return found.value
    tables = specs_in(found.form)
    if found.value is not ABSENT or not tables:
        raise InputError(unknown(path, data, form))
    why = tables[0].model_fields.get("why")
    return {"why": REASON} if why is not None and why.is_required() else {}


def spot(data: dict[str, Any], way: tuple[str, ...], form: Any) -> Spot | None:
    """The place that the steps lead to; None where the form has none, or the file no member of that name."""
    found = Spot(form, data)
    for step in way:
        inner = children(found).get(step)
        if inner is None:
            return None
        found = inner
    return found


def children(at: Spot) -> dict[str, Spot]:
    """Every key or member that a place may have, by its step."""
    if isinstance(at.value, list):
        return {str(k): Spot(_element(at.form, k - 1), value) for k, value in enumerate(at.value, start=1)}
    if at.value is not ABSENT and not isinstance(at.value, dict):
        return {}
    written = {} if at.value is ABSENT else at.value
    tables = _tables(at.form, written)
    if not tables:
        return {key: Spot(_element(at.form, -1), value) for key, value in written.items()}
    found: dict[str, Spot] = {}
    for table in tables:
        for name, field in table.model_fields.items():
            key = field.alias or name
            value = written.get(key, ABSENT)
            if value is ABSENT:
                value = _plain(field.get_default(call_default_factory=True))
            found.setdefault(key, Spot(field.annotation, value))
    return found


def _tables(form: Any, written: dict[str, Any]) -> list[type[Spec]]:
    """The forms of a table that its kind leaves; all of them where it says none."""
    tables = specs_in(form)
    if len(tables) < 2:
        return tables
    kind = next((written[tag] for tag in TAGS if tag in written), None)
    return [table for table in tables if kind in tags_of(table)] or tables


def _element(form: Any, index: int) -> Any:
    """What the form allows as a member of a list (``index`` from 0), or as a value of a table of names (-1)."""
    arguments = next((typing.get_args(m) for m in members(form) if typing.get_args(m)), ())
    if not arguments:
        return Any
    return arguments[0] if arguments[-1] is Ellipsis else arguments[min(index, len(arguments) - 1)]


def _plain(default: Any) -> Any:
    """A default as a file would write it; ``ABSENT`` where there is none."""
    if default is None or default is PydanticUndefined:
        return ABSENT
    if isinstance(default, Spec):
        return default.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(default, tuple):
        return [_plain(inner) for inner in default]
    return {key: _plain(inner) for key, inner in default.items()} if isinstance(default, dict) else default


def paths_of(data: dict[str, Any], form: Any, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Every path that this file may change, in its own names and counts."""
    yield from _below(Spot(form, data), above)


def _below(at: Spot, above: tuple[str, ...]) -> Iterator[str]:
    for step, inner in children(at).items():
        if (above or step not in FIXED) and len(above) < DEEPEST:
            way = (*above, step)
            yield ".".join(way)
            yield from _below(inner, way)


def path_faults(path: str, data: dict[str, Any], form: type[Spec], more: tuple[str, ...] = ()) -> list[Fault]:
    """What is wrong with a path, at most one fault; ``more`` are valid paths that the form does not know."""
    try:
        way = steps(path)
    except InputError as error:
        return list(error.faults)
    if way[0] in FIXED:
        return [_fixed(way[0])]
    return [] if spot(data, way, form) is not None else [unknown(path, data, form, more)]


def _fixed(key: str) -> Fault:
    return Fault("path", repr(key), "a field that numbers depend on", f"{key} {FIXED[key]}")


def unknown(path: str, data: dict[str, Any], form: type[Spec], more: tuple[str, ...] = ()) -> Fault:
    """The fault of a path that the file cannot have, with the nearest valid one."""
    valid = [*paths_of(data, form), *more]
    way, close = steps(path)[:-1], difflib.get_close_matches(".".join(steps(path)), valid, n=1, cutoff=0.7)
    while (found := spot(data, way, form)) is None:
        way = way[:-1]
    at = f" in {'.'.join(way)}" if way else ""
    if isinstance(found.value, list) and found.value:
        fix = f"{'.'.join(way)} has {len(found.value)} members, counted from 1"
    elif close:
        fix = f"did you mean {close[0]!r}?"
    else:
        names = sorted(name for name in children(found) if way or name not in FIXED)
        fix = f"valid{at}: {', '.join(names)}" if names else f"there is nothing{at} to name"
    return Fault("path", repr(path), "a field of this file", fix)


def said_setting(settings: Settings) -> str:
    """What is changed, in words: ``design.n = 20, rule.certainty = 0.98``."""
    return ", ".join(f"{path} = {_said(value)}" for path, value in settings)


def _said(value: Any) -> str:
    """A value as a file writes it, at most 80 letters of it."""
    text = _written(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_written(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, default=str, ensure_ascii=False)
