"""A cell of a sweep: one scenario with some of its fields changed, and what is kept of its evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from anatrial.domain.results import OperatingCharacteristics

Settings = tuple[tuple[str, Any], ...]
"""What is changed: paths as the file writes them, and plain values (text, numbers, tables and lists of them)."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """Every metric of every truth; or why there is none."""

    characteristics: tuple[OperatingCharacteristics, ...] = ()
    """Metrics only: a cell has no curves, tables or stops."""
    patients: int = 0
    """Patients of the trial, if it does not stop early."""
    failure: str | None = None
    """Why the cell has no numbers."""
    lasting: bool = True
    """Whether a failure would come again with the same input; one that might not is never kept."""

    def of(self, truth: str) -> OperatingCharacteristics:
        """What happens under the truth of this name; ``KeyError`` if there is none."""
        for found in self.characteristics:
            if found.truth == truth:
                return found
        raise KeyError(truth)


class KeptCell(NamedTuple):
    """A row of a store: the question that was asked, the digest of all that determines its answer, and the answer."""

    question: str
    """Digest of the scenario as it is written, and of what is changed in it."""
    key: str
    """Digest of the resolved scenario, its priors, the engine and the seed: questions may share an answer."""
    scenario: str
    settings: Settings
    result: CellResult | None
    """None where the answer is kept already and only this way to ask for it is new."""
