"""What ``anatrial check`` is asked to look at: scenario files, folders of them, and the priors that they use."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anatrial.domain.checked import Why
from anatrial.errors import Fault, InputError
from anatrial.files.indications import (
    Shelf,
    indication_names,
    nearest_folder,
    read_derived,
    read_indication,
    shelf,
    shipped,
    state,
)
from anatrial.files.scenarios import locate, read_base
from anatrial.files.texts import read_text
from anatrial.plan.check import Gathered, IndicationFile, KeptPrior, ScenarioFile, why
from anatrial.spec import QUOTED

HEADER = re.compile(r"^[ \t]*\[\[[ \t]*targets[ \t]*\]\]", re.MULTILINE)


def gather(asked: Sequence[str], *, quick: bool = False) -> Gathered:
    """Every scenario of these files, folders and names, and every indication of the priors that they use.

    Without any: the nearest ``scenarios`` folder, else the scenarios shipped with the program. What cannot be read is
    kept with what is wrong with it, so that nothing hides the rest.
    """
    everything = str(nearest_folder(Path.cwd(), "scenarios") or shipped("scenarios"))
    found: dict[str, ScenarioFile] = {}
    shelves: dict[Shelf, None] = {}
    for name in asked or [everything]:
        try:
            paths = _paths(name)
        except InputError as error:
            found[name] = ScenarioFile(_text(name), _text(name), (), why(error))
            continue
        for path in paths:
            if (place := os.path.realpath(path)) not in found:
                found[place] = _scenario(path)
                if os.path.isfile(place):  # noqa: PTH113 - false, and no fault, for a name that no file can have
                    shelves[shelf(path.parent)] = None
    whole = all(map(_is_folder, asked))
    return Gathered(tuple(found.values()), tuple(one for place in shelves for one in _indications(place)), whole, quick)


def _is_folder(name: str) -> bool:
    return os.path.isdir(name)  # noqa: PTH112 - likewise


def _paths(name: str) -> list[Path]:
    """The files of a folder, or the one file that is meant."""
    if not _is_folder(name):
        return [locate(name)]
    files = sorted(Path(name).glob("*.toml"))
    if not files:
        below = Path(name, "scenarios")
        fix = f"anatrial check {shlex.quote(_text(str(below)))}" if any(below.glob("*.toml")) else ""
        raise InputError(Fault(_text(name), "a folder without scenario files", "at least one .toml file", fix))
    return files


def _scenario(path: Path) -> ScenarioFile:
    name, file = _text(path.stem), _shown(path, f"scenarios/{_text(path.name)} (shipped)")
    try:
        base, used = read_base(path)
        return ScenarioFile(
            name, file, _lines(read_text(path, file)), (replace(base, name=name, where=file), replace(used, name=name))
        )
    except Exception as error:  # noqa: BLE001 - the other files are still read
        return ScenarioFile(name, file, (), _wrong(error, path, file))


def _wrong(error: Exception, path: Path, file: str) -> Why:
    """What is wrong with a file, under the name that it is shown by."""
    found = why(error)
    return found._replace(text=_text(found.text.replace(str(path), file)))


def _lines(text: str) -> tuple[int, ...]:
    """The lines of the ``[[targets]]`` headers of a TOML text; strings and comments hold none."""
    bare = QUOTED.sub(lambda found: "\n" * found[0].count("\n"), text)
    return tuple(bare.count("\n", 0, found.start()) + 1 for found in HEADER.finditer(bare))


def _indications(place: Shelf) -> list[IndicationFile]:
    return [_indication(name, place) for name in indication_names(place)]


def _indication(name: str, place: Shelf) -> IndicationFile:
    path = place.path / f"{name}.toml"
    file = _shown(path, f"priors/{_text(path.name)} (shipped)")
    try:
        found = read_indication(name, place)
        states = [(prior, state(place, found, prior)) for prior in found.priors]
        kept = tuple(
            KeptPrior(prior, now, read_derived(place, found, prior) if now == "up to date" else None)
            for prior, now in states
        )
    except Exception as error:  # noqa: BLE001 - the other files are still read
        return IndicationFile(_text(name), file, _wrong(error, path, file))
    return IndicationFile(_text(name), file, (found, kept))


def _shown(path: Path, ours: str) -> str:
    """A path as people and hosting services name it: from the working directory where it lies below.

    ``ours``: what a file is called that came with the program and lies elsewhere.
    """
    here, there = Path.cwd(), Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its own name
    if there.is_relative_to(here):
        return _text(there.relative_to(here).as_posix())
    return ours if there.parent in {shipped("scenarios"), shipped("priors")} else _text(path.as_posix())


def _text(name: str) -> str:
    """A name that any output can hold: bytes of a file system that are no text are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
