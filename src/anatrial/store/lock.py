"""Who has a store open: everyone together, or one alone who rebuilds it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from anatrial.errors import Fault, InputError
from anatrial.store.faults import rebuilding, refused

PAUSE = 0.02  # seconds between two tries


class Lock:
    """A lock on a file beside the store; the system lets go of it when the process ends, however it ends.

    The file stays: who removes a lock file lets two in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise refused(path, error) from None

    def shared(self, patience: float) -> None:
        """Have it with others; ``InputError`` where one has it alone for more seconds than ``patience``."""
        self._take(fcntl.LOCK_SH, patience, "that is being rebuilt", "start again when that is done")

    def alone(self, patience: float) -> None:
        """Have it alone; ``InputError`` where others still have it after ``patience`` seconds."""
        self._take(
            fcntl.LOCK_EX,
            patience,
            "damaged, and open in another program",
            f"stop the other program, then {rebuilding(self.path)}",
        )

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)

    def _take(self, kind: int, patience: float, got: str, fix: str) -> None:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise InputError(Fault(str(self.path), f"a store {got}", "a free one", fix)) from None
                time.sleep(PAUSE)
            except OSError as error:
                raise refused(self.path, error) from None
            else:
                return
