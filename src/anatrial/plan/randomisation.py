"""What permuted blocks within strata make of a counts trial: a remark on what the exact numbers leave out."""

from __future__ import annotations

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.trial import Section
from anatrial.engine.course import Trial


def section(used: ResolvedScenario, _run: Trial) -> Section:
    """A remark where strata may leave the arms unequal; empty without strata."""
    plan = used.resolved.randomisation
    if plan is None or not plan.strata:
        return Section()
    size = plan.block.treatment + (plan.block.control or 0)
    said = (
        f"randomisation: blocks of {size} within {len(plan.strata)} strata may leave the arms unequal by chance; these "
        "numbers are those of the planned totals, anatrial simulate tells those of the totals that come about"
    )
    return Section(notes=(said,))
