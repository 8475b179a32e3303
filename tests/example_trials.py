"""Example trials of the shipped scenarios, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.domain.examples import ExampleLook, ExampleTrial, ExampleTrials
from anatrial.files import read_scenario
from anatrial.plan.examples import examples

ROOT = Path(__file__).parents[1]


def used(name: str) -> ResolvedScenario:
    return counts_trial(read_scenario(ROOT / "scenarios" / f"{name}.toml"), "examples")


@cache
def told(name: str) -> ExampleTrials:
    return examples(used(name))


def of(name: str, kind: str) -> ExampleTrial:
    return next(trial for trial in told(name).trials if trial.kind == kind)


def looks(name: str) -> list[ExampleLook]:
    return [look for trial in told(name).trials for look in trial.looks]
