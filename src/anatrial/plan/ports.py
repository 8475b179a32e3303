"""What a use case asks of the outside: the command line passes the implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anatrial.domain.cells import CellResult, KeptCell


class Progress(Protocol):
    """Told how far a long computation has come."""

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps are finished."""


class Silent:
    """Progress that nobody watches."""

    def advance(self, done: int, total: int) -> None:
        """Say nothing."""


SILENT = Silent()


class CellStore(Protocol):
    """Where finished cells are kept."""

    def known(self, questions: Sequence[str]) -> set[str]:
        """Those of these questions that were asked before and whose answer is kept."""

    def answers(self, questions: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these questions that were asked before, by question."""

    def cells(self, keys: Sequence[str]) -> dict[str, CellResult]:
        """Results of those of these cells that are kept, by key."""

    def keep(self, rows: Sequence[KeptCell]) -> None:
        """Keep these; they are safe when this returns. A cell that is kept already stays as it is."""
