"""A scenario file of a counts trial: how it is judged, the realities assumed, and what must hold."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from anatrial.designs import Design
from anatrial.designs.definitions import Definition
from anatrial.designs.fixed import Fixed
from anatrial.designs.randomisation import Randomisation
from anatrial.designs.recruitment import Recruitment
from anatrial.designs.safety import Safety
from anatrial.designs.secondary import Secondary
from anatrial.designs.switch import Switch
from anatrial.documents.scenario_faults import cross_faults
from anatrial.documents.trial_scenario import BaseTarget, ResolvedTrial, TrialScenario, resolve_priors
from anatrial.domain.prior import Prior, PriorRef
from anatrial.errors import Fault, InputError
from anatrial.rules import AnyRule
from anatrial.rules.monitored import Monitored
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.spec import MAX_N, Name, Spec, parse_toml
from anatrial.truths import AnyTruth
from anatrial.truths.drift import Drift
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points


class Target(BaseTarget):
    """What must hold: a metric under a truth, at least or at most a threshold."""

    metric: Literal[
        "power",
        "type_i_error",
        "type1_average",
        "assurance",
        "true_success",
        "no_go",
        "expected_n",
        "power_random_n",
        "reached",
        "power_recruited",
        "assurance_recruited",
        "duration",
        "enough_switched",
        "late_success",
        "safety_stop",
        "safe_success",
    ]


class NRange(Spec):
    """Sample sizes to search."""

    lowest: Annotated[int, Field(ge=1, le=MAX_N, alias="from")]
    highest: Annotated[int, Field(ge=1, le=MAX_N, alias="to")]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"{self.lowest} to {self.highest} | a range whose start is at most its end")
        return self


class Allocation(Spec):
    """Treatment patients for so many control patients."""

    treatment: Annotated[int, Field(ge=1, le=20)]
    control: Annotated[int, Field(ge=1, le=20)]


class Size(Spec):
    """Which sizes ``anatrial size`` searches: ``per_arm`` (equal arms, or one arm), or ``control`` with ``ratio``."""

    per_arm: NRange | None = None
    control: NRange | None = None
    ratio: Annotated[float, Field(gt=0, le=20)] | Allocation = 1.0
    """Treatment patients per control patient: a number, or both sides of it, { treatment = 2, control = 3 }."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.per_arm is None) == (self.control is None):
            raise ValueError(f"{'neither' if self.per_arm is None else 'both'} | per_arm, or control with ratio")
        if self.per_arm is not None and self.allocation != 1:
            raise ValueError("per_arm with a ratio | control = { from, to } with ratio")
        return self

    @property
    def allocation(self) -> Fraction:
        """Treatment patients per control patient, exactly as written."""
        if isinstance(self.ratio, Allocation):
            return Fraction(self.ratio.treatment, self.ratio.control)
        return Fraction(repr(self.ratio))

    @property
    def sizes(self) -> range:
        """The n to try: control patients, or the patients of a single arm."""
        span = self.per_arm or self.control
        assert span is not None
        return range(span.lowest, span.highest + 1)


class Scenario(TrialScenario):
    """A trial that counts responders in one arm or two."""

    design: Design
    rule: AnyRule
    truths: Annotated[dict[Name, AnyTruth], Field(min_length=1)]
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    size: Size | None = None
    randomisation: Randomisation | None = None
    recruitment: Recruitment | None = None
    switch: Switch | None = None
    definitions: Annotated[tuple[Definition, ...], Field(max_length=20)] = ()
    drift: Drift | None = None
    safety: Safety | None = None
    secondary: Annotated[tuple[Secondary, ...], Field(max_length=20)] = ()
    also_primary: tuple[Name, ...] = ()
    """Further primary endpoints: refused here, because only design.kind = "several_endpoints" has rules for them."""

    @model_validator(mode="after")
    def _by_the_estimand(self) -> Self:
        for name, truth in self.truths.items():
            if self.estimand is not None and isinstance(truth, Points) and truth.events:
                self.truths[name] = truth.under(self.estimand.strategies)
        return self

    @property
    def numbers_random(self) -> bool:
        """Whether patients who leave are not analysed, so that nobody knows beforehand how many will be."""
        left = (truth.dropout for truth in self.truths.values() if isinstance(truth, Points))
        return isinstance(self.design, Fixed) and any(lost is not None and lost.counted == "excluded" for lost in left)

    @property
    def planned(self) -> Points | None:
        """The rates that the trial hopes for: the first points truth."""
        return next((t for t in self.truths.values() if isinstance(t, Points)), None)

    @property
    def null(self) -> NoEffect | None:
        """The stated range without effect: the first such truth."""
        return next((t for t in self.truths.values() if isinstance(t, NoEffect)), None)

    def name_of(self, truth: AnyTruth) -> str:
        """The name of a truth in the file."""
        return next(name for name, found in self.truths.items() if found is truth)


@dataclass(frozen=True)
class ResolvedScenario(ResolvedTrial[Scenario]):
    """A counts trial whose prior names have been looked up once; the engine sees only ``resolved``."""


def parse_scenario(text: str, where: str) -> Scenario:
    """A counts trial from the text of its file; ``InputError`` carries every fault."""
    return parse_toml(text, Scenario, where, cross_faults)


def counts_trial(used: ResolvedTrial[Any], command: str) -> ResolvedScenario:
    """The scenario, for a use case that is for trials which count responders in one arm or two; else ``InputError``."""
    if isinstance(used, ResolvedScenario):
        return used
    got, expected = repr(used.scenario.design.kind), f"fixed or sequential, for anatrial {command}"
    raise InputError(Fault(f"{used.name}: design.kind", got, expected, "anatrial run tells of any trial"))


def resolve(
    scenario: Scenario, look_up: Callable[[str, PriorRef], Prior]
) -> tuple[Scenario, tuple[tuple[str, Prior], ...]]:
    """The scenario with every named prior written out, and each prior with the place that uses it.

    Raises ``InputError`` where the rule does not fit a prior that it names.
    """
    resolved, found = resolve_priors(scenario, look_up)
    priors = dict(found)
    place, rule = (
        ("rule.final", resolved.rule.final) if isinstance(resolved.rule, Monitored) else ("rule", resolved.rule)
    )
    if isinstance(rule, SelfAdapting) and priors[f"{place}.analysis_prior.control"].origin is not None:
        fault = rule.delta_fault()
        if fault is not None:
            raise InputError(Fault(f"{place}.delta", *fault))
    return resolved, found
