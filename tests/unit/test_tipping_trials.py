"""Tipping points of whole trials, against sums over every table in fractions and by the binomial formula."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import comb, factorial
from typing import Any

import pytest
from tests.building import HEAD, indication
from tests.prior_building import COUNTS, disease

from anatrial.documents.base import Base
from anatrial.documents.sweeps import Sweep, TippingPoint
from anatrial.domain.tipping import Crossing, TippedTarget, Tipping
from anatrial.engine.workers import Workers
from anatrial.errors import InputError
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.derive import derive
from anatrial.plan.sweep import SweepPlan
from anatrial.plan.tipping import tipping

N = 12
FISHER = """
design = { kind = "fixed", n = { treatment = 12, control = 12 } }
rule = { kind = "fisher", alpha = 0.025 }
targets = [
  { metric = "power", truth = "expected", at_least = 0.8 },
  { metric = "type_i_error", truth = "idle", at_most = 0.01 },
]
truths.expected = { kind = "points", rates = { treatment = 0.85, control = 0.15 } }
truths.idle = { kind = "points", rates = { treatment = 0.15, control = 0.15 } }
"""
BORROWED = """
design = { kind = "fixed", n = { treatment = 10, control = 10 } }
targets = [
  { metric = "power", truth = "expected", at_least = 0.8 },
  { metric = "type_i_error", truth = "idle", at_most = 0.05 },
]
truths.expected = { kind = "points", rates = { treatment = 0.7, control = 0.25 } }
truths.idle = { kind = "points", rates = { treatment = 0.25, control = 0.25 } }
[rule]
kind = "posterior"
certainty = 0.95
[rule.analysis_prior]
treatment = { a = 1, b = 1 }
control = { prior = "robust" }
"""


def asker(store: MemoryStore | None = None) -> Asker:
    """One worker and a store in memory."""
    return Asker(store or MemoryStore(), "a test", Workers())


def planned(body: str, *points: dict[str, Any]) -> SweepPlan:
    """A plan with these tipping points for one made-up trial, which may name the priors of the made-up disease."""
    found = disease()
    derived = {"robust": derive(found, "robust").derived} if "prior =" in body else {}
    known = found if derived else indication()
    base = Base("made-up", "made-up.toml", tomllib.loads(HEAD + body), known, derived, "nowhere")
    paths = tuple(TippingPoint.model_validate(point) for point in points)
    scenario = base.resolved().scenario
    return SweepPlan("made-up", "made-up.toml", "A test", (base,), (scenario,), (), Sweep(), paths, None)


def found_of(body: str, **point: Any) -> Tipping:
    """The one tipping point of a made-up trial."""
    ends = {"from": point.pop("start"), "to": point.pop("end")}
    (found,) = tipping(planned(body, {**point, **ends}), asker())
    return found


def first(target: TippedTarget) -> Crossing:
    """The crossing that is pinned down."""
    return target.crossings[0]


def rejects(x_t: int, x_c: int) -> bool:
    """Fisher's one-sided test at 0.025, by counting."""
    k = x_t + x_c
    extreme = sum(comb(N, i) * comb(N, k - i) for i in range(x_t, min(N, k) + 1))
    return Fraction(extreme, comb(2 * N, k)) <= Fraction(1, 40)


def chance(tables: set[tuple[int, int]], n: int, rate_t: float, rate_c: float) -> float:
    """Probability that the result is one of these, by the binomial formula."""

    def term(x: int, rate: float) -> float:
        return comb(n, x) * rate**x * (1 - rate) ** (n - x)

    return math.fsum(term(x_t, rate_t) * term(x_c, rate_c) for x_t, x_c in tables)


def shifted(rate: float, shift: float) -> float:
    """The rate whose log odds are larger by ``shift``."""
    return 1 / (1 + math.exp(-math.log(rate / (1 - rate)) - shift))


def crossing_of(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is positive at ``low`` and negative at ``high`` is 0, by halving."""
    assert function(low) > 0 > function(high)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return low


def test_the_drift_at_which_fisher_loses_its_power_is_that_of_the_binomial_sums() -> None:
    """Power of 12 v 12 at 0.85 v 0.15 falls through 0.8 between both sides, 0.001 apart; both powers are sums."""
    tables = {(a, b) for a in range(N + 1) for b in range(N + 1) if rejects(a, b)}

    def power(shift: float) -> float:
        return chance(tables, N, 0.85, shifted(0.15, shift))

    target, _ = found_of(FISHER, path="drift", start=0, end=1.5).targets
    truth = crossing_of(lambda shift: power(shift) - 0.8, 0.0, 1.5)
    (only,) = target.crossings
    assert only.before.at <= truth < only.after.at
    assert only.after.at - only.before.at < 0.001 + 1e-12
    for side in only[:2]:
        assert side.verdict.estimate.value == pytest.approx(power(side.at), abs=1e-12)
    assert (only.before.verdict.outcome, only.after.verdict.outcome) == ("PASS", "FAIL")


def test_the_type_i_error_of_fisher_along_a_drift_is_a_hump_and_both_its_sides_are_told() -> None:
    """With both arms at one rate the error passes 0.01 once on the way up, and once on the way down."""
    tables = {(a, b) for a in range(N + 1) for b in range(N + 1) if rejects(a, b)}

    def spare(shift: float) -> float:
        rate = shifted(0.15, shift)
        return 0.01 - chance(tables, N, rate, rate)

    _, target = found_of(FISHER, path="drift", start=-1, end=5).targets
    up, down = target.crossings
    peak = max((k / 100 for k in range(-100, 500)), key=lambda shift: -spare(shift))
    assert spare(peak) < 0
    assert up.before.at <= crossing_of(spare, -1.0, peak) < up.after.at
    assert up.after.at - up.before.at < 0.001 + 1e-12
    assert down.before.at <= crossing_of(lambda shift: -spare(shift), peak, 5.0) <= down.after.at
    assert (down.after.at - down.before.at) == pytest.approx(0.3)


def beta(a: int, b: int) -> Fraction:
    """The beta function of whole numbers."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def above(a: int, b: int, c: int, d: int) -> Fraction:
    """P(X > Y) for X from Beta(a, b), Y from Beta(c, d): the tail of X in its integral against Y, term by term."""
    m = a + b - 1  # P(X > y) = P(Binomial(m, y) < a)
    return sum((comb(m, k) * beta(c + k, d + m - k) / beta(c, d) for k in range(a)), Fraction(0))


class ByHand:
    """The borrowing trial of 10 v 10 with the counts 25 of 94, in fractions: what succeeds at a robust weight."""

    def __init__(self) -> None:
        x, n = (sum(column) for column in zip(*COUNTS.values(), strict=True))
        parts = ((1 + x, 1 + n - x), (1, 1))
        self.terms = {
            (x_t, x_c): [
                (beta(a + x_c, b + 10 - x_c) / beta(a, b), above(1 + x_t, 11 - x_t, a + x_c, b + 10 - x_c))
                for a, b in parts
            ]
            for x_t in range(11)
            for x_c in range(11)
        }

    def success(self, robust: Fraction) -> set[tuple[int, int]]:
        """The results with P(treatment > control | data) above 0.95."""
        found = set()
        for table, ((marginal, inside), (vague, outside)) in self.terms.items():
            kept, lost = (1 - robust) * marginal, robust * vague
            if kept * inside + lost * outside > Fraction(19, 20) * (kept + lost):
                found.add(table)
        return found


@pytest.fixture(scope="module")
def by_hand() -> ByHand:
    return ByHand()


def test_the_drift_at_which_a_borrowed_prior_breaks_its_type_i_error_is_that_of_the_sum_by_hand(
    by_hand: ByHand,
) -> None:
    """25 of 94 borrowed at weight 0.75: the error at a shared rate passes 0.05 on its way up where the sums do, and
    falls below it again between the pair of grid numbers that is told."""
    tables = by_hand.success(Fraction(1, 4))

    def spare(shift: float) -> float:
        rate = shifted(0.25, shift)
        return 0.05 - chance(tables, 10, rate, rate)

    _, target = found_of(BORROWED, path="drift", start=0, end=4, points=41).targets
    up, down = target.crossings
    peak = max((k / 100 for k in range(400)), key=lambda shift: -spare(shift))
    assert up.before.at <= crossing_of(spare, 0.0, peak) < up.after.at
    assert up.after.at - up.before.at < 0.001 + 1e-12
    assert down.before.at <= crossing_of(lambda shift: -spare(shift), peak, 4.0) <= down.after.at


def test_the_robust_weight_at_which_power_breaks_is_that_of_every_table_by_hand(by_hand: ByHand) -> None:
    """Of 0.25, 0.251, ... the first weight whose power by hand is below 0.8 is the one that is told; what succeeds
    changes in steps, and the value on both sides is that of the tables by hand."""

    def power(k: int) -> float:
        return chance(by_hand.success(Fraction(k, 1000)), 10, 0.7, 0.25)

    truth = next(k for k in range(250, 1001) if power(k) < 0.8)
    target, _ = found_of(BORROWED, path="rule.analysis_prior.robust_weight", start=0.25, end=1.0, points=16).targets
    crossing = first(target)
    assert (crossing.before.at, crossing.after.at) == ((truth - 1) / 1000, truth / 1000)
    assert crossing.before.verdict.estimate.value == pytest.approx(power(truth - 1), abs=1e-12)
    assert crossing.after.verdict.estimate.value == pytest.approx(power(truth), abs=1e-12)


def test_a_second_search_on_the_same_store_computes_nothing() -> None:
    """Every number of a tipping point is a cell that is kept: asked again, all come from the store."""
    store, plan = MemoryStore(), planned(FISHER, {"path": "drift", "from": 0, "to": 1.5})
    before = tipping(plan, asker(store))

    class Refusing(MemoryStore):
        def keep(self, rows: object) -> None:
            raise AssertionError(rows)

    again = Refusing()
    again.__dict__ = store.__dict__
    assert tipping(plan, asker(again)) == before


def test_several_scenarios_and_numbers_come_in_their_order() -> None:
    """Scenario after scenario, the numbers of each in the order of the file; a scenario asks its own targets."""
    points = ({"path": "drift", "from": 0, "to": 1}, {"path": "rule.alpha", "from": 0.025, "to": 0.1})
    plan, other = planned(FISHER, *points), planned(FISHER.replace("0.8 }", "0.9 }"), *points)
    both = replace(plan, bases=(*plan.bases, replace(other.bases[0], name="other")))
    found = tipping(replace(both, scenarios=(*plan.scenarios, *other.scenarios)), asker())
    assert [(one.scenario, one.path) for one in found] == [
        ("made-up", "drift"),
        ("made-up", "rule.alpha"),
        ("other", "drift"),
        ("other", "rule.alpha"),
    ]
    assert found[2].targets[0].said == "power at least 0.9 if expected"
    assert found[:2] == tipping(plan, asker())


def test_a_number_at_which_the_trial_does_not_stand_is_told_and_not_crossed() -> None:
    """Patients from 8 to 13 at 1 : 2: odd totals of control do not exist, and no crossing beside them is claimed."""
    body = FISHER.replace("{ treatment = 12, control = 12 }", "{ treatment = 6, control = 12 }")
    found = found_of(body, path="design.n", start=8, end=30, points=23, resolution=1)
    assert [one.at for one in found.unanswered] == list(range(9, 30, 2))
    assert all("a multiple of 2" in one.why for one in found.unanswered)
    assert first(found.targets[0]).unanswered


class Watched:
    """Progress as it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def advance(self, done: int, total: int) -> None:
        self.steps.append((done, total))


def test_progress_never_falls_and_ends_at_its_total() -> None:
    """Later rounds count on from the earlier ones."""
    watched = Watched()
    tipping(planned(FISHER, {"path": "drift", "from": 0, "to": 1.5}), asker(), watched)
    assert watched.steps == sorted(watched.steps)
    assert watched.steps[-1][0] == watched.steps[-1][1] > 21


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"path": "rule.alhpa", "from": 0.01, "to": 0.1}, ("rule.alhpa", "rule.alpha")),
        ({"path": "title", "from": 0, "to": 1}, ("title",)),
        ({"path": "design.n.control", "from": 12, "to": 20}, ("design.n.control", "resolution = 1")),
        ({"path": "rule.alpha", "from": 0.025, "to": 2.0}, ("rule.alpha", "made-up.toml")),
    ],
)
def test_what_does_not_do_is_refused_before_anything_is_computed(point: dict[str, Any], words: tuple[str, ...]) -> None:
    """A path that is not there (with the nearest one), that no number depends on, or whose end does not stand."""
    store = MemoryStore()
    with pytest.raises(InputError) as error:
        tipping(planned(FISHER, point), asker(store))
    assert all(word in str(error.value) for word in words)
    assert not store._cells


def test_too_many_numbers_are_refused() -> None:
    """100 scenarios with a grid of 1,001 numbers are 100,100 cells: more than are held."""
    plan = planned(FISHER, {"path": "drift", "from": 0, "to": 1, "points": 1001})
    many = replace(plan, bases=plan.bases * 100, scenarios=plan.scenarios * 100)
    with pytest.raises(InputError, match="100,100 cells"):
        tipping(many, asker())
