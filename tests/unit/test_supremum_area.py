"""The largest probability over a whole null: what is found is attained, and no pair of rates passes the bound."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import comb

import numpy as np
import pytest
from tests.building import decided, posterior, ref
from tests.tolerances import ROUNDING

from anatrial.engine import type_one
from anatrial.numerics import FloatArray, supremum_area
from anatrial.numerics.curvature import along_edge, within_arm
from anatrial.numerics.supremum import Supremum
from anatrial.numerics.supremum_area import GAP, Null, Side
from anatrial.rules.self_adapting import PriorsByArm, SelfAdapting

UNIFORM = [(1.0, 1.0, 1.0)]


def law(n: int, rates: FloatArray) -> FloatArray:
    """Binomial laws from whole numbers of ways, shape (m, n + 1)."""
    x, p = np.arange(n + 1), np.asarray(rates)[:, None]
    return np.array([comb(n, k) for k in x], dtype=np.float64) * p**x * (1 - p) ** (n - x)


def chances(chance: FloatArray, rates_t: FloatArray, rates_c: FloatArray) -> FloatArray:
    """Probability of the decision under every treatment rate with every control rate."""
    n_t, n_c = (size - 1 for size in chance.shape)
    return np.asarray(law(n_t, rates_t) @ chance @ law(n_c, rates_c).T)


def on_edge(chance: FloatArray, margin: float, rates: FloatArray) -> FloatArray:
    """Probability of the decision where treatment rate = control rate + margin."""
    n_t, n_c = (size - 1 for size in chance.shape)
    laws = law(n_t, np.clip(rates + margin, 0, 1)), law(n_c, rates)
    return np.asarray(np.einsum("mt,tc,mc->m", laws[0], chance, laws[1]))


def found(chance: FloatArray, null: Null) -> Supremum:
    """The supremum of a decision, with its edge from whole numbers of ways."""
    return supremum_area.supremum_area(chance, null, partial(on_edge, chance, null.margin))


def densely(chance: FloatArray, null: Null, points: int = 801) -> float:
    """The largest probability on a fine grid of the null, its edge included."""
    rates_t, rates_c = np.linspace(0, 1, points), np.linspace(*null.ends, points)
    values = chances(chance, rates_t, rates_c)
    effect = rates_t[:, None] - rates_c
    inside = effect <= null.margin if null.side == "at_most" else effect >= null.margin
    possible = rates_c[(rates_c + null.margin >= 0) & (rates_c + null.margin <= 1)]
    return float(np.max([*values[inside], *on_edge(chance, null.margin, possible)]))


def band(n_t: int, n_c: int, width: float) -> FloatArray:
    """Tables whose observed rates differ by at most the width."""
    return (abs(np.arange(n_t + 1)[:, None] / n_t - np.arange(n_c + 1) / n_c) <= width).astype(np.float64)


def scattered(n_t: int, n_c: int) -> FloatArray:
    """A tenth of all tables, drawn."""
    return (np.random.default_rng(7).random((n_t + 1, n_c + 1)) < 0.1).astype(np.float64)


def middling(n_t: int, n_c: int) -> FloatArray:
    """Tables with a quarter to a third of the treatment arm responding, whatever control does."""
    share = np.arange(n_t + 1) / n_t
    return np.repeat(((share >= 0.25) & (share <= 1 / 3)).astype(np.float64)[:, None], n_c + 1, axis=1)


@pytest.mark.parametrize("side", ["at_most", "at_least"])
@pytest.mark.parametrize(
    ("margin", "ends"), [(-0.2, (0.2, 0.6)), (0.15, (0.0, 1.0)), (0.0, (0.3, 0.3)), (0.25, (0.05, 1.0))]
)
@pytest.mark.parametrize(
    "chance",
    [
        band(12, 9, 0.1),
        band(50, 50, 0.08),
        scattered(20, 15),
        middling(40, 25),
        np.random.default_rng(3).random((16, 11)),
    ],
)
def test_no_pair_of_rates_has_more_than_the_bound(
    chance: FloatArray, margin: float, ends: tuple[float, float], side: Side
) -> None:
    """A fine grid of the null stays below the bound and comes close to the found value, which lies just below it."""
    null = Null(margin, ends, side)
    most = densely(chance, null)
    result = found(chance, null)
    assert most <= result.bound + ROUNDING
    assert most <= result.found + GAP
    assert result.found == pytest.approx(most, abs=5e-3)
    assert result.found <= result.bound <= result.found + 1.2 * GAP


@pytest.mark.parametrize("chance", [band(12, 9, 0.1), scattered(20, 15)])
@pytest.mark.parametrize("side", ["at_most", "at_least"])
def test_the_found_value_is_attained_in_the_null(chance: FloatArray, side: Side) -> None:
    """At its control rate, the best treatment rate of the null has at least the found value."""
    null = Null(-0.1, (0.2, 0.9), side)
    result = found(chance, null)
    edge = result.at + null.margin
    rates = np.linspace(0, edge, 20_001) if side == "at_most" else np.linspace(edge, 1, 20_001)
    most = float(chances(chance, rates, np.array([result.at])).max())
    assert result.found - 1e-7 <= most <= result.bound
    assert null.ends[0] <= result.at <= null.ends[1]


@pytest.mark.parametrize("margin", [-0.5, -0.1, 0.25])
def test_one_patient_per_arm_by_hand(margin: float) -> None:
    """p_t (1 - p_c) is largest in the middle of the edge, (1 - p_t) p_c at 0 v the highest control rate."""
    better, worse = (np.zeros((2, 2)) for _ in range(2))
    better[1, 0] = worse[0, 1] = 1
    top = found(better, Null(margin, (max(0, -margin), 1.0)))
    assert top.found == pytest.approx(((1 + margin) / 2) ** 2, abs=1e-6)
    assert top.bound >= ((1 + margin) / 2) ** 2
    assert top.at == pytest.approx((1 - margin) / 2, abs=2e-3)
    assert found(worse, Null(margin, (0.6, 0.8))).found == pytest.approx(0.8, rel=ROUNDING)
    assert found(worse, Null(margin, (0.6, 0.8))).bound == pytest.approx(0.8, abs=1.2 * GAP)
    lowest = found(worse, Null(margin, (0.0, min(1.0, 1 - margin)), "at_least"))
    assert lowest.found == pytest.approx(((1 - margin) / 2) ** 2, abs=1e-6)


def test_swapping_response_and_its_lack_changes_nothing() -> None:
    """Counting non-responders turns at most a margin into at least its negative."""
    chance = scattered(14, 11)
    here = found(chance, Null(-0.15, (0.25, 0.8)))
    there = found(chance[::-1, ::-1], Null(0.15, (0.2, 0.75), "at_least"))
    assert here.found == pytest.approx(there.found, abs=GAP)
    assert here.bound == pytest.approx(there.bound, abs=1.2 * GAP)


@pytest.mark.parametrize(("margin", "ends"), [(-0.1, (0.1, 1.0)), (0.05, (0.1, 0.9))])
def test_a_staircase_has_its_worst_on_the_edge(margin: float, ends: tuple[float, float]) -> None:
    """Where more responders on treatment, and fewer on control, never lose a success, the edge tells all."""
    regions = decided(posterior(UNIFORM, UNIFORM, 0.9, margin), 40, 30)
    edge = type_one.worst(regions, ends, margin)
    area = found(regions.success.grid.astype(np.float64), Null(margin, ends))
    assert area.found == pytest.approx(edge.found, abs=1e-6)
    assert edge.found <= area.bound <= edge.bound + 1.2 * GAP


def test_a_worst_pair_inside_of_the_null_is_found() -> None:
    """Where success is most likely far below the edge, the edge alone would tell a fraction of the type I error."""
    chance, null = middling(40, 25), Null(-0.3, (0.3, 0.45))
    result = found(chance, null)
    assert result.found == pytest.approx(densely(chance, null), abs=1e-4)
    everywhere = Null(0.1, (0.6, 0.9))
    edge = float(on_edge(chance, 0.1, np.linspace(0.6, 0.9, 301)).max())
    assert found(chance, everywhere).found > 100 * edge


def test_a_null_without_pairs_has_no_probability() -> None:
    """No treatment rate lies half a unit below a control rate of at most 0.3."""
    assert found(band(5, 5, 1.0), Null(-0.5, (0.1, 0.3))) == Supremum(0.0, 0.1, 0.0)


def test_the_bound_stays_valid_at_the_work_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search is cut short the gap is wider, and still holds every pair of rates."""
    chance, null = scattered(30, 30), Null(0.1, (0.0, 1.0))
    most = densely(chance, null)
    monkeypatch.setattr(supremum_area, "MOST_WORK", 10)
    short = found(chance, null)
    assert short.found + 1.2 * GAP < short.bound <= 1
    assert short.found - 1e-9 <= most <= short.bound


def bends(n: int, theta: FloatArray) -> FloatArray:
    """Half the sum of |second derivatives in theta| of a binomial law: the most that any probability bends there."""

    def shifted(size: int, by: int) -> FloatArray:
        inner = law(size, np.sin(theta) ** 2) if size >= 0 else np.zeros((len(theta), 0))
        return np.asarray(np.pad(inner, ((0, 0), (by, n - size - by))))

    slope = n * (shifted(n - 1, 1) - shifted(n - 1, 0))
    bend = n * (n - 1) * (shifted(n - 2, 2) - 2 * shifted(n - 2, 1) + shifted(n - 2, 0)) if n > 1 else 0.0
    second = bend * np.sin(2 * theta)[:, None] ** 2 + slope * 2 * np.cos(2 * theta)[:, None]
    return np.asarray(0.5 * np.abs(second).sum(axis=1))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 40, 200])
def test_no_probability_bends_more_than_the_curvature(n: int) -> None:
    """Between two angles, ends of the range included, half the sum of |second derivatives| is at most the bound."""
    edges = np.linspace(0, np.pi / 2, 38)
    bound = within_arm(n, (edges[:-1], edges[1:]))
    for low, high, most in zip(edges[:-1], edges[1:], bound, strict=True):
        assert bends(n, np.linspace(low, high, 60)).max() <= most * (1 + 1e-9)


@pytest.mark.parametrize(("sizes", "margin"), [((6, 9), -0.2), ((12, 4), 0.1), ((5, 5), 0.01), ((30, 20), -0.6)])
def test_no_probability_bends_more_along_an_edge(sizes: tuple[int, int], margin: float) -> None:
    """Along p_t = p_c + margin the second difference of random decisions stays below the bound, in either angle."""
    random = np.random.default_rng(7)
    step = 1e-4
    low, high = max(0.0, -margin), min(1.0, 1.0 - margin)
    for arm, towards in ((0, 1), (1, -1)):
        rates = np.linspace(low, high, 41)[1:-1] + (margin if arm == 0 else 0.0)
        own = np.arcsin(np.sqrt(rates))[:, None] + step * np.array([-1.0, 0.0, 1.0])
        other = np.arcsin(np.sqrt(np.sin(own) ** 2 - towards * margin))
        theta = {arm: own, 1 - arm: other}
        laws = [law(sizes[k], np.sin(theta[k].ravel()) ** 2) for k in (0, 1)]
        ends = [(theta[k].min(axis=1), theta[k].max(axis=1)) for k in (0, 1)]
        most = along_edge((sizes[arm], ends[arm]), (sizes[1 - arm], ends[1 - arm]))
        for _ in range(20):
            decides = random.integers(0, 2, (sizes[0] + 1, sizes[1] + 1)).astype(np.float64)
            values = np.einsum("ij,jk,ik->i", laws[0], decides, laws[1]).reshape(-1, 3)
            bend = np.abs(values[:, 0] - 2 * values[:, 1] + values[:, 2]) / step**2
            assert (bend <= most * (1 + 1e-6) + 1e-5).all()


def adapting(margin: float) -> SelfAdapting:
    """The self-adapting rule, under which a control responder more may mean one fewer on treatment."""
    priors = PriorsByArm(treatment=ref(UNIFORM), control=ref([(1, 100, 300)]))
    return SelfAdapting(kind="self_adapting", certainty=0.975, margin=margin, delta=0.2, analysis_prior=priors)


@pytest.mark.parametrize("margin", [-0.1, 0.05])
def test_a_self_adapting_rule_with_a_margin_has_a_proven_type_one_error(margin: float) -> None:
    """Its region is no staircase, so all pairs of rates are searched: none has more than the bound."""
    regions, ends = decided(adapting(margin), 100, 10), (0.15, 0.6)
    assert regions.success.staircase is None
    result = type_one.worst(regions, ends, margin)
    most = densely(regions.success.grid.astype(np.float64), Null(margin, ends))
    assert most <= result.bound <= result.found + 1.2 * GAP
    assert result.found == pytest.approx(most, abs=1e-3)


def test_type_one_error_beyond_two_edges_is_the_larger_one() -> None:
    """With a lower and an upper edge, both sides of the band count, with one bound for both."""
    regions = decided(posterior(UNIFORM, UNIFORM, 0.6), 12, 10)
    chance = regions.success.grid.astype(np.float64)
    ends, sides = (0.3, 0.7), (Null(-0.2, (0.3, 0.7)), Null(0.2, (0.3, 0.7), "at_least"))
    both = type_one.worst(regions, ends, -0.2, 0.2)
    alone = [found(chance, null) for null in sides]
    assert both.found == pytest.approx(max(one.found for one in alone), abs=1e-9)
    assert both.bound == pytest.approx(max(one.bound for one in alone), abs=1e-9)
    rates = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    curve: Callable[[float], FloatArray] = partial(on_edge, chance, rates=rates)
    below, above = np.where(rates >= 0.2, curve(-0.2), 0), np.where(rates <= 0.8, curve(0.2), 0)
    assert type_one.along(regions, rates, -0.2, 0.2) == pytest.approx(np.maximum(below, above), abs=ROUNDING)
