"""Adverse events that may stop a trial, beside efficacy: one boundary per event, on the treatment arm."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from anatrial.domain.counts import Look
from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics import exact
from anatrial.numerics.superiority import greater_than_rate
from anatrial.rules.base import above_rate, near_tables, settled
from anatrial.spec import ArmSize, Name, OpenRate, Rate, Spec, nearest

METRICS = ("safety_stop", "safe_success")
"""What targets may ask of safety: the trial ends for it; success and no stop for safety before."""


class Bound(NamedTuple):
    """Stop if at least ``events`` of the first ``patients`` treatment patients had the event."""

    patients: int
    events: int


class ByPosterior(Spec):
    """Stop when the event rate is probably above a limit: P(rate > limit | data) > certainty (strictly)."""

    kind: Literal["posterior"]
    limit: OpenRate
    certainty: OpenRate
    prior: PriorRef
    """What the safety board assumes of the event rate before it sees the trial's data."""

    def least(self, checks: tuple[int, ...]) -> Iterator[Bound]:
        """The least count that stops at each check; a check at which no count does is left out.

        The posterior of the rate rises with the count whatever the prior (monotone likelihood ratio), so every count
        from the least one on stops the trial. Ties with the certainty are settled in whole numbers where the prior is
        one Beta with whole shapes; others do not stop, as in every rule.
        """
        prior = self.prior.mixture()
        for m in checks:
            probability = greater_than_rate(prior.array, m, self.limit)[:, None]
            stops = probability > self.certainty
            for x, column in near_tables(probability, self.certainty):
                sure = above_rate(prior.updated(x, m), exact.decimal(self.limit))
                stops[x, column], _ = settled((x, 0), float(probability[x, 0]), sure, self.certainty)
            if stops.any():
                yield Bound(m, int(stops[:, 0].argmax()))

    def said(self) -> str:
        """The boundary as it follows "stop if"."""
        return f"P(rate > {self.limit:g} | data) > {self.certainty:g}"


class CountStep(Spec):
    """So many events among the first so many treatment patients."""

    events: ArmSize
    patients: ArmSize


class ByCounts(Spec):
    """Stop as soon as a stated number of events is met among a stated number of patients."""

    kind: Literal["counts"]
    steps: Annotated[tuple[CountStep, ...], Field(min_length=1, max_length=50)]

    def least(self, checks: tuple[int, ...]) -> Iterator[Bound]:
        """The least count that stops at each check, of the steps whose patients are not over yet."""
        for m in checks:
            open_steps = [step.events for step in self.steps if step.patients >= m]
            if open_steps and min(open_steps) <= m:
                yield Bound(m, min(open_steps))

    def said(self) -> str:
        """The boundary as it follows "stop if"."""
        told = [f"{step.events} of the first {step.patients}" for step in self.steps]
        return f"{', or '.join(told)} treatment patients have it"


class SafetyEvent(Spec):
    """An adverse event, when its count is looked at, and how many are too many."""

    name: Name
    stop: Annotated[ByPosterior | ByCounts, Field(discriminator="kind")]
    checks: Literal["every_patient", "looks", "stated"] = "every_patient"
    """After every treatment patient, at the looks of the design, or after the numbers of treatment patients ``at``."""
    at: Annotated[tuple[ArmSize, ...], Field(max_length=200)] = ()
    believed: PriorRef | None = None
    """What we believe of its rate now: for the chance of seeing it at all in a trial of this size."""

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.replace("-", " ")

    def checked_after(self, looks: tuple[Look, ...]) -> tuple[int, ...]:
        """Numbers of treatment patients after which the count is looked at, rising; none beyond the last look."""
        if self.checks == "every_patient":
            return tuple(range(1, looks[-1].n_t + 1))
        if self.checks == "looks":
            return tuple(sorted({look.n_t for look in looks}))
        return tuple(m for m in self.at if m <= looks[-1].n_t)

    def bounds(self, looks: tuple[Look, ...]) -> tuple[Bound, ...]:
        """When the trial stops: per check the least number of events; checks that cannot stop it are left out.

        A prior that is named must have been resolved before.
        """
        return tuple(self.stop.least(self.checked_after(looks)))

    def said(self) -> str:
        """Event, boundary and checks in one sentence."""
        when = {
            "every_patient": "after every treatment patient",
            "looks": "at the looks",
            "stated": f"after {_listed(self.at)} treatment patients",
        }
        return f"Stop for {self.label} if {self.stop.said()}; checked {when[self.checks]}."


class EventRates(Spec):
    """How probable an event is per patient of each arm, over the time that the trial observes."""

    treatment: Rate
    control: Rate | None = None


class Safety(Spec):
    """Stopping for safety; rates of the events are given per truth of the file.

    Events are taken to be independent of each other and of the response, and seen by the time the response is.
    """

    events: Annotated[tuple[SafetyEvent, ...], Field(min_length=1, max_length=20)]
    rates: Annotated[dict[Name, dict[Name, EventRates]], Field(min_length=1)]
    """Per truth, per event."""

    def faults(self, looks: tuple[Look, ...], truths: Mapping[str, str], kinds: tuple[str, ...]) -> Iterator[Fault]:
        """Parts that do not fit together or into the trial; places are named without the file.

        Parameters
        ----------
        looks
            The totals at each look of the trial.
        truths
            The kind of each truth of the file.
        kinds
            Kinds of truth under which safety can be computed.
        """
        names = [event.name for event in self.events]
        for index, event in enumerate(self.events, start=1):
            place = f"safety.events {index}"
            if event.name in names[: index - 1]:
                yield Fault(f"{place}, name", repr(event.name), "a name of its own")
            yield from _check_faults(place, event, looks)
        for truth, rates in self.rates.items():
            place = f"safety.rates.{truth}"
            if truth not in truths:
                yield Fault(place, repr(truth), "a truth of this file", nearest(truth, truths))
            elif truths[truth] not in kinds:
                expected = f"a truth of kind {' or '.join(kinds)}"
                yield Fault(place, f"a {truths[truth]} truth", expected)
            yield from _rate_faults(place, rates, names, single=looks[-1].n_c == 0)

    def boundary_faults(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Boundaries that stop every trial, or none; for specs whose named priors have been resolved."""
        for index, event in enumerate(self.events, start=1):
            yield from _bound_faults(f"safety.events {index}, stop", event, looks)


def asked_faults(safety: Safety | None, place: str, metric: str, truth: str) -> Iterator[Fault]:
    """A target on safety where nothing is said of it, or not under its truth."""
    if metric not in METRICS:
        return
    if safety is None:
        yield Fault(f"{place}, metric", metric, "a file with [safety]", "say which events stop the trial")
    elif truth not in safety.rates:
        expected = f"rates of the events under it: [safety.rates.{truth}]"
        yield Fault(f"{place}, truth", repr(truth), expected, nearest(truth, safety.rates))


def _check_faults(place: str, event: SafetyEvent, looks: tuple[Look, ...]) -> Iterator[Fault]:
    """Checks out of order or after the end; a boundary of no use, where its prior is known already."""
    at = event.at
    if bool(at) != (event.checks == "stated"):
        got = f"checks = {event.checks!r} {'with' if at else 'without'} at"
        yield Fault(place, got, 'checks = "stated" with at = [patients, ...], or neither')
        return
    if any(now <= before for before, now in pairwise(at)):
        yield Fault(f"{place}, at", _listed(at), "numbers of patients that rise")
        return
    if at and at[-1] > looks[-1].n_t:
        yield Fault(f"{place}, at", str(at[-1]), f"at most the {looks[-1].n_t} treatment patients of the trial")
        return
    if isinstance(event.stop, ByCounts):
        steps = event.stop.steps
        if any(now.patients <= before.patients or now.events <= before.events for before, now in pairwise(steps)):
            got = ", ".join(f"{step.events} of {step.patients}" for step in steps)
            expected = "steps that rise, in events and in patients"
            yield Fault(f"{place}, stop", got, expected, "of two steps the one with fewer events comes first")
            return
    if isinstance(event.stop, ByCounts) or event.stop.prior.prior is None:
        yield from _bound_faults(f"{place}, stop", event, looks)


def _bound_faults(place: str, event: SafetyEvent, looks: tuple[Look, ...]) -> Iterator[Fault]:
    bounds = event.bounds(looks)
    always = next((bound for bound in bounds if bound.events == 0), None)
    if not bounds:
        got = f"no number of events stops the trial ({event.stop.said()})"
        fix = "ask for fewer events, a lower certainty or limit, or check later"
        yield Fault(place, got, "a boundary that can be met", fix)
    elif always is not None:
        got = f"0 of {always.patients} stops the trial ({event.stop.said()})"
        yield Fault(place, got, "a boundary that asks for events", "a higher certainty or limit, or another prior")


def _rate_faults(place: str, rates: dict[str, EventRates], names: list[str], *, single: bool) -> Iterator[Fault]:
    for name in names:
        if name not in rates:
            yield Fault(place, f"no rates of {name!r}", "rates of every event", f"{name} = {{ treatment = ... }}")
    for name, found in rates.items():
        if name not in names:
            yield Fault(f"{place}.{name}", repr(name), "an event of this file", nearest(name, names))
        if single and found.control is not None:
            yield Fault(f"{place}.{name}", "a control rate", "no control rate in a single-arm trial")
        if not single and found.control is None:
            yield Fault(f"{place}.{name}", "no control rate", "a control rate")


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
