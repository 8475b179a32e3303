"""The JSON in which RBesT keeps a beta mixture: what its ``write_mix_json`` writes and its ``read_mix_json`` reads.

Read from RBesT's public source (1.8-2 of April 2025, where both appeared, and later changes up to 2026), not tried on a
running R:

- ``meta`` holds the attributes of R's matrix (dim, dimnames, link, class, likelihood), each an array, because jsonlite
  boxes single values; ``comp`` holds its three rows: weights, a, b;
- parts have names there and none here: they are written as ``comp1``, ``comp2``, ..., as RBesT names them, and names
  that are read are dropped;
- numbers are written with all their digits, so that what is written reads back the same here and there. RBesT itself
  rounds to 4 decimals unless told otherwise (``digits = 15``);
- the first releases of ``read_mix_json`` let jsonlite turn the names of a mixture of exactly three parts into a
  matrix, which R then refuses; later ones switch that off;
- ``read_mix_json`` rescales any weights to 1. Here, weights that miss 1 by more than 1e-6 are refused, because shapes
  of the same file have lost as many digits; between 1e-9 and 1e-6 they are rescaled; closer than that, kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from anatrial.errors import Fault, InputError

ROWS = ["w", "a", "b"]
KEPT, RESCALED = 1e-9, 1e-6  # how far the sum of weights may be from 1
WHERE = "RBesT mixture"
WRITE = "in R: write_mix_json(mix, file, digits = 15), with mix made by mixbeta or mixfit"
OTHERS = {
    "normMix": "normal mixture",
    "mvnormMix": "multivariate normal mixture",
    "gammaMix": "gamma mixture",
    "betaBinomialMix": "beta-binomial mixture, which counts follow and not a rate",
}

Part = tuple[float, float, float]


def written(parts: Sequence[Part]) -> str:
    """A beta mixture, rows of weight, a, b, as one line of RBesT's JSON."""
    names = [f"comp{k}" for k in range(1, len(parts) + 1)]
    meta = {
        "dim": [len(ROWS), len(parts)],
        "dimnames": [ROWS, names],
        "link": ["identity"],
        "class": ["betaMix", "mix"],
        "likelihood": ["binomial"],
    }
    comp = [[float(part[row]) for part in parts] for row in range(len(ROWS))]
    return json.dumps({"meta": meta, "comp": comp}, separators=(",", ":")) + "\n"


def read(text: str, *, shapes: tuple[float, float]) -> tuple[Part, ...]:
    """The parts of a beta mixture in RBesT's JSON.

    Parameters
    ----------
    text
        What ``write_mix_json`` wrote.
    shapes
        Least and largest shape that is taken.

    Returns
    -------
    Weight, a, b per part; weights sum to 1. Raises ``InputError``, with every fault, for broken JSON, mixtures of
    another kind or on another scale, weights that do not sum to 1, and shapes out of range.
    """
    content = _parsed(text)
    meta, comp = content.get("meta"), content.get("comp")
    if not isinstance(meta, dict) or not isinstance(comp, list):
        found = ", ".join(content) or "nothing"
        raise InputError(Fault(WHERE, found, "meta, the attributes, and comp, the numbers", WRITE))
    faults = [*_of_kind(meta), *_of_shape(meta, comp)]
    if not faults:
        faults = [*_of_numbers(comp, shapes)]
    if faults:
        raise InputError(*faults)
    total = math.fsum(comp[0])
    scale = 1.0 if abs(total - 1) < KEPT and max(comp[0]) <= 1 else total
    return tuple((float(w) / scale, float(a), float(b)) for w, a, b in zip(*comp, strict=True))


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InputError(Fault(WHERE, f"broken JSON: {error}", "what write_mix_json writes", WRITE)) from error
    if not isinstance(content, dict):
        raise InputError(
            Fault(WHERE, f"JSON that is a {type(content).__name__}", "an object with meta and comp", WRITE)
        )
    return content


def _whole(digits: str) -> float:
    """A whole number, as a float where it is too long to be anything but a fault."""
    return int(digits) if len(digits) <= 15 else float(digits)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _of_kind(meta: dict[str, Any]) -> Iterator[Fault]:
    """Faults of the class and of the link."""
    kinds = meta.get("class")
    if not isinstance(kinds, list) or "betaMix" not in kinds:
        known = [words for kind, words in OTHERS.items() if isinstance(kinds, list) and kind in kinds]
        got = f"{kinds}" + (f", a {known[0]}" if known else "")
        yield Fault(f"{WHERE}, meta.class", got, "betaMix: a law of a rate", 'in R: mixfit(rates, type = "beta")')
    if meta.get("link") not in (["identity"], "identity"):
        yield Fault(f"{WHERE}, meta.link", f"{meta.get('link')}", "identity: the rate itself", WRITE)


def _of_shape(meta: dict[str, Any], comp: list[Any]) -> Iterator[Fault]:
    """Faults of the table of numbers: its rows, their lengths, what is no number, and what ``meta`` says of it."""
    rows = [row if isinstance(row, list) else [] for row in comp]
    lengths = [len(row) for row in rows]
    if len(rows) != len(ROWS) or not lengths[0] or len(set(lengths)) > 1:
        yield Fault(f"{WHERE}, comp", f"rows of {lengths} numbers", "three rows of equal length: weights, a, b", WRITE)
        return
    for name, row in zip(ROWS, rows, strict=True):
        for k, value in enumerate(row, start=1):
            if isinstance(value, bool) or not isinstance(value, int | float):
                yield Fault(f"{WHERE}, comp, {name} of part {k}", json.dumps(value), "a number", WRITE)
    if meta.get("dim") != [len(ROWS), lengths[0]]:
        yield Fault(f"{WHERE}, meta.dim", f"{meta.get('dim')}", f"[3, {lengths[0]}], as comp has it", WRITE)
    names = meta.get("dimnames")
    if not isinstance(names, list) or not names or names[0] != ROWS:
        yield Fault(f"{WHERE}, meta.dimnames", f"{names}", f"rows named {ROWS}", WRITE)


def _of_numbers(comp: list[list[float]], shapes: tuple[float, float]) -> Iterator[Fault]:
    """Faults of weights and shapes."""
    weights, *rows = comp
    if not all(0 <= w <= 1 + RESCALED for w in weights) or abs(math.fsum(weights) - 1) > RESCALED:
        got = f"{', '.join(f'{w:g}' for w in weights)}, together {math.fsum(weights):.10g}"
        yield Fault(f"{WHERE}, weights", got, "weights of 0 to 1 that sum to 1 within 1e-6", WRITE)
    least, most = shapes
    for name, row in zip(ROWS[1:], rows, strict=True):
        for k, value in enumerate(row, start=1):
            if not least <= value <= most:
                fix = "a shape written as 0 was rounded: " + WRITE if value == 0 else ""
                yield Fault(f"{WHERE}, {name} of part {k}", f"{value:g}", f"shapes from {least:g} to {most:g}", fix)
