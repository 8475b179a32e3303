"""Why a scenario assumes what it assumes."""

from __future__ import annotations

from collections.abc import Mapping

from anatrial.report.numbers import hanging
from anatrial.truths.base import Truth


def why_lines(truths: Mapping[str, Truth]) -> list[str]:
    """The stated reason of every truth; nothing where none gives one."""
    rows = [(f"  {name}", truth.why) for name, truth in truths.items() if truth.why]
    return ["Why each truth", *hanging(rows)] if rows else []
