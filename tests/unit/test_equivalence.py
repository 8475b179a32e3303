"""Equivalence as one statement: its band, how it differs from two statements, and a type I error on both sides."""

from __future__ import annotations

import re
from math import comb
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import HEAD, decided, drawn, null, points, ref, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.engine.characteristics import characteristics, power
from anatrial.errors import InputError
from anatrial.numerics import BoolArray
from anatrial.plan.evaluate import evaluate
from anatrial.rules.criteria import Criteria, SidedCriterion
from anatrial.rules.equivalence import Equivalence
from anatrial.rules.posterior import AnalysisPrior

UNIFORM = [(1.0, 1.0, 1.0)]
HISTORY = [(0.5, 4.0, 6.0), (0.5, 1.0, 1.0)]
PRIORS = AnalysisPrior(treatment=ref(UNIFORM), control=ref(UNIFORM))


def equivalent(lower: float, upper: float, certainty: float, priors: AnalysisPrior = PRIORS) -> Equivalence:
    """The rule."""
    return Equivalence(kind="equivalence", lower=lower, upper=upper, certainty=certainty, analysis_prior=priors)


def two_statements(lower: float, upper: float, certainty: float) -> BoolArray:
    """The region of two criteria, one on each side."""
    told = (("greater", lower), ("less", upper))
    criteria = tuple(
        SidedCriterion.model_validate({"direction": direction, "threshold": threshold, "certainty": certainty})
        for direction, threshold in told
    )
    return decided(Criteria(kind="criteria", criteria=criteria, analysis_prior=PRIORS), 30, 20).success.grid


def test_the_statement_is_the_mass_of_the_band() -> None:
    """With a mixture as control prior, the probability is that of adding the joint density up over the band."""
    rule = equivalent(-0.15, 0.25, 0.5, AnalysisPrior(treatment=ref(UNIFORM), control=ref(HISTORY)))
    (statement,) = rule.statements(Look(6, 5))
    p = (np.arange(4_000) + 0.5) / 4_000
    for x_t, x_c in ((0, 0), (3, 2), (6, 1), (4, 5)):
        treatment = p**x_t * (1 - p) ** (6 - x_t)
        prior = 0.5 * p**3 * (1 - p) ** 5 * 504 + 0.5  # 1 / B(4, 6) = 504
        control = prior * p**x_c * (1 - p) ** (5 - x_c)
        below = np.concatenate([[0.0], np.cumsum(treatment)]) / treatment.sum()
        upper, lower = (np.interp(np.clip(p + end, 0, 1), np.linspace(0, 1, 4_001), below) for end in (0.25, -0.15))
        inside = float(((upper - lower) * control).sum() / control.sum())
        assert statement.probability[x_t, x_c] == pytest.approx(inside, abs=1e-6)
    assert statement.certainty == 0.5


def test_one_statement_asks_more_than_two_and_less_than_two_at_half_the_doubt() -> None:
    """Where the joint statement holds both single ones do; where both hold at half the doubt, the joint one does."""
    joint = decided(equivalent(-0.2, 0.2, 0.8), 30, 20).success.grid
    single, halved = two_statements(-0.2, 0.2, 0.8), two_statements(-0.2, 0.2, 0.9)
    assert (single | ~joint).all()
    assert (joint | ~halved).all()
    assert halved.sum() < joint.sum() < single.sum()


def test_the_band_is_its_own_mirror() -> None:
    """With equal priors and sizes and a symmetric band, swapping arms, or response and its lack, changes nothing."""
    success = decided(equivalent(-0.2, 0.2, 0.8), 30, 30).success
    assert (success.grid == success.grid.T).all()
    assert (success.grid == success.grid[::-1, ::-1]).all()
    assert len({run.x_c for run in success.runs}) == len(success.runs) == 31
    assert success.staircase is None
    assert not decided(equivalent(-0.2, 0.2, 0.8), 30, 30).harm.runs


def test_type_one_error_is_the_worst_beyond_either_edge() -> None:
    """No pair of rates that differ by 0.2 down or 0.3 up, or more, passes the bound; the found value is close below."""
    rule = equivalent(-0.2, 0.3, 0.7)
    assert (rule.null_margins, rule.edge, rule.one_way) == ((-0.2, 0.3), -0.2, False)
    regions = decided(rule, 24, 16)
    found = characteristics("it", rule, regions, null(0.3, 0.6), rates=np.linspace(0, 1, 21))
    rates_t, rates_c = np.linspace(0, 1, 401), np.linspace(0.3, 0.6, 121)
    law_t, law_c = (
        np.array([[comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)] for p in rates])
        for n, rates in ((24, rates_t), (16, rates_c))
    )
    values, effect = law_t @ regions.success.grid @ law_c.T, rates_t[:, None] - rates_c
    dense = values[(effect <= -0.2 + 1e-12) | (effect >= 0.3 - 1e-12)].max()
    worst = found.metric("type1_max").estimate
    assert worst.upper is not None
    assert dense <= worst.upper <= worst.value + 2e-5
    assert dense == pytest.approx(worst.value, abs=2e-3)
    everywhere = found.metric("type1_max_everywhere").estimate
    assert everywhere.value >= worst.value
    (curve,) = found.curves
    assert curve.rates == tuple(np.linspace(0, 1, 21).tolist())
    lower, upper = (power(regions, points(t, 0.5))[0] for t in (0.3, 0.8))
    assert curve.values[10] == pytest.approx(max(lower, upper), rel=ROUNDING)
    assert curve.values[1] == pytest.approx(power(regions, points(0.35, 0.05))[0], rel=1e-11)


RULE = """
    kind = "equivalence"
    lower = -0.2
    upper = 0.3
    certainty = 0.7
    analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }
"""
RANGE = 'a = { kind = "no_effect", why = "a test", control = { from = 0.3, to = 0.6 } }'


def body(truth: str, metric: str, rule: str = RULE) -> str:
    """A scenario of 24 v 16 with one truth and one target."""
    return f"""
    design = {{ kind = "fixed", n = {{ treatment = 24, control = 16 }} }}
    targets = [{{ metric = "{metric}", truth = "a", at_most = 1.0 }}]
    [rule]{rule}
    [truths]
    {truth}
    """


@pytest.mark.parametrize(
    ("treatment", "an_error"),
    [(0.1, True), (0.2, True), (0.21, False), (0.4, False), (0.69, False), (0.7, True), (0.9, True)],
)
def test_known_rates_on_or_beyond_an_edge_are_errors(treatment: float, an_error: bool) -> None:
    """Against 0.4, success at 0.2 and below or at 0.7 and above is a type I error, and nowhere else."""
    truth = f'a = {{ kind = "points", rates = {{ treatment = {treatment}, control = 0.4 }} }}'
    found = evaluate(resolved(body(truth, "power"))).of("a")
    assert found.has("type1_at") == an_error
    if an_error:
        assert found.metric("type1_at").estimate.value == found.metric("power").estimate.value
        assert parse_scenario(HEAD + body(truth, "type_i_error"), "made-up.toml")
    else:
        with pytest.raises(InputError, match="rates without an effect"):
            parse_scenario(HEAD + body(truth, "type_i_error"), "made-up.toml")


def test_a_range_is_judged_on_its_bound() -> None:
    """A no_effect truth is answered, not refused, and its target is judged on the proven bound."""
    verdict = evaluate(resolved(body(RANGE, "type_i_error"))).verdicts[0]
    assert verdict.outcome == "PASS"
    assert verdict.estimate.value < verdict.estimate.upper


def test_assurance_is_not_split_into_true_and_false_successes() -> None:
    """Being inside of a band is no effect by which true successes could be told: assurance alone is given."""
    truth = 'a = { kind = "design_prior", treatment = { a = 4, b = 6 }, control = { a = 4, b = 6 } }'
    found = evaluate(resolved(body(truth, "assurance"))).of("a")
    regions = decided(equivalent(-0.2, 0.3, 0.7), 24, 16)
    assert found.metric("assurance").estimate.value == power(regions, drawn([(1, 4, 6)], [(1, 4, 6)]))[0]
    assert not any(found.has(name) for name in ("true_success", "success_is_true", "effect_is_true", "type1_average"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body(RANGE, "power", RULE.replace("-0.2", "0.3")), "rule.*lower 0.3 and upper 0.3.*a lower end below"),
        (body(RANGE, "type_i_error", RULE.replace(", control = { a = 1, b = 1 }", "")), "a prior for the control rate"),
        (body(RANGE, "type_i_error", RULE.replace("-0.2", "-0.9").replace("0.3", "0.9")), "rates from 0 to 1"),
        (body(RANGE, "type_i_error").replace(", control = 16", ""), "rule.kind.*'equivalence'.*a rule for one arm"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str) -> None:
    """An empty band, a control arm without a prior, a range at which no rates are so far apart, a single arm."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + text, "made-up.toml")
    assert re.search(message, " ".join(str(caught.value).split()))


@pytest.mark.parametrize("given", [{"lower": -1.0}, {"upper": 1.0}, {"certainty": 1.0}])
def test_ends_and_certainty_lie_within_their_ranges(given: dict[str, Any]) -> None:
    """A difference lies between -1 and 1, a certainty between 0 and 1."""
    with pytest.raises(ValidationError):
        Equivalence.model_validate({**equivalent(-0.2, 0.2, 0.9).model_dump(), **given})


def test_the_rule_in_words() -> None:
    """One statement with both ends."""
    said = "Success if P(-0.1 < drug rate - placebo rate < 0.2 | data) > 0.9."
    assert equivalent(-0.1, 0.2, 0.9).said("drug", "placebo") == said
