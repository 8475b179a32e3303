"""Several looks at the results so far, each of which may end the trial."""

from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.spec import MAX_N, Spec

MOST_LOOKS = {1: 200, 2: 6}
"""Looks of a trial with one arm or two."""


class Pipeline(Spec):
    """Patients per arm who are recruited at an interim look but whose result is not seen yet."""

    treatment: Annotated[int, Field(ge=0, le=MAX_N)]
    control: Annotated[int, Field(ge=0, le=MAX_N)] | None = None


class Sequential(Spec):
    """Looks at the patients observed so far; the trial may stop at each, and ends at the last.

    With ``pipeline`` an early stop comes too late for the patients who were recruited meanwhile: they are counted in
    the expected sample size, and it is told whether their results could turn the decision around.
    """

    kind: Literal["sequential"]
    looks_at: Annotated[tuple[ArmSizes, ...], Field(min_length=1, max_length=200, alias="looks")]
    """Patients with a result at each look: totals so far, not those added."""
    pipeline: Pipeline | None = None

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.looks_at[-1].control is None

    def looks(self) -> tuple[Look, ...]:
        """The totals at each look."""
        return tuple(Look(n.treatment, n.control or 0) for n in self.looks_at)

    def waiting(self) -> tuple[Look, ...]:
        """Patients in the pipeline at each look: at most those still to be recruited, none at the end."""
        looks, pipe = self.looks(), self.pipeline or Pipeline(treatment=0)
        last = looks[-1]
        return tuple(
            Look(min(pipe.treatment, last.n_t - n_t), min(pipe.control or 0, last.n_c - n_c)) for n_t, n_c in looks
        )

    def resized(self, n: int, ratio: Fraction) -> Self | None:
        """The design with ``n`` control patients at the end (one arm: ``n`` patients) and looks at the same shares.

        Shares are rounded to whole patients, halves up; None where two looks would then be the same.
        """
        last = self.looks()[-1]
        ends = Look(n, 0) if self.single_arm else Look(int(ratio * n), n)
        totals = [
            Look(_share(ends.n_t, look.n_t, last.n_t), _share(ends.n_c, look.n_c, last.n_c)) for look in self.looks()
        ]
        if any(before == after for before, after in pairwise(totals)) or 0 in totals[0][: self.arms]:
            return None
        sizes = tuple(ArmSizes(treatment=n_t, control=None if self.single_arm else n_c) for n_t, n_c in totals)
        return self.model_copy(update={"looks_at": sizes})

    @property
    def arms(self) -> int:
        """One or two."""
        return 1 if self.single_arm else 2

    def faults(self) -> list[Fault]:
        """Looks that do not grow, that lose an arm, or that are too many; places are named without the file."""
        found = []
        if len(self.looks_at) < 2:
            found.append(Fault("design.looks", "1 look", "2 or more", 'one analysis at the end is kind = "fixed"'))
        if len(self.looks_at) > MOST_LOOKS[self.arms]:
            expected = f"at most {MOST_LOOKS[self.arms]} in a trial with {'one arm' if self.single_arm else 'two arms'}"
            found.append(Fault("design.looks", f"{len(self.looks_at)} looks", expected))
        if self.pipeline is not None and (self.pipeline.control is None) != self.single_arm:
            got = "no control patients" if self.pipeline.control is None else "control patients in a single arm"
            expected = "patients of every arm, and of no other"
            found.append(Fault("design.pipeline", got, expected, "control = 0 where nobody waits"))
        for index, (before, now) in enumerate(pairwise(self.looks_at), start=2):
            place = f"design, look {index}"
            if (now.control is None) != (self.looks_at[0].control is None):
                got, expected = "a control arm at some looks only", "a control total at every look, or at none"
                found.append(Fault(place, got, expected))
                continue
            for arm, earlier, total in (
                ("treatment", before.treatment, now.treatment),
                ("control", before.control or 0, now.control or 0),
            ):
                if total < earlier:
                    expected = f"at least the {arm} total of the look before ({earlier})"
                    fix = "give totals so far, not the patients added at this look"
                    found.append(Fault(f"{place}, {arm}", str(total), expected, fix))
            if before == now:
                got = "the totals of the look before"
                found.append(Fault(place, got, "more patients than at the look before", "remove this look"))
        return found


def _share(total: int, part: int, whole: int) -> int:
    """``part / whole`` of ``total``, rounded to whole patients, halves up."""
    return (2 * total * part + whole) // (2 * whole) if whole else 0
