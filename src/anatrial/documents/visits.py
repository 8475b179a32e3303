"""A scenario file of a trial whose response is seen at several visits."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.safety import Safety, asked_faults
from anatrial.designs.visits import Visits, counted
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.final import FinalRule
from anatrial.spec import Name
from anatrial.truths.visits import AnyVisitTruth, Markov, MarkovPrior, RatesArm, VisitRates, truth_faults

KNOWN = ("markov", "visit_rates")
ALL = (*KNOWN, "markov_prior")


class VisitsTarget(BaseTarget):
    """What must hold of a trial with visits."""

    metric: Literal["power", "type_i_error", "assurance", "safety_stop", "safe_success"]


class VisitsScenario(TrialScenario):
    """One arm or two; a response that is gained and lost between visits, and patients who leave."""

    design: Visits
    rule: Annotated[FinalRule, Field(discriminator="kind")]
    truths: Annotated[dict[Name, AnyVisitTruth], Field(min_length=1)]
    targets: Annotated[tuple[VisitsTarget, ...], Field(min_length=1)]
    safety: Safety | None = None

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        "power": KNOWN,
        "type_i_error": KNOWN,
        "assurance": ("markov_prior",),
        "safety_stop": ALL,
        "safe_success": ALL,
    }

    def rates_to_beat(self) -> dict[str, float]:
        """The fixed benchmark of a single arm."""
        rate = self.rule.fixed_benchmark if self.design.single_arm else None
        return {} if rate is None else {"response": rate}

    def without_effect_at(self, rates: dict[str, float]) -> VisitRates | None:
        """The rate at every visit, and nobody leaves; a lasting response would need to know who keeps it."""
        if self.design.analysis.kind != "at_visit":
            return None
        everywhere = (rates["response"],) * len(self.design.visits)
        return VisitRates(kind="visit_rates", treatment=RatesArm(rates=everywhere, persistence=(1.0,), dropout=(0.0,)))

    def faults(self) -> Iterator[Fault]:
        """What does not fit together."""
        broken = self.design.faults()
        yield from broken
        if broken:
            return
        yield from self._rule_faults()
        visits, lists = len(self.design.visits), False
        for name, truth in self.truths.items():
            for fault in truth_faults(f"truths.{name}", truth, visits, single=self.design.single_arm):
                lists = True
                yield fault
        if self.safety is not None:
            kinds = {name: truth.kind for name, truth in self.truths.items()}
            yield from self.safety.faults((self.design.look,), kinds, ALL)
        for index, target in enumerate(self.targets, start=1):
            yield from asked_faults(self.safety, f"targets {index}", target.metric, target.truth)
            asked = self.truths.get(target.truth)
            known = isinstance(asked, Markov | VisitRates) and not lists
            if target.metric == "type_i_error" and known and not self.without_effect(self.truths[target.truth]):
                got = f"{target.truth!r}, whose rates differ in the analysis"
                yield Fault(f"targets {index}, truth", got, "rates without an effect", "ask for power")

    def _rule_faults(self) -> Iterator[Fault]:
        single = self.design.single_arm
        if (1 if single else 2) not in self.rule.arms:
            expected = f"a rule for {'one arm' if single else 'two arms'}"
            fix = f"or {'add' if single else 'remove'} design.n.control"
            yield Fault("rule.kind", repr(self.rule.kind), expected, fix)
        else:
            yield from self.rule.misfits((self.design.look,))

    def without_effect(self, truth: Markov | VisitRates | MarkovPrior) -> bool:
        """Whether success is an error: the analysed shares of known arms lie at, or beyond, the edge of no effect."""
        if isinstance(truth, MarkovPrior):
            return False
        window, missing = self.design.window, self.design.analysis.missing
        shares = [counted(path, window, missing).responds for path in truth.paths(len(self.design.visits))]
        rule, share_t = self.rule, shares[0]
        edge = rule.fixed_benchmark if self.design.single_arm else shares[1] + rule.null_margin
        if rule.edge is None or edge is None:
            return False
        if rule.upper_null is not None and not self.design.single_arm:
            return share_t <= edge + 1e-12 or share_t - shares[1] >= rule.upper_null - 1e-12
        return abs(share_t - edge) < 1e-12 or (rule.one_way and not rule.two_sided and share_t <= edge)
