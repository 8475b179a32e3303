"""Times and hazards as people write them: a time, and what is known of a constant hazard before a trial."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from anatrial.errors import ComputationError
from anatrial.numerics.time_to_event import Gamma, Summary, hazard_from_summary
from anatrial.spec import Spec

LONGEST = 1e6
Duration = Annotated[float, Field(gt=0, le=LONGEST)]
"""A time in the unit of the design."""
Hazard = Annotated[float, Field(gt=0, le=LONGEST)]
"""Events per patient and unit of time."""


class PublishedTimes(Spec):
    """Times to the event of n patients who all had it, as papers print them: median and range."""

    n: Annotated[int, Field(ge=1, le=10_000)]
    median: Duration
    lowest: Duration = Field(alias="from")
    highest: Duration = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, middle, high = self.lowest, self.median, self.highest
        said = f"{low:g} to {high:g} with median {middle:g}"
        if not low <= middle <= high or (self.n > 4 and not low < middle < high):
            raise ValueError(f"{said} | a median within its range")
        if (self.n == 1 and low != high) or (self.n == 2 and 2 * middle != low + high):
            raise ValueError(f"{said} of {self.n} | the median and range that so few patients can have")
        try:
            self.gamma()
        except ComputationError as reason:
            raise ValueError(f"{said} of {self.n} | a median and range that exponential times can have") from reason
        return self

    def gamma(self) -> Gamma:
        """What they tell of the hazard."""
        return hazard_from_summary(Summary(self.n, self.lowest, self.median, self.highest))


class HazardPrior(Spec):
    """What is known of a constant hazard, as a Gamma: written out, from events and time watched, or from a summary.

    Events and summaries come in with the prior that is uniform in the logarithm of the hazard, so that they alone
    speak; ``weight`` below 1 lets them count for less, as evidence of another design does elsewhere.
    """

    shape: Annotated[float, Field(gt=0, le=1e6)] | None = None
    rate: Duration | None = None
    events: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    person_time: Duration | None = None
    published: PublishedTimes | None = None
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        pairs = [(self.shape, self.rate), (self.events, self.person_time), (self.published, self.published)]
        told = [first is not None for first, second in pairs if first is not None or second is not None]
        whole = all((first is None) == (second is None) for first, second in pairs)
        if len(told) != 1 or not whole:
            raise ValueError("no single source | shape with rate, events with person_time, or published")
        return self

    @property
    def patients_said(self) -> str:
        """Whose times it rests on, in words; empty where it is written out."""
        if self.published is not None:
            return f"{self.published.n} patients"
        return "" if self.events is None else f"{self.events} events"

    def gamma(self) -> Gamma:
        """The prior as the engine takes it."""
        if self.shape is not None and self.rate is not None:
            found = Gamma(self.shape, self.rate)
        elif self.events is not None and self.person_time is not None:
            found = Gamma(float(self.events), self.person_time)
        else:
            assert self.published is not None
            found = self.published.gamma()
        return Gamma(self.weight * found.shape, self.weight * found.rate)
