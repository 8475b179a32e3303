"""Two to four doses beside one control, all analysed once, at the end."""

from typing import Annotated, Literal

from pydantic import Field

from anatrial.errors import Fault
from anatrial.rules.several_decisions import Sizes
from anatrial.spec import ArmSize, Name, Spec

RESERVED = ("all", "control")


class Dose(Spec):
    """An arm that is compared with the control."""

    name: Name
    n: ArmSize


class SeveralArms(Spec):
    """Every dose is compared with the one control; ``doses`` from the lowest to the highest."""

    kind: Literal["several_arms"]
    control: ArmSize
    doses: Annotated[tuple[Dose, ...], Field(min_length=2, max_length=4)]

    def sizes(self) -> Sizes:
        """Patients per arm."""
        return Sizes(self.control, tuple(dose.name for dose in self.doses), tuple(dose.n for dose in self.doses))

    def faults(self) -> list[Fault]:
        """Doses that share a name or have one with a meaning; places are named without the file."""
        found, seen = [], set[str]()
        for index, dose in enumerate(self.doses, start=1):
            place = f"design.doses {index}, name"
            if dose.name in seen:
                found.append(Fault(place, repr(dose.name), "a name that no other dose has"))
            if dose.name in RESERVED:
                found.append(
                    Fault(place, repr(dose.name), f"no name that means something else ({', '.join(RESERVED)})")
                )
            seen.add(dose.name)
        return found

    def said(self, treatment: str, control: str) -> str:
        """The layout in one sentence."""
        doses = ", ".join(f"{dose.n} on {treatment} {dose.name}" for dose in self.doses)
        return f"{doses} v {self.control} on {control}, one analysis at the end."
