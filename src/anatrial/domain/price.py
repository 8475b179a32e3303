"""What borrowing buys and costs along the true control rate. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from anatrial.domain.counts import Look

Known = tuple[float | None, ...]
"""A number per control rate; None where the rates that it needs do not exist."""
VariantName = Literal["borrowing", "none", "pooled", "none_same_error"]


class Span(NamedTuple):
    """Control rates from the lowest to the highest."""

    lowest: float
    highest: float


class Stated(NamedTuple):
    """Control rates at which the file supposes no effect, and the type I error that its targets allow there."""

    truth: str
    lowest: float
    highest: float
    promised: float | None
    """None where no target promises one."""


class Worst(NamedTuple):
    """The control rate at which borrowing is worst by one number: that number there, and what it is without history."""

    at: float
    borrowing: float
    none: float


@dataclass(frozen=True, slots=True)
class Variant:
    """The same trial with one prior of the control rate, at every control rate."""

    name: VariantName
    prior: str
    """What the analysis assumes of the control rate, in closed form."""
    why: str
    """How much of history that is."""
    certainty: float
    type_i_error: Known
    """At the edge of no effect."""
    power: Known
    bias: Known
    """Of the posterior mean of treatment rate - control rate, at the planned effect."""
    mse: Known
    """Its mean squared error."""
    control_bias: Known
    """Of the posterior mean of the control rate alone, at the planned effect."""
    control_mse: Known
    weight: Known
    """Weight of history in the prior after the data, averaged over the control counts."""


class Kept(NamedTuple):
    """Where borrowing has at least the power of no history and keeps a promised type I error."""

    promised: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """Borrowing beside no history and pooled history, on the same truths."""

    scenario: str
    title: str
    look: Look
    """Patients at the end."""
    effect: float
    """Treatment rate - control rate under which power, bias and error are taken, at every control rate."""
    planned: tuple[float, float]
    """The planned rates, treatment and control, whose difference it is."""
    margin: float
    """Treatment rate - control rate at the edge of no effect."""
    history: str
    """The prior that is borrowed."""
    history_mean: float
    """The control rate that history expects."""
    rates: tuple[float, ...]
    """True control rates: 0, 0.01, ... 1, and those that the file names."""
    named: tuple[float, ...]
    """Of these the ones with a name: history's mean first."""
    variants: tuple[Variant, ...]
    sweet_spot: tuple[Span, ...]
    """Where borrowing has at least the power and at most the type I error of no history.

    Ranges in which power gains less than 0.001 everywhere are left out, here and in ``kept``.
    """
    kept: tuple[Kept, ...]
    """The same with a promised type I error in place of that of no history."""
    closer: tuple[Span, ...]
    """Where the mean squared error is at most that of no history, and somewhere visibly less."""
    worst_type_i_error: Worst
    worst_power: Worst | None
    """Where most power is lost; None where none is."""
    worst_mse: Worst | None
    """Where the mean squared error rises most above that of no history; None where it never does."""
    stated: tuple[Stated, ...]
    notes: tuple[str, ...]
    scenario_digest: str
    tool_version: str

    def variant(self, name: VariantName) -> Variant:
        """The variant of this name; ``StopIteration`` where there is none."""
        return next(one for one in self.variants if one.name == name)
