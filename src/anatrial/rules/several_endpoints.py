"""When a trial with several endpoints succeeds: each endpoint has its test, and one rule for all of them."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Context, Decimal
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag

from anatrial.domain.counts import Look, Regions
from anatrial.errors import Fault
from anatrial.numerics import BoolArray, FloatArray, IntArray, exact
from anatrial.rules.base import Dial
from anatrial.rules.final import FinalRule
from anatrial.spec import Name, Spec, nearest

Test = Annotated[FinalRule, Field(discriminator="kind")]

SAME = 1e-12  # levels that differ by less are one level


class EndpointsRule(Spec):
    """One test per endpoint, all at the same level, and which endpoints may then be claimed."""

    tests: dict[Name, Test]
    """How each endpoint is judged: any one-sided rule that judges a finished trial, all at one level."""
    splits_level: ClassVar[bool] = False

    def divisors(self, endpoints: int) -> tuple[int, ...]:
        """By how much the level is divided, the undivided level first."""
        del endpoints
        return (1,)

    def claims(self, labels: IntArray, endpoints: tuple[str, ...]) -> BoolArray:
        """Which endpoints are claimed; ``labels`` count the levels at which each succeeds, shape (..., endpoints)."""
        raise TypeError(labels, endpoints)

    def wins(self, claims: BoolArray) -> BoolArray:
        """Whether the trial succeeds with these claims, shape (...)."""
        raise TypeError(claims)

    def bound(self, sizes: FloatArray) -> float:
        """Proven bound of the familywise error, whatever endpoints have an effect and whatever the rates.

        ``sizes``: largest type I error of each test at each level, shape (levels, endpoints).
        """
        raise TypeError(sizes)

    def said_of(self, each: str, treatment: str, control: str) -> str:
        """The rule in one sentence, given the tests in words."""
        raise TypeError(each, treatment, control)

    def ordered(self, endpoints: tuple[str, ...]) -> tuple[Test, ...]:
        """The tests in the order of the endpoints."""
        return tuple(self.tests[endpoint] for endpoint in endpoints)

    def at(self, test: Test, divisor: int) -> Test:
        """A test at a part of its level: alpha divided, or for a posterior what its certainty lacks to 1."""
        if divisor == 1:
            return test
        dial = test.dial
        assert dial is not None
        return test.dialled(divided(dial, divisor))

    def labels(self, endpoints: tuple[str, ...], look: Look) -> tuple[IntArray, ...]:
        """Per endpoint the number of levels at which each table succeeds, shape (n_t + 1, n_c + 1)."""
        return tuple(
            np.sum([found.success.grid for found in self.regions(test, len(endpoints), look)], axis=0, dtype=np.int64)
            for test in self.ordered(endpoints)
        )

    def regions(self, test: Test, endpoints: int, look: Look) -> tuple[Regions, ...]:
        """The deciding tables of one endpoint at each level, the weakest first."""
        return tuple(self.at(test, divisor).regions((look,))[0] for divisor in self.divisors(endpoints))

    def said(self, treatment: str = "treatment", control: str = "control") -> str:
        """The rule in one sentence."""
        tests = {name: _told(test.said(treatment, control)) for name, test in self.tests.items()}
        same = len(set(tests.values())) == 1
        each = next(iter(tests.values())) if same else "; ".join(f"{name}: {told}" for name, told in tests.items())
        return self.said_of(f"each if {each}" if same else each, treatment, control)

    def misfits(self, endpoints: tuple[str, ...], look: Look) -> Iterator[Fault]:
        """Tests that are missing or too many, that do not fit the trial, or whose levels differ."""
        for name in self.tests:
            if name not in endpoints:
                yield Fault(f"rule.tests.{name}", "no endpoint of the design", "an endpoint", nearest(name, endpoints))
        missing = [name for name in endpoints if name not in self.tests]
        for name in missing:
            yield Fault(f"rule.tests.{name}", "nothing", "a test for every endpoint", "say how this one is judged")
        if missing:
            return
        wrong = [f for name in endpoints for f in self._test_faults(name, self.tests[name], look, len(endpoints))]
        yield from wrong or self._level_faults(endpoints)

    def _test_faults(self, name: str, test: Test, look: Look, endpoints: int) -> Iterator[Fault]:
        place = f"rule.tests.{name}"
        arms = 2 if look.n_c else 1
        if arms not in test.arms:
            expected = "a rule for two arms" if look.n_c else "a rule for one arm (exact_binomial, posterior, criteria)"
            yield Fault(f"{place}.kind", repr(test.kind), expected, "or change the arms of design.n")
            return
        if test.two_sided or test.upper_null is not None or not test.one_way or test.three_way:
            fix = "alpha = half of alpha_two_sided" if test.two_sided else "another rule"
            expected = "a one-sided rule: claims are of benefit, and so is their error"
            yield Fault(place, "a rule that also looks the other way, or has a third outcome", expected, fix)
            return
        for fault in test.misfits((look,)):
            yield fault._replace(where=fault.where.replace("rule", place, 1))
        dial = test.dial
        if self.splits_level and (dial is None or not dial.nested):
            yield Fault(f"{place}.kind", repr(test.kind), "a rule with one level that can be divided", "another rule")
        elif self.splits_level and dial is not None and stricter(dial, divided(dial, endpoints)):
            yield Fault(f"{place}.{dial.name}", f"{dial.value:g}", f"a level that {endpoints} endpoints can share")

    def _level_faults(self, endpoints: tuple[str, ...]) -> Iterator[Fault]:
        dials = {name: self.tests[name].dial for name in endpoints}
        levels = {name: 1 - d.value if d.rises else d.value for name, d in dials.items() if d is not None}
        for (first, level), (name, other) in pairwise(levels.items()):
            if abs(level - other) > SAME:
                got = f"level {other:.6g}, while {first} has {level:.6g}"
                yield Fault(f"rule.tests.{name}", got, "the same level for every endpoint")


class CoPrimary(EndpointsRule):
    """Succeeds when every endpoint succeeds, each at the full level; one failure and nothing is claimed.

    Source: Berger (1982), Technometrics 24:295-300 (the intersection-union test has the level of its tests).
    """

    kind: Literal["co_primary"]

    def claims(self, labels: IntArray, endpoints: tuple[str, ...]) -> BoolArray:
        """All of them, or none."""
        del endpoints
        return np.repeat((labels >= 1).all(axis=-1, keepdims=True), labels.shape[-1], axis=-1)

    def wins(self, claims: BoolArray) -> BoolArray:
        """Where all are claimed."""
        return np.asarray(claims.all(axis=-1))

    def bound(self, sizes: FloatArray) -> float:
        """The largest of the tests: whichever endpoint has no effect would have to succeed."""
        return float(sizes[0].max())

    def said_of(self, each: str, treatment: str, control: str) -> str:
        """The rule in one sentence, given the tests in words."""
        del treatment, control
        return f"Success if every endpoint succeeds ({each})."


class Hierarchical(EndpointsRule):
    """Tests in a fixed order, each at the full level, until one fails; those before it are claimed.

    Source: Maurer, Hothorn & Lehmacher (1995), in Biometrie in der chemisch-pharmazeutischen Industrie 6:3-18.
    """

    kind: Literal["hierarchical"]
    order: Annotated[tuple[Name, ...], Field(min_length=2, max_length=5)]
    """The endpoints in the order in which they are tested."""
    success_after: Annotated[int, Field(ge=1, le=5)] = 1
    """How many endpoints in a row make the trial a success."""

    def claims(self, labels: IntArray, endpoints: tuple[str, ...]) -> BoolArray:
        """Every endpoint that succeeds after all those before it have."""
        places = [endpoints.index(name) for name in self.order]
        in_order = np.logical_and.accumulate(labels[..., places] >= 1, axis=-1)
        found = np.empty_like(in_order)
        found[..., places] = in_order
        return found

    def wins(self, claims: BoolArray) -> BoolArray:
        """Where enough are claimed: they are the first ones, in a row."""
        return np.asarray(claims.sum(axis=-1) >= self.success_after)

    def bound(self, sizes: FloatArray) -> float:
        """The largest of the tests: the first endpoint without effect would have to succeed."""
        return float(sizes[0].max())

    def said_of(self, each: str, treatment: str, control: str) -> str:
        """The rule in one sentence, given the tests in words."""
        del treatment, control
        first = " then ".join(self.order[: self.success_after])
        return f"Tested in the order {', '.join(self.order)} until one fails ({each}). Success if {first} succeeds."

    def misfits(self, endpoints: tuple[str, ...], look: Look) -> Iterator[Fault]:
        """An order that is not one of all endpoints."""
        yield from super().misfits(endpoints, look)
        if sorted(self.order) != sorted(endpoints):
            yield Fault("rule.order", ", ".join(self.order), f"each of {', '.join(endpoints)} once")
        elif self.success_after > len(endpoints):
            yield Fault("rule.success_after", str(self.success_after), f"at most the {len(endpoints)} endpoints")


class Bonferroni(EndpointsRule):
    """Each endpoint at the level divided by the number of endpoints; one is enough.

    Source: Dunn (1961), JASA 56:52-64.
    """

    kind: Literal["bonferroni"]
    splits_level: ClassVar[bool] = True

    def divisors(self, endpoints: int) -> tuple[int, ...]:
        """The level as it is, and shared by all."""
        return (1, endpoints)

    def claims(self, labels: IntArray, endpoints: tuple[str, ...]) -> BoolArray:
        """Each on its own."""
        del endpoints
        return np.asarray(labels >= 2)

    def wins(self, claims: BoolArray) -> BoolArray:
        """Where any is claimed."""
        return np.asarray(claims.any(axis=-1))

    def bound(self, sizes: FloatArray) -> float:
        """The sum of the tests (Boole's inequality)."""
        return float(min(sizes[-1].sum(), 1.0))

    def said_of(self, each: str, treatment: str, control: str) -> str:
        """The rule in one sentence, given the tests in words."""
        del treatment, control
        return f"Success if any endpoint succeeds at its level divided by {len(self.tests)} (Bonferroni; {each})."


class Holm(EndpointsRule):
    """The strongest endpoint at the level divided by their number, the next by one less, until one fails.

    Source: Holm (1979), Scandinavian Journal of Statistics 6:65-70.
    """

    kind: Literal["holm"]
    splits_level: ClassVar[bool] = True

    def divisors(self, endpoints: int) -> tuple[int, ...]:
        """From the whole level to its smallest part."""
        return tuple(range(1, endpoints + 1))

    def claims(self, labels: IntArray, endpoints: tuple[str, ...]) -> BoolArray:
        """The strongest ones, as long as the one at place j succeeds at the level divided by those still left."""
        del endpoints
        number = labels.shape[-1]
        strongest = -np.sort(-labels, axis=-1)
        passed = np.logical_and.accumulate(strongest >= number - np.arange(number), axis=-1).sum(axis=-1, keepdims=True)
        return np.asarray((labels >= number - passed + 1) & (passed > 0))

    def wins(self, claims: BoolArray) -> BoolArray:
        """Where any is claimed."""
        return np.asarray(claims.any(axis=-1))

    def bound(self, sizes: FloatArray) -> float:
        """Where m endpoints have no effect one of them would have to succeed at the level divided by m (Holm 1979)."""
        largest = -np.sort(-sizes, axis=1)
        return float(min(max(row[: m + 1].sum() for m, row in enumerate(largest)), 1.0))

    def said_of(self, each: str, treatment: str, control: str) -> str:
        """The rule in one sentence, given the tests in words."""
        del treatment, control
        return f"Success if any endpoint succeeds by Holm's procedure over {len(self.tests)} endpoints ({each})."


def divided(dial: Dial, divisor: int) -> float:
    """A level divided: alpha, or what a certainty lacks to 1; in decimals, so that a third of 0.3 is 0.1.

    Of a share without end the last of 15 digits is rounded up, so that a p-value of just that share still rejects.
    """
    level = exact.decimal(dial.value)
    part = 1 - (1 - level) / divisor if dial.rises else level / divisor
    return float(Context(prec=15, rounding=ROUND_CEILING).divide(Decimal(part.numerator), Decimal(part.denominator)))


def stricter(dial: Dial, value: float) -> bool:
    """Whether a value is stricter than the dial goes."""
    return value > dial.strictest if dial.rises else value < dial.strictest


def _told(sentence: str) -> str:
    """A test inside another sentence."""
    return sentence.removeprefix("Success if ").removesuffix(".")


def _kind(rule: Any) -> str | None:
    return rule.get("kind") if isinstance(rule, dict) else getattr(rule, "kind", None)


EndpointsRules = Annotated[
    Annotated[Bonferroni, Tag("bonferroni")]
    | Annotated[CoPrimary, Tag("co_primary")]
    | Annotated[Hierarchical, Tag("hierarchical")]
    | Annotated[Holm, Tag("holm")],
    Discriminator(
        _kind,
        custom_error_type="multiplicity",
        custom_error_message="kind = bonferroni, co_primary, hierarchical or holm, with a test per endpoint: "
        "several endpoints share one error",
    ),
]
"""Several endpoints without a rule for multiplicity are refused, whatever test is named instead."""
