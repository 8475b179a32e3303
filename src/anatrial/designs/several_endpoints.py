"""A trial with several endpoints: levels of one outcome, each nested in the one before, or built from components."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from anatrial.designs.fixed import ArmSizes
from anatrial.domain.counts import Look
from anatrial.errors import Fault
from anatrial.numerics import BoolArray
from anatrial.rules.several_endpoints import EndpointsRule
from anatrial.spec import Name, Spec, nearest
from anatrial.truths.endpoint_cells import Arms, Layout

MOST_COMPONENTS = 4
SAME = 1e-12  # rates that differ by less are one rate


class SeveralEndpoints(Spec):
    """One arm or two, one analysis, and two to five endpoints that are judged together.

    ``nested``: the endpoints are levels of one outcome, the easiest first (ASAS20, ASAS40, ASAS70): who reaches a level
    has reached every level before it. ``components``: each endpoint is one of the components, or a composite that asks
    for several components at once.
    """

    kind: Literal["several_endpoints"]
    n: ArmSizes
    """Patients randomised per arm."""
    structure: Literal["nested", "components"]
    endpoints: Annotated[tuple[Name, ...], Field(min_length=2, max_length=5)]
    """The endpoints that are judged."""
    components: Annotated[tuple[Name, ...], Field(min_length=2, max_length=MOST_COMPONENTS)] | None = None
    """What each patient meets or not, where ``structure`` is ``components``."""
    composites: dict[Name, Annotated[tuple[Name, ...], Field(min_length=2, max_length=MOST_COMPONENTS)]] = {}
    """Endpoints that are reached by meeting all of the named components."""

    @property
    def single_arm(self) -> bool:
        """Whether there is no control arm."""
        return self.n.control is None

    @property
    def look(self) -> Look:
        """Patients per arm."""
        return Look(self.n.treatment, self.n.control or 0)

    @property
    def layout(self) -> Layout:
        """What a patient may reach, and which endpoints that makes."""
        if self.components is None:
            return Layout(self.endpoints, self.endpoints, ())
        needs = tuple(tuple(self.composites.get(endpoint, (endpoint,))) for endpoint in self.endpoints)
        return Layout(self.endpoints, self.components, needs)

    def idle(self, rule: EndpointsRule, arms: Arms) -> BoolArray | None:
        """Which endpoints have no effect at these shares, shape (endpoints,); None where a benchmark is uncertain."""
        tests, rates = rule.ordered(self.endpoints), self.layout.rates(arms.treatment)
        edges = (
            [test.fixed_benchmark for test in tests]
            if arms.control is None
            else [p + test.null_margin for p, test in zip(self.layout.rates(arms.control), tests, strict=True)]
        )
        known = [edge for edge in edges if edge is not None]
        return np.array(rates) <= np.array(known) + SAME if len(known) == len(edges) else None

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The layout in one sentence."""
        arms = (
            f"{self.n.treatment} on {treatment} in a single arm"
            if self.n.control is None
            else f"{self.n.treatment} on {treatment} v {self.n.control} on {control}"
        )
        if self.components is None:
            levels = ", ".join(self.endpoints)
            return f"{arms}, one analysis of {len(self.endpoints)} nested endpoints, the easiest first: {levels}."
        told = (
            f"{endpoint} ({' and '.join(self.composites[endpoint])})" if endpoint in self.composites else endpoint
            for endpoint in self.endpoints
        )
        return f"{arms}, one analysis of {len(self.endpoints)} endpoints: {', '.join(told)}."

    def faults(self) -> list[Fault]:
        """Endpoints that are named twice, or that nothing makes; places are named without the file."""
        found = [
            Fault(f"design.{place}", f"{name!r} twice", "each name once")
            for place, names in (("endpoints", self.endpoints), ("components", self.components or ()))
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
        if self.structure == "nested":
            given = [key for key in ("components", "composites") if getattr(self, key)]
            fix = 'structure = "components" has them'
            return found + [Fault(f"design.{key}", key, "none: nested endpoints are levels", fix) for key in given]
        if self.components is None:
            fix = 'name what each patient meets or not, or say structure = "nested"'
            return [*found, Fault("design.components", "nothing", "two to four components", fix)]
        for name, parts in self.composites.items():
            found += [
                Fault(f"design.composites.{name}", repr(part), "a component", nearest(part, self.components))
                for part in parts
                if part not in self.components
            ]
            if len(set(parts)) < len(parts):
                found.append(Fault(f"design.composites.{name}", "a component twice", "each component once"))
            if name in self.components:
                found.append(Fault(f"design.composites.{name}", "the name of a component", "a name of its own"))
            if name not in self.endpoints:
                fix = "add it to design.endpoints, or remove it"
                found.append(Fault(f"design.composites.{name}", "a composite that is not judged", "an endpoint", fix))
        known = (*self.components, *self.composites)
        found += [
            Fault("design.endpoints", repr(name), "a component or a composite", nearest(name, known))
            for name in self.endpoints
            if name not in known
        ]
        return found
