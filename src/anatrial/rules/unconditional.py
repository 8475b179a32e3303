"""What the unconditional exact tests share: the largest region whose size is proven for every common rate."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from anatrial.domain.counts import Look, Regions, Tie
from anatrial.numerics import FloatArray
from anatrial.numerics.unconditional import Rejection, rejection
from anatrial.rules.base import SidedTest


class Unconditional(SidedTest):
    """Rejects where the size of all tables as extreme is at most alpha at every rate that both arms may share."""

    test: ClassVar[str]
    """The name of the test."""
    same: ClassVar[float] = 0.0
    """Values of the statistic that differ by no more are one value."""

    @property
    def how(self) -> str:
        """What the two-sided form is."""
        raise TypeError(self)

    def orders(self, look: Look) -> Iterator[tuple[FloatArray, float]]:
        """Statistics, small where the data speak against the null, each with the level that is spent on it."""
        raise TypeError(look)

    def _regions(self, look: Look) -> Regions:
        rejects = np.zeros((look.n_t + 1, look.n_c + 1), dtype=np.bool_)
        ties: list[Tie] = []
        for statistic, level in self.orders(look):
            found = rejection(statistic, level, same=self.same)
            rejects |= found.rejects
            ties += told(found, self.level / level)
        return self.decided(look, rejects, tuple(ties))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        if not self.two_sided:
            return f"Success if {self.test} finds {treatment} better than {control}, one-sided p <= {self.level:g}."
        return f"Success if {self.test}, two-sided ({self.how}), has p <= {self.level:g} and {treatment} does better."


class Barnard(Unconditional):
    """An unconditional exact test by a z statistic.

    Two-sided, ``absolute`` ranks the tables by |z|, ``doubled`` takes twice the smaller one-sided value.
    """

    two_sided_by: Literal["absolute", "doubled"] = "absolute"
    why_no_margin: ClassVar[str]

    @property
    def how(self) -> str:
        """What the two-sided form is."""
        return "|z|" if self.two_sided_by == "absolute" else "doubled"

    @model_validator(mode="before")
    @classmethod
    def _no_margin(cls, data: Any) -> Any:
        """Say what to use instead of a key that one may well expect."""
        if isinstance(data, dict) and "margin" in data:
            got = f"margin = {data['margin']}"
            raise ValueError(f'{got} | no margin: {cls.why_no_margin}; kind = "score" takes one')
        return data

    def signed(self, look: Look) -> FloatArray:
        """A statistic in the order of z."""
        raise TypeError(look)

    def orders(self, look: Look) -> Iterator[tuple[FloatArray, float]]:
        """By z, by |z|, or by z in each direction at half the level."""
        z = self.signed(look)
        if not self.two_sided:
            yield -z, self.level
        elif self.two_sided_by == "absolute":
            yield -abs(z), self.level
        else:
            yield -z, self.level / 2
            yield z, self.level / 2


def told(found: Rejection, times: float = 1.0) -> list[Tie]:
    """Tables too close to alpha to tell, with ``times`` their one-sided p-value."""
    settled = "proven on neither side of alpha: not rejected"
    return [Tie(x_t, x_c, times * p, settled) for x_t, x_c, p in found.undecided]
