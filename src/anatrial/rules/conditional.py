"""What Fisher's test and its mid-p variant share: p-values given the total of responders, settled in whole numbers."""

from fractions import Fraction
from typing import ClassVar, Literal, TypeVar

from anatrial.domain.counts import Look, Regions, Tie
from anatrial.numerics import FloatArray, exact
from anatrial.numerics.two_by_two import fisher_grids
from anatrial.rules.base import SidedTest, near_tables

P = TypeVar("P", Fraction, FloatArray)


class Conditional(SidedTest):
    """Rejects at ``p <= alpha``, given the total of responders.

    Two-sided, ``no_more_likely`` sums the tables no more likely than the observed one, ``doubled`` takes twice the
    smaller one-sided value.
    """

    two_sided_by: Literal["no_more_likely", "doubled"] = "no_more_likely"
    halves_left_out: ClassVar[int]
    """How many halves of the observed table's probability do not count: none or one."""

    def p(self, better: P, worse: P, both: P) -> P:
        """The p-value from Fisher's three; the observed table has the probability better + worse - 1."""
        left_out = self.halves_left_out * (better + worse - 1) / 2
        if not self.two_sided:
            return better - left_out
        if self.two_sided_by == "no_more_likely":
            return both - left_out
        return 2 * (better * (better <= worse) + worse * (better > worse) - left_out)

    def exact_p(self, x_t: int, n_t: int, x_c: int, n_c: int) -> Fraction:
        """The p-value of one table as a fraction."""
        return min(Fraction(1), self.p(*exact.fisher(x_t, n_t, x_c, n_c)))

    def _regions(self, look: Look) -> Regions:
        p = self.p(*fisher_grids(*look))
        rejects = p <= self.level
        ties = []
        for x_t, x_c in near_tables(p, self.level):
            value = self.exact_p(x_t, look.n_t, x_c, look.n_c)
            rejects[x_t, x_c] = value <= exact.decimal(self.level)
            ties.append(Tie(x_t, x_c, float(value), "in whole numbers"))
        return self.decided(look, rejects, tuple(ties))
