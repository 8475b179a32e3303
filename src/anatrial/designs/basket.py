"""Several diseases side by side, one arm each, every one against a rate of its own."""

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from anatrial.domain.basket import Disease
from anatrial.spec import Name, OpenRate, Spec

ENUMERATED = 2_000_000
"""Tables of counts up to which a basket trial is enumerated; beyond, it is simulated."""

MOST_PER_BASKET = 100


class Arm(Spec):
    """The patients of one disease, and the rate that they must beat."""

    n: Annotated[int, Field(ge=1, le=MOST_PER_BASKET)]
    benchmark: OpenRate


class Basket(Spec):
    """One arm per disease; no control arm, each disease has its benchmark."""

    kind: Literal["basket"]
    baskets: Annotated[dict[Name, Arm], Field(min_length=2, max_length=10)]

    @property
    def diseases(self) -> tuple[Disease, ...]:
        """Every basket with its name."""
        return tuple(Disease(name, arm.n, arm.benchmark) for name, arm in self.baskets.items())

    @property
    def sizes(self) -> tuple[int, ...]:
        """Patients per basket."""
        return tuple(arm.n for arm in self.baskets.values())

    @property
    def benchmarks(self) -> tuple[float, ...]:
        """The rate to beat per basket."""
        return tuple(arm.benchmark for arm in self.baskets.values())

    @property
    def enumerable(self) -> bool:
        """Whether every table of counts can be looked at."""
        return prod(n + 1 for n in self.sizes) <= ENUMERATED

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The layout in one sentence."""
        del control
        arms = ", ".join(f"{arm.n} with {name} (rate to beat {arm.benchmark:g})" for name, arm in self.baskets.items())
        return f"{sum(self.sizes)} on {treatment} in {len(self.baskets)} baskets, no control arm: {arms}."
