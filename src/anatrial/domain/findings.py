"""What the arithmetic check of the evidence finds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from anatrial.domain.evidence import CheckKind

FindingKind = CheckKind | Literal["overlap", "endpoint"]
Status = Literal["fault", "note", "ok"]


class Finding(NamedTuple):
    """One check of one record: what was found, with the numbers.

    ``fault`` is a discrepancy that nobody acknowledged, ``note`` one that the record admits or something to know before
    pooling, ``ok`` numbers that agree.
    """

    indication: str
    record: str
    """Id of the outcome or fact; of an overlap finding the group, of an endpoint finding the recipe."""
    source_id: str
    check: FindingKind
    status: Status
    arithmetic: str
    why: str = ""
    """The acknowledgement, or the reasons of a recipe."""
