"""What of the sections for safety and for measured secondary endpoints does not fit a counts trial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.safety import METRICS as ASKED
from anatrial.designs.safety import asked_faults
from anatrial.errors import Fault

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario

KINDS = ("points", "design_prior")
METRICS: dict[str, tuple[str, ...]] = dict.fromkeys(ASKED, KINDS)
"""Of which kinds of truth they can be asked."""


def safety_faults(scenario: Scenario) -> Iterator[Fault]:
    """Faults of ``[safety]``, of targets on it, and of ``[[secondary]]``; places are named without the file."""
    looks = scenario.design.looks()
    if scenario.safety is not None:
        kinds = {name: truth.kind for name, truth in scenario.truths.items()}
        yield from scenario.safety.faults(looks, kinds, KINDS)
    for index, target in enumerate(scenario.targets, start=1):
        yield from asked_faults(scenario.safety, f"targets {index}", target.metric, target.truth)
    single = scenario.design.single_arm
    whole = ArmSizes(treatment=looks[-1].n_t, control=None if single else looks[-1].n_c)
    for index, found in enumerate(scenario.secondary, start=1):
        yield from found.faults(index, whole)
