"""One arm with looks: the recursion, and the rules that stop by numbers of responders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import comb, prod
from typing import Any

import numpy as np
import pytest
from tests.building import HEAD, course, points, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.engine.stops import patients, stops
from anatrial.errors import InputError
from anatrial.numerics.single_arm import grown
from anatrial.rules.exact_sequential import ExactSequential
from anatrial.rules.fleming import Fleming
from anatrial.rules.one_arm import Stops
from anatrial.rules.responders import Responders


def looks(*totals: int) -> tuple[Look, ...]:
    """Looks of a single arm."""
    return tuple(Look(n, 0) for n in totals)


def responders(**fields: Any) -> Responders:
    """A rule with counts, as a file would give it."""
    return Responders.model_validate_json(json.dumps({"kind": "responders", "null_rate": 0.2, **fields}))


def exact_sequential(**fields: Any) -> ExactSequential:
    """A rule that spends alpha, as a file would give it."""
    even = {"family": "hwang_shih_decani", "gamma": 0}
    given = {"kind": "exact_sequential", "alpha": 0.1, "null_rate": 0.3, "efficacy": even, **fields}
    return ExactSequential.model_validate_json(json.dumps(given))


def courses(totals: Sequence[int], p: Fraction) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Every course of the counts over all looks, as if the trial never stopped, with its probability."""
    added = [after - before for before, after in pairwise((0, *totals))]
    for steps in product(*(range(n + 1) for n in added)):
        ways = prod(comb(n, x) for n, x in zip(added, steps, strict=True))
        counts = tuple(sum(steps[: k + 1]) for k in range(len(steps)))
        yield counts, ways * p ** counts[-1] * (1 - p) ** (totals[-1] - counts[-1])


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(3, 10), Fraction(1, 2), Fraction(1)])
def test_the_ends_add_up_every_course(rate: Fraction) -> None:
    """Each way to end, and the expected n, are sums over all courses of the counts."""
    totals, low, high = (3, 5, 9), (0, 1, -1), (4, 4, 5)  # the first look cannot succeed, the last one not stop low
    ends_high, ends_low, neither, expected = [Fraction(0)] * 3, [Fraction(0)] * 3, Fraction(0), Fraction(0)
    for counts, chance in courses(totals, rate):
        for look, x in enumerate(counts):
            if x >= high[look] or x <= low[look]:
                (ends_high if x >= high[look] else ends_low)[look] += chance
                expected += chance * totals[look]
                break
        else:
            neither += chance
            expected += chance * totals[-1]
    run = course(responders(success_at_least=["never", 4, 5], futility_at_most=[0, 1]), *totals)
    *early, last = stops(run, points(float(rate)).law)
    success = [stop.success for stop in (*early, last)]
    assert success == pytest.approx([float(p) for p in ends_high], rel=ROUNDING)
    assert [stop.futility for stop in early] == pytest.approx([float(p) for p in ends_low[:-1]], rel=ROUNDING)
    assert last.reached - last.success == pytest.approx(float(neither), abs=ROUNDING)
    mean = patients(run, points(float(rate)).law)[0].estimate.value
    assert mean == pytest.approx(float(expected), rel=ROUNDING)


def test_growing_by_nobody_changes_nothing() -> None:
    """The law of a count is the same after 0 more patients."""
    mass = np.array([[0.2, 0.5, 0.1]])
    assert grown(mass, 0, np.array([0.4])).tolist() == mass.tolist()


def test_responders_are_their_counts() -> None:
    """Regions hold the counts as written; a look with "never" decides nothing; the last look has no futility."""
    rule = responders(success_at_least=["never", 5, 7], futility_at_most=[1, "never"])
    first, second, last = rule.regions(looks(6, 12, 18))
    assert [region.success.runs for region in (first, second, last)] == [(), ((0, 5, 12),), ((0, 7, 18),)]
    assert first.futility is not None
    assert first.futility.runs == ((0, 0, 1),)
    assert second.futility is not None
    assert second.futility.runs == ()
    assert (rule.arms, rule.interim, rule.fixed_benchmark, rule.binding) == ((1,), True, 0.2, True)
    assert not responders(success_at_least=[5], binding_futility=False).binding


def test_responders_without_futility_only_succeed() -> None:
    """Without futility_at_most no look stops low."""
    rule = responders(success_at_least=[4, 5])
    assert rule.stops(looks(6, 12)) == (Stops(-1, 4), Stops(-1, 5))
    assert "futility" not in rule.said()


DESIGN = """
[design]
kind = "sequential"
looks = [{ treatment = 10 }, { treatment = 20 }, { treatment = 30 }]
[truths.hoped]
kind = "points"
rates = { treatment = 0.5 }
[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.5
[rule]
kind = "responders"
null_rate = 0.2
"""


@pytest.mark.parametrize(
    ("counts", "place", "got", "expected"),
    [
        ('success_at_least = ["never", 9]', "rule.success_at_least", "2 counts", "3, one per look"),
        (
            'success_at_least = ["never", 9, 9]\nfutility_at_most = [1, 2, 8]',
            "rule.futility_at_most",
            "3 counts",
            "2, one per look but the last",
        ),
        ("success_at_least = [9, 21, 9]", "rule, look 2, success_at_least", "21", "at most the 20 patients"),
        (
            'success_at_least = ["never", 9, 9]\nfutility_at_most = [11, 2]',
            "rule, look 1, futility_at_most",
            "11",
            "at most the 10 patients",
        ),
        (
            "success_at_least = [7, 9, 9]\nfutility_at_most = [1, 9]",
            "rule, look 2",
            "futility at most 9, success at least 9: every result stops the trial",
            "results between them",
        ),
        ('success_at_least = [7, 9, "never"]', "rule, look 3, success_at_least", "'never'", "a number of responders"),
        ('success_at_least = [7, 9, "nver"]', "rule.success_at_least 3", '"nver"', 'or "never"'),
        ("success_at_least = [7, 0, 9]", "rule.success_at_least 2", "0", "for success 1 or more"),
    ],
)
def test_counts_that_do_not_fit_are_told_by_look(counts: str, place: str, got: str, expected: str) -> None:
    """Wrong lengths, counts above the totals and boundaries that cross name the look and what would be right."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + DESIGN + counts, "x.toml")
    (fault,) = caught.value.faults
    assert fault.where == f"x.toml: {place}"
    assert fault.got == got
    assert expected in fault.expected


def test_looks_of_nobody_are_refused() -> None:
    """A first stage of 0 patients is no look."""
    with pytest.raises(InputError, match="greater than or equal to 1"):
        parse_scenario(HEAD + DESIGN.replace("treatment = 10", "treatment = 0") + "success_at_least = [7, 9, 9]", "x")


def test_fleming_that_cannot_fit_is_told() -> None:
    """A last look at which even all responders are no success is a fault of that look."""
    rule = Fleming(kind="fleming", null_rate=0.9, alpha=0.01)
    faults = list(rule.misfits(looks(3, 6)))
    assert [fault.where for fault in faults] == ["rule, look 2"]
    assert faults[0].got == "no success even with 6 of 6 responders"


def spent_by_hand(
    totals: tuple[int, ...], rule: ExactSequential, may: list[float], may_lose: list[float] | None
) -> list[tuple[int, int]]:
    """The counts of every look by adding up courses: the least that may succeed, the largest that may stop low."""
    bounds: list[tuple[int, int]] = []
    futility = rule.futility
    p0 = Fraction(str(rule.null_rate))
    p1 = Fraction(str(futility.alternative_rate)) if futility is not None else p0

    def ended(counts: tuple[int, ...], upto: int, *, stops: bool) -> str:
        for x, (low, high) in zip(counts[:upto], bounds, strict=False):
            if x >= high:
                return "high"
            if stops and x <= low:
                return "low"
        return ""

    for look, total in enumerate(totals):
        for high in range(total + 2):
            bounds.append((-1, high))
            error = sum(c for x, c in courses(totals, p0) if ended(x, look + 1, stops=rule.binding) == "high")
            bounds.pop()
            if error <= may[look]:
                break
        low = -1
        while may_lose is not None and look < len(totals) - 1 and low + 1 < high:
            bounds.append((low + 1, high))
            loss = sum(c for x, c in courses(totals, p1) if ended(x, look + 1, stops=True) == "low")
            bounds.pop()
            if loss > may_lose[look]:
                break
            low += 1
        bounds.append((low, high))
    return bounds


@pytest.mark.parametrize("binding", [None, True, False])
def test_exact_sequential_spends_what_it_may(binding: bool | None) -> None:
    """Every count is the one that a sum over all courses of the trial allows, with futility binding, not, or none."""
    totals = (4, 8, 12)
    futility = None
    if binding is not None:
        spending = {"family": "hwang_shih_decani", "gamma": 0}
        futility = {"spending": spending, "beta": 0.2, "alternative_rate": 0.6, "binding": binding}
    rule = exact_sequential(futility=futility)
    may, may_lose = [0.1 / 3, 0.2 / 3, 0.1], [0.2 / 3, 0.4 / 3, 0.2]
    found = [(stop.futility, stop.success) for stop in rule.stops(looks(*totals))]
    assert found == spent_by_hand(totals, rule, may, None if binding is None else may_lose)
    assert rule.binding == (binding is not False)


def test_binding_futility_buys_room_for_success() -> None:
    """Success never needs more responders where futility binds: the error it takes away may be spent."""
    spending = {"family": "spending_pocock"}
    made = {"spending": spending, "beta": 0.2, "alternative_rate": 0.5}
    free, bound = (
        exact_sequential(futility={**made, "binding": binding}).stops(looks(8, 16, 24)) for binding in (False, True)
    )
    assert all(b.success <= f.success for b, f in zip(bound, free, strict=True))


def test_an_error_that_equals_what_may_be_spent_is_told() -> None:
    """4 of 4 at one half has probability 1/16: at an alpha of 0.0625 that is a tie, told and not a success."""
    rule = exact_sequential(alpha=0.0625, null_rate=0.5)
    last = rule.regions(looks(2, 4))[-1]
    assert last.success.runs == ()
    assert [(tie.x_t, tie.value, tie.settled) for tie in last.ties] == [
        (4, 0.0625, "at what may be spent: not a success")
    ]
    (fault,) = rule.misfits(looks(2, 4))
    assert fault.where == "rule, look 2"


def test_an_alternative_below_the_null_rate_is_refused() -> None:
    """Futility against a rate that is no better than the null rate has no meaning."""
    futility = {"spending": {"family": "spending_pocock"}, "beta": 0.2, "alternative_rate": 0.3}
    with pytest.raises(ValueError, match="a rate above null_rate"):
        exact_sequential(futility=futility)


def test_rules_say_what_they_do() -> None:
    """One sentence names the counts, the families and whether futility binds."""
    counted = responders(success_at_least=["never", 6], futility_at_most=[1], binding_futility=False)
    assert counted.said("anakinra") == (
        "Success if at least 6 (look 2) have responded on anakinra; futility (not binding) if at most 1 (look 1) have. "
        "The rate to beat is 0.2."
    )
    futility = {"spending": {"family": "spending_power", "exponent": 2}, "beta": 0.2, "alternative_rate": 0.5}
    said = exact_sequential(futility=futility).said("anakinra")
    assert "one-sided alpha 0.1 spent over the looks (Hwang-Shih-DeCani spending gamma 0)" in said
    assert said.endswith(
        "futility (not binding) loses at most 0.2 of the power at 0.5 (power family spending exponent 2)."
    )
    assert Fleming(kind="fleming", null_rate=0.2, alpha=0.05).said("anakinra").startswith("Success if Fleming's")


def test_a_rule_with_looks_needs_a_design_with_looks() -> None:
    """A fixed design under such a rule is refused before anything is computed."""
    fixed = DESIGN.replace('kind = "sequential"', 'kind = "fixed"').replace(
        "looks = [{ treatment = 10 }, { treatment = 20 }, { treatment = 30 }]", "n = { treatment = 30 }"
    )
    with pytest.raises(InputError, match="a design with looks"):
        resolved(fixed + "success_at_least = [9]")
