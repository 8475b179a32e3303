"""What is assumed of the endpoints of a trial: rates with their dependence, shares of patients, or evidence."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.errors import Fault
from anatrial.numerics import FloatArray
from anatrial.spec import Name, Rate, Text
from anatrial.truths.base import RateTruth, Truth
from anatrial.truths.endpoint_cells import (
    NOBODY,
    ArmCounts,
    Arms,
    Association,
    CellShares,
    Dependence,
    Layout,
    PartRates,
    association_faults,
    cell_faults,
    control_faults,
    falling,
    given_arms,
    rate_faults,
    shares_of,
    vector,
)

TOTAL = 1e-9  # how far shares may sum from 1


class SeveralPoints(RateTruth):
    """The rate of every nested endpoint or component is known, and how components hang together, alike in both arms."""

    kind: Literal["points"]
    rates: PartRates
    dependence: Dependence | None = None

    def arms(self, layout: Layout) -> Arms:
        """Shares of the cells, drop-outs as patients who reach nothing."""
        return _after_drop_out(self, *shares_of(self.rates, self.dependence, layout))

    def faults(self, layout: Layout, *, single: bool) -> Iterator[Fault]:
        """What does not fit the trial; places are named from the truth on."""
        yield from _drop_out_faults(self, single=single)
        yield from rate_faults("rates", self.rates, self.dependence, layout, single=single)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        among = " among completers" if self.rates_among == "completers" else ""
        told = " v ".join("/".join(f"{rate:g}" for rate in rates.values()) for _, rates in given_arms(self.rates))
        return f"the rates{among} are {told}{_left(self)}"


class SeveralShares(RateTruth):
    """The share of patients in every cell is known: those who reach a level and none above, or meet some components.

    Nested endpoints: by the last level reached. Components: by all that are met, joined by " + " in the order of the
    design. Cells that are not named hold nobody; ``none`` are those who reach nothing.
    """

    kind: Literal["shares"]
    shares: CellShares

    def arms(self, layout: Layout) -> Arms:
        """Shares of the cells, drop-outs as patients who reach nothing."""
        control = self.shares.control
        treatment = vector(self.shares.treatment, layout)
        return _after_drop_out(self, treatment, None if control is None else vector(control, layout))

    def faults(self, layout: Layout, *, single: bool) -> Iterator[Fault]:
        """What does not fit the trial; places are named from the truth on."""
        yield from _drop_out_faults(self, single=single)
        yield from control_faults("shares", self.shares.control, single=single)
        for arm, shares in given_arms(self.shares):
            yield from cell_faults(f"shares.{arm}", shares, layout)
            if abs(sum(shares.values()) - 1) > TOTAL:
                fix = f"give the share of those who reach nothing as {NOBODY}"
                yield Fault(f"shares.{arm}", f"shares that sum to {sum(shares.values()):.6g}", "1", fix)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        among = " among completers" if self.rates_among == "completers" else ""
        return f"the stated shares of patients{among} hold{_left(self)}"


class SeveralPriors(RateTruth):
    """The shares of the cells are uncertain: a Dirichlet law per arm, independent between arms.

    Counts given what is known are Dirichlet-multinomial, and the chance of success is the assurance. Source: Mosimann
    (1962), Biometrika 49:65-82 (the law); O'Hagan, Stevens & Campbell (2005), Pharm. Stat. 4:187-201 (the assurance).
    """

    kind: Literal["dirichlet"]
    counts: ArmCounts

    def shapes(self, layout: Layout) -> Arms:
        """Shapes of the Dirichlet law per arm."""
        control = self.counts.control
        return Arms(self.counts.treatment.shapes(layout), None if control is None else control.shapes(layout))

    def kept(self) -> tuple[float, float]:
        """Share of each arm that does not drop out."""
        return self.dropout.kept() if self.dropout else (1.0, 1.0)

    def faults(self, layout: Layout, *, single: bool) -> Iterator[Fault]:
        """What does not fit the trial; places are named from the truth on."""
        yield from _drop_out_faults(self, single=single)
        yield from control_faults("counts", self.counts.control, single=single)
        for arm, counts in (("treatment", self.counts.treatment), ("control", self.counts.control)):
            if counts is not None:
                yield from counts.faults(f"counts.{arm}", layout)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del treatment, control
        given = [self.counts.treatment, *([] if self.counts.control is None else [self.counts.control])]
        patients = " + ".join(str(found.patients) for found in given)
        return f"the shares are what {patients} patients suggest{_left(self)}"


class SeveralNoEffect(Truth):
    """Some or all endpoints have no effect.

    ``rates``: those of control, and of treatment where it does nothing; in a single-arm trial those that the treatment
    would have if it did nothing. With ``effect`` (rates on treatment where it works) every combination of working and
    idle parts is examined, not only that where all are idle.
    """

    kind: Literal["no_effect"]
    rates: dict[Name, Rate]
    effect: dict[Name, Rate] | None = None
    dependence: Dependence | None = None
    why: Text
    rates_among: Literal["randomised"] = "randomised"

    def states(self, layout: Layout, *, single: bool) -> tuple[tuple[tuple[str, ...], Arms], ...]:
        """The idle parts and the shares of the cells of every possible combination, all idle first."""
        return tuple((idle, self._arms(mixed, layout, single=single)) for idle, mixed in self._mixtures(layout))

    def working(self, layout: Layout, *, single: bool) -> Arms | None:
        """The shares of the cells where every part works; None without ``effect``."""
        return None if self.effect is None else self._arms(self.effect, layout, single=single)

    def _arms(self, treatment: dict[Name, Rate], layout: Layout, *, single: bool) -> Arms:
        rates = PartRates(treatment=treatment, control=None if single else self.rates)
        return Arms(*shares_of(rates, self.dependence, layout))

    def _mixtures(self, layout: Layout) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
        """The idle parts of every possible combination, one of them at least, and the rates on treatment."""
        parts = layout.parts
        for index in range(2 ** len(parts) - 1 if self.effect else 1):
            idle = tuple(part for k, part in enumerate(parts) if not index >> k & 1)
            mixed = {part: self.rates[part] if part in idle else (self.effect or {})[part] for part in parts}
            if not layout.nested or not list(falling("", mixed, layout)):
                yield idle, mixed

    def faults(self, layout: Layout, *, single: bool) -> Iterator[Fault]:
        """What does not fit the trial; places are named from the truth on."""
        del single  # the rates are those of either arm
        given = {"rates": self.rates} if self.effect is None else {"rates": self.rates, "effect": self.effect}
        for place, rates in given.items():
            one_arm = PartRates(treatment=rates)
            for fault in rate_faults(place, one_arm, self.dependence, layout, single=True):
                yield fault._replace(where=fault.where.replace(f"{place}.treatment", place))
        if self.effect is not None and all(part in self.effect and part in self.rates for part in layout.parts):
            for part in layout.parts:
                if self.effect[part] <= self.rates[part]:
                    expected = f"more than without effect ({self.rates[part]:g})"
                    yield Fault(f"effect.{part}", f"{self.effect[part]:g}", expected)
            if isinstance(self.dependence, Association):
                for idle, mixed in list(self._mixtures(layout))[1:]:
                    levels = np.array([mixed[part] for part in layout.parts])
                    for fault in association_faults("effect", levels, self.dependence):
                        yield fault._replace(got=f"{fault.got} where {' and '.join(idle)} has no effect")

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The truth as it follows "if"."""
        del control
        return f"{treatment} does nothing{' on one or more endpoints' if self.effect else ''}"


EndpointsTruth = Annotated[SeveralNoEffect | SeveralPoints | SeveralPriors | SeveralShares, Field(discriminator="kind")]


def _left(truth: RateTruth) -> str:
    if truth.dropout is None:
        return ""
    shares = [truth.dropout.treatment, *([] if truth.dropout.control is None else [truth.dropout.control])]
    return f", {' v '.join(f'{100 * share:g} %' for share in shares)} drop out"


def _after_drop_out(truth: RateTruth, treatment: FloatArray, control: FloatArray | None) -> Arms:
    kept_t, kept_c = truth.dropout.kept() if truth.dropout else (1.0, 1.0)
    return Arms(_thinned(treatment, kept_t), None if control is None else _thinned(control, kept_c))


def _thinned(shares: FloatArray, kept: float) -> FloatArray:
    found = shares * kept
    found[0] += 1 - kept
    return np.asarray(found)


def _drop_out_faults(truth: RateTruth, *, single: bool) -> Iterator[Fault]:
    for fault in truth.drop_out_faults():
        yield Fault(*fault)
    if truth.dropout is None:
        return
    if (truth.dropout.control is not None) == single:
        expected = "no control drop-out in a single-arm trial" if single else "a control drop-out"
        yield Fault("dropout", "a control drop-out" if single else "no control drop-out", expected)
    if truth.dropout.counted == "excluded":
        expected = "as_non_responders: n counts the randomised, and all of them are analysed"
        yield Fault("dropout.counted", "'excluded'", expected)
