"""A scenario file of a trial whose endpoint is the time to an event."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.time_to_event import TimeToEvent
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.time_to_event import LogRank, PosteriorMedian, TimeRule
from anatrial.spec import Name
from anatrial.truths.time_to_event import Exponential, ExponentialTime, NoEffectTime, TimeTruth, UncertainHazard

KNOWN = ("exponential", "weibull")


class TimeTarget(BaseTarget):
    """What must hold of a trial of times to an event."""

    metric: Literal["power", "type_i_error", "assurance", "expected_events", "expected_duration"]
    numbers: ClassVar[frozenset[str]] = BaseTarget.numbers | {"expected_duration"}


class TimeToEventScenario(TrialScenario):
    """A trial of times to an event to plan."""

    design: TimeToEvent
    rule: TimeRule
    truths: Annotated[dict[Name, TimeTruth], Field(min_length=1)]
    targets: Annotated[tuple[TimeTarget, ...], Field(min_length=1)]

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        "power": KNOWN,
        "type_i_error": ("no_effect",),
        "assurance": ("uncertain_hazard",),
        "expected_events": (*KNOWN, "no_effect", "uncertain_hazard"),
        "expected_duration": (*KNOWN, "no_effect"),
    }

    def rates_to_beat(self) -> dict[str, float]:
        """Of a single arm: half have had the event by the median to beat."""
        if not isinstance(self.rule, PosteriorMedian):
            return {}
        return {f"{self.design.event} by {self.rule.benchmark:g} {self.design.unit}": 0.5}

    def without_effect_at(self, rates: dict[str, float]) -> Exponential:
        """A constant hazard that gives these shares by the median to beat."""
        assert isinstance(self.rule, PosteriorMedian)
        (share,) = rates.values()
        return Exponential(kind="exponential", treatment=ExponentialTime(share=share, by=self.rule.benchmark))

    def typed_patients(self) -> dict[str, str]:
        """Published times or events of the treatment arm alone."""
        typed = ((n, t) for n, t in self.truths.items() if isinstance(t, UncertainHazard) and t.control is None)
        return {n: said for n, t in typed if (said := t.treatment.patients_said)}

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file."""
        yield from self.design.faults()
        yield from self._rule_faults()
        for name, truth in self.truths.items():
            place = f"truths.{name}"
            if isinstance(truth, NoEffectTime):
                yield from self._edge_faults(place, truth)
            else:
                for got, expected, fix in truth.arm_faults(single=self.design.single_arm):
                    yield Fault(place, got, expected, fix)

    def _rule_faults(self) -> Iterator[Fault]:
        rule, single = self.rule, self.design.single_arm
        if rule.arms != (1 if single else 2):
            fitting = "posterior_median" if single else "log_rank or posterior_hazard_ratio"
            fix = f"or {'add' if single else 'remove'} design.n.control"
            expected = f"a rule for {'one arm' if single else 'two arms'} ({fitting})"
            yield Fault("rule.kind", repr(rule.kind), expected, fix)
            return
        if isinstance(rule, LogRank):
            yield from rule.faults(self.design.n.treatment, self.design.n.control or 0)
        elif (rule.analysis_prior.control is None) != single:
            got = "no control prior" if rule.analysis_prior.control is None else "a control prior"
            yield Fault("rule.analysis_prior", got, "a prior per arm" if not single else "treatment alone")

    def _edge_faults(self, place: str, truth: NoEffectTime) -> Iterator[Fault]:
        """In one arm, no effect is a median at the benchmark or on its bad side."""
        if not isinstance(self.rule, PosteriorMedian):
            return
        early, benchmark = self.design.event == "response", self.rule.benchmark
        if truth.median < benchmark if early else truth.median > benchmark:
            expected = f"at {'least' if early else 'most'} {benchmark:g}, the benchmark of the rule"
            yield Fault(f"{place}.median", f"{truth.median:g}", expected, "a better median is an effect")
