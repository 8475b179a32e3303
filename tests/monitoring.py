"""Rules that may stop early, as a file says them, for tests."""

from __future__ import annotations

import json
from typing import Any

from anatrial.domain.counts import Look
from anatrial.rules.monitored import Monitored

FISHER: dict[str, Any] = {"kind": "fisher", "alpha": 0.05}
BAYES: dict[str, Any] = {
    "kind": "posterior",
    "certainty": 0.9,
    "analysis_prior": {"treatment": {"a": 1, "b": 1}, "control": {"a": 2, "b": 5}},
}
ONE_ARM: dict[str, Any] = {
    "kind": "posterior",
    "certainty": 0.9,
    "benchmark": 0.3,
    "analysis_prior": {"treatment": {"a": 1, "b": 2}},
}
EXACT: dict[str, Any] = {"kind": "exact_binomial", "alpha": 0.05, "null_rate": 0.3}
ADAPTING: dict[str, Any] = {
    "kind": "self_adapting",
    "certainty": 0.9,
    "delta": 0.2,
    "analysis_prior": {"treatment": {"a": 1, "b": 1}, "control": {"a": 4, "b": 9}},
}
UNIFORM: dict[str, Any] = {"treatment": {"a": 1, "b": 1}, "control": {"a": 1, "b": 1}}
TWO = (Look(5, 4), Look(8, 9))
THREE = (Look(3, 3), Look(5, 4), Look(8, 9))
SINGLE = (Look(5, 0), Look(12, 0))


def monitored(final: dict[str, Any], *stops: dict[str, Any], **more: Any) -> Monitored:
    """The rule as a file says it."""
    content = {"kind": "monitored", "final": final, "stops": stops, **more}
    return Monitored.model_validate_json(json.dumps(content))


def stop(kind: str, /, **more: Any) -> dict[str, Any]:
    """One stop as a file says it, for futility unless it says otherwise."""
    return {"kind": kind, "decides": "futility", **more}
