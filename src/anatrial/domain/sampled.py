"""What is said of sampled posteriors: how well the chains mixed, and whether they agree with exact numbers."""

from anatrial.spec import Count, Spec, Text

R_HAT, ESS, BFMI = 1.01, 400.0, 0.3
"""Limits of a sampled posterior: R-hat at most, effective sizes at least (100 for each of four chains; Vehtari et al.
2021, Bayesian Anal. 16:667-718), and the energy's share that is explored at least (Betancourt 2016, arXiv:1604.00695).
"""


class Diagnostics(Spec):
    """How well the chains mixed: the worst over all quantities of a posterior."""

    r_hat: float
    ess_bulk: float
    ess_tail: float
    divergences: Count
    bfmi: float
    draws: Count

    def faults(self) -> tuple[str, ...]:
        """Every limit that is missed, in words, with the remedy."""
        longer = "raise sampling.tune and sampling.draws"
        told = (
            (self.r_hat > R_HAT, f"R-hat is {self.r_hat:.3f}, above {R_HAT}: the chains disagree; {longer}"),
            (self.ess_bulk < ESS, f"bulk effective size is {self.ess_bulk:.0f}, below {ESS:.0f}; {longer}"),
            (self.ess_tail < ESS, f"tail effective size is {self.ess_tail:.0f}, below {ESS:.0f}; {longer}"),
            (
                self.divergences > 0,
                f"divergences: {self.divergences}, none is allowed (steps too long); raise sampling.target_accept",
            ),
            (
                self.bfmi < BFMI,
                f"BFMI is {self.bfmi:.2f}, below {BFMI}: the tails are hard to reach; raise sampling.tune",
            ),
        )
        return tuple(words for missed, words in told if missed)


class Sampler(Spec):
    """What drew the posterior: equal ones, with equal seeds and settings, give equal draws on one machine."""

    nuts_sampler: Text
    mode: Text
    python: Text
    numpy: Text
    numba: Text
    pytensor: Text
    pymc: Text
    arviz: Text


class Agreement(Spec):
    """One number of the draws beside the exact one: a mean, or the share of draws below an exact quantile."""

    quantity: Text
    """As ``Draws.quantities`` names it."""
    compared: Text
    """``mean``, or ``share below 0.249``."""
    sampled: float
    exact: float
    standard_error: float
    """Monte Carlo standard error of ``sampled``."""

    @property
    def z(self) -> float:
        """Distance in standard errors."""
        return (self.sampled - self.exact) / self.standard_error

    def said(self) -> str:
        """In words."""
        return (
            f"{self.quantity}: {self.compared} {self.sampled:.5g} by sampling, {self.exact:.5g} by integration,"
            f" {abs(self.z):.1f} standard errors apart"
        )


class SampledRecord(Spec):
    """What is kept of a sampled posterior beside its closed form: how it mixed, and how near it came to integration."""

    diagnostics: Diagnostics
    sampler: Sampler
    worst: Agreement
    """The comparison with integration that is furthest off, in Monte Carlo standard errors."""
    comparisons: Count
