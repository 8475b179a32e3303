"""A response rate we are unsure of, as a weighted sum of Betas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, Self

import numpy as np
from scipy.special import betainc, betaln

from anatrial.domain import mixture_json
from anatrial.errors import ComputationError, Fault, InputError
from anatrial.numerics import FloatArray, beta, difference, information, mixture_fit

LEAST_SHAPE, MOST_SHAPE = 1e-3, 1e6
FEWEST_DRAWS = 20
Strength = Literal["elir", "elir_log_odds", "morita", "mode"]  # what may be missing


def shapes_of(mean: float, effective_n: float) -> tuple[float, float]:
    """Shapes of the Beta with this mean and a + b = ``effective_n``; ``ValueError`` where one is below 0.001."""
    a, b = mean * effective_n, (1 - mean) * effective_n
    if min(a, b) < LEAST_SHAPE:
        got = f"mean {mean:g} with effective_n {effective_n:g}, that is Beta({a:.2g}, {b:.2g})"
        raise ValueError(f"{got} | shapes of at least 0.001")
    return a, b


class BetaPart(NamedTuple):
    """One Beta component; ``a`` and ``b`` read as prior responders and non-responders."""

    weight: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class BetaMixture:
    """A response rate we are unsure of, as a weighted sum of Betas.

    Weights are positive and sum to 1; shapes lie in [1e-3, 1e6]. Anything else raises ``InputError``.
    """

    parts: tuple[BetaPart, ...]

    def __post_init__(self) -> None:
        total = math.fsum(part.weight for part in self.parts)
        weights_fit = all(0 <= part.weight <= 1 for part in self.parts) and abs(total - 1) < 1e-9
        if not self.parts or not weights_fit:
            got = ", ".join(f"{part.weight:g}" for part in self.parts) or "no part"
            raise InputError(Fault("mixture, weights", got, "weights of 0 to 1 that sum to 1"))
        for part in self.parts:
            if not all(LEAST_SHAPE <= shape <= MOST_SHAPE for shape in part[1:]):
                expected = f"shapes from {LEAST_SHAPE:g} to {MOST_SHAPE:g}"
                raise InputError(Fault("mixture, shapes", f"Beta({part.a:g}, {part.b:g})", expected))

    @classmethod
    def beta(cls, a: float, b: float) -> Self:
        """One Beta(a, b)."""
        return cls((BetaPart(1.0, a, b),))

    @classmethod
    def with_median(cls, median: float, lower: float, upper: float, level: float) -> Self:
        """The Beta with this median whose interval [lower, upper] holds probability ``level``.

        Bisection on a + b: the interval's probability grows with it. Raises ``ComputationError`` if no Beta does it.
        """

        def at(strength: float) -> tuple[float, float, float]:
            low, high = 1e-9, 1 - 1e-9
            for _ in range(200):  # the median falls as the share of b grows
                share = 0.5 * (low + high)
                low, high = (
                    (share, high) if betainc(share * strength, (1 - share) * strength, median) > 0.5 else (low, share)
                )
            a, b = low * strength, (1 - low) * strength
            return a, b, float(betainc(a, b, upper) - betainc(a, b, lower))

        weak, strong = 0.01, 1e5
        if not at(weak)[2] < level < at(strong)[2]:
            raise ComputationError(
                f"no Beta has median {median:g} and probability {level:g} between {lower:g} and {upper:g}"
            )
        while strong / weak > 1 + 1e-13:
            middle = math.sqrt(weak * strong)
            weak, strong = (middle, strong) if at(middle)[2] < level else (weak, middle)
        a, b, _ = at(strong)
        return cls.beta(a, b)

    @classmethod
    def of_draws(cls, rates: Sequence[float] | FloatArray) -> Self:
        """A mixture of 1 to 4 Betas, shapes at least 1, for draws of a rate, chosen as RBesT's ``automixfit`` does.

        ``rates`` has shape (draws,), each above 0 and below 1, at least 20 of them; otherwise ``InputError``. The
        number of parts has the least -2 log likelihood + 6 per parameter.
        """
        draws = np.asarray(rates, dtype=np.float64)
        if draws.ndim != 1 or len(draws) < FEWEST_DRAWS or not bool(((draws > 0) & (draws < 1)).all()):
            got = f"an array of shape {draws.shape}" + (
                f" from {draws.min():g} to {draws.max():g}" if draws.size else ""
            )
            raise InputError(Fault("draws", got, f"at least {FEWEST_DRAWS} rates above 0 and below 1"))
        parts, _ = mixture_fit.of_draws(draws)
        total = math.fsum(parts[:, 0])
        return cls(tuple(BetaPart(w / total, a, b) for w, a, b in parts.tolist()))

    @classmethod
    def from_rbest(cls, text: str) -> Self:
        """The mixture in a file that RBesT's ``write_mix_json`` wrote; ``InputError`` where it is none of a rate."""
        parts = mixture_json.read(text, shapes=(LEAST_SHAPE, MOST_SHAPE))
        return cls(tuple(BetaPart(*part) for part in parts))

    def to_rbest(self) -> str:
        """The mixture as JSON for RBesT's ``read_mix_json``, every digit kept."""
        return mixture_json.written(self.parts)

    def robustified(self, part: BetaPart) -> Self:
        """The mixture with ``part`` added: the other weights are scaled by one minus its weight."""
        kept = tuple(BetaPart(p.weight * (1 - part.weight), p.a, p.b) for p in self.parts)
        return type(self)((*kept, part) if part.weight > 0 else self.parts)

    @property
    def array(self) -> FloatArray:
        """Weights and shapes, shape (K, 3)."""
        return np.array(self.parts, dtype=np.float64)

    @property
    def mean(self) -> float:
        """Expected rate."""
        return math.fsum(w * a / (a + b) for w, a, b in self.parts)

    @property
    def sd(self) -> float:
        """Standard deviation of the rate: spread within the parts and between their means."""
        mean = self.mean
        return math.sqrt(
            math.fsum(w * (a * b / ((a + b) ** 2 * (a + b + 1)) + (a / (a + b) - mean) ** 2) for w, a, b in self.parts)
        )

    @property
    def effective_n(self) -> float:
        """Moment effective sample size: a + b of the one Beta with this mean and standard deviation.

        Source: Morita, Thall & Mueller (2008), Biometrics 64:595-602, section 2; the "moment" method of RBesT.
        """
        if len(self.parts) == 1:
            return self.parts[0].a + self.parts[0].b
        return self.mean * (1 - self.mean) / self.sd**2 - 1

    @property
    def elir(self) -> float | None:
        """Expected local-information ratio, in patients: how peaked the prior is, averaged over itself.

        May be negative; None where it does not exist, and ``why_no("elir")`` says why.
        Source: Neuenschwander, Weber, Schmidli & O'Hagan (2020), Biometrics 76:578-587.
        """
        return None if self.why_no("elir") else information.elir(self.array)

    @property
    def elir_log_odds(self) -> float | None:
        """The same with the density of the log odds; it exists more often. None where ``why_no`` says why."""
        return None if self.why_no("elir_log_odds") else information.elir_log_odds(self.array)

    @property
    def morita(self) -> float | None:
        """Effective sample size from the curvature at the mode: the most optimistic. None where ``why_no`` says why.

        Source: Morita, Thall & Mueller (2008), Biometrics 64:595-602, as RBesT has it.
        """
        return None if self.why_no("morita") else information.morita(self.array)

    @property
    def mode(self) -> float | None:
        """The rate with the highest density, 0 and 1 included; None where ``why_no`` says why."""
        return None if self.why_no("mode") else information.mode(self.array)

    def why_no(self, number: Strength) -> str:
        """Why a number does not exist for this mixture, in words; empty where it does."""
        return information.WHY_NOT[number](self.array)

    def draws(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Rates drawn at random, shape (count,): for each a part by its weight, then a rate from that part."""
        weight, a, b = self.array.T
        part = np.minimum(np.searchsorted(np.cumsum(weight), rng.random(count), side="right"), len(weight) - 1)
        return np.asarray(rng.beta(a[part], b[part]))

    def density(self, rate: float) -> float:
        """Density at a rate in [0, 1]; may be infinite at the ends."""
        return float(np.exp(beta.log_density(self.array, np.array([rate]))[0]))

    def cdf(self, rate: float) -> float:
        """P(rate <= x)."""
        return float(beta.cdf(self.array, np.array([rate]))[0])

    def survival(self, rate: float) -> float:
        """P(rate > x), accurate where it is small."""
        return float(beta.survival(self.array, np.array([rate]))[0])

    def quantile(self, p: float) -> float:
        """The rate below which the mixture has probability ``p``."""
        return beta.quantile(self.array, p)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Equal-tailed interval that holds probability ``level``."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def updated(self, x: int, n: int) -> Self:
        """Posterior after x responders in n patients; weights follow each part's prediction."""
        if not 0 <= x <= n:
            raise InputError(Fault("update", f"{x} of {n}", "0 <= responders <= n"))
        log_w = [
            (math.log(w) if w > 0 else -math.inf) + float(betaln(a + x, b + (n - x)) - betaln(a, b))
            for w, a, b in self.parts
        ]
        raw = np.exp(np.array(log_w) - max(log_w))
        pairs = zip((raw / raw.sum()).tolist(), self.parts, strict=True)
        return type(self)(tuple(BetaPart(w, a + x, b + (n - x)) for w, (_, a, b) in pairs))

    def predictive(self, n: int) -> FloatArray:
        """Probability of 0..n responders in the next n patients, shape (n + 1,)."""
        return beta.beta_binomial(self.array, n)

    def predicted_quantile(self, p: float, n: int) -> int:
        """The least count whose predictive probability of at most that many reaches ``p``."""
        return min(int(np.searchsorted(np.cumsum(self.predictive(n)), p - 1e-12)), n)

    def probability_above(self, other: BetaMixture, margin: float = 0.0) -> float:
        """P(self > other + margin) for independent rates, accurate where it is small."""
        return _above(self, other, margin)

    def difference_density(self, other: BetaMixture, x: float) -> float:
        """Density of self - other at x, for independent rates; may be infinite at 0."""
        return difference.density(self.array, other.array, x)

    def difference_quantile(self, other: BetaMixture, p: float) -> float:
        """The difference self - other below which lies probability ``p``, for independent rates."""
        return difference.quantile(self.array, other.array, p)

    def said(self) -> str:
        """Closed form in words: ``0.8 Beta(8, 26) + 0.2 Beta(1, 1)``."""
        said = [(f"{w:.4g} " if len(self.parts) > 1 else "") + f"Beta({a:.6g}, {b:.6g})" for w, a, b in self.parts]
        return " + ".join(said)


@lru_cache(maxsize=256)  # thousands of cells of a sweep ask the same of the same priors
def _above(one: BetaMixture, other: BetaMixture, margin: float) -> float:
    return difference.upper_tail(one.array, other.array, margin)
