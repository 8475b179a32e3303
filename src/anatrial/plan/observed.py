"""What one observed result says: p-values under every test, and every interval, of one arm or of two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from anatrial.domain.mixture import BetaMixture
from anatrial.errors import Fault, InputError
from anatrial.numerics import difference_intervals, intervals, ratio_intervals
from anatrial.numerics.binomial_tests import binomial_p_values
from anatrial.numerics.score import NEAREST_MARGIN, score_p_value, score_z
from anatrial.numerics.two_by_two import p_values, unconditional_p_values, wald_p_value
from anatrial.spec import MAX_N

CONDITIONAL = {"Fisher two-sided", "Fisher one-sided", "Fisher doubled"}
"""The tests among those of ``p_values`` that never reject more often than alpha."""


class Count(NamedTuple):
    """Responders and patients of one arm."""

    x: int
    n: int

    @property
    def rate(self) -> float:
        """Observed rate."""
        return self.x / self.n

    def __str__(self) -> str:
        return f"{self.x}/{self.n}"


class TestResult(NamedTuple):
    """A p-value; ``keeps_alpha`` where the test never rejects more often than alpha, whatever the true rates."""

    test: str
    p: float
    keeps_alpha: bool


class Interval(NamedTuple):
    """An interval; ``covers`` where it holds the truth at least as often as stated, whatever the true rates."""

    method: str
    lower: float | None
    upper: float | None
    """None where there is no limit; then ``note`` says why."""
    covers: bool
    note: str = ""


class Measure(NamedTuple):
    """A quantity with its observed value (None where a division by 0 leaves none) and every interval."""

    of: str
    value: float | None
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """One observed result, read in every way."""

    treatment: Count
    control: Count | None
    level: float
    """Of all intervals."""
    null: float | None
    """The fixed rate that one arm is tested against."""
    margin: float | None
    """The difference of rates that the tests of ``margin_tests`` ask treatment to pass."""
    tests: tuple[TestResult, ...]
    margin_tests: tuple[TestResult, ...]
    posterior_above: float | None
    """P(p_t - p_c > margin), margin 0 where none was asked for, under a uniform prior of each rate."""
    measures: tuple[Measure, ...]


def read_count(text: str, where: str) -> Count:
    """Responders and patients from ``8/12``; ``InputError`` for what is none, or more than 2,000 patients."""
    x, slash, n = (part.strip() for part in text.partition("/"))
    expected, fix = "responders/patients", "such as 8/12"
    if not (slash and x.isdecimal() and n.isdecimal()):
        raise InputError(Fault(where, repr(text), expected, fix))
    found = Count(int(x), int(n))
    if not 1 <= found.n <= MAX_N:
        raise InputError(Fault(where, f"{found.n} patients", f"1 to {MAX_N} patients", fix))
    if found.x > found.n:
        raise InputError(Fault(where, f"{found.x} responders of {found.n} patients", "at most as many responders", fix))
    return found


def single(arm: Count, *, level: float = 0.95, null: float | None = None) -> Observed:
    """The intervals of one arm's rate and, with ``null``, its exact p-values; both in (0, 1), else ``InputError``."""
    _check_level(level)
    if null is not None and not 0 < null < 1:
        raise InputError(Fault("--null", f"{null:g}", "a rate above 0 and below 1", "such as 0.3"))
    tests = {} if null is None else binomial_p_values(*arm, null)
    return Observed(
        treatment=arm,
        control=None,
        level=level,
        null=null,
        margin=None,
        tests=tuple(TestResult(name, p, keeps_alpha=True) for name, p in tests.items()),
        margin_tests=(),
        posterior_above=None,
        measures=(_rate("rate", arm, level),),
    )


def compared(treatment: Count, control: Count, *, level: float = 0.95, margin: float | None = None) -> Observed:
    """Treatment against control: every test and every interval.

    ``level`` lies in (0, 1), ``margin`` in (-1, 1), else ``InputError``. A margin of -0.1 asks whether treatment is at
    most 10 points worse.
    """
    _check_level(level)
    if margin is not None and not (margin == 0 or NEAREST_MARGIN <= abs(margin) <= 1 - NEAREST_MARGIN):
        raise InputError(
            Fault(
                "--margin",
                f"{margin:g}",
                f"0, or a difference at least {NEAREST_MARGIN:g} away from 0, -1 and 1",
                "such as -0.1",
            )
        )
    posteriors = tuple(BetaMixture.beta(1, 1).updated(*arm) for arm in (treatment, control))
    return Observed(
        treatment=treatment,
        control=control,
        level=level,
        null=None,
        margin=margin,
        tests=_tests((*treatment, *control)),
        margin_tests=() if margin is None else _margin_tests(treatment, control, margin),
        posterior_above=posteriors[0].probability_above(posteriors[1], margin or 0.0),
        measures=(
            _difference(treatment, control, level),
            _rate("rate p_t on treatment", treatment, level),
            _rate("rate p_c on control", control, level),
            *_ratios(treatment, control, level),
        ),
    )


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        fix = f"--level {level / 100:g}" if 1 < level < 100 else "such as 0.95"
        raise InputError(Fault("--level", f"{level:g}", "a probability above 0 and below 1", fix))


def _tests(table: tuple[int, int, int, int]) -> tuple[TestResult, ...]:
    used = [TestResult(name, p, name in CONDITIONAL) for name, p in p_values(*table).items()]
    used.append(TestResult("z two-sided, unpooled", wald_p_value(*table), keeps_alpha=False))
    exact = [TestResult(name, p, keeps_alpha=True) for name, p in unconditional_p_values(*table).items()]
    return (*used, *exact)


def _margin_tests(treatment: Count, control: Count, margin: float) -> tuple[TestResult, ...]:
    """One-sided tests of p_t - p_c <= margin by the score statistic."""
    z = float(score_z(treatment, control, margin))
    exact = score_p_value((treatment.x, control.x), treatment.n, control.n, margin)
    return (
        TestResult("score, exact unconditional", exact, keeps_alpha=True),
        TestResult("score, normal (Farrington-Manning)", 0.5 * math.erfc(z / math.sqrt(2)), keeps_alpha=False),
    )


def _rate(of: str, arm: Count, level: float) -> Measure:
    uniform = BetaMixture.beta(1, 1).updated(*arm)
    found = (
        Interval("Clopper-Pearson (exact)", *intervals.clopper_pearson(*arm, level), covers=True),
        Interval("Wilson (score)", *intervals.wilson(*arm, level), covers=False),
        Interval("mid-p", *intervals.mid_p(*arm, level), covers=False),
        Interval("Jeffreys", *intervals.jeffreys(*arm, level), covers=False),
        Interval("Agresti-Coull", *intervals.agresti_coull(*arm, level), covers=False),
        Interval("Wald", *intervals.wald(*arm, level), covers=False),
        Interval("posterior, uniform prior", *uniform.interval(level), covers=False),
    )
    return Measure(of, arm.rate, found)


def _difference(treatment: Count, control: Count, level: float) -> Measure:
    table = (*treatment, *control)
    found = (
        _exact(treatment, control, level),
        Interval("Miettinen-Nurminen (score)", *difference_intervals.miettinen_nurminen(*table, level), covers=False),
        Interval("Mee (score)", *difference_intervals.mee(*table, level), covers=False),
        Interval("Newcombe", *difference_intervals.newcombe(*table, level), covers=False),
        Interval("Agresti-Caffo", *difference_intervals.agresti_caffo(*table, level), covers=False),
        Interval("Wald", *difference_intervals.wald(*table, level), covers=False),
        Interval("posterior, uniform priors", *posterior_interval(treatment, control, level=level), covers=False),
    )
    return Measure("difference p_t - p_c", treatment.rate - control.rate, found)


def posterior_interval(
    treatment: Count,
    control: Count,
    *,
    level: float = 0.95,
    priors: tuple[BetaMixture, BetaMixture] = (BetaMixture.beta(1, 1), BetaMixture.beta(1, 1)),
) -> tuple[float, float]:
    """Equal-tailed posterior interval of p_t - p_c under independent ``priors`` of treatment and control."""
    one, other = priors[0].updated(*treatment), priors[1].updated(*control)
    tail = (1 - level) / 2
    return one.difference_quantile(other, tail), one.difference_quantile(other, 1 - tail)


def _exact(treatment: Count, control: Count, level: float) -> Interval:
    name, tables = "Chan-Zhang (exact)", (treatment.n + 1) * (control.n + 1)
    if tables > difference_intervals.MOST_TABLES:
        note = f"not computed: {tables:,} possible tables, more than {difference_intervals.MOST_TABLES:,}"
        return Interval(name, None, None, covers=True, note=note)
    return Interval(name, *difference_intervals.exact(*treatment, *control, level), covers=True)


def _ratios(treatment: Count, control: Count, level: float) -> tuple[Measure, Measure]:
    """Ratio of rates and odds ratio, treatment over control."""
    table = (*treatment, *control)
    lower, upper = ratio_intervals.risk_ratio_koopman(*table, level)
    endless = math.isinf(upper)
    score = Interval("Koopman (score)", lower, None if endless else upper, False, "no upper limit" if endless else "")
    risk_wald = ratio_intervals.risk_ratio_wald(*table, level)
    odds_wald = ratio_intervals.odds_ratio_wald(*table, level)
    risk = treatment.rate / control.rate if control.x else None
    below = (treatment.n - treatment.x) * control.x
    odds = treatment.x * (control.n - control.x) / below if below else None
    return (
        Measure("ratio p_t / p_c", risk, (score, _log_wald(risk_wald, "nobody responds in an arm"))),
        Measure("odds ratio", odds, (_log_wald(odds_wald, "a cell of the table is empty"),)),
    )


def _log_wald(found: tuple[float, float] | None, why_none: str) -> Interval:
    if found is None:
        return Interval("Wald, logarithm", None, None, covers=False, note=f"does not exist: {why_none}")
    return Interval("Wald, logarithm", *found, covers=False)
