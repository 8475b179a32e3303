"""A scenario file of a trial whose allocation follows the results so far."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.response_adaptive import ResponseAdaptive
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.response_adaptive import AdaptivePosterior, ResponseAdaptiveRule
from anatrial.spec import Name, nearest
from anatrial.truths.response_adaptive import ResponseAdaptiveTruth
from anatrial.truths.several_arms import SeveralPoints

PLANNED = ("power", "power_dose_1", "power_dose_2", "expected_responders", "expected_share_on_best", "wrong_way")


class ResponseAdaptiveTarget(BaseTarget):
    """What must hold. ``power`` is of at least one dose; ``power_dose_1`` of the first dose in the design."""

    metric: Literal[
        "power",
        "power_dose_1",
        "power_dose_2",
        "type_i_error",
        "familywise_error",
        "expected_n",
        "expected_responders",
        "expected_share_on_best",
        "wrong_way",
    ]
    numbers: ClassVar[frozenset[str]] = BaseTarget.numbers | {"expected_responders"}


class ResponseAdaptiveScenario(TrialScenario):
    """Two or three arms whose allocation follows the results so far."""

    design: ResponseAdaptive
    rule: ResponseAdaptiveRule
    truths: Annotated[dict[Name, ResponseAdaptiveTruth], Field(min_length=1)]
    targets: Annotated[tuple[ResponseAdaptiveTarget, ...], Field(min_length=1)]

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        **dict.fromkeys(PLANNED, ("points",)),
        **dict.fromkeys(("type_i_error", "familywise_error"), ("no_effect",)),
        "expected_n": ("points", "no_effect"),
    }

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file."""
        yield from self.design.faults()
        doses = self.design.doses
        if isinstance(self.rule, AdaptivePosterior):
            yield from _dose_faults("rule.analysis_prior.doses", tuple(self.rule.analysis_prior.doses), doses)
            early = self.rule.early_certainty
            if early is not None and early < self.rule.certainty:
                expected = f"at least the certainty at the end ({self.rule.certainty:g})"
                yield Fault("rule.early_certainty", f"{early:g}", expected)
        for name, truth in self.truths.items():
            if isinstance(truth, SeveralPoints):
                yield from _dose_faults(f"truths.{name}.rates.doses", tuple(truth.rates.doses), doses)
                rates = truth.rates.doses.values()
                if max(rates, default=0.0) <= truth.rates.control:
                    expected = "a dose that is better than the control"
                    yield Fault(f"truths.{name}.rates", "no dose that works", expected, 'use kind = "no_effect"')
        for index, target in enumerate(self.targets, start=1):
            place = f"targets {index}, metric"
            if target.metric == "expected_n" and getattr(self.rule, "early_certainty", None) is None:
                expected = "a rule with early_certainty: otherwise every patient is recruited"
                yield Fault(place, target.metric, expected)
            elif target.metric == "power_dose_2" and len(doses) == 1:
                yield Fault(place, target.metric, "power: the design has one dose")
            elif target.metric in {"type_i_error", "familywise_error"} and target.metric != self.error:
                yield Fault(
                    place, target.metric, f"{self.error}: the design has {len(doses)} dose{'s'[: len(doses) - 1]}"
                )

    @property
    def error(self) -> str:
        """What a success without effect is called."""
        return "type_i_error" if self.design.arms == 2 else "familywise_error"

    def rates_of(self, truth: SeveralPoints) -> tuple[float, ...]:
        """The control's rate, then the doses' in the order of the design."""
        return truth.rates.control, *(truth.rates.doses[name] for name in self.design.doses)


def _dose_faults(place: str, given: tuple[str, ...], doses: tuple[str, ...]) -> Iterator[Fault]:
    for name in given:
        if name not in doses:
            yield Fault(place, repr(name), "a dose of the design", nearest(name, doses))
    missing = [name for name in doses if name not in given]
    if missing:
        yield Fault(place, f"nothing for {', '.join(missing)}", f"every dose of the design ({', '.join(doses)})")
