"""The scenario file of a randomised withdrawal."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from anatrial.designs.withdrawal import Withdrawal
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.rules.final import FinalRule
from anatrial.spec import Name
from anatrial.truths.withdrawal import AnyWithdrawalTruth, WithdrawalNoEffect, WithdrawalPriors

ANY = ("points", "design_prior", "no_effect")


class WithdrawalTarget(BaseTarget):
    """What must hold of a randomised withdrawal."""

    metric: Literal[
        "power",
        "type_i_error",
        "type_i_error_given_randomised",
        "assurance",
        "true_success",
        "too_few",
        "expected_randomised",
    ]
    """``type_i_error`` is that of the whole trial; ``type_i_error_given_randomised`` the worst among all numbers
    randomised. ``too_few``: the chance that the randomised part is not done."""
    numbers: ClassVar[frozenset[str]] = BaseTarget.numbers | {"expected_randomised"}


class WithdrawalScenario(TrialScenario):
    """A trial that randomises the responders of an open-label run-in; the rule judges who stays free of flare."""

    design: Withdrawal
    rule: Annotated[FinalRule, Field(discriminator="kind")]
    truths: Annotated[dict[Name, AnyWithdrawalTruth], Field(min_length=1)]
    targets: Annotated[tuple[WithdrawalTarget, ...], Field(min_length=1)]

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        "power": ("points",),
        "type_i_error": ("no_effect",),
        "type_i_error_given_randomised": ("no_effect",),
        "assurance": ("design_prior",),
        "true_success": ("design_prior",),
        "too_few": ANY,
        "expected_randomised": ANY,
    }

    def treatments(self) -> str:
        """Going on v changing, after the run-in."""
        treatment, control = self.arms.treatment, self.arms.control
        return f"going on with {treatment} v changing to {control}, after a response to {treatment}"

    def resized(self, n: int) -> Self:
        """The same trial with ``n`` patients enrolled."""
        return self.model_copy(update={"design": self.design.resized(n)})

    def effect(self, truth: WithdrawalPriors) -> float | None:
        """The difference above which going on truly helps; None where neither truth nor rule says."""
        if truth.true_effect is not None or self.rule.edge is None:
            return truth.true_effect if self.rule.one_way else None
        return self.rule.null_margin if self.rule.one_way else None

    def endpoint_of(self, use: str) -> str | None:
        """Priors of the run-in are on an endpoint of their own."""
        return None if use.endswith(".run_in") else self.endpoint

    def faults(self) -> Iterator[Fault]:
        """A rule that cannot judge two arms of any size, and truths that it cannot answer."""
        yield from self.design.faults()
        if 2 not in self.rule.arms:
            yield Fault(
                "rule.kind", repr(self.rule.kind), "a rule for two arms", "those who go on against those who stop"
            )
            return
        yield from self.rule.misfits((Look(self.design.enrolled, self.design.enrolled),))
        for name, truth in self.truths.items():
            if isinstance(truth, WithdrawalNoEffect) and (self.rule.edge is None or self.rule.null_margins != (0.0,)):
                expected = "a rule whose edge of no effect is equal rates in both arms"
                yield Fault(f"truths.{name}", "another edge, or none", expected, "margin 0, or no such truth")
        for index, target in enumerate(self.targets, start=1):
            asked = self.truths.get(target.truth)
            unsplit = isinstance(asked, WithdrawalPriors) and self.effect(asked) is None
            if target.metric == "true_success" and unsplit:
                expected = "a rule that asks for greater only, and true_effect where it has no edge"
                yield Fault(f"targets {index}, metric", target.metric, expected, "ask for assurance")
