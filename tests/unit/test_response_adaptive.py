"""Adaptive allocation: chances to be best, shares and whole trials against fractions, path by path."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest
from tests.adaptive import Plan, best, ends, mean
from tests.adaptive import shares as wanted_shares
from tests.several_arms import fisher_p
from tests.tolerances import QUADRATURE, ROUNDING, monte_carlo

from anatrial.designs.response_adaptive import ResponseAdaptive
from anatrial.engine.response_adaptive import Adaptive, shares, simulate
from anatrial.numerics.best_arm import Arms, most_memory
from anatrial.rng import stream
from anatrial.rules.response_adaptive import AdaptiveFisher, AdaptivePosterior

UNIFORM = np.array([[1.0, 1.0, 1.0]])
DRAWS = 100_000


@pytest.mark.parametrize("arms", [2, 3])
def test_the_chance_to_be_best_is_an_integral_of_polynomials(arms: int) -> None:
    """From uniform priors it is a fraction, for any counts, with every arm or without one."""
    results = [(2, 7, 12)[:arms], (40, 1, 3)[:arms], (9, 9, 9)[:arms]]
    for n in results:
        for share in product((0, 1, 2), repeat=arms):
            x = tuple(k * size // 2 for k, size in zip(share, n, strict=True))
            for active in ([True] * arms, [True] * (arms - 1) + [arms == 2]):
                found = Arms((UNIFORM,) * arms, 40).best(np.array([n]), np.array([x]), np.array([active]))[0]
                assert found == pytest.approx([float(p) for p in best(n, x, tuple(active))], abs=QUADRATURE)


def test_equal_results_are_equally_good_whatever_the_prior() -> None:
    """Three arms alike have a third each, two a half; Beta(0.5, 0.5) and mixtures included."""
    for parts in ([[1.0, 0.5, 0.5]], [[0.7, 0.3, 2.0], [0.3, 9.0, 4.0]]):
        posteriors = Arms((np.array(parts),) * 3, 30)
        n, x = np.full((3, 3), 12), np.array([[0] * 3, [5] * 3, [12] * 3])
        assert posteriors.best(n, x, np.ones((3, 3), dtype=bool)) == pytest.approx(np.full((3, 3), 1 / 3), abs=ROUNDING)
        assert posteriors.beats(1, n, x) == pytest.approx(np.full(3, 0.5), abs=1e-10)


def test_repeated_results_come_back_in_their_places() -> None:
    """Results are integrated once each and put back in the order in which they were asked for."""
    n, x = np.array([[3, 4], [4, 3], [3, 4], [3, 4]]), np.array([[1, 2], [0, 3], [1, 2], [2, 2]])
    posteriors, active = Arms((UNIFORM,) * 2, 4), np.ones((4, 2), dtype=bool)
    found = posteriors.best(n, x, active)
    pairs = zip(n.tolist(), x.tolist(), strict=True)
    wanted = [[float(p) for p in best(tuple(a), tuple(b), (True, True))] for a, b in pairs]
    assert found == pytest.approx(np.array(wanted), abs=QUADRATURE)
    assert posteriors.beats(1, n, x) == pytest.approx(np.array(wanted)[:, 1], abs=QUADRATURE)


@pytest.mark.parametrize("p", [(0.7, 0.29, 0.01), (0.98, 0.01, 0.01), (0.79, 0.105, 0.105), (0.4, 0.35, 0.25)])
def test_no_share_is_below_the_limit_and_the_rest_is_in_proportion(p: tuple[float, ...]) -> None:
    """Arms below a tenth get a tenth; raising one can push another below, which gets a tenth too."""
    found = shares(np.array([p]), 1.0, 0.1, np.ones((1, 3), dtype=bool))[0]
    fractions = [Fraction(str(value)) for value in p]
    assert found == pytest.approx([float(s) for s in wanted_shares(fractions, Fraction(1, 10))], abs=ROUNDING)
    assert found.min() >= 0.1 - ROUNDING
    assert found.sum() == pytest.approx(1, abs=ROUNDING)


def test_arms_that_left_get_nothing_and_exponent_zero_is_equal() -> None:
    """Without a dose the others share everything; to the power 0 they share it equally."""
    active = np.array([[True, False, True]])
    assert shares(np.array([[0.3, 0.0, 0.7]]), 1.0, 0.1, active)[0] == pytest.approx([0.3, 0, 0.7])
    assert shares(np.array([[0.3, 0.0, 0.7]]), 0.0, 0.1, active)[0] == pytest.approx([0.5, 0, 0.5])


def layout(**changes: Any) -> ResponseAdaptive:
    content = {"kind": "response_adaptive", "n": 6, "doses": ["anakinra"], "burn_in": 1, "block": 2, "exponent": 1.0}
    return ResponseAdaptive.model_validate_json(json.dumps(content | {"min_share": 0.2} | changes))


def posterior(doses: list[str], certainty: float, early: float | None = None) -> AdaptivePosterior:
    uniform = {"a": 1, "b": 1}
    prior = {"control": uniform, "doses": dict.fromkeys(doses, uniform)}
    content = {"kind": "posterior", "certainty": certainty, "early_certainty": early, "analysis_prior": prior}
    return AdaptivePosterior.model_validate_json(json.dumps(content))


TWO, THREE = (Fraction(3, 10), Fraction(7, 10)), (Fraction(2, 5), Fraction(3, 10), Fraction(4, 5))
CASES: dict[str, tuple[Plan, dict[str, Any], tuple[Fraction, ...], float, float | None]] = {
    "two": (Plan(6, 2, 1, 2, Fraction(1, 5)), {}, TWO, 0.8, None),
    "one-by-one": (Plan(6, 2, 1, 1, Fraction(1, 5)), {"block": 1}, TWO, 0.8, None),
    "early": (Plan(6, 2, 1, 1, Fraction(1, 5), early=Fraction(83, 100)), {"block": 1}, TWO, 0.78, 0.83),
    "three": (Plan(6, 3, 1, 1, Fraction(1, 5)), {"block": 1, "doses": ["low", "high"]}, THREE, 0.75, None),
    "drop": (
        Plan(6, 3, 1, 1, Fraction(1, 5), drop=Fraction(3, 10)),
        {"block": 1, "doses": ["low", "high"], "drop_below": 0.3},
        THREE,
        0.75,
        None,
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_simulated_trials_agree_with_every_path_in_fractions(name: str) -> None:
    """Success, patients per arm, responders, share and bias lie within four standard errors of the enumerated trial."""
    plan, changes, rates, certainty, early = CASES[name]
    design = layout(**changes)
    trial = Adaptive(design, posterior(list(design.doses), certainty, early), tuple(map(float, rates)))
    tally = dict(simulate(trial, stream(1, "a test"), DRAWS).sums)
    found = ends(plan, rates, Fraction(str(certainty)))
    assert sum(found.values()) == 1
    dose = max(range(1, plan.arms), key=lambda d: rates[d])
    wanted = {
        "power": mean(found, lambda _, holds: int(any(holds))),
        f"power_dose_{dose}": mean(found, lambda _, holds: int(holds[dose - 1])),
        f"expected_n_dose_{dose}": mean(found, lambda state, _: state[0][dose]),
        "expected_responders": mean(found, lambda state, _: sum(state[1])),
        "expected_share_on_best": mean(found, lambda state, _: Fraction(state[0][dose], sum(state[0]))),
        f"expected_bias_dose_{dose}": mean(
            found,
            lambda state, _: (
                Fraction(state[1][dose], state[0][dose]) - Fraction(state[1][0], state[0][0]) - rates[dose] + rates[0]
            ),
        ),
    }
    if early is not None:
        wanted["expected_n"] = mean(found, lambda state, _: sum(state[0]))
    if plan.drop is not None:
        wanted["dropped_dose_1"] = mean(found, lambda state, _: int(not state[2][1]))
    for metric, exact in wanted.items():
        estimate = tally[metric].estimate()
        assert estimate.mcse is not None
        width = monte_carlo(exact, DRAWS) if tally[metric].chance else 4 * estimate.mcse + ROUNDING
        assert abs(estimate.value - exact) <= width, metric


def test_fisher_at_the_end_reads_the_final_table() -> None:
    """Of 3 + 3 patients only 3 of 3 v 0 of 3 has p <= 0.05: success without adaptation is that table's chance."""
    fisher = AdaptiveFisher(kind="fisher", alpha=0.05)
    trial = Adaptive(layout(n=8, burn_in=3, block=2, min_share=0.5), fisher, (0.2, 0.9))
    tally = dict(simulate(trial, stream(2, "a test"), DRAWS).sums)
    # burn-in 3 + 3, then two patients each to either arm by a coin: the final tables by counting
    wanted = Fraction(0)
    for arm in product((0, 1), repeat=2):
        n_t = 3 + sum(arm)
        for x_t, x_c in product(range(n_t + 1), range(8 - n_t + 1)):
            if fisher_p(x_t, n_t, x_c, 8 - n_t) <= Fraction(1, 20):
                chance = _binomial(x_t, n_t, Fraction(9, 10)) * _binomial(x_c, 8 - n_t, Fraction(1, 5))
                wanted += chance / 4
    assert abs(tally["power"].estimate().value - float(wanted)) <= monte_carlo(float(wanted), DRAWS)


def _binomial(x: int, n: int, rate: Fraction) -> Fraction:
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def test_the_trial_for_comparison_has_equal_arms() -> None:
    """Patients who are dealt in turn give equal arms, no bias, and as many responders as both rates promise."""
    trial = Adaptive(layout(n=60, burn_in=10, block=10), posterior(["anakinra"], 0.95), (0.2, 0.5), balanced=True)
    tally = dict(simulate(trial, stream(3, "a test"), 20_000).sums)
    for name, exact in (("expected_share_on_best", 0.5), ("expected_bias_dose_1", 0.0), ("expected_responders", 21.0)):
        estimate = tally[name].estimate()
        assert estimate.mcse is not None
        assert abs(estimate.value - exact) <= 4 * estimate.mcse + ROUNDING


def test_the_memory_of_the_tables_is_what_they_take() -> None:
    """Where every result of 3 to 40 patients of an arm has been asked for, the tables hold so many bytes."""
    arms = Arms((np.array([[1.0, 1.0, 1.0]]),) * 3, 50)
    sizes = np.arange(3, 41)
    table = arms.tables[0]
    table.rows(sizes, np.zeros_like(sizes))
    assert len(table.density) == sum(n + 1 for n in range(3, 41))
    assert most_memory(50, (3, 40), 1) == table.density.nbytes + table.below.nbytes
    assert most_memory(50, (3, 40), 4) == 4 * most_memory(50, (3, 40), 1)
