"""The unconditional exact score test of a difference: non-inferiority, superiority and super-superiority."""

from typing import Literal, Self

from pydantic import model_validator

from anatrial.domain.counts import Look, Region, Regions
from anatrial.numerics.score import NEAREST_MARGIN, SAME, score_grid
from anatrial.numerics.unconditional import rejection
from anatrial.rules.base import Alpha, Dial, Rule, alpha_dial, beyond
from anatrial.rules.unconditional import told
from anatrial.spec import RateDifference


class Score(Rule):
    """Rejects "treatment rate - control rate is at most the margin", one-sided, by Farrington and Manning's z.

    The margin is the null value: non-inferiority by 10 points is -0.10, super-superiority is above 0. p is the largest
    size, at rates that differ by the margin, of all tables with a z as large; the region is a success staircase, so no
    worse rates have a larger size. Type I error is proven to stay at most alpha.

    Source: Farrington & Manning (1990), Statistics in Medicine 9:1447-1454; Roehmel & Mansmann (1999), Biometrical
    Journal 41:149-170.
    """

    kind: Literal["score"]
    alpha: Alpha
    margin: RateDifference

    @model_validator(mode="after")
    def _tellable(self) -> Self:
        if 0 < abs(self.margin) < NEAREST_MARGIN or 1 - abs(self.margin) < NEAREST_MARGIN:
            raise ValueError(
                f"margin {self.margin!r} | 0, or a margin at least {NEAREST_MARGIN:g} away from 0, -1 and 1"
            )
        return self

    @property
    def null_margin(self) -> float:
        """The margin."""
        return self.margin

    @property
    def dial(self) -> Dial | None:
        """Alpha."""
        return alpha_dial(self.alpha)

    def _regions(self, look: Look) -> Regions:
        found = rejection(-score_grid(*look, self.margin), self.alpha, same=SAME, margin=self.margin)
        return Regions(Region.from_grid(look, found.rejects), Region(look, ()), tuple(told(found)))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        finds = f"finds {treatment} rate > {control} rate{beyond(self.margin)}, one-sided p <= {self.alpha:g}"
        return f"Success if the unconditional exact score test (Farrington & Manning) {finds}."
