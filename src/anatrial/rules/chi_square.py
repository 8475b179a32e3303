"""Pearson's chi-square test, with or without continuity correction."""

from typing import Literal

from scipy.special import ndtr, ndtri

from anatrial.domain.counts import Look, Regions, Tie
from anatrial.numerics.two_by_two import z_grid
from anatrial.rules.base import SidedTest, near_tables


class ChiSquare(SidedTest):
    """Rejects where the pooled z passes its normal quantile (Pearson 1900); two-sided it is the chi-square on 1 degree.

    Two-sided by absolute z, which for this test is the same as doubling. Tables without any, or with only, responders
    never reject. Its type I error is not held below alpha for small samples: read ``type I error``. With ``continuity``
    up to half a patient per arm is moved towards no difference (Yates 1934), which makes rejections rarer.
    """

    kind: Literal["chi_square"]
    continuity: bool = False

    def _regions(self, look: Look) -> Regions:
        z = z_grid(*look, continuity=self.continuity)
        critical = -float(ndtri(self.one_sided))
        p = 2 * ndtr(-abs(z)) if self.two_sided else ndtr(-z)
        ties = tuple(Tie(x_t, x_c, float(p[x_t, x_c]), "as computed") for x_t, x_c in near_tables(p, self.level))
        rejects = ((abs(z) if self.two_sided else z) >= critical) & (z != 0)
        return self.decided(look, rejects, ties)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        form = "continuity-corrected" if self.continuity else "uncorrected"
        if not self.two_sided:
            finds = f"finds {treatment} better than {control}, one-sided p <= {self.level:g}"
            return f"Success if the {form} chi-square test {finds}."
        return f"Success if the {form} two-sided chi-square test has p <= {self.level:g} and {treatment} does better."
