"""Finished blocks of a simulation on disk, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anatrial.domain.tally import Sum, Tally
from anatrial.errors import Fault, InputError
from anatrial.files.texts import MAX_DRAWS, read_text, write_bytes

FORMAT = "anatrial-blocks"
PAUSE = 1.0  # seconds between two writes at least, and twenty times as long as the last one took


@dataclass
class KeptBlocks:
    """The blocks of every truth of one simulation, in a file; ``key`` tells which simulation it is."""

    path: Path
    key: str
    truths: dict[str, dict[int, Tally]] = field(default_factory=dict)
    due: float = 0.0

    @classmethod
    def opened(cls, path: Path, key: str) -> KeptBlocks:
        """Those of an earlier start if there is such a file; ``InputError`` where it is another's, or damaged."""
        if not path.exists():
            return cls(path, key)
        try:
            content = json.loads(read_text(path, limit=MAX_DRAWS))
            own, stored = content["format"] == FORMAT, content["key"]
            found = {truth: {int(k): _tally(v) for k, v in rows.items()} for truth, rows in content["truths"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            own, stored, found = False, "", {}
        if not own:
            fix = "remove it, or name another file"
            raise InputError(Fault(str(path), "no whole file of kept blocks", "one of this program", fix))
        if stored != key:
            got = "blocks of another scenario, seed or version of the program"
            fix = "remove it, or name another file"
            raise InputError(Fault(str(path), got, "blocks of this simulation", fix))
        return cls(path, key, found)

    @property
    def blocks(self) -> int:
        """How many there are."""
        return sum(map(len, self.truths.values()))

    def of(self, truth: str) -> MutableMapping[int, Tally]:
        """The blocks of one truth; what is put there is soon on disk, and at ``save``."""
        return _Blocks(self, self.truths.setdefault(truth, {}))

    def save(self) -> None:
        """Write all of them."""
        start = time.monotonic()
        truths = {truth: {str(k): _plain(v) for k, v in rows.items()} for truth, rows in self.truths.items()}
        content = {"format": FORMAT, "key": self.key, "truths": truths}
        write_bytes(self.path, json.dumps(content, allow_nan=False).encode())
        now = time.monotonic()
        self.due = now + max(PAUSE, 20 * (now - start))


@dataclass
class _Blocks(MutableMapping[int, Tally]):
    """The blocks of one truth, kept as they come."""

    kept: KeptBlocks
    rows: dict[int, Tally]

    def __getitem__(self, index: int) -> Tally:
        return self.rows[index]

    def __setitem__(self, index: int, tally: Tally) -> None:
        if self.rows.get(index) == tally:
            return
        self.rows[index] = tally
        if time.monotonic() > self.kept.due:
            self.kept.save()

    def __delitem__(self, index: int) -> None:
        del self.rows[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def _plain(tally: Tally) -> dict[str, Any]:
    """Sums as hexadecimal numbers: the same bits when they are read again."""
    sums = [[name, s.n, s.total.hex(), s.square.hex(), s.chance] for name, s in tally.sums]
    return {"trials": tally.trials, "failed": tally.failed, "sums": sums}


def _tally(content: dict[str, Any]) -> Tally:
    sums = tuple(
        (str(name), Sum(int(n), float.fromhex(total), float.fromhex(square), bool(chance)))
        for name, n, total, square, chance in content["sums"]
    )
    return Tally(int(content["trials"]), int(content["failed"]), sums)
