"""Patients are followed until the event or as long as the trial watches them: time to response, time to flare."""

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.hazards import LONGEST, Duration, Hazard
from anatrial.errors import Fault
from anatrial.numerics.time_to_event import Watch, drop_out_hazard
from anatrial.spec import OpenRate, Spec

MOST_PATIENTS = 400
"""Patients in both arms: thousands of such trials are simulated at once."""


class LossOverTime(Spec):
    """Patients lost before the event, at a constant rate over time: a hazard, or the share lost by a time."""

    hazard: Hazard | None = None
    share: OpenRate | None = None
    by: Duration | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.share is None) != (self.by is None) or (self.hazard is None) == (self.share is None):
            raise ValueError("no single drop-out | hazard, or share with by")
        return self

    @property
    def per_time(self) -> float:
        """Hazard of being lost, per unit of time."""
        if self.hazard is not None:
            return self.hazard
        assert self.share is not None
        assert self.by is not None
        return drop_out_hazard(self.share, self.by)


class TimeToEvent(Spec):
    """Time to an event, in one arm or two, by calendar entry or with the same follow-up for everyone.

    ``follow_up``: every patient is watched so long. ``accrual`` with ``minimum_follow_up``: patients enter evenly over
    the accrual time, and the analysis comes when the last one has been watched for the minimum. ``until_event``:
    everyone is watched to the event. Patients who are lost or not yet there are censored.
    """

    kind: Literal["time_to_event"]
    event: Literal["response", "flare"]
    """``response``: earlier is better; ``flare``: later is better."""
    unit: Literal["days", "weeks", "months", "years"]
    """Of every time in the file."""
    n: ArmSizes
    follow_up: Duration | None = None
    accrual: Duration | None = None
    minimum_follow_up: Annotated[float, Field(ge=0, le=LONGEST)] | None = None
    until_event: bool = False
    drop_out: LossOverTime | None = None
    times: Annotated[tuple[Duration, ...], Field(max_length=40)] = ()
    """Times at which the share without the event is told; without them eight up to the end of the follow-up."""

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.n.control is None

    @property
    def total(self) -> int:
        """Patients in both arms."""
        return self.n.treatment + (self.n.control or 0)

    @property
    def share_t(self) -> float:
        """Share of patients on treatment."""
        return self.n.treatment / self.total

    @property
    def watch(self) -> Watch:
        """How long patients are watched."""
        lost = self.drop_out.per_time if self.drop_out else 0.0
        if self.until_event:
            return Watch(math.inf, math.inf, lost)
        if self.follow_up is not None:
            return Watch(self.follow_up, self.follow_up, lost)
        assert self.accrual is not None
        assert self.minimum_follow_up is not None
        return Watch(self.minimum_follow_up, self.minimum_follow_up + self.accrual, lost)

    def resized(self, factor: float) -> Self:
        """The design with so many times the patients in each arm, rounded to whole patients, at least one."""
        treatment = max(round(factor * self.n.treatment), 1)
        control = None if self.n.control is None else max(round(factor * self.n.control), 1)
        return self.model_copy(update={"n": ArmSizes(treatment=treatment, control=control)})

    def faults(self) -> list[Fault]:
        """A follow-up told twice or not at all, too many patients, times nobody sees; named without the file."""
        found = []
        entry = self.accrual is not None or self.minimum_follow_up is not None
        forms = "follow_up, or accrual with minimum_follow_up, or until_event = true"
        if (self.follow_up is not None) + entry + self.until_event != 1:
            got = "no follow-up" if not (self.follow_up or entry or self.until_event) else "more than one follow-up"
            found.append(Fault("design", got, forms))
        elif entry and self.minimum_follow_up is None:
            fix = "the follow-up of the patient who enters last (0 if the analysis comes at once)"
            found.append(Fault("design", "accrual without minimum_follow_up", forms, fix))
        elif entry and self.accrual is None:
            fix = "the time over which patients enter; the same for everyone is follow_up"
            found.append(Fault("design", "minimum_follow_up without accrual", forms, fix))
        elif not self.until_event:
            longest = self.watch.longest
            found += [
                Fault(f"design.times {k}", f"{time:g}", f"at most the longest follow-up ({longest:g} {self.unit})")
                for k, time in enumerate(self.times, start=1)
                if time > longest
            ]
        elif not self.times:
            fix = "times = [...], in the unit of the file"
            found.append(Fault("design", "until_event without times", "the times to be told", fix))
        found += [
            Fault(f"design.times {k}", f"{time:g}", f"more than the time before it ({before:g} {self.unit})")
            for k, (before, time) in enumerate(pairwise(self.times), start=2)
            if time <= before
        ]
        if self.total > MOST_PATIENTS:
            expected = f"at most {MOST_PATIENTS} patients in both arms"
            found.append(Fault("design.n", str(self.total), expected, "every patient is simulated"))
        return found

    def shown_times(self) -> tuple[float, ...]:
        """Times at which the share without the event is told: as stated, or eight up to the longest follow-up."""
        return self.times or tuple(self.watch.longest * k / 8 for k in range(1, 9))

    def said(self, treatment: str, control: str) -> str:
        """The layout in one sentence."""
        arms = f"{self.n.treatment} on {treatment}"
        arms += " in a single arm" if self.single_arm else f" v {self.n.control} on {control}"
        if self.until_event:
            followed = f"each followed to the {self.event}"
        elif self.follow_up is not None:
            followed = f"each followed for {self.follow_up:g} {self.unit}"
        else:
            followed = (
                f"entering evenly over {self.accrual:g} {self.unit}, the last followed for "
                f"{self.minimum_follow_up:g} {self.unit}"
            )
        lost = f"; lost at {self.drop_out.per_time:.3g} per patient and {self.unit[:-1]}" if self.drop_out else ""
        better = "earlier" if self.event == "response" else "later"
        return f"{arms}, time to {self.event} in {self.unit} ({better} is better), {followed}{lost}."
