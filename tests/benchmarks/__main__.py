"""Compare the project's CPU time with that of its peers: ``python -m tests.benchmarks [suite ...]``."""

from __future__ import annotations

import argparse
import importlib
import os

from tests.benchmarks.measure import show

SUITES = ("boundary", "curve", "power", "assurance", "synthesis", "designs", "simulate", "sweep", "process")
"""Modules of this folder, each with a function ``rows()``; one more name here is one more suite."""


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: CPU time counts every thread


def main() -> None:
    """Run the named suites, or all, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="*", help=f"of {', '.join(SUITES)}; none for all")
    asked = parser.parse_args().suite
    if unknown := set(asked) - set(SUITES):
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    for name in asked or SUITES:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        show(name, module.__doc__, module.rows())


if __name__ == "__main__":
    main()
