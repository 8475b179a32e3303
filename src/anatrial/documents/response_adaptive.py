"""A scenario file of a trial whose allocation follows the results so far."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.response_adaptive import ResponseAdaptive, dose_said
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.numerics.best_arm import most_memory
from anatrial.rules.response_adaptive import AdaptivePosterior, ResponseAdaptiveRule
from anatrial.spec import Name, nearest
from anatrial.truths.response_adaptive import ResponseAdaptiveTruth
from anatrial.truths.several_arms import SeveralPoints

MOST_MEMORY = 600_000_000
"""Bytes of the tables of posteriors; growing takes half as much again, so that a run stays below 1 GB."""
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
        "type_i_error": ("no_effect",),
        "familywise_error": ("no_effect", "points"),
        "expected_n": ("points", "no_effect"),
    }

    def treatments(self) -> str:
        """Every dose, and the control."""
        doses = [dose_said(dose, self.arms.treatment) for dose in self.design.doses]
        return f"{', '.join(doses)}{', each' if len(doses) > 1 else ''} v {self.arms.control}"

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file."""
        yield from self.design.faults()
        yield from self._too_large()
        doses = self.design.doses
        for name in doses:
            if name in {"control", self.arms.control}:
                yield Fault("design.doses", repr(name), "another name than that of the control")
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
            yield from self._asked(f"targets {index}", target)

    def _memory(self, n: int) -> int:
        """Bytes of the tables of posteriors of a trial of so many patients: those of allocation and of analysis."""
        believed, analysed = {self.design.prior.model_dump_json()}, set[str]()
        if isinstance(self.rule, AdaptivePosterior):
            priors = self.rule.analysis_prior
            analysed = {prior.model_dump_json() for prior in (priors.control, *priors.doses.values())}
        fewest = self.design.burn_in
        most = max(n - (self.design.arms - 1) * fewest, fewest)
        return most_memory(n, (fewest, most), 1 if analysed == believed else 1 + len(analysed))

    def _too_large(self) -> Iterator[Fault]:
        """A number of patients whose tables of posteriors would not fit."""
        n = self.design.n
        if (needed := self._memory(n)) > MOST_MEMORY:
            most = next(fewer for fewer in range(n, 0, -1) if self._memory(fewer) <= MOST_MEMORY)
            got = f"{n} patients, whose tables of posteriors take {needed / 1e9:.1f} GB"
            expected = f"at most {MOST_MEMORY / 1e9:g} GB: {most} patients with these priors and this burn_in"
            yield Fault("design.n", got, expected)

    def _asked(self, place: str, target: ResponseAdaptiveTarget) -> Iterator[Fault]:
        metric, doses = target.metric, len(self.design.doses)
        if metric == "expected_n" and getattr(self.rule, "early_certainty", None) is None:
            expected = "a rule with early_certainty: otherwise every patient is recruited"
            yield Fault(f"{place}, metric", metric, expected)
        elif metric == "power_dose_2" and doses == 1:
            yield Fault(f"{place}, metric", metric, "power: the design has one dose")
        elif metric in {"type_i_error", "familywise_error"} and metric != self.error:
            yield Fault(f"{place}, metric", metric, f"{self.error}: the design has {doses} dose{'s'[: doses - 1]}")
        elif metric == "familywise_error" and self._all_work(target.truth):
            expected = "a truth with a dose that is no better than the control"
            yield Fault(f"{place}, truth", f"{target.truth!r}, where every dose works", expected, "ask for power")

    def _all_work(self, name: str) -> bool:
        truth = self.truths.get(name)
        return isinstance(truth, SeveralPoints) and min(truth.rates.doses.values(), default=0) > truth.rates.control

    def metric_names(self) -> dict[str, str]:
        """Metrics in words, arms by their names; in the order in which they are told."""
        control, doses = self.arms.control, list(enumerate(self.design.doses, 1))
        names = {"power": "power"} | {f"power_dose_{d}": f"power of {dose}" for d, dose in doses}
        names |= {"familywise_error": "familywise error", "expected_n": "patients"}
        names |= {"expected_n_control": f"patients on {control}"}
        names |= {f"expected_n_dose_{d}": f"patients on {dose_said(dose, self.arms.treatment)}" for d, dose in doses}
        names |= {"expected_responders": "responders", "expected_share_on_best": "share on the best arm"}
        names |= {"wrong_way": "imbalance the wrong way"}
        names |= {f"dropped_dose_{d}": f"{dose} dropped" for d, dose in doses}
        return names | {f"expected_bias_dose_{d}": f"bias of {dose} v {control}" for d, dose in doses}

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
