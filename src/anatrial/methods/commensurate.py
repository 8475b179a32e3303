"""The commensurate prior: a new trial's log odds are normal around what all history together says."""

from typing import Literal

import numpy as np

from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import Synthesis
from anatrial.methods.heterogeneity import HalfNormal, Heterogeneity
from anatrial.methods.hierarchical import Hierarchical, NormalPrior, studies_of
from anatrial.methods.summaries import effective_n_of, information, rate_quantity, tau_quantity
from anatrial.numerics.log_odds import Density, Model, Studies, Synthesised, Tau, narrowest, synthesise
from anatrial.numerics.predicted_information import FAR


class Commensurate(Hierarchical):
    """One history, one unknown distance from it (Hobbs, Carlin, Mandrekar & Sargent 2011, Biometrics 67:1047-1056).

    History is pooled: studies are taken as one. How far the new trial may lie from it is the prior of tau alone,
    because history says nothing of it.
    """

    method: Literal["commensurate"]
    mean: NormalPrior = NormalPrior()
    distance: Heterogeneity = HalfNormal(family="half_normal", scale=0.5)

    def found(self, contributions: tuple[Contribution, ...], stretch: float = 1.0) -> Synthesised:
        """A hierarchy of two strata: history with no spread, and the new trial alone with its own."""
        studies = studies_of(contributions)
        pooled = Studies(studies.responders.sum(keepdims=True), studies.patients.sum(keepdims=True))
        together = Tau(np.zeros(1), np.ones(1))
        spread = self.distance.tau(narrowest(pooled), stretch=stretch)
        model = Model(self.mean.law, (together, spread), self.distance.reach[0], np.zeros(1, np.int64), 1)
        return synthesise(pooled, model, each_study=False)

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds."""
        return self.found(contributions).predicted

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """History's rate, the new trial's, and the distance between them."""
        found = self.found(contributions)
        predicted = rate_quantity("predicted_rate", "rate of a new trial", found.predicted)
        elir, reason = information(self.distance, lambda: self.found(contributions, FAR))
        return Synthesis(
            typical=rate_quantity("mean", "rate of history", found.typical),
            predicted=predicted,
            heterogeneity=(tau_quantity("tau[1]", "distance of the new trial", self.distance, found.tau[1]),),
            others=(),
            studies=(),
            sources=(),
            effective_n=effective_n_of(predicted.posterior),
            elir=elir,
            no_elir=reason,
        )

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """Priors of history's mean and of the distance."""
        return (("mean", self.mean.said()), ("distance of the new trial", f"tau {self.distance.said()}"))
