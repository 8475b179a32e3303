"""The base of every spec (what a person writes in a file), and strict reading of TOML into one.

A spec is a frozen, strict pydantic model. Reading reports every fault of a file at once, in the words of the file.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from anatrial.errors import Fault, InputError

MAX_BYTES = 1_000_000
MAX_KEY_DEPTH = 10
MAX_N = 2_000  # patients per arm up to which every probability is enumerated

QUOTED = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*",
    re.DOTALL,
)
"""Strings and comments of a TOML file."""
NAME_PATTERN = r"^[a-z0-9-]+$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=80)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)]
Rate = Annotated[float, Field(ge=0, le=1)]
OpenRate = Annotated[float, Field(gt=0, lt=1)]
RateDifference = Annotated[float, Field(gt=-1, lt=1)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
ArmSize = Annotated[int, Field(ge=1, le=MAX_N)]
Shape = Annotated[float, Field(ge=1e-3, le=1e5)]


class Spec(BaseModel):
    """What a person writes: frozen, strict, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, validate_default=True, defer_build=True
    )


TAGS = ("kind", "method", "family")
SpecT = TypeVar("SpecT", bound=Spec)


class Versioned(Spec):
    """A file format: refuses a version that it does not know instead of guessing."""

    version: Annotated[int, Field(ge=1, le=1)]


def parse_toml(
    text: str, model: type[SpecT], where: str, cross: Callable[[SpecT], Iterable[Fault]] = lambda _: ()
) -> SpecT:
    """A spec from the text of a TOML file; ``where`` names the file in messages.

    Raises ``InputError`` with every fault: broken TOML, unknown keys, wrong types, values out of range, and what
    ``cross`` finds between the parts of the file.
    """
    found, faults = examine_toml(text, model, where, cross)
    if faults or found is None:
        raise InputError(*faults)
    return found


def examine_toml(
    text: str,
    model: type[SpecT],
    where: str,
    cross: Callable[[SpecT], Iterable[Fault]] = lambda _: (),
) -> tuple[SpecT | None, list[Fault]]:
    """The spec, if its parts stand, and every fault; text that is no TOML raises at once."""
    return examine_data(toml_data(text, where), model, where, cross)


def examine_data(
    data: dict[str, Any],
    model: type[SpecT] | Callable[[dict[str, Any]], type[SpecT]],
    where: str,
    cross: Callable[[SpecT], Iterable[Fault]] = lambda _: (),
    loose: Callable[[dict[str, Any]], Iterable[Fault]] = lambda _: (),
) -> tuple[SpecT | None, list[Fault]]:
    """The same from the content of a file, which stays as it is; for readers that go on to look for more faults.

    ``model`` may be a function that chooses the form from the raw content. ``loose`` looks for faults in the raw
    content where the parts do not stand.
    """
    faults = [Fault(spoken(path), got, "a plain, finite value", fix) for path, got, fix in _unfit(data, ())]
    told = {fault.where for fault in faults}
    found, refused = _built(data, model if isinstance(model, type) else model(data))
    faults += [fault for fault in refused if fault.where not in told]
    faults += cross(found) if found is not None else loose(data)
    return found, [Fault(f"{where}: {fault.where}", *fault[1:]) for fault in faults]


def _built(data: dict[str, Any], model: type[SpecT]) -> tuple[SpecT | None, list[Fault]]:
    """The spec and its faults; unknown keys are told and then left out, so that they hide nothing else."""
    faults: list[Fault] = []
    while True:
        try:
            return model.model_validate_json(json.dumps(data, default=lambda _: None)), faults
        except ValidationError as error:
            faults += _faults(error, model)
            extra = [_locate(model, e["loc"]).path for e in error.errors() if e["type"] == "extra_forbidden"]
            if not extra or len(extra) < error.error_count():
                return None, faults
        data = copy.deepcopy(data)
        for *path, key in extra:
            table: Any = data
            for step in path:
                table = table[step]
            del table[key]


def toml_data(text: str, where: str) -> dict[str, Any]:
    """The content of a TOML file; ``InputError`` for one that is too large, too deep, or no TOML."""
    text = text.removeprefix("\ufeff")
    if len(text.encode()) > MAX_BYTES:
        raise InputError(
            Fault(where, f"{len(text.encode()):,} bytes", f"at most {MAX_BYTES:,} bytes", "split the file")
        )
    if any(line.count(".") >= MAX_KEY_DEPTH for line in text.split("\n")):  # rare: then look again without the strings
        bare = QUOTED.sub("", text)
        if any(key.count(".") >= MAX_KEY_DEPTH for key in re.split(r"[=,{}\[\]\n]", bare)):
            raise InputError(Fault(where, "a very deep key", f"keys at most {MAX_KEY_DEPTH} levels deep"))
    try:
        data = tomllib.loads(text)
        json.dumps(data, default=str)  # nested deeper than Python counts, in arrays
    except (ValueError, RecursionError) as error:
        got = "too deeply nested" if isinstance(error, RecursionError) else str(error)
        raise InputError(Fault(where, got, "a valid TOML file", "see https://toml.io for the format")) from None
    return data


def _unfit(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Values that TOML has and specs refuse: dates, infinities, not-a-number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _unfit(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unfit(inner, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, str(value), "give a number"
    elif not isinstance(value, str | int | float | bool):
        yield path, str(value), "write dates and times as text in quotes"


def spoken(path: tuple[str | int, ...]) -> str:
    """A path as a person says it, counting from 1: ``("targets", 1, "truth")`` is ``targets 2, truth``."""
    said, counted = "", False
    for step in path:
        if isinstance(step, int):
            said += f" {step + 1}"
        else:
            said += ("" if not said else ", " if counted else ".") + step
        counted = isinstance(step, int)
    return said or "the file"


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint with the most similar valid name, or the list of valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"valid: {', '.join(names)}" if names else "there are none"


def _faults(error: ValidationError, model: type[Spec]) -> Iterator[Fault]:
    for item in error.errors(include_url=False):
        place = _locate(model, item["loc"])
        yield Fault(
            spoken(place.path), *_told(item["type"], item["input"], str(item["msg"]), item.get("ctx", {}), place)
        )


def _told(kind: str, given: object, message: str, ctx: dict[str, Any], place: _Place) -> tuple[str, str, str]:
    """What was got, what is expected, and how to mend it."""
    key = str(place.path[-1]) if place.path else ""
    match kind:
        case "extra_forbidden":
            return f"unknown key {key!r}", "a known key", nearest(key, keys(place.owner))
        case "missing":
            return "nothing", repr(key), f"add {key}"
        case "union_tag_invalid" | "union_tag_not_found":
            tags, tag = [t for spec in place.specs for t in tags_of(spec)], str(ctx.get("tag", ""))
            got = repr(tag) if tag else "no kind"
            return got, f"one of {', '.join(sorted(tags))}", nearest(tag, tags) if tag else "say which"
        case "literal_error" if isinstance(given, str):
            valid = re.findall(r"'([^']+)'", str(ctx.get("expected", "")))
            return repr(given), f"one of {', '.join(valid)}", nearest(given, valid)
        case "value_error":
            got, _, expected = message.removeprefix("Value error, ").partition(" | ")
            return got, expected, ""
        case _:
            return shown(given), *_expected(kind, message, ctx, place)


def _expected(kind: str, message: str, ctx: dict[str, Any], place: _Place) -> tuple[str, str]:
    """What is expected of a single value, and how to mend it."""
    match kind:
        case "greater_than_equal" | "less_than_equal" if place.path == ("version",):
            return "1, the version of the format that this program knows", ""
        case "less_than_equal" if ctx.get("le") == MAX_N:
            return f"at most {MAX_N} patients per arm", "every possible result is enumerated, which ends there"
        case "string_pattern_mismatch":
            pattern = str(ctx.get("pattern", ""))
            return "small letters, digits and hyphens" if pattern == NAME_PATTERN else f"text like {pattern}", ""
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"a table with {', '.join(keys(place.specs[0]))}" if place.specs else "a table", ""
        case "too_long" | "too_short":
            few, many = ctx.get("min_length"), ctx.get("max_length")
            return f"at most {many} of them" if kind == "too_long" else f"at least {few} of them", ""
        case _:
            return message.removeprefix("Input should be ").strip(), ""


def keys(owner: type[Spec] | None) -> tuple[str, ...]:
    """The keys that a table may have, as a file writes them."""
    return tuple(field.alias or name for name, field in owner.model_fields.items()) if owner else ()


def shown(value: object) -> str:
    """A value as messages show it, at most 80 letters of it."""
    if isinstance(value, Mapping):
        return "a table with " + (", ".join(map(str, value)) or "nothing")
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


class _Place(NamedTuple):
    """A place in a file: its path without union tags, the owner of its last key, the tables that may stand there."""

    path: tuple[str | int, ...]
    owner: type[Spec] | None
    specs: list[type[Spec]]


def _locate(model: type[Spec], loc: tuple[str | int, ...]) -> _Place:
    path: list[str | int] = []
    here: Any = model
    owner: type[Spec] | None = None
    for step in loc:
        specs = specs_in(here)
        tagged = [spec for spec in specs if step in tags_of(spec)]
        if len(specs) > 1 and tagged:
            here = tagged[0]
            continue
        if step == "[key]":  # a key of a table that is itself wrong
            continue
        path.append(step)
        owner = next((spec for spec in specs if step in keys(spec)), specs[0] if specs else None)
        here = _inner(owner, members(here), step)
    return _Place(tuple(path), owner, specs_in(here))


def specs_in(annotation: Any) -> list[type[Spec]]:
    """The tables among the alternatives of an annotation."""
    return [m for m in members(annotation) if isinstance(m, type) and issubclass(m, Spec)]


def _inner(owner: type[Spec] | None, alternatives: list[Any], step: str | int) -> Any:
    """The annotation of what stands at ``step``."""
    if owner is not None:
        return next((f.annotation for name, f in owner.model_fields.items() if step in (name, f.alias)), None)
    arguments = next((typing.get_args(m) for m in alternatives if typing.get_args(m)), ())
    if not arguments:
        return None
    return arguments[0] if arguments[-1] is Ellipsis else arguments[-1]


def members(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, with ``Annotated``, ``Union`` and ``None`` taken off."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return members(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return [m for a in typing.get_args(annotation) if a is not type(None) for m in members(a)]
    return [annotation]


def tags_of(model: type[Spec]) -> tuple[str, ...]:
    """The tag of a member of a union: the only value of its ``kind``, ``method`` or ``family``."""
    field = next((model.model_fields[tag] for tag in TAGS if tag in model.model_fields), None)
    return typing.get_args(field.annotation) if field else ()


def digest(content: object) -> str:
    """sha256 of canonical JSON (sorted keys, no spaces, shortest digits of each number)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
