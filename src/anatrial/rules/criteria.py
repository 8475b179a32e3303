"""Success when every one of several criteria on the posterior holds, each in its own direction and on its own scale."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.numerics import FloatArray, exact
from anatrial.numerics.difference import probability_beyond
from anatrial.numerics.superiority import greater_than_rate
from anatrial.rules.base import Believer, Dial, Statement, above_control, above_rate, beyond, certainty_dial
from anatrial.rules.posterior import AnalysisPrior, prior_faults
from anatrial.spec import OpenRate, RateDifference, Spec

RATIOS = {"log_odds": "log odds ratio", "log_ratio": "log rate ratio"}
"""The scales of ratios, in words."""


class SidedCriterion(Spec):
    """P(g(treatment) - g(control) > threshold | data) > certainty; ``less``: P(... <= threshold | data) > certainty."""

    direction: Literal["greater", "less"]
    scale: Literal["rate", "difference", "log_odds", "log_ratio"] = "difference"
    """``difference`` of rates, of their logits (``log_odds``) or of their natural logarithms (``log_ratio``). In a
    single-arm trial ``rate``: the treatment rate itself against the threshold."""
    threshold: Annotated[float, Field(ge=-20, le=20)]
    certainty: OpenRate

    @model_validator(mode="after")
    def _within_scale(self) -> Self:
        lowest = {"rate": 0, "difference": -1}.get(self.scale)
        if lowest is not None and not lowest < self.threshold < 1:
            raise ValueError(f"threshold {self.threshold:g} | a {self.scale} above {lowest} and below 1")
        return self

    @property
    def line(self) -> float | None:
        """The threshold as a treatment rate minus the control rate; None where it is no such line.

        On the scales of ratios only equal rates are one. In a single-arm trial it is the rate.
        """
        return self.threshold if self.scale not in RATIOS else 0.0 if self.threshold == 0 else None

    def fails_at(self, null: float) -> bool:
        """Whether the statement is false, or at its edge, for every pair of rates that differ by ``null``."""
        edge = self.threshold if self.scale not in RATIOS else 0.0
        if self.direction == "greater":
            return null <= edge <= self.threshold
        return null >= edge >= self.threshold

    def said(self, treatment: str, control: str) -> str:
        """The criterion in words."""
        sign = ">" if self.direction == "greater" else "<="
        match self.scale:
            case "rate":
                statement = f"{treatment} rate {sign} {self.threshold:g}"
            case "difference":
                statement = f"{treatment} rate {sign} {control} rate{beyond(self.threshold)}"
            case _:
                statement = f"{RATIOS[self.scale]} of {treatment} to {control} {sign} {self.threshold:g}"
        return f"P({statement} | data) > {self.certainty:.12g}"


class Criteria(Believer):
    """Succeed when every criterion on the posterior holds: equivalence, dual criteria, harm, grey zones.

    Success need not reach up to all responders on treatment, so each table is decided on its own. The probability of
    ``less`` is one minus that of ``greater``: its absolute error is below 1e-11, its relative error may be larger.
    """

    kind: Literal["criteria"]
    criteria: Annotated[tuple[SidedCriterion, ...], Field(min_length=1, max_length=10)]
    null: RateDifference | None = None
    """Treatment rate minus control rate at the edge of no effect, where type I error is taken; in a single-arm trial
    the rate itself. It may be left out where all criteria have one and the same edge."""
    analysis_prior: AnalysisPrior

    @property
    def arms(self) -> tuple[int, ...]:
        """One arm, against fixed rates, or two."""
        return (1, 2)

    @property
    def one_way(self) -> bool:
        """Whether every criterion asks for more on treatment."""
        return all(criterion.direction == "greater" for criterion in self.criteria)

    @property
    def edge(self) -> float | None:
        """The stated null, else the only edge that the criteria have; None where there are several or none."""
        if self.null is not None:
            return self.null
        lines = {criterion.line for criterion in self.criteria}
        return lines.pop() if len(lines) == 1 else None

    @property
    def null_margin(self) -> float:
        """The edge of two arms; 0 where there is none, and then no type I error is reported."""
        return 0.0 if self.analysis_prior.control is None else self.edge or 0.0

    @property
    def fixed_benchmark(self) -> float | None:
        """The edge of a single arm."""
        return self.edge if self.analysis_prior.control is None else None

    @property
    def dial(self) -> Dial | None:
        """The certainty of the only criterion; None where there are several."""
        return certainty_dial(self.criteria[0].certainty) if len(self.criteria) == 1 else None

    def dialled(self, value: float) -> Self:
        """The rule with another certainty of its only criterion."""
        (criterion,) = self.criteria
        return self.model_copy(update={"criteria": (criterion.model_copy(update={"certainty": value}),)})

    def probability(self, look: Look, criterion: SidedCriterion) -> FloatArray:
        """Probability of a criterion's statement for every table, shape (n_t + 1, n_c + 1)."""
        treatment, control = self.analysis_prior.treatment.mixture().array, self.analysis_prior.control
        if control is None or criterion.scale == "rate":
            greater = greater_than_rate(treatment, look.n_t, criterion.threshold)[:, None]
        else:
            parts = control.mixture().array
            greater = probability_beyond(treatment, look.n_t, parts, look.n_c, criterion.threshold, criterion.scale)
        return greater if criterion.direction == "greater" else 1 - greater

    def statements(self, look: Look) -> Iterator[Statement]:
        """Every criterion."""
        for criterion in self.criteria:
            yield Statement(
                self.probability(look, criterion), criterion.certainty, partial(self._sure, look, criterion)
            )

    def _sure(self, look: Look, criterion: SidedCriterion, x_t: int, x_c: int) -> Fraction | None:
        """The probability of one table as a fraction, where the priors and the threshold allow it."""
        treatment, control = self.analysis_prior.treatment.mixture().updated(x_t, look.n_t), self.analysis_prior.control
        greater = None
        if control is None:
            greater = above_rate(treatment, exact.decimal(criterion.threshold))
        elif criterion.threshold == 0:  # equal rates on every scale
            greater = above_control(treatment, control.mixture().updated(x_c, look.n_c))
        return greater if greater is None or criterion.direction == "greater" else 1 - greater

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Scales and priors of another number of arms, and a null where success is right."""
        single = looks[-1].n_c == 0
        yield from scale_faults("rule.criteria", self.criteria, single=single)
        yield from prior_faults(self.analysis_prior, single=single)
        if self.null is None:
            return
        if single and not 0 < self.null < 1:
            yield Fault("rule.null", f"{self.null:g}", "a rate: a single arm is compared with fixed rates")
        elif not any(criterion.fails_at(self.null) for criterion in self.criteria):
            got = f"{self.null:g}, where the criteria may all be true"
            yield Fault("rule.null", got, "a place where success is an error", "give the edge of one of the criteria")

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        return f"Success if {' and '.join(criterion.said(treatment, control) for criterion in self.criteria)}."


def scale_faults(place: str, criteria: tuple[SidedCriterion, ...], *, single: bool) -> Iterator[Fault]:
    """Criteria of a list, named by its place, whose scale belongs to another number of arms."""
    fits = "'rate': a single arm is compared with fixed rates" if single else f"one of difference, {', '.join(RATIOS)}"
    for index, criterion in enumerate(criteria, start=1):
        if single != (criterion.scale == "rate"):
            yield Fault(f"{place} {index}, scale", repr(criterion.scale), fits)
