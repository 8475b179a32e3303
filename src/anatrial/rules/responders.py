"""A single arm with looks whose deciding numbers of responders are written out."""

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from anatrial.domain.counts import Look, Regions
from anatrial.errors import Fault
from anatrial.rules.one_arm import OneArm, Stops
from anatrial.spec import MAX_N

NEVER: Literal["never"] = "never"


def _count(value: object, accept: ValidatorFunctionWrapHandler) -> object:
    """A count or "never", refused in one sentence instead of one per form."""
    try:
        return accept(value)
    except ValidationError:
        expected = f"a number of responders (for success 1 or more), or {json.dumps(NEVER)}"
        raise ValueError(f"{json.dumps(value)} | {expected}") from None


Least = Annotated[Annotated[int, Field(ge=1, le=MAX_N)] | Literal["never"], WrapValidator(_count)]
Most = Annotated[Annotated[int, Field(ge=0, le=MAX_N)] | Literal["never"], WrapValidator(_count)]


class Responders(OneArm):
    """Stops for futility with at most, and for success with at least, so many responders: Simon's designs and others.

    A two-stage design r1/n1, r/n after Simon (1989), Controlled Clinical Trials 10:1-10, is written as
    ``futility_at_most = [r1]`` and ``success_at_least = ["never", r + 1]``.
    """

    kind: Literal["responders"]
    success_at_least: tuple[Least, ...]
    """Responders so far that make a success, one number per look; "never" at looks that do not stop for it."""
    futility_at_most: tuple[Most, ...] | None = None
    """Responders so far with which the trial stops, one number per look but the last; "never" at looks without it."""
    binding_futility: bool = True
    """Whether the trial must stop there; if not, type I error is computed as if it never did."""

    @property
    def binding(self) -> bool:
        """As written."""
        return self.binding_futility

    def misfits(self, looks: tuple[Look, ...]) -> Iterator[Fault]:
        """Wrong numbers of counts, counts above the totals, boundaries that cross."""
        wanted = {"success_at_least": len(looks), "futility_at_most": len(looks) - 1}
        each = {"success_at_least": "per look", "futility_at_most": "per look but the last"}
        faults = []
        for name, counts in self._counts(len(looks)).items():
            if len(counts) != wanted[name]:
                fix = 'write "never" where a look does not stop for it'
                if name == "futility_at_most" and len(counts) == len(looks):
                    fix = "leave the last out: what is no success at the end is none"
                faults.append(Fault(f"rule.{name}", f"{len(counts)} counts", f"{wanted[name]}, one {each[name]}", fix))
                continue
            for index, (look, count) in enumerate(zip(looks, counts, strict=False), start=1):
                if count != NEVER and count > look.n_t:
                    place, expected = f"rule, look {index}, {name}", f"at most the {look.n_t} patients of this look"
                    faults.append(Fault(place, str(count), expected, "count the responders so far"))
        if not faults and self.success_at_least[-1] == NEVER:
            place = f"rule, look {len(looks)}, success_at_least"
            faults.append(Fault(place, repr(NEVER), "a number of responders: the last look must be able to succeed"))
        yield from faults or super().misfits(looks)

    def _counts(self, looks: int) -> dict[str, tuple[int | Literal["never"], ...]]:
        """Both boundaries as written; none for futility is never."""
        futility = (NEVER,) * (looks - 1) if self.futility_at_most is None else self.futility_at_most
        return {"success_at_least": self.success_at_least, "futility_at_most": futility}

    def stops(self, looks: tuple[Look, ...]) -> tuple[Stops, ...]:
        """The counts as they are written."""
        counts = self._counts(len(looks))
        low = [-1 if count == NEVER else count for count in (*counts["futility_at_most"], NEVER)]
        high = [
            look.n_t + 1 if count == NEVER else count
            for look, count in zip(looks, counts["success_at_least"], strict=True)
        ]
        return tuple(Stops(*both) for both in zip(low, high, strict=True))

    def again(self, looks: tuple[Look, ...], index: int, over: Look) -> Regions | None:
        """The counts that the file has for these totals; None where no later look has as many patients."""
        del index
        return self.regions(looks)[looks.index(over)] if over in looks else None

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        del control
        told = f"Success if at least {_in_turn(self.success_at_least)} have responded on {treatment}"
        if futility := _in_turn(self.futility_at_most or ()):
            told += f"; futility{'' if self.binding else ' (not binding)'} if at most {futility} have"
        return f"{told}. The rate to beat is {self.null_rate:g}."


def _in_turn(counts: tuple[int | Literal["never"], ...]) -> str:
    """Counts with the looks that use them."""
    return ", ".join(f"{count} (look {look})" for look, count in enumerate(counts, start=1) if count != NEVER)
