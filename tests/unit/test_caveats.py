"""Priors that rest on studies without a control group say so, naming them and what their recipe makes them count."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatrial.domain.mixture import BetaMixture
from anatrial.domain.prior import Contribution, Origin, Prior
from anatrial.files import read_scenario
from anatrial.files.indications import read_indication, shelf
from anatrial.plan.caveats import UNCONTROLLED, caveats, typed, without_evidence
from anatrial.plan.evaluate import evaluate

ROOT = Path(__file__).parents[2]
FLAT = BetaMixture.beta(1.0, 1.0)


def prior(study: str, weight: float, basket: str | None = None) -> Prior:
    """A prior that rests on one study."""
    part = Contribution(
        outcome="o", study=study, title=study, visit="v", n=10, responders=5, weight=weight, why="w", basket=basket
    )
    return Prior("sjia/p", FLAT, FLAT, (part,))


def said(*priors: Prior) -> tuple[str, ...]:
    """The caveats of priors in systemic JIA."""
    return caveats(tuple((f"use {k}", p) for k, p in enumerate(priors)), read_indication("sjia", shelf(ROOT)))


@pytest.mark.parametrize(
    ("weight", "words"),
    [(0.1, "hedrich-2012 (case series, weight 0.1)"), (1.0, "hedrich-2012 (case series, counts in full)")],
)
def test_a_case_series_is_named_with_its_weight(weight: float, words: str) -> None:
    """The sentence names the prior, the study, its design and the weight it has."""
    (note,) = said(prior("hedrich-2012", weight))
    assert note.startswith(f"sjia/p rests on studies without a control group: {words}. Who was treated was chosen")


def test_what_is_controlled_or_does_not_count_needs_no_caveat() -> None:
    """A randomised trial, a study of weight 0 and a prior without studies are not mentioned."""
    assert said(prior("quartier-2011", 0.5), prior("hedrich-2012", 0.0), Prior("Beta(1, 1)", FLAT, FLAT)) == ()


def test_a_prior_that_is_used_twice_is_told_once() -> None:
    """Analysis prior and design prior of one name give one sentence."""
    assert len(said(prior("hedrich-2012", 0.1), prior("hedrich-2012", 0.1))) == 1


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("as-single-arm", ["Haibel 2005 (open label single arm, weight 0.25)"]),
        (
            "sjia-first-line",
            ["Nigrovic 2011 (retrospective cohort, weight 0.15)", "Hedrich 2012 (case series, weight 0.1)"],
        ),
        ("anajis", []),
    ],
)
def test_shipped_scenarios_carry_the_caveat(name: str, studies: list[str]) -> None:
    """A run of a trial planned from cohorts and case series says so; one planned without priors does not."""
    notes = [
        n for n in evaluate(read_scenario(ROOT / "scenarios" / f"{name}.toml")).notes if "without a control group" in n
    ]
    assert len(notes) == (1 if studies else 0)
    assert all(study in notes[0] for study in studies)


def test_every_tier_is_either_controlled_or_named() -> None:
    """The tiers without a control group are all those that compare nothing; randomised and pooled studies are not."""
    controlled = {"rct_double_blind", "rct_open_label", "randomised_withdrawal", "meta_analysis"}
    from anatrial.methods.recipe import DISCOUNTS

    assert set(DISCOUNTS) == controlled | UNCONTROLLED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("as-haibel", "uncertain rests on 13 patients without a control group, typed into the file."),
        ("sjia-hedrich", "published and discounted rest on 4 patients without a control group, typed into the file."),
    ],
)
def test_patients_of_one_arm_that_are_typed_in_carry_the_caveat(name: str, words: str) -> None:
    """Counts and times of a single arm, for which no study of the evidence speaks, are no better for being typed."""
    plan = read_scenario(ROOT / "scenarios" / f"{name}.toml").resolved
    (note,) = typed(plan)
    assert note.startswith(f"{words} Who was treated was chosen")


@pytest.mark.parametrize("name", ["as-visits", "sjia-composite", "sjia-flare-time", "sjia-two-doses"])
def test_nothing_typed_nothing_said(name: str) -> None:
    """Rates that are assumed, and priors of both arms, are no patients of a single arm."""
    assert typed(read_scenario(ROOT / "scenarios" / f"{name}.toml").resolved) == ()


def test_a_design_prior_without_any_study_is_no_evidence() -> None:
    """A flat prior, and one derived from studies of weight 0, are named with their truth; a stated opinion is not."""
    origin = Origin(tool_version="0", method="m", input_digest="i", content_digest="c")
    opinion = BetaMixture.beta(6.0, 4.0)
    part = prior("hedrich-2012", 0.0).contributions
    priors = (
        ("truths.known.treatment", Prior("Beta(6, 4)", opinion, opinion)),
        ("truths.open.treatment", Prior("Beta(1, 1)", FLAT, FLAT)),
        ("truths.open.control", Prior("sjia/p", opinion, opinion, part, (), origin)),
        ("rule.analysis_prior.treatment", Prior("Beta(1, 1)", FLAT, FLAT)),
    )
    assert without_evidence(priors, "known") == ()
    assert without_evidence(priors, "open") == ("Beta(1, 1)", "sjia/p")
    assert caveats(priors, read_indication("sjia", shelf(ROOT))) == tuple(
        f"no study counts in {name}, a design prior of open: the assurance is the width of the prior, not evidence"
        for name in ("Beta(1, 1)", "sjia/p")
    )
