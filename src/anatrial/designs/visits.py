"""A response that is judged at several visits, from which patients may be missing."""

from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, assert_never

from pydantic import Field

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.spec import Spec
from anatrial.truths.visits import Path, derived

Time = Annotated[float, Field(gt=0, le=1e4)]
Missing = Literal["non_responder", "last_observation", "observed_only"]
"""What a visit counts that a patient did not come to: no response, the one seen last, or the patient is left out."""

MISSING_SAID: dict[Missing, str] = {
    "non_responder": "missing = no response",
    "last_observation": "missing = last observation",
    "observed_only": "missing = left out",
}


class Window(NamedTuple):
    """The visits at which a patient must respond: from ``first`` to ``last``, counted from 0, both included."""

    first: int
    last: int


class Counted(NamedTuple):
    """One patient in the analysis: the chance to be in it, and then that of counting as a responder."""

    analysed: float
    responds: float


def counted(path: Path, window: Window, missing: Missing) -> Counted:
    """What becomes of a patient of an arm under a rule for missing visits."""
    found = derived(path, *window)
    match missing:
        case "non_responder":
            return Counted(1.0, found.kept_responds)
        case "last_observation":
            return Counted(1.0, found.kept_responds + found.carried_responds)
        case "observed_only":  # leaving does not depend on the response: the others respond as if nobody left
            return Counted(found.kept, derived(path.staying(), *window).kept_responds)
        case _:
            assert_never(missing)


class AtVisit(Spec):
    """Response at one visit."""

    kind: Literal["at_visit"]
    visit: Time
    missing: Missing


class Sustained(Spec):
    """Response at every visit from one on, to the last."""

    kind: Literal["sustained"]
    since: Annotated[Time, Field(alias="from")]
    missing: Missing


class Visits(Spec):
    """One arm or two, seen at the same visits; who leaves does not come back; analysed once, at the end."""

    kind: Literal["visits"]
    n: ArmSizes
    visits: Annotated[tuple[Time, ...], Field(min_length=1, max_length=60)]
    unit: Literal["days", "weeks", "months", "years"] = "months"
    analysis: Annotated[AtVisit | Sustained, Field(discriminator="kind")]

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.n.control is None

    @property
    def look(self) -> Look:
        """All patients."""
        return Look(self.n.treatment, self.n.control or 0)

    @property
    def asked(self) -> float:
        """The visit that the analysis names."""
        return self.analysis.visit if isinstance(self.analysis, AtVisit) else self.analysis.since

    @property
    def window(self) -> Window:
        """The visits at which a responder must respond."""
        at = self.visits.index(self.asked)
        return Window(at, at if isinstance(self.analysis, AtVisit) else len(self.visits) - 1)

    def said(self, treatment: str, control: str) -> str:
        """The layout in one sentence."""
        arms = f"{self.n.treatment} on {treatment}"
        arms += "" if self.single_arm else f" v {self.n.control} on {control}"
        times = [f"{time:g}" for time in self.visits]
        told = times[0] if len(times) == 1 else f"{', '.join(times[:-1])} and {times[-1]}"
        if isinstance(self.analysis, AtVisit):
            counted = f"response at {self.asked:g} {self.unit}"
        else:
            counted = f"response at every visit from {self.asked:g} {self.unit} on"
        return f"{arms}, seen at {told} {self.unit}. Counted: {counted}; {MISSING_SAID[self.analysis.missing]}."

    def faults(self) -> list[Fault]:
        """Visits out of order, or an analysis at a visit that there is not; places are named without the file."""
        told = ", ".join(f"{time:g}" for time in self.visits)
        found = []
        if any(now <= before for before, now in pairwise(self.visits)):
            fix = "times since the start, not between visits"
            found.append(Fault("design.visits", told, "times that rise", fix))
        if self.asked not in self.visits:
            place = "visit" if isinstance(self.analysis, AtVisit) else "from"
            found.append(Fault(f"design.analysis.{place}", f"{self.asked:g}", f"one of the visits ({told})"))
        return found
