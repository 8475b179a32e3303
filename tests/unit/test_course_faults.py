"""Faults of trials with looks that were found once: each a test."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from tests.building import resolved
from tests.unit.test_course import MONITORED

from anatrial.engine import type_one
from anatrial.engine.course import Course, trial
from anatrial.errors import InputError
from anatrial.plan.calibrate import calibrate
from anatrial.plan.evaluate import evaluate
from anatrial.plan.size import size
from anatrial.report.run_text import run_text

STOPS = 'stops = [{ kind = "predictive_probability", decides = "futility", below = 0.2 }]'


def final(text: str) -> str:
    """The scenario of the looks with another final rule."""
    start, end = MONITORED.index("[rule.final]"), MONITORED.index("[truths.expected]")
    return MONITORED[:start] + text + "\n" + MONITORED[end:]


def test_a_final_no_go_is_final() -> None:
    """Where go and no-go are both met at the end, nobody goes on: type I error does not count it, binding or not."""
    rule = """
[rule.final]
kind = "go_no_go"
overlap = "no_go"
go = [{ direction = "greater", threshold = 0, certainty = 0.8 }]
no_go = [{ direction = "less", threshold = 0.3, certainty = 0.6 }]
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }
"""
    body = final(rule).replace("below = 0.2", "below = 0.0000001")
    loose, binding = (
        evaluate(resolved(b)) for b in (body, body.replace("stops =", "binding_futility = true\nstops ="))
    )
    for name in ("type1_max", "type1_max_everywhere"):
        first, second = (found.of("none").metric(name).estimate.value for found in (loose, binding))
        assert first == pytest.approx(second, abs=1e-9)


def test_under_no_effect_the_stops_are_those_of_the_worse_edge() -> None:
    """With two edges the error spent by the last look is the worst type I error, on whichever edge it lies."""
    rule = """
[rule.final]
kind = "equivalence"
lower = -0.3
upper = 0.25
certainty = 0.5
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }
"""
    used = resolved(final(rule).replace("from = 0.1, to = 0.4", "from = 0.05, to = 0.2"))
    found = evaluate(used).of("none")
    worst = found.metric("type1_max")
    assert worst.at is not None
    assert found.spent[-1] <= worst.estimate.upper + 1e-12
    run = trial(used.resolved.rule, used.resolved.design)
    assert isinstance(run, Course)
    edges = [type_one.along(run, np.array([worst.at]), margin)[0] for margin in (-0.3, 0.25)]
    inside = [edge for edge, margin in zip(edges, (-0.3, 0.25), strict=True) if 0 <= worst.at + margin <= 1]
    assert found.spent[-1] == pytest.approx(max(inside), abs=1e-12)


ONE_ARM = """
[design]
kind = "sequential"
looks = [{ treatment = 10 }, { treatment = 30 }]
pipeline = { treatment = 20 }

[rule]
kind = "responders"
null_rate = 0.2
futility_at_most = [1]
success_at_least = [6, 13]

[truths.expected]
kind = "points"
rates = { treatment = 0.5 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""


def test_a_pipeline_that_completes_the_trial_is_judged_by_its_last_counts() -> None:
    """6 of 10 is a success; with 20 more, 13 of 30 are asked for: P(>= 6 of 10 and < 13 of 30) by hand."""
    used = resolved(ONE_ARM)
    stop = evaluate(used).of("expected").stops[0]
    ways = sum(comb(10, x) * comb(20, y) for x in range(6, 11) for y in range(21) if x + y < 13)
    assert stop.success_turned == pytest.approx(ways / 2**30, abs=1e-12)
    other = evaluate(resolved(ONE_ARM.replace("pipeline = { treatment = 20 }", "pipeline = { treatment = 5 }")))
    assert other.of("expected").stops[0].success_turned is None
    assert "5 more in the pipeline)" in run_text(other, resolved(ONE_ARM))


def test_inference_supposes_that_the_stop_is_obeyed() -> None:
    """Where futility does not bind there is no table of what a final result tells."""
    once = ONE_ARM.replace("success_at_least = [6, 13]", 'success_at_least = ["never", 13]')
    assert evaluate(resolved(once)).after is not None
    loose = once.replace("null_rate = 0.2", "null_rate = 0.2\nbinding_futility = false")
    assert evaluate(resolved(loose)).after is None


def test_one_arm_that_asks_for_less_is_not_told_as_at_least() -> None:
    """A criterion on fewer responders names the counts that succeed, at interim looks too."""
    rule = """
[rule.final]
kind = "criteria"
criteria = [{ direction = "less", scale = "rate", threshold = 0.4, certainty = 0.9 }]
analysis_prior = { treatment = { a = 1, b = 1 } }
"""
    body = (
        final(rule).replace(", control = 6 }", " }").replace(", control = 10 }", " }").replace(", control = 0.25", "")
    )
    start, end = body.index("[truths.none]"), body.index("[[targets]]")
    used = resolved(body[:start] + body[end:])
    text = run_text(evaluate(used), used)
    assert "success at least" not in text
    assert "Success with up to" in text


def test_totals_with_the_pipeline_are_no_look() -> None:
    """Stops that contradict each other only at totals that are no look do not refuse the file."""
    stops = (
        'overlap = "error"\nstops = [{ kind = "posterior", decides = "success", certainty = 0.97 }, '
        '{ kind = "predictive_probability", decides = "futility", below = 0.05 }]'
    )
    body = MONITORED.replace(STOPS, stops)
    assert evaluate(resolved(body)).looks
    piped = body.replace('kind = "sequential"', 'kind = "sequential"\npipeline = { treatment = 6, control = 4 }')
    assert evaluate(resolved(piped)).looks[0].waiting == (6, 4)


def test_a_size_that_cannot_be_judged_is_skipped_with_its_reason() -> None:
    """Rounded looks may make bounds cross at one size: that size is named, the others are judged."""
    body = """
[design]
kind = "sequential"
looks = [{ treatment = 36, control = 36 }, { treatment = 40, control = 40 }]

[rule]
kind = "group_sequential"
alpha = 0.025
efficacy = { family = "obrien_fleming" }
futility = { family = "z", bounds = [2.1] }

[truths.expected]
kind = "points"
rates = { treatment = 0.6, control = 0.25 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.8

[size]
per_arm = { from = 12, to = 60 }
"""
    found = size(resolved(body))
    assert found.skipped
    assert any("cross" in skipped.why for skipped in found.skipped)
    assert {point.n for point in found.points} | {skipped.n for skipped in found.skipped} == set(range(12, 61))
    last = max(skipped.n for skipped in found.skipped if "cross" in skipped.why)
    assert found.answers[0].holds_from is None or found.answers[0].holds_from > last


def test_the_prior_of_a_stop_is_no_analysis_prior() -> None:
    """A final rule without a prior has none in the protocol text, whatever its stops predict with."""
    own = STOPS.replace(
        "below = 0.2", "below = 0.2, prior = { treatment = { a = 7, b = 3 }, control = { a = 2, b = 9 } }"
    )
    used = resolved(final('[rule.final]\nkind = "boschloo"\nalpha = 0.05').replace(STOPS, own))
    text = run_text(evaluate(used), used)
    assert "analysis prior" not in text
    assert "Beta(7, 3)" in text


ADAPTING = """
[rule.final]
kind = "self_adapting"
certainty = 0.9
delta = 0.2
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 10, b = 30 } }
"""


def test_a_self_adapting_final_rule_is_told_with_its_parts() -> None:
    """The vague part and the historical part keep their names where the rule is the final one of a monitored trial."""
    own = STOPS.replace(
        "below = 0.2", "below = 0.2, prior = { treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"
    )
    used = resolved(final(ADAPTING).replace(STOPS, own))
    text = " ".join(run_text(evaluate(used), used).split())
    assert "vague part of the analysis prior of placebo" in text
    assert "The historical part of the analysis prior of the placebo rate is Beta(10, 30)." in text


UNCERTAIN = """
[design]
kind = "sequential"
looks = [{ treatment = 10 }, { treatment = 20 }]

[rule]
kind = "monitored"
stops = [{ kind = "posterior", decides = "success", certainty = 0.99 }]

[rule.final]
kind = "posterior"
certainty = 0.9
analysis_prior = { treatment = { a = 1, b = 1 }, control = { a = 10, b = 30 } }

[truths.none]
kind = "no_effect"
control = { from = 0.1, to = 0.4 }
why = "made up"

[[targets]]
metric = "type_i_error"
truth = "none"
at_most = 0.2
"""


def test_a_monitored_arm_with_an_uncertain_benchmark_can_be_calibrated() -> None:
    """What every success means at least is told against the historical rate of the final rule."""
    found = calibrate(resolved(UNCERTAIN))
    assert found.dial == "final.certainty"


def test_contradicting_stops_name_their_file() -> None:
    """Where success and futility are both met and that is an error, the file and the place are named."""
    stops = (
        'overlap = "error"\nstops = [{ kind = "posterior", decides = "success", certainty = 0.6 }, '
        '{ kind = "posterior", decides = "futility", below = 0.9 }]'
    )
    with pytest.raises(InputError) as raised:
        evaluate(resolved(MONITORED.replace(STOPS, stops)))
    assert raised.value.faults[0].where.startswith("made-up: rule")


@pytest.mark.parametrize(
    ("pipeline", "body", "got"),
    [
        ("{ treatment = 2 }", MONITORED, "no control patients"),
        ("{ treatment = 2, control = 1 }", UNCERTAIN, "control patients in a single arm"),
    ],
)
def test_a_pipeline_has_the_arms_of_the_trial(pipeline: str, body: str, got: str) -> None:
    """Patients who wait are named for every arm, and for no other."""
    with pytest.raises(InputError) as raised:
        resolved(body.replace('kind = "sequential"', f'kind = "sequential"\npipeline = {pipeline}'))
    assert [fault.got for fault in raised.value.faults] == [got]


def test_futility_that_the_last_results_confirm_is_not_taken_back() -> None:
    """With all patients in the pipeline futility turns around where the end would be a success, and only there."""
    once = ONE_ARM.replace("success_at_least = [6, 13]", 'success_at_least = ["never", 13]').replace("[1]", "[4]")
    stop = evaluate(resolved(once)).of("expected").stops[0]
    ways = sum(comb(10, x) * comb(20, y) for x in range(5) for y in range(21) if x + y >= 13)
    assert stop.futility_turned == pytest.approx(ways / 2**30, abs=1e-12)
