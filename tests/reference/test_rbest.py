"""Beta mixtures and Bayesian decisions against RBesT: rbest.json says how each value was made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.building import cases, decided, drawn, mixture, named, points, posterior, resolved

from anatrial.domain.counts import Regions
from anatrial.domain.mixture import BetaPart
from anatrial.engine.characteristics import power
from anatrial.methods.recipe import Robust
from anatrial.numerics import beta
from anatrial.plan.size import size
from anatrial.rules.posterior import Posterior

Case = dict[str, Any]
FILE = "rbest.json"


@pytest.mark.parametrize("case", cases(FILE, "mixture_pdf"), ids=named)
def test_density(case: Case) -> None:
    """The density and its logarithm are RBesT's, far into the tails."""
    given, within = mixture(case["inputs"]["mixture"]), case["tolerance"]
    density = [given.density(x) for x in case["inputs"]["x"]]
    assert density == pytest.approx(case["expected"]["pdf"], rel=within["rel"], abs=0)
    logs = beta.log_density(given.array, np.array(case["inputs"]["x"])).tolist()
    assert logs == pytest.approx(case["expected"]["log_pdf"], abs=within["log_abs"])


@pytest.mark.parametrize("case", cases(FILE, "mixture_cdf"), ids=named)
def test_distribution(case: Case) -> None:
    """Both tails are RBesT's, each to relative accuracy."""
    given, within = mixture(case["inputs"]["mixture"]), case["tolerance"]
    below = [given.cdf(x) for x in case["inputs"]["x"]]
    above = [given.survival(x) for x in case["inputs"]["x"]]
    assert below == pytest.approx(case["expected"]["cdf"], rel=within["rel"], abs=0)
    assert above == pytest.approx(case["expected"]["upper_tail"], rel=within["rel"], abs=0)
    assert np.log(below).tolist() == pytest.approx(case["expected"]["log_cdf"], abs=within["log_abs"])


@pytest.mark.parametrize("case", cases(FILE, "mixture_quantile"), ids=named)
def test_quantiles(case: Case) -> None:
    """Quantiles of mixtures, gaps between modes included, are the roots of RBesT's distribution function."""
    given, within = mixture(case["inputs"]["mixture"]), case["tolerance"]
    for p, expected in zip(case["inputs"]["p"], case["expected"]["quantile"], strict=True):
        found = given.quantile(p)
        assert found == pytest.approx(expected, abs=within["abs"], rel=within["rel"]), p


@pytest.mark.parametrize("case", cases(FILE, "mixture_moments"), ids=named)
def test_moments(case: Case) -> None:
    """Mean and standard deviation are RBesT's."""
    given = mixture(case["inputs"]["mixture"])
    found = {"mean": given.mean, "sd": given.sd}
    assert found == pytest.approx(case["expected"], rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("case", cases(FILE, "posterior_update"), ids=named)
def test_update(case: Case) -> None:
    """The posterior's weights and shapes, mean and standard deviation are RBesT's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["rel"]
    found = mixture(given["prior"]).updated(given["successes"], given["n"])
    assert np.array(found.parts) == pytest.approx(np.array(expected["posterior"]), rel=within)
    assert (found.mean, found.sd) == pytest.approx((expected["mean"], expected["sd"]), rel=within)


@pytest.mark.parametrize("case", cases(FILE, "predictive_distribution"), ids=named)
def test_predictive(case: Case) -> None:
    """The beta-binomial law, its sum, its quantiles and its mean are RBesT's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    prior, n = mixture(given["mixture"]), given["n"]
    law = prior.predictive(n)
    assert law[given["y"]].tolist() == pytest.approx(expected["pmf"], abs=within)
    assert np.cumsum(law)[given["y"]].tolist() == pytest.approx(expected["cdf"], abs=within)
    assert float(law @ np.arange(n + 1)) == pytest.approx(expected["mean"], rel=1e-12)
    # at a tie, cdf(y) = p, the peer takes the next count and we take y: no case here has one
    assert [prior.predicted_quantile(p, n) for p in given["p"]] == expected["quantile"]


@pytest.mark.parametrize("case", cases(FILE, "difference_cdf"), ids=named)
def test_difference(case: Case) -> None:
    """P(rate 1 - rate 2 > x) of two mixtures is RBesT's, and the other direction is its complement."""
    given, within = case["inputs"], case["tolerance"]["abs"]
    one, two = mixture(given["mixture1"]), mixture(given["mixture2"])
    above = [one.probability_above(two, x) for x in given["x"]]
    assert above == pytest.approx(case["expected"]["upper_tail"], abs=within)
    below = [two.probability_above(one, -x) for x in given["x"]]
    assert below == pytest.approx(case["expected"]["cdf"], abs=within)


@pytest.mark.parametrize("case", cases(FILE, "robustify"), ids=named)
def test_robustified(case: Case) -> None:
    """A robust part of RBesT's n is ours of effective n = n + 1: the same mixture."""
    given = case["inputs"]
    part = Robust(weight=given["weight"], mean=given["mean"], effective_n=given["n"] + 1.0, why="a test").part()
    found = mixture(given["prior"]).robustified(part)
    assert np.array(found.parts) == pytest.approx(np.array(case["expected"]["mixture"]), rel=case["tolerance"]["rel"])
    assert found.parts[-1] == BetaPart(part.weight, part.a, part.b)


def one_sample(given: Case) -> Regions:
    """The success counts of a single arm, one or two criteria against fixed rates."""
    (first, *others), (certainty, *more) = given["thresholds"], given["probabilities"]
    relevance = (more[0], others[0] - first) if others else None
    rule = posterior(given["prior"], None, certainty, benchmark=first, relevance=relevance)
    return decided(rule, given["n"], 0)


def two_sample_rule(given: Case) -> Posterior:
    """The success rule of two arms, one or two criteria on the difference of rates."""
    (first, *others), (certainty, *more) = given["thresholds"], given["probabilities"]
    relevance = (more[0], float(others[0])) if others else None
    return posterior(given["prior1"], given["prior2"], certainty, float(first), relevance=relevance)


@pytest.mark.parametrize("case", cases(FILE, "one_sample_boundary"), ids=named)
def test_one_sample_boundary(case: Case) -> None:
    """The least successful count of a single arm is RBesT's, never and always included."""
    assert one_sample(case["inputs"]).success.staircase == (case["expected"]["min_successes"],)


@pytest.mark.parametrize("case", cases(FILE, "one_sample_operating_characteristics"), ids=named)
def test_one_sample_operating_characteristics(case: Case) -> None:
    """P(success) of a single arm at each true rate is RBesT's."""
    regions = one_sample(case["inputs"])
    found = [power(regions, points(rate))[0] for rate in case["inputs"]["true_rates"]]
    assert found == pytest.approx(case["expected"]["prob_success"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "one_sample_probability_of_success"), ids=named)
def test_one_sample_assurance(case: Case) -> None:
    """The assurance of a single arm under each design prior is RBesT's."""
    regions = one_sample(case["inputs"])
    found = [power(regions, drawn(prior))[0] for prior in case["inputs"]["design_priors"]]
    assert found == pytest.approx(case["expected"]["pos"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "two_sample_boundary"), ids=named)
def test_two_sample_boundary(case: Case) -> None:
    """The least successful treatment count for every control count is RBesT's."""
    given, expected = case["inputs"], case["expected"]["min_successes_arm1"]
    found = decided(two_sample_rule(given), given["n1"], given["n2"]).success.staircase
    assert found == tuple(expected if isinstance(expected, list) else [expected])


@pytest.mark.parametrize("case", cases(FILE, "two_sample_operating_characteristics"), ids=named)
def test_two_sample_operating_characteristics(case: Case) -> None:
    """P(success) of two arms at each pair of true rates is RBesT's."""
    given = case["inputs"]
    regions = decided(two_sample_rule(given), given["n1"], given["n2"])
    pairs = zip(given["true_rate1"], given["true_rate2"], strict=True)
    found = [power(regions, points(*pair))[0] for pair in pairs]
    assert found == pytest.approx(case["expected"]["prob_success"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "two_sample_probability_of_success"), ids=named)
def test_two_sample_assurance(case: Case) -> None:
    """The assurance of two arms under each pair of design priors is RBesT's."""
    given = case["inputs"]
    regions = decided(two_sample_rule(given), given["n1"], given["n2"])
    pairs = zip(given["design_priors1"], given["design_priors2"], strict=True)
    found = [power(regions, drawn(*pair))[0] for pair in pairs]
    assert found == pytest.approx(case["expected"]["pos"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "two_sample_sample_size"), ids=named)
def test_two_sample_size_size(case: Case) -> None:
    """Power and type I error of every size, and the sizes that the search names, are those of RBesT in a loop."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    low, high = given["n2_candidates"][0], given["n2_candidates"][-1]
    high_rate, low_rate = given["true_rate1"], given["true_rate2"]
    parts = {
        arm: "[" + ", ".join(f"{{ weight = {w}, a = {a}, b = {b} }}" for w, a, b in given[arm]) + "]"
        for arm in ("prior1", "prior2")
    }
    result = size(
        resolved(f"""
        design = {{ kind = "fixed", n = {{ treatment = 20, control = 10 }} }}
        [rule]
        kind = "posterior"
        certainty = {given["probabilities"][0]}
        analysis_prior = {{ treatment = {{ parts = {parts["prior1"]} }}, control = {{ parts = {parts["prior2"]} }} }}
        [truths]
        expected = {{ kind = "points", rates = {{ treatment = {high_rate}, control = {low_rate} }} }}
        null = {{ kind = "points", rates = {{ treatment = {low_rate}, control = {low_rate} }} }}
        [[targets]]
        metric = "power"
        truth = "expected"
        at_least = {given["target_power"]}
        [[targets]]
        metric = "type_i_error"
        truth = "null"
        at_most = 0.5
        [size]
        control = {{ from = {low}, to = {high} }}
        ratio = {given["allocation_arm1_to_arm2"]}
        """)
    )
    assert [p.n for p in result.points] == given["n2_candidates"]
    assert [p.estimates[0].value for p in result.points] == pytest.approx(expected["power"], abs=within)
    assert [p.estimates[1].value for p in result.points] == pytest.approx(
        expected["type_one_error_at_rate2"], abs=within
    )
    answer = result.answers[1]
    assert answer.first_n == expected["smallest_n2_reaching_target"]
    assert answer.holds_from == expected["smallest_n2_from_which_power_stays_above_target"]
