"""The pooled prior: a base Beta plus the counts of like studies."""

from typing import Literal

from anatrial.domain.evidence import Discount, Tier
from anatrial.methods.recipe import DISCOUNTS, Additive


class Pooled(Additive):
    """Every study counts in full; case reports and meta-analyses count nothing unless ``weights`` says so in words."""

    method: Literal["pooled"]

    def default_weight(self, tier: Tier) -> Discount:
        """1, but 0 for a tier that says nothing of a rate or repeats other studies."""
        return DISCOUNTS[tier] if DISCOUNTS[tier].weight == 0 else Discount(weight=1.0, why="pooled: counts in full")
