"""A scenario file of a trial with several endpoints."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.several_endpoints import SeveralEndpoints
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.several_endpoints import EndpointsRules
from anatrial.spec import Name
from anatrial.truths.endpoint_cells import Arms, PartRates
from anatrial.truths.several_endpoints import (
    EndpointsTruth,
    SeveralNoEffect,
    SeveralPoints,
    SeveralPriors,
    SeveralShares,
)

KNOWN = ("points", "shares")


class SeveralTarget(BaseTarget):
    """What must hold: ``power`` and ``assurance`` are of the trial's success, ``_all`` and ``_any`` of its claims."""

    metric: Literal[
        "power",
        "power_all",
        "power_any",
        "assurance",
        "assurance_all",
        "assurance_any",
        "expected_endpoints",
        "familywise_error",
    ]
    numbers: ClassVar[frozenset[str]] = BaseTarget.numbers | {"expected_endpoints"}


class SeveralEndpointsScenario(TrialScenario):
    """A trial with several endpoints that are judged together."""

    design: SeveralEndpoints
    rule: EndpointsRules
    truths: Annotated[dict[Name, EndpointsTruth], Field(min_length=1)]
    targets: Annotated[tuple[SeveralTarget, ...], Field(min_length=1)]

    idle_metric: ClassVar[tuple[str, str]] = "power_any", "any claim"
    metric_kinds: ClassVar[dict[str, tuple[str, ...]]] = {
        "power": KNOWN,
        "power_all": KNOWN,
        "power_any": KNOWN,
        "assurance": ("dirichlet",),
        "assurance_all": ("dirichlet",),
        "assurance_any": ("dirichlet",),
        "expected_endpoints": (*KNOWN, "dirichlet"),
        "familywise_error": ("no_effect", *KNOWN),
    }

    def rates_to_beat(self) -> dict[str, float]:
        """The fixed benchmark of every endpoint of a single arm."""
        tests = zip(self.design.endpoints, self.rule.ordered(self.design.endpoints), strict=True)
        known = ((name, test.fixed_benchmark) for name, test in tests) if self.design.single_arm else ()
        return {name: rate for name, rate in known if rate is not None}

    def without_effect_at(self, rates: dict[str, float]) -> SeveralPoints | None:
        """These rates on treatment; of components their dependence would have to be known."""
        nested = self.design.structure == "nested" and len(rates) == len(self.design.endpoints)
        return SeveralPoints(kind="points", rates=PartRates(treatment=rates)) if nested else None

    def typed_patients(self) -> dict[str, str]:
        """Counts of the treatment arm alone."""
        typed = ((n, t.counts) for n, t in self.truths.items() if isinstance(t, SeveralPriors))
        return {n: f"{c.treatment.patients} patients" for n, c in typed if c.control is None}

    def faults(self) -> Iterator[Fault]:
        """What does not fit together; places are named without the file."""
        broken = self.design.faults()
        yield from broken
        if broken:
            return
        misfits = list(self.rule.misfits(self.design.endpoints, self.design.look))
        yield from misfits
        for name, truth in self.truths.items():
            wrong = list(truth.faults(self.design.layout, single=self.design.single_arm))
            for fault in wrong:
                yield fault._replace(where=f"truths.{name}.{fault.where}")
            if not wrong and not misfits:
                yield from self._edge_faults(name, truth)

    def _edge_faults(self, name: str, truth: EndpointsTruth) -> Iterator[Fault]:
        """A truth without effect where the tests see one, and familywise errors of truths with effects everywhere."""
        if isinstance(truth, SeveralNoEffect):
            layout, single = self.design.layout, self.design.single_arm
            error = "rates at which a success is an error: at most the benchmark, or without a margin"
            none = "rates at which a success is no error: above the benchmark, or beyond the margin"
            _, idle = truth.states(layout, single=single)[0]
            yield from self._idle_faults(f"truths.{name}.rates", idle, error, idle=True)
            working = truth.working(layout, single=single)
            if working is not None:
                yield from self._idle_faults(f"truths.{name}.effect", working, none, idle=False)
        elif isinstance(truth, SeveralPoints | SeveralShares):
            without = self.design.idle(self.rule, truth.arms(self.design.layout))
            for index, target in enumerate(self.targets, start=1):
                if (
                    target.truth == name
                    and target.metric == "familywise_error"
                    and (without is None or not without.any())
                ):
                    got = f"{name!r}, where no endpoint is known to be without effect"
                    yield Fault(f"targets {index}, truth", got, "an endpoint without effect", "ask for power")

    def _idle_faults(self, place: str, arms: Arms, expected: str, *, idle: bool) -> Iterator[Fault]:
        """Endpoints that have an effect at these shares, or have none, where they should not."""
        found, rates = self.design.idle(self.rule, arms), self.design.layout.rates(arms.treatment)
        for k, endpoint in enumerate(self.design.endpoints):
            if found is not None and bool(found[k]) != idle:
                yield Fault(place, f"{endpoint} at {rates[k]:g}", expected)

    def endpoint_of(self, use: str) -> str | None:
        """The endpoint of a prior: the one whose test names it."""
        steps = use.split(".")
        return steps[2] if steps[:2] == ["rule", "tests"] else self.endpoint
