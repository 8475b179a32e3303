"""What is to be said wherever a prior rests on studies without a control group, or on none."""

from __future__ import annotations

from anatrial.documents.indication import Indication
from anatrial.documents.scenario import ResolvedScenario
from anatrial.documents.trial_scenario import TrialScenario
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
    """One sentence per prior that rests on uncontrolled studies: which, and how much the recipe lets each count.

    Then one per design prior that rests on no study at all: an assurance under it is no evidence.
    """
    found = []
    for prior in {prior.name: prior for _, prior in priors}.values():
        studies = dict.fromkeys(_said(prior, indication))
        if studies:
            found.append(
                f"{prior.name} rests on studies without a control group: {', '.join(studies)}. Who was treated was "
                "chosen, and good results are published more often than bad ones, so these rates may be too high; a "
                "weight below 1 makes them count less, it does not correct them"
            )
    truths = dict.fromkeys(where.split(".")[1] for where, _ in priors if where.startswith("truths."))
    for truth in truths:
        found += [
            f"no study counts in {name}, a design prior of {truth}: the assurance is the width of the prior, "
            "not evidence"
            for name in without_evidence(priors, truth)
        ]
    return tuple(found)


def without_evidence(priors: tuple[tuple[str, Prior], ...], truth: str) -> tuple[str, ...]:
    """Design priors of a truth that rest on nothing: derived from no study that counts, or written out and flat."""
    design = {prior.name: prior for where, prior in priors if where.startswith(f"truths.{truth}.")}
    return tuple(name for name, prior in design.items() if _flat(prior))


def _flat(prior: Prior) -> bool:
    if prior.origin is not None:
        return not prior.studies
    return all(part.a + part.b <= 2 + 1e-9 for part in prior.mixture.parts)


def typed(plan: TrialScenario) -> tuple[str, ...]:
    """The same caveat for patients of one arm that a file types in, where no study of the evidence speaks for them."""
    truths: dict[str, list[str]] = {}
    for truth, patients in plan.typed_patients().items():
        truths.setdefault(patients, []).append(truth)
    return tuple(
        f"{' and '.join(names)} {'rests' if len(names) == 1 else 'rest'} on {patients} without a control group, typed "
        "into the file. Who was treated was chosen, and good results are published more often than bad ones, so what "
        "they suggest may be too good; a weight below 1 makes them count less, it does not correct them"
        for patients, names in truths.items()
    )


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
