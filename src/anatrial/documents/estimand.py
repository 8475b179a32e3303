"""What does not fit between an estimand and the event rates of the truths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from anatrial.designs.fixed import Fixed
from anatrial.errors import Fault
from anatrial.spec import nearest
from anatrial.truths.events import EventRates, Strategy, arm_events
from anatrial.truths.points import Points

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario

MOST = 1 + 1e-9  # shares that are written in decimals may add up to a little more than 1
ARMS: tuple[Literal["treatment", "control"], ...] = ("treatment", "control")


def estimand_faults(scenario: Scenario) -> Iterator[Fault]:
    """Events without an estimand, or without the rates that its strategies count; places are named without the file."""
    if scenario.estimand is not None:
        yield from scenario.estimand.faults()
    for name, truth in scenario.truths.items():
        if isinstance(truth, Points) and truth.events:
            yield from _event_faults(scenario, f"truths.{name}", truth)


def random_n_faults(scenario: Scenario) -> Iterator[Fault]:
    """Targets on numbers analysed that are not random."""
    for index, target in enumerate(scenario.targets, start=1):
        truth = scenario.truths.get(target.truth)
        if target.metric != "power_random_n" or not isinstance(truth, Points):
            continue
        if not isinstance(scenario.design, Fixed):
            yield Fault(f"targets {index}, metric", target.metric, "a design with one analysis", "ask for power")
        elif truth.dropout is None or truth.dropout.counted != "excluded":
            expected = 'a truth whose dropout is counted = "excluded"'
            yield Fault(f"targets {index}, metric", target.metric, expected, "ask for power")


def _event_faults(scenario: Scenario, place: str, truth: Points) -> Iterator[Fault]:
    if scenario.estimand is None:
        fix = "add [estimand] with population, variable, summary and [[estimand.events]]"
        yield Fault(f"{place}.events", "events", "an estimand that says how each is dealt with", fix)
        return
    strategies = scenario.estimand.strategies
    for event in truth.events:
        if event not in strategies:
            expected = "an event of [[estimand.events]]"
            yield Fault(f"{place}.events", repr(event), expected, nearest(event, strategies))
    for event, strategy in strategies.items():
        if event in truth.events:
            yield from _rate_faults(scenario, f"{place}.events.{event}", truth.events[event], strategy)
        else:
            fix = "a share of 0 says that it never happens"
            yield Fault(f"{place}.events", f"no {event}", "rates of every event of the estimand", fix)
    for arm in ARMS:
        shares = sum(event.share for event in arm_events(truth.events, arm).values())
        if shares > MOST:
            fix = "a patient counts under the first event only"
            yield Fault(f"{place}.events", f"shares that add up to {shares:g} on {arm}", "at most 1", fix)
    if truth.dropout is not None:
        fix = "make leaving an event of the estimand: composite counts those who leave as non-responders"
        yield Fault(f"{place}.dropout", "a drop-out beside events", "one of them", fix)


def _rate_faults(scenario: Scenario, place: str, rates: EventRates, strategy: Strategy) -> Iterator[Fault]:
    if (rates.control is None) != scenario.design.single_arm:
        got = "no control" if rates.control is None else "a control"
        expected = "no control in a single-arm trial" if scenario.design.single_arm else "the event in both arms"
        yield Fault(place, got, expected)
    for needed in rates.missing(strategy):
        arm, _, rate = needed.partition(".")
        yield Fault(f"{place}.{arm}", f"no {rate}", f"{rate}, which {strategy} counts")
