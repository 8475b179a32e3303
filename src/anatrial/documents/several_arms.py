"""A scenario file of a trial with one control and two to four doses."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.several_arms import SeveralArms
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.several_arms import SeveralArmsRule, margin_of, named_doses
from anatrial.spec import Name, nearest
from anatrial.truths.several_arms import SeveralArmsTruth, SeveralNoEffect, SeveralPoints


class SeveralArmsTarget(BaseTarget):
    """What must hold. ``power`` is of at least one dose; ``power_dose_1`` of the first dose in the design."""

    metric: Literal[
        "power",
        "power_all",
        "power_dose_1",
        "power_dose_2",
        "power_dose_3",
        "power_dose_4",
        "best_dose_chosen",
        "assurance",
        "assurance_all",
        "assurance_dose_1",
        "assurance_dose_2",
        "assurance_dose_3",
        "assurance_dose_4",
        "familywise_error",
    ]


class SeveralArmsScenario(TrialScenario):
    """Several doses v one control."""

    design: SeveralArms
    rule: SeveralArmsRule
    truths: Annotated[dict[Name, SeveralArmsTruth], Field(min_length=1)]
    targets: Annotated[tuple[SeveralArmsTarget, ...], Field(min_length=1)]

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        **dict.fromkeys(("power", "power_all", *(f"power_dose_{d}" for d in range(1, 5))), ("points",)),
        "best_dose_chosen": ("points",),
        **dict.fromkeys(
            ("assurance", "assurance_all", *(f"assurance_dose_{d}" for d in range(1, 5))), ("design_prior",)
        ),
        "familywise_error": ("no_effect", "points"),
    }

    def treatments(self) -> str:
        """Every dose, and the control."""
        doses = ", ".join(f"{self.arms.treatment} {dose.name}" for dose in self.design.doses)
        return f"{doses}, each v {self.arms.control}"

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file."""
        broken = [*self.design.faults(), *self._control_faults()]
        yield from broken
        if broken:
            return
        sizes = self.design.sizes()
        yield from self.rule.faults(sizes)
        for name, truth in self.truths.items():
            place = f"truths.{name}"
            if isinstance(truth, SeveralNoEffect):
                yield from self._null_faults(place, truth)
            elif isinstance(truth, SeveralPoints):
                yield from named_doses(f"{place}.rates.doses", tuple(truth.rates.doses), sizes)
            else:
                yield from named_doses(f"{place}.doses", tuple(truth.doses), sizes)
        for index, target in enumerate(self.targets, start=1):
            yield from self._dose_faults(f"targets {index}", target)

    def _control_faults(self) -> Iterator[Fault]:
        for index, dose in enumerate(self.design.doses, start=1):
            if dose.name == self.arms.control:
                yield Fault(f"design.doses {index}, name", repr(dose.name), "another name than that of the control")

    def _null_faults(self, place: str, truth: SeveralNoEffect) -> Iterator[Fault]:
        names = self.design.sizes().names
        for name in truth.effective:
            if name not in names:
                yield Fault(f"{place}.effective", repr(name), "a dose of the design", nearest(name, names))
        if set(names) <= set(truth.effective):
            yield Fault(f"{place}.effective", "every dose", "at least one dose without effect", "leave one out")
        if truth.strong and truth.effective:
            got = "strong, and rates of doses that work"
            yield Fault(f"{place}.strong", got, "one of them", "strong = true takes the worst rates of all doses")
        margin = margin_of(self.rule)
        for name, rate in truth.effective.items():
            if rate <= truth.control.highest + margin + 1e-12:
                expected = f"more than {truth.control.highest + margin:g}, the highest rate without effect"
                yield Fault(f"{place}.effective", f"{name} {rate:g}", expected)
        ends = truth.control.lowest + margin, truth.control.highest + margin
        if not -1e-12 <= ends[0] <= ends[1] <= 1 + 1e-12:
            got = f"{ends[0]:g} to {ends[1]:g} for doses without effect (control rate + margin {margin:g})"
            yield Fault(f"{place}.control", got, "rates from 0 to 1")

    def _dose_faults(self, place: str, target: SeveralArmsTarget) -> Iterator[Fault]:
        doses, last = len(self.design.doses), target.metric[-1]
        if last.isdigit() and int(last) > doses:
            yield Fault(f"{place}, metric", target.metric, f"one of the {doses} doses of the design")
        truth = self.truths.get(target.truth)
        if not isinstance(truth, SeveralPoints) or set(truth.rates.doses) != set(self.design.sizes().names):
            return
        if target.metric == "familywise_error" and not self.idle(truth):
            expected = "a truth with a dose that is no better than the control"
            yield Fault(f"{place}, truth", f"{target.truth!r}, where every dose works", expected, "ask for power")

    def metric_names(self) -> dict[str, str]:
        """Metrics of one dose by its name."""
        named = enumerate((dose.name for dose in self.design.doses), start=1)
        names = {f"{word}_dose_{d}": f"{word} of {name}" for d, name in named for word in ("power", "assurance")}
        return names | {"power_all": "power of all doses", "assurance_all": "assurance of all doses"}

    def idle(self, truth: SeveralPoints) -> tuple[int, ...]:
        """Doses whose success is an error under these rates."""
        edge = truth.rates.control + margin_of(self.rule)
        rates = truth.rates.doses
        return tuple(d for d, dose in enumerate(self.design.doses) if rates[dose.name] <= edge + 1e-12)
