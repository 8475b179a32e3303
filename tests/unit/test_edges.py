"""Edges where a rounded number, a label or a message could mislead."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import pytest
from tests.building import HEAD, indication, null, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import ResolvedScenario, Size, parse_scenario, resolve
from anatrial.domain.mixture import BetaMixture, BetaPart
from anatrial.domain.prior import Prior
from anatrial.errors import InputError
from anatrial.numerics import exact
from anatrial.plan.evaluate import evaluate
from anatrial.plan.size import size
from anatrial.report.machine import RUN_COLUMNS, run_rows
from anatrial.report.run_text import run_text

SINGLE = """
design = { kind = "fixed", n = { treatment = 3 } }
rule = { kind = "exact_binomial", alpha = 0.125, null_rate = 0.5 }
targets = [{ metric = "type_i_error", truth = "no-effect", at_most = 0.125 }]
[truths.expected]
kind = "points"
rates = { treatment = 0.9 }
[truths.no-effect]
kind = "no_effect"
control = { from = 0.2, to = 0.5 }
why = "a test"
"""
TWO = """
design = { kind = "fixed", n = { treatment = 24, control = 24 } }
targets = [{ metric = "power", truth = "expected", at_least = 0.1 }]
rule.kind = "posterior"
rule.certainty = 0.98
RELEVANCE
rule.analysis_prior = { treatment = { a = 1, b = 1 }, control = PRIOR }
[truths.expected]
kind = "points"
rates = { treatment = 0.6, control = 0.2525 }
[truths.no-effect]
kind = "no_effect"
control = { from = 0.1, to = 0.3333 }
why = "a test"
"""
BORROWED = TWO.replace("PRIOR", "{ a = 8, b = 26 }")


def test_a_promise_met_to_the_last_digit_holds() -> None:
    """Exactly 1/8 of the results at rate 1/2 succeed: a type I error of at most 0.125 is kept, with no breach."""
    result = evaluate(resolved(SINGLE))
    assert [v.outcome for v in result.verdicts] == ["PASS"]
    assert result.verdicts[0].estimate.upper == pytest.approx(0.125, rel=ROUNDING)
    assert result.breaches == ()


def test_a_range_of_one_rate_gives_that_rate_without_a_warning() -> None:
    """From 0 to 0 the worst type I error is that at 0, and nothing is divided by nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body = BORROWED.replace("RELEVANCE", "").replace("from = 0.1, to = 0.3333", "from = 0.0, to = 0.0")
        metric = evaluate(resolved(body)).of("no-effect").metric("type1_max")
    assert metric.estimate == (0.0, 0.0, 0.0, None, None)
    assert null(0.0, 0.0).control.highest == 0.0


def test_a_verdict_says_what_drop_out_did() -> None:
    """Beside the rate of the trial stand the completers' rate and the share that drops out."""
    old, new = (
        "rates = { treatment = 0.9 }",
        "rates = { treatment = 0.6 }\nrates_among = 'completers'\ndropout.treatment = 0.35",
    )
    body = SINGLE.replace(old, new).replace(
        'metric = "type_i_error", truth = "no-effect", at_most', 'metric = "power", truth = "expected", at_most'
    )
    used = resolved(body)
    assert "if the rate is 0.39 (0.60 among completers, 35 % drop out)" in run_text(evaluate(used), used)


def test_curves_hold_the_rates_that_the_file_names() -> None:
    """The table along the control rate shows the planned rate and the ends of the range, not their neighbours."""
    used = resolved(BORROWED.replace("RELEVANCE", ""))
    result = evaluate(used)
    power = dict(zip(result.of("expected").curves[0].rates, result.of("expected").curves[0].values, strict=True))
    assert power[0.2525] == pytest.approx(result.of("expected").metric("power").estimate.value, rel=ROUNDING)
    type1 = dict(zip(result.of("no-effect").curves[0].rates, result.of("no-effect").curves[0].values, strict=True))
    assert type1[0.3333] == pytest.approx(result.of("no-effect").metric("type1_max").estimate.value, rel=1e-9)
    assert "0.2525" in run_text(result, used)


def test_the_calibrated_row_keeps_the_second_criterion() -> None:
    """No certainty below the calibrated one keeps the type I error, with relevance as it is."""
    body = BORROWED.replace("RELEVANCE", "rule.relevance = { certainty = 0.6, margin = 0.1 }")
    borrowed = evaluate(resolved(body)).borrowing
    assert borrowed is not None
    this, _, same = borrowed.rows
    assert this.type1 is not None
    assert same.type1 is not None
    assert same.type1.value <= this.type1.value
    assert same.label == "none, type I error not above it"
    body = body.replace("0.98", repr(same.certainty - 0.01)).replace("a = 8, b = 26", "a = 1, b = 1")
    lower = evaluate(resolved(body)).of("no-effect").metric("type1_max").estimate
    assert lower.value > this.type1.value


def test_a_stronger_robust_part_is_not_history() -> None:
    """The kept weight is that of the informative parts, also where the robust part is worth four patients."""
    informative = BetaMixture.beta(8, 26)
    prior = Prior("it", informative.robustified(BetaPart(0.2, 2.0, 2.0)), informative)
    written = parse_scenario(HEAD + TWO.replace("PRIOR", '{ prior = "it" }').replace("RELEVANCE", ""), "it.toml")
    plan, priors = resolve(written, lambda _use, _ref: prior)
    used = ResolvedScenario("it", written, plan, priors, indication(), "nowhere")
    result = evaluate(used)
    assert result.borrowing is not None
    assert dict(result.borrowing.kept)[12] == pytest.approx(prior.mixture.updated(12, 24).parts[0].weight, rel=ROUNDING)
    assert "full weight" not in run_text(result, used)


def test_superiority_counts_order_statistics() -> None:
    """P(Beta(a, b) > Beta(c, d)) for whole shapes equals the sum over the treatment shape, in fractions."""

    def beta(a: int, b: int) -> Fraction:
        return Fraction(math.factorial(a - 1) * math.factorial(b - 1), math.factorial(a + b - 1))

    for a, b, c, d in ((1, 1, 1, 1), (3, 2, 1, 4), (7, 5, 9, 2), (13, 13, 13, 13), (1, 30, 12, 3)):
        total = sum(beta(c + i, b + d) / ((b + i) * beta(1 + i, b)) for i in range(a))
        assert exact.superiority(a, b, c, d) == total / beta(c, d)


def test_allocations_are_read_exactly() -> None:
    """2 to 3 needs multiples of 3; a decimal that gives no whole patients is refused with the two sides of it."""
    sizes = {"control": {"from": 5, "to": 40}}
    assert Size.model_validate({**sizes, "ratio": {"treatment": 2, "control": 3}}).allocation == Fraction(2, 3)
    body = "size = { control = { from = 5, to = 40 }, ratio = 0.6667 }\n" + BORROWED.replace("RELEVANCE", "")
    with pytest.raises(InputError, match="treatment = 2, control = 3"):
        size(resolved(body))


def test_rates_of_one_arm_stand_in_its_column() -> None:
    """In a single-arm trial the long table gives rates as those of treatment."""
    rows = [dict(zip(RUN_COLUMNS, row, strict=True)) for row in run_rows(evaluate(resolved(SINGLE)))]
    along = [row for row in rows if row["metric"] == "power_along_rate"]
    assert along[-1]["treatment_rate"] == 1.0
    assert {row["control_rate"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"type_i_error"', '"type_one_error"', "did you mean 'type_i_error'?"),
        ("n = { treatment = 3 }", "n = { treatment = 2001 }", "at most 2000 patients per arm"),
        ("n = { treatment = 3 }", "n = 3", "a table with treatment, control"),
        ("to = 0.5", "to = 0.7", "rates up to 0.5, the rate to beat"),
    ],
)
def test_messages_speak_of_trials(old: str, new: str, words: str) -> None:
    """A wrong value is told in the words of the file, with the limit's reason or the nearest valid name."""
    head = 'version = 1\ntitle = "t"\nquestion = "q"\nindication = "i"\nendpoint = "e"\n'
    with pytest.raises(InputError) as error:
        parse_scenario(head + SINGLE.replace(old, new, 1), "it.toml")
    assert words in str(error.value)
