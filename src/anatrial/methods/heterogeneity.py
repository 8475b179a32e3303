"""What a recipe assumes of the spread between studies: priors of tau, the standard deviation of their log odds."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.numerics import FloatArray
from anatrial.numerics.log_odds import NODES, Tau, sinh_nodes
from anatrial.spec import Spec

MOST = 25.0
"""Every prior of tau is cut here, in both engines: beyond it, nine rates in ten lie below 0.04 or above 0.96."""
Scale = Annotated[float, Field(gt=0, le=10)]


class Spread(Spec):
    """A prior of tau."""

    def log_density(self, tau: FloatArray) -> FloatArray:
        """Log density up to a constant, at tau in [0, 25]."""
        raise TypeError(tau)

    @property
    def reach(self) -> tuple[float, float]:
        """The tau beyond which the prior holds less than 1e-7, and less than 1e-12 (at most the cut)."""
        raise TypeError

    @property
    def heavy_tail(self) -> str:
        """Why the information of a new trial's law does not exist under this prior; empty where it does."""
        return ""

    def tau(
        self, narrowest: float, *, stretch: float = 1.0, count: int = NODES, within: tuple[float, float] | None = None
    ) -> Tau:
        """Nodes of tau with their prior probability; ``narrowest`` is the standard error of the sharpest study.

        ``stretch`` above 1 reaches further into the tail of the prior than quantiles need; ``within`` is where the
        nodes shall lie instead.
        """
        found = sinh_nodes(within or (0.0, min(stretch * self.reach[1], MOST)), narrowest, count)
        weights = found.weights * np.exp(self.log_density(found.nodes))
        return found._replace(weights=weights / weights.sum())

    def said(self) -> str:
        """The prior in words."""
        raise TypeError


class HalfNormal(Spread):
    """Normal with this standard deviation, folded at 0: 0.5 is moderate, 1 is wide (Friede et al. 2017)."""

    family: Literal["half_normal"]
    scale: Scale

    def log_density(self, tau: FloatArray) -> FloatArray:
        """Up to a constant."""
        return np.asarray(-0.5 * (tau / self.scale) ** 2)

    @property
    def reach(self) -> tuple[float, float]:
        """5.33 and 7.13 standard deviations."""
        return min(5.33 * self.scale, MOST), min(7.14 * self.scale, MOST)

    @property
    def heavy_tail(self) -> str:
        """The law of a new trial falls as exp(-|log odds| / scale): too slowly where the scale is above 1."""
        return "" if self.scale <= 1 else f"a half-normal scale of {self.scale:g} is above 1: tails too heavy"

    def said(self) -> str:
        """In words."""
        return f"half-normal({self.scale:g})"


class HalfCauchy(Spread):
    """Cauchy with this scale, folded at 0: heavy tails let a few studies disagree wildly."""

    family: Literal["half_cauchy"]
    scale: Scale

    def log_density(self, tau: FloatArray) -> FloatArray:
        """Up to a constant."""
        return np.asarray(-np.log1p((tau / self.scale) ** 2))

    @property
    def reach(self) -> tuple[float, float]:
        """The cut: the tails are heavier than any other limit."""
        return MOST, MOST

    @property
    def heavy_tail(self) -> str:
        """A new trial's law falls as a power."""
        return "the half-Cauchy's tails are too heavy"

    def said(self) -> str:
        """In words."""
        return f"half-Cauchy({self.scale:g})"


class Exponential(Spread):
    """Exponential with this rate."""

    family: Literal["exponential"]
    rate: Annotated[float, Field(ge=0.1, le=100)]

    def log_density(self, tau: FloatArray) -> FloatArray:
        """Up to a constant."""
        return np.asarray(-self.rate * tau)

    @property
    def reach(self) -> tuple[float, float]:
        """Where the survival function is 1e-7 and 1e-12."""
        return min(16.2 / self.rate, MOST), min(27.7 / self.rate, MOST)

    @property
    def heavy_tail(self) -> str:
        """A new trial's law falls as exp(-|log odds|^(2/3))."""
        return "the exponential's tails are too heavy"

    def said(self) -> str:
        """In words."""
        return f"exponential(rate {self.rate:g})"


class Uniform(Spread):
    """Every tau from 0 to ``upper`` alike."""

    family: Literal["uniform"]
    upper: Annotated[float, Field(gt=0, le=MOST)]

    def log_density(self, tau: FloatArray) -> FloatArray:
        """Constant up to the upper end."""
        return np.where(tau <= self.upper, 0.0, -np.inf)

    def tau(
        self, narrowest: float, *, stretch: float = 1.0, count: int = NODES, within: tuple[float, float] | None = None
    ) -> Tau:
        """Nodes up to the upper end: there is no tail to stretch into."""
        del stretch
        return super().tau(narrowest, count=count, within=within)

    @property
    def reach(self) -> tuple[float, float]:
        """The upper end."""
        return self.upper, self.upper

    def said(self) -> str:
        """In words."""
        return f"uniform(0, {self.upper:g})"


class Fixed(Spread):
    """One known tau; 0 pools the studies as if they were one."""

    family: Literal["fixed"]
    value: Annotated[float, Field(ge=0, le=10)]

    def log_density(self, tau: FloatArray) -> FloatArray:
        """All at one point."""
        return np.where(tau == self.value, 0.0, -np.inf)

    @property
    def reach(self) -> tuple[float, float]:
        """The value."""
        return self.value, self.value

    def tau(
        self, narrowest: float, *, stretch: float = 1.0, count: int = NODES, within: tuple[float, float] | None = None
    ) -> Tau:
        """One node."""
        del narrowest, stretch, count, within
        return Tau(np.array([self.value]), np.ones(1))

    def said(self) -> str:
        """In words."""
        return f"fixed at {self.value:g}"


Heterogeneity = Annotated[HalfNormal | HalfCauchy | Exponential | Uniform | Fixed, Field(discriminator="family")]
"""A prior of tau in a recipe."""
