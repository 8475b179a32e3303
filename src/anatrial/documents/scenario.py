"""A scenario file: a trial, how it is judged, the realities assumed, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from anatrial.designs import Design
from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef, written_out
from anatrial.errors import Fault, InputError
from anatrial.rules import AnyRule
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.posterior import Posterior
from anatrial.spec import MAX_N, Name, Rate, Spec, Text, Versioned, digest, nearest, parse_toml, spoken
from anatrial.truths import AnyTruth
from anatrial.truths.base import RateTruth
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

METRICS: dict[str, tuple[type[Spec], ...]] = {
    "power": (Points, Grid),
    "type_i_error": (NoEffect, Points),
    "type1_average": (DesignPrior,),
    "assurance": (DesignPrior,),
    "true_success": (DesignPrior,),
}
"""Which truths a metric can be asked of."""


class Target(Spec):
    """What must hold: a metric under a truth, at least or at most a threshold."""

    metric: Literal["power", "type_i_error", "type1_average", "assurance", "true_success"]
    truth: Name
    at_least: Rate | None = None
    at_most: Rate | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{'neither' if self.at_least is None else 'both'} | at_least or at_most")
        return self

    @property
    def bound(self) -> Literal["at_least", "at_most"]:
        """Which side is asked for."""
        return "at_least" if self.at_least is not None else "at_most"

    @property
    def said(self) -> str:
        """The target in words."""
        metric = self.metric.replace("type_i_error", "type I error").replace("type1_average", "average type I error")
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


class Size(Spec):
    """Which sizes ``anatrial size`` searches: ``per_arm`` (equal arms, or one arm), or ``control`` with ``ratio``."""

    per_arm: NRange | None = None
    control: NRange | None = None
    ratio: Annotated[float, Field(gt=0, le=20)] = 1.0
    """Treatment patients per control patient."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.per_arm is None) == (self.control is None):
            raise ValueError(f"{'neither' if self.per_arm is None else 'both'} | per_arm, or control with ratio")
        if self.per_arm is not None and self.ratio != 1:
            raise ValueError(f"per_arm with ratio {self.ratio:g} | control = {{ from, to }} with ratio")
        return self

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
    parsed = parse_toml(text, Scenario, where)
    faults = [Fault(f"{where}: {f.where}", *f[1:]) for f in _cross_faults(parsed)]
    if faults:
        raise InputError(*faults)
    return parsed


def _cross_faults(scenario: Scenario) -> Iterator[Fault]:
    """What only the whole file can tell."""
    yield from _rule_faults(scenario)
    for name, truth in scenario.truths.items():
        yield from _truth_faults(scenario, f"truths.{name}", truth)
    for index, target in enumerate(scenario.targets):
        place = f"targets {index + 1}"
        if target.truth not in scenario.truths:
            hint = nearest(target.truth, scenario.truths)
            yield Fault(f"{place}, truth", repr(target.truth), "a truth of this file", hint)
            continue
        truth = scenario.truths[target.truth]
        if not isinstance(truth, METRICS[target.metric]):
            kinds = " or ".join(_kind(kind) for kind in METRICS[target.metric])
            yield Fault(f"{place}, metric", f"{target.metric} of a {truth.kind} truth", f"a truth of kind {kinds}")
        elif target.metric == "type_i_error" and isinstance(truth, Points) and not _null(scenario, truth):
            yield Fault(
                f"{place}, truth", f"{target.truth!r}, whose rates differ", "rates without an effect", "ask for power"
            )
    if scenario.size is not None and scenario.design.single_arm and scenario.size.per_arm is None:
        yield Fault("size", "control", "per_arm", "a single-arm trial has no control arm")


def _kind(model: type[Spec]) -> str:
    return str(model.model_fields["kind"].annotation.__args__[0])  # type: ignore[union-attr]


def _null(scenario: Scenario, truth: Points) -> bool:
    """Whether the rates show no effect: treatment at or below the edge of the rule's null."""
    rate_t, rate_c = truth.trial_rates()
    edge = rate_c + scenario.rule.margin_of_null
    return abs(rate_t - edge) < 1e-12 or (not scenario.rule.two_sided and rate_t <= edge)


def _rule_faults(scenario: Scenario) -> Iterator[Fault]:
    rule, single = scenario.rule, scenario.design.single_arm
    if isinstance(rule, Posterior):
        if single and (rule.benchmark is None) == (rule.analysis_prior.control is None):
            got = "neither" if rule.benchmark is None else "both"
            yield Fault("rule", got, "benchmark (a fixed rate) or analysis_prior.control (an uncertain one)")
        if not single and rule.benchmark is not None:
            yield Fault("rule.benchmark", str(rule.benchmark), "no benchmark in a two-arm trial", "remove it")
        if not single and rule.analysis_prior.control is None:
            yield Fault(
                "rule.analysis_prior", "no control", "a prior for the control rate", "add control = { a = 1, b = 1 }"
            )
        if rule.benchmark is not None and not 0 < rule.benchmark + rule.margin < 1:
            yield Fault("rule.margin", str(rule.margin), "a margin that keeps benchmark + margin between 0 and 1")
    elif isinstance(rule, ExactBinomial) != single:
        if single:
            yield Fault(
                "rule.kind",
                repr(rule.kind),
                "exact_binomial or posterior in a single-arm trial",
                "or add design.n.control",
            )
        else:
            yield Fault("rule.kind", repr(rule.kind), "a two-arm rule", "or remove design.n.control")


def _truth_faults(scenario: Scenario, place: str, truth: Any) -> Iterator[Fault]:
    single = scenario.design.single_arm
    if isinstance(truth, RateTruth):
        for where, *rest in truth.drop_out_faults():
            yield Fault(f"{place}.{where}", *rest)
        given = truth.rates.control is not None  # type: ignore[attr-defined]
        if given == single:
            expected = "no control rate in a single-arm trial" if single else "a control rate"
            yield Fault(f"{place}.rates", "a control rate" if given else "no control rate", expected)
        if truth.dropout is not None and (truth.dropout.control is not None) == single:
            expected = "no control drop-out in a single-arm trial" if single else "a control drop-out"
            yield Fault(f"{place}.dropout", "something else", expected)
    elif isinstance(truth, DesignPrior):
        if (truth.control is None) != single and not (single and _uncertain(scenario)):
            expected = "no control prior in a single-arm trial" if single else "a control prior"
            yield Fault(place, "no control" if truth.control is None else "a control prior", expected)
    elif isinstance(truth, NoEffect):
        margin = 0.0 if single else scenario.rule.margin_of_null
        lowest, highest = truth.control.lowest + margin, truth.control.highest + margin
        if lowest < 0 or highest > 1:
            got = f"{lowest:g} to {highest:g} for the treatment rate (control rate + margin {margin:g})"
            yield Fault(f"{place}.control", got, "rates from 0 to 1")


def _uncertain(scenario: Scenario) -> bool:
    return isinstance(scenario.rule, Posterior) and scenario.rule.analysis_prior.control is not None


def _written(mixture: BetaMixture) -> Prior:
    return Prior(mixture.said(), mixture, mixture)


def resolve(
    scenario: Scenario, look_up: Callable[[str, PriorRef], Prior]
) -> tuple[Scenario, tuple[tuple[str, Prior], ...]]:
    """The scenario with every named prior written out, and each prior with the place that uses it."""
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
        return value

    return walk(scenario, ()), tuple(found)
