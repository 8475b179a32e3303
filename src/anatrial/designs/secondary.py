"""Secondary endpoints that are measured, not counted, each with its own number of analysed patients."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from anatrial.designs.fixed import ArmSizes
from anatrial.errors import Fault
from anatrial.rules.base import LARGEST_ALPHA, SMALLEST, Alpha
from anatrial.spec import Spec, Text

Spread = Annotated[float, Field(ge=1e-9, le=1e9)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class Spreads(Spec):
    """A standard deviation per arm: the arms are then compared by Welch's test."""

    treatment: Spread
    control: Spread


class Secondary(Spec):
    """A mean that is compared between two arms, or the mean change of one arm with 0, by a t test.

    ``sd``: pooled variance (Student). ``sd_per_arm``: Welch. One arm: paired, ``sd`` is that of the changes.
    """

    name: Label
    unit: Label
    n: ArmSizes
    """Patients per arm whose value is analysed."""
    sd: Spread | None = None
    sd_per_arm: Spreads | None = None
    """Between patients: of the values compared, or of the changes where these are compared."""
    difference: Annotated[float, Field(ge=-1e9, le=1e9)]
    """Expected: treatment minus control, or the change of a single arm. A one-sided test looks in its direction."""
    alpha: Alpha | None = None
    alpha_two_sided: Alpha | None = None
    why: Text | None = None

    @model_validator(mode="after")
    def _one_alpha(self) -> Self:
        if (self.alpha is None) == (self.alpha_two_sided is None):
            raise ValueError(f"{'neither' if self.alpha is None else 'both'} | alpha (one-sided) or alpha_two_sided")
        if not SMALLEST <= self.tail < LARGEST_ALPHA:
            got = f"a chance of {self.tail:g} in each rejecting tail"
            raise ValueError(f"{got} | at least {SMALLEST:g} and below {LARGEST_ALPHA:g}")
        if (self.sd is None) == (self.sd_per_arm is None):
            raise ValueError(f"{'neither' if self.sd is None else 'both'} | sd, the same in both arms, or sd_per_arm")
        if self.difference == 0:
            raise ValueError("an expected difference of 0 | a difference to find")
        return self

    @property
    def both_sides(self) -> bool:
        """Whether either direction counts."""
        return self.alpha_two_sided is not None

    @property
    def tail(self) -> float:
        """Probability of one rejecting tail under no difference."""
        return self.alpha if self.alpha is not None else 0.5 * (self.alpha_two_sided or 0.0)

    @property
    def spreads(self) -> tuple[float, float]:
        """Standard deviations, treatment and control."""
        if self.sd_per_arm is not None:
            return self.sd_per_arm.treatment, self.sd_per_arm.control
        assert self.sd is not None
        return self.sd, self.sd

    @property
    def test(self) -> str:
        """The test in words."""
        name = "paired t" if self.n.control is None else "Welch" if self.sd_per_arm is not None else "pooled t"
        level = self.alpha_two_sided if self.both_sides else self.alpha
        return f"{name}, {'two' if self.both_sides else 'one'}-sided {level:g}"

    def faults(self, index: int, whole: ArmSizes) -> Iterator[Fault]:
        """What does not fit a trial with these totals; ``index`` counts from 1, places are named without the file."""
        place = f"secondary {index}"
        if (self.n.control is None) != (whole.control is None):
            got = "no control patients" if self.n.control is None else "control patients in a single arm"
            yield Fault(f"{place}, n", got, "patients of every arm, and of no other")
            return
        if whole.control is None and self.sd_per_arm is not None:
            yield Fault(f"{place}, sd_per_arm", "a spread per arm", "sd: the trial has a single arm")
        pairs = (("treatment", self.n.treatment, whole.treatment), ("control", self.n.control, whole.control))
        for arm, analysed, total in pairs:
            if analysed is None or total is None:
                continue
            if analysed < 2:
                yield Fault(
                    f"{place}, n, {arm}", str(analysed), "at least 2 patients, or nothing is known of the spread"
                )
            if analysed > total:
                yield Fault(f"{place}, n, {arm}", str(analysed), f"at most the {total} patients of the trial")
