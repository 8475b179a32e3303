"""A derived prior as it is committed: closed form, contributions, origin and digest of its inputs."""

import json
from typing import Any, Self

from pydantic import ValidationError

from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Contribution, Origin, PartSpec, Prior
from anatrial.domain.sampled import SampledRecord
from anatrial.domain.synthesis import FitScore
from anatrial.errors import Fault, InputError
from anatrial.spec import Name, Text, Versioned, digest


class Derived(Versioned):
    """A prior with everything needed to use it without deriving it again."""

    indication: Name
    prior: Name
    title: Text
    endpoint: Name
    informative: tuple[PartSpec, ...]
    robust: PartSpec | None
    contributions: tuple[Contribution, ...]
    equated: tuple[Text, ...]
    fit: FitScore | None = None
    """How far the closed form is from the law that integration found, where a method integrates."""
    sampled: SampledRecord | None = None
    """How well PyMC mixed and agreed, where the recipe asked for it."""
    settings: dict[str, Any]
    """The recipe's settings with defaults filled in; ``set_by_user`` names those that the file gave."""
    origin: Origin

    @property
    def name(self) -> str:
        """Indication and prior."""
        return f"{self.indication}/{self.prior}"

    def value(self, robust_weight: float | None = None) -> Prior:
        """The prior; ``robust_weight`` replaces the recipe's weight (the part is uniform where the recipe has none)."""
        informative = BetaMixture(tuple(BetaPart(p.weight, p.a, p.b) for p in self.informative))
        mixture = informative
        if robust_weight is not None or self.robust is not None:
            weight = robust_weight if robust_weight is not None else self.robust.weight if self.robust else 0.0
            a, b = (self.robust.a, self.robust.b) if self.robust else (1.0, 1.0)
            mixture = informative.robustified(BetaPart(weight, a, b))
        return Prior(self.name, mixture, informative, self.contributions, self.equated, self.origin)

    def content_digest(self) -> str:
        """sha256 of the content, without the digest itself."""
        return digest(self.model_dump(mode="json", exclude={"origin": {"content_digest"}}))

    def sealed(self) -> Self:
        """The same with the digest of its content filled in."""
        return self.model_copy(
            update={"origin": self.origin.model_copy(update={"content_digest": self.content_digest()})}
        )

    def text(self) -> str:
        """The JSON that is committed."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def parse_derived(text: str, indication: str, prior: str) -> Derived:
    """A derived prior from the text of its file; ``InputError`` where it is damaged or was edited."""
    where, fix = f"prior {indication}/{prior}", f"derive it again: anatrial prior derive {indication} {prior}"
    try:
        found = Derived.model_validate_json(text)
    except ValidationError:
        raise InputError(Fault(where, "a damaged or foreign file", "a derived prior", fix)) from None
    if found.origin.content_digest != found.content_digest():
        raise InputError(Fault(where, "a file that was edited after it was derived", "a derived prior", fix))
    return found
