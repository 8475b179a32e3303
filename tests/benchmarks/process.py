"""Whole processes: ``--help`` against bare Python, ``run`` against the imports that it cannot do without."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.measure import Row, fresh

COMMAND = """
import contextlib, io, sys
sys.argv = ["anatrial", *{words!r}]
from anatrial.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main()
"""
IMPORTS = "import typer, rich.table, numpy, scipy.special; from pydantic import BaseModel"
"""Naming ``BaseModel`` is what loads pydantic: the bare import is lazy and loads next to nothing."""


def rows() -> Iterator[Row]:
    """Every command takes turns with its peer in fresh processes."""
    for words, peer, target in (
        (["--help"], "pass", "<= 15"),
        (["run", "anajis"], IMPORTS, "<= 1.6"),
        (["run", "sjia-next-trial"], IMPORTS, "<= 1.6"),
    ):
        ours, theirs = fresh(COMMAND.format(words=words), peer, repetitions=9)
        against = "bare Python" if peer == "pass" else "imports alone"
        yield Row(f"anatrial {' '.join(words)}", ours, theirs, ours / theirs, target, f"against {against}")
