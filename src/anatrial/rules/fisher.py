"""Fisher's exact test, one- or two-sided."""

from typing import ClassVar, Literal

from anatrial.numerics import BoolArray, IntArray
from anatrial.numerics.walk import fisher_staircases
from anatrial.rules.conditional import Conditional


class Fisher(Conditional):
    """Rejects at ``p <= alpha`` (Fisher 1935); ties are settled in whole numbers.

    Two-sided, ``no_more_likely`` sums the tables no more likely than the observed one (Irwin 1935; R and scipy do so),
    ``doubled`` takes twice the smaller one-sided value.
    """

    kind: Literal["fisher"]
    halves_left_out: ClassVar[int] = 0

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
