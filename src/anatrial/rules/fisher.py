"""Fisher's exact test, one- or two-sided."""

from fractions import Fraction
from typing import Literal

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.numerics import BoolArray, FloatArray, IntArray, exact
from anatrial.numerics.two_by_two import fisher_grids
from anatrial.numerics.walk import fisher_staircases
from anatrial.rules.base import SidedTest, near_tables, split


class Fisher(SidedTest):
    """Rejects at ``p <= alpha`` (Fisher 1935); ties are settled in whole numbers.

    Two-sided, ``no_more_likely`` sums the tables no more likely than the observed one (Irwin 1935; R and scipy do so),
    ``doubled`` takes twice the smaller one-sided value.
    """

    kind: Literal["fisher"]
    two_sided_by: Literal["no_more_likely", "doubled"] = "no_more_likely"

    def _p(self, better: FloatArray, worse: FloatArray, both: FloatArray) -> FloatArray:
        if not self.two_sided:
            return better
        return (
            both
            if self.two_sided_by == "no_more_likely"
            else 2 * (better * (better <= worse) + worse * (better > worse))
        )

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """Tables with ``p <= alpha``, exactly."""
        return tuple(self._regions(look) for look in looks)

    def _regions(self, look: Look) -> Regions:
        p = self._p(*fisher_grids(*look))
        rejects = p <= self.level
        ties = []
        for x_t, x_c in near_tables(p, self.level):
            value = self.exact_p(x_t, look.n_t, x_c, look.n_c)
            rejects[x_t, x_c] = value <= exact.decimal(self.level)
            ties.append(Tie(x_t, x_c, float(value), "in whole numbers"))
        if self.two_sided:
            return split(look, rejects, tuple(ties))
        return Regions(Region.from_grid(look, rejects), Region(look, ()), tuple(ties))

    def exact_p(self, x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
        """The p-value of one table as a fraction."""
        better, worse, both = exact.fisher(x_t, n_t, x_c, n_c)
        if not self.two_sided:
            return better
        return both if self.two_sided_by == "no_more_likely" else min(Fraction(1), 2 * min(better, worse))

    def staircases(self, n_t: IntArray, n_c: IntArray) -> tuple[IntArray, BoolArray] | None:
        """Boundaries of many one-sided designs at once."""
        return None if self.two_sided else fisher_staircases(n_t, n_c, self.level)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        if not self.two_sided:
            finds = f"finds {treatment} better than {control}, one-sided p <= {self.level:g}"
            return f"Success if Fisher's exact test {finds}."
        how = "tables no more likely" if self.two_sided_by == "no_more_likely" else "doubled"
        return f"Success if Fisher's two-sided exact test ({how}) has p <= {self.level:g} and {treatment} does better."
