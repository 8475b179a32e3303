"""The power prior with fixed powers: each study counts as a fraction of its patients."""

from typing import Literal

from anatrial.domain.evidence import Discount, Tier
from anatrial.methods.recipe import DISCOUNTS, Additive


class PowerPrior(Additive):
    """Counts at a fraction: one for all studies, or the table of design tiers, or per study with its reason."""

    method: Literal["power_prior"]
    discount: Discount | None = None
    """One weight for every study; without it the table of design tiers holds. Tiers of weight 0 stay there."""

    def default_weight(self, tier: Tier) -> Discount:
        """The common discount, or that of the design tier."""
        if self.discount is None or DISCOUNTS[tier].weight == 0:
            return DISCOUNTS[tier]
        return self.discount
