"""Success when the posterior is sure enough that treatment beats control by the margin."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Literal

from anatrial.domain.counts import Look
from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray, IntArray, exact
from anatrial.numerics.superiority import greater_than_rate, probability_greater
from anatrial.numerics.walk import posterior_staircases
from anatrial.rules.base import Believer, Dial, Statement, above_control, above_rate, beyond, certainty_dial
from anatrial.spec import OpenRate, RateDifference, Spec


class Criterion(Spec):
    """P(treatment - control > margin | data) > certainty."""

    certainty: OpenRate
    margin: RateDifference = 0.0


class AnalysisPrior(Spec):
    """What the final analysis assumes before it sees the trial's data."""

    treatment: PriorRef
    control: PriorRef | None = None
    """In a single-arm trial: the uncertain historical rate, which no data of the trial update."""


class Posterior(Believer):
    """Succeed when the posterior is sure enough that treatment beats control by the margin (strictly).

    ``relevance`` adds a second criterion that must hold too (dual criterion: significance and relevance).
    In a single-arm trial the comparison is with ``benchmark`` (a fixed rate) or the control prior (an uncertain rate).
    """

    kind: Literal["posterior"]
    certainty: OpenRate
    margin: RateDifference = 0.0
    relevance: Criterion | None = None
    benchmark: OpenRate | None = None
    analysis_prior: AnalysisPrior

    @property
    def arms(self) -> tuple[int, ...]:
        """One arm, against a benchmark, or two."""
        return (1, 2)

    @property
    def null_margin(self) -> float:
        """The margin of the first criterion."""
        return self.margin

    @property
    def fixed_benchmark(self) -> float | None:
        """The benchmark with the margin, where there is one."""
        return None if self.benchmark is None else self.benchmark + self.margin

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """All criteria that must hold."""
        first = Criterion(certainty=self.certainty, margin=self.margin)
        return (first,) if self.relevance is None else (first, self.relevance)

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Nothing, or two things, to compare with; a margin that leaves no rate."""
        if looks[-1].n_c == 0 and (self.benchmark is None) == (self.analysis_prior.control is None):
            got = "neither" if self.benchmark is None else "both"
            yield Fault("rule", got, "benchmark (a fixed rate) or analysis_prior.control (an uncertain one)")
        if looks[-1].n_c > 0 and self.benchmark is not None:
            yield Fault("rule.benchmark", str(self.benchmark), "no benchmark in a two-arm trial", "remove it")
        if looks[-1].n_c > 0:
            yield from prior_faults(self.analysis_prior, single=False)
        for criterion in self.criteria:
            if self.benchmark is not None and not 0 < self.benchmark + criterion.margin < 1:
                expected = "a margin that keeps benchmark + margin between 0 and 1"
                yield Fault("rule.margin", str(criterion.margin), expected)

    def probability(self, look: Look, margin: float) -> FloatArray:
        """P(treatment - control > margin | data) for every table, shape (n_t + 1, n_c + 1)."""
        treatment = self.analysis_prior.treatment.mixture().array
        if self.analysis_prior.control is None:
            return greater_than_rate(treatment, look.n_t, min(max((self.benchmark or 0.0) + margin, 0.0), 1.0))[:, None]
        return probability_greater(treatment, look.n_t, self.analysis_prior.control.mixture().array, look.n_c, margin)

    @property
    def dial(self) -> Dial | None:
        """The certainty of the first criterion."""
        return certainty_dial(self.certainty)

    def statements(self, look: Look) -> Iterator[Statement]:
        """Every criterion."""
        for criterion in self.criteria:
            probability = self.probability(look, criterion.margin)
            yield Statement(probability, criterion.certainty, partial(self._sure, look, criterion.margin))

    def _sure(self, look: Look, margin: float, x_t: int, x_c: int) -> Fraction | None:
        """P(treatment - control > margin) of one table as a fraction, where the priors allow it."""
        treatment, control = self.analysis_prior.treatment.mixture().updated(x_t, look.n_t), self.analysis_prior.control
        if control is None:
            return above_rate(treatment, exact.decimal(self.benchmark or 0.0) + exact.decimal(margin))
        return above_control(treatment, control.mixture().updated(x_c, look.n_c)) if margin == 0 else None

    def staircases(self, n_t: IntArray, n_c: IntArray) -> tuple[IntArray, BoolArray] | None:
        """Boundaries of many designs at once, for one criterion at margin 0 with one Beta per arm."""
        control = self.analysis_prior.control
        if control is None or len(self.criteria) > 1 or self.margin != 0 or int(n_c.min()) == 0:
            return None
        parts = (self.analysis_prior.treatment.mixture().parts, control.mixture().parts)
        if any(len(part) > 1 for part in parts):
            return None
        return posterior_staircases(n_t, n_c, parts[0][0][1:], parts[1][0][1:], self.certainty)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        against = f"{self.benchmark:g}" if self.benchmark is not None else f"{control} rate"
        said = (
            f"P({treatment} rate > {against}{beyond(criterion.margin)} | data) > {criterion.certainty:.12g}"
            for criterion in self.criteria
        )
        return f"Success if {' and '.join(said)}."


def prior_faults(prior: AnalysisPrior, *, single: bool) -> Iterator[Fault]:
    """A control prior without a control arm, where the comparison is with fixed rates, or a control arm without one."""
    if single and prior.control is not None:
        fix = "for an uncertain historical rate there is the rule of kind posterior"
        yield Fault("rule.analysis_prior.control", "a prior", "no control prior in a single-arm trial", fix)
    if not single and prior.control is None:
        fix = "add control = { a = 1, b = 1 }"
        yield Fault("rule.analysis_prior", "no control", "a prior for the control rate", fix)
