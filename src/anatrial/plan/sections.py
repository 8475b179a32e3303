"""What further sections of a counts trial tell: each is a module of this package with ``section(used, run)``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import NamedTuple

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.results import Metric, OperatingCharacteristics
from anatrial.domain.trial import Section
from anatrial.engine.course import Trial


class Part(NamedTuple):
    """The module of a section, and whether a scenario has anything for it."""

    module: str
    wanted: Callable[[ResolvedScenario], bool]
    asked: bool = False
    """Whether targets may ask for its numbers."""


PARTS: tuple[Part, ...] = (
    Part("safety", lambda used: used.resolved.safety is not None, asked=True),
    Part("secondary", lambda used: bool(used.resolved.secondary)),
    Part("estimand", lambda used: used.resolved.estimand is not None),
    Part("random_totals", lambda used: used.resolved.numbers_random, asked=True),
    Part("randomisation", lambda used: used.resolved.randomisation is not None),
    Part("recruitment", lambda used: used.resolved.recruitment is not None, asked=True),
    Part("switch", lambda used: used.resolved.switch is not None, asked=True),
    Part("definitions", lambda used: bool(used.resolved.definitions)),
    Part("drift", lambda used: bool(used.priors) or used.resolved.drift is not None or used.resolved.design.single_arm),
    Part("caveats", lambda used: bool(used.priors)),
)


def sections(used: ResolvedScenario, run: Trial) -> tuple[Section, ...]:
    """What every section that the file has tells of the trial."""
    return told(PARTS, used, run)


def told(parts: tuple[Part, ...], used: ResolvedScenario, run: Trial) -> tuple[Section, ...]:
    """What these sections tell, as far as the file has them."""
    wanted = (part for part in parts if part.wanted(used))
    return tuple(import_module(f"anatrial.plan.{part.module}").section(used, run) for part in wanted)


def section_metric(used: ResolvedScenario, run: Trial, truth: str, name: str) -> Metric:
    """A number that a section tells of a truth; files that ask for one without its section are refused on reading."""
    for part in (part for part in PARTS if part.asked and part.wanted(used)):
        found: Section = import_module(f"anatrial.plan.{part.module}").section(used, run)
        for metric in found.metrics.get(truth, ()):
            if metric.name == name:
                return metric
    raise KeyError(name)


def enriched(found: OperatingCharacteristics, parts: tuple[Section, ...]) -> OperatingCharacteristics:
    """The characteristics of a truth with the metrics that sections add to it."""
    extra = tuple(metric for part in parts for metric in part.metrics.get(found.truth, ()))
    return replace(found, metrics=(*found.metrics, *extra)) if extra else found
