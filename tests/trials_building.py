"""Scenarios of any kind of trial built in code, for tests that need no files."""

from __future__ import annotations

from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial, resolve_priors
from anatrial.documents.trials import parse_any
from anatrial.domain.prior import Prior, PriorRef
from tests.building import HEAD, indication


def resolved_trial(body: str) -> ResolvedTrial[Any]:
    """A scenario from the part of its file that follows the head; it may name no prior."""
    scenario = parse_any(HEAD + body, "made-up.toml")

    def no_names(use: str, ref: PriorRef) -> Prior:
        raise AssertionError(use, ref)

    plan, priors = resolve_priors(scenario, no_names)
    return ResolvedTrial("made-up", scenario, plan, priors, indication(), "nowhere")
