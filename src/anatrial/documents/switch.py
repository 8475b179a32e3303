"""What of a scenario's switch does not fit the rest of its file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anatrial.designs.fixed import Fixed
from anatrial.errors import Fault
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario

METRICS: dict[str, tuple[str, ...]] = {
    "enough_switched": ("points", "design_prior"),
    "late_success": ("points", "design_prior"),
}
"""Of which kinds of truth a metric of the switch can be asked."""


def switch_faults(scenario: Scenario) -> Iterator[Fault]:
    """Faults of the section, and targets that only the switch could answer; places are named without the file."""
    if scenario.switch is not None:
        yield from _section_faults(scenario)
    for index, target in enumerate(scenario.targets, start=1):
        if target.metric not in METRICS:
            continue
        place = f"targets {index}, metric"
        if scenario.switch is None:
            yield Fault(place, target.metric, "a section [switch] in the file", "add [switch], or ask for power")


def _section_faults(scenario: Scenario) -> Iterator[Fault]:
    assert scenario.switch is not None
    yield from scenario.switch.faults()
    if scenario.design.single_arm:
        yield Fault("switch", "a trial with one arm", "a control arm whose patients can switch", "remove [switch]")
    elif not isinstance(scenario.design, Fixed):
        expected = "one analysis: after an early stop nobody knows who would have switched"
        yield Fault("switch", "a design with looks", expected, 'design.kind = "fixed", or remove [switch]')
    else:
        n_c = scenario.design.looks()[-1].n_c
        if scenario.switch.at_least > n_c:
            expected = f"at most the {n_c} control patients of the design"
            yield Fault("switch.at_least", str(scenario.switch.at_least), expected)
    if not any(isinstance(truth, (Points, DesignPrior)) for truth in scenario.truths.values()):
        yield Fault("switch", "no truth of kind points or design_prior", "rates under which patients switch")
