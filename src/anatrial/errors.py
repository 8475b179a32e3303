"""The two exceptions of the project: what a person can fix, and what a method could not do."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong in the input: where it stands, what was found, what would be right, how to mend it."""

    where: str
    got: str
    expected: str
    fix: str = ""

    def __str__(self) -> str:
        lines = [self.where, f"  got       {self.got}", f"  expected  {self.expected}"]
        return "\n".join([*lines, f"  fix       {self.fix}"] if self.fix else lines)


class InputError(Exception):
    """A person can fix it (exit code 2); carries every fault that was found, not only the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class ComputationError(Exception):
    """The method could not give an answer it can stand for (exit code 4)."""
