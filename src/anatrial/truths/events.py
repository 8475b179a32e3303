"""Intercurrent events of a trial: how often they happen, and what is known of the patients who have one."""

from collections.abc import Mapping
from typing import Literal

from anatrial.spec import Name, Rate, Spec

Strategy = Literal["composite", "treatment_policy", "hypothetical", "while_on_treatment"]
"""How an estimand deals with an event (ICH E9(R1), 2019, section A.3.2)."""

STRATEGIES: tuple[Strategy, ...] = ("composite", "treatment_policy", "hypothetical", "while_on_treatment")
Known = Literal["responders_after", "responders_before", "responders_without"]
NEEDS: dict[Strategy, Known | None] = {
    "composite": None,
    "treatment_policy": "responders_after",
    "hypothetical": "responders_without",
    "while_on_treatment": "responders_before",
}
"""Which rate of the patients with an event a strategy counts; composite counts them as non-responders."""


class ArmEvent(Spec):
    """One event in one arm: its share of the randomised, and how many of those patients respond, by each reckoning.

    Every patient has at most one event: the first. The shares of all events therefore add up to at most 1.
    """

    share: Rate
    responders_after: Rate | None = None
    """Among patients with the event: responders at the endpoint's visit, whatever they took after the event."""
    responders_before: Rate | None = None
    """Among patients with the event: responders at the last look before it."""
    responders_without: Rate | None = None
    """Among patients with the event: responders had it not happened; never observed, so an assumption."""

    def responders(self, strategy: Strategy) -> float | None:
        """Share of the patients with the event who count as responders; None where the rate that tells is not given."""
        needed = NEEDS[strategy]
        if needed is None:
            return 0.0
        found: float | None = getattr(self, needed)
        return found


class EventRates(Spec):
    """One event per arm; no control in a single-arm trial."""

    treatment: ArmEvent
    control: ArmEvent | None = None

    @property
    def arms(self) -> tuple[ArmEvent, ...]:
        """The event in each arm of the trial."""
        return (self.treatment,) if self.control is None else (self.treatment, self.control)

    def missing(self, strategy: Strategy) -> tuple[str, ...]:
        """What a strategy needs and the file does not give, such as ``control.responders_after``."""
        arms = {"treatment": self.treatment, "control": self.control}
        needed = NEEDS[strategy]
        return tuple(
            f"{arm}.{needed}"
            for arm, event in arms.items()
            if event is not None and event.share > 0 and event.responders(strategy) is None
        )


def arm_events(events: Mapping[Name, EventRates], arm: Literal["treatment", "control"]) -> dict[Name, ArmEvent]:
    """The events of one arm by name; none of an arm that the trial does not have."""
    found = {name: event.treatment if arm == "treatment" else event.control for name, event in events.items()}
    return {name: event for name, event in found.items() if event is not None}


def rate_with_events(rate: float, events: Mapping[Name, ArmEvent], strategies: Mapping[Name, Strategy]) -> float:
    """Rate of responders among the randomised of one arm, in [0, 1].

    The law of total probability over the first event: ``(1 - sum of shares) rate + sum of share_e responders_e``.

    Parameters
    ----------
    rate
        Rate of responders among those without an event.
    events
        The events of the arm by name.
    strategies
        How each of them is dealt with.

    Raises
    ------
    ValueError
        A strategy needs a rate that is not given; files with that are refused when they are read.
    """
    total = rate * (1.0 - sum(event.share for event in events.values()))
    for name, event in events.items():
        responders = event.responders(strategies[name]) if event.share > 0 else 0.0
        if responders is None:
            raise ValueError(f"{name}: {strategies[name]} needs {NEEDS[strategies[name]]}")
        total += event.share * responders
    return min(max(total, 0.0), 1.0)
