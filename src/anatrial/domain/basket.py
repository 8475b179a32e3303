"""One disease of a basket trial."""

from __future__ import annotations

from typing import NamedTuple


class Disease(NamedTuple):
    """The name of a basket, its patients, and the rate that they must beat."""

    name: str
    n: int
    benchmark: float
