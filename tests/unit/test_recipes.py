"""How evidence becomes a prior, by hand arithmetic on made-up studies."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.building import indication
from tests.tolerances import ROUNDING

from anatrial.documents.indication import Indication
from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import PriorRef
from anatrial.errors import ComputationError, InputError
from anatrial.methods.recipe import DISCOUNTS
from anatrial.plan.derive import derive, without_each_study

STUDIES = """
version = 1
indication = "made-up"
title = "A disease for tests"

[endpoints.response]
definition = "Response"
visit = "week 12"

[endpoints.flare]
definition = "Flare"
better = "fewer"
visit = "week 12"

[[studies]]
id = "blind"
title = "Blind 2001"
citation = "Blind 2001"
tier = "rct_double_blind"
arms = [{ id = "placebo", role = "placebo", drug = "placebo" }]
outcomes = [
  { id = "blind-1", source_id = "B1", arm = "placebo", endpoint = "response", visit = "week 12", analysis_set = "itt", n = 20, responders = 6, locator = "Table 1" },
  { id = "blind-flare", source_id = "B2", arm = "placebo", endpoint = "flare", visit = "week 12", analysis_set = "itt", n = 20, responders = 15, locator = "Table 2" },
  { id = "blind-late", source_id = "B3", arm = "placebo", endpoint = "response", visit = "week 52", analysis_set = "itt", n = 20, responders = 9, locator = "Table 3" },
  { id = "blind-uncounted", source_id = "B4", arm = "placebo", endpoint = "response", visit = "week 12", analysis_set = "itt", n = 20, locator = "Table 4" },
]

[[studies]]
id = "open"
title = "Open 2002"
citation = "Open 2002"
tier = "rct_open_label"
arms = [{ id = "placebo", role = "placebo", drug = "placebo" }]
outcomes = [
  { id = "open-1", source_id = "O1", arm = "placebo", endpoint = "response", visit = "week 12", analysis_set = "itt", n = 40, responders = 10, locator = "Table 1", overlap = ["cohort"] },
  { id = "open-flare", source_id = "O2", arm = "placebo", endpoint = "flare", visit = "week 12", analysis_set = "itt", n = 40, responders = 8, locator = "Table 2" },
]

[[studies]]
id = "again"
title = "Again 2003"
citation = "Again 2003"
tier = "registry"
arms = [{ id = "placebo", role = "placebo", drug = "placebo" }]
outcomes = [
  { id = "again-1", source_id = "A1", arm = "placebo", endpoint = "response", visit = "week 12", analysis_set = "itt", n = 44, responders = 11, locator = "Table 1", overlap = ["cohort"] },
]

[[studies]]
id = "case"
title = "Case 2004"
citation = "Case 2004"
tier = "case_report"
arms = [{ id = "drug", role = "anakinra", drug = "anakinra" }]
outcomes = [
  { id = "case-1", source_id = "C1", arm = "drug", endpoint = "response", visit = "week 12", analysis_set = "itt", n = 1, responders = 1, locator = "text" },
]
"""  # noqa: E501 - one record per line


def disease(recipe: str) -> Indication:
    """The made-up indication with one prior, named "it"."""
    return indication(f'{STUDIES}\n[priors.it]\ntitle = "A prior"\n{recipe}')


def parts(recipe: str) -> tuple[tuple[float, float, float], ...]:
    """Weights and shapes of the prior that a recipe makes."""
    return tuple(tuple(part) for part in derive(disease(recipe), "it").value().mixture.parts)  # type: ignore[misc]


def test_pooled_adds_counts_to_the_base() -> None:
    """6 of 20 and 10 of 40 on Beta(1, 1) make Beta(17, 45)."""
    assert parts('method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1", "open-1"]') == ((1, 17, 45),)


def test_base_is_the_start() -> None:
    """Another base Beta is where the counts are added."""
    recipe = 'method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]\nbase = { a = 0.5, b = 2 }'
    assert parts(recipe) == ((1, 6.5, 16),)


def test_fewer_is_better_counts_the_complement() -> None:
    """15 flares of 20 and 8 of 40 are 5 of 20 and 32 of 40 without flare: Beta(38, 24)."""
    found = derive(disease('method = "pooled"\nendpoint = "flare"\noutcomes = ["blind-flare", "open-flare"]'), "it")
    assert found.value().mixture == BetaMixture.beta(38, 24)
    assert [(c.responders, c.n) for c in found.derived.contributions] == [(5, 20), (32, 40)]


def test_case_report_counts_nothing() -> None:
    """Pooling leaves a case report at weight 0, and its study is not one that the prior rests on."""
    recipe = 'method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1", "case-1"]'
    found = derive(disease(recipe), "it")
    assert found.value().mixture == BetaMixture.beta(7, 15)
    assert {c.study: c.weight for c in found.derived.contributions} == {"blind": 1, "case": 0}
    assert found.value().studies == {"blind"}


def test_case_report_counts_nothing_under_a_common_discount() -> None:
    """A common discount does not lift a case report from 0."""
    recipe = """method = "power_prior"\nendpoint = "response"\noutcomes = ["blind-1", "case-1"]
    discount = { weight = 0.5, why = "a test" }"""
    assert parts(recipe) == ((1, 4, 8),)


def test_case_report_counts_where_words_say_so() -> None:
    """A weight with its reason, given to the study by name, wins over the zero."""
    recipe = """method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1", "case-1"]
    weights = { case = { weight = 1.0, why = "a test" } }"""
    assert parts(recipe) == ((1, 8, 15),)


def test_power_prior_with_one_discount() -> None:
    """At weight 0.25, 6 of 20 and 10 of 40 add 4 and 11 to the base."""
    recipe = """method = "power_prior"\nendpoint = "response"\noutcomes = ["blind-1", "open-1"]
    discount = { weight = 0.25, why = "a test" }"""
    assert parts(recipe) == ((1, 5, 12),)


def test_power_prior_by_design_tier() -> None:
    """Without a discount each study counts by its tier, with the reason beside the weight."""
    recipe = 'method = "power_prior"\nendpoint = "response"\noutcomes = ["blind-1", "open-1"]'
    found = derive(disease(recipe), "it")
    blind, opened = DISCOUNTS["rct_double_blind"].weight, DISCOUNTS["rct_open_label"].weight
    a, b = 1 + 6 * blind + 10 * opened, 1 + 14 * blind + 30 * opened
    assert found.value().mixture.parts[0] == pytest.approx((1, a, b), rel=ROUNDING)
    assert [c.why for c in found.derived.contributions] == [
        DISCOUNTS[t].why for t in ("rct_double_blind", "rct_open_label")
    ]


def test_weights_win_over_the_tier() -> None:
    """A study's own weight replaces that of its tier."""
    recipe = """method = "power_prior"\nendpoint = "response"\noutcomes = ["blind-1", "open-1"]
    weights = { open = { weight = 0.0, why = "a test" }, blind = { weight = 1.0, why = "a test" } }"""
    assert parts(recipe) == ((1, 7, 15),)


def test_robust_part_scales_the_rest() -> None:
    """20 % at mean 0.25 and effective n 4 adds 0.2 Beta(1, 3) and leaves 0.8 for history."""
    recipe = """method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]
    robust = { weight = 0.2, mean = 0.25, effective_n = 4, why = "a test" }"""
    value = derive(disease(recipe), "it").value()
    assert value.mixture.parts == ((0.8, 7, 15), (0.2, 1, 3))
    assert value.informative == BetaMixture.beta(7, 15)
    assert value.robust_weight == pytest.approx(0.2, rel=ROUNDING)


def test_robust_weight_zero_adds_nothing() -> None:
    """A robust part of weight 0 leaves history alone, and a scenario may still give it a weight."""
    recipe = """method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]
    robust = { weight = 0.0, why = "a test" }"""
    derived = derive(disease(recipe), "it")
    assert derived.value().mixture.parts == ((1, 7, 15),)
    assert derived.value(0.5).mixture.parts == ((0.5, 7, 15), (0.5, 1, 1))
    assert derived.value(0.0).mixture.parts == ((1, 7, 15),)


def test_robust_weight_of_the_scenario_keeps_the_part() -> None:
    """A scenario that gives the weight alone keeps the recipe's robust mean and strength."""
    recipe = """method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]
    robust = { weight = 0.2, mean = 0.25, effective_n = 4, why = "a test" }"""
    assert derive(disease(recipe), "it").value(0.5).mixture.parts == ((0.5, 7, 15), (0.5, 1, 3))


def test_elicited_mean_and_strength() -> None:
    """Mean 0.6 worth 10 patients is Beta(6, 4)."""
    recipe = 'method = "elicited"\nendpoint = "response"\nwhy = "a test"\nmean = 0.6\neffective_n = 10'
    assert parts(recipe) == ((1, 6, 4),)


def test_elicited_median_and_interval() -> None:
    """A median and a 90 % interval are met: half the probability below the median, 90 % inside."""
    recipe = """method = "elicited"\nendpoint = "response"\nwhy = "a test"\nmedian = 0.3
    interval = { lower = 0.2, upper = 0.45, level = 0.9 }"""
    found = derive(disease(recipe), "it").value().mixture
    assert found.cdf(0.3) == pytest.approx(0.5, abs=1e-9)
    assert found.cdf(0.45) - found.cdf(0.2) == pytest.approx(0.9, abs=1e-9)


def test_elicited_interval_that_no_beta_has() -> None:
    """An interval that every Beta fills more than that is a failed computation, not some Beta."""
    recipe = """method = "elicited"\nendpoint = "response"\nwhy = "a test"\nmedian = 0.5
    interval = { lower = 0.000000001, upper = 0.999999999, level = 0.05 }"""
    with pytest.raises(ComputationError):
        parts(recipe)


@pytest.mark.parametrize(
    "belief",
    [
        "mean = 0.6",
        "effective_n = 10",
        "median = 0.5",
        "mean = 0.6\neffective_n = 10\nmedian = 0.5\ninterval = { lower = 0.2, upper = 0.7 }",
        "median = 0.5\ninterval = { lower = 0.6, upper = 0.7 }",
        "median = 0.5\ninterval = { lower = 0.7, upper = 0.2 }",
        "mean = 0.0\neffective_n = 10",
        "mean = 0.5\neffective_n = 0",
        "mean = 0.5\neffective_n = nan",
    ],
)
def test_half_a_belief_is_refused(belief: str) -> None:
    """Belief is a mean with its strength or a median inside its interval; anything else is an input error."""
    with pytest.raises(InputError):
        disease(f'method = "elicited"\nendpoint = "response"\nwhy = "a test"\n{belief}')


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ('["blind-1", "open-flare"]', "open-flare"),
        ('["blind-1", "blind-late"]', "blind"),
        ('["blind-late", "open-1"]', "week 52"),
        ('["open-1", "again-1"]', "cohort"),
        ('["blind-1", "blind-uncounted"]', "blind-uncounted"),
        ('["blind-1", "opne-1"]', "open-1"),
        ("[]", "outcomes"),
    ],
)
def test_mixing_is_refused(outcomes: str, says: str) -> None:
    """Other endpoints, visits, cohorts, unread counts and unknown names are refused, and the message names them."""
    with pytest.raises(InputError, match=says):
        disease(f'method = "pooled"\nendpoint = "response"\noutcomes = {outcomes}')


def test_one_outcome_twice_is_refused() -> None:
    """The same record listed twice would count its patients twice."""
    with pytest.raises(InputError):
        disease('method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1", "blind-1"]')


def test_one_study_twice_is_refused_though_one_record_names_a_cohort() -> None:
    """Two records of one study are its patients twice, whether or not one of them is marked as a cohort."""
    text = STUDIES.replace(
        'responders = 6, locator = "Table 1"', 'responders = 6, locator = "Table 1", overlap = ["group"]'
    )
    recipe = """[priors.it]\ntitle = "A prior"\nmethod = "pooled"\nendpoint = "response"
    outcomes = ["blind-1", "blind-late"]
    treated_as_same = [{ outcomes = ["blind-1", "blind-late"], why = "a test" }]"""
    with pytest.raises(InputError):
        indication(f"{text}\n{recipe}")


def test_equated_with_a_reason_is_allowed() -> None:
    """Visits that differ may be pooled where the recipe says why, and the reason stays with the prior."""
    recipe = """method = "pooled"\nendpoint = "response"\noutcomes = ["blind-late", "open-1"]
    treated_as_same = [{ outcomes = ["blind-late", "open-1"], why = "both are the end of the trial" }]"""
    found = derive(disease(recipe), "it")
    assert found.value().mixture == BetaMixture.beta(20, 42)
    assert "both are the end of the trial" in found.value().equated[0]


def test_leave_one_out() -> None:
    """Without each study in turn the other's counts remain; studies at weight 0 are not left out."""
    recipe = 'method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1", "open-1", "case-1"]'
    found = dict(without_each_study(disease(recipe), "it"))
    assert found == {"blind": BetaMixture.beta(11, 31), "open": BetaMixture.beta(7, 15)}


def test_leave_one_out_of_one_study_is_the_base() -> None:
    """Without its only study the base prior is left; a belief has no study to leave out."""
    one = disease('method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]')
    assert without_each_study(one, "it") == (("blind", BetaMixture.beta(1, 1)),)
    belief = disease('method = "elicited"\nendpoint = "response"\nwhy = "a test"\nmean = 0.6\neffective_n = 10')
    assert without_each_study(belief, "it") == ()


def test_unknown_prior_names_the_nearest() -> None:
    """A misspelt prior is an input error with the nearest name."""
    with pytest.raises(InputError, match="'it'"):
        derive(disease('method = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]'), "itt")


def test_digest_depends_on_what_is_used_alone() -> None:
    """A changed count that the recipe uses changes its digest; another study's count, a note or a title does not."""
    recipe = '[priors.it]\ntitle = "A prior"\nmethod = "pooled"\nendpoint = "response"\noutcomes = ["blind-1"]'
    before = indication(f"{STUDIES}\n{recipe}").input_digest("it")
    other = STUDIES.replace("n = 40, responders = 10", "n = 40, responders = 11")
    assert indication(f"{other}\n{recipe}").input_digest("it") == before
    assert indication(f"# a comment\n{STUDIES}\n{recipe}").input_digest("it") == before
    used = STUDIES.replace("n = 20, responders = 6,", "n = 20, responders = 7,")
    assert indication(f"{used}\n{recipe}").input_digest("it") != before
    weighed = recipe + '\nweights = { blind = { weight = 0.5, why = "a test" } }'
    assert indication(f"{STUDIES}\n{weighed}").input_digest("it") != before


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"a": 1.0},
        {"prior": "x", "a": 1.0, "b": 1.0},
        {"mean": 0.5},
        {"robust_weight": 0.2},
        {"parts": ({"weight": 0.5, "a": 1.0, "b": 1.0},)},
        {"mean": 0.00001, "effective_n": 10.0},
        {"a": 0.0, "b": 1.0},
        {"a": float("nan"), "b": 1.0},
    ],
)
def test_a_prior_is_said_in_one_way(given: dict[str, object]) -> None:
    """A reference is a name, two shapes, a mean with its strength, or parts that sum to 1: exactly one of these."""
    with pytest.raises(ValidationError):
        PriorRef.model_validate(given)
