"""What ``anatrial scenario show`` prints: the file as it was understood."""

from __future__ import annotations

from typing import Any

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.report.numbers import wrapped


def scenario_text(used: ResolvedTrial[Any]) -> str:
    """Every setting, defaults included; priors by name and in full."""
    scenario = used.scenario
    lines = [scenario.title, *wrapped(scenario.question), ""]
    given = scenario.model_fields_set
    content = scenario.model_dump(mode="json", by_alias=True, exclude={"title", "question", "version"})
    for name, value in content.items():
        lines += _lines(name, value, default=name not in given)
    lines += ["", f"Priors from {used.priors_from}"]
    lines += [f"  {where}: {prior.name} = {prior.mixture.said()}" for where, prior in used.priors]
    return "\n".join([*lines, f"Digest {used.digest}"])


def _lines(name: str, value: Any, *, default: bool = False, indent: str = "") -> list[str]:
    mark = "  (default)" if default else ""
    if isinstance(value, dict):
        inner = [
            line for key, part in value.items() if part is not None for line in _lines(key, part, indent=indent + "  ")
        ]
        return [f"{indent}{name}{mark}", *inner]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [line for k, part in enumerate(value, 1) for line in _lines(f"{name} {k}", part, indent=indent)]
    return [f"{indent}{name}: {value}{mark}"] if value is not None else []
