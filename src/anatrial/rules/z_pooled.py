"""The unconditional exact test by the pooled z (Suissa and Shuster)."""

from typing import ClassVar, Literal

from anatrial.domain.counts import Look
from anatrial.numerics import FloatArray
from anatrial.numerics.two_by_two import pooled_order
from anatrial.rules.unconditional import Barnard


class ZPooled(Barnard):
    """Barnard's test by the z with one variance for both arms: p is the largest size of all tables as extreme.

    Its type I error is proven to stay at most alpha. Two-sided, ``absolute`` ranks the tables by |z| (scipy does so),
    ``doubled`` takes twice the smaller one-sided value. Tables without any, or with only, responders never reject.

    Source: Barnard (1947), Biometrika 34:123-138; Suissa & Shuster (1985), JRSS A 148:317-327.
    """

    kind: Literal["z_pooled"]
    test: ClassVar[str] = "the unconditional exact test by pooled z (Barnard, Suissa & Shuster)"
    why_no_margin: ClassVar[str] = "the pooled z supposes that both rates are equal under the null"

    def signed(self, look: Look) -> FloatArray:
        """The squared pooled z with its sign, so that equal z are equal to the last bit."""
        return pooled_order(*look)
