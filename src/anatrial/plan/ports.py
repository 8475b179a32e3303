"""What a use case asks of the outside: the command line passes the implementation."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how far a long computation has come."""

    def advance(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps are finished."""


class Silent:
    """Progress that nobody watches."""

    def advance(self, done: int, total: int) -> None:
        """Say nothing."""


SILENT = Silent()
