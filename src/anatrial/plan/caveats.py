"""What is to be said wherever a prior rests on studies without a control group."""

from __future__ import annotations

from anatrial.documents.indication import Indication
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.evidence import Tier
from anatrial.domain.prior import Prior
from anatrial.domain.trial import Section
from anatrial.engine.course import Trial

UNCONTROLLED: frozenset[Tier] = frozenset(
    {
        "open_label_single_arm",
        "open_label_extension",
        "registry",
        "retrospective_cohort",
        "case_series",
        "case_report",
    }
)
"""Designs without a control group of their own."""


def section(used: ResolvedScenario, run: Trial) -> Section:
    """The caveat of every prior of the file that rests on such studies."""
    del run
    return Section(notes=caveats(used.priors, used.indication))


def caveats(priors: tuple[tuple[str, Prior], ...], indication: Indication) -> tuple[str, ...]:
    """One sentence per prior that rests on uncontrolled studies: which, and how much the recipe lets each count."""
    found = []
    for prior in {prior.name: prior for _, prior in priors}.values():
        studies = dict.fromkeys(_said(prior, indication))
        if studies:
            found.append(
                f"{prior.name} rests on studies without a control group: {', '.join(studies)}. Who was treated was "
                "chosen, and good results are published more often than bad ones, so these rates may be too high; a "
                "weight below 1 makes them count less, it does not correct them"
            )
    return tuple(found)


def _said(prior: Prior, indication: Indication) -> list[str]:
    """Each uncontrolled study that counts, with its design and weight."""
    said = []
    for part in prior.contributions:
        home = indication.indication_of(part.basket or indication.indication)
        tier = next(study.tier for study in home.studies if study.id == part.study)
        if part.weight > 0 and tier in UNCONTROLLED:
            weight = "counts in full" if part.weight == 1 else f"weight {part.weight:g}"
            said.append(f"{part.title} ({tier.replace('_', ' ')}, {weight})")
    return said
