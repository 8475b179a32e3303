"""One analysis, at the end; one arm or two, any allocation."""

from fractions import Fraction
from typing import Literal, Self

from anatrial.domain.counts import Look
from anatrial.spec import ArmSize, Spec


class ArmSizes(Spec):
    """Patients per arm; without ``control`` the trial has a single arm."""

    treatment: ArmSize
    control: ArmSize | None = None


class Fixed(Spec):
    """One analysis, at the end."""

    kind: Literal["fixed"]
    n: ArmSizes

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.n.control is None

    def looks(self) -> tuple[Look, ...]:
        """The one look at the end."""
        return (Look(self.n.treatment, self.n.control or 0),)

    def resized(self, n: int, ratio: Fraction) -> Self:
        """The design with ``n`` control patients and ``ratio`` treatment patients for each; one arm: ``n`` patients."""
        if self.single_arm:
            return self.model_copy(update={"n": ArmSizes(treatment=n)})
        return self.model_copy(update={"n": ArmSizes(treatment=int(ratio * n), control=n)})
