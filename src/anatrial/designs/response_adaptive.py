"""Patients are sent more often to the arm that seems best: the allocation follows the results so far."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics.best_arm import MOST_PATIENTS
from anatrial.spec import Name, Spec


class ResponseAdaptive(Spec):
    """Equal arms at first, then blocks whose allocation is proportional to P(arm is best | data) ^ exponent.

    ``exponent`` is fixed, or ``thall_wathen``: patients so far / (2 n), which adapts little early. No arm's share falls
    below ``min_share``. With ``drop_below`` a dose whose chance to be best falls below it gets no more patients and
    cannot succeed; one dose always stays, and so does the control.

    Source: Thall & Wathen (2007), Eur. J. Cancer 43:859-866.
    """

    kind: Literal["response_adaptive"]
    n: Annotated[int, Field(ge=4, le=MOST_PATIENTS)]
    """Patients in all."""
    doses: Annotated[tuple[Name, ...], Field(min_length=1, max_length=2)]
    """The arms beside the control."""
    burn_in: Annotated[int, Field(ge=1, le=MOST_PATIENTS)]
    """Patients per arm before the first update."""
    block: Annotated[int, Field(ge=1, le=MOST_PATIENTS)]
    """Patients between two updates."""
    exponent: Annotated[float, Field(gt=0, le=10)] | Literal["thall_wathen"] = "thall_wathen"
    min_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    drop_below: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    prior: PriorRef = PriorRef(a=1.0, b=1.0)
    """What the allocation assumes of every arm before the trial."""

    @property
    def arms(self) -> int:
        """Two or three."""
        return 1 + len(self.doses)

    @property
    def updates(self) -> int:
        """Blocks after the burn-in."""
        return (self.n - self.arms * self.burn_in) // self.block

    def faults(self) -> list[Fault]:
        """Numbers that do not fit together; places are named without the file."""
        found, first = [], self.arms * self.burn_in
        if len(set(self.doses)) < len(self.doses):
            found.append(Fault("design.doses", ", ".join(self.doses), "names that differ"))
        if first >= self.n:
            got = f"{self.burn_in} patients in each of {self.arms} arms, {first} in all"
            expected = f"fewer than n ({self.n}), so that something is left to adapt"
            found.append(Fault("design.burn_in", got, expected))
        elif (self.n - first) % self.block:
            got = f"{self.n - first} patients after the burn-in, in blocks of {self.block}"
            below = self.n - (self.n - first) % self.block
            fix = f"n = {below} or {below + self.block}"
            found.append(Fault("design.block", got, "a block that divides them", fix))
        if self.min_share * self.arms > 1:
            got, expected = f"{self.min_share:g} for each of {self.arms} arms", f"at most 1/{self.arms}"
            found.append(Fault("design.min_share", got, expected))
        if self.drop_below is not None and self.arms == 2:
            expected, fix = "two doses: dropping the only one would end the trial", "remove it"
            found.append(Fault("design.drop_below", f"{self.drop_below:g}", expected, fix))
        return found

    def said(self, treatment: str, control: str) -> str:
        """The layout in one sentence."""
        doses = " and ".join(dose_said(dose, treatment) for dose in self.doses)
        power = "patients so far / 2n" if self.exponent == "thall_wathen" else f"{self.exponent:g}"
        drops = f"; a dose with P(best) below {self.drop_below:g} is dropped" if self.drop_below is not None else ""
        return (
            f"{self.n} patients on {doses} or {control}: {self.burn_in} on each, then {self.updates} blocks of "
            f"{self.block} by P(best | data) to the power {power}, each arm at least {100 * self.min_share:g} %{drops}."
        )


def dose_said(name: str, treatment: str) -> str:
    """A dose with its medicine, if its name does not say that already."""
    return name if name == treatment else f"{treatment} {name}"
