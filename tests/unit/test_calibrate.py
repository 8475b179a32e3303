"""The calibrated number is the least strict one that keeps the promise, by counting every region of small designs."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from tests.building import resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.calibration import Calibration, Found
from anatrial.errors import InputError
from anatrial.numerics import FloatArray
from anatrial.plan.borrowing import shortest
from anatrial.plan.calibrate import calibrate, rounded
from anatrial.plan.evaluate import evaluate

FOUND_TO = 1e-10  # relative: where halving ends, and the margin within which a threshold counts as a tie
TRUTHS = """
[truths.expected]
kind = "points"
rates = {{ treatment = 0.7, control = 0.2 }}

[truths.no-effect]
kind = "no_effect"
control = {{ from = {lowest}, to = {highest} }}
why = "a test"
{more}
[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = {at_most}
"""
FLAT = "analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"


def planned(
    rule: str, n: int, at_most: float, ends: tuple[float, float] = (0.0, 1.0), more: str = ""
) -> ResolvedScenario:
    """A trial with one analysis of n + n patients, and its promise."""
    design = f'[design]\nkind = "fixed"\nn = {{ treatment = {n}, control = {n} }}\n[rule]\n{rule}\n'
    return resolved(design + TRUTHS.format(lowest=ends[0], highest=ends[1], at_most=at_most, more=more))


def looked(rule: str, looks: tuple[int, ...], at_most: float) -> ResolvedScenario:
    """A trial with looks at so many patients per arm, and its promise."""
    totals = ", ".join(f"{{ treatment = {n}, control = {n} }}" for n in looks)
    design = f'[design]\nkind = "sequential"\nlooks = [{totals}]\n[rule]\n{rule}\n'
    return resolved(design + TRUTHS.format(lowest=0.0, highest=1.0, at_most=at_most, more=""))


def answer(result: Calibration) -> Found:
    """What was found; a test that has nothing to find does not ask."""
    assert result.found is not None
    return result.found


def pmf(n: int, rates: FloatArray) -> FloatArray:
    """Binomial probabilities by the formula, shape (rates, n + 1)."""
    x = np.arange(n + 1)
    counts = np.array([comb(n, k) for k in range(n + 1)], dtype=np.float64)
    return np.asarray(counts * rates[:, None] ** x * (1 - rates[:, None]) ** (n - x))


def densely(decides: FloatArray, ends: tuple[float, float]) -> float:
    """Largest probability of a decision at a rate that both arms share, on 4,001 rates."""
    rates = np.linspace(*ends, 4001)
    chance = np.einsum("mi,ij,mj->m", pmf(decides.shape[0] - 1, rates), decides, pmf(decides.shape[1] - 1, rates))
    return float(chance.max())


def superiority(x_t: int, x_c: int, n: int) -> Fraction:
    """P(p_t > p_c | data) under uniform priors: the rates are order statistics of n + 1 uniform numbers per arm."""
    a, c, m = x_t + 1, x_c + 1, n + 1
    ahead = sum(comb(a - 1 + k, k) * comb(m - a + m - k, m - k) for k in range(c, m + 1))
    return Fraction(ahead, comb(2 * m, m))


def fisher(x_t: int, x_c: int, n: int) -> Fraction:
    """One-sided p-value by counting."""
    total = x_t + x_c
    ways = sum(comb(n, i) * comb(n, total - i) for i in range(x_t, min(n, total) + 1))
    return Fraction(ways, comb(2 * n, total))


def grid(value: Callable[[int, int, int], Fraction], n: int) -> list[list[Fraction]]:
    """A number for every table."""
    return [[value(x_t, x_c, n) for x_c in range(n + 1)] for x_t in range(n + 1)]


@pytest.mark.parametrize(("n", "ends", "at_most"), [(8, (0.0, 1.0), 0.05), (8, (0.1, 0.3), 0.03), (5, (0.2, 0.6), 0.1)])
def test_the_certainty_is_the_least_of_all_levels(n: int, ends: tuple[float, float], at_most: float) -> None:
    """The edge is the lowest posterior probability above which the tables keep the promise; the next one ends it."""
    sure = grid(superiority, n)
    levels = sorted({p for row in sure for p in row})
    worst = {level: densely(np.array([[float(p > level) for p in row] for row in sure]), ends) for level in levels}
    assert all(abs(size - at_most) > 1e-4 for size in worst.values())  # a dense grid is enough to tell
    least = next(level for level in levels if worst[level] <= at_most)
    found = answer(calibrate(planned(f'kind = "posterior"\ncertainty = 0.95\n{FLAT}', n, at_most, ends)))
    assert found.edge == pytest.approx(float(least), rel=FOUND_TO)
    assert found.edge >= float(least) - ROUNDING
    assert found.interval[1] == pytest.approx(float(levels[levels.index(least) + 1]), rel=FOUND_TO)
    assert found.setting.errors[0].estimate.value == pytest.approx(worst[least], abs=1e-6)
    tables = [(sure[i][j], i, j) for i in range(n + 1) for j in range(n + 1) if sure[i][j] > least]
    (look,) = found.setting.looks
    assert look.tables == len(tables)
    assert look.implied is not None
    assert look.implied.probability == pytest.approx(float(min(tables)[0]), abs=ROUNDING)
    assert sure[look.implied.x_t][look.implied.x_c] == min(tables)[0]


def test_the_alpha_of_fisher_is_larger_than_the_error_it_makes() -> None:
    """Fisher's test is conservative: the largest alpha that holds lies above the promise, its error below it."""
    p, at_most = grid(fisher, 12), 0.025
    values = sorted({value for row in p for value in row})
    worst = {v: densely(np.array([[float(value <= v) for value in row] for row in p]), (0.0, 1.0)) for v in values}
    breaks = next(value for value in values if worst[value] > at_most)
    result = calibrate(planned('kind = "fisher"\nalpha = 0.025', 12, at_most))
    found = answer(result)
    assert found.edge == pytest.approx(float(breaks), rel=FOUND_TO)
    assert found.edge < breaks
    assert found.setting.value > result.before.value == at_most
    assert result.before.errors[0].estimate.upper < found.setting.errors[0].estimate.upper <= at_most
    assert dict(result.before.powers)["expected"].value < dict(found.setting.powers)["expected"].value


def z_values(n: int) -> FloatArray:
    """Pooled z of every table, 0 where nobody or everybody responds."""
    x_t, x_c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    mean = (x_t + x_c) / (2 * n)
    variance = mean * (1 - mean) * 2 / n
    z = np.zeros_like(mean)
    np.divide((x_t - x_c) / n, np.sqrt(variance), out=z, where=variance > 0)
    return z


def upper_tail(z: float) -> float:
    """P(a standard normal > z)."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def two_looks(bound: float, n: int) -> float:
    """Largest P(z at n or at 2 n per arm reaches the bound), on 401 rates, path by path."""
    rates = np.linspace(0.0, 1.0, 401)
    arm, first, last = pmf(n, rates), z_values(n) >= bound, z_values(2 * n) >= bound
    stop = np.einsum("mi,ij,mj->m", arm, first.astype(np.float64), arm)
    going = np.einsum("mi,mj,ij->mij", arm, arm, (~first).astype(np.float64))
    for i, j in np.argwhere(~first).tolist():
        later = last[i : i + n + 1, j : j + n + 1].astype(np.float64)
        stop += going[:, i, j] * np.einsum("ma,ab,mb->m", arm, later, arm)
    return float(stop.max())


def test_the_factor_repairs_a_group_sequential_test() -> None:
    """Two looks at a nominal 0.025 err more often; with the factor they do not, and any larger one that counts does."""
    bound, n, at_most = 2.178, 10, 0.025
    rule = f'kind = "group_sequential"\nalpha = 0.025\nefficacy = {{ family = "z", bounds = [{bound}, {bound}] }}'
    result = calibrate(looked(rule, (n, 2 * n), at_most))
    assert two_looks(bound, n) > at_most
    assert result.before.outcomes == ("FAIL",)
    assert result.before.errors[0].estimate.value == pytest.approx(two_looks(bound, n), abs=1e-4)
    reached = {round(z, 12) for size in (n, 2 * n) for z in z_values(size).ravel().tolist() if z > 1.5}
    steps = sorted(reached, reverse=True)  # success where z >= step: each step adds the tables that have it
    breaks = next(z for z in steps if two_looks(z - 1e-9, n) > at_most)
    found = answer(result)
    assert found.setting.outcomes == ("PASS",)
    assert found.edge == pytest.approx(upper_tail(breaks) / upper_tail(bound), rel=1e-8)
    assert found.setting.value <= found.edge
    assert (found.digits, found.setting.value) == (4, math.floor(found.edge * 1e4) / 1e4)
    kept = steps[steps.index(breaks) - 1]
    assert found.interval[0] == pytest.approx(upper_tail(kept) / upper_tail(bound), rel=1e-8)


def test_the_next_sjia_trial_without_history() -> None:
    """Without borrowing, 24 v 24 keeps the error of the borrowing design from 0.955 on, the roundest such certainty."""
    at_most = 0.04807651568339244 + 1e-6  # what the borrowing design spends, and the gap of the proof
    result = calibrate(planned(f'kind = "posterior"\ncertainty = 0.98\n{FLAT}', 24, at_most, (0.1, 0.35)))
    found = answer(result)
    assert found.edge < 0.955 < found.interval[1]
    assert shortest(*found.interval) == 0.955
    assert found.setting.outcomes == ("PASS",)


def test_the_value_gives_what_a_run_gives() -> None:
    """A scenario with the recommended value keeps the promise, with the certified error of the calibration."""
    rule = f'kind = "posterior"\n{FLAT}\ncertainty = '
    found = answer(calibrate(planned(f"{rule}0.9", 10, 0.05)))
    ran = evaluate(planned(f"{rule}{found.setting.value}", 10, 0.05))
    assert ran.verdicts[0].outcome == "PASS"
    assert ran.verdicts[0].estimate == found.setting.errors[0].estimate
    assert ran.regions.success.tables == found.setting.looks[0].tables
    assert ran.of("no-effect").metric("type1_max_everywhere") == found.setting.everywhere


def test_every_promise_is_kept() -> None:
    """With two promises the stricter one decides."""
    more = """
[truths.narrow]
kind = "no_effect"
control = { from = 0.05, to = 0.15 }
why = "a test"

[[targets]]
metric = "type_i_error"
truth = "narrow"
at_most = 0.01
"""
    rule = f'kind = "posterior"\ncertainty = 0.95\n{FLAT}'
    both = answer(calibrate(planned(rule, 10, 0.1, more=more)))
    wide = answer(calibrate(planned(rule, 10, 0.1)))
    narrow = answer(calibrate(planned(rule, 10, 0.01, (0.05, 0.15))))
    assert both.edge == max(wide.edge, narrow.edge)
    assert wide.edge != narrow.edge
    assert both.setting.outcomes == ("PASS", "PASS")


def test_a_monitored_rule_turns_its_final_rule() -> None:
    """The stops keep their own thresholds: without the stop for success a smaller certainty is enough."""
    stop = '[[rule.stops]]\nkind = "posterior"\ndecides = "success"\ncertainty = 0.97'
    final = f'kind = "monitored"\n[rule.final]\nkind = "posterior"\ncertainty = 0.98\n{FLAT}\n'
    result = calibrate(looked(final + stop, (10, 20), 0.05))
    alone = answer(calibrate(planned(f'kind = "posterior"\ncertainty = 0.98\n{FLAT}', 20, 0.05)))
    found = answer(result)
    assert result.dial == "final.certainty"
    assert found.edge > alone.edge
    assert found.setting.looks[0] == result.before.looks[0]
    assert found.setting.errors[0].estimate.upper <= 0.05


def test_nothing_is_found_where_every_success_breaks_the_promise() -> None:
    """3 v 3 with Fisher: p cannot fall below 1/20, and 3 v 0 alone has a size of 1/64."""
    result = calibrate(planned('kind = "fisher"\nalpha = 0.025', 3, 0.015))
    assert result.found is None
    assert result.strictest is not None
    assert result.strictest.value == pytest.approx(1 / 20, rel=FOUND_TO)
    assert result.strictest.errors[0].estimate.value == pytest.approx(1 / 64, abs=ROUNDING)
    assert result.strictest.looks[0].tables == 1


def test_stops_of_their_own_may_break_the_promise_alone() -> None:
    """Where a stop for success errs too often by itself, no certainty of the final rule helps."""
    stop = '[[rule.stops]]\nkind = "posterior"\ndecides = "success"\ncertainty = 0.8'
    final = f'kind = "monitored"\n[rule.final]\nkind = "posterior"\ncertainty = 0.98\n{FLAT}\n'
    result = calibrate(looked(final + stop, (10, 20), 0.05))
    assert result.found is None
    assert result.strictest is not None
    assert result.strictest.errors[0].estimate.lower > 0.05


def test_bounds_that_cross_end_the_search() -> None:
    """Where looser levels are no rule, the answer says so instead of blaming the promise."""
    rule = """kind = "group_sequential"
alpha = 0.025
efficacy = { family = "pocock" }
futility = { family = "z", bounds = [1.5] }
"""
    found = answer(calibrate(looked(rule, (10, 20), 0.4)))
    assert found.beyond is not None
    assert "cross" in found.beyond
    assert found.setting.outcomes == ("PASS",)


def test_stops_that_contradict_each_other_are_no_rule() -> None:
    """A loose final rule would promise success where the posterior says futility: such values are passed over."""
    stops = """[[rule.stops]]
kind = "predictive_probability"
decides = "success"
above = 0.95
[[rule.stops]]
kind = "posterior"
decides = "futility"
below = 0.93
"""
    final = f'kind = "monitored"\noverlap = "error"\n[rule.final]\nkind = "posterior"\ncertainty = 0.98\n{FLAT}\n'
    found = answer(calibrate(looked(final + stops, (10, 20), 0.05)))
    assert found.beyond is None
    assert found.setting.outcomes == ("PASS",)
    loosest = answer(calibrate(looked(final + stops, (10, 20), 0.6)))
    assert loosest.beyond is not None
    assert "meets stops for success and for futility" in loosest.beyond


def test_an_unordered_rule_is_scanned() -> None:
    """Alpha of Fleming's procedure: the value found holds, and no alpha of a finer scan above it does."""
    body = """
[design]
kind = "sequential"
looks = [{ treatment = 15 }, { treatment = 25 }]
[rule]
kind = "fleming"
alpha = 0.05
null_rate = 0.2
[truths.no-effect]
kind = "no_effect"
control = { from = 0.05, to = 0.2 }
why = "a test"
[[targets]]
metric = "type_i_error"
truth = "no-effect"
at_most = 0.03
"""
    plan = resolved(body)
    result = calibrate(plan)
    found = answer(result)
    assert not result.nested
    assert result.before.outcomes == ("FAIL",)
    assert found.setting.outcomes == ("PASS",)
    for alpha in np.linspace(found.edge + 1e-9, 0.5, 50).tolist():
        rule = body.replace("alpha = 0.05", f"alpha = {alpha!r}")
        try:
            outcome = evaluate(resolved(rule)).verdicts[0].outcome
        except InputError:  # every result stops at the first look
            continue
        assert outcome == "FAIL", alpha


@pytest.mark.parametrize(
    ("edge", "last", "expected"),
    [
        (0.954123, 0.957, (0.9542, 4)),
        (0.95412, 0.95413, (0.95412, 5)),
        (0.999961, 0.99999, (0.99997, 5)),
        (0.0995327, 0.093, (0.0995, 4)),
        (0.00312345, 0.00311, (0.00312, 5)),
        (0.95, 0.96, (0.95, 4)),
        (0.5 + 1e-15, 0.5 + 2e-15, (0.5 + 1e-15, 14)),
    ],
)
def test_a_value_is_rounded_in_the_strict_direction(edge: float, last: float, expected: tuple[float, int]) -> None:
    """Four decimals, or as many as it takes to stay between the edge and the last value that decides alike."""
    assert rounded(edge, last) == expected


CRITERION = '{ direction = "greater", threshold = 0.0, certainty = 0.9 }'


def criteria(number: int) -> str:
    """A rule with so many equal criteria."""
    return f'kind = "criteria"\ncriteria = [{", ".join([CRITERION] * number)}]\n{FLAT}'


def test_a_single_criterion_can_be_turned() -> None:
    """One criterion is the posterior rule in other words."""
    one = answer(calibrate(planned(criteria(1), 8, 0.05)))
    same = answer(calibrate(planned(f'kind = "posterior"\ncertainty = 0.95\n{FLAT}', 8, 0.05)))
    assert one.edge == pytest.approx(same.edge, rel=FOUND_TO)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (planned(criteria(2), 8, 0.05), "one certainty, alpha or alpha_factor"),
        (planned('kind = "fisher"\nalpha = 0.025', 8, 1.0), "there is nothing to calibrate"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(plan: ResolvedScenario, words: str) -> None:
    """A rule without one number, and a promise that everything keeps, are told with what would be right."""
    with pytest.raises(InputError, match=words):
        calibrate(plan)


def test_a_promise_over_a_range_is_needed() -> None:
    """Without a target on the type I error over a range there is nothing to hold."""
    body = """
[design]
kind = "fixed"
n = { treatment = 8, control = 8 }
[rule]
kind = "fisher"
alpha = 0.025
[truths.expected]
kind = "points"
rates = { treatment = 0.7, control = 0.2 }
[[targets]]
metric = "power"
truth = "expected"
at_least = 0.5
"""
    with pytest.raises(InputError, match="bounds the type I error over a range"):
        calibrate(resolved(body))
