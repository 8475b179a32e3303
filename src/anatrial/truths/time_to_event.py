"""How long it really takes to the event: exponential and Weibull times, no effect, a hazard that is not known."""

import math
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from anatrial.domain.hazards import Duration, Hazard, HazardPrior
from anatrial.numerics.time_to_event import Gamma, Weibull
from anatrial.spec import OpenRate, Spec, Text
from anatrial.truths.base import Truth

HazardRatio = Annotated[float, Field(ge=1e-3, le=1e3)]
"""Hazard on treatment over hazard on control."""
WeibullShape = Annotated[float, Field(ge=0.1, le=20)]
"""Above 1: the hazard rises with time; below 1: it falls."""


LEAST_EVENTS = 0.02
"""Of a prior that hazards are drawn from: below, one in a million draws is smaller than any float."""


class ExponentialTime(Spec):
    """A constant hazard, told by the median, by itself, or by the share with the event by a time."""

    median: Duration | None = None
    hazard: Hazard | None = None
    share: OpenRate | None = None
    by: Duration | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [self.median is not None, self.hazard is not None, self.share is not None or self.by is not None]
        if sum(forms) != 1 or (self.share is None) != (self.by is None):
            raise ValueError(f"{sum(forms) or 'no'} of them | one of median, hazard, share with by")
        return self

    def law(self) -> Weibull:
        """The time as the engine takes it."""
        if self.median is not None:
            return Weibull(1.0, self.median / math.log(2))
        if self.hazard is not None:
            return Weibull(1.0, 1 / self.hazard)
        assert self.share is not None
        assert self.by is not None
        return Weibull(1.0, -self.by / math.log1p(-self.share))


class WeibullTime(Spec):
    """A hazard that rises or falls as a power of time: shape, and median or scale (63 % have had the event)."""

    shape: WeibullShape
    median: Duration | None = None
    scale: Duration | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.median is None) == (self.scale is None):
            raise ValueError(f"{'neither' if self.median is None else 'both'} | median or scale")
        return self

    def law(self) -> Weibull:
        """The time as the engine takes it."""
        if self.median is not None:
            return Weibull(self.shape, self.median / math.log(2) ** (1 / self.shape))
        assert self.scale is not None
        return Weibull(self.shape, self.scale)


TimeT = TypeVar("TimeT", ExponentialTime, WeibullTime)


class KnownTimes(Truth, Generic[TimeT]):
    """Times that are stated: of the control arm, and of the treatment by its own time or by a hazard ratio."""

    treatment: TimeT | None = None
    control: TimeT | None = None
    hazard_ratio: HazardRatio | None = None

    def laws(self) -> tuple[Weibull, ...]:
        """Treatment, then control; one alone in a single-arm trial."""
        own = self.treatment.law() if self.treatment is not None else None
        if self.control is None:
            assert own is not None
            return (own,)
        reference = self.control.law()
        if own is None:
            assert self.hazard_ratio is not None
            own = reference.with_ratio(self.hazard_ratio)
        return own, reference

    def arm_faults(self, *, single: bool) -> list[tuple[str, str, str]]:
        """What does not fit the arms, as (got, expected, fix)."""
        if single:
            if self.treatment is None or self.control is not None or self.hazard_ratio is not None:
                return [("times of two arms", "treatment alone", "a single-arm trial has no control arm")]
        elif self.control is None:
            return [("no control time", "control, with treatment or hazard_ratio", "the trial has a control arm")]
        elif (self.treatment is None) == (self.hazard_ratio is None):
            got = "neither treatment nor hazard_ratio" if self.treatment is None else "both treatment and hazard_ratio"
            return [(got, "treatment or hazard_ratio", "")]
        return []

    def said(self, treatment: str, control: str) -> str:
        """The times as they follow "if"."""
        laws = self.laws()
        shapes = {law.shape for law in laws}
        rising = f" (Weibull, shape {', '.join(f'{s:g}' for s in sorted(shapes))})" if shapes != {1.0} else ""
        first = f"the median time is {laws[0].median:.3g} on {treatment}{rising}"
        if len(laws) == 1:
            return first
        ratio = f", hazard ratio {self.hazard_ratio:g}" if self.hazard_ratio is not None else ""
        return (
            f"the median time is {laws[0].median:.3g} on {treatment} v {laws[1].median:.3g} on {control}{rising}{ratio}"
        )


class Exponential(KnownTimes[ExponentialTime]):
    """Constant hazards."""

    kind: Literal["exponential"]


class WeibullTruth(KnownTimes[WeibullTime]):
    """Hazards that change as a power of time."""

    kind: Literal["weibull"]


class NoEffectTime(Truth):
    """The same time in both arms; in a single arm the time at the edge of what is worth finding."""

    kind: Literal["no_effect"]
    median: Duration
    shape: WeibullShape = 1.0
    why: Text

    def laws(self) -> tuple[Weibull, Weibull]:
        """Treatment, then control: the same."""
        law = WeibullTime(shape=self.shape, median=self.median).law()
        return law, law

    def said(self, treatment: str, control: str) -> str:
        """The time as it follows "if"."""
        del control
        rising = f" (Weibull, shape {self.shape:g})" if self.shape != 1 else ""
        return f"{treatment} changes nothing: median time {self.median:g}{rising}"


class UncertainHazard(Truth):
    """Constant hazards that are not known: one prior per arm, independent of each other."""

    kind: Literal["uncertain_hazard"]
    treatment: HazardPrior
    control: HazardPrior | None = None

    def gammas(self) -> tuple[Gamma, ...]:
        """Treatment, then control; one alone in a single-arm trial."""
        return tuple(prior.gamma() for prior in (self.treatment, self.control) if prior is not None)

    def arm_faults(self, *, single: bool) -> list[tuple[str, str, str]]:
        """What does not fit the arms, and priors too vague to draw from, as (got, expected, fix)."""
        vague = min(gamma.shape for gamma in self.gammas())
        if vague < LEAST_EVENTS:
            fix = "a vaguer one draws hazards of 0"
            return [(f"a prior worth {vague:g} events", f"at least {LEAST_EVENTS:g} events", fix)]
        if single and self.control is not None:
            return [("a control prior", "treatment alone", "a single-arm trial has no control arm")]
        if not single and self.control is None:
            return [("no control prior", "a prior per arm", "the trial has a control arm")]
        return []

    def said(self, treatment: str, control: str) -> str:
        """The priors as they follow "if"."""
        names = (treatment, control)
        each = [f"Gamma({g.shape:.3g}, {g.rate:.4g}) on {name}" for g, name in zip(self.gammas(), names, strict=False)]
        return f"the hazard is {' v '.join(each)}"


TimeTruth = Annotated[Exponential | WeibullTruth | NoEffectTime | UncertainHazard, Field(discriminator="kind")]
