"""Criteria on the posterior: every direction and scale, where type I error is taken, and what is never said."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import HEAD, decided, points, posterior, ref, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.domain.results import Evaluation
from anatrial.engine.characteristics import power
from anatrial.errors import InputError
from anatrial.numerics import FloatArray
from anatrial.plan.evaluate import evaluate
from anatrial.report.run_text import run_text
from anatrial.rules.criteria import Criteria, SidedCriterion
from anatrial.rules.posterior import AnalysisPrior

Told = tuple[str, str, float, float]
"""Direction, scale, threshold, certainty."""
UNIFORM = [(1.0, 1.0, 1.0)]
HISTORY = [(1.0, 2.0, 3.0)]
LOG2 = math.log(2)
EQUIVALENCE: list[Told] = [("less", "difference", 0.2, 0.9), ("greater", "difference", -0.2, 0.9)]
STRICT: list[Told] = [("greater", "log_odds", 0.0, 0.95), ("greater", "log_odds", math.log(4), 0.5)]
DUAL: list[Told] = [("greater", "log_odds", 0.0, 0.95), ("greater", "log_odds", LOG2, 0.5)]


def criterion(told: Told) -> SidedCriterion:
    """A criterion from direction, scale, threshold and certainty."""
    return SidedCriterion.model_validate(
        dict(zip(("direction", "scale", "threshold", "certainty"), told, strict=True)),
    )


def criteria(*told: Told, null: float | None = None, control: list[tuple[float, float, float]] | None = HISTORY) -> Any:
    """The rule with a uniform treatment prior."""
    return Criteria(
        kind="criteria",
        criteria=tuple(map(criterion, told)),
        null=null,
        analysis_prior=AnalysisPrior(treatment=ref(UNIFORM), control=None if control is None else ref(control)),
    )


def shifted(scale: str, threshold: float) -> Callable[[FloatArray], FloatArray]:
    """The treatment rate that lies a threshold beyond a control rate on a scale, from 0 to 1."""
    if scale == "difference":
        return lambda p: np.clip(p + threshold, 0, 1)
    if scale == "log_ratio":
        return lambda p: np.minimum(p * math.exp(threshold), 1)
    return lambda p: p * math.exp(threshold) / (1 - p + p * math.exp(threshold))


def above(scale: str, threshold: float, x: tuple[int, int], n: tuple[int, int]) -> float:
    """P(g(p_t) - g(p_c) > threshold) under Beta(1, 1) and Beta(2, 3), added up over a fine grid of the control rate."""
    grid = (np.arange(100_000) + 0.5) / 100_000
    edge, (a, b) = shifted(scale, threshold)(grid), (2 + x[1], 3 + n[1] - x[1])
    density = grid ** (a - 1) * (1 - grid) ** (b - 1) * factorial(a + b - 1) / (factorial(a - 1) * factorial(b - 1))
    size = n[0] + 1  # P(p_t > e) is the lower tail of a binomial
    tail = np.sum([comb(size, k) * edge**k * (1 - edge) ** (size - k) for k in range(x[0] + 1)], axis=0)
    return float(np.mean(density * tail))


@pytest.mark.parametrize("direction", ["greater", "less"])
@pytest.mark.parametrize(
    ("scale", "threshold"),
    [
        ("difference", 0.15),
        ("difference", -0.2),
        ("difference", 0.0),
        ("log_odds", LOG2),
        ("log_odds", -0.5),
        ("log_odds", 0.0),
        ("log_ratio", 0.2),
        ("log_ratio", -0.4),
        ("log_ratio", 0.0),
    ],
)
def test_a_criterion_is_the_probability_of_its_statement(direction: str, scale: str, threshold: float) -> None:
    """Every table of 7 v 5, in both directions and on every scale, is that of adding up over the control rate."""
    told = criterion((direction, scale, threshold, 0.9))
    found = criteria((direction, scale, threshold, 0.9)).probability(Look(7, 5), told)
    assert found.shape == (8, 6)
    for x_t in range(8):
        for x_c in range(6):
            greater = above(scale, threshold, (x_t, x_c), (7, 5))
            assert found[x_t, x_c] == pytest.approx(greater if direction == "greater" else 1 - greater, abs=1e-8)


@pytest.mark.parametrize("direction", ["greater", "less"])
def test_a_single_arm_is_compared_with_a_rate(direction: str) -> None:
    """P(p_t > 1/4) under Beta(1 + x, 1 + n - x) is a binomial tail in fractions, and less its complement."""
    rule = criteria((direction, "rate", 0.25, 0.9), control=None)
    regions = decided(rule, 12, 0)
    for x in range(13):
        greater = sum(comb(13, k) * Fraction(1, 4) ** k * Fraction(3, 4) ** (13 - k) for k in range(x + 1))
        sure = greater if direction == "greater" else 1 - greater
        assert ((x, 0) in regions.success) == (sure > Fraction(9, 10))
        assert rule.probability(Look(12, 0), rule.criteria[0])[x, 0] == pytest.approx(float(sure), rel=ROUNDING)


def test_one_criterion_for_greater_is_the_posterior_rule() -> None:
    """With one criterion on the difference the region is that of the rule of kind posterior, with its margin."""
    for margin in (0.0, 0.1, -0.1):
        found = decided(criteria(("greater", "difference", margin, 0.95)), 20, 15)
        same = decided(posterior(UNIFORM, HISTORY, 0.95, margin), 20, 15)
        assert found == same
        assert criteria(("greater", "difference", margin, 0.95)).null_margin == margin


@pytest.mark.parametrize(
    "told", [EQUIVALENCE, STRICT, [("less", "difference", 0.3, 0.8), ("greater", "log_ratio", 0, 0.9)]]
)
def test_every_criterion_must_hold(told: list[Told]) -> None:
    """The region is where each of them holds on its own."""
    both = decided(criteria(*told), 30, 20).success.grid
    alone = [decided(criteria(one), 30, 20).success.grid for one in told]
    assert (both == np.logical_and(*alone)).all()
    assert both.any()
    assert not any((both == one).all() for one in alone)


def test_equivalence_is_a_band_that_swaps_with_its_arms() -> None:
    """With equal priors and sizes the treatment counts per control count are runs, and the band is its own mirror."""
    success = decided(criteria(*EQUIVALENCE, control=UNIFORM), 30, 30).success
    assert (success.grid == success.grid.T).all()
    assert (success.grid == success.grid[::-1, ::-1]).all()
    assert len({run.x_c for run in success.runs}) == len(success.runs) == 31
    assert success.staircase is None


def test_ties_are_settled_in_whole_numbers() -> None:
    """Equal counts under equal priors are sure to exactly 1/2 in either direction and on every scale: no success."""
    for direction in ("greater", "less"):
        for scale in ("difference", "log_odds", "log_ratio"):
            regions = decided(criteria((direction, scale, 0.0, 0.5), control=UNIFORM), 3, 3)
            assert [(tie.x_t, tie.x_c, tie.value) for tie in regions.ties] == [(x, x, 0.5) for x in range(4)]
            assert not any((x, x) in regions.success for x in range(4))
            assert ((2, 1) in regions.success) == (direction == "greater")
    half = decided(criteria(("less", "rate", 0.5, 0.5), control=None), 4, 0)
    assert [(tie.x_t, tie.value, tie.settled) for tie in half.ties] == [(2, 0.5, "in whole numbers")]
    assert [run[1:] for run in half.success.runs] == [(0, 1)]


@pytest.mark.parametrize(
    ("told", "null", "edge"),
    [
        ([("greater", "difference", 0.1, 0.9)], None, 0.1),
        ([("less", "difference", -0.1, 0.9)], None, -0.1),
        ([("greater", "log_odds", 0.0, 0.9)], None, 0.0),
        ([("greater", "difference", 0.0, 0.9), ("greater", "log_ratio", 0.0, 0.8)], None, 0.0),
        ([("greater", "log_odds", LOG2, 0.9)], None, None),
        (DUAL, None, None),
        (DUAL, 0.0, 0.0),
        (EQUIVALENCE, None, None),
        (EQUIVALENCE, 0.2, 0.2),
        (EQUIVALENCE, -0.2, -0.2),
    ],
)
def test_the_edge_of_no_effect_is_stated_or_the_only_one(
    told: list[Told], null: float | None, edge: float | None
) -> None:
    """One edge between rates needs no words; several, or an odds ratio that no difference of rates equals, do."""
    assert criteria(*told, null=null).edge == edge


@pytest.mark.parametrize(
    "told", [("greater", "rate", 0.0, 0.9), ("less", "difference", 1.0, 0.9), ("up", "rate", 0, 0)]
)
def test_thresholds_lie_on_their_scale(told: Told) -> None:
    """A rate lies in (0, 1), a difference in (-1, 1)."""
    with pytest.raises(ValidationError):
        criterion(told)


def body(told: list[Told], truths: str, target: str, *, null: float | None = None, single: bool = False) -> str:
    """A scenario of 20 v 20, or of 20, with these criteria, truths and one target."""
    rows = ", ".join(
        f'{{ direction = "{d}", scale = "{s}", threshold = {t!r}, certainty = {c} }}' for d, s, t, c in told
    )
    control = "" if single else ", control = { a = 1, b = 1 }"
    return f"""
    design = {{ kind = "fixed", n = {{ treatment = 20{"" if single else ", control = 20"} }} }}
    targets = [{{ {target} }}]
    [rule]
    kind = "criteria"
    criteria = [{rows}]
    analysis_prior = {{ treatment = {{ a = 1, b = 1 }}{control} }}
    {"" if null is None else f"null = {null}"}
    [truths]
    {truths}
    """


def ran(*args: Any, **kwargs: Any) -> Evaluation:
    """The evaluation of such a scenario."""
    return evaluate(resolved(body(*args, **kwargs)))


POWER = 'metric = "power", truth = "a", at_least = 0.0'
SIZE = 'metric = "type_i_error", truth = "a", at_most = 1.0'
ALIKE = 'a = { kind = "points", rates = { treatment = 0.3, control = 0.3 } }'
WORSE = 'a = { kind = "points", rates = { treatment = 0.1, control = 0.3 } }'
EDGE = 'a = { kind = "points", rates = { treatment = 0.5, control = 0.3 } }'
RANGE = 'a = { kind = "no_effect", why = "a test", control = { from = 0.2, to = 0.4 } }'
DRAWN = 'a = { kind = "design_prior", treatment = { a = 4, b = 6 }, control = { a = 3, b = 7 }%s }'
HARM: list[Told] = [("less", "difference", 0.0, 0.9)]
RATE: list[Told] = [("greater", "rate", 0.25, 0.9)]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((EQUIVALENCE, RANGE, POWER), "several edges.*under .rule., such as null = 0"),
        ((DUAL, ALIKE, SIZE), "targets 1, metric.*several edges"),
        ((EQUIVALENCE, DRAWN % "", POWER.replace("power", "type1_average")), "targets 1, metric.*several edges"),
        ((HARM, DRAWN % "", POWER.replace("power", "true_success")), "greater only.*ask for assurance"),
        ((HARM, WORSE, SIZE), "whose rates differ.*ask for power"),
    ],
)
def test_type_one_error_without_an_edge_is_refused(args: tuple[Any, ...], message: str) -> None:
    """What would have no meaning is not asked for: the message says what to state instead."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + body(*args), "made-up.toml")
    assert re.search(message, " ".join(str(caught.value).split()))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"told": EQUIVALENCE, "truths": RANGE, "target": SIZE, "null": 0.2}, "also asks for less.*of points truths"),
        ({"told": EQUIVALENCE, "truths": ALIKE, "target": POWER, "null": 0.0}, "rule.null.*may all be true"),
        ({"told": DUAL, "truths": ALIKE, "target": POWER, "null": 0.1}, "rule.null.*may all be true"),
        ({"told": RATE, "truths": ALIKE, "target": POWER}, "rule.criteria 1, scale.*'rate'.*one of difference"),
        (
            {"told": HARM, "truths": ALIKE.replace(", control = 0.3", ""), "target": POWER, "single": True},
            "rule.criteria 1, scale.*'difference'.*'rate'",
        ),
        (
            {
                "told": RATE,
                "truths": ALIKE.replace(", control = 0.3", ""),
                "target": POWER,
                "single": True,
                "null": -0.1,
            },
            "rule.null.*a rate",
        ),
    ],
)
def test_what_does_not_fit_is_refused(args: dict[str, Any], message: str) -> None:
    """An edge where success is right, a scale of the other number of arms, a worst rate that cannot be proven."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + body(**args), "made-up.toml")
    assert re.search(message, " ".join(str(caught.value).split()))


def test_arms_and_priors_fit_together() -> None:
    """A control arm needs its prior; a single arm has none."""
    two = body(HARM, ALIKE, POWER).replace(", control = { a = 1, b = 1 }", "")
    one = body(RATE, ALIKE.replace(", control = 0.3", ""), POWER, single=True)
    one = one.replace("treatment = { a = 1, b = 1 }", "treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 }")
    for text, message in ((two, "a prior for the control rate"), (one, "no control prior in a single-arm trial")):
        with pytest.raises(InputError, match=message):
            parse_scenario(HEAD + text, "made-up.toml")


@pytest.mark.parametrize(
    ("told", "null", "truth", "reported"),
    [
        (HARM, None, WORSE, False),  # what harm looks for
        (HARM, None, ALIKE, True),
        (EQUIVALENCE, 0.2, ALIKE, False),  # what equivalence hopes for
        (EQUIVALENCE, 0.2, WORSE, False),
        (EQUIVALENCE, 0.2, EDGE, True),
        (EQUIVALENCE, None, EDGE, False),
        (DUAL, 0.0, WORSE, True),
        (DUAL, None, WORSE, False),
        (DUAL, 0.0, EDGE, False),
    ],
)
def test_type_one_error_is_given_only_where_success_is_an_error(
    told: list[Told], null: float | None, truth: str, reported: bool
) -> None:
    """At the edge, and below it where all criteria ask for greater; nowhere else is the chance of success an error."""
    found = ran(told, truth, POWER, null=null).of("a")
    assert found.has("type1_at") == reported
    if reported:
        assert found.metric("type1_at").estimate == found.metric("power").estimate


def test_a_rule_for_less_has_its_worst_rate_at_equal_rates() -> None:
    """Without a margin the range of equal rates is searched and bounded: no rate of a fine grid has more."""
    result = ran(HARM, RANGE, SIZE)
    found = result.of("a").metric("type1_max")
    grid = [power(result.regions, points(p, p))[0] for p in np.linspace(0.2, 0.4, 401)]
    assert max(grid) <= found.estimate.upper
    assert max(grid) == pytest.approx(found.estimate.value, abs=1e-6)
    better = [power(result.regions, points(p + 0.05, p))[0] for p in np.linspace(0.2, 0.4, 41)]
    assert max(better) < found.estimate.value


@pytest.mark.parametrize(
    ("told", "null", "more", "split"),
    [
        (HARM, None, "", False),
        (EQUIVALENCE, None, "", False),
        (EQUIVALENCE, None, ", true_effect = 0.1", False),
        (DUAL, None, "", False),
        (DUAL, None, ", true_effect = 0.1", True),
        (DUAL, 0.0, "", True),
    ],
)
def test_true_successes_are_told_only_where_they_are_defined(
    told: list[Told], null: float | None, more: str, split: bool
) -> None:
    """Assurance is always given; its split needs rules that ask for more by a known difference."""
    found = ran(told, DRAWN % more, POWER.replace("power", "assurance"), null=null).of("a")
    assert found.has("assurance")
    names = {"true_success", "false_success", "success_is_true", "effect_is_true"}
    assert {name for name in names if found.has(name)} == (names if split else set())
    assert found.has("type1_average") == (null == 0 or told == HARM)


BY_CRITERIA = """
kind = "criteria"
criteria = [{ direction = "greater", scale = "rate", threshold = 0.25, certainty = 0.9 }]
analysis_prior = { treatment = { a = 1, b = 1 } }
"""
BY_TEST = """
kind = "exact_binomial"
alpha = 0.1
null_rate = 0.25
"""


@pytest.mark.parametrize(("rule", "least"), [(BY_CRITERIA, 8), (BY_TEST, 9)])
def test_type_one_error_of_a_single_arm_at_its_rate(rule: str, least: int) -> None:
    """A points truth at the fixed rate, or below, is without effect: its chance of success is the type I error."""
    text = f"""
    design = {{ kind = "fixed", n = {{ treatment = 20 }} }}
    targets = [{{ metric = "type_i_error", truth = "a", at_most = 0.2 }}]
    [rule]
    {rule}
    [truths]
    a = {{ kind = "points", rates = {{ treatment = 0.25 }} }}
    b = {{ kind = "no_effect", why = "a test", control = {{ from = 0.0, to = 0.25 }} }}
    """
    result = evaluate(resolved(text))
    tail = sum(comb(20, x) * 0.25**x * 0.75 ** (20 - x) for x in range(least, 21))
    assert result.verdicts[0].estimate.value == pytest.approx(tail, rel=1e-11)
    assert result.of("b").metric("type1_max").estimate.value == pytest.approx(tail, rel=1e-11)
    assert not any("history" in note for note in result.notes)


def test_the_report_shows_both_ends_of_a_band() -> None:
    """A rule that also asks for less is not told as at least so many, and its assurance has no false successes."""
    used = resolved(body(EQUIVALENCE, DRAWN % "", POWER.replace("power", "assurance")))
    text = run_text(evaluate(used), used).replace("\u00a0", " ")
    runs = {run.x_c: run for run in evaluate(used).regions.success.runs}
    assert f"  0: up to {runs[0].last}   " in text
    assert f"   9: {runs[9].first}   " in text
    assert "with this many on anakinra" in text
    assert "at least\n" not in text
    assert "true successes" not in text
    assert "P(anakinra rate <= placebo rate + 0.2 | data) > 0.9 and P(anakinra rate > placebo rate" in text
    single = resolved(body([("less", "rate", 0.4, 0.8)], ALIKE.replace(", control = 0.3", ""), POWER, single=True))
    assert "Success with up to " in run_text(evaluate(single), single)


def test_history_in_a_prior_is_noted() -> None:
    """What history buys is not tabulated for several criteria, and the run says so."""
    text = body(DUAL, ALIKE, POWER).replace("control = { a = 1, b = 1 }", "control = { a = 8, b = 26 }")
    result = evaluate(resolved(text))
    assert result.borrowing is None
    assert any("the analysis prior of control holds history" in note for note in result.notes)


def test_criteria_are_said_in_words() -> None:
    """Every scale, direction and sign has its words."""
    said = criteria(
        ("greater", "difference", -0.1, 0.9), ("less", "log_odds", 0.5, 0.8), ("greater", "log_ratio", 0, 0.95)
    ).said("drug", "placebo")
    assert said == (
        "Success if P(drug rate > placebo rate - 0.1 | data) > 0.9 and P(log odds ratio of drug to placebo <= 0.5 "
        "| data) > 0.8 and P(log rate ratio of drug to placebo > 0 | data) > 0.95."
    )
