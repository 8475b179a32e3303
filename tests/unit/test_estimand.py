"""Estimands: what each strategy makes of the same events, and what a file may say of them."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import pytest
from tests.building import HEAD, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import parse_scenario
from anatrial.errors import InputError
from anatrial.plan.estimand import alternatives
from anatrial.plan.evaluate import evaluate
from anatrial.truths.events import STRATEGIES, ArmEvent, EventRates, Strategy, rate_with_events
from anatrial.truths.points import Points

RESCUE = ArmEvent(share=0.3, responders_after=0.6, responders_before=0.05, responders_without=0.1)
STOPPED = ArmEvent(share=0.05, responders_after=0.3)
BY_HAND = {  # 0.65 x 0.35, then 0.3 of what a rescued patient counts, then 0.05 x 0.3
    "composite": Fraction(65, 100) * Fraction(35, 100) + Fraction(5, 100) * Fraction(3, 10),
    "treatment_policy": Fraction(65, 100) * Fraction(35, 100)
    + Fraction(3, 10) * Fraction(6, 10)
    + Fraction(5, 100) * Fraction(3, 10),
    "hypothetical": Fraction(65, 100) * Fraction(35, 100)
    + Fraction(3, 10) * Fraction(1, 10)
    + Fraction(5, 100) * Fraction(3, 10),
    "while_on_treatment": Fraction(65, 100) * Fraction(35, 100)
    + Fraction(3, 10) * Fraction(5, 100)
    + Fraction(5, 100) * Fraction(3, 10),
}
BODY = """
[design]
kind = "fixed"
n = { treatment = 10, control = 8 }

[rule]
kind = "fisher"
alpha = 0.1

[estimand]
population = "all"
variable = "response"
summary = "Difference of response rates."

[[estimand.events]]
name = "rescue"
strategy = "composite"

[[estimand.events]]
name = "stopped"
strategy = "treatment_policy"

[truths.expected]
kind = "points"
rates = { treatment = 0.75, control = 0.35 }

[truths.expected.events.rescue]
treatment = { share = 0.1, responders_after = 0.6 }
control = { share = 0.3, responders_after = 0.6 }

[truths.expected.events.stopped]
treatment = { share = 0.05, responders_after = 0.3 }
control = { share = 0.05, responders_after = 0.3, responders_without = 0.2 }

[truths.no-effect]
kind = "no_effect"
control = { from = 0.0, to = 0.4 }
why = "a test"

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_counts_what_it_says(strategy: Strategy) -> None:
    """The rate among the randomised is the sum, by hand in fractions, over those without an event and each event."""
    strategies: dict[str, Strategy] = {"rescue": strategy, "stopped": "treatment_policy"}
    found = rate_with_events(0.35, {"rescue": RESCUE, "stopped": STOPPED}, strategies)
    assert found == pytest.approx(float(BY_HAND[strategy]), rel=ROUNDING)


def test_a_truth_reckons_each_arm() -> None:
    """The trial's rates follow the strategies, arm by arm, and survive copies and other processes."""
    events = {"rescue": EventRates(treatment=ArmEvent(share=0.1, responders_after=0.5), control=RESCUE)}
    truth = Points.model_validate(
        {"kind": "points", "rates": {"treatment": 0.75, "control": 0.35}, "events": events}
    ).under({"rescue": "treatment_policy"})
    expected = (
        float(Fraction(9, 10) * Fraction(3, 4) + Fraction(1, 20)),
        float(Fraction(7, 10) * Fraction(35, 100) + Fraction(18, 100)),
    )
    for one in (truth, truth.model_copy(update={"why": "another"}), pickle.loads(pickle.dumps(truth))):  # noqa: S301 - its own
        assert one.trial_rates() == pytest.approx(expected, rel=ROUNDING)
    assert truth.under({"rescue": "composite"}).trial_rates() == pytest.approx((0.675, 0.245), rel=ROUNDING)


def test_a_rate_that_is_needed_must_be_there() -> None:
    """Without the rate that a strategy counts nothing is made up; an event that never happens needs none."""
    with pytest.raises(ValueError, match="stopped: hypothetical needs responders_without"):
        rate_with_events(0.35, {"stopped": STOPPED}, {"stopped": "hypothetical"})
    assert rate_with_events(0.35, {"never": ArmEvent(share=0.0)}, {"never": "hypothetical"}) == 0.35


def test_alternatives_change_one_event_or_all() -> None:
    """Each set of strategies comes once: as stated, one event changed, every event alike."""
    found = alternatives({"a": "composite", "b": "treatment_policy"})
    assert list(found) == [
        "as stated",
        "a: treatment policy",
        "a: hypothetical",
        "a: while on treatment",
        "b: composite",
        "b: hypothetical",
        "b: while on treatment",
        "every event: hypothetical",
        "every event: while on treatment",
    ]
    assert len(alternatives({"a": "composite"})) == 4


def fisher_power(rate_t: Fraction, rate_c: Fraction, n_t: int, n_c: int, alpha: Fraction) -> Fraction:
    """Power of Fisher's one-sided test, in fractions."""
    total = Fraction(0)
    for x_t in range(n_t + 1):
        for x_c in range(n_c + 1):
            k = x_t + x_c
            tail = sum(math.comb(n_t, i) * math.comb(n_c, k - i) for i in range(x_t, min(n_t, k) + 1))
            if Fraction(tail, math.comb(n_t + n_c, k)) <= alpha:
                law_t = math.comb(n_t, x_t) * rate_t**x_t * (1 - rate_t) ** (n_t - x_t)
                total += law_t * math.comb(n_c, x_c) * rate_c**x_c * (1 - rate_c) ** (n_c - x_c)
    return total


def test_every_row_is_its_own_trial() -> None:
    """Power of a row is that of the design at the row's rates, in fractions; the first row is the run's power."""
    result = evaluate(resolved(BODY))
    table = result.tables[0]
    assert table.name == "estimand_expected"
    rows = {row[0]: row for row in table.rows}
    composite = (
        Fraction(85, 100) * Fraction(75, 100) + Fraction(15, 1000),
        Fraction(65, 100) * Fraction(35, 100) + Fraction(15, 1000),
    )
    policy = composite[0] + Fraction(6, 100), composite[1] + Fraction(18, 100)
    for said, (rate_t, rate_c) in {"as stated": composite, "rescue: treatment policy": policy}.items():
        assert rows[said][1:3] == pytest.approx((float(rate_t), float(rate_c)), rel=ROUNDING)
        power = float(fisher_power(rate_t, rate_c, 10, 8, Fraction(1, 10)))
        null = float(fisher_power(rate_c, rate_c, 10, 8, Fraction(1, 10)))
        assert rows[said][3:5] == pytest.approx((power, null), rel=1e-10)
    assert result.of("expected").metric("power").estimate.value == rows["as stated"][3]
    assert rows["rescue: hypothetical"][3:] == (None, None, "needs responders_without of rescue")
    assert rows["stopped: hypothetical"][5] == "needs responders_without of stopped (treatment)"
    assert rows["every event: hypothetical"][5] == "needs responders_without of rescue, stopped (treatment)"
    outside = "rescue: treatment policy, if expected: the control rate 0.42 lies outside the 0-0.4 of no effect"
    assert outside in result.notes


def test_the_stratum_of_principal_strata_is_never_seen() -> None:
    """A principal stratum is refused with the reason."""
    body = BODY.replace('strategy = "composite"', 'strategy = "principal_stratum"')
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + body, "x.toml")
    fault = caught.value.faults[0]
    assert (fault.where, fault.got) == ("x.toml: estimand.events 1, strategy", "'principal_stratum'")
    assert fault.expected == (
        "one of composite, treatment_policy, hypothetical, while_on_treatment: the stratum of patients who would have "
        "the event, or not, in both arms is never observed, since each patient is seen in one arm only"
    )


WITHOUT = BODY[: BODY.index("[estimand]")] + BODY[BODY.index("[truths.expected]") :]
CASES: list[tuple[str, Any, tuple[str, str, str]]] = [
    (
        "too many events",
        lambda body: body.replace("control = { share = 0.3,", "control = { share = 0.96,"),
        ("truths.expected.events", "shares that add up to 1.01 on control", "at most 1"),
    ),
    (
        "a rate that the strategy needs",
        lambda body: body.replace('strategy = "treatment_policy"', 'strategy = "hypothetical"'),
        (
            "truths.expected.events.stopped.treatment",
            "no responders_without",
            "responders_without, which hypothetical counts",
        ),
    ),
    (
        "no estimand",
        lambda _: WITHOUT,
        ("truths.expected.events", "events", "an estimand that says how each is dealt with"),
    ),
    (
        "an unknown event",
        lambda body: body.replace("expected.events.rescue", "expected.events.rescues"),
        ("truths.expected.events", "'rescues'", "an event of [[estimand.events]]"),
    ),
    (
        "an event without rates",
        lambda body: body.replace("expected.events.rescue", "expected.events.rescues"),
        ("truths.expected.events", "no rescue", "rates of every event of the estimand"),
    ),
    (
        "one arm only",
        lambda body: body.replace("control = { share = 0.3, responders_after = 0.6 }", ""),
        ("truths.expected.events.rescue", "no control", "the event in both arms"),
    ),
    (
        "an event named twice",
        lambda body: body.replace('name = "stopped"', 'name = "rescue"'),
        ("estimand.events 2, name", "'rescue'", "each event once"),
    ),
    (
        "a drop-out too",
        lambda body: body.replace(
            "control = 0.35 }",
            'control = 0.35 }\nrates_among = "completers"\ndropout = { treatment = 0.1, control = 0.1 }',
        ),
        ("truths.expected.dropout", "a drop-out beside events", "one of them"),
    ),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_faults_of_events_are_told(change: Any, expected: tuple[str, str, str]) -> None:
    """What does not fit between estimand and events is told at its place."""
    with pytest.raises(InputError) as caught:
        parse_scenario(HEAD + change(BODY), "x.toml")
    where, got, wanted = expected
    assert (f"x.toml: {where}", got, wanted) in {fault[:3] for fault in caught.value.faults}
