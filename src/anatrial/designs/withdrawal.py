"""Everyone is treated first; those who respond are then randomised to go on or to change to placebo."""

from math import comb, gcd
from typing import Annotated, Literal, Self

from pydantic import Field

from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.spec import Spec

MOST_ENROLLED = 500


class Ratio(Spec):
    """Of so many responders: those who go on with the treatment, and those who change to control."""

    treatment: Annotated[int, Field(ge=1, le=10)]
    control: Annotated[int, Field(ge=1, le=10)]


class Withdrawal(Spec):
    """Randomised withdrawal: an open-label run-in, then responders only are randomised.

    How many are randomised is not known beforehand. They are randomised in the smallest blocks that the ratio allows;
    the last block may stay incomplete, its patients being the first of a block in random order.
    """

    kind: Literal["withdrawal"]
    enrolled: Annotated[int, Field(ge=2, le=MOST_ENROLLED)]
    """Patients who start the run-in."""
    ratio: Ratio = Ratio(treatment=1, control=1)
    least_responders: Annotated[int, Field(ge=2, le=MOST_ENROLLED)] = 2
    """With fewer responders nobody is randomised, and the trial has no success."""

    def resized(self, n: int) -> Self:
        """The design with ``n`` patients enrolled."""
        return self.model_copy(update={"enrolled": n})

    def splits(self, responders: int) -> tuple[tuple[Look, float], ...]:
        """Patients per arm of so many responders, and the chance of each split; none where too few are randomised.

        In the last, incomplete block the number on treatment is hypergeometric.
        """
        if responders < self.least_responders:
            return ()
        common = gcd(self.ratio.treatment, self.ratio.control)
        size_t, size_c = self.ratio.treatment // common, self.ratio.control // common
        blocks, rest = divmod(responders, size_t + size_c)
        found = []
        for extra in range(max(0, rest - size_c), min(size_t, rest) + 1):
            chance = comb(size_t, extra) * comb(size_c, rest - extra) / comb(size_t + size_c, rest)
            found.append((Look(blocks * size_t + extra, blocks * size_c + rest - extra), chance))
        return tuple(found)

    def faults(self) -> list[Fault]:
        """A minimum that nobody reaches; places are named without the file."""
        if self.least_responders > self.enrolled:
            expected = f"at most the {self.enrolled} patients enrolled"
            return [
                Fault("design.least_responders", str(self.least_responders), expected, "enrol more, or ask for less")
            ]
        return []

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The layout in one sentence."""
        ratio = f"{self.ratio.treatment}:{self.ratio.control}"
        return (
            f"{self.enrolled} patients start on {treatment}; those who respond are randomised {ratio} to go on or to "
            f"change to {control}, if there are at least {self.least_responders}."
        )
