"""The placebo switch against an enumeration of every patient's fate, in fractions and by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction
from functools import cache
from math import comb
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.building import drawn, points
from tests.tolerances import ROUNDING

from anatrial.designs.switch import Switch
from anatrial.domain.counts import Look, Region, Regions
from anatrial.engine.switch import AfterSwitch, Predicted, after_switch, predicted
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.points import Points

N = 2  # patients per arm: 196 fates of the control arm times 64 of the other


class Fate(NamedTuple):
    """What happens to one patient; None where the question does not arise."""

    responds: bool
    goes_on: bool
    again: bool | None
    end: str | None
    """Cause of stopping, or "stays"."""


class World(NamedTuple):
    """The numbers of one case: rates, or shapes (a, b) of a Beta; shares of ends, or shapes of their Dirichlet."""

    rate_t: Fraction | tuple[int, int]
    rate_c: Fraction | tuple[int, int]
    again: Fraction | tuple[int, int]
    ends: tuple[Fraction, ...]
    """Per cause, and last of staying."""
    known: bool
    """Whether ``ends`` are shares."""


CAUSES = ("event", "flare")
KNOWN = World(
    Fraction(3, 4), Fraction(1, 8), Fraction(7, 8), (Fraction(1, 8), Fraction(1, 4), Fraction(5, 8)), known=True
)
UNCERTAIN = World((9, 5), (2, 12), (10, 2), (Fraction(5, 2), Fraction(3, 2), Fraction(9)), known=False)
"""2 and 1 stops of 11: the uniform share who stop puts 1/2 on each cause and 1 on staying."""


def fates(delayed: bool) -> list[Fate]:
    """Every fate of one patient."""
    found = []
    for responds, goes_on in itertools.product((True, False), repeat=2):
        if not goes_on:
            found.append(Fate(responds, goes_on, None, None))
            continue
        for end in (*CAUSES, "stays"):
            found += [Fate(responds, goes_on, again, end) for again in ((True, False) if delayed else (None,))]
    return found


@cache
def chance(shape: Fraction | tuple[int, int], yes: int, no: int) -> Fraction:
    """Probability of a sequence of so many yes and no: known rate, or Beta-distributed (Polya's urn)."""
    if isinstance(shape, Fraction):
        return shape**yes * (1 - shape) ** no
    a, b = shape
    total = Fraction(1)
    for k in range(yes):
        total *= a + k
    for k in range(no):
        total *= b + k
    for k in range(yes + no):
        total /= a + b + k
    return total


@cache
def ending(world: World, counts: tuple[int, ...]) -> Fraction:
    """Probability of a sequence with these ends: known shares, or Dirichlet-distributed (Polya's urn)."""
    total, seen, whole = Fraction(1), 0, sum(world.ends)
    for shape, count in zip(world.ends, counts, strict=True):
        for k in range(count):
            total *= shape if world.known else (shape + k) / (whole + seen)
            seen += 1
    return total


def enumerated(world: World, going: dict[str, tuple[Fraction, Fraction]]) -> dict[tuple[int, ...], Fraction]:
    """Probability of every (switched, responders after, on drug early, late early, on drug delayed, late delayed, ...).

    Last come stops per cause. ``going``: per arm the share of responders and of non-responders who go on.
    """
    law: dict[tuple[int, ...], Fraction] = {}
    for early in itertools.product(fates(delayed=False), repeat=N):
        for delayed in itertools.product(fates(delayed=True), repeat=N):
            p = chance(world.rate_t, *_split(f.responds for f in early))
            p *= chance(world.rate_c, *_split(f.responds for f in delayed))
            for fate, arm in [*((f, "early") for f in early), *((f, "delayed") for f in delayed)]:
                share = going[arm][0 if fate.responds else 1]
                p *= share if fate.goes_on else 1 - share
            p *= chance(world.again, *_split(f.again for f in delayed if f.goes_on))
            ends = Counter(f.end for f in (*early, *delayed) if f.end is not None)
            p *= ending(world, (*(ends[cause] for cause in CAUSES), ends["stays"]))
            key = (
                sum(f.goes_on for f in delayed),
                sum(f.again is True for f in delayed),
                sum(f.end == "stays" for f in early),
                sum(f.end == "stays" and f.responds for f in early),
                sum(f.end == "stays" for f in delayed),
                sum(f.end == "stays" and f.again is True for f in delayed),
                *(ends[cause] for cause in CAUSES),
            )
            law[key] = law.get(key, Fraction(0)) + p
    assert sum(law.values()) == 1
    return law


def _split(answers: Any) -> tuple[int, int]:
    said = list(answers)
    return sum(said), len(said) - sum(said)


def marginal(law: dict[tuple[int, ...], Fraction], *places: int) -> list[Fraction]:
    """Law of the sum of some of the counts."""
    found = [Fraction(0)] * (2 * N + 1)
    for key, p in law.items():
        found[sum(key[place] for place in places)] += p
    return found


def summary(law: list[Fraction]) -> tuple[Fraction, int, int]:
    """Mean and central 95 % range of a law, in fractions."""
    mean = sum((k * p for k, p in enumerate(law)), Fraction(0))
    ends = [next(k for k in range(len(law)) if sum(law[: k + 1]) >= q) for q in (Fraction(1, 40), Fraction(39, 40))]
    return mean, ends[0], ends[1]


def close(found: Predicted, law: list[Fraction]) -> None:
    """The mean to rounding, the range exactly."""
    mean, lower, upper = summary(law)
    assert found.mean == pytest.approx(float(mean), rel=ROUNDING)
    assert (found.lower, found.upper) == (lower, upper)


def switch(**changes: Any) -> Switch:
    """A switch as the enumeration has it, with some keys replaced."""
    given: dict[str, Any] = {
        "visit": "month 1",
        "offered_to": "everyone",
        "accepting": {"responders": 0.5, "non_responders": 0.75},
        "continuing": {"responders": 1.0, "non_responders": 0.25},
        "response": 0.875,
        "response_visit": "month 2",
        "at_least": 2,
        "durability": {"visit": "month 12", "shares": {"event": 0.125, "flare": 0.25}},
        "why": "a test",
    }
    return Switch.model_validate({**given, **changes})


GOING = {"delayed": (Fraction(1, 2), Fraction(3, 4)), "early": (Fraction(1), Fraction(1, 4))}
MORE = np.array([[False, False, False], [True, False, False], [True, True, False]])
WINS = Regions(Region.from_grid(Look(N, N), MORE), Region(Look(N, N), ()))
"""Success where more respond on treatment."""


def agrees(found: AfterSwitch, law: dict[tuple[int, ...], Fraction]) -> None:
    """Every number of the engine against the enumeration."""
    close(found.switched, marginal(law, 0))
    assert found.enough == pytest.approx(float(sum(p for key, p in law.items() if key[0] >= 2)), rel=ROUNDING)
    close(found.responders, marginal(law, 1))
    close(found.early.on_drug, marginal(law, 2))
    close(found.early.responders, marginal(law, 3))
    close(found.delayed.on_drug, marginal(law, 4))
    close(found.delayed.responders, marginal(law, 5))
    late = sum(p for key, p in law.items() if key[3] > key[5])
    assert found.late_success == pytest.approx(float(late), rel=ROUNDING)
    assert [cause for cause, _ in found.stops] == [*CAUSES, "any of these"]
    for place, (_, count) in zip(([6], [7], [6, 7]), found.stops, strict=True):
        close(count, marginal(law, *place))


@pytest.mark.parametrize(
    ("world", "truth", "changes"),
    [
        pytest.param(KNOWN, points(0.75, 0.125), {}, id="everything known"),
        pytest.param(
            UNCERTAIN,
            drawn([(1.0, 9, 5)], [(1.0, 2, 12)]),
            {
                "response": None,
                "response_prior": {"a": 10.0, "b": 2.0},
                "durability": {"visit": "month 12", "counts": {"event": 2, "flare": 1}, "of": 11},
            },
            id="everything uncertain",
        ),
    ],
)
def test_every_number_equals_the_enumeration_of_fates(
    world: World, truth: Points | DesignPrior, changes: dict[str, Any]
) -> None:
    """Patients switched, responders, patients on the drug, stops by cause: all sums over every patient's fate."""
    agrees(after_switch(switch(**changes), truth, WINS), enumerated(world, GOING))


def test_anajis_switches_by_hand() -> None:
    """12 placebo patients, 10 % respond, all of these and 9 of 11 others switch: Binomial(12, 0.1 + 0.9 * 9/11)."""
    given = switch(
        accepting={"responders": 1.0, "non_responders": 9 / 11},
        continuing={"responders": 1.0, "non_responders": 1.0},
        at_least=10,
        durability=None,
    )
    look = Look(12, 12)
    none = Regions(Region(look, ()), Region(look, ()))
    found = after_switch(given, points(0.7, 0.1), none)
    p = Fraction(1, 10) + Fraction(9, 10) * Fraction(9, 11)
    law = [comb(12, k) * p**k * (1 - p) ** (12 - k) for k in range(13)]
    close(found.switched, law)
    assert found.enough == pytest.approx(float(sum(law[10:])), rel=ROUNDING)
    assert found.early.on_drug == Predicted(12.0, 12, 12)
    assert found.stops == ()
    assert found.late_success == 0.0


def test_responders_who_are_not_offered_the_drug_never_switch() -> None:
    """Offered to non-responders alone, Binomial(n, (1 - rate) * share) switch."""
    given = switch(offered_to="non_responders", accepting={"non_responders": 0.75})
    law = [comb(N, k) * Fraction(21, 32) ** k * Fraction(11, 32) ** (N - k) for k in range(N + 1)]
    close(after_switch(given, points(0.75, 0.125), WINS).switched, law)


def test_the_range_of_a_count_is_that_of_its_law() -> None:
    """The ends are the least counts whose cumulated probability reaches 2.5 % and 97.5 %, ties included."""
    assert predicted(np.array([0.025, 0.95, 0.025])) == Predicted(1.0, 0, 1)
    assert predicted(np.array([0.0, 0.0, 1.0])) == Predicted(2.0, 2, 2)
