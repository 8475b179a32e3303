"""When doses that share one control succeed: a max test, closed testing, a fixed order, or what is believed."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from anatrial.domain.counts import Look
from anatrial.domain.prior import PriorRef
from anatrial.errors import ComputationError, Fault
from anatrial.numerics import BoolArray, FloatArray, IntArray, dunnett, exact
from anatrial.numerics.max_test import SAME, exact_critical
from anatrial.numerics.two_by_two import fisher_tails, z_grid
from anatrial.rules.base import Alpha, beyond
from anatrial.rules.boschloo import Boschloo
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.fisher import Fisher
from anatrial.rules.fisher_midp import FisherMidp
from anatrial.rules.posterior import AnalysisPrior, Posterior
from anatrial.rules.several_decisions import Decisions, Graded, LargestZ, PooledClosed, Sizes
from anatrial.rules.z_pooled import ZPooled
from anatrial.rules.z_unpooled import ZUnpooled
from anatrial.spec import Name, OpenRate, RateDifference, Spec, nearest

DoseTest = Annotated[
    Boschloo | ChiSquare | Fisher | FisherMidp | ZPooled | ZUnpooled,
    Field(discriminator="kind"),
]
"""Tests of one dose v control; one-sided, at ``alpha``."""


class Dunnett(Spec):
    """A dose succeeds where its statistic passes one critical value for all: Dunnett's single-step test.

    ``statistic``: ``z`` takes the pooled z of the dose and the control; ``z_all_arms`` the variance of all arms
    together; ``fisher`` the one-sided p-value of Fisher's test. ``critical``: ``exact`` is the least critical value
    whose familywise error on counts is proven to be at most alpha at every common rate; ``normal`` is that of the
    multivariate normal distribution with the correlation of the allocation, which counts do not keep to.

    Source: Dunnett (1955), JASA 50:1096-1121.
    """

    kind: Literal["dunnett"]
    alpha: Alpha
    statistic: Literal["z", "z_all_arms", "fisher"] = "z"
    critical: Literal["exact", "normal"] = "exact"

    def faults(self, sizes: Sizes) -> Iterator[Fault]:
        """A critical value that is not known on counts."""
        del sizes
        if self.statistic == "z_all_arms" and self.critical == "exact":
            expected = 'critical = "normal", or a statistic of one dose and the control (z, fisher)'
            yield Fault("rule.critical", "'exact' with the variance of all arms", expected)

    def normal_critical(self, sizes: Sizes) -> float:
        """The critical z by normal theory."""
        return dunnett.critical(self.alpha, dunnett.shares_of_control(np.array(sizes.doses), sizes.control))

    def decisions(self, sizes: Sizes) -> Decisions:
        """Which doses succeed."""
        z = self.normal_critical(sizes)
        if self.statistic == "z_all_arms":
            return LargestZ(sizes, z)
        grids = tuple(self._statistic(n, sizes.control) for n in sizes.doses)
        least = z if self.statistic == "z" else -math.log(ndtr(-z))
        critical = least if self.critical == "normal" else exact_critical(grids, self.alpha).critical
        return Graded(sizes, tuple((grid >= critical - SAME).astype(np.int64) for grid in grids), own(sizes))

    def _statistic(self, n: int, n_c: int) -> FloatArray:
        if self.statistic == "z":
            return z_grid(n, n_c)
        return np.asarray(-np.log(np.maximum(fisher_tails(n, n_c)[0], 1e-300)))

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        which = {"z": "the pooled z", "z_all_arms": "the z with the variance of all arms", "fisher": "Fisher's p-value"}
        how = "exact on counts" if self.critical == "exact" else "by normal theory"
        test = f"Dunnett's test ({which[self.statistic]}, critical value {how})"
        return (
            f"A dose of {treatment} succeeds if {test} finds it better than {control}, one-sided alpha {self.alpha:g}."
        )


class ClosedTesting(Spec):
    """A dose succeeds where its own test rejects and so does the test of every set of doses that holds it.

    ``together`` tests a set of m doses at alpha: ``bonferroni`` if one p-value is at most alpha / m (Holm's procedure);
    ``simes`` if the j-th smallest is at most j alpha / m for some j (Hommel's); ``dunnett`` if one is at most the level
    of Dunnett's normal critical value for these doses (step-down); ``pooled`` if the same test rejects of all these
    doses counted as one arm.

    Source: Marcus, Peritz & Gabriel (1976), Biometrika 63:655-660; Simes (1986), Biometrika 73:751-754.
    """

    kind: Literal["closed_testing"]
    test: DoseTest
    together: Literal["bonferroni", "simes", "dunnett", "pooled"]

    def faults(self, sizes: Sizes) -> Iterator[Fault]:
        """A test that also looks for harm."""
        del sizes
        yield from one_sided_faults(self.test)

    def decisions(self, sizes: Sizes) -> Decisions:
        """Which doses succeed."""
        k = len(sizes.doses)
        sets = [doses for m in range(2, k + 1) for doses in combinations(range(k), m)]
        if self.together == "pooled":
            alone = tuple(rejects(self.test, n, sizes.control) for n in sizes.doses)
            pooled = tuple(
                (doses, rejects(self.test, sum(sizes.doses[d] for d in doses), sizes.control)) for doses in sets
            )
            return PooledClosed(sizes, alone, pooled)
        needed = {doses: self._levels(sizes, doses) for doses in sets} | {(d,): (self.test.level,) for d in range(k)}
        ladder = sorted({level for levels in needed.values() for level in levels})
        grades = tuple(strengths(self.test, ladder, n, sizes.control) for n in sizes.doses)
        return Graded(sizes, grades, _closed(k, ladder, needed))

    def _levels(self, sizes: Sizes, doses: tuple[int, ...]) -> tuple[float, ...]:
        """The p-values that some, then more, doses of a set must not pass: the j-th for j of them."""
        m = len(doses)
        match self.together:
            case "simes":
                return tuple(share(self.test.level, j, m) for j in range(1, m + 1))
            case "dunnett":
                n = np.array([sizes.doses[d] for d in doses])
                shares = dunnett.shares_of_control(n, sizes.control)
                return (float(ndtr(-dunnett.critical(self.test.level, shares))),)
            case _:
                return (share(self.test.level, 1, m),)

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        how = {
            "bonferroni": "Bonferroni",
            "simes": "Simes",
            "dunnett": "Dunnett's normal critical value",
            "pooled": "the same test of the doses counted as one arm",
        }[self.together]
        test = f"{named(self.test)}, one-sided alpha {self.test.level:g}, sets of doses by {how}"
        return f"A dose of {treatment} succeeds if closed testing ({test}) finds it better than {control}."


class Hierarchical(Spec):
    """Doses are tested in a fixed order, each at the whole alpha, until one fails.

    Source: Maurer, Hothorn & Lehmacher (1995), in Biometrie in der chemisch-pharmazeutischen Industrie 6:3-18.
    """

    kind: Literal["hierarchical"]
    order: Annotated[tuple[Name, ...], Field(min_length=2, max_length=4)]
    test: DoseTest

    def faults(self, sizes: Sizes) -> Iterator[Fault]:
        """Doses that are not there, missing, or twice in the order; a test that also looks for harm."""
        yield from one_sided_faults(self.test)
        yield from named_doses("rule.order", self.order, sizes)

    def decisions(self, sizes: Sizes) -> Decisions:
        """Which doses succeed."""
        grades = tuple(rejects(self.test, n, sizes.control).astype(np.int64) for n in sizes.doses)
        succeeds = own(sizes)
        so_far = np.ones(succeeds.shape[:-1], dtype=np.bool_)
        for name in self.order:
            at = sizes.names.index(name)
            so_far = so_far & succeeds[..., at]
            succeeds[..., at] = so_far
        return Graded(sizes, grades, succeeds)

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        order, test = ", then ".join(self.order), f"{named(self.test)}, one-sided alpha {self.test.level:g}"
        return f"Doses of {treatment} are compared with {control} in the order {order}, until one fails ({test})."


class DosePriors(Spec):
    """What the final analysis assumes of each arm before it sees the trial's data."""

    control: PriorRef
    doses: dict[Name, PriorRef]


class DosePosterior(Spec):
    """A dose succeeds where P(its rate > control rate + margin | data) exceeds the certainty, strictly."""

    kind: Literal["posterior"]
    certainty: OpenRate
    margin: RateDifference = 0.0
    analysis_prior: DosePriors

    def faults(self, sizes: Sizes) -> Iterator[Fault]:
        """Doses without a prior, and priors without a dose."""
        yield from named_doses("rule.analysis_prior.doses", tuple(self.analysis_prior.doses), sizes)

    def decisions(self, sizes: Sizes) -> Decisions:
        """Which doses succeed."""
        grades = []
        for name, n in zip(sizes.names, sizes.doses, strict=True):
            prior = AnalysisPrior(treatment=self.analysis_prior.doses[name], control=self.analysis_prior.control)
            rule = Posterior(kind="posterior", certainty=self.certainty, margin=self.margin, analysis_prior=prior)
            (regions,) = rule.regions((Look(n, sizes.control),))
            grades.append(regions.success.grid.astype(np.int64))
        return Graded(sizes, tuple(grades), own(sizes))

    def said(self, treatment: str, control: str) -> str:
        """The rule in one sentence."""
        said = f"P(its rate > {control} rate{beyond(self.margin)} | data) > {self.certainty:.12g}"
        return f"A dose of {treatment} succeeds if {said}."


SeveralArmsRule = Annotated[ClosedTesting | DosePosterior | Dunnett | Hierarchical, Field(discriminator="kind")]


def margin_of(rule: ClosedTesting | DosePosterior | Dunnett | Hierarchical) -> float:
    """Dose rate minus control rate at the edge of no effect."""
    return rule.margin if isinstance(rule, DosePosterior) else 0.0


def named_doses(place: str, given: tuple[str, ...], sizes: Sizes) -> Iterator[Fault]:
    """Names that are no dose, doses that are not named, and names given twice."""
    for name in given:
        if name not in sizes.names:
            yield Fault(place, repr(name), "a dose of the design", nearest(name, sizes.names))
    missing = [name for name in sizes.names if name not in given]
    if missing:
        yield Fault(place, f"nothing for {', '.join(missing)}", f"every dose of the design ({', '.join(sizes.names)})")
    if len(set(given)) < len(given):
        yield Fault(place, ", ".join(given), "every dose once")


def one_sided_faults(test: DoseTest) -> Iterator[Fault]:
    """A dose has to be better: tests of several doses are one-sided."""
    if test.two_sided:
        fix = f"alpha = {test.level / 2:g}"
        yield Fault("rule.test.alpha_two_sided", f"{test.level:g}", "alpha, one-sided", fix)


def named(test: DoseTest) -> str:
    """What a test is called."""
    return {
        "boschloo": "Boschloo's test",
        "chi_square": "the chi-square test",
        "fisher": "Fisher's exact test",
        "fisher_midp": "Fisher's mid-p test",
        "z_pooled": "the unconditional exact test by pooled z",
        "z_unpooled": "the unconditional exact test by unpooled z",
    }[test.kind]


def rejects(test: DoseTest, n: int, n_c: int) -> BoolArray:
    """The tables (x_dose, x_c) at which a test succeeds, shape (n + 1, n_c + 1)."""
    return test.regions((Look(n, n_c),))[0].success.grid


def strengths(test: DoseTest, ladder: list[float], n: int, n_c: int) -> IntArray:
    """At how many of these levels, from the largest down, a test rejects each table; shape (n + 1, n_c + 1)."""
    grids = np.stack([rejects(test.model_copy(update={"alpha": level}), n, n_c) for level in ladder])
    if (grids[:-1] & ~grids[1:]).any():
        raise ComputationError(f"{named(test)} rejects at a smaller level what it keeps at a larger one")
    return np.asarray(grids.sum(axis=0))


def share(alpha: float, j: int, m: int) -> float:
    """The j-th m-th of alpha, never below it: a p-value that is just that, as 1/120 of 0.025 / 3, is to reject."""
    wanted = exact.decimal(alpha) * Fraction(j, m)
    found = float(wanted)
    while exact.decimal(found) < wanted:
        found = math.nextafter(found, 1.0)
    return found


def own(sizes: Sizes) -> BoolArray:
    """Every dose succeeds where its own strength is 1, shape (2, ..., 2, doses)."""
    k = len(sizes.doses)
    return np.stack([grid.astype(np.bool_) for grid in np.indices((2,) * k)], axis=-1)


def _closed(k: int, ladder: list[float], needed: dict[tuple[int, ...], tuple[float, ...]]) -> BoolArray:
    """Which doses closed testing rejects at each combination of strengths, shape (levels + 1, ..., doses)."""
    strength = np.indices((len(ladder) + 1,) * k)
    found = np.ones((*strength.shape[1:], k), dtype=np.bool_)
    for doses, levels in needed.items():
        rejected = np.zeros(strength.shape[1:], dtype=np.bool_)
        for j, level in enumerate(levels, start=1):
            enough = len(ladder) - ladder.index(level)
            rejected |= (strength[list(doses)] >= enough).sum(axis=0) >= j
        for dose in doses:
            found[..., dose] &= rejected
    return found
