"""Intervals of rates, differences and ratios against other programs, whole numbers, and enumeration."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom
from tests.building import cases, named
from tests.tolerances import ROUNDING

from anatrial.numerics import difference_intervals as difference
from anatrial.numerics import intervals, ratio_intervals
from anatrial.numerics.score import score_z

FILE = "confidence_intervals.json"
RATES = cases(FILE, "proportion_confidence_intervals")
DIFFERENCES = cases(FILE, "difference_confidence_intervals")
SCORES = cases("frequentist.json", "score_test_statistic")

OF_A_RATE = {
    "clopper_pearson": intervals.clopper_pearson,
    "wilson": intervals.wilson,
    "jeffreys": intervals.jeffreys,
    "agresti_coull": intervals.agresti_coull,
    "wald": intervals.wald,
    "mid_p": intervals.mid_p,
}
OF_A_TABLE = {
    "newcombe_hybrid_score": difference.newcombe,
    "miettinen_nurminen": difference.miettinen_nurminen,
    "mee_score_no_correction": difference.mee,
    "wald": difference.wald,
    "agresti_caffo": difference.agresti_caffo,
    "risk_ratio_log_wald": ratio_intervals.risk_ratio_wald,
    "risk_ratio_score_koopman": ratio_intervals.risk_ratio_koopman,
    "odds_ratio_log_wald": ratio_intervals.odds_ratio_wald,
}


@pytest.mark.parametrize("case", RATES, ids=named)
def test_every_interval_of_a_rate_agrees_with_statsmodels_and_scipy(case: dict[str, Any]) -> None:
    """All six intervals of one proportion are those of statsmodels and SciPy."""
    given, told, off = case["inputs"], case["expected"], case["tolerance"]["abs"]
    assert set(told) == set(OF_A_RATE)
    for name, interval in OF_A_RATE.items():
        found = interval(given["events"], given["n"], given["level"])
        assert found == pytest.approx(tuple(told[name]), abs=off, rel=0), name


@pytest.mark.parametrize("case", DIFFERENCES, ids=named)
def test_every_interval_of_a_table_agrees_with_gsdesign_and_statsmodels(case: dict[str, Any]) -> None:
    """Differences, ratios and odds ratios have the limits of gsDesign, statsmodels and constrained likelihood."""
    given, told, off = case["inputs"], case["expected"], case["tolerance"]
    names = ("events_treatment", "n_treatment", "events_control", "n_control", "level")
    checked = {name for name in told if isinstance(told[name], list)}
    assert checked <= set(OF_A_TABLE)
    for name in checked:
        far = {"abs": 0, "rel": off["relative_for_ratios"]} if "ratio" in name else {"abs": off["abs"], "rel": 0}
        found = OF_A_TABLE[name](*(given[key] for key in names))
        assert found == pytest.approx(tuple(told[name]), **far), name


@pytest.mark.parametrize("case", SCORES, ids=named)
def test_the_score_statistic_agrees_with_gsdesign(case: dict[str, Any]) -> None:
    """Farrington and Manning's z is that of gsDesign with a margin, where statsmodels 0.15 has a wrong estimate."""
    given, told = case["inputs"], case["expected"]
    table = (given["events_treatment"], given["n_treatment"]), (given["events_control"], given["n_control"])
    found = float(score_z(*table, given["null_difference"]))
    assert found == pytest.approx(told["z"], abs=case["tolerance"]["abs"], rel=0)


def test_every_kind_of_case_is_there() -> None:
    """The stored cases are all found: an empty list would pass in silence."""
    assert (len(RATES), len(DIFFERENCES)) == (8, 8)
    assert any("risk_ratio_score_koopman" in case["expected"] for case in DIFFERENCES)
    assert len(SCORES) >= 5


@pytest.mark.parametrize("n", [1, 12, 24])
@pytest.mark.parametrize("everybody", [False, True])
def test_score_limits_of_equal_arms_without_variance_solve_their_equation(n: int, *, everybody: bool) -> None:
    """At 0/n v 0/n and n/n v n/n, where statsmodels 0.15 crashes, -n d^2 / (d (1 - d)) = -z^2 gives d."""
    x = n if everybody else 0
    z = intervals.normal_quantile(0.95)
    expected = z * z / (n + z * z)
    assert difference.mee(x, n, x, n) == pytest.approx((-expected, expected), abs=ROUNDING)
    wider = z * z * 2 * n / (2 * n - 1)
    expected = wider / (n + wider)
    assert difference.miettinen_nurminen(x, n, x, n) == pytest.approx((-expected, expected), abs=ROUNDING)


@pytest.mark.parametrize(("x", "n"), [(0, 5), (1, 7), (5, 9), (12, 12), (30, 200)])
def test_mid_p_limits_leave_their_tail_in_whole_numbers(x: int, n: int) -> None:
    """At the lower limit P(X > x) + P(X = x) / 2, summed in fractions, is 2.5 %; the upper limit mirrors it."""
    lower, upper = intervals.mid_p(x, n)
    for rate, count, end in ((lower, x, 0.0), (1 - upper, n - x, 0.0)):
        p = Fraction(rate)
        chances = [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(count, n + 1)]
        tail = float(sum(chances) - chances[0] / 2)
        assert rate == end if count == 0 else tail == pytest.approx(0.025, abs=ROUNDING)


def test_ratios_without_responders() -> None:
    """Koopman's interval runs to 0 or to infinity at an empty cell, where the logarithm's has no value."""
    assert ratio_intervals.risk_ratio_wald(0, 12, 3, 12) is None
    assert ratio_intervals.risk_ratio_wald(3, 12, 0, 12) is None
    assert ratio_intervals.odds_ratio_wald(12, 12, 3, 12) is None
    assert ratio_intervals.risk_ratio_koopman(0, 12, 0, 12) == (0.0, math.inf)
    low, high = ratio_intervals.risk_ratio_koopman(5, 12, 0, 12)
    assert (low > 0, high) == (True, math.inf)
    assert ratio_intervals.risk_ratio_koopman(0, 12, 5, 12) == pytest.approx((0.0, 1 / low), abs=ROUNDING)


@pytest.mark.parametrize("n", [1, 12, 2000])
def test_koopman_limits_of_arms_in_which_everybody_responds(n: int) -> None:
    """At n/n v n/n the statistic is -sqrt(n (r - 1)), so the upper limit is 1 + z^2 / n and the lower its inverse."""
    upper = 1 + intervals.normal_quantile(0.95) ** 2 / n
    assert ratio_intervals.risk_ratio_koopman(n, n, n, n) == pytest.approx((1 / upper, upper), rel=ROUNDING)


# ---- the exact interval ----


@pytest.mark.parametrize(("n_t", "n_c"), [(7, 5), (12, 12), (2, 20)])
def test_the_score_statistic_falls_as_the_difference_grows(n_t: int, n_c: int) -> None:
    """No table's statistic ever rises with the difference: the exact interval's proof rests on it."""
    x_t, x_c = np.arange(n_t + 1)[:, None, None], np.arange(n_c + 1)[None, :, None]
    z = score_z((x_t, n_t), (x_c, n_c), np.linspace(-0.9999, 0.9999, 2001))
    assert (np.diff(z, axis=-1) <= ROUNDING * (1 + np.abs(z[..., 1:]))).all()


def all_limits(n_t: int, n_c: int, level: float) -> tuple[Any, Any]:
    found = [[difference.exact(x_t, n_t, x_c, n_c, level) for x_c in range(n_c + 1)] for x_t in range(n_t + 1)]
    limits = np.array(found)
    return limits[..., 0], limits[..., 1]


@pytest.mark.parametrize(("n_t", "n_c", "level"), [(3, 3, 0.95), (4, 2, 0.8)])
def test_each_exact_limit_errs_at_most_as_often_as_stated(n_t: int, n_c: int, level: float) -> None:
    """Whatever the rates, each limit misses with at most half of one minus the level; limits are met head on."""
    lower, upper = all_limits(n_t, n_c, level)
    beside = np.concatenate([lower.ravel() - 1e-9, upper.ravel() + 1e-9])
    for d in np.concatenate([np.linspace(-1, 1, 201), beside[np.abs(beside) < 1]]):
        p_c = np.linspace(max(0.0, -d), min(1.0, 1.0 - d), 401)
        law_t = binom.pmf(np.arange(n_t + 1)[:, None], n_t, np.clip(p_c + d, 0, 1))
        law_c = binom.pmf(np.arange(n_c + 1)[:, None], n_c, p_c)
        for misses in (lower > d, upper < d):
            missed = np.einsum("tg,cg,tc->g", law_t, law_c, misses.astype(float))
            assert missed.max() <= (1 - level) / 2 + ROUNDING, d


def cubic_z(x_t: int, n_t: int, x_c: int, n_c: int, d: float) -> float:
    """The score statistic by the roots of Farrington and Manning's cubic equation."""
    share, p_t, p_c = n_c / n_t, x_t / n_t, x_c / n_c
    b = -(1 + share + p_t + share * p_c + d * (share + 2))
    c = d * d + d * (2 * p_t + share + 1) + p_t + share * p_c
    roots = np.roots([1 + share, b, c, -p_t * d * (1 + d)])
    rates = np.clip(roots[np.abs(roots.imag) < 1e-6].real, max(0.0, d), min(1.0, 1.0 + d))
    likelihood = binom.pmf(x_t, n_t, rates) * binom.pmf(x_c, n_c, np.clip(rates - d, 0, 1))
    best = float(rates[np.argmax(likelihood)])
    variance = best * (1 - best) / n_t + (best - d) * (1 - best + d) / n_c
    return (p_t - p_c - d) / math.sqrt(variance)


def searched_p(x_t: int, n_t: int, x_c: int, n_c: int, d: float) -> float:
    """The largest probability, on 2,001 rates, of a table that speaks at least as much for more than d."""
    seen = cubic_z(x_t, n_t, x_c, n_c, d)
    grid = np.array([[cubic_z(i, n_t, j, n_c, d) for j in range(n_c + 1)] for i in range(n_t + 1)])
    p_c = np.linspace(max(0.0, -d), min(1.0, 1.0 - d), 2001)
    law_t = binom.pmf(np.arange(n_t + 1)[:, None], n_t, np.clip(p_c + d, 0, 1))
    law_c = binom.pmf(np.arange(n_c + 1)[:, None], n_c, p_c)
    return float(np.einsum("tg,cg,tc->g", law_t, law_c, (grid >= seen - 1e-9).astype(float)).max())


@pytest.mark.parametrize("table", [(8, 12, 1, 12), (3, 8, 2, 5), (0, 6, 1, 9), (6, 6, 0, 5), (2, 11, 7, 9)])
def test_exact_limits_lie_where_the_p_value_crosses_the_tail(table: tuple[int, int, int, int]) -> None:
    """Just above the lower limit p is above 2.5 %, below it p is smaller all the way; the upper limit mirrors it."""
    x_t, n_t, x_c, n_c = table
    lower, upper = difference.exact(*table)
    for limit, one in ((lower, table), (-upper, (x_c, n_c, x_t, n_t))):
        if limit > -1:
            assert searched_p(*one, limit + 3e-5) > 0.025 - 1e-5
            assert max(searched_p(*one, limit - step) for step in (1e-5, 1e-3, 0.02, 0.1)) < 0.025


def test_the_exact_interval_is_symmetric() -> None:
    """Swapping the arms, or counting failures in place of responders, turns the interval round."""
    lower, upper = difference.exact(5, 7, 2, 9)
    assert difference.exact(2, 9, 5, 7) == (-upper, -lower)
    assert difference.exact(2, 7, 7, 9) == pytest.approx((-upper, -lower), abs=2 * difference.RESOLUTION)


def test_the_exact_interval_refuses_what_would_take_minutes() -> None:
    """More tables than it is meant for are an error, not a long wait."""
    with pytest.raises(ValueError, match="41,000"):
        difference.exact(10, 300, 20, 300)


@pytest.mark.parametrize(
    ("table", "level", "limit"),
    [((6, 10, 4, 10), 0.9999999, -0.8027), ((0, 11, 1, 3), 0.99999, -0.99871), ((2, 50, 49, 50), 0.99999, -0.99937)],
)
def test_exact_limits_at_high_confidence(table: tuple[int, int, int, int], level: float, limit: float) -> None:
    """Where almost nothing may be missed the lower limit still leaves -1, as a dense search finds it."""
    assert difference.exact(*table, level)[0] == pytest.approx(limit, abs=1e-4)
