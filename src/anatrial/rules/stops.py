"""What may end a trial at an interim look: a probability that is compared with a threshold."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.domain.counts import Look, Region, Tie
from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray, exact, predictive, tables
from anatrial.rules.base import Rule, Statement, near_tables
from anatrial.rules.posterior import AnalysisPrior, Posterior
from anatrial.spec import OpenRate, Rate, RateDifference, Spec

WRITE_PRIOR = "write it out: prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"
WRITE_ONE_ARM = "write it out: prior = { treatment = { a = 1, b = 1 } }"


def assumed(final: Rule) -> AnalysisPrior | None:
    """The analysis prior of a rule, where it has one that does not follow the trial's own data."""
    prior = getattr(final, "analysis_prior", None)
    return prior if isinstance(prior, AnalysisPrior) else None


class Stop(Spec):
    """A reason to end the trial at an interim look, for success or for futility.

    Its probability must pass the threshold strictly. Within 1e-9 of it the trial goes on, unless fractions can tell.
    """

    decides: Literal["success", "futility"]
    looks: Annotated[tuple[Annotated[int, Field(ge=1, le=200)], ...], Field(min_length=1)] | None = None
    """Interim looks at which it counts, from 1; without it, all of them."""

    @property
    def bounds(self) -> dict[str, float | None]:
        """What is written of the two thresholds: the one for success, then the one for futility."""
        raise TypeError(self)

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        names = list(self.bounds)
        wanted, other = names if self.decides == "success" else names[::-1]
        if self.bounds[wanted] is None or self.bounds[other] is not None:
            given = [name for name in names if self.bounds[name] is not None]
            raise ValueError(f"{' and '.join(given) or 'no threshold'} | {wanted}, to decide {self.decides}")
        return self

    @property
    def threshold(self) -> float:
        """What the probability must exceed for success, or fall below for futility."""
        return next(value for value in self.bounds.values() if value is not None)

    def counts_at(self, number: int) -> bool:
        """Whether it may end the trial at the interim look of this number, from 1."""
        return self.looks is None or number in self.looks

    def statement(self, final: Rule, look: Look, end: Region) -> Statement:
        """Its probability for every table of ``look``; ``end`` holds the final tables that succeed."""
        raise TypeError(final, look, end)

    def misfits(self, final: Rule, place: str, *, single: bool) -> Iterator[Fault]:
        """What of it does not fit the final rule, or the number of arms."""
        raise TypeError(final, place, single)

    def measure(self, final: Rule, treatment: str, control: str) -> str:
        """Its probability in words."""
        raise TypeError(final, treatment, control)

    def met(self, final: Rule, look: Look, end: Region) -> tuple[BoolArray, tuple[Tie, ...]]:
        """Where the trial ends, shape (n_t + 1, n_c + 1), and the tables near the threshold."""
        value, threshold, exactly = self.statement(final, look, end)
        stops, ties = (value > threshold if self.decides == "success" else value < threshold), []
        for table in near_tables(value, threshold):
            sure, limit = exactly(*table), exact.decimal(threshold)
            stops[table] = sure is not None and (sure > limit if self.decides == "success" else sure < limit)
            if sure is None:
                ties.append(Tie(*table, float(value[table]), "within 1e-9 of the threshold: the trial goes on"))
            else:
                ties.append(Tie(*table, float(sure), "in whole numbers"))
        return stops, tuple(ties)

    def said(self, final: Rule, treatment: str, control: str) -> str:
        """The condition in words."""
        sign = ">" if self.decides == "success" else "<"
        return f"{self.measure(final, treatment, control)} {sign} {self.threshold:.12g}"


class PosteriorStop(Stop):
    """Ends the trial where P(treatment - control > margin | data) > certainty, or for futility where it is < below.

    In a single-arm trial the comparison is with ``benchmark``, or with the control prior as an uncertain rate; without
    both, with the rate at which the final rule's "no effect" ends. The margin is added to it.
    """

    kind: Literal["posterior"]
    certainty: OpenRate | None = None
    """For success."""
    below: OpenRate | None = None
    """For futility."""
    margin: RateDifference = 0.0
    benchmark: OpenRate | None = None
    prior: AnalysisPrior | None = None
    """Without it, the analysis prior of the final rule."""

    @property
    def bounds(self) -> dict[str, float | None]:
        """``certainty`` for success, ``below`` for futility."""
        return {"certainty": self.certainty, "below": self.below}

    def judge(self, final: Rule) -> Posterior | None:
        """The posterior that is asked; None where no prior, or nothing to compare with, is known."""
        prior, benchmark = self.prior or assumed(final), self.benchmark
        if prior is None:
            return None
        if benchmark is None and prior.control is None:
            benchmark = final.fixed_benchmark
        if benchmark is None and prior.control is None:
            return None
        return Posterior(
            kind="posterior",
            certainty=self.threshold,
            margin=self.margin,
            benchmark=benchmark,
            analysis_prior=prior if benchmark is None else AnalysisPrior(treatment=prior.treatment),
        )

    def statement(self, final: Rule, look: Look, end: Region) -> Statement:
        """P(treatment - control > margin | data)."""
        del end
        judge = self.judge(final)
        assert judge is not None
        return next(judge.statements(look))

    def misfits(self, final: Rule, place: str, *, single: bool) -> Iterator[Fault]:
        """No prior, no benchmark or two of them, or one in a trial that has a control arm."""
        if not single and self.benchmark is not None:
            yield Fault(f"{place}, benchmark", f"{self.benchmark:g}", "no benchmark in a two-arm trial", "remove it")
        if single and self.benchmark is not None and self.prior is not None and self.prior.control is not None:
            yield Fault(place, "both", "benchmark (a fixed rate) or prior.control (an uncertain one)")
        prior, judge = self.prior or assumed(final), self.judge(final)
        if prior is None or (not single and prior.control is None):
            yield _no_prior(place, single=single)
        elif judge is None:
            yield Fault(place, "nothing to compare with", "benchmark (a fixed rate), or a prior with control")
        elif judge.fixed_benchmark is not None and not 0 < judge.fixed_benchmark < 1:
            expected = "a margin that keeps benchmark + margin between 0 and 1"
            yield Fault(f"{place}, margin", f"{self.margin:g}", expected)

    def measure(self, final: Rule, treatment: str, control: str) -> str:
        """The posterior probability, as the rule of that name says it."""
        judge = self.judge(final)
        assert judge is not None
        said = judge.said(treatment, control).removeprefix("Success if ").rpartition(" > ")[0]
        return f"{said}{_own(self.prior)}"


class PredictiveStop(Stop):
    """Ends the trial where the predictive probability of success is > above, or for futility where it is < below.

    Success means success at the last look by the final rule, if no look before it ended the trial. The patients to
    come respond at rates drawn from the prior, updated by the data so far. In a single-arm trial only the prior of
    the treatment counts.

    Source: Lee & Liu (2008), Clinical Trials 5:93-106, for one arm.
    """

    kind: Literal["predictive_probability"]
    above: OpenRate | None = None
    """For success."""
    below: OpenRate | None = None
    """For futility."""
    prior: AnalysisPrior | None = None
    """Without it, the analysis prior of the final rule. A self-adapting prior predicts nothing before its data."""

    @property
    def bounds(self) -> dict[str, float | None]:
        """``above`` for success, ``below`` for futility."""
        return {"above": self.above, "below": self.below}

    def statement(self, final: Rule, look: Look, end: Region) -> Statement:
        """The predictive probability of success at the last look."""
        prior = self.prior or assumed(final)
        assert prior is not None
        law_t = _predicted(prior.treatment, look.n_t, end.look.n_t)
        law_c = np.ones((1, 1)) if end.look.n_c == 0 else _predicted(prior.control, look.n_c, end.look.n_c)
        return Statement(tables.crossed(end.array, law_t, law_c), self.threshold, _unknown)

    def misfits(self, final: Rule, place: str, *, single: bool) -> Iterator[Fault]:
        """No prior for an arm."""
        prior = self.prior or assumed(final)
        if prior is None or (prior.control is None and not single):
            yield _no_prior(place, single=single)

    def measure(self, final: Rule, treatment: str, control: str) -> str:
        """What is compared, and whether it has a prior of its own."""
        del final, treatment, control
        return f"the predictive probability of success at the last look{_own(self.prior)}"


class AssumedRates(Spec):
    """Response rates from the interim look on."""

    treatment: Rate
    control: Rate | None = None


class ConditionalStop(Stop):
    """Ends the trial where the conditional power is > above, or for futility where it is < below.

    Conditional power: the probability of success at the last look by the final rule, if no look before it ended the
    trial, where the patients to come respond ``under`` the ``estimate`` (each arm's rate so far: 0 of n means 0), the
    ``null`` (both arms at the rate of all patients so far; a single arm at the edge of no effect), or the ``design``,
    whose ``rates`` are given.

    Source: Lan, Simon & Halperin (1982), Sequential Analysis 1:207-219; here with binomial instead of normal laws.
    """

    kind: Literal["conditional_power"]
    above: OpenRate | None = None
    """For success."""
    below: OpenRate | None = None
    """For futility."""
    under: Literal["estimate", "null", "design"]
    rates: AssumedRates | None = None
    """For ``under = "design"``."""

    @model_validator(mode="after")
    def _rates_of_the_design(self) -> Self:
        if (self.under == "design") != (self.rates is not None):
            got = "no rates" if self.rates is None else "rates"
            raise ValueError(f"{got} with under = {self.under!r} | rates with 'design', and only there")
        return self

    @property
    def bounds(self) -> dict[str, float | None]:
        """``above`` for success, ``below`` for futility."""
        return {"above": self.above, "below": self.below}

    def statement(self, final: Rule, look: Look, end: Region) -> Statement:
        """The conditional power."""
        if self.under == "null" and look.n_c:
            value = predictive.at_pooled_rate(end.array, look, end.look)
        else:
            laws = (
                predictive.conditional(rates, n, total)
                for rates, n, total in zip(self._rates(final, look), look, end.look, strict=True)
            )
            value = tables.crossed(end.array, *laws)
        return Statement(value, self.threshold, _unknown)

    def _rates(self, final: Rule, look: Look) -> tuple[FloatArray, FloatArray]:
        """Rates from here on per count of each arm, shapes (n_t + 1,) and (n_c + 1,)."""
        if self.under == "estimate":
            return np.arange(look.n_t + 1) / look.n_t, np.arange(look.n_c + 1) / max(look.n_c, 1)
        treatment, control = (final.fixed_benchmark, None)
        if self.rates is not None:
            treatment, control = self.rates.treatment, self.rates.control
        assert treatment is not None
        return np.full(look.n_t + 1, treatment), np.full(look.n_c + 1, control or 0.0)

    def misfits(self, final: Rule, place: str, *, single: bool) -> Iterator[Fault]:
        """Rates that do not fit the arms, or a null that no data tell."""
        if self.rates is not None and (self.rates.control is None) != single:
            got, expected = "no control rate", "a control rate"
            if single:
                got, expected = "a control rate", "no control rate in a single-arm trial"
            yield Fault(f"{place}, rates", got, expected)
        if self.under != "null":
            return
        fix = 'state rates: under = "design" with rates'
        if single and final.fixed_benchmark is None:
            yield Fault(f"{place}, under", "'null'", "a final rule with a fixed rate to beat", fix)
        if not single and final.edge != 0:
            yield Fault(f"{place}, under", "'null'", "a final rule whose edge of no effect is equal rates", fix)

    def measure(self, final: Rule, treatment: str, control: str) -> str:
        """What is compared, and at which rates."""
        del treatment, control
        where = "the rates so far" if self.under == "estimate" else "the rate of all patients so far"
        if self.rates is not None:
            given = [rate for rate in (self.rates.treatment, self.rates.control) if rate is not None]
            where = " v ".join(f"{rate:g}" for rate in given)
        elif self.under == "null" and final.fixed_benchmark is not None:
            where = f"{final.fixed_benchmark:g}"
        return f"the conditional power at {where}"


AnyStop = Annotated[ConditionalStop | PosteriorStop | PredictiveStop, Field(discriminator="kind")]


def _predicted(prior: PriorRef | None, n: int, total: int) -> FloatArray:
    """Laws of the final count of an arm, a row per count so far."""
    assert prior is not None
    return predictive.predicted(prior.mixture().array, n, total)


def _own(prior: AnalysisPrior | None) -> str:
    """Remark on a prior that is not the final rule's."""
    return "" if prior is None else " (prior of its own)"


def _unknown(x_t: int, x_c: int) -> Fraction | None:
    """No fraction is known of this table."""
    del x_t, x_c
    return None


def _no_prior(place: str, *, single: bool) -> Fault:
    expected = "a prior of its own: rule.final has none for every arm, or one that follows the data"
    return Fault(place, "no prior", expected, WRITE_ONE_ARM if single else WRITE_PRIOR)
