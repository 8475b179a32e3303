"""Fleming's multiple testing procedure for one arm."""

import math
from typing import Literal

from scipy.special import ndtri

from anatrial.domain.counts import Look
from anatrial.rules.base import Alpha, Dial, alpha_dial
from anatrial.rules.one_arm import OneArm, Stops


class Fleming(OneArm):
    """Tests at every look with the normal approximation at the final size; stops for success or futility.

    Alpha is nominal: the exact type I error of the counts can lie above it. Source: Fleming (1982), Biometrics
    38:143-151: with n patients at a look and N at the end, success at [n p0 + z sqrt(N p0 q0)] + 1 responders and
    futility at [n p' - z sqrt(N p' q')], where p' is the rate whose lower limit N p' - z sqrt(N p' q') is the upper one
    N p0 + z sqrt(N p0 q0) of the null rate, and [ ] rounds to the nearest whole number.
    """

    kind: Literal["fleming"]
    alpha: Alpha
    """Nominal, one-sided."""

    @property
    def dial(self) -> Dial | None:
        """Alpha: it moves success and futility."""
        return alpha_dial(self.alpha)._replace(nested=False)

    def stops(self, looks: tuple[Look, ...]) -> tuple[Stops, ...]:
        """The counts by the formulas; futility below 0 and success above the total are never."""
        total, null, z = looks[-1].n_t, self.null_rate, -float(ndtri(self.alpha))
        other = (math.sqrt(total * null) + math.sqrt(1 - null) * z) ** 2 / (total + z * z)
        found = []
        for look in looks:
            success = _nearest(look.n_t * null + z * math.sqrt(total * null * (1 - null))) + 1
            futility = _nearest(look.n_t * other - z * math.sqrt(total * other * (1 - other)))
            last = look == looks[-1]
            found.append(Stops(-1 if last else max(futility, -1), min(success, look.n_t + 1)))
        return tuple(found)

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        del control
        return (
            f"Success if Fleming's procedure at a nominal one-sided {self.alpha:g} finds the rate on {treatment} above "
            f"{self.null_rate:g}, at any look; it also stops for futility."
        )


def _nearest(value: float) -> int:
    """The nearest whole number, halves up."""
    return math.floor(value + 0.5)
