"""A scenario file: a trial, how it is judged, the realities assumed, and what must hold."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from anatrial.designs import Design
from anatrial.documents.indication import Indication
from anatrial.documents.scenario_faults import cross_faults, loose_faults
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef, written_out
from anatrial.errors import Fault, InputError
from anatrial.rules import AnyRule
from anatrial.rules.monitored import Monitored
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.spec import MAX_N, Name, Spec, Text, Versioned, digest, examine_toml, parse_toml, spoken
from anatrial.truths import AnyTruth
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

Threshold = Annotated[float, Field(ge=0, le=2 * MAX_N)]
"""A probability, or for ``expected_n`` a number of patients."""


class Target(Spec):
    """What must hold: a metric under a truth, at least or at most a threshold."""

    metric: Literal["power", "type_i_error", "type1_average", "assurance", "true_success", "no_go", "expected_n"]
    truth: Name
    at_least: Threshold | None = None
    at_most: Threshold | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{'neither' if self.at_least is None else 'both'} | at_least or at_most")
        if self.metric != "expected_n" and self.threshold > 1:
            raise ValueError(f"{self.threshold:g} | a probability, from 0 to 1")
        return self

    @property
    def bound(self) -> Literal["at_least", "at_most"]:
        """Which side is asked for."""
        return "at_least" if self.at_least is not None else "at_most"

    @property
    def said(self) -> str:
        """The target in words."""
        metric = self.metric.replace("type_i_error", "type I error").replace("type1_average", "average type I error")
        metric = metric.replace("no_go", "no-go").replace("expected_n", "expected number of patients")
        return f"{metric.replace('_', ' ')} {self.bound.replace('_', ' ')} {self.threshold:g} if {self.truth}"

    @property
    def threshold(self) -> float:
        """The number asked for."""
        return self.at_least if self.at_least is not None else self.at_most or 0.0


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


class ArmNames(Spec):
    """What the arms are called in the output."""

    treatment: Text = "anakinra"
    control: Text = "placebo"


class Scenario(Versioned):
    """A trial to plan."""

    title: Text
    question: Text
    indication: Name
    endpoint: Name
    arms: ArmNames = ArmNames()
    design: Design
    rule: AnyRule
    truths: Annotated[dict[Name, AnyTruth], Field(min_length=1)]
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    size: Size | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything that is simulated; exact numbers do not depend on it."""
    notes: tuple[Text, ...] = ()

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


@dataclass(frozen=True, slots=True)
class ResolvedScenario:
    """A scenario whose prior names have been looked up once; the engine sees only ``resolved``."""

    name: str
    scenario: Scenario
    resolved: Scenario
    priors: tuple[tuple[str, Prior], ...]
    indication: Indication
    priors_from: str

    @property
    def digest(self) -> str:
        """sha256 of the resolved scenario: equal digests, equal exact numbers."""
        return digest(self.resolved.model_dump(mode="json", by_alias=True))


def parse_scenario(text: str, where: str) -> Scenario:
    """A scenario from the text of its file; ``InputError`` carries every fault."""
    return parse_toml(text, Scenario, where, cross_faults)


def examine_scenario(text: str, where: str) -> tuple[Scenario | None, list[Fault]]:
    """The scenario, if its parts stand, and every fault of the file."""
    return examine_toml(text, Scenario, where, cross_faults, loose_faults)


def _written(mixture: BetaMixture) -> Prior:
    """A prior that is written out: beside stronger parts, those worth at most two patients are its robust part."""
    strong = [part for part in mixture.parts if part.a + part.b > 2 + 1e-9]
    vague = [part for part in mixture.parts if part.a + part.b <= 2 + 1e-9]
    if not strong or not vague:
        return Prior(mixture.said(), mixture, mixture)
    total = sum(part.weight for part in strong)
    informative = BetaMixture(tuple(part._replace(weight=part.weight / total) for part in strong))
    return Prior(mixture.said(), BetaMixture((*strong, *vague)), informative)


def resolve(
    scenario: Scenario, look_up: Callable[[str, PriorRef], Prior]
) -> tuple[Scenario, tuple[tuple[str, Prior], ...]]:
    """The scenario with every named prior written out, and each prior with the place that uses it.

    Raises ``InputError`` where the rule does not fit a prior that it names.
    """
    found: list[tuple[str, Prior]] = []

    def walk(value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, PriorRef):
            prior = look_up(spoken(path), value) if value.prior else _written(value.mixture())
            found.append((spoken(path), prior))
            return written_out(prior.mixture)
        if isinstance(value, Spec):
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            changed = {name: walk(inner, (*path, name)) for name, inner in fields.items()}
            return value.model_copy(update={k: v for k, v in changed.items() if v is not fields[k]})
        if isinstance(value, dict):
            return {key: walk(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, tuple) and any(isinstance(inner, Spec) for inner in value):
            walked = tuple(walk(inner, (*path, index)) for index, inner in enumerate(value))
            return walked if any(new is not old for new, old in zip(walked, value, strict=True)) else value
        return value

    resolved: Scenario = walk(scenario, ())
    priors = dict(found)
    place, rule = (
        ("rule.final", resolved.rule.final) if isinstance(resolved.rule, Monitored) else ("rule", resolved.rule)
    )
    if isinstance(rule, SelfAdapting) and priors[f"{place}.analysis_prior.control"].origin is not None:
        fault = rule.delta_fault()
        if fault is not None:
            raise InputError(Fault(f"{place}.delta", *fault))
    return resolved, tuple(found)
