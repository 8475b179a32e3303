"""Randomised withdrawal against fractions: every number of responders, every order of a block, every table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from itertools import permutations
from math import comb, factorial

import numpy as np
import pytest
from tests.building import HEAD, indication
from tests.tolerances import ROUNDING, monte_carlo

from anatrial.designs.withdrawal import Ratio, Withdrawal
from anatrial.documents.trial_scenario import ResolvedTrial, resolve_priors
from anatrial.documents.trials import parse_any
from anatrial.documents.withdrawal import WithdrawalScenario
from anatrial.domain.results import OperatingCharacteristics
from anatrial.domain.tally import SimulationSettings
from anatrial.domain.trial import Findings
from anatrial.engine.random_totals import occurring
from anatrial.engine.simulation import simulated
from anatrial.engine.withdrawal import NullChances
from anatrial.plan.ports import SILENT
from anatrial.plan.withdrawal import Plan, block, findings

N, ALPHA = 9, Fraction(1, 5)
BODY = """
[design]
kind = "withdrawal"
enrolled = 9
ratio = { treatment = 2, control = 1 }
least_responders = 4

[rule]
kind = "fisher"
alpha = 0.2

[truths.expected]
kind = "points"
run_in = 0.7
no_flare = { treatment = 0.8, control = 0.3 }

[truths.no-effect]
kind = "no_effect"
run_in = 0.7
no_flare = { from = 0.2, to = 0.6 }
why = "a test"

[truths.uncertain]
kind = "design_prior"
run_in = { a = 3, b = 2 }
no_flare = { treatment = { a = 3, b = 1 }, control = { a = 2, b = 3 } }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""
Law = Callable[[int], list[Fraction]]


def scenario(body: str = BODY) -> WithdrawalScenario:
    """A scenario from the part of its file that follows the head."""
    found = parse_any(HEAD + body, "made-up.toml")
    assert isinstance(found, WithdrawalScenario)
    return found


def run(body: str = BODY) -> Findings:
    """Everything that is told of it."""
    plan = scenario(body)
    solved, priors = resolve_priors(plan, lambda *_: pytest.fail("no names here"))
    used = ResolvedTrial("made-up", plan, solved, priors, indication(), "nowhere")
    return findings(used, SimulationSettings(100, 0), SILENT)


def of(found: Findings, truth: str) -> OperatingCharacteristics:
    """What happens under the truth of this name."""
    return next(one for one in found.characteristics if one.truth == truth)


def value(found: Findings, truth: str, metric: str) -> float:
    """A number of a truth."""
    return of(found, truth).metric(metric).estimate.value


def known(rate: Fraction) -> Law:
    """Binomial chances."""
    return lambda n: [comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(n + 1)]


def unknown(a: int, b: int) -> Law:
    """Beta-binomial chances for whole shapes."""

    def beta(p: int, q: int) -> Fraction:
        return Fraction(factorial(p - 1) * factorial(q - 1), factorial(p + q - 1))

    return lambda n: [comb(n, x) * beta(a + x, b + n - x) / beta(a, b) for x in range(n + 1)]


def assigned(r: int) -> Iterator[tuple[int, int, Fraction]]:
    """Patients per arm of r responders, block after block of two and one, over all orders of the last block."""
    orders = list(permutations("TTC"))
    for order in orders:
        n_t = 2 * (r // 3) + order[: r % 3].count("T")
        yield n_t, r - n_t, Fraction(1, len(orders))


@cache
def rejects(n_t: int, n_c: int, x_t: int, x_c: int) -> bool:
    """Fisher's one-sided test, in whole numbers."""
    k = x_t + x_c
    tail = sum(comb(n_t, i) * comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
    return n_t > 0 and n_c > 0 and Fraction(tail, comb(n_t + n_c, k)) <= ALPHA


def given(
    r: int, law_t: Law, law_c: Law, weight: Callable[[int, int, int, int], Fraction] = lambda *_: Fraction(1)
) -> Fraction:
    """P(success | r responders), each table with its weight."""
    total = Fraction(0)
    for n_t, n_c, chance in assigned(r) if r >= 4 else ():
        for x_t, p in enumerate(law_t(n_t)):
            for x_c, q in enumerate(law_c(n_c)):
                if rejects(n_t, n_c, x_t, x_c):
                    total += chance * p * q * weight(n_t, n_c, x_t, x_c)
    return total


RUN_IN = known(Fraction(7, 10))


def test_power_is_a_sum_over_responders() -> None:
    """Power counts every number of responders, every order of the last block and every table, in fractions."""
    found = run()
    arms = known(Fraction(4, 5)), known(Fraction(3, 10))
    exact = sum(p * given(r, *arms) for r, p in enumerate(RUN_IN(N)))
    assert value(found, "expected", "power") == pytest.approx(float(exact), rel=ROUNDING)
    assert value(found, "expected", "too_few") == pytest.approx(float(sum(RUN_IN(N)[:4])), rel=ROUNDING)
    mean = sum(r * p for r, p in enumerate(RUN_IN(N)) if r >= 4)
    assert value(found, "expected", "expected_randomised") == pytest.approx(float(mean), rel=ROUNDING)


def test_power_by_patients_enrolled() -> None:
    """Each row is the trial with so many enrolled; the planned number has the run's power."""
    found = run()
    table = next(table for table in found.tables if table.name == "by_enrolled")
    arms = known(Fraction(4, 5)), known(Fraction(3, 10))
    for n, power, assurance in table.rows:
        assert isinstance(n, int)
        exact = sum(p * given(r, *arms) for r, p in enumerate(RUN_IN(n)))
        assert power == pytest.approx(float(exact), rel=ROUNDING)
        again = of(run(BODY.replace("enrolled = 9", f"enrolled = {n}")), "uncertain")
        assert assurance == pytest.approx(again.metric("assurance").estimate.value, rel=ROUNDING)
    assert 9 in table.column("enrolled")


def test_given_the_number_randomised() -> None:
    """The table by patients randomised holds the power given exactly so many, in fractions."""
    found = run()
    table = next(table for table in found.tables if table.name == "by_randomised")
    arms = known(Fraction(4, 5)), known(Fraction(3, 10))
    assert table.rows
    for r, at_most, power, *_ in table.rows:
        assert isinstance(r, int)
        assert power == pytest.approx(float(given(r, *arms)), rel=ROUNDING)
        assert at_most == pytest.approx(float(sum(RUN_IN(N)[: r + 1])), rel=ROUNDING)


def test_assurance_and_true_successes() -> None:
    """With priors the counts are beta-binomial; true successes weigh tables by P(going on is better | counts)."""
    found = run()
    treatment, control, run_in = unknown(3, 1), unknown(2, 3), unknown(3, 2)
    exact = sum(p * given(r, treatment, control) for r, p in enumerate(run_in(N)))
    assert value(found, "uncertain", "assurance") == pytest.approx(float(exact), rel=ROUNDING)

    def better(n_t: int, n_c: int, x_t: int, x_c: int) -> Fraction:
        # P(Beta(a, b) > Beta(c, d)) = P(at least a of a + b - 1 uniform numbers lie below Beta(c, d)) read backwards
        a, b, c, d = 3 + x_t, 1 + n_t - x_t, 2 + x_c, 3 + n_c - x_c
        below = unknown(c, d)(a + b - 1)
        return sum(below[:a], Fraction(0))

    true = sum(p * given(r, treatment, control, better) for r, p in enumerate(run_in(N)))
    assert value(found, "uncertain", "true_success") == pytest.approx(float(true), rel=1e-10)
    assert value(found, "uncertain", "effect_is_true") == pytest.approx(float(better(0, 0, 0, 0)), rel=1e-10)


def test_type_one_error_has_its_largest_value() -> None:
    """No shared rate on a fine grid passes the found maximum by more than the gap; it is taken at its rate, exactly."""
    found = run()
    metric = of(found, "no-effect").metric("type_i_error")
    rates = [Fraction(k, 200) for k in range(40, 121)]
    grid = [sum(p * given(r, known(q), known(q)) for r, p in enumerate(RUN_IN(N))) for q in rates]
    assert metric.estimate.value >= float(max(grid)) - 1e-9
    assert metric.estimate.upper - metric.estimate.value <= 2e-9
    assert metric.at is not None
    at = Fraction(metric.at)
    exact = sum(p * given(r, known(at), known(at)) for r, p in enumerate(RUN_IN(N)))
    assert metric.estimate.value == pytest.approx(float(exact), rel=ROUNDING)


def test_type_one_error_given_the_number_randomised() -> None:
    """The worst number randomised errs at least as often as their mixture, and an exact test never beyond its level."""
    found = run()
    worst = of(found, "no-effect").metric("type_i_error_given_randomised").estimate
    by_number = [
        max(given(r, known(q), known(q)) for q in [Fraction(k, 100) for k in range(20, 61)]) for r in range(4, 10)
    ]
    assert worst.value >= float(max(by_number)) - 1e-9
    assert worst.value <= float(max(by_number)) + 1e-4  # the grid is that coarse
    assert value(found, "no-effect", "type_i_error") <= worst.value <= float(ALPHA)
    stated = value(found, "no-effect", "type_i_error")
    assert value(found, "no-effect", "type_i_error_everywhere") >= stated - 1e-9  # the gap of each search


def test_blocks_split_as_their_orders_do() -> None:
    """The split of an incomplete block is that of all its orders; a ratio is taken in lowest terms."""
    design = Withdrawal(kind="withdrawal", enrolled=20, ratio=Ratio(treatment=4, control=2), least_responders=2)
    for r in range(2, 12):
        counted: dict[tuple[int, int], Fraction] = {}
        for n_t, n_c, chance in assigned(r):
            counted[n_t, n_c] = counted.get((n_t, n_c), Fraction(0)) + chance
        assert {tuple(look): pytest.approx(p) for look, p in design.splits(r)} == {
            k: float(v) for k, v in counted.items()
        }
    assert design.splits(1) == ()


@pytest.mark.parametrize("truth", ["expected", "no-effect", "uncertain"])
def test_patients_simulated_one_by_one_agree(truth: str) -> None:
    """The simulated trial, which takes nothing but the rule from the sums, agrees within its Monte Carlo error."""
    plan, found = scenario(), run()
    simulation = simulated(block(plan, truth), SimulationSettings(40_000, seed=7))
    for metric in simulation.metrics():
        exact = value(found, truth, metric.name)
        if metric.name == "expected_randomised":
            assert metric.estimate.mcse is not None
            assert abs(metric.estimate.value - exact) < 4 * metric.estimate.mcse
        else:
            assert metric.estimate.value == pytest.approx(exact, abs=monte_carlo(exact, 40_000))


def test_resized_trials_differ_in_the_enrolled_alone() -> None:
    """A size search changes how many are enrolled, and nothing else."""
    plan = scenario()
    assert plan.resized(30).design == plan.design.model_copy(update={"enrolled": 30})
    assert plan.resized(30).truths == plan.truths


def test_responders_that_may_occur() -> None:
    """Numbers are left out from both ends as long as they weigh at most 1e-15 together."""
    law = np.array([float(p) for p in known(Fraction(1, 2))(80)])
    kept = tuple(occurring(law).tolist())
    assert kept == tuple(range(kept[0], kept[-1] + 1))
    assert law.sum() - law[list(kept)].sum() <= 1e-15
    assert len(kept) < 81


def test_two_sided_errors_count_both_directions() -> None:
    """Under a two-sided rule type I error sums success and harm, as everywhere."""
    plan = Plan.of(scenario(BODY.replace("alpha = 0.2", 'alpha_two_sided = 0.4\ntwo_sided_by = "doubled"')))
    assert plan.null is not None
    both = plan.null.at(np.array([0.4]), np.eye(1, 10, 9)[0])[0]
    one = NullChances.of(Plan.of(scenario()).decided).at(np.array([0.4]), np.eye(1, 10, 9)[0])[0]
    assert both > one > 0
