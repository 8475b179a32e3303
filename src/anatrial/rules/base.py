"""What every rule is: regions for all looks at once, and itself in words."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.domain.mixture import BetaMixture
from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray, IntArray, exact
from anatrial.numerics.walk import NEAR
from anatrial.spec import Spec

NEAREST = 1e-12  # what floating point decides even for thresholds next to 0 or 1

LARGEST_ALPHA = 0.5
SMALLEST = 1e-6  # alpha, or what a certainty lacks to 1, below which no trial is judged
Alpha = Annotated[float, Field(gt=0, le=LARGEST_ALPHA)]


class Dial(NamedTuple):
    """The number of a rule that makes all of it stricter or looser."""

    name: str
    """Where the number stands under ``[rule]``."""
    value: float
    strictest: float
    loosest: float
    nested: bool = True
    """Whether a stricter value never lets one more result succeed, or harm, at any look."""

    @property
    def rises(self) -> bool:
        """Whether a larger value is the stricter one."""
        return self.strictest > self.loosest

    def between(self, one: float, other: float) -> float:
        """A value halfway between two, on the scale of the dial: linear for a certainty, else logarithmic."""
        return 0.5 * (one + other) if self.rises else math.sqrt(one * other)

    def stricter(self, value: float) -> float:
        """Half of a level, or of what a certainty lacks to 1; at most the strictest value."""
        return min(0.5 * (1 + value), self.strictest) if self.rises else max(0.5 * value, self.strictest)


def certainty_dial(certainty: float) -> Dial:
    """A certainty that the posterior must exceed: any, but for the last millionth at both ends."""
    return Dial("certainty", certainty, max(certainty, 1 - SMALLEST), min(certainty, SMALLEST))


def alpha_dial(alpha: float, name: str = "alpha") -> Dial:
    """A level that the p-value must not pass, from one in a million."""
    return Dial(name, alpha, strictest=min(alpha, SMALLEST), loosest=LARGEST_ALPHA)


class Rule(Spec):
    """When the finished trial is called a success (or a harm)."""

    @property
    def two_sided(self) -> bool:
        """Whether the rule also looks for harm."""
        return False

    @property
    def arms(self) -> tuple[int, ...]:
        """Numbers of arms that it can judge."""
        return (2,)

    @property
    def null_margin(self) -> float:
        """Treatment rate minus control rate at the edge of no effect."""
        return 0.0

    @property
    def upper_null(self) -> float | None:
        """Difference of rates at and above which success is an error too; None where no difference is too large."""
        return None

    @property
    def null_margins(self) -> tuple[float, ...]:
        """Every edge of no effect: ``null_margin``, and ``upper_null`` where there is one."""
        return (self.null_margin,) if self.upper_null is None else (self.null_margin, self.upper_null)

    @property
    def one_way(self) -> bool:
        """Whether success always speaks for more on treatment: any rate below the edge then shows no effect either."""
        return True

    @property
    def edge(self) -> float | None:
        """The edge of no effect, a difference or in a single-arm trial a rate; None where it is not known."""
        return self.null_margin if self.fixed_benchmark is None else self.fixed_benchmark

    @property
    def fixed_benchmark(self) -> float | None:
        """The rate at the edge of no effect where a single arm is compared with a fixed one."""
        return None

    @property
    def interim(self) -> bool:
        """Whether the rule also decides at looks before the last one."""
        return False

    @property
    def three_way(self) -> bool:
        """Whether the finished trial has a third outcome between success and failure."""
        return False

    @property
    def binding(self) -> bool:
        """Whether the trial must stop where futility is met; if not, type I error is computed as if it never did."""
        return True

    @property
    def dial(self) -> Dial | None:
        """The number that ``anatrial calibrate`` may move; None where no single one orders the rule."""
        return None

    def dialled(self, value: float) -> Self:
        """The rule with another value of its dial."""
        if self.dial is None:
            raise TypeError(self)
        return self.model_copy(update={self.dial.name: value})

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:  # noqa: ARG002 - most rules fit every trial
        """What of the rule does not fit a trial with these looks; places are named without the file."""
        yield from ()

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """The deciding tables per look; here each look is decided on its own."""
        return tuple(self._regions(look) for look in looks)

    def _regions(self, look: Look) -> Regions:
        """The deciding tables of one look."""
        raise TypeError(look)

    def again(self, looks: tuple[Look, ...], index: int, over: Look) -> Regions | None:
        """What would be decided at a look at the totals ``over``, once the patients of the pipeline are seen too.

        None where the rule does not say.
        """
        return self.regions((*looks[:index], over, *looks[index + 1 :]))[index]

    def staircases(self, n_t: IntArray, n_c: IntArray) -> tuple[IntArray, BoolArray] | None:  # noqa: ARG002 - the default
        """Least succeeding treatment counts of many designs at once, where the rule has a fast way; else None.

        The second array marks designs with a table near the threshold, whose region must be asked for on its own.
        """
        return None

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        raise TypeError(treatment, control)


class Judged(Rule):
    """A rule whose success is that of another: arms, sides and the edge of no effect are those of the other rule."""

    @property
    def judge(self) -> Rule:
        """The rule that says what a success is."""
        raise TypeError(self)

    @property
    def two_sided(self) -> bool:
        """Whether the other rule also looks for harm."""
        return self.judge.two_sided

    @property
    def arms(self) -> tuple[int, ...]:
        """Numbers of arms that the other rule can judge."""
        return self.judge.arms

    @property
    def null_margin(self) -> float:
        """That of the other rule; 0 where it has none, and then no type I error is reported."""
        return self.judge.null_margin

    @property
    def upper_null(self) -> float | None:
        """That of the other rule."""
        return self.judge.upper_null

    @property
    def one_way(self) -> bool:
        """Whether the other rule asks for more on treatment."""
        return self.judge.one_way

    @property
    def edge(self) -> float | None:
        """The edge of no effect of the other rule; None where it has several or none."""
        return self.judge.edge

    @property
    def fixed_benchmark(self) -> float | None:
        """That of the other rule."""
        return self.judge.fixed_benchmark


class Statement(NamedTuple):
    """What the posterior must be sure of: its probability for every table, shape (n_t + 1, n_c + 1), and how sure.

    ``exactly`` gives the probability of one table (x_t, x_c) as a fraction, or None where it is not known so.
    """

    probability: FloatArray
    certainty: float
    exactly: Callable[[int, int], Fraction | None]


class Believer(Rule):
    """Success where every statement on the posterior is more probable than its certainty, strictly."""

    def statements(self, look: Look) -> Iterator[Statement]:
        """All that must hold."""
        raise TypeError(look)

    def _regions(self, look: Look) -> Regions:
        succeeds = np.ones((look.n_t + 1, look.n_c + 1), dtype=np.bool_)
        ties: list[Tie] = []
        for probability, certainty, exactly in self.statements(look):
            holds = probability > certainty
            for table in near_tables(probability, certainty):
                holds[table], tie = settled(table, float(probability[table]), exactly(*table), certainty)
                ties.append(tie)
            succeeds &= holds
        return Regions(Region.from_grid(look, succeeds), Region(look, ()), tuple(ties))


class SidedTest(Rule):
    """A test at ``alpha`` (one-sided) or ``alpha_two_sided``; exactly one of them."""

    alpha: Alpha | None = None
    alpha_two_sided: Alpha | None = None

    @model_validator(mode="after")
    def _one_alpha(self) -> Self:
        if (self.alpha is None) == (self.alpha_two_sided is None):
            raise ValueError(f"{'neither' if self.alpha is None else 'both'} | alpha (one-sided) or alpha_two_sided")
        return self

    @property
    def two_sided(self) -> bool:
        """Whether the rule also looks for harm."""
        return self.alpha_two_sided is not None

    @property
    def level(self) -> float:
        """The alpha that was given."""
        return self.alpha if self.alpha is not None else self.alpha_two_sided or 0.0

    @property
    def one_sided(self) -> float:
        """The level, of all looks together, in the direction of success."""
        return self.level / 2 if self.two_sided else self.level

    @property
    def dial(self) -> Dial | None:
        """The alpha that was given."""
        return alpha_dial(self.level, "alpha_two_sided" if self.two_sided else "alpha")

    def decided(self, look: Look, rejects: BoolArray, ties: tuple[Tie, ...]) -> Regions:
        """Success where the test rejects; two-sided, harm where it rejects and control does better in the sample."""
        if self.two_sided:
            return split(look, rejects, ties)
        return Regions(Region.from_grid(look, rejects), Region(look, ()), ties)


def split(look: Look, rejects: BoolArray, ties: tuple[Tie, ...]) -> Regions:
    """Success where treatment does better in the sample, harm where control does."""
    x_t, x_c = np.ogrid[: look.n_t + 1, : look.n_c + 1]
    lead = x_t * look.n_c - x_c * look.n_t
    return Regions(Region.from_grid(look, rejects & (lead > 0)), Region.from_grid(look, rejects & (lead < 0)), ties)


def near_tables(values: FloatArray, threshold: float) -> list[tuple[int, int]]:
    """Tables whose value lies within 1e-9 of the threshold, or within a thousandth of its distance from 0 or 1."""
    near = max(min(NEAR, 1e-3 * threshold, 1e-3 * (1 - threshold)), NEAREST)
    return [(int(x_t), int(x_c)) for x_t, x_c in np.argwhere(np.abs(values - threshold) < near)]


def settled(table: tuple[int, int], value: float, sure: Fraction | None, certainty: float) -> tuple[bool, Tie]:
    """A posterior probability near its certainty: decided in whole numbers where these are known, else no success."""
    if sure is None:
        return False, Tie(*table, value, "within 1e-9 of the certainty: not a success")
    return sure > exact.decimal(certainty), Tie(*table, float(sure), "in whole numbers")


def above_control(treatment: BetaMixture, control: BetaMixture) -> Fraction | None:
    """P(treatment rate > control rate) as a fraction; None unless each is one Beta with whole shapes."""
    shapes = [shape for prior in (treatment, control) for part in prior.parts for shape in part[1:]]
    return exact.superiority(*map(int, shapes)) if len(shapes) == 4 and exact.whole(*shapes) else None


def above_rate(treatment: BetaMixture, rate: Fraction) -> Fraction | None:
    """P(treatment rate > a fixed rate) as a fraction; None unless the prior is one Beta with whole shapes."""
    shapes = [shape for part in treatment.parts for shape in part[1:]]
    return exact.above_rate(int(shapes[0]), int(shapes[1]), rate) if len(shapes) == 2 and exact.whole(*shapes) else None


def beyond(margin: float) -> str:
    """A margin as it follows a rate in words; nothing where it is 0."""
    return "" if margin == 0 else f" {'+' if margin > 0 else '-'} {abs(margin):g}"
