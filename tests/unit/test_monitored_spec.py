"""A rule that may stop early: what is said of it, what is refused, and how a file writes it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError
from tests.building import HEAD, resolved, sided
from tests.monitoring import ADAPTING, BAYES, EXACT, FISHER, ONE_ARM, SINGLE, THREE, TWO, UNIFORM, monitored, stop

from anatrial.documents.scenario import parse_scenario
from anatrial.domain.counts import Look
from anatrial.errors import Fault, InputError
from anatrial.rules import AnyRule
from anatrial.rules.base import Rule
from anatrial.rules.final import FinalRule
from anatrial.rules.monitored import Monitored

BINDS_NOT = "Futility does not bind: type I error counts no stop for it."
TEST_OF_A = "Success if the exact binomial test finds the rate on A above 0.3, one-sided p <= 0.05."
SAID = {
    (
        "Success if P(A rate > B rate | data) > 0.9. Before the last look it stops for futility at every look if the "
        f"predictive probability of success at the last look < 0.05. {BINDS_NOT}"
    ): monitored(BAYES, stop("predictive_probability", below=0.05)),
    (
        "Success if P(A rate > B rate | data) > 0.9. Before the last look it stops for success at looks 1, 2 and 3 if "
        "P(A rate > B rate + 0.1 | data) > 0.99; for futility at look 2 if the conditional power at the rate of all "
        "patients so far < 0.2. Where both are met, futility counts. Futility binds."
    ): monitored(
        BAYES,
        stop("posterior", decides="success", certainty=0.99, margin=0.1, looks=[3, 1, 2]),
        stop("conditional_power", below=0.2, under="null", looks=[2]),
        overlap="futility",
        binding_futility=True,
    ),
    (
        f"{TEST_OF_A} Before the last look it stops for success at every look if the conditional power at 0.3 > 0.95."
    ): monitored(EXACT, stop("conditional_power", decides="success", above=0.95, under="null")),
    (
        f"{TEST_OF_A} Before the last look it stops for futility at every look if P(A rate > 0.3 | data) (prior of its "
        f"own) < 0.1. {BINDS_NOT}"
    ): monitored(EXACT, stop("posterior", below=0.1, prior={"treatment": {"a": 1, "b": 1}})),
}


@pytest.mark.parametrize("said", SAID)
def test_it_is_said_in_words(said: str) -> None:
    """Final rule, stops, what holds where both are met, and whether futility binds."""
    assert SAID[said].said("A", "B") == said


@pytest.mark.parametrize(
    ("under", "more", "said"),
    [
        ("estimate", {}, "the conditional power at the rates so far < 0.1"),
        ("design", {"rates": {"treatment": 0.5, "control": 0.25}}, "the conditional power at 0.5 v 0.25 < 0.1"),
        ("design", {"rates": {"treatment": 0.5}}, "the conditional power at 0.5 < 0.1"),
    ],
)
def test_conditional_power_says_its_rates(under: str, more: dict[str, Any], said: str) -> None:
    """At the rates so far, or at those given."""
    assert said in monitored(FISHER, stop("conditional_power", below=0.1, under=under, **more)).said()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (stop("posterior"), "no threshold | below, to decide futility"),
        (stop("posterior", certainty=0.9), "certainty | below, to decide futility"),
        (
            stop("posterior", decides="success", certainty=0.9, below=0.1),
            "certainty and below | certainty, to decide success",
        ),
        (stop("predictive_probability", decides="success", below=0.1), "below | above, to decide success"),
        (stop("conditional_power", below=0.1, under="design"), "no rates with under = 'design'"),
        (stop("conditional_power", below=0.1, under="null", rates={"treatment": 0.5}), "rates with under = 'null'"),
        (stop("posterior", below=0.1, looks=[0]), "greater than or equal to 1"),
    ],
)
def test_a_stop_that_cannot_be_meant_is_refused(written: dict[str, Any], told: str) -> None:
    """Thresholds that are missing, both given or for the other decision; rates where none are used."""
    with pytest.raises(ValidationError) as refused:
        monitored(FISHER, written)
    assert told in str(refused.value)


OWN = {"prior": UNIFORM}
ALONE = {"prior": {"treatment": {"a": 1, "b": 1}}}
MISFITS = [
    (FISHER, [stop("posterior", below=0.1)], THREE, "rule.stops 1", "no prior"),
    (ADAPTING, [stop("predictive_probability", below=0.1)], THREE, "rule.stops 1", "no prior"),
    (FISHER, [stop("predictive_probability", below=0.1, **ALONE)], THREE, "rule.stops 1", "no prior"),
    (BAYES, [stop("posterior", below=0.1, **ALONE)], THREE, "rule.stops 1", "no prior"),
    (BAYES, [stop("posterior", below=0.1, benchmark=0.3)], THREE, "rule.stops 1, benchmark", "0.3"),
    (BAYES, [stop("posterior", below=0.1, looks=[3])], THREE, "rule.stops 1, looks", "3"),
    (BAYES, [stop("posterior", below=0.1, looks=[1, 7])], THREE, "rule.stops 1, looks", "7"),
    (BAYES, [stop("posterior", below=0.1, looks=[2, 2])], THREE, "rule.stops 1, looks", "2, 2"),
    (
        BAYES,
        [stop("posterior", below=0.1), stop("posterior", decides="success", certainty=0.9)],
        THREE,
        "rule.overlap",
        "nothing",
    ),
    (
        {**BAYES, "margin": 0.1},
        [stop("conditional_power", below=0.1, under="null")],
        TWO,
        "rule.stops 1, under",
        "'null'",
    ),
    (
        FISHER,
        [stop("conditional_power", below=0.1, under="design", rates={"treatment": 0.5})],
        TWO,
        "rule.stops 1, rates",
        "no control rate",
    ),
    (
        EXACT,
        [stop("conditional_power", below=0.1, under="design", rates={"treatment": 0.5, "control": 0.2})],
        SINGLE,
        "rule.stops 1, rates",
        "a control rate",
    ),
    (EXACT, [stop("predictive_probability", below=0.1)], SINGLE, "rule.stops 1", "no prior"),
    (EXACT, [stop("posterior", below=0.1, benchmark=0.3, **OWN)], SINGLE, "rule.stops 1", "both"),
    (EXACT, [stop("posterior", below=0.1, margin=0.8, **ALONE)], SINGLE, "rule.stops 1, margin", "0.8"),
]


@pytest.mark.parametrize(("final", "stops", "looks", "where", "got"), MISFITS)
def test_what_does_not_fit_is_told(
    final: dict[str, Any], stops: list[dict[str, Any]], looks: tuple[Look, ...], where: str, got: str
) -> None:
    """One fault each, at its place."""
    found: list[Fault] = list(monitored(final, *stops).misfits(looks))
    assert [(fault.where, fault.got) for fault in found] == [(where, got)]


def test_a_final_rule_that_does_not_fit_is_told_at_its_place() -> None:
    """What its own kind asks for holds inside ``monitored`` too."""
    nothing = {**ONE_ARM, "benchmark": None}
    rule = monitored(nothing, stop("predictive_probability", below=0.1))
    assert [(fault.where, fault.got) for fault in rule.misfits(SINGLE)] == [("rule.final", "neither")]
    robust = {**ADAPTING, "analysis_prior": {"treatment": {"a": 1, "b": 1}, "control": {"prior": "old"}}}
    found = [fault.where for fault in monitored(robust, stop("posterior", below=0.1, prior=UNIFORM)).misfits(TWO)]
    assert found == ["rule.final.analysis_prior.control"]


def test_a_settled_overlap_that_cannot_happen_is_told() -> None:
    """``overlap`` without both kinds of stops at one look settles nothing."""
    rule = monitored(BAYES, stop("posterior", below=0.1), overlap="success")
    assert [fault.got for fault in rule.misfits(TWO)] == ["'success'"]


def test_an_uncertain_final_benchmark_has_no_null() -> None:
    """Conditional power under the null needs a rate; a criteria rule without an edge has none."""
    uncertain = {**ONE_ARM, "analysis_prior": UNIFORM}
    del uncertain["benchmark"]
    rule = monitored(uncertain, stop("conditional_power", below=0.1, under="null"))
    assert [fault.where for fault in rule.misfits(SINGLE)] == ["rule.stops 1, under"]
    edges = [
        {"direction": d, "scale": "rate", "threshold": t, "certainty": 0.9}
        for d, t in (("greater", 0.2), ("less", 0.6))
    ]
    several = {"kind": "criteria", "criteria": edges, "analysis_prior": ALONE["prior"]}
    nothing = monitored(several, stop("posterior", below=0.1))
    assert [fault.got for fault in nothing.misfits(SINGLE)] == ["nothing to compare with"]


def test_what_is_no_final_rule_decides_at_every_look() -> None:
    """Every rule of a scenario is either one for the last look, or says that it decides at the looks before."""
    members, final = get_args(get_args(AnyRule)[0]), get_args(FinalRule)
    assert Monitored in set(members) - set(final)
    assert all((rule.interim is Rule.interim) == (rule in final) for rule in members)


BODY = """
[design]
kind = "sequential"
looks = [{ treatment = 6, control = 6 }, { treatment = 12, control = 12 }]

[rule]
kind = "monitored"

[rule.final]
kind = "fisher"
alpha = 0.05

[[rule.stops]]
kind = "predictive_probability"
decides = "futility"
below = 0.05
prior = { treatment = { a = 1, b = 1 }, control = { mean = 0.25, effective_n = 8 } }

[truths.expected]
kind = "points"
rates = { treatment = 0.7, control = 0.2 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""


def test_a_file_says_it() -> None:
    """A scenario is read, its stops' priors are written out, and a fault inside a stop is told at its place."""
    found = resolved(BODY)
    rule = found.resolved.rule
    assert isinstance(rule, Monitored)
    assert rule.final == sided("fisher", 0.05, two_sided=False)
    assert [name for name, _ in found.priors] == ["rule.stops 1, prior.treatment", "rule.stops 1, prior.control"]
    regions = rule.regions(found.resolved.design.looks())
    assert regions[0].futility is not None
    assert 0 < regions[0].futility.tables < 49
    for wrong, told in (
        (BODY.replace("below = 0.05", "below = 1.5"), "rule.stops 1, below"),
        (BODY.replace("below = 0.05", "above = 0.5"), "below, to decide futility"),
        (BODY.replace('kind = "fisher"', 'kind = "fischer"'), "did you mean 'fisher'?"),
        (BODY.replace("alpha = 0.05", "alpha = 0.7"), "rule.final.alpha"),
        (BODY.replace('"predictive_probability"', '"predictive_probabilty"'), "did you mean 'predictive_probability'?"),
    ):
        with pytest.raises(InputError) as refused:
            parse_scenario(HEAD + wrong, "made-up.toml")
        assert told in str(refused.value)
