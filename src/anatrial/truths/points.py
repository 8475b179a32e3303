"""One rate per arm."""

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from pydantic import PrivateAttr

from anatrial.domain.counts import Look
from anatrial.numerics.binomial import binomial
from anatrial.spec import Name
from anatrial.truths.base import ArmRates, Law, RateTruth
from anatrial.truths.events import EventRates, Strategy, arm_events, rate_with_events


class Points(RateTruth):
    """The rates are known: the laws are binomial.

    With ``events``, ``rates`` are those among patients without any event; what a patient with one counts as is said by
    the strategies of the scenario's estimand.
    """

    kind: Literal["points"]
    rates: ArmRates
    events: dict[Name, EventRates] = {}
    _strategies: dict[Name, Strategy] = PrivateAttr(default_factory=dict)

    @property
    def strategies(self) -> dict[Name, Strategy]:
        """How each event is dealt with; empty until the scenario has told the truth its estimand."""
        return self._strategies

    def under(self, strategies: Mapping[Name, Strategy]) -> Self:
        """The same reality, reckoned by the strategies of an estimand."""
        found = self.model_copy()
        found._strategies = dict(strategies)  # noqa: SLF001 - of its own copy
        return found

    def trial_rates(self) -> tuple[float, float]:
        """Rates of responders in the analysis, treatment and control, after events and drop-out."""
        kept_t, kept_c = self.dropout.kept() if self.dropout else (1.0, 1.0)
        rate_t, rate_c = self.rates.treatment, self.rates.control or 0.0
        if self.events:
            rate_t = rate_with_events(rate_t, arm_events(self.events, "treatment"), self._strategies)
            rate_c = rate_with_events(rate_c, arm_events(self.events, "control"), self._strategies)
        return rate_t * kept_t, rate_c * kept_c

    def law(self, look: Look) -> Law:
        """One pair of binomial laws."""
        rate_t, rate_c = self.trial_rates()
        return Law(binomial(look.n_t, np.array([rate_t])), binomial(look.n_c, np.array([rate_c])))
