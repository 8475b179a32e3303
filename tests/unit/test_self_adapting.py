"""The self-adapting prior against its definition in fractions: weights, regions, and what is said about it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import HEAD, decided, points, posterior, ref, resolved
from tests.tolerances import ROUNDING

from anatrial import evaluate, read_scenario
from anatrial.documents.scenario import ResolvedScenario, counts_trial, parse_scenario, resolve
from anatrial.domain.prior import Origin, Prior
from anatrial.engine import type_one
from anatrial.engine.characteristics import power
from anatrial.errors import InputError
from anatrial.plan.borrowing import borrowing
from anatrial.plan.derive import without_each_study
from anatrial.report.run_text import run_text
from anatrial.rules.self_adapting import PriorsByArm, SelfAdapting

Shapes = tuple[int, int]
UNIFORM: Shapes = (1, 1)
SHIPPED = Path(__file__).parents[2] / "scenarios" / "sjia-self-adapting.toml"


def adapting(
    history: Sequence[Sequence[float]],
    *,
    treatment: Sequence[float] = UNIFORM,
    vague: Sequence[float] = UNIFORM,
    certainty: float = 0.95,
    delta: float = 0.2,
    margin: float = 0.0,
) -> SelfAdapting:
    """The rule on priors from rows of weight, a, b (history) and of a, b."""
    return SelfAdapting(
        kind="self_adapting",
        certainty=certainty,
        margin=margin,
        delta=delta,
        analysis_prior=PriorsByArm(treatment=ref([(1, *treatment)]), control=ref(history)),
        vague=ref([(1, *vague)]),
    )


def whole_beta(a: int, b: int) -> Fraction:
    """B(a, b) for whole shapes."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def above(treatment: Shapes, control: Shapes) -> Fraction:
    """P(treatment rate > control rate) for whole shapes: a count of interleavings of uniforms."""
    (a_t, b_t), (a_c, b_c) = treatment, control
    n_t, n_c = a_t + b_t - 1, a_c + b_c - 1
    total = sum(comb(a_t - 1 + k, k) * comb(n_t - a_t + n_c - k, n_c - k) for k in range(a_c, n_c + 1))
    return Fraction(total, comb(n_t + n_c, n_c))


def ratio(history: Shapes, delta: Fraction, x: int, n: int) -> Fraction:
    """R: the likelihood at the historical mean over the larger one at a rate delta away, inside (0, 1)."""
    mean = Fraction(history[0], sum(history))

    def likelihood(rate: Fraction) -> Fraction:
        return comb(n, x) * rate**x * (1 - rate) ** (n - x)

    return likelihood(mean) / max(likelihood(r) for r in (mean - delta, mean + delta) if 0 < r < 1)


def after_bayes(history: Shapes, vague: Shapes, r: Fraction, x: int, n: int) -> Fraction:
    """Weight of history after x of n, its prior weight being r / (1 + r)."""
    chances = [whole_beta(a + x, b + n - x) / whole_beta(a, b) for a, b in (history, vague)]
    before = [r / (1 + r), 1 / (1 + r)]
    return before[0] * chances[0] / (before[0] * chances[0] + before[1] * chances[1])


def sure(history: Shapes, delta: Fraction, x: Shapes, n: Shapes) -> Fraction:
    """P(treatment > control | data) with a uniform treatment prior and a uniform vague part."""
    (x_t, x_c), (n_t, n_c) = x, n
    weight = after_bayes(history, UNIFORM, ratio(history, delta, x_c, n_c), x_c, n_c)
    treatment = (1 + x_t, 1 + n_t - x_t)
    by_history = above(treatment, (history[0] + x_c, history[1] + n_c - x_c))
    return weight * by_history + (1 - weight) * above(treatment, (1 + x_c, 1 + n_c - x_c))


@pytest.mark.parametrize("vague", [UNIFORM, (1, 2)])
@pytest.mark.parametrize("delta", [Fraction(1, 10), Fraction(1, 4)])
@pytest.mark.parametrize("history", [(8, 26), (11, 32), (2, 3), (40, 3)])
@pytest.mark.parametrize("n_c", [0, 1, 6, 24])
def test_weights_are_those_of_the_definition(history: Shapes, delta: Fraction, vague: Shapes, n_c: int) -> None:
    """R / (1 + R) and the weight after Bayes' rule are those in fractions, for every control count."""
    found = adapting([(1, *history)], delta=float(delta), vague=vague).weights(n_c)
    ratios = [ratio(history, delta, x, n_c) for x in range(n_c + 1)]
    assert found.prior.tolist() == pytest.approx([float(r / (1 + r)) for r in ratios], rel=ROUNDING)
    exact = [float(after_bayes(history, vague, r, x, n_c)) for x, r in enumerate(ratios)]
    assert found.posterior.tolist() == pytest.approx(exact, rel=ROUNDING)


def test_a_historical_part_of_several_betas() -> None:
    """The mean of a mixture is its h, and its predictive law its evidence."""
    rows = [(Fraction(1, 4), 3, 7), (Fraction(3, 4), 12, 18)]
    mean = sum(w * Fraction(a, a + b) for w, a, b in rows)
    rule = adapting([tuple(map(float, row)) for row in rows])
    n, found = 9, rule.weights(9)
    for x in range(n + 1):
        rates = (mean, mean - Fraction(1, 5), mean + Fraction(1, 5))
        at, *near = (rate**x * (1 - rate) ** (n - x) for rate in rates)
        r = at / max(near)
        evidence = sum(w * whole_beta(a + x, b + n - x) / whole_beta(a, b) for w, a, b in rows)
        odds = r * evidence / whole_beta(1 + x, 1 + n - x)
        assert found.prior[x] == pytest.approx(float(r / (1 + r)), rel=ROUNDING)
        assert found.posterior[x] == pytest.approx(float(odds / (1 + odds)), rel=ROUNDING)


def log_whole(value: Fraction) -> float:
    """Logarithm of a fraction far beyond the range of floating point."""
    return math.log(value.numerator) - math.log(value.denominator)


@pytest.mark.parametrize("history", [(1, 999), (999, 1), (500, 500)])
def test_the_ratio_keeps_its_digits_in_large_trials(history: Shapes) -> None:
    """log R of 2,000 control patients is that in fractions, with h next to 0 and 1 too."""
    n, delta = 2000, Fraction(1, 5)
    rule = adapting([(1, *history)])
    found = rule.log_ratio(n)
    for x in (0, 1, 2, 400, 1000, 1999, 2000):
        assert found[x] == pytest.approx(log_whole(ratio(history, delta, x, n)), rel=ROUNDING, abs=ROUNDING)
    assert abs(found).max() > 600
    assert all(((w >= 0) & (w <= 1)).all() for w in rule.weights(n))


def test_conflict_on_either_side_weighs_alike() -> None:
    """With a symmetric history the weights of x and n - x responders are the same, and agreement has the largest."""
    for found in adapting([(1, 20, 20)]).weights(30):
        assert found == pytest.approx(found[::-1], rel=ROUNDING)
        assert found.argmax() == 15
        assert (np.diff(found[:16]) > 0).all()


@pytest.mark.parametrize(
    ("history", "delta", "kept"),
    [((1, 9), 0.2, [0.3]), ((9, 1), 0.2, [0.7]), ((3, 7), 0.3, [0.6]), ((7, 3), 0.3, [0.4]), ((1, 1), 0.2, [0.3, 0.7])],
)
def test_alternatives_outside_are_left_out(history: Shapes, delta: float, kept: list[float]) -> None:
    """h - delta at or below 0, and h + delta at or above 1, are no rates: only the other one counts."""
    found = adapting([(1, *history)], delta=delta).alternatives
    assert [rate for rate, _ in found] == pytest.approx(kept)
    assert [rate + other for rate, other in found] == pytest.approx([1] * len(kept))


@pytest.mark.parametrize("delta", [0.5, 0.7, 0.99])
def test_a_delta_without_an_alternative_is_refused(delta: float) -> None:
    """Where both alternatives leave (0, 1) the delta is too large for the historical mean, and it says so."""
    with pytest.raises(ValidationError, match=r"delta .* around a historical mean of 0\.5"):
        adapting([(1, 4, 4)], delta=delta)


@pytest.mark.parametrize("certainty", [0.5, 0.9, 0.975])
@pytest.mark.parametrize(("history", "delta"), [((8, 26), 0.2), ((5, 5), 0.25), ((9, 1), 0.3)])
@pytest.mark.parametrize(("n_t", "n_c"), [(1, 1), (5, 5), (12, 4), (7, 9)])
def test_every_table_is_decided_by_its_own_posterior(
    n_t: int, n_c: int, history: Shapes, delta: float, certainty: float
) -> None:
    """Success where the probability in fractions is strictly above the certainty; no harm is looked for."""
    regions = decided(adapting([(1, *history)], certainty=certainty, delta=delta), n_t, n_c)
    level = Fraction(repr(certainty))
    for x_t in range(n_t + 1):
        for x_c in range(n_c + 1):
            exact = sure(history, Fraction(repr(delta)), (x_t, x_c), (n_t, n_c))
            assert ((x_t, x_c) in regions.success) == (exact > level), (x_t, x_c)
    assert not regions.harm.runs


def test_probabilities_are_those_in_fractions() -> None:
    """The probability itself, not only its side of a threshold."""
    rule = adapting([(1, 8, 26)])
    found = rule.probability(decided(rule, 8, 6).success.look, 0.0)
    exact = [[float(sure((8, 26), Fraction(1, 5), (x_t, x_c), (8, 6))) for x_c in range(7)] for x_t in range(9)]
    assert found == pytest.approx(np.array(exact), abs=1e-11)


def test_a_tie_is_settled_in_whole_numbers() -> None:
    """Symmetric priors and half responders are sure to exactly 1/2: not more than 0.5, and reported."""
    regions = decided(adapting([(1, 5, 5)], certainty=0.5), 10, 10)
    assert (5, 5) not in regions.success
    assert [(t.x_t, t.x_c, t.value, t.settled) for t in regions.ties] == [(5, 5, 0.5, "in whole numbers")]
    uneven = decided(adapting([(1, 5.5, 5.5)], certainty=0.5), 10, 10)
    assert (5, 5) not in uneven.success
    assert [t.settled for t in uneven.ties] == ["within 1e-9 of the certainty: not a success"]


@pytest.mark.parametrize("margin", [0.1, -0.15])
def test_a_margin(margin: float) -> None:
    """P(difference > margin) is that added up over a fine grid of the control rate."""
    n_t, n_c, history = 6, 5, (4, 6)
    rule = adapting([(1, *history)], margin=margin)
    assert rule.null_margin == margin
    found = rule.probability(decided(rule, n_t, n_c).success.look, margin)
    grid = (np.arange(40_000) + 0.5) / 40_000
    edge = np.clip(grid + margin, 0, 1)
    for x_c in range(n_c + 1):
        weight = float(after_bayes(history, UNIFORM, ratio(history, Fraction(1, 5), x_c, n_c), x_c, n_c))
        density = sum(
            w * grid ** (a + x_c - 1) * (1 - grid) ** (b + n_c - x_c - 1) / float(whole_beta(a + x_c, b + n_c - x_c))
            for w, (a, b) in ((weight, history), (1 - weight, UNIFORM))
        )
        for x_t in range(n_t + 1):
            n = n_t + 1
            tail = np.sum([comb(n, k) * edge**k * (1 - edge) ** (n - k) for k in range(x_t + 1)], axis=0)
            assert found[x_t, x_c] == pytest.approx(float(np.mean(density * tail)), abs=1e-7)


def test_a_region_need_not_be_a_staircase() -> None:
    """100 v 10 with Beta(100, 300): 2 control responders agree with history and need fewer on treatment than 1 does."""
    success = decided(adapting([(1, 100, 300)], certainty=0.975), 100, 10).success
    least = {run.x_c: run.first for run in success.runs}
    assert (least[1], least[2]) == (38, 37)
    assert success.staircase is None
    assert all(run.last == 100 for run in success.runs)


def binomial(n: int, rate: Fraction) -> list[Fraction]:
    """The binomial law in fractions."""
    return [comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(n + 1)]


@pytest.mark.parametrize(("history", "n_t", "n_c"), [((8, 26), 12, 8), ((10, 30), 14, 3)])
def test_power_and_type_one_error_count_every_table(history: Shapes, n_t: int, n_c: int) -> None:
    """Both are the sum over all tables, each decided by its own posterior, in fractions."""
    delta, certainty = Fraction(1, 5), Fraction(9, 10)
    regions = decided(adapting([(1, *history)], certainty=0.9), n_t, n_c)
    wins = {
        (x_t, x_c)
        for x_t in range(n_t + 1)
        for x_c in range(n_c + 1)
        if sure(history, delta, (x_t, x_c), (n_t, n_c)) > certainty
    }
    for rate_t, rate_c in ((Fraction(3, 5), Fraction(1, 4)), (Fraction(3, 10), Fraction(3, 10))):
        law_t, law_c = binomial(n_t, rate_t), binomial(n_c, rate_c)
        exact = float(sum(law_t[x_t] * law_c[x_c] for x_t, x_c in wins))
        assert power(regions, points(float(rate_t), float(rate_c)))[0] == pytest.approx(exact, rel=1e-11)
        if rate_t == rate_c:
            assert type_one.along(regions, np.array([float(rate_c)]), 0.0)[0] == pytest.approx(exact, rel=1e-11)


BODY = """
design = {{ kind = "fixed", n = {n} }}
targets = [{{ metric = "power", truth = "expected", at_least = 0.5 }}]
[rule]
kind = "self_adapting"
certainty = 0.95
delta = {delta}
analysis_prior = {{ treatment = {{ a = 1, b = 1 }}, control = {control} }}
{more}
[truths.expected]
kind = "points"
rates = {{ treatment = 0.6{rate_c} }}
"""


def body(control: str, *, delta: float = 0.2, more: str = "", single: bool = False) -> str:
    """A scenario with this control prior."""
    n, rate_c = ("{ treatment = 20 }", "") if single else ("{ treatment = 20, control = 10 }", ", control = 0.25")
    return BODY.format(n=n, delta=delta, control=control, more=more, rate_c=rate_c)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body("{ a = 8, b = 26 }", single=True), "rule.kind.*self_adapting.*a rule for one arm.*add design.n.control"),
        (body('{ prior = "placebo" }'), "the historical part alone.*robust_weight = 0"),
        (body('{ prior = "placebo", robust_weight = 0.2 }'), "robust_weight = 0.2.*write .*robust_weight = 0 }"),
        (
            body("{ parts = [{ weight = 0.8, a = 8, b = 26 }, { weight = 0.2, a = 1, b = 1 }] }"),
            "beside stronger ones.*leave them out",
        ),
        (body("{ a = 8, b = 26 }", more='vague = { prior = "placebo" }'), "rule.vague.*no history.*a = 1, b = 1"),
        (body("{ a = 5, b = 5 }", delta=0.6), "delta 0.6 around a historical mean of 0.5.*a delta below 0.5"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str) -> None:
    """One arm, a robust part that would count twice, history as the vague part, and a delta that is too large."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + text, "made-up.toml")
    assert re.search(message, " ".join(str(caught.value).split()))


def test_a_delta_is_compared_with_a_prior_by_name() -> None:
    """Only once the name is looked up can a delta of one half or more be too large; then it is refused as well."""
    scenario = parse_scenario(HEAD + body('{ prior = "placebo", robust_weight = 0 }', delta=0.6), "made-up.toml")
    half, low = (adapting([(1, a, 10 - a)]).history for a in (5, 2))
    origin = Origin(tool_version="1", method="pooled", input_digest="-", content_digest="-")
    assert resolve(scenario, lambda *_: Prior("placebo", low, low, origin=origin))
    with pytest.raises(InputError, match=r"rule\.delta"):
        resolve(scenario, lambda *_: Prior("placebo", half, half, origin=origin))


def test_none_means_the_vague_part_alone() -> None:
    """The rows without borrowing are the posterior rule with the vague part as control prior, its weight 1."""
    used = resolved(body("{ a = 8, b = 26 }", more="vague = { a = 1, b = 2 }"))
    found = evaluate(used).borrowing
    assert found is not None
    plain = decided(posterior([(1, 1, 1)], [(1, 1, 2)], 0.95), 20, 10)
    now, none = found.rows
    assert (now.label, none.label) == ("this design", "none, same certainty")
    assert none.power == power(plain, points(0.6, 0.25))[0]
    assert now.power == power(decided(adapting([(1, 8, 26)], vague=(1, 2)), 20, 10), points(0.6, 0.25))[0]
    assert found.arms == ("control",)
    assert found.prior_weight is None
    weights = adapting([(1, 8, 26)], vague=(1, 2)).weights(10).posterior.tolist()
    assert [(k.x, k.weight) for k in found.kept] == list(enumerate(weights))


def shipped() -> ResolvedScenario:
    """The shipped scenario."""
    return counts_trial(read_scenario(SHIPPED), "run")


def test_leaving_a_study_out_changes_the_historical_part() -> None:
    """Each such row is the same rule on the prior derived without the study; delta and the vague part stay."""
    used = shipped()
    found = evaluate(used).borrowing
    assert found is not None
    without = without_each_study(used.indication, "placebo-discounted")
    assert len(found.without_study) == len(without) == 5
    for row, (_, history) in zip(found.without_study, without, strict=True):
        regions = decided(adapting([tuple(part) for part in history.parts], certainty=0.98), 25, 25)
        assert row.power == pytest.approx(power(regions, points(0.6, 0.25))[0], rel=ROUNDING)


def test_a_row_without_a_study_may_have_no_number() -> None:
    """Where a delta above one half fits the prior but not the prior without a study, the row stays empty."""
    used = shipped()
    rule = used.resolved.rule.model_copy(update={"delta": 0.755})
    used = ResolvedScenario(
        used.name,
        used.scenario,
        used.resolved.model_copy(update={"rule": rule}),
        used.priors,
        used.indication,
        used.priors_from,
    )
    look = used.resolved.design.looks()[0]
    found = borrowing(used, rule.regions((look,))[0])
    assert found is not None
    assert {row.power is None for row in found.without_study} == {True, False}


def test_the_report_tells_both_weights() -> None:
    """The text names both parts of the control prior, and the weight before and after Bayes' rule."""
    used = shipped()
    text = " ".join(run_text(evaluate(used), used).split())
    assert "vague part of the analysis prior of placebo" in text
    assert "historical part of the analysis prior of placebo" in text
    assert "as the rule sets it / after Bayes' rule: 0.00 / 0.00 after 0 of 25; 0.89 / 0.97 after 6" in text
    assert "keeps its full weight" not in text
    assert "is Beta(8, 26). Its vague part is Beta(1, 1)." in text


def test_one_sided_conflict_is_noted() -> None:
    """Where only one alternative is a rate, the run says that results on the other side never are a conflict."""
    for control, side in (("{ a = 1, b = 9 }", "below"), ("{ a = 9, b = 1 }", "above")):
        notes = evaluate(resolved(body(control))).notes
        assert any(f"control results {side} that mean never count" in note for note in notes)
    assert not any("never count" in note for note in evaluate(resolved(body("{ a = 5, b = 5 }"))).notes)
