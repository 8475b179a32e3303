"""A scenario file of a trial with several endpoints."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from anatrial.designs.several_endpoints import SeveralEndpoints
from anatrial.documents.trial_scenario import BaseTarget, TrialScenario
from anatrial.errors import Fault
from anatrial.rules.several_endpoints import EndpointsRules
from anatrial.spec import Name
from anatrial.truths.several_endpoints import EndpointsTruth, SeveralNoEffect, SeveralPoints, SeveralShares

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
            _, arms = truth.states(self.design.layout, single=self.design.single_arm)[0]
            idle = self.design.idle(self.rule, arms)
            for k, endpoint in enumerate(self.design.endpoints):
                if idle is not None and not idle[k]:
                    rate = self.design.layout.rates(arms.treatment)[k]
                    expected = "rates at which a success is an error: at most the benchmark, or without a margin"
                    yield Fault(f"truths.{name}.rates", f"{endpoint} at {rate:g}", expected)
        elif isinstance(truth, SeveralPoints | SeveralShares):
            idle = self.design.idle(self.rule, truth.arms(self.design.layout))
            for index, target in enumerate(self.targets, start=1):
                if target.truth == name and target.metric == "familywise_error" and (idle is None or not idle.any()):
                    got = f"{name!r}, where no endpoint is known to be without effect"
                    yield Fault(f"targets {index}, truth", got, "an endpoint without effect", "ask for power")

    def endpoint_of(self, use: str) -> str | None:
        """The endpoint of a prior: the one whose test names it."""
        steps = use.split(".")
        return steps[2] if steps[:2] == ["rule", "tests"] else self.endpoint
