"""A prior with its origin, and how files name one."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from anatrial.domain.mixture import BetaMixture, BetaPart, shapes_of
from anatrial.spec import Count, Name, OpenRate, Rate, Shape, Spec, Text


class PartSpec(Spec):
    """One weighted Beta of a prior that is written out."""

    weight: Annotated[float, Field(gt=0, le=1)]
    a: Shape
    b: Shape


class PriorRef(Spec):
    """A prior in a file: by name, or as a + b, or as mean + effective_n, or as parts; exactly one of these."""

    prior: Name | None = None
    robust_weight: Rate | None = None
    a: Shape | None = None
    b: Shape | None = None
    mean: OpenRate | None = None
    effective_n: Annotated[float, Field(gt=0, le=1e5)] | None = None
    parts: Annotated[tuple[PartSpec, ...], Field(min_length=1, max_length=20)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = frozenset(name for name in type(self).model_fields if getattr(self, name) is not None)
        forms = ({"prior"}, {"prior", "robust_weight"}, {"a", "b"}, {"mean", "effective_n"}, {"parts"})
        if given not in map(frozenset, forms):
            got = ", ".join(sorted(given)) or "nothing"
            raise ValueError(f"{got} | one of: prior (with robust_weight), a and b, mean and effective_n, parts")
        if self.mean is not None and self.effective_n is not None:
            shapes_of(self.mean, self.effective_n)
        if self.parts is not None and abs(sum(part.weight for part in self.parts) - 1) > 1e-9:
            raise ValueError(f"weights that sum to {sum(part.weight for part in self.parts):g} | weights that sum to 1")
        return self

    def mixture(self) -> BetaMixture:
        """The prior that is written out; a name must have been resolved before."""
        if self.parts is not None:
            return BetaMixture(tuple(BetaPart(part.weight, part.a, part.b) for part in self.parts))
        if self.a is not None and self.b is not None:
            return BetaMixture.beta(self.a, self.b)
        assert self.mean is not None
        assert self.effective_n is not None
        return BetaMixture.beta(*shapes_of(self.mean, self.effective_n))


def written_out(mixture: BetaMixture) -> PriorRef:
    """The reference that says a mixture in full."""
    return PriorRef(parts=tuple(PartSpec(weight=w, a=a, b=b) for w, a, b in mixture.parts if w > 0))


class Contribution(Spec):
    """What one outcome brought to a prior: its counts, the weight they were given, and why."""

    outcome: Name
    study: Name
    title: Text
    visit: Text
    n: Count
    responders: Count
    weight: Rate
    why: Text
    basket: Name | None = None
    """The indication it comes from, where a recipe borrows between several."""


class Origin(Spec):
    """Where a derived prior comes from: equal inputs give equal digests."""

    tool_version: Text
    method: Text
    input_digest: Text
    """sha256 of the recipe and of what it uses: it no longer matches where either changed."""
    content_digest: Text
    """sha256 of everything else in the file: it no longer matches where the file was edited."""


@dataclass(frozen=True, slots=True)
class Prior:
    """A beta mixture with what it rests on; ``origin`` is None for one that a scenario writes out."""

    name: str
    mixture: BetaMixture
    informative: BetaMixture
    """The mixture without its robust part."""
    contributions: tuple[Contribution, ...] = ()
    equated: tuple[str, ...] = ()
    origin: Origin | None = None

    @property
    def robust_weight(self) -> float:
        """Weight of the part that says: history may not apply."""
        return 1 - sum(part.weight for part in self.mixture.parts[: len(self.informative.parts)])

    @property
    def studies(self) -> frozenset[str]:
        """Studies that it rests on."""
        return frozenset(c.study for c in self.contributions if c.weight > 0)


State = Literal["up to date", "stale", "not derived", "damaged"]
"""Whether the derived prior that is kept still matches its recipe."""


class ListedPrior(NamedTuple):
    """A prior in a list."""

    name: str
    title: str
    endpoint: str
    state: State
    closed_form: str
