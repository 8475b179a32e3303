"""The pooled prior: a base Beta plus the counts of like studies."""

from typing import Literal

from anatrial.domain.evidence import Discount, Tier
from anatrial.methods.recipe import Counted


class Pooled(Counted):
    """Every study counts in full; a case report counts nothing unless ``weights`` says otherwise in words."""

    method: Literal["pooled"]

    def default_weight(self, tier: Tier) -> Discount:
        """1 for every study but a case report."""
        if tier == "case_report":
            return Discount(weight=0.0, why="a case report is chosen for its outcome and says nothing of a rate")
        return Discount(weight=1.0, why="pooled: counts in full")
