"""What of a scenario's recruitment does not fit the rest of its file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anatrial.designs.fixed import ArmSizes, Fixed
from anatrial.errors import Fault
from anatrial.truths.points import Points

if TYPE_CHECKING:
    from anatrial.documents.scenario import Scenario

METRICS: dict[str, tuple[str, ...]] = {
    "reached": ("points", "design_prior", "no_effect"),
    "power_recruited": ("points",),
    "assurance_recruited": ("design_prior",),
    "duration": ("points", "design_prior"),
}
"""Of which kinds of truth a metric of recruitment can be asked."""


def recruitment_faults(scenario: Scenario) -> Iterator[Fault]:
    """Faults of the section, and targets that only it could answer; places are named without the file."""
    if scenario.recruitment is not None:
        n_t, n_c = scenario.design.looks()[-1]
        planned = ArmSizes(treatment=n_t, control=n_c or None)
        yield from scenario.recruitment.faults(planned, looks=not isinstance(scenario.design, Fixed))
        for name, truth in scenario.truths.items():
            if isinstance(truth, Points) and truth.dropout is not None and truth.dropout.counted == "excluded":
                expected = "as_non_responders: recruitment counts those who come, and all of them are analysed"
                yield Fault(f"truths.{name}.dropout.counted", "'excluded'", expected, "or leave [recruitment] out")
    for index, target in enumerate(scenario.targets, start=1):
        if target.metric not in METRICS:
            continue
        if scenario.recruitment is None:
            fix = "add [recruitment] with rate and stop_at"
            yield Fault(f"targets {index}, metric", target.metric, "a section [recruitment] in the file", fix)
