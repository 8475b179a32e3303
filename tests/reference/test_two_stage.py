"""Designs of one arm with looks against clinfun, gsDesign and print; two_stage.json names the peer of each case."""

from __future__ import annotations

import json
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from tests.building import cases, course, named, points
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look
from anatrial.engine.characteristics import power
from anatrial.engine.stops import patients, stops
from anatrial.numerics.two_stage import TwoStageDesign, Wanted, search
from anatrial.numerics.two_stage_inference import Stages, inference, rates_at, tails
from anatrial.rules.exact_sequential import ExactSequential
from anatrial.rules.fleming import Fleming
from anatrial.rules.responders import Responders

Case = dict[str, Any]
FILE = "two_stage.json"
KEYS = ("r1", "n1", "r", "n", "EN0", "EN1", "PET0", "PET1", "alpha_exact", "power_exact")


def looks(*totals: int) -> tuple[Look, ...]:
    """Looks of a single arm."""
    return tuple(Look(n, 0) for n in totals)


def agrees(design: TwoStageDesign | None, expected: dict[str, float], within: float) -> None:
    """Counts are the same, and every probability and expected size within the tolerance."""
    assert design is not None
    assert list(design[:4]) == [expected[key] for key in KEYS[:4]]
    assert list(design[4:]) == pytest.approx([expected[key] for key in KEYS[4:]], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "simon_two_stage"), ids=named)
def test_simons_designs(case: Case) -> None:
    """Optimal, minimax and all admissible designs are the peer's, with what they do at both rates."""
    given, expected = case["inputs"], case["expected"]
    wanted = Wanted(given["null_rate"], given["alternative_rate"], given["alpha"], 1 - given["beta"])
    found = search(wanted, range(2, given["n_max"] + 1))
    agrees(found.optimal, expected["optimal"], case["tolerance"]["abs"])
    agrees(found.minimax, expected["minimax"], case["tolerance"]["abs"])
    assert [list(design[:4]) for design in found.admissible] == expected["admissible_r1_n1_r_n"]


@pytest.mark.parametrize("case", cases(FILE, "simon_two_stage"), ids=named)
def test_simons_designs_as_a_rule(case: Case) -> None:
    """Written out as responders, the optimal design has the peer's type I error, power and expected n."""
    given, best = case["inputs"], case["expected"]["optimal"]
    rule = Responders.model_validate_json(
        json.dumps(
            {
                "kind": "responders",
                "null_rate": given["null_rate"],
                "futility_at_most": [best["r1"]],
                "success_at_least": ["never", best["r"] + 1],
            }
        )
    )
    for rate, chance, expected_n in (
        (given["null_rate"], "alpha_exact", "EN0"),
        (given["alternative_rate"], "power_exact", "EN1"),
    ):
        run, truth = course(rule, best["n1"], best["n"]), points(rate)
        assert power(run, truth)[0] == pytest.approx(best[chance], abs=case["tolerance"]["abs"])
        mean = patients(run, truth.law)[0].estimate.value
        assert mean == pytest.approx(best[expected_n], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "simon_two_stage_inference"), ids=named)
def test_inference_after_two_stages(case: Case) -> None:
    """Unbiased estimate, p-value and both limits are the peer's; the upper one is the conservative limit."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    stages, x = Stages(given["r1"], given["n1"], given["n"]), given["total_responders"]
    found = inference(stages, given["null_rate"], 1 - 2 * given["alpha"])[x]
    assert found.umvue == pytest.approx(expected["umvue"], abs=within)
    assert found.p_value == pytest.approx(expected["p_value"], abs=within)
    assert found.lower == pytest.approx(expected["lower_5pct"], abs=within)
    assert found.upper == pytest.approx(expected["upper_95pct_conservative"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "simon_two_stage_inference"), ids=named)
def test_the_peers_upper_limit_covers_too_seldom(case: Case) -> None:
    """clinfun solves the tail of the result itself, not of the next larger one: its limit is lower than ours.

    Just above the peer's limit a result as small as this one still has more than the 5 % that the limit allows.
    """
    given, expected = case["inputs"], case["expected"]
    stages, x = Stages(given["r1"], given["n1"], given["n"]), float(given["total_responders"])
    peer = rates_at(stages, np.array([x]), 1 - given["alpha"])[0]
    assert peer == pytest.approx(expected["upper_95pct_same_tail"], abs=case["tolerance"]["abs"])
    as_small = 1 - tails(stages, np.array([x + 1]), np.array([peer + 1e-6]))[0]
    assert as_small > given["alpha"]


@pytest.mark.parametrize("case", cases(FILE, "single_arm_group_sequential_exact"), ids=named)
def test_exact_looks_of_one_arm(case: Case) -> None:
    """Probabilities of stopping high and low at each look, and the expected n, are the peer's at every rate."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    low, high = given["stop_low_if_responders_at_most"], given["stop_high_if_responders_at_least"]
    totals = given["cumulative_n"]
    rule = Responders(
        kind="responders",
        null_rate=0.5,
        futility_at_most=tuple("never" if at_most < 0 else at_most for at_most in low[:-1]),
        success_at_least=tuple("never" if at_least > n else at_least for at_least, n in zip(high, totals, strict=True)),
    )
    run = course(rule, *totals)
    for k, rate in enumerate(given["true_rates"]):
        law = points(rate).law
        *early, last = stops(run, law)
        success = [stop.success for stop in (*early, last)]
        failure = [*(stop.futility for stop in early), last.reached - last.success]
        assert success == pytest.approx([row[k] for row in expected["prob_high_by_look_and_rate"]], abs=within)
        assert failure == pytest.approx([row[k] for row in expected["prob_low_by_look_and_rate"]], abs=within)
        assert sum(success) == pytest.approx(expected["prob_high_total"][k], abs=within)
        assert patients(run, law)[0].estimate.value == pytest.approx(expected["expected_n"][k], abs=within)


FLEMING = [
    # A worked example of Fleming's procedure (Fleming 1982) at 5 %: accept at 3, reject at 7 of 15 and 9 of 25.
    (0.20, (15, 25), (3, 7), 9),
    # By hand, z = 1.645: 0.1 * 25 + z * 1.5 = 4.97 and 0.1 * 15 + z * 1.5 = 3.97; p' = 0.3563 and 5.34 - 3.94 = 1.41.
    (0.10, (15, 25), (1, 5), 6),
    # By hand: 2 + z * 1.378 = 4.27 and 1 + 2.27 = 3.27; p' = 0.2132 and 4.264 - 4.261 = 0.003.
    (0.05, (20, 40), (0, 4), 5),
]


@pytest.mark.parametrize(("null_rate", "totals", "first", "last"), FLEMING)
def test_flemings_boundaries(null_rate: float, totals: tuple[int, int], first: tuple[int, int], last: int) -> None:
    """The formulas give the printed counts, and those of a calculation by hand."""
    rule = Fleming(kind="fleming", null_rate=null_rate, alpha=0.05)
    early, late = rule.stops(looks(*totals))
    assert ((early.futility, early.success), late.success) == (first, last)


def test_flemings_exact_error() -> None:
    """aosd-fleming.toml: the nominal 5 % of 15 + 10 patients at 20 % is 0.0505 in whole numbers."""
    p = Fraction(1, 5)
    first = [comb(15, x) * p**x * (1 - p) ** (15 - x) for x in range(16)]
    second = [comb(10, x) * p**x * (1 - p) ** (10 - x) for x in range(11)]
    goes_on = sum(first[x] * second[y] for x in range(4, 7) for y in range(11) if x + y >= 9)
    exact = float(sum(first[7:]) + goes_on)
    run = course(Fleming(kind="fleming", null_rate=0.2, alpha=0.05), 15, 25)
    assert power(run, points(0.2))[0] == pytest.approx(exact, rel=ROUNDING)
    assert round(exact, 4) == 0.0505


def test_exact_sequential_spends_by_whole_numbers() -> None:
    """A rule of kind exact_sequential finds, look by look, the least count whose error in whole numbers may be spent.

    Even spending of 5 % over 10 + 10 patients at a rate of one half: at most 0.025, then at most 0.05.
    """
    rule = ExactSequential.model_validate_json(
        json.dumps(
            {
                "kind": "exact_sequential",
                "alpha": 0.05,
                "null_rate": 0.5,
                "efficacy": {"family": "hwang_shih_decani", "gamma": 0},
            }
        )
    )
    early = next(c for c in range(12) if Fraction(sum(comb(10, x) for x in range(c, 11)), 2**10) <= Fraction(1, 40))

    def error(late: int) -> Fraction:
        """Error with success at ``early`` of 10 or ``late`` of 20."""
        goes_on = sum(comb(10, x) * comb(10, y) for x in range(early) for y in range(11) if x + y >= late)
        return Fraction(2**10 * sum(comb(10, x) for x in range(early, 11)) + goes_on, 2**20)

    late = next(c for c in range(22) if error(c) <= Fraction(1, 20))
    assert [stop.success for stop in rule.stops(looks(10, 20))] == [early, late]
    assert power(course(rule, 10, 20), points(0.5))[0] == pytest.approx(float(error(late)), rel=ROUNDING)
