"""The scenario file of a basket trial."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.basket import ENUMERATED, Basket
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.basket import AnyBasketRule
from anatrial.spec import Name, nearest
from anatrial.truths.basket import AnyBasketTruth, BasketPoints

ANY = ("points", "design_prior", "no_effect")


class BasketTarget(BaseTarget):
    """What must hold of a basket trial."""

    metric: Literal[
        "power", "type_i_error", "familywise_error", "familywise_error_worst", "assurance", "all_right", "expected_won"
    ]
    """``power`` and ``assurance`` are those of the basket with the least, ``type_i_error`` of that with the most.
    ``familywise_error_worst``: the most, whichever of the truth's working baskets is without effect instead.
    ``all_right``: every basket that works wins, and no other."""
    numbers: ClassVar[frozenset[str]] = BaseTarget.numbers | {"expected_won"}


class BasketScenario(TrialScenario):
    """Several diseases, one arm each, judged with or without shared information."""

    design: Basket
    rule: AnyBasketRule
    truths: Annotated[dict[Name, AnyBasketTruth], Field(min_length=1)]
    targets: Annotated[tuple[BasketTarget, ...], Field(min_length=1)]

    idle_metric: ClassVar[tuple[str, str]] = "any_won", "any basket won"
    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        "power": ("points",),
        "type_i_error": ("points", "no_effect"),
        "familywise_error": ANY,
        "familywise_error_worst": ("points",),
        "assurance": ("design_prior",),
        "all_right": ANY,
        "expected_won": ANY,
    }

    def treatments(self) -> str:
        """The one treatment of every basket."""
        return f"{self.arms.treatment}, without a control arm"

    def rates_to_beat(self) -> dict[str, float]:
        """The benchmark of every basket."""
        return dict(zip(self.design.baskets, self.design.benchmarks, strict=True))

    def without_effect_at(self, rates: dict[str, float]) -> BasketPoints:
        """These rates in the baskets."""
        return BasketPoints(kind="points", rates=rates)

    def faults(self) -> Iterator[Fault]:
        """Truths that name other baskets, levels and targets that need every table of counts, targets on nothing."""
        baskets = self.design.baskets
        for name, truth in self.truths.items():
            named = truth.names()
            for unknown in sorted(set(named or ()) - set(baskets)):
                place = f"truths.{name}.rates"
                yield Fault(place, repr(unknown), "a basket of this file", nearest(unknown, baskets))
            missing = sorted(set(baskets) - set(named)) if named is not None else []
            if missing:
                yield Fault(f"truths.{name}.rates", f"nothing for {', '.join(missing)}", "a rate for every basket")
        if self.rule.analysis_prior.prior is None:
            yield from self.rule.misfits()
        if not self.design.enumerable:
            yield from self._simulated_faults()
        for index, target in enumerate(self.targets, start=1):
            yield from self._target_faults(f"targets {index}", target)

    def _simulated_faults(self) -> Iterator[Fault]:
        """What cannot be asked of a trial that has too many tables of counts."""
        expected = f"at most {ENUMERATED:,} tables of counts: a trial that can be enumerated"
        if self.rule.familywise_alpha is not None:
            fix = "state a certainty, or take fewer or smaller baskets"
            yield Fault("rule.familywise_alpha", f"{self.rule.familywise_alpha:g}", expected, fix)
        for index, target in enumerate(self.targets, start=1):
            if target.metric == "familywise_error_worst":
                yield Fault(f"targets {index}, metric", target.metric, expected, "ask for familywise_error")

    def _target_faults(self, place: str, target: BasketTarget) -> Iterator[Fault]:
        """Power where no basket works, errors where all do."""
        truth = self.truths.get(target.truth)
        if not isinstance(truth, BasketPoints) or set(truth.rates) != set(self.design.baskets):
            return
        works = truth.works(self.design.diseases)
        if target.metric in {"power", "familywise_error_worst"} and not any(works):
            yield Fault(f"{place}, truth", repr(target.truth), "a truth in which a basket works")
        if target.metric in {"type_i_error", "familywise_error"} and all(works):
            yield Fault(f"{place}, truth", repr(target.truth), "a truth in which a basket does not work")
