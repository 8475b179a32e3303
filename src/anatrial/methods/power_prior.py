"""The power prior with fixed powers: each study counts as a fraction of its patients."""

from typing import Literal

from anatrial.domain.evidence import Discount, Tier
from anatrial.methods.recipe import Counted

DISCOUNTS: dict[Tier, Discount] = {
    "rct_double_blind": Discount(weight=0.5, why="randomised and blind, but other sites, years and entry criteria"),
    "rct_open_label": Discount(weight=0.4, why="randomised; knowing the treatment moves subjective endpoints"),
    "open_label_single_arm": Discount(weight=0.25, why="no control arm: regression to the mean counts as response"),
    "open_label_extension": Discount(weight=0.1, why="only those who stayed in the trial are seen"),
    "randomised_withdrawal": Discount(weight=0.1, why="only responders were randomised: another population"),
    "registry": Discount(weight=0.2, why="routine care: assessed when convenient, much is missing"),
    "retrospective_cohort": Discount(weight=0.15, why="definitions chosen after the fact, selection unknown"),
    "case_series": Discount(weight=0.1, why="small and published because it is remarkable"),
    "case_report": Discount(weight=0.0, why="chosen for its outcome: says nothing of a rate"),
    "meta_analysis": Discount(weight=0.0, why="its studies would be counted twice"),
}
"""How much a study counts by its design tier: judgements, to be overridden per study in words."""


class PowerPrior(Counted):
    """Counts at a fraction: one for all studies, or the table of design tiers, or per study with its reason."""

    method: Literal["power_prior"]
    discount: Discount | None = None
    """One weight for every study; without it the table of design tiers holds. A case report stays at zero."""

    def default_weight(self, tier: Tier) -> Discount:
        """The common discount, or that of the design tier."""
        if self.discount is None or DISCOUNTS[tier].weight == 0:
            return DISCOUNTS[tier]
        return self.discount
