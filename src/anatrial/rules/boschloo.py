"""Boschloo's unconditional exact test."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from anatrial.domain.counts import Look
from anatrial.numerics import FloatArray
from anatrial.numerics.two_by_two import LOG_SAME, fisher_grids, fisher_tails
from anatrial.rules.unconditional import Unconditional


class Boschloo(Unconditional):
    """The unconditional test by Fisher's p-value: p is the largest probability of a Fisher p-value as small.

    Its type I error is proven to stay at most alpha, and it rejects wherever Fisher's test of the same kind does.
    Two-sided, ``doubled`` takes twice the smaller one-sided value (scipy does so), ``no_more_likely`` ranks the tables
    by Fisher's two-sided p-value (R's package Exact does so).

    Source: Boschloo (1970), Statistica Neerlandica 24:1-9.
    """

    kind: Literal["boschloo"]
    two_sided_by: Literal["doubled", "no_more_likely"] = "doubled"
    test: ClassVar[str] = "Boschloo's unconditional exact test"
    same: ClassVar[float] = LOG_SAME

    @property
    def how(self) -> str:
        """What the two-sided form is."""
        return "doubled" if self.two_sided_by == "doubled" else "Fisher's tables no more likely"

    def orders(self, look: Look) -> Iterator[tuple[FloatArray, float]]:
        """By the logarithm of Fisher's p-value; doubled, in each direction at half the level."""
        if self.two_sided and self.two_sided_by == "no_more_likely":
            yield np.log(fisher_grids(*look)[2]), self.level
            return
        better, worse = fisher_tails(*look)
        if not self.two_sided:
            yield np.log(better), self.level
        else:
            yield np.log(better), self.level / 2
            yield np.log(worse), self.level / 2
