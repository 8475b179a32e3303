"""Chances at an interim look, and exact intervals, against RBesT: rbest.json says how each value was made."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import cases, decided, drawn, mixture, named, points, posterior

from anatrial.domain.mixture import BetaMixture
from anatrial.engine.characteristics import power
from anatrial.numerics.intervals import clopper_pearson

Case = dict[str, Any]
FILE = "rbest.json"


def seen(prior: list[list[float]], x: int, n: int) -> BetaMixture:
    """What a prior has become at the interim look: the prior of the patients still to come."""
    return mixture(prior).updated(x, n)


@pytest.mark.parametrize("case", cases(FILE, "one_sample_interim_probability_of_success"), ids=named)
def test_one_sample_interim(case: Case) -> None:
    """Power and assurance of the patients still to come, from the posterior at the interim, are RBesT's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    counts = given["interim_successes"], given["interim_n"]
    own, other = seen(given["analysis_prior"], *counts), seen(given["codata_prior"], *counts)
    rule = posterior(own.parts, None, given["probabilities"][0], benchmark=given["thresholds"][0])
    regions = decided(rule, given["final_n"] - given["interim_n"], 0)
    assert power(regions, drawn(own.parts))[0] == pytest.approx(expected["pos_own_posterior"], abs=within)
    assert power(regions, drawn(other.parts))[0] == pytest.approx(expected["pos_codata_posterior"], abs=within)
    found = [power(regions, points(rate))[0] for rate in given["true_rates"]]
    assert found == pytest.approx(expected["conditional_power"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "two_sample_interim_probability_of_success"), ids=named)
def test_two_sample_interim(case: Case) -> None:
    """The same for two arms; the co-data inform the control rate alone."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    treated, controls = (given["interim_y1"], given["interim_n1"]), (given["interim_y2"], given["interim_n2"])
    own_t, own_c = seen(given["analysis_prior1"], *treated), seen(given["analysis_prior2"], *controls)
    other = seen(given["codata_prior2"], *controls)
    rule = posterior(own_t.parts, own_c.parts, given["probabilities"][0], float(given["thresholds"][0]))
    regions = decided(rule, given["final_n1"] - given["interim_n1"], given["final_n2"] - given["interim_n2"])
    own = power(regions, drawn(own_t.parts, own_c.parts))[0]
    assert own == pytest.approx(expected["pos_own_posteriors"], abs=within)
    codata = power(regions, drawn(own_t.parts, other.parts))[0]
    assert codata == pytest.approx(expected["pos_codata_control"], abs=within)
    pairs = zip(given["true_rate1"], given["true_rate2"], strict=True)
    found = [power(regions, points(*pair))[0] for pair in pairs]
    assert found == pytest.approx(expected["conditional_power"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "exact_binomial_ci"), ids=named)
def test_exact_intervals(case: Case) -> None:
    """Clopper-Pearson intervals are RBesT's, 0 and 1 at the ends included."""
    given, within = case["inputs"], case["tolerance"]["abs"]
    pairs = zip(given["successes"], given["n"], strict=True)
    lower, upper = zip(*(clopper_pearson(x, n, 1 - given["alpha"]) for x, n in pairs), strict=True)
    assert lower == pytest.approx(case["expected"]["lower"], abs=within)
    assert upper == pytest.approx(case["expected"]["upper"], abs=within)
