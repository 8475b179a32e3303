"""The exact binomial test of one arm against a fixed rate."""

from typing import Literal

import numpy as np
from scipy.special import betainc

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.numerics import exact
from anatrial.rules.base import Alpha, Dial, Rule, alpha_dial, near_tables
from anatrial.spec import OpenRate


class ExactBinomial(Rule):
    """Succeeds where P(X >= x | null rate) <= alpha, one-sided; ties are settled in whole numbers.

    Source: Clopper & Pearson (1934), Biometrika 26:404-413, by the inversion of whose interval the test is had.
    """

    kind: Literal["exact_binomial"]
    alpha: Alpha
    null_rate: OpenRate

    @property
    def arms(self) -> tuple[int, ...]:
        """One arm only."""
        return (1,)

    @property
    def fixed_benchmark(self) -> float | None:
        """The null rate."""
        return self.null_rate

    @property
    def dial(self) -> Dial | None:
        """Alpha."""
        return alpha_dial(self.alpha)

    def _regions(self, look: Look) -> Regions:
        x = np.arange(1, look.n_t + 1)
        tail = np.concatenate([[1.0], betainc(x, look.n_t - x + 1, self.null_rate)])[:, None]
        succeeds, ties = tail <= self.alpha, []
        for x_t, x_c in near_tables(tail, self.alpha):
            value = exact.binomial_tail(x_t, look.n_t, exact.decimal(self.null_rate))
            succeeds[x_t, x_c] = value <= exact.decimal(self.alpha)
            ties.append(Tie(x_t, x_c, float(value), "in whole numbers"))
        return Regions(Region.from_grid(look, succeeds), Region(look, ()), tuple(ties))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        del control
        finds = f"finds the rate on {treatment} above {self.null_rate:g}, one-sided p <= {self.alpha:g}"
        return f"Success if the exact binomial test {finds}."
