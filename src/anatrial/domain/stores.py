"""What is known of a store of results: what it holds, whether it is sound, what a rebuild or a pruning did."""

from __future__ import annotations

from typing import NamedTuple

from anatrial.domain.cells import CellResult


class StoredCell(NamedTuple):
    """A row of a store, for other programs."""

    key: str
    scenario: str
    settings: str
    """Of the first question, as a JSON object: path and value."""
    engine: str
    """Empty where nobody said which one it was."""
    result: CellResult


class Holding(NamedTuple):
    """How many cells of one scenario a version of the engine has computed."""

    scenario: str
    engine: str
    cells: int


class StoreContents(NamedTuple):
    """What a store holds."""

    path: str
    store_version: int
    """Of the form of the file."""
    size: int
    """Bytes on disk."""
    questions: int
    holdings: tuple[Holding, ...]

    @property
    def cells(self) -> int:
        """All of them."""
        return sum(held.cells for held in self.holdings)


class StoreCheck(NamedTuple):
    """What is wrong with a store; nothing where all is sound."""

    path: str
    cells: int | None
    """Rows that can be read, sound or not; None where not all of them can."""
    whole: int
    """Rows that are as they were kept: what a rebuild saves."""
    damaged: int
    """Rows that do not match their checksum, among those that can be read."""
    named: tuple[str, ...]
    """Scenario and settings of the first of them, or what is left of these."""
    stray: int
    """Questions that do not match their checksum, or whose cell is not there."""
    broken: tuple[str, ...]
    """What SQLite says of pages, the order of the rows and the length of the file."""

    @property
    def sound(self) -> bool:
        """Whether there is no damage."""
        return not (self.damaged or self.stray or self.broken)


class Rebuilt(NamedTuple):
    """What a rebuild saved."""

    path: str
    kept_as: str
    """Where the damaged file is now."""
    saved: int
    """Cells."""
    of: int
    """Cells that there were."""
    exact: bool
    """Whether ``of`` is all of them; else at least so many."""

    @property
    def said(self) -> str:
        """The same in a sentence."""
        of = f"{self.of:,}" if self.exact else f"at least {self.of:,}"
        saved = f"{self.saved:,} of {of} cells were saved"
        return f"{self.path} was damaged and has been rebuilt: {saved}. The damaged file is {self.kept_as}."


class Pruned(NamedTuple):
    """What a pruning removed."""

    path: str
    cells: int
    left: int
    freed: int
    """Bytes."""
