"""What the rules for one arm with looks share: counts at which the trial stops."""

from collections.abc import Iterator
from typing import NamedTuple

from anatrial.domain.counts import Look, Region, Regions, Run, Tie
from anatrial.errors import Fault
from anatrial.rules.base import Rule
from anatrial.spec import OpenRate


class Stops(NamedTuple):
    """Counts that stop the trial at a look: at most ``futility`` (-1: never), at least ``success`` (n + 1: never)."""

    futility: int
    success: int
    ties: tuple[Tie, ...] = ()


class OneArm(Rule):
    """A single arm against a fixed rate, with looks at which the number of responders decides."""

    null_rate: OpenRate
    """The rate to beat."""

    @property
    def arms(self) -> tuple[int, ...]:
        """One arm only."""
        return (1,)

    @property
    def fixed_benchmark(self) -> float | None:
        """The null rate."""
        return self.null_rate

    @property
    def interim(self) -> bool:
        """It decides at every look."""
        return True

    def stops(self, looks: tuple[Look, ...]) -> tuple[Stops, ...]:
        """The deciding counts per look; at the last one there is no futility, only success or none."""
        raise TypeError(looks)

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """The counts as regions."""
        return tuple(_regions(look, stop) for look, stop in zip(looks, self.stops(looks), strict=True))

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Looks at which every result stops the trial, or at the end none succeeds."""
        for index, (look, stop) in enumerate(zip(looks, self.stops(looks), strict=True), start=1):
            last = index == len(looks)
            if last and stop.success > look.n_t:
                got = f"no success even with {look.n_t} of {look.n_t} responders"
                yield Fault(f"rule, look {index}", got, "a look that can succeed", "more patients, or another alpha")
            elif not last and stop.futility + 1 >= stop.success:
                got = f"futility at most {stop.futility}, success at least {stop.success}: every result stops the trial"
                fix = "drop the looks after it, or move the boundaries apart"
                yield Fault(f"rule, look {index}", got, "results between them with which the trial goes on", fix)
                return  # the looks after it are never reached


def _regions(look: Look, stop: Stops) -> Regions:
    success = (Run(0, stop.success, look.n_t),) if stop.success <= look.n_t else ()
    futility = (Run(0, 0, stop.futility),) if stop.futility >= 0 else ()
    return Regions(Region(look, success), Region(look, ()), stop.ties, Region(look, futility))
