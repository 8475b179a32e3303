"""How patients are allotted to arms as they arrive: permuted blocks, within strata where there are any."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.spec import Name, OpenRate, Spec


class Randomisation(Spec):
    """Permuted blocks. Exact numbers of trials with full blocks do not depend on it; who is there at a stop does.

    With ``strata`` each stratum has blocks of its own: blocks that are not full at the end leave the arms unequal by
    chance, which the simulator shows and the exact numbers, at the planned totals, do not.
    """

    block: ArmSizes
    """Patients of each arm in a block."""
    strata: Annotated[dict[Name, OpenRate], Field(max_length=20)] = {}
    """Share of the patients in each stratum; the shares add up to 1."""

    def faults(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Blocks that do not divide the allocation at a look, strata that are no whole; places without the file."""
        if looks[-1].n_c == 0 or self.block.control is None:
            got, expected = "blocks in a single arm", "two arms, in the trial and in each block"
            yield Fault("randomisation.block", got, expected, "leave the section out")
            return
        size = f"blocks of {self.block.treatment} + {self.block.control}"
        for index, (n_t, n_c) in enumerate(looks, start=1):
            if n_t % self.block.treatment or n_t * self.block.control != n_c * self.block.treatment:
                where = f"look {index}, {n_t} + {n_c}" if len(looks) > 1 else f"{n_t} + {n_c}"
                expected = f"blocks that divide the allocation ({where})"
                yield Fault("randomisation.block", size, expected, "so many whole blocks must give each total")
        if self.strata and abs(sum(self.strata.values()) - 1) > 1e-9:
            got = f"shares that add up to {sum(self.strata.values()):g}"
            yield Fault("randomisation.strata", got, "shares that add up to 1")
        if self.strata and len(looks) > 1:
            fix = "leave the strata out, or plan one analysis"
            yield Fault("randomisation.strata", "strata in a trial with looks", "totals that are known at looks", fix)
