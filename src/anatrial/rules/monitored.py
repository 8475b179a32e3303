"""Any rule for the finished trial, with reasons to end the trial at an earlier look."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.errors import Fault, InputError
from anatrial.numerics import BoolArray
from anatrial.rules.base import Dial, Judged, Rule
from anatrial.rules.final import FinalRule
from anatrial.rules.stops import AnyStop

SETTLED = {
    "success": "Where both are met, success counts.",
    "futility": "Where both are met, futility counts.",
    "continue": "Where both are met, it goes on.",
    "error": "No result meets both.",
}
"""What ``overlap`` says, in words."""


class Monitored(Judged):
    """Decides by ``final`` at the last look; at looks before it, any of the ``stops`` ends the trial.

    Interim looks stop for success or futility, never for harm. What the stops say does not change the final rule: it
    is applied to all patients as if there had been no look before.
    """

    kind: Literal["monitored"]
    final: Annotated[FinalRule, Field(discriminator="kind")]
    """What is decided at the last look: any rule that judges a finished trial."""
    stops: Annotated[tuple[AnyStop, ...], Field(min_length=1, max_length=20)]
    """What may end the trial before it."""
    overlap: Literal["success", "futility", "continue", "error"] | None = None
    """What holds where stops for success and for futility are both met; ``error`` refuses a rule where that can be.
    To be said where both kinds of stops share a look."""
    binding_futility: bool = False
    """Whether futility must end the trial. If not, type I error is computed as if it never did, and everything else as
    if it always did: the promise of type I error then holds even where people go on."""

    @property
    def judge(self) -> Rule:
        """The final rule."""
        return self.final

    @property
    def interim(self) -> bool:
        """It decides at looks before the last one."""
        return True

    @property
    def binding(self) -> bool:
        """As written."""
        return self.binding_futility

    @property
    def dial(self) -> Dial | None:
        """That of the final rule: stops keep their own thresholds, but those that predict the final rule follow it."""
        dial = self.final.dial
        return None if dial is None else dial._replace(name=f"final.{dial.name}")

    def dialled(self, value: float) -> Self:
        """The final rule with another value of its dial."""
        return self.model_copy(update={"final": self.final.dialled(value)})

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Stops at looks that are no interim looks, without a prior or rate to compare with, or that may contradict."""
        last, single = looks[-1], looks[-1].n_c == 0
        for fault in self.final.misfits((last,)):
            yield fault._replace(where=fault.where.replace("rule", "rule.final", 1))
        interim = "interim look 1" if len(looks) == 2 else f"interim looks 1 to {len(looks) - 1}"
        for index, stop in enumerate(self.stops, start=1):
            place = f"rule.stops {index}"
            for number in stop.looks or ():
                if number >= len(looks):
                    fix = "the last look is decided by rule.final" if number == len(looks) else ""
                    yield Fault(f"{place}, looks", str(number), interim, fix)
            if len(set(stop.looks or ())) < len(stop.looks or ()):
                yield Fault(f"{place}, looks", ", ".join(map(str, stop.looks or ())), "each look once")
            yield from stop.misfits(self.final, place, single=single)
        shared = self._shared(len(looks) - 1)
        if shared and self.overlap is None:
            expected = (
                "what holds where stops for success and futility are both met: success, futility, continue, error"
            )
            yield Fault("rule.overlap", "nothing", expected, f"both kinds of stops count at look {shared[0]}")
        if not shared and self.overlap is not None:
            expected = "stops for success and for futility at one and the same look"
            yield Fault("rule.overlap", repr(self.overlap), expected, "remove it: there is nothing to settle")

    def _shared(self, interim: int) -> list[int]:
        """Interim looks at which the trial may stop for success and for futility."""
        return [
            number
            for number in range(1, interim + 1)
            if len({stop.decides for stop in self.stops if stop.counts_at(number)}) == 2
        ]

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """Where stops are met at every interim look, and what the final rule decides at the last."""
        *interim, last = looks
        try:
            end = _decided_last(self.final, last)
        except InputError as error:
            faults = (fault._replace(where=fault.where.replace("rule", "rule.final", 1)) for fault in error.faults)
            raise InputError(*faults) from None
        return (*(self._at(number, look, end.success) for number, look in enumerate(interim, start=1)), end)

    def again(self, looks: tuple[Look, ...], index: int, over: Look) -> Regions:
        """What the stops would say at the totals ``over``; the other interim looks are left out."""
        at = (*looks[:index], over, *looks[index + 1 :])
        end = _decided_last(self.final, at[-1])
        return end if index == len(at) - 1 else self._at(index + 1, over, end.success, refuse=False)

    def _at(self, number: int, look: Look, end: Region, *, refuse: bool = True) -> Regions:
        """What is decided at an interim look; ``InputError`` where both is met and ``overlap`` says error.

        Not to ``refuse`` is to let such results go on: totals with the pipeline are no look.
        """
        met: dict[str, BoolArray] = {
            decision: np.zeros((look.n_t + 1, look.n_c + 1), dtype=np.bool_) for decision in ("success", "futility")
        }
        ties: list[Tie] = []
        for stop in self.stops:
            if stop.counts_at(number):
                stops, near = stop.met(self.final, look, end)
                met[stop.decides] |= stops
                ties += near
        both = met["success"] & met["futility"]
        if refuse and both.any() and self.overlap in {None, "error"}:
            raise InputError(_contradiction(number, look, both))
        for decision in met:
            if self.overlap != decision:
                met[decision] &= ~both
        may_fail = any(stop.decides == "futility" for stop in self.stops)
        return Regions(
            success=Region.from_grid(look, met["success"]),
            harm=Region(look, ()),
            ties=tuple(ties),
            futility=Region.from_grid(look, met["futility"]) if may_fail else None,
            overlap=None if self.overlap is None else Region.from_grid(look, both),
        )

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in a few sentences."""
        early = [
            f"for {stop.decides} {'at every look' if stop.looks is None else _at_looks(stop.looks)} if "
            + stop.said(self.final, treatment, control)
            for stop in self.stops
        ]
        sentences = [self.final.said(treatment, control), f"Before the last look it stops {'; '.join(early)}."]
        if self.overlap is not None:
            sentences.append(SETTLED[self.overlap])
        if any(stop.decides == "futility" for stop in self.stops):
            sentences.append(
                "Futility binds."
                if self.binding_futility
                else "Futility does not bind: type I error counts no stop for it."
            )
        return " ".join(sentences)


def decides_last(rule: Rule) -> Rule:
    """The rule that judges the finished trial: of a monitored one its final rule."""
    return rule.final if isinstance(rule, Monitored) else rule


@lru_cache(maxsize=4)
def _decided_last(final: FinalRule, last: Look) -> Regions:
    """What the final rule decides: found once, however many looks are asked again with their pipeline."""
    return final.regions((last,))[0]


def _contradiction(number: int, look: Look, both: BoolArray) -> Fault:
    """The first table on which both kinds of stops are met."""
    x_t, x_c = (int(x) for x in np.argwhere(both)[0])
    table = f"{x_t} of {look.n_t}" + (f" v {x_c} of {look.n_c}" if look.n_c else "")
    got = f"at look {number}, {table} meets stops for success and for futility ({int(both.sum())} tables do)"
    fix = "say overlap: success, futility or continue"
    return Fault("rule.overlap", got, "thresholds that no table meets on both sides", fix)


def _at_looks(looks: tuple[int, ...]) -> str:
    """Looks in words."""
    *first, last = [str(number) for number in sorted(looks)]
    return f"at looks {', '.join(first)} and {last}" if first else f"at look {last}"
