"""Fisher's test with mid-p, one- or two-sided."""

from typing import ClassVar, Literal

from anatrial.rules.conditional import Conditional


class FisherMidp(Conditional):
    """Rejects where Fisher's p-value less half of the observed table's probability is at most alpha (Lancaster 1961).

    Its type I error may be above alpha, if seldom by much: read ``type I error``. Two-sided, ``no_more_likely`` starts
    from the sum over the tables no more likely than the observed one, ``doubled`` takes twice the smaller one-sided
    value. Ties are settled in whole numbers.
    """

    kind: Literal["fisher_midp"]
    halves_left_out: ClassVar[int] = 1

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        if not self.two_sided:
            finds = f"finds {treatment} better than {control}, one-sided p <= {self.level:g}"
            return f"Success if Fisher's test with mid-p {finds}."
        how = "tables no more likely" if self.two_sided_by == "no_more_likely" else "doubled"
        return f"Success if Fisher's two-sided mid-p ({how}) is at most {self.level:g} and {treatment} does better."
