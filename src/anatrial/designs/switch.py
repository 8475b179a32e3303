"""After the comparison placebo patients are offered the drug: who takes it, who responds, who stays on it how long."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.spec import Count, Name, Rate, Spec, Text

SUM_ROUNDING = 1e-9  # shares that are written as decimals may add up to a little more than 1

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


class GoingOn(Spec):
    """Of those who are offered the open-label drug, the share who take it; non-responders include those who left."""

    responders: Rate | None = None
    """None where responders are not offered it."""
    non_responders: Rate


class PeriodShares(NamedTuple):
    """What becomes of a patient on the drug by the last visit: one reason to stop per name, or staying; sums to 1."""

    causes: tuple[str, ...]
    stopped: tuple[float, ...]
    """Probability to have stopped for each cause (the mean where shares are uncertain)."""
    stayed: float


class Durability(Spec):
    """Competing reasons to stop the drug between the switch and a later visit: a patient stops for one of them or none.

    ``shares``: of the patients on the drug, the share who stop for each cause over the whole period; with ``months``
    the share in each month of those still on it. ``counts`` with ``of``: observed stops, so that the shares are
    uncertain, with a Dirichlet distribution: before the counts the share who stop is uniform, divided evenly among the
    causes, so that naming more causes does not make more patients stop.
    """

    visit: Text
    shares: Annotated[dict[Name, Rate], Field(min_length=1, max_length=10)] | None = None
    months: Annotated[int, Field(ge=1, le=600)] | None = None
    counts: Annotated[dict[Name, Count], Field(min_length=1, max_length=10)] | None = None
    of: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.shares is None) == (self.counts is None):
            raise ValueError(f"{'neither' if self.shares is None else 'both'} | shares, or counts with of")
        if (self.counts is None) != (self.of is None):
            raise ValueError(f"{'of' if self.counts is None else 'counts'} alone | counts with of, or shares")
        if self.counts is not None and self.months is not None:
            raise ValueError("counts with months | counts of the whole period, or shares per month with months")
        return self

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        if self.shares is not None and sum(self.shares.values()) > 1 + SUM_ROUNDING:
            raise ValueError(f"shares that add up to {sum(self.shares.values()):g} | at most 1: nobody stops twice")
        if self.counts is not None and self.of is not None and sum(self.counts.values()) > self.of:
            raise ValueError(f"{sum(self.counts.values())} stops of {self.of} | no more stops than patients")
        return self

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the reasons to stop, as the file orders them."""
        return tuple(self.shares if self.shares is not None else self.counts or ())

    @property
    def shapes(self) -> tuple[float, ...] | None:
        """Dirichlet shapes of uncertain shares, per cause and last of staying; None where shares are known."""
        if self.counts is None or self.of is None:
            return None
        stops = tuple(1.0 / len(self.counts) + count for count in self.counts.values())
        return (*stops, 1.0 + self.of - sum(self.counts.values()))

    def period(self) -> PeriodShares:
        """Shares over the whole period: known ones, or the means of uncertain ones.

        With monthly shares h_j, h their sum and m months, a cause takes h_j (1 - (1 - h)^m) / h: each month acts on
        those whom no cause has taken before (competing risks in discrete time).
        """
        if self.shapes is not None:
            total = sum(self.shapes)
            *stopped, stayed = (shape / total for shape in self.shapes)
            return PeriodShares(self.causes, tuple(stopped), stayed)
        shares = tuple((self.shares or {}).values())
        hazard = min(sum(shares), 1.0)
        stayed = (1.0 - hazard) ** (self.months or 1)
        taken = [share * (1.0 - stayed) / hazard if hazard > 0 else 0.0 for share in shares]
        return PeriodShares(self.causes, tuple(taken), stayed)


class Switch(Spec):
    """Open-label drug for both arms once the comparison is over (placebo switch, delayed start).

    The treatment arm goes on with the drug; control patients are offered it. All patients of an arm without a response
    at ``visit`` are non-responders, also those who left before it.
    """

    visit: Text
    """When the arms are compared and control patients are offered the drug."""
    offered_to: Literal["everyone", "non_responders"]
    accepting: GoingOn
    """Control patients who switch."""
    continuing: GoingOn
    """Treatment patients who go on."""
    response: Rate | None = None
    """Chance to respond after the switch, where it is taken as known."""
    response_prior: PriorRef | None = None
    """The same where it is uncertain."""
    response_visit: Text
    """When the response after the switch is judged."""
    at_least: Annotated[int, Field(ge=1, le=2_000)]
    """Patients who must switch for the open-label part to tell something: its probability is reported."""
    durability: Durability | None = None
    why: Text

    @model_validator(mode="after")
    def _complete(self) -> Self:
        everyone = self.offered_to == "everyone"
        if everyone and self.accepting.responders is None:
            raise ValueError("accepting without responders | the share of responders who switch: they are offered it")
        if not everyone and self.accepting.responders is not None:
            raise ValueError("accepting with responders | non_responders alone: only they are offered the drug")
        if self.continuing.responders is None:
            raise ValueError("continuing without responders | the share of responders on treatment who go on")
        if (self.response is None) == (self.response_prior is None):
            raise ValueError(f"{'neither' if self.response is None else 'both'} | response, or response_prior")
        return self

    def faults(self) -> Iterator[Fault]:
        """Visits out of order, where their texts tell a time; places are named without the file."""
        visits = [("switch.visit", self.visit), ("switch.response_visit", self.response_visit)]
        if self.durability is not None:
            visits.append(("switch.durability.visit", self.durability.visit))
        told = [(place, text, days) for place, text in visits if (days := days_of(text)) is not None]
        for (earlier, before, least), (place, text, days) in pairwise(told):
            if days <= least:
                yield Fault(place, f"'{text}'", f"later than {earlier} ('{before}')")

    def said(self, treatment: str, control: str) -> str:
        """One sentence for people."""
        whom = "everyone" if self.offered_to == "everyone" else "the non-responders"
        end = f"; followed to {self.durability.visit}" if self.durability else ""
        return f"After {self.visit} {whom} on {control} may switch to {treatment}{end}."


def days_of(visit: str) -> float | None:
    """Days until a visit that is called like "month 1" or "week 0.5"; None of any other text."""
    found = re.fullmatch(r"(day|week|month|year) +(\d+(?:\.\d+)?)", visit.strip().lower())
    return None if found is None else DAYS[found[1]] * float(found[2])
