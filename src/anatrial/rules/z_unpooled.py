"""The unconditional exact test by the z with a variance for each arm."""

from typing import ClassVar, Literal

from anatrial.domain.counts import Look
from anatrial.numerics import FloatArray
from anatrial.numerics.two_by_two import unpooled_order
from anatrial.rules.unconditional import Barnard


class ZUnpooled(Barnard):
    """Barnard's test by the z with a variance for each arm: p is the largest size of all tables as extreme.

    Its type I error is proven to stay at most alpha. Two-sided, ``absolute`` ranks the tables by |z| (scipy does so),
    ``doubled`` takes twice the smaller one-sided value. It takes no margin: with one this z is not monotone. Tables
    without any, or with only, responders never reject; only responders against none is the most extreme result.

    Source: Barnard (1947), Biometrika 34:123-138; Suissa & Shuster (1985), JRSS A 148:317-327.
    """

    kind: Literal["z_unpooled"]
    test: ClassVar[str] = "the unconditional exact test by unpooled z (Barnard)"
    why_no_margin: ClassVar[str] = "with one this z is not monotone, more responders on treatment can lower it"

    def signed(self, look: Look) -> FloatArray:
        """The squared z with its sign, so that equal z are equal to the last bit."""
        return unpooled_order(*look)
