"""The stated estimand: five attributes, in every kind of trial, for people and machines."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.building import HEAD, resolved

from anatrial.documents.trials import parse_any
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.plan.evaluate import evaluate
from anatrial.report.machine import run_content
from anatrial.report.run_text import run_text
from anatrial.report.trial_text import trial_text

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TRIAL = """
[design]
kind = "fixed"
n = { treatment = 4, control = 4 }

[rule]
kind = "fisher"
alpha = 0.1

[truths.expected]
kind = "points"
rates = { treatment = 0.75, control = 0.25 }

[[targets]]
metric = "power"
truth = "expected"
at_most = 1.0
"""
NO_EVENTS = '\n[estimand]\npopulation = "all"\nvariable = "response"\nsummary = "Difference."\n'
LEFT = '\n[[estimand.events]]\nname = "left"\nstrategy = "composite"\n'
HAIBEL = {
    "population": "active ankylosing spondylitis, refractory to NSAIDs",
    "treatment": "anakinra, without a control arm",
    "variable": "ASAS20, ASAS40 and ASAS70 response at week 24",
    "events": [{"name": "left-before-week-24", "strategy": "composite"}],
    "summary": "Response rate of each level, against the rate that placebo has.",
}


def content(result: Any) -> Any:
    """What a machine reads."""
    return json.loads(json.dumps(run_content(result)))


def test_without_events_an_estimand_is_whole() -> None:
    """An estimand may name no event: all five attributes are stored and printed, and no number changes."""
    with_one, without = evaluate(resolved(TRIAL + NO_EVENTS)), evaluate(resolved(TRIAL))
    assert content(with_one)["estimand"] == {
        "population": "all",
        "treatment": "anakinra v placebo",
        "variable": "response",
        "events": [],
        "summary": "Difference.",
    }
    assert content(without)["estimand"] is None
    assert with_one.characteristics == without.characteristics
    assert with_one.tables == without.tables == ()
    assert with_one.notes == without.notes
    printed = run_text(with_one, resolved(TRIAL + NO_EVENTS)).split("\n\n")
    assert printed[2].splitlines() == [
        "Estimand",
        "  population           all",
        "  treatment            anakinra v placebo",
        "  variable             response",
        "  intercurrent events  none named",
        "  summary              Difference.",
    ]
    assert "Estimand" not in run_text(without, resolved(TRIAL))


def test_events_without_rates_are_told() -> None:
    """A counts trial whose truths give no rates of the events says what its response rates are taken for."""
    result = evaluate(resolved(TRIAL + NO_EVENTS + LEFT))
    said = "no truth gives rates of the events: the response rates are taken as those of the estimand"
    assert said in result.notes
    assert content(result)["estimand"]["events"] == [{"name": "left", "strategy": "composite"}]


def test_another_kind_states_its_estimand() -> None:
    """A trial of several endpoints prints and stores its estimand, and says it in the protocol."""
    used = read_scenario("as-haibel")
    result = evaluate(used)
    assert content(result)["estimand"] == HAIBEL
    assert "tables" in content(result)
    printed = trial_text(result, used)  # type: ignore[arg-type]
    table = printed.split("\n\n")[2].splitlines()
    assert table[0] == "Estimand"
    assert table[4] == "  intercurrent events  left-before-week-24: composite"
    protocol = " ".join(printed.partition("Protocol text:")[2].split())
    assert (
        "The estimand: ASAS20, ASAS40 and ASAS70 response at week 24 in active ankylosing spondylitis, refractory to "
        "NSAIDs; anakinra, without a control arm. Intercurrent events: left-before-week-24 (composite). Summary "
        "measure: Response rate of each level, against the rate that placebo has."
    ) in protocol


@pytest.mark.parametrize("name", ["as-haibel", "sjia-anajis-switch", "sjia-valencia", "sjia-hedrich", "ra-rau"])
def test_each_replanned_study_states_an_estimand(name: str) -> None:
    """The scenario of each source study names at least one event with its strategy."""
    stated = read_scenario(name).scenario.stated_estimand()
    assert stated is not None
    assert all((stated.population, stated.treatment, stated.variable, stated.events, stated.summary))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anajis", "anakinra v placebo"),
        ("sjia-first-line-two-stage", "anakinra, without a control arm"),
        ("il1-basket", "anakinra, without a control arm"),
        ("ra-two-doses", "anakinra low, anakinra high, each v placebo"),
        ("sjia-response-adaptive", "anakinra v placebo"),
        ("ra-adaptive-doses", "anakinra low, anakinra high, each v placebo"),
        ("sjia-withdrawal", "going on with anakinra v changing to placebo, after a response to anakinra"),
    ],
)
def test_the_treatment_is_what_the_arms_are(name: str, expected: str) -> None:
    """The treatment attribute names every arm that the file lays out."""
    assert read_scenario(name).scenario.treatments() == expected


def test_every_shipped_scenario_can_say_its_treatments() -> None:
    """Whatever its kind, a scenario names its treatment."""
    for path in sorted(SCENARIOS.glob("*.toml")):
        arms = tomllib.loads(path.read_text(encoding="utf-8")).get("arms", {})
        assert arms.get("treatment", "anakinra") in read_scenario(path).scenario.treatments(), path.name


@pytest.mark.parametrize("word", ["non_responder", "non-responder"])
def test_non_responder_is_called_composite(word: str) -> None:
    """Who writes non_responder as a strategy is told its name."""
    text = HEAD + TRIAL + NO_EVENTS + LEFT.replace("composite", word)
    with pytest.raises(InputError) as caught:
        parse_any(text, "x.toml")
    assert caught.value.faults[0][:3] == (
        "x.toml: estimand.events 1, strategy",
        f"'{word}'",
        "one of composite, treatment_policy, hypothetical, while_on_treatment: composite counts as a non-responder",
    )


def test_other_kinds_refuse_an_event_named_twice() -> None:
    """The estimand is checked in every kind of trial."""
    text = (SCENARIOS / "sjia-withdrawal.toml").read_text(encoding="utf-8") + NO_EVENTS + LEFT + LEFT
    with pytest.raises(InputError) as caught:
        parse_any(text, "x.toml")
    assert [fault[:3] for fault in caught.value.faults] == [
        ("x.toml: estimand.events 2, name", "'left'", "each event once")
    ]


def test_a_strategy_is_a_word() -> None:
    """Anything else than a word is told as such."""
    text = HEAD + TRIAL + NO_EVENTS + LEFT.replace('"composite"', '["composite"]')
    with pytest.raises(InputError) as caught:
        parse_any(text, "x.toml")
    assert caught.value.faults[0][:2] == ("x.toml: estimand.events 1, strategy", '["composite"]')
