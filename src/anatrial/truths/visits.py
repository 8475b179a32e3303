"""What happens to a patient from visit to visit: response gained and lost, and leaving the trial.

A two-state Markov chain per patient. Leaving does not depend on the response, and who leaves does not come back. Rates
are those of patients who are still there, which are then the rates that would be seen if nobody left.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from anatrial.domain.prior import PriorRef
from anatrial.errors import Fault
from anatrial.numerics import FloatArray
from anatrial.spec import Rate, Spec
from anatrial.truths.base import Truth

Shares = Annotated[tuple[Rate, ...], Field(min_length=1, max_length=60)]
"""One number for all intervals between visits, or one for each."""
Leaving = Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1, max_length=60)]
"""Share of those still there who leave before a visit: one number for all visits, or one for each."""
TINY = 1e-12  # 0.8 - 0.9 * (8 / 9) is no share below 0


class Path(NamedTuple):
    """One arm: ``first`` respond at the first visit; per later visit the chance to gain and to lose the response.

    ``leaves``: share of those still there who leave before each visit, the first included.
    """

    first: float
    gain: tuple[float, ...]
    loss: tuple[float, ...]
    leaves: tuple[float, ...]

    def staying(self) -> "Path":
        """The same arm if nobody left."""
        return self._replace(leaves=(0.0,) * len(self.leaves))


class Derived(NamedTuple):
    """One patient at an analysis of one visit or of several in a row, as probabilities.

    ``kept``: seen at the last of these visits, and so at all; ``kept_responds``: seen, and responding at each.
    ``carried_responds``: not seen, and responding at each where a missing visit takes the observation before it, no
    response if there is none.
    """

    kept: float
    kept_responds: float
    carried_responds: float


def derived(path: Path, first: int, last: int) -> Derived:
    """What the visits ``first`` to ``last`` (from 0, both included) make of a patient: forward recursion.

    Patients are told apart by what was seen of them last (response or not) and by whether they responded at every
    visit asked for so far, and by whether they are still there.
    """
    there, lost = np.zeros((2, 2)), np.zeros((2, 2))  # [seen last, responded so far]
    there[0, 1] = 1.0
    for visit in range(last + 1):
        lost += path.leaves[visit] * there
        there *= 1.0 - path.leaves[visit]
        gain = path.first if visit == 0 else path.gain[visit - 1]
        loss = 0.0 if visit == 0 else path.loss[visit - 1]
        there = np.array([(1 - gain) * there[0] + loss * there[1], gain * there[0] + (1 - loss) * there[1]])
        if visit >= first:
            for state in (there, lost):
                state[0, 0] += state[0, 1]
                state[0, 1] = 0.0
    kept = math.prod(1.0 - leaves for leaves in path.leaves[: last + 1])
    kept_responds = min(float(there[1, 1]), kept)  # sums of chances may pass 1 by rounding
    return Derived(kept, kept_responds, min(float(lost[1, 1]), 1.0 - kept_responds))


def at_visits(path: Path) -> FloatArray:
    """Probabilities that a patient responds, does not respond, or has left, at each visit; shape (visits, 3)."""
    rate, there, found = path.first, 1.0, []
    for visit, leaves in enumerate(path.leaves):
        if visit:
            rate = rate * (1 - path.loss[visit - 1]) + (1 - rate) * path.gain[visit - 1]
        there *= 1 - leaves
        found.append((there * rate, there * (1 - rate), 1 - there))
    return np.array(found)


class Transitions(Spec):
    """How patients of an arm change between two visits: gaining the response, losing it, leaving."""

    gain: Shares
    loss: Shares
    dropout: Leaving

    def path(self, first: float, visits: int) -> Path:
        """The arm with ``first`` responding at the first of so many visits."""
        gain, loss = (_each(shares, visits - 1) for shares in (self.gain, self.loss))
        return Path(first, gain, loss, _each(self.dropout, visits))

    def faults(self, place: str, visits: int) -> Iterator[Fault]:
        """Lists that are not as long as there are intervals."""
        for name, shares in (("gain", self.gain), ("loss", self.loss)):
            yield from _length_faults(f"{place}.{name}", shares, visits - 1)
        yield from _length_faults(f"{place}.dropout", self.dropout, visits)


class MarkovArm(Transitions):
    """An arm by how its patients gain and lose the response."""

    first: Rate
    """Responding at the first visit."""


class UncertainArm(Transitions):
    """The same where it is uncertain how many respond at the first visit."""

    first: PriorRef


class RatesArm(Spec):
    """An arm by its response rates at the visits, and by how many of those who respond still do at the next visit."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=60)]
    persistence: Shares
    dropout: Leaving

    def path(self, visits: int) -> Path:
        """The gains that give these rates."""
        kept, gain = _each(self.persistence, visits - 1), []
        for (before, now), keeps in zip(pairwise(self.rates), kept, strict=True):
            gain.append(min(max((now - before * keeps) / (1 - before), 0.0), 1.0) if before < 1 else 0.0)
        return Path(self.rates[0], tuple(gain), tuple(1 - keeps for keeps in kept), _each(self.dropout, visits))

    def faults(self, place: str, visits: int) -> Iterator[Fault]:
        """Lists of another length than the visits, and rates that no gain between two visits can give."""
        found = [*_length_faults(f"{place}.persistence", self.persistence, visits - 1)]
        found += _length_faults(f"{place}.dropout", self.dropout, visits)
        if len(self.rates) != visits:
            found.append(Fault(f"{place}.rates", f"{len(self.rates)} rates", f"{visits}: one per visit"))
        yield from found
        if found:
            return
        kept = _each(self.persistence, visits - 1)
        for index, ((before, now), keeps) in enumerate(zip(pairwise(self.rates), kept, strict=True), start=2):
            least, most = before * keeps, before * keeps + 1 - before
            if not least - TINY <= now <= most + TINY:
                expected = f"{least:.4g} to {most:.4g}: {keeps:g} of the {before:g} before still respond"
                fix = "another persistence, or another rate"
                yield Fault(f"{place}.rates {index}", f"{now:g}", expected, fix)


class Markov(Truth):
    """Each patient gains and loses the response from visit to visit with known chances."""

    kind: Literal["markov"]
    treatment: MarkovArm
    control: MarkovArm | None = None

    def paths(self, visits: int) -> tuple[Path, ...]:
        """One per arm, treatment first."""
        return tuple(arm.path(arm.first, visits) for arm in (self.treatment, self.control) if arm is not None)

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        told = f"{self.treatment.first:g} respond first on {treatment}"
        return told if self.control is None else f"{told} v {self.control.first:g} on {control}"


class VisitRates(Truth):
    """Each visit has a known response rate, and of those who respond a known share still does at the next visit."""

    kind: Literal["visit_rates"]
    treatment: RatesArm
    control: RatesArm | None = None

    def paths(self, visits: int) -> tuple[Path, ...]:
        """One per arm, treatment first."""
        return tuple(arm.path(visits) for arm in (self.treatment, self.control) if arm is not None)

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        told = f"the rates are {_listed(self.treatment.rates)} on {treatment}"
        return told if self.control is None else f"{told} v {_listed(self.control.rates)} on {control}"


class MarkovPrior(Truth):
    """As ``markov``, but how many respond at the first visit is uncertain: the chance of success is the assurance."""

    kind: Literal["markov_prior"]
    treatment: UncertainArm
    control: UncertainArm | None = None

    def paths(self, visits: int) -> tuple[Path, ...]:
        """One per arm at the mean of its prior."""
        arms = (self.treatment, self.control)
        return tuple(arm.path(arm.first.mixture().mean, visits) for arm in arms if arm is not None)

    def said(self, treatment: str, control: str) -> str:
        """The truth as it follows "if"."""
        told = f"the first response on {treatment} is as uncertain as its prior"
        return told if self.control is None else f"{told}, and that on {control} as its own"


AnyVisitTruth = Annotated[Markov | VisitRates | MarkovPrior, Field(discriminator="kind")]


def truth_faults(place: str, truth: Markov | VisitRates | MarkovPrior, visits: int, *, single: bool) -> Iterator[Fault]:
    """What of a truth does not fit the visits or the arms of the trial."""
    if (truth.control is None) != single:
        expected = "no control arm in a single-arm trial" if single else "a control arm"
        yield Fault(place, "a control arm" if single else "no control arm", expected)
    for arm, found in (("treatment", truth.treatment), ("control", truth.control)):
        if found is not None:
            yield from found.faults(f"{place}.{arm}", visits)


def _each(shares: tuple[float, ...], intervals: int) -> tuple[float, ...]:
    return shares * intervals if len(shares) == 1 else shares


def _length_faults(place: str, shares: tuple[float, ...], intervals: int) -> Iterator[Fault]:
    if len(shares) not in {1, intervals}:
        expected = "1 for all, or one for each" + (f": {intervals}" if intervals > 1 else "")
        yield Fault(place, f"{len(shares)} numbers", expected)


def _listed(rates: tuple[float, ...]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)
