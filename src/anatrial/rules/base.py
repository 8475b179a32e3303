"""What every rule is: regions for all looks at once, and itself in words."""

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from anatrial.domain.counts import Look, Region, Regions, Tie
from anatrial.numerics import BoolArray, FloatArray, IntArray
from anatrial.numerics.walk import NEAR
from anatrial.spec import Spec

NEAREST = 1e-12  # what floating point decides even for thresholds next to 0 or 1

Alpha = Annotated[float, Field(gt=0, le=0.5)]


class Rule(Spec):
    """When the finished trial is called a success (or a harm)."""

    @property
    def two_sided(self) -> bool:
        """Whether the rule also looks for harm."""
        return False

    @property
    def arms(self) -> tuple[int, ...]:
        """Numbers of arms that it can judge."""
        return (2,)

    @property
    def null_margin(self) -> float:
        """Treatment rate minus control rate at the edge of no effect."""
        return 0.0

    @property
    def fixed_benchmark(self) -> float | None:
        """The rate at the edge of no effect where a single arm is compared with a fixed one."""
        return None

    def regions(self, looks: tuple[Look, ...]) -> tuple[Regions, ...]:
        """The deciding tables per look."""
        raise TypeError(looks)

    def staircases(self, n_t: IntArray, n_c: IntArray) -> tuple[IntArray, BoolArray] | None:  # noqa: ARG002 - the default
        """Least succeeding treatment counts of many designs at once, where the rule has a fast way; else None.

        The second array marks designs with a table near the threshold, whose region must be asked for on its own.
        """
        return None

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        raise TypeError(treatment, control)


class SidedTest(Rule):
    """A test at ``alpha`` (one-sided) or ``alpha_two_sided``; exactly one of them."""

    alpha: Alpha | None = None
    alpha_two_sided: Alpha | None = None

    @model_validator(mode="after")
    def _one_alpha(self) -> Self:
        if (self.alpha is None) == (self.alpha_two_sided is None):
            raise ValueError(f"{'neither' if self.alpha is None else 'both'} | alpha (one-sided) or alpha_two_sided")
        return self

    @property
    def two_sided(self) -> bool:
        """Whether the rule also looks for harm."""
        return self.alpha_two_sided is not None

    @property
    def level(self) -> float:
        """The alpha that was given."""
        return self.alpha if self.alpha is not None else self.alpha_two_sided or 0.0


def split(look: Look, rejects: BoolArray, ties: tuple[Tie, ...]) -> Regions:
    """Success where treatment does better in the sample, harm where control does."""
    x_t, x_c = np.ogrid[: look.n_t + 1, : look.n_c + 1]
    lead = x_t * look.n_c - x_c * look.n_t
    return Regions(Region.from_grid(look, rejects & (lead > 0)), Region.from_grid(look, rejects & (lead < 0)), ties)


def near_tables(values: FloatArray, threshold: float) -> list[tuple[int, int]]:
    """Tables whose value lies within 1e-9 of the threshold, or within a thousandth of its distance from 0 or 1."""
    near = max(min(NEAR, 1e-3 * threshold, 1e-3 * (1 - threshold)), NEAREST)
    return [(int(x_t), int(x_c)) for x_t, x_c in np.argwhere(np.abs(values - threshold) < near)]
