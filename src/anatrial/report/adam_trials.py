"""Virtual patients of every kind of trial as rows under CDISC ADaM names."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.trials import COUNTS
from anatrial.domain.tally import SimulationSettings
from anatrial.plan.trials import engine
from anatrial.report.adam import Columns

ROWS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(COUNTS, ("adam", "adam_batches")),
    "basket": ("adam_responses", "basket"),
    "response_adaptive": ("adam_responses", "response_adaptive"),
    "several_arms": ("adam_responses", "several_arms"),
    "several_endpoints": ("adam_several_endpoints", "adam_batches"),
    "time_to_event": ("adam_time_to_event", "adam_batches"),
    "visits": ("adam_visits", "adam_batches"),
    "withdrawal": ("adam_withdrawal", "adam_batches"),
}
"""Module of this package and function for each kind of trial."""


def rows(used: ResolvedTrial[Any], truth: str, how: SimulationSettings) -> Iterator[Columns]:
    """The rows of every trial that is simulated under a truth, in batches."""
    module, name = ROWS[used.scenario.design.kind]
    told = getattr(import_module(f"anatrial.report.{module}"), name)
    for first, found in engine(used).patients(used.resolved, truth, how):
        yield from told(used, truth, first, found)
