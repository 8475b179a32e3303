"""Borrowing between diseases that may or may not be alike: each basket is exchangeable with a stated chance."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.domain.prior import Contribution
from anatrial.domain.synthesis import Source, Synthesis
from anatrial.methods.heterogeneity import HalfNormal, Heterogeneity
from anatrial.methods.hierarchical import Hierarchical, NormalPrior, studies_of
from anatrial.methods.summaries import effective_n_of, rate_quantity, rate_spread, tau_quantity
from anatrial.numerics.exchangeable import Exchanged, Group, Sharing, exchange
from anatrial.numerics.log_odds import Density, narrowest
from anatrial.spec import Name, OpenRate, Spec, Text

NODES = 24  # per spread: quantiles move by less than 1e-7 from 24 to 48


class Basket(Spec):
    """One disease: its studies, and the chance that it is like the others."""

    indication: Name
    outcomes: Annotated[tuple[Name, ...], Field(min_length=1)]
    exchangeable: OpenRate = 0.5
    alone: NormalPrior = NormalPrior()
    """What is believed of its log odds if it is not like the others."""
    why: Text


class Exnex(Hierarchical):
    """Exchangeable or not (Neuenschwander et al. 2016, Pharm. Stat. 15:123-134), with a level for studies.

    The prior is what a new trial in the ``target`` disease would see.
    """

    method: Literal["exnex"]
    outcomes: tuple[Name, ...] = ()
    """Stays empty: outcomes stand in the baskets."""
    target: Name
    baskets: Annotated[tuple[Basket, ...], Field(min_length=2)]
    mean: NormalPrior = NormalPrior()
    between: Heterogeneity = HalfNormal(family="half_normal", scale=1.0)
    """Spread between diseases that are exchangeable."""
    within: Heterogeneity = HalfNormal(family="half_normal", scale=0.5)
    """Spread between studies of one disease."""

    @model_validator(mode="after")
    def _target_is_a_basket(self) -> Self:
        names = [basket.indication for basket in self.baskets]
        if self.outcomes:
            raise ValueError("outcomes | outcomes inside the baskets only")
        if self.target not in names:
            raise ValueError(f"target {self.target!r} | one of the baskets: {', '.join(names)}")
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)} | each disease once")
        return self

    def found(self, contributions: tuple[Contribution, ...]) -> tuple[Exchanged, tuple[str, ...]]:
        """The posterior of the target disease by integration, and the baskets in order.

        Baskets without studies are left out; the target stays.
        """
        groups, names = [], []
        for basket in self.baskets:
            own = tuple(c for c in contributions if c.basket == basket.indication)
            if own or basket.indication == self.target:
                groups.append(Group(studies_of(own), basket.exchangeable, basket.alone.law))
                names.append(basket.indication)
        sharpest = narrowest(studies_of(contributions))
        tau, sigma = (spread.tau(sharpest, count=NODES) for spread in (self.between, self.within))
        sharing = Sharing(self.mean.law, tau, sigma, self.between.reach[0] + self.within.reach[0])
        return exchange(tuple(groups), sharing, names.index(self.target)), tuple(names)

    def predicted(self, contributions: tuple[Contribution, ...]) -> Density:
        """The law of a new trial's log odds in the target disease."""
        return self.found(contributions)[0].predicted

    def synthesis(self, contributions: tuple[Contribution, ...]) -> Synthesis:
        """The target's rate, a new trial of it, both spreads, and what came from where."""
        found, names = self.found(contributions)
        predicted = rate_quantity("predicted_rate", f"rate of a new trial ({self.target})", found.predicted)
        return Synthesis(
            typical=rate_quantity("mean", f"typical rate ({self.target})", found.typical),
            predicted=predicted,
            heterogeneity=(
                tau_quantity("between", "between diseases", self.between, found.tau),
                tau_quantity("within", "between studies of one disease", self.within, found.sigma),
            ),
            others=(),
            studies=(),
            sources=tuple(
                self._source(contributions, name, chance)
                for name, chance in zip(names, found.exchangeable, strict=True)
            ),
            effective_n=effective_n_of(predicted.posterior),
            elir=None,
            no_elir="not computed for several diseases; that of the closed form is",
        )

    def _source(self, contributions: tuple[Contribution, ...], name: str, chance: float) -> Source:
        """What the prior would be without one disease's studies."""
        spread = rate_spread(self.predicted(tuple(c for c in contributions if c.basket != name)))
        return Source(name, chance, spread.mean, effective_n_of(spread))

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """Priors of the shared mean, of both spreads, and each basket's chance."""
        chances = ", ".join(f"{b.indication} {b.exchangeable:g}" for b in self.baskets)
        return (
            ("mean of exchangeable diseases", self.mean.said()),
            ("between diseases", f"tau {self.between.said()}"),
            ("between studies of one disease", f"sigma {self.within.said()}"),
            ("chance to be exchangeable", chances),
            *((f"{b.indication} on its own", f"{b.alone.said()}: {b.why}") for b in self.baskets),
        )
