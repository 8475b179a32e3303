"""What the scenario files of all kinds of trial share: what is asked, what must hold, and how names are resolved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import Field, model_validator

from anatrial.designs.estimand import Estimand
from anatrial.documents.indication import Indication
from anatrial.documents.sweeps import Axis, Pareto, Sweep, TippingPoint
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Prior, PriorRef, written_out
from anatrial.domain.trial import StatedEstimand
from anatrial.errors import Fault
from anatrial.spec import Name, Spec, Text, Versioned, digest, nearest, spoken

MOST = 1e9
QUESTIONS = ("axes", "sweep", "tipping_points", "pareto")
"""Keys that ask more about a trial and change nothing in it: its digest does not know them."""


class BaseTarget(Spec):
    """What must hold: a metric under a truth, at least or at most a threshold. Each kind of trial has its metrics."""

    metric: str
    truth: Name
    at_least: Annotated[float, Field(ge=0, le=MOST)] | None = None
    at_most: Annotated[float, Field(ge=0, le=MOST)] | None = None
    precision: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """The largest Monte Carlo standard error of a simulated probability: trials go on until all have it."""
    numbers: ClassVar[frozenset[str]] = frozenset({"expected_n", "duration", "expected_events"})
    """Metrics that are no probabilities."""

    @model_validator(mode="after")
    def _one_bound(self) -> "BaseTarget":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{'neither' if self.at_least is None else 'both'} | at_least or at_most")
        if self.metric not in self.numbers and self.threshold > 1:
            raise ValueError(f"{self.threshold:g} | a probability, from 0 to 1")
        if self.metric in self.numbers and self.precision is not None:
            raise ValueError(f"a precision of {self.metric} | a precision of a probability")
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


class ArmNames(Spec):
    """What the arms are called in the output."""

    treatment: Text = "anakinra"
    control: Text = "placebo"


class Simulation(Spec):
    """How much is simulated where a number cannot be enumerated."""

    trials: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    """Simulated trials per truth."""
    target_mcse: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """Go on until no probability has a larger Monte Carlo standard error."""


class TrialScenario(Versioned):
    """A trial to plan: what every scenario file holds. ``design.kind`` chooses what more it holds."""

    title: Text
    question: Text
    indication: Name
    endpoint: Name
    arms: ArmNames = ArmNames()
    design: Any
    rule: Any
    truths: dict[Name, Any]
    targets: tuple[Any, ...]
    simulation: Simulation = Simulation()
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything that is simulated; exact numbers do not depend on it."""
    notes: tuple[Text, ...] = ()
    estimand: Estimand | None = None
    """What is estimated: stated for any trial; for trials that count responders, rates of its events are reckoned."""
    axes: Annotated[tuple[Axis, ...], Field(max_length=20)] = ()
    """Fields that ``anatrial sweep`` changes."""
    sweep: Sweep = Sweep()
    tipping_points: Annotated[tuple[TippingPoint, ...], Field(max_length=50)] = ()
    pareto: Pareto | None = None

    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Of which kinds of truth a metric can be asked."""
    idle_metric: ClassVar[tuple[str, str]] = "power", "success"
    """The number that tells what a treatment without effect achieves, and its label."""

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file. Targets are checked for every kind alike."""
        yield from ()

    @property
    def target_mcse(self) -> float | None:
        """The Monte Carlo standard error that simulated probabilities must reach: the smallest that the file asks."""
        asked = [self.simulation.target_mcse, *(target.precision for target in self.targets)]
        return min((precision for precision in asked if precision is not None), default=None)

    def treatments(self) -> str:
        """What the trial compares, in words: the treatment attribute of its estimand."""
        alone = f"{self.arms.treatment}, without a control arm"
        return alone if self.design.single_arm else f"{self.arms.treatment} v {self.arms.control}"

    def stated_estimand(self) -> StatedEstimand | None:
        """The estimand with the treatments compared; None where the file states none."""
        return None if self.estimand is None else self.estimand.stated(self.treatments())

    def metric_names(self) -> dict[str, str]:
        """Metrics that people know by better words than those of their name, as the power of a dose by its name."""
        return {}

    def rates_to_beat(self) -> dict[str, float]:
        """Fixed rates that stand for history because no control arm is in the trial, by what they are the rate of."""
        return {}

    def without_effect_at(self, rates: dict[str, float]) -> Any:
        """The truth that a treatment does nothing where these rates took the place of those to beat.

        None where rates alone do not tell it.
        """
        del rates

    def typed_patients(self) -> dict[str, str]:
        """Truths whose evidence is typed in as patients of one arm alone, with these patients in words."""
        return {}

    def target_faults(self) -> Iterator[Fault]:
        """Targets on truths that are not there, or that cannot answer them."""
        for index, target in enumerate(self.targets, start=1):
            place = f"targets {index}"
            truth = self.truths.get(target.truth)
            if truth is None:
                yield unknown_truth(place, target.truth, self.truths)
            elif truth.kind not in self.metric_kinds[target.metric]:
                kinds = " or ".join(self.metric_kinds[target.metric])
                got = f"{target.metric} of a {truth.kind} truth"
                yield Fault(f"{place}, metric", got, f"a truth of kind {kinds}")

    def endpoint_of(self, use: str) -> str | None:
        """The endpoint on which a prior named at ``use`` must be; None where any may stand, as for adverse events."""
        return None if use.startswith("safety.") else self.endpoint


def unknown_truth(place: str, name: str, truths: dict[str, Any]) -> Fault:
    """The fault of a truth that the file does not have."""
    return Fault(f"{place}, truth", repr(name), "a truth of this file", nearest(name, truths))


ScenarioT = TypeVar("ScenarioT", bound=TrialScenario)


@dataclass(frozen=True)
class ResolvedTrial(Generic[ScenarioT]):
    """A scenario whose prior names have been looked up once; the engine sees only ``resolved``."""

    name: str
    scenario: ScenarioT
    resolved: ScenarioT
    priors: tuple[tuple[str, Prior], ...]
    indication: Indication
    priors_from: str

    @property
    def digest(self) -> str:
        """sha256 of the resolved scenario: equal digests, equal exact numbers."""
        return digest(self.resolved.model_dump(mode="json", by_alias=True, exclude=set(QUESTIONS)))


def _written(mixture: BetaMixture) -> Prior:
    """A prior that is written out: beside stronger parts, those worth at most two patients are its robust part."""
    strong = [part for part in mixture.parts if part.a + part.b > 2 + 1e-9]
    vague = [part for part in mixture.parts if part.a + part.b <= 2 + 1e-9]
    if not strong or not vague:
        return Prior(mixture.said(), mixture, mixture)
    total = sum(part.weight for part in strong)
    informative = BetaMixture(tuple(part._replace(weight=part.weight / total) for part in strong))
    return Prior(mixture.said(), BetaMixture((*strong, *vague)), informative)


def resolve_priors(
    scenario: ScenarioT, look_up: Callable[[str, PriorRef], Prior]
) -> tuple[ScenarioT, tuple[tuple[str, Prior], ...]]:
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
        if isinstance(value, tuple) and any(isinstance(inner, Spec) for inner in value):
            walked = tuple(walk(inner, (*path, index)) for index, inner in enumerate(value))
            return walked if any(new is not old for new, old in zip(walked, value, strict=True)) else value
        return value

    resolved: ScenarioT = walk(scenario, ())
    return resolved, tuple(found)
