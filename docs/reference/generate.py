"""Writes the reference of the file formats from the specs themselves: ``python docs/reference/generate.py``.

``scenario.md``, ``indication.md`` and ``sweep.md`` are whole pages; the table of discounts is put between two marks of
``docs/explanation/evidence-and-discounts.md``. A test compares the committed pages with what this file makes.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
import types
import typing
from itertools import pairwise
from pathlib import Path
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from anatrial.documents.indication import Indication
from anatrial.documents.scenario import Scenario
from anatrial.documents.scenario_faults import KINDS
from anatrial.documents.sweeps import SweepFile
from anatrial.documents.trial_scenario import TrialScenario
from anatrial.documents.trials import KINDS as TRIALS
from anatrial.documents.trials import scenario_class
from anatrial.methods.pooled import Pooled
from anatrial.methods.recipe import DISCOUNTS
from anatrial.spec import Spec

DOCS = Path(__file__).parents[1]
HEADS: dict[type[Spec], str] = {
    Scenario: """\
        # Reference: the scenario file

        A scenario is a TOML file: a trial, how it is judged, the realities assumed, and what must hold. Keys that are
        not listed here are refused, with the nearest valid name, and one reading reports every fault of the file. For
        editors, `anatrial schema scenario` prints the same as JSON Schema.

        This page is for trials that count responders in one arm or two (`design.kind` is `fixed` or `sequential`).
        Other kinds of trial have pages of their own: TRIALS.
        """,
    Indication: """\
        # Reference: the indication file

        An indication is a TOML file in `priors/`: its endpoints, what was published, and recipes that make priors of
        it. Keys that are not listed here are refused, with the nearest valid name. For editors,
        `anatrial schema indication` prints the same as JSON Schema.
        """,
    SweepFile: """\
        # Reference: the file of a sweep over several scenarios

        The same axes for several scenarios. A sweep of one scenario needs no file of its own: `[[axes]]`, `[sweep]`,
        `[[tipping_points]]` and `[pareto]` stand in the [scenario](scenario.md). What a path may name is told in
        [axes](../how-to/axes.md). `anatrial schema sweep` prints the same as JSON Schema.
        """,
}
TRIAL = """\
    # Reference: the scenario file of a trial with `design.kind = "KIND"`

    ABOUT

    What is not listed here is refused, as in [every scenario](scenario.md); `anatrial schema KIND` prints the same as
    JSON Schema.
    """
NOTE = "<!-- Written by docs/reference/generate.py from the specs; change those, not this page. -->"


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    explanation = DOCS / "explanation" / "evidence-and-discounts.md"
    return {
        DOCS / "reference" / "scenario.md": page(Scenario) + metrics(KINDS),
        **{trial_page(kind): page(model) + metrics(model.metric_kinds) for kind, model in trials().items()},
        DOCS / "reference" / "indication.md": page(Indication),
        DOCS / "reference" / "sweep.md": page(SweepFile),
        explanation: between(explanation.read_text(encoding="utf-8"), "discounts", discounts()),
    }


def trials() -> dict[str, type[TrialScenario]]:
    """The form of every kind of trial that is not told by the counts of one arm or two."""
    return {kind: scenario_class(kind) for kind in sorted(TRIALS)}


def trial_page(kind: str) -> Path:
    """Where the reference of a kind of trial is written."""
    return DOCS / "reference" / f"trial-{kind.replace('_', '-')}.md"


def head(root: type[Spec]) -> str:
    """The first words of a page."""
    kind = next((kind for kind, model in trials().items() if model is root), None)
    if kind is not None:
        about = " ".join(inspect.cleandoc(root.__doc__ or "").replace("``", "`").split())
        return textwrap.dedent(TRIAL).replace("KIND", kind).replace("ABOUT", about)
    links = ", ".join(f"[`{kind}`]({trial_page(kind).name})" for kind in trials())
    return textwrap.dedent(HEADS[root]).replace("TRIALS", links)


def between(text: str, name: str, content: str) -> str:
    """The text with the part between the two marks of this name replaced."""
    pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}\n{content}\n{found[2]}", text, flags=re.DOTALL)


def page(root: type[Spec]) -> str:
    """The page of a file format: one section per table that the file may hold."""
    sections: dict[type[Spec], list[str]] = {}
    queue: list[tuple[type[Spec], str]] = [(root, "")]
    while queue:
        model, path = queue.pop(0)
        seen = model in sections
        sections.setdefault(model, []).append(path)
        if seen:
            continue
        inner = [
            found
            for name, field in model.model_fields.items()
            for found in specs_in(field.annotation, f"{path}.{field.alias or name}".lstrip("."))
        ]
        queue = inner + queue
    parts = [head(root), NOTE]
    parts += [section(model, list(dict.fromkeys(paths))) for model, paths in sections.items()]
    return "\n".join(parts)


def specs_in(annotation: Any, path: str) -> list[tuple[type[Spec], str]]:
    """The specs of an annotation with the path that a file writes for each."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return specs_in(arguments[0], path)
    if origin in {typing.Union, types.UnionType}:
        return [found for inner in arguments for found in specs_in(inner, path)]
    if origin is tuple:
        return specs_in(arguments[0], f"{path}[]")
    if origin is dict:
        return specs_in(arguments[1], f"{path}.<name>")
    return [(annotation, path)] if isinstance(annotation, type) and issubclass(annotation, Spec) else []


def heading(model: type[Spec], path: str) -> str:
    """The name of a section: how the table is written, with its kind where there are several."""
    tag = next((f'{key} = "{kind}"' for key in ("kind", "method") if (kind := tag_of(model, key))), "")
    if not path:
        return "At the top of the file"
    written = f"[[{path[:-2].replace('[]', '')}]]" if path.endswith("[]") else f"[{path.replace('[]', '')}]"
    return f"`{written}`" + (f" with `{tag}`" if tag else "")


def tag_of(model: type[Spec], key: str) -> str:
    """The value of ``kind`` or ``method`` that chooses this spec; empty where there is no choice."""
    field = model.model_fields.get(key)
    values = typing.get_args(field.annotation) if field is not None else ()
    return str(values[0]) if len(values) == 1 else ""


def section(model: type[Spec], paths: list[str]) -> str:
    """A heading, what the table says, and a row per key."""
    lines = [f"\n## {heading(model, paths[0])}\n", *first_words(model)]
    others = [f"`{path.replace('[]', '')}`" for path in paths[1:]]
    if others:
        lines += [f"The same at {', '.join(others)}.", ""]
    lines += ["| key | what | default | meaning |", "|---|---|---|---|"]
    meanings = attribute_words(model)
    for name, field in model.model_fields.items():
        cells = (f"`{field.alias or name}`", what(field), default(field), meanings.get(name, ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def first_words(model: type[Spec]) -> list[str]:
    """The docstring of a spec as paragraphs."""
    text = inspect.cleandoc(model.__doc__ or "").replace("``", "`")
    return [*text.splitlines(), ""]


def attribute_words(model: type[Spec]) -> dict[str, str]:
    """What the source says under each field, its own and inherited."""
    found: dict[str, str] = {}
    written = [m for m in model.__mro__ if issubclass(m, Spec) and m is not Spec and "[" not in m.__name__]
    for owner in reversed(written):  # a generic form stands there once more with its parameters filled in
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for line, following in pairwise(body):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(following, ast.Expr)
            ):
                words = getattr(following.value, "value", None)
                if isinstance(words, str):
                    found[line.target.id] = " ".join(words.split()).replace("``", "`")
    return found


def what(field: FieldInfo) -> str:
    """What a key holds, in words."""
    return said(field.annotation, field.metadata)


def said(annotation: Any, limits: list[Any]) -> str:  # noqa: PLR0911 - one line per kind of type
    """A type in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return said(arguments[0], [*arguments[1:]])
    if origin in {typing.Union, types.UnionType}:
        kept = [a for a in arguments if a is not type(None)]
        if len(kept) > 1 and all(specs_in(a, "") for a in kept):
            return "a table, by its kind"
        found = " or ".join(dict.fromkeys(said(a, limits if len(kept) == 1 else []) for a in kept))
        return found.replace("whole number or number", "number")
    if origin is typing.Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is not Ellipsis:
            return f"two of: {said(arguments[0], [])}"
        return f"list of: {said(arguments[0], [])}"
    if origin is dict:
        return f"a table by name, of: {said(arguments[1], [])}"
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return "a table"
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "whatever the key takes"}
    return names.get(annotation, str(annotation)) + limited(limits)


def limited(limits: list[Any]) -> str:
    """The range of a number, or the form of a text."""
    flat: list[Any] = []
    for limit in limits:
        flat += list(limit.metadata) if isinstance(limit, FieldInfo) else [limit]
    words = []
    for limit in flat:
        match limit:
            case annotated_types.Ge(ge):
                words.append(f"at least {ge:g}")
            case annotated_types.Gt(gt):
                words.append(f"above {gt:g}")
            case annotated_types.Le(le):
                words.append(f"at most {le:,.6g}")
            case annotated_types.Lt(lt):
                words.append(f"below {lt:,.6g}" if lt < 1e9 else f"below {lt:.2g}")
            case _ if getattr(limit, "pattern", None) == "^[a-z0-9-]+$":
                return " (a name: small letters, digits, hyphens)"
            case _ if getattr(limit, "pattern", None):
                return f" like `{limit.pattern}`"
    return ", " + ", ".join(words) if words else ""


def default(field: FieldInfo) -> str:
    """The default as a file would write it, or that the key is required."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, Spec):
        written = value.model_dump(mode="json", exclude_none=True)
        pairs = (f"{key} = {json.dumps(inner)}" for key, inner in written.items())
        return f"`{{ {', '.join(pairs)} }}`"
    return f"`{json.dumps(value)}`"


def metrics(kinds_of: dict[str, tuple[str, ...]]) -> str:
    """Which metric can be asked of which truth."""
    lines = ["\n\n## Which metric a target may ask of which truth\n", "| metric | truths |", "|---|---|"]
    for name, kinds in kinds_of.items():
        written = ", ".join(f"`{kind}`" for kind in kinds)
        lines.append(f"| `{name}` | {written} |")
    return "\n".join(lines) + "\n\nEvery number is defined in [definitions](definitions.md).\n"


def discounts() -> str:
    """The default weight of a study by its design tier, under each method that counts."""
    pooled = Pooled.model_construct()
    lines = ["| design tier | weight, `power_prior` | weight, `pooled` | why |", "|---|---|---|---|"]
    for tier, discount in DISCOUNTS.items():
        lines.append(f"| `{tier}` | {discount.weight:g} | {pooled.default_weight(tier).weight:g} | {discount.why} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
