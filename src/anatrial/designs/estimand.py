"""What the trial is to estimate: population, variable, intercurrent events with a strategy each, summary measure."""

from typing import Annotated

from pydantic import Field, field_validator

from anatrial.domain.trial import StatedEstimand, StatedEvent
from anatrial.errors import Fault
from anatrial.spec import Name, Spec, Text
from anatrial.truths.events import STRATEGIES, Strategy

WHY_NO_STRATUM = (
    f"{', '.join(STRATEGIES)}: the stratum of patients who would have the event, or not, in both arms is never "
    "observed, since each patient is seen in one arm only"
)


class EstimandEvent(Spec):
    """An event after randomisation that changes what a result means, and how the estimand deals with it."""

    name: Name
    strategy: Strategy
    """``composite``: a patient with the event is a non-responder. ``treatment_policy``: the result at the visit counts,
    whatever was taken after the event. ``while_on_treatment``: the status at the event counts. ``hypothetical``: the
    result counts that there would have been without the event."""

    @field_validator("strategy", mode="before")
    @classmethod
    def _other_words(cls, value: object) -> object:
        if value == "principal_stratum":
            raise ValueError(f"'principal_stratum' | one of {WHY_NO_STRATUM}")
        if value in ("non_responder", "non-responder"):  # a tuple: what is given may be a list
            raise ValueError(f"{value!r} | one of {', '.join(STRATEGIES)}: composite counts as a non-responder")
        return value


class Estimand(Spec):
    """The attributes of an estimand; treatment and control are the arms of the trial (ICH E9(R1), section A.3.3)."""

    population: Text
    variable: Text
    events: Annotated[tuple[EstimandEvent, ...], Field(max_length=10)] = ()
    summary: Text

    @property
    def strategies(self) -> dict[Name, Strategy]:
        """The strategy of each event by its name."""
        return {event.name: event.strategy for event in self.events}

    def stated(self, treatment: str) -> StatedEstimand:
        """The five attributes; ``treatment`` says in words what the trial compares."""
        events = tuple(StatedEvent(event.name, event.strategy) for event in self.events)
        return StatedEstimand(self.population, treatment, self.variable, events, self.summary)

    def faults(self) -> list[Fault]:
        """Events that are named twice; places are named without the file."""
        names = [event.name for event in self.events]
        return [
            Fault(f"estimand.events {index + 1}, name", repr(name), "each event once", "remove one of them")
            for index, name in enumerate(names)
            if name in names[:index]
        ]
