"""The elicited prior: what experts believe, as a mean with its strength, or a median with an interval."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from anatrial.domain.mixture import BetaMixture, shapes_of
from anatrial.domain.prior import Contribution
from anatrial.methods.recipe import Recipe
from anatrial.spec import OpenRate, Spec, Text


class Interval(Spec):
    """A central interval that holds the rate with probability ``level``."""

    lower: OpenRate
    upper: OpenRate
    level: OpenRate = 0.95

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError(f"{self.lower} to {self.upper} | a lower limit below the upper one")
        return self


class Elicited(Recipe):
    """Belief in words and two numbers: ``mean`` and ``effective_n``, or ``median`` and ``interval``."""

    method: Literal["elicited"]
    why: Text
    mean: OpenRate | None = None
    effective_n: Annotated[float, Field(gt=0, le=1e5)] | None = None
    median: OpenRate | None = None
    interval: Interval | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = {n for n in ("mean", "effective_n", "median", "interval") if getattr(self, n) is not None}
        if given not in ({"mean", "effective_n"}, {"median", "interval"}):
            raise ValueError(
                f"{', '.join(sorted(given)) or 'neither'} | mean with effective_n, or median with interval"
            )
        if self.mean is not None and self.effective_n is not None:
            shapes_of(self.mean, self.effective_n)
        if self.interval and self.median and not self.interval.lower < self.median < self.interval.upper:
            raise ValueError(f"median {self.median} | a median inside its interval")
        return self

    def mixture(self, contributions: tuple[Contribution, ...] = ()) -> BetaMixture:
        """The Beta that the belief says; no outcome brings anything.

        A median and an interval are three numbers for two shapes: the median is met exactly and the interval's
        probability is met; its two tails need not be equal.
        """
        del contributions
        if self.mean is not None and self.effective_n is not None:
            return BetaMixture.beta(*shapes_of(self.mean, self.effective_n))
        assert self.median is not None
        assert self.interval is not None
        return BetaMixture.with_median(self.median, self.interval.lower, self.interval.upper, self.interval.level)
