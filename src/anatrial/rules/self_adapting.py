"""Success when the posterior is sure enough, with a control prior that trusts history as far as the trial agrees."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from math import comb
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator
from scipy.special import expit

from anatrial.domain.counts import Look
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics import FloatArray, exact
from anatrial.numerics.predictive import log_one_order
from anatrial.numerics.superiority import probability_greater
from anatrial.rules.base import Believer, Dial, Statement, above_control, beyond, certainty_dial
from anatrial.spec import OpenRate, RateDifference, Spec

EDGE = 1e-12  # a rate this close to 0 or 1 is 0 or 1 that was rounded


class PriorsByArm(Spec):
    """Of a self-adapting rule: what the final analysis assumes of each arm before it sees the trial's data."""

    treatment: PriorRef
    control: PriorRef
    """The historical part alone. A prior by name says ``robust_weight = 0``, because the rule adds the vague part."""


class HistoryWeights(NamedTuple):
    """Weight of the historical part per control count, shape (n_c + 1,): in the prior, and after Bayes' rule."""

    prior: FloatArray
    posterior: FloatArray


class SelfAdapting(Believer):
    """Succeed when P(treatment - control > margin | data) > certainty, with a self-adapting control prior (SAM).

    The control prior is w times its historical part plus 1 - w times ``vague``, with w = R / (1 + R) and
    R = L(h) / max(L(h - delta), L(h + delta)): the likelihood of the control count at the historical mean h over that
    at a rate ``delta`` away, on the likelier side. An alternative outside (0, 1) is left out. Bayes' rule then updates
    the weights too, so that disagreeing data are discounted twice. Because the prior follows the control count, more
    control responders may need fewer treatment responders: each table is decided on its own.

    Source: Yang, Zhao, Nie, Vallejo & Yuan (2023), Biometrics 79:2857-2868.
    """

    kind: Literal["self_adapting"]
    certainty: OpenRate
    margin: RateDifference = 0.0
    delta: OpenRate
    """The smallest difference between the control rate and the historical mean that would make history irrelevant."""
    analysis_prior: PriorsByArm
    vague: PriorRef = PriorRef(a=1.0, b=1.0)
    """The other part of the control prior, written out."""

    @model_validator(mode="after")
    def _has_an_alternative(self) -> Self:
        if self.analysis_prior.control.prior is None and (fault := self.delta_fault()):
            raise ValueError(" | ".join(fault))
        return self

    @property
    def null_margin(self) -> float:
        """The margin."""
        return self.margin

    @property
    def history(self) -> BetaMixture:
        """The historical part of the control prior, whose name must have been resolved before."""
        return self.analysis_prior.control.mixture()

    @property
    def alternatives(self) -> tuple[tuple[float, float], ...]:
        """The rates h - delta and h + delta as far as they lie in (0, 1), each with one minus itself."""
        rate, other = self.history.mean, _nonresponse(self.history)
        both = ((rate - self.delta, other + self.delta), (rate + self.delta, other - self.delta))
        return tuple(pair for pair in both if min(pair) > EDGE)

    def delta_fault(self) -> tuple[str, str] | None:
        """What is wrong with a delta that leaves no alternative, and what is expected; None where there is one."""
        if self.alternatives:
            return None
        got = f"delta {self.delta:g} around a historical mean of {self.history.mean:g}, which leaves no rate in (0, 1)"
        return got, f"a delta below {max(self.history.mean, _nonresponse(self.history)):g}"

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:  # noqa: ARG002 - whatever the sizes
        """A control prior that is not its historical part alone, or a vague part that is history."""
        control, place = self.analysis_prior.control, "rule.analysis_prior.control"
        if control.prior is not None and control.robust_weight != 0:
            got = "a prior with the robust part of its recipe"
            if control.robust_weight is not None:
                got = f"robust_weight = {control.robust_weight:g}"
            expected = "the historical part alone: the rule adds the vague part and finds its weight"
            yield Fault(place, got, expected, f'write {{ prior = "{control.prior}", robust_weight = 0 }}')
        if control.parts is not None and len({part.a + part.b > 2 + 1e-9 for part in control.parts}) > 1:
            got = "parts worth at most two patients beside stronger ones"
            yield Fault(place, got, "the historical part alone", "leave them out: the rule adds rule.vague")
        if self.vague.prior is not None:
            fix = "write it out: vague = { a = 1, b = 1 }"
            yield Fault("rule.vague", f"the prior {self.vague.prior!r}", "a prior that holds no history", fix)

    def log_ratio(self, n_c: int) -> FloatArray:
        """Logarithm of R for every control count, shape (n_c + 1,); below 0 where the alternative fits better."""
        x, rate, other = np.arange(n_c + 1.0), self.history.mean, _nonresponse(self.history)
        against = [x * np.log(rate / near) + (n_c - x) * np.log(other / far) for near, far in self.alternatives]
        return np.asarray(np.min(against, axis=0))

    def weights(self, n_c: int) -> HistoryWeights:
        """Weight of history for every control count: w = R / (1 + R), and what Bayes' rule makes of it.

        The odds after the data are R times the predictive probability of the count under the historical part over
        that under the vague one.
        """
        log_odds = self.log_ratio(n_c)
        evidence = log_one_order(self.history.array, n_c) - log_one_order(self.vague.mixture().array, n_c)
        return HistoryWeights(expit(log_odds), expit(log_odds + evidence))

    def probability(self, look: Look, margin: float) -> FloatArray:
        """P(treatment - control > margin | data) for every table, shape (n_t + 1, n_c + 1)."""
        treatment, weight = self.analysis_prior.treatment.mixture().array, self.weights(look.n_c).posterior
        by_history, by_vague = (
            probability_greater(treatment, look.n_t, part.array, look.n_c, margin)
            for part in (self.history, self.vague.mixture())
        )
        return np.asarray(weight * by_history + (1 - weight) * by_vague)

    @property
    def dial(self) -> Dial | None:
        """The certainty."""
        return certainty_dial(self.certainty)

    def statements(self, look: Look) -> Iterator[Statement]:
        """That treatment beats control by the margin."""
        yield Statement(self.probability(look, self.margin), self.certainty, partial(self._in_whole_numbers, look))

    def _in_whole_numbers(self, look: Look, x_t: int, x_c: int) -> Fraction | None:
        """The posterior probability of a table as a fraction, at margin 0 with one Beta of whole shapes per part."""
        treatment = self.analysis_prior.treatment.mixture().updated(x_t, look.n_t)
        by_history, by_vague = (
            above_control(treatment, part.updated(x_c, look.n_c)) for part in (self.history, self.vague.mixture())
        )
        if self.margin != 0 or by_history is None or by_vague is None:
            return None
        history, vague = self.history.parts[0], self.vague.mixture().parts[0]
        rate, delta = Fraction(history.a) / Fraction(history.a + history.b), exact.decimal(self.delta)
        near = [rate + sign * delta for sign in (-1, 1) if 0 < rate + sign * delta < 1]
        ratio = _likelihood(rate, x_c, look.n_c) / max(_likelihood(other, x_c, look.n_c) for other in near)
        odds = ratio * _predictive(history, x_c, look.n_c) / _predictive(vague, x_c, look.n_c)
        return (odds * by_history + by_vague) / (odds + 1)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        sure = f"P({treatment} rate > {control} rate{beyond(self.margin)} | data) > {self.certainty:.12g}"
        weighs = f"history weighs R / (1 + R) in the {control} prior and {self.vague.mixture().said()} the rest"
        ratio = (
            f"R being how many times likelier the {control} result is at the historical mean than {self.delta:g} "
            "away from it, on the likelier side"
        )
        return f"Success if {sure}, where {weighs}, {ratio}."


def _nonresponse(prior: BetaMixture) -> float:
    """Expected rate of no response, with all its digits where it is small."""
    return sum(w * b / (a + b) for w, a, b in prior.parts)


def _likelihood(rate: Fraction, x: int, n: int) -> Fraction:
    return rate**x * (1 - rate) ** (n - x)


def _predictive(part: BetaPart, x: int, n: int) -> Fraction:
    """B(a + x, b + n - x) / B(a, b) for whole shapes."""
    return _inverse_beta(int(part.a), int(part.b)) / _inverse_beta(int(part.a) + x, int(part.b) + n - x)


def _inverse_beta(a: int, b: int) -> Fraction:
    return Fraction((a + b - 1) * comb(a + b - 2, a - 1))
