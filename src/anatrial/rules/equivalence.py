"""Success when the posterior is sure enough that the difference of rates lies inside a band."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.numerics.superiority import probability_greater
from anatrial.rules.base import Believer, Dial, Statement, certainty_dial
from anatrial.rules.posterior import AnalysisPrior, prior_faults
from anatrial.spec import OpenRate, RateDifference


class Equivalence(Believer):
    """Succeed when P(lower < treatment - control < upper | data) > certainty: one statement on both sides of the band.

    Two criteria of the rule ``criteria``, P(difference > lower) > certainty and P(difference <= upper) > certainty, ask
    less: each may leave 1 - certainty outside on its own side, so that both together may leave twice as much. Where the
    joint statement holds, both of them do. The Bonferroni inequality gives the converse only at half the doubt:
    two criteria at (1 + certainty) / 2 imply the joint statement.

    Success is a band of treatment counts per control count. Success is an error where the rates differ by ``lower`` or
    less, and where they differ by ``upper`` or more: type I error is the worst over both sides.
    """

    kind: Literal["equivalence"]
    lower: RateDifference
    """Treatment rate minus control rate; at this difference, and below, treatment is worse than equivalent."""
    upper: RateDifference
    """At this difference, and above, treatment is better than equivalent."""
    certainty: OpenRate
    analysis_prior: AnalysisPrior

    @model_validator(mode="after")
    def _band(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError(f"lower {self.lower:g} and upper {self.upper:g} | a lower end below the upper one")
        return self

    @property
    def null_margin(self) -> float:
        """The lower end."""
        return self.lower

    @property
    def upper_null(self) -> float | None:
        """The upper end."""
        return self.upper

    @property
    def one_way(self) -> bool:
        """Success speaks for neither arm."""
        return False

    @property
    def dial(self) -> Dial | None:
        """The certainty."""
        return certainty_dial(self.certainty)

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:  # noqa: ARG002 - two arms, whatever their size
        """A control arm without a prior."""
        yield from prior_faults(self.analysis_prior, single=False)

    def statements(self, look: Look) -> Iterator[Statement]:
        """That the difference lies inside the band."""
        control = self.analysis_prior.control
        assert control is not None
        arms = (self.analysis_prior.treatment.mixture().array, look.n_t, control.mixture().array, look.n_c)
        inside = probability_greater(*arms, self.lower) - probability_greater(*arms, self.upper)
        yield Statement(inside, self.certainty, lambda *_: None)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        band = f"{self.lower:g} < {treatment} rate - {control} rate < {self.upper:g}"
        return f"Success if P({band} | data) > {self.certainty:.12g}."
