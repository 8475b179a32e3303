"""Decisions of kind ``criteria`` against RBesT, and self-adapting weights against SAMprior: each says its source."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import cases, decided, drawn, named, points, ref
from tests.tolerances import printed

from anatrial.domain.counts import Look, Regions
from anatrial.engine.characteristics import power
from anatrial.rules.criteria import Criteria, SidedCriterion
from anatrial.rules.posterior import AnalysisPrior
from anatrial.rules.self_adapting import PriorsByArm, SelfAdapting

Case = dict[str, Any]
FILE = "rbest_decisions.json"
SCALES = {"difference": "difference", "log_odds": "log_odds", "log": "log_ratio"}
UNIFORM = [(1.0, 1.0, 1.0)]


def regions(given: Case) -> Regions:
    """What the rule decides in a case with one arm (prior, n) or two (prior1, prior2, n1, n2)."""
    single = "prior" in given
    directions = given.get("directions", [given.get("direction")] * len(given["thresholds"]))
    told = zip(directions, given["thresholds"], given["probabilities"], strict=True)
    rule = Criteria(
        kind="criteria",
        criteria=tuple(
            SidedCriterion.model_validate(
                {
                    "direction": direction,
                    "scale": "rate" if single else SCALES[given["scale"]],
                    "threshold": float(threshold),
                    "certainty": certainty,
                }
            )
            for direction, threshold, certainty in told
        ),
        analysis_prior=AnalysisPrior(
            treatment=ref(given["prior" if single else "prior1"]), control=None if single else ref(given["prior2"])
        ),
    )
    return decided(rule, given["n"], 0) if single else decided(rule, given["n1"], given["n2"])


def ends(found: Regions) -> list[tuple[int, int] | None]:
    """First and last successful treatment count per control count, None where there is none; never two runs."""
    told: list[tuple[int, int] | None] = [None] * (found.success.look.n_c + 1)
    for x_c, first, last in found.success.runs:
        assert told[x_c] is None
        told[x_c] = (first, last)
    return told


def bounds(case: Case, n: int) -> list[tuple[int, int] | None]:
    """The expected first and last counts: those that a case does not tell are 0 and n."""
    expected = case["expected"]

    def listed(key: str) -> list[int | None] | None:
        value = next((v for k, v in expected.items() if k.startswith(key)), None)
        return value if isinstance(value, list) or value is None else [value]

    lows, highs = listed("min_successes"), listed("max_successes")
    size = len(lows or highs or ())
    pairs = zip(lows or [0] * size, highs or [n] * size, strict=True)
    return [None if low is None or high is None else (low, high) for low, high in pairs]


def chances(found: Regions, given: Case) -> list[float]:
    """P(success) at the true rates of a case."""
    if "true_rates" in given:
        return [power(found, points(rate))[0] for rate in given["true_rates"]]
    pairs = zip(given["true_rate1"], given["true_rate2"], strict=True)
    return [power(found, points(*pair))[0] for pair in pairs]


@pytest.mark.parametrize("case", [*cases(FILE, "one_sample_boundary"), *cases(FILE, "two_sample_boundary")], ids=named)
def test_boundary(case: Case) -> None:
    """The successful counts are RBesT's for every control count, in both directions and on every scale."""
    found = regions(case["inputs"])
    assert ends(found) == bounds(case, found.success.look.n_t)


ONE, TWO = (cases(FILE, f"{arms}_sample_operating_characteristics") for arms in ("one", "two"))


@pytest.mark.parametrize("case", [*ONE, *TWO], ids=named)
def test_operating_characteristics(case: Case) -> None:
    """P(success) at each true rate, or pair of them, is RBesT's."""
    found = chances(regions(case["inputs"]), case["inputs"])
    assert found == pytest.approx(case["expected"]["prob_success"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "one_sample_probability_of_success"), ids=named)
def test_one_sample_assurance(case: Case) -> None:
    """The assurance of a single arm under each design prior is RBesT's."""
    given = case["inputs"]
    found = [power(regions(given), drawn(prior))[0] for prior in given["design_priors"]]
    assert found == pytest.approx(case["expected"]["pos"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "two_sample_probability_of_success"), ids=named)
def test_two_sample_assurance(case: Case) -> None:
    """The assurance of two arms under each pair of design priors is RBesT's."""
    given = case["inputs"]
    pairs = zip(given["design_priors1"], given["design_priors2"], strict=True)
    decision = regions(given)
    found = [power(decision, drawn(*pair))[0] for pair in pairs]
    assert found == pytest.approx(case["expected"]["pos"], abs=case["tolerance"]["abs"])


TWO_SIDED = [case for arms in ("one", "two") for case in cases(FILE, f"{arms}_sample_two_sided_decision")]


@pytest.mark.parametrize("case", TWO_SIDED, ids=named)
def test_two_sided_decision(case: Case) -> None:
    """A criterion in each direction: boundary, P(success) and assurance are those of every outcome on its own."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]["abs"]
    found = regions(given)
    assert ends(found) == bounds(case, found.success.look.n_t)
    assert chances(found, given) == pytest.approx(expected["prob_success"], abs=within)
    design = [given[key] for key in ("design_prior", "design_prior1", "design_prior2") if key in given]
    assert power(found, drawn(*design))[0] == pytest.approx(expected["pos"], abs=within)


def test_equivalence_where_the_peer_is_wrong() -> None:
    """P(d < 0.2) > 0.9 and P(d > -0.2) > 0.9, uniform, 60 per arm, 0.1 v 0.1: 0.979, for which RBesT prints 0.131."""
    (case,) = [case for case in TWO_SIDED if "peer_output_known_wrong" in case]
    found = power(regions(case["inputs"]), points(0.1, 0.1))[0]
    assert found == pytest.approx(0.979, abs=printed(3))
    assert case["peer_output_known_wrong"]["oc2S"][0] == pytest.approx(0.131, abs=printed(3))


HISTORY = [(0.6347375, 42.5097011, 77.2077293), (0.3652625, 7.1944569, 12.3741342)]


def self_adapting() -> SelfAdapting:
    """The example of SAMprior's README: nine placebo arms in ankylosing spondylitis as a mixture, delta 0.2."""
    priors = PriorsByArm(treatment=ref(UNIFORM), control=ref(HISTORY))
    return SelfAdapting(kind="self_adapting", certainty=0.95, delta=0.2, analysis_prior=priors)


def test_self_adapting_weight() -> None:
    """10 of 35 control responders give history the weight 0.7900602 that SAMprior prints.

    Source: README of github.com/pengyang0411/SAMprior at commit 0c4d555, section "SAM Weight Determination". There the
    alternatives are cut at 0.01 and 0.99, which plays no part here; we leave out those outside (0, 1). The last digit
    cannot be had: the mixture is printed with seven decimals as well.
    """
    assert self_adapting().weights(35).prior[10] == pytest.approx(0.7900602, abs=printed(6))


def test_self_adapting_decision() -> None:
    """22 of 70 against 10 of 35 is no success, as SAMprior and RBesT decide in the same README."""
    success = self_adapting().regions((Look(70, 35),))[0].success
    assert (22, 10) not in success
