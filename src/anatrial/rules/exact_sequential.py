"""Exact group-sequential test of one arm: each look spends a share of alpha, counted in binomial probabilities."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.domain.counts import Look, Tie
from anatrial.numerics import FloatArray
from anatrial.numerics.single_arm import grown
from anatrial.numerics.walk import NEAR
from anatrial.rules.base import Alpha, Dial, alpha_dial
from anatrial.rules.group_sequential import named
from anatrial.rules.one_arm import OneArm, Stops
from anatrial.rules.spending import AnySpending
from anatrial.spec import OpenRate, Spec


class SpentForFutility(Spec):
    """Stops for lack of effect; they lose at most ``beta`` of the power at the alternative, spread over the looks."""

    spending: AnySpending
    beta: Annotated[float, Field(gt=0, lt=1)]
    alternative_rate: OpenRate
    binding: bool = False
    """Whether the trial must stop there; if not, type I error is computed as if it never did."""


class ExactSequential(OneArm):
    """Success at the least count whose exact error, with what earlier looks spent, stays within what may be spent.

    The information seen by a look is its share of the patients. What a look could not spend, because counts jump, later
    looks may. Futility stops at the largest count, below the one for success, whose loss of power stays within what may
    be lost. Source: Jennison & Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, chapter
    12; spending by Lan & DeMets (1983), Biometrika 70:659-663.
    """

    kind: Literal["exact_sequential"]
    alpha: Alpha
    efficacy: AnySpending
    """How alpha is spread over the looks."""
    futility: SpentForFutility | None = None
    """Stops for lack of effect before the last look; none unless said."""

    @model_validator(mode="after")
    def _alternative_above(self) -> Self:
        if self.futility is not None and self.futility.alternative_rate <= self.null_rate:
            got = f"futility.alternative_rate {self.futility.alternative_rate:g}"
            raise ValueError(f"{got} | a rate above null_rate ({self.null_rate:g})")
        return self

    @property
    def binding(self) -> bool:
        """As the futility says."""
        return self.futility is None or self.futility.binding

    @property
    def dial(self) -> Dial | None:
        """Alpha: what an early look spends more, a later one may have less of."""
        return alpha_dial(self.alpha)._replace(nested=False)

    def stops(self, looks: tuple[Look, ...]) -> tuple[Stops, ...]:
        """The counts, look by look, from the law of what went on until then."""
        totals = np.array([look.n_t for look in looks])
        shares = totals / totals[-1]
        rates = np.array(
            [self.null_rate] if self.futility is None else [self.null_rate, self.futility.alternative_rate]
        )
        may = self.efficacy.spent(self.alpha, shares)
        may_lose = None if self.futility is None else self.futility.spending.spent(self.futility.beta, shares)
        mass, spent, lost, found = np.ones((len(rates), 1)), 0.0, 0.0, []
        for index, added in enumerate(np.diff(totals, prepend=0).tolist()):
            mass = grown(mass, added, rates)
            success, ties = _least(spent + np.cumsum(mass[0, ::-1])[::-1], float(may[index]))
            spent += float(mass[0, success:].sum())
            mass[:, success:] = 0.0
            futility = -1
            if may_lose is not None and index < len(looks) - 1:
                losses = lost + np.cumsum(mass[1])
                futility = min(int(np.searchsorted(losses, may_lose[index], side="right")), success) - 1
                lost += float(mass[1, : futility + 1].sum())
                mass[0 if self.binding else 1 :, : futility + 1] = 0.0
            found.append(Stops(futility, success, ties))
        return tuple(found)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        del control
        told = (
            f"Success if at any look the exact binomial test finds the rate on {treatment} above {self.null_rate:g}, "
            f"with one-sided alpha {self.alpha:g} spent over the looks ({named(self.efficacy)})"
        )
        if self.futility is not None:
            binds = "binding" if self.binding else "not binding"
            told += (
                f"; futility ({binds}) loses at most {self.futility.beta:g} of the power at "
                f"{self.futility.alternative_rate:g} ({named(self.futility.spending)})"
            )
        return f"{told}."


def _least(errors: FloatArray, may: float) -> tuple[int, tuple[Tie, ...]]:
    """The least count whose error stays within what may be spent, one more than the largest if none does.

    The errors are sums of positive terms, so they are told apart from the limit to within a share of it; what cannot be
    told apart does not succeed.
    """
    near = np.flatnonzero(np.abs(errors - may) <= NEAR * may)
    ties = tuple(Tie(int(x), 0, float(errors[x]), "at what may be spent: not a success") for x in near)
    return int((errors > may * (1 - NEAR)).sum()), ties
