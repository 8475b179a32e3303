"""What a scenario file of times to an event may not say: every fault in the words of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from anatrial.documents.trials import parse_any
from anatrial.errors import InputError

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FLARE = (SCENARIOS / "sjia-flare-time.toml").read_text(encoding="utf-8")
HEDRICH = (SCENARIOS / "sjia-hedrich.toml").read_text(encoding="utf-8")
POSTERIOR = (SCENARIOS / "sjia-flare-posterior.toml").read_text(encoding="utf-8")
TWO_FOLLOW_UPS = "follow_up, or accrual with minimum_follow_up, or until_event = true"


def faults(text: str, *changes: tuple[str, str]) -> list[tuple[str, str, str]]:
    """Where, got and expected of every fault of a file with these changes."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    with pytest.raises(InputError) as told:
        parse_any(text, "x.toml")
    return [(f.where.removeprefix("x.toml: "), f.got, f.expected) for f in told.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "where", "got", "expected"),
    [
        (
            "control = { median = 6 } ",
            "control = { hazard = 0 }",
            "truths.expected.control.hazard",
            "0",
            "greater than 0",
        ),
        (
            "control = { median = 6 } ",
            "control = { median = 0 }",
            "truths.expected.control.median",
            "0",
            "greater than 0",
        ),
        ("accrual = 18 ", "accrual = -18", "design.accrual", "-18", "greater than 0"),
        ("accrual = 18 ", "accrual = inf", "design.accrual", "inf", "a plain, finite value"),
        ("share = 0.10", "share = 1", "design.drop_out.share", "1", "less than 1"),
        ("times = [1, 2", "times = [-1, 2", "design.times 1", "-1", "greater than 0"),
        ("times = [1, 2", "times = [2, 1", "design.times 2", "1", "more than the time before it (2 months)"),
        ("times = [1, 2", "times = [1, 1, 2", "design.times 2", "1", "more than the time before it (1 months)"),
        ("times = [1, 2", "times = [25, 2", "design.times 1", "25", "at most the longest follow-up (24 months)"),
        ("accrual = 18 ", "follow_up = 12\naccrual = 18", "design", "more than one follow-up", TWO_FOLLOW_UPS),
        ("minimum_follow_up = 6 ", "#", "design", "accrual without minimum_follow_up", TWO_FOLLOW_UPS),
        ("accrual = 18 ", "#", "design", "minimum_follow_up without accrual", TWO_FOLLOW_UPS),
        ("by = 12 }", "hazard = 0.1 }", "design.drop_out", "no single drop-out", "hazard, or share with by"),
        (
            "hazard_ratio = 0.35                      # assumed",
            "",
            "truths.expected",
            "neither treatment nor hazard_ratio",
            "treatment or hazard_ratio",
        ),
        (
            "control = { median = 6 } ",
            "control = { median = 6, hazard = 1 }",
            "truths.expected.control",
            "2 of them",
            "one of median, hazard, share with by",
        ),
        (
            "rate = 35 }",
            "events = 4 }",
            "truths.uncertain.control",
            "no single source",
            "shape with rate, events with person_time, or published",
        ),
        (
            "n = { treatment = 28, control = 28 }",
            "n = { treatment = 300, control = 300 }",
            "design.n",
            "600",
            "at most 400 patients in both arms",
        ),
        (
            'kind = "log_rank"',
            'kind = "log_rank"\np_value = "permutation"',
            "rule.p_value",
            "permutation with 7.65e+15 ways to deal 28 + 28 patients",
            "at most 20,000 (8 + 8 patients have 12,870)",
        ),
        (
            "n = { treatment = 28, control = 28 }",
            "n = { treatment = 28 }",
            "rule.kind",
            "'log_rank'",
            "a rule for one arm (posterior_median)",
        ),
        (
            'metric = "power"',
            'metric = "assurance"',
            "targets 1, metric",
            "assurance of a exponential truth",
            "a truth of kind uncertain_hazard",
        ),
    ],
)
def test_faults_of_two_arms(old: str, new: str, where: str, got: str, expected: str) -> None:
    """One thing wrong in the flare trial is told where it stands, with what was found and what would be right."""
    assert (where, got, expected) in faults(FLARE, (old, new))


@pytest.mark.parametrize(
    ("old", "new", "where", "got", "expected"),
    [
        ("until_event = true", "#", "design", "no follow-up", TWO_FOLLOW_UPS),
        ("times = [1, 2, 4, 7, 10, 14, 21]", "#", "design", "until_event without times", "the times to be told"),
        ("median = 7", "median = 5", "truths.no-effect.median", "5", "at least 7, the benchmark of the rule"),
        ("benchmark = 7", "benchmark = 0", "rule.benchmark", "0", "greater than 0"),
        (
            "treatment = { median = 4 }",
            "treatment = { median = 4 }\nhazard_ratio = 2",
            "truths.as-published",
            "times of two arms",
            "treatment alone",
        ),
        (
            "from = 2, to = 10 } }",
            "from = 5, to = 10 } }",
            "truths.published.treatment.published",
            "5 to 10 with median 4",
            "a median within its range",
        ),
        (
            "rate = 10.1 } }",
            "rate = 10.1 }, control = { shape = 1, rate = 1 } }",
            "rule.analysis_prior",
            "a control prior",
            "treatment alone",
        ),
        (
            'kind = "uncertain_hazard"',
            'kind = "uncertain_hazard"\ncontrol = { shape = 1, rate = 1 }',
            "truths.published",
            "a control prior",
            "treatment alone",
        ),
        ("n = 4, median", "n = 0, median", "truths.published.treatment.published.n", "0", "greater than or equal to 1"),
        (
            "n = 4, median",
            "n = 1, median",
            "truths.published.treatment.published",
            "2 to 10 with median 4 of 1",
            "the median and range that so few patients can have",
        ),
        (
            "n = { treatment = 4 }",
            "n = { treatment = 4, control = 4 }",
            "rule.kind",
            "'posterior_median'",
            "a rule for two arms (log_rank or posterior_hazard_ratio)",
        ),
        (
            "shape = 1.5, median = 4",
            "shape = 1.5, median = 4, scale = 5",
            "truths.as-published-rising.treatment",
            "both",
            "median or scale",
        ),
    ],
)
def test_faults_of_one_arm(old: str, new: str, where: str, got: str, expected: str) -> None:
    """One thing wrong in the single-arm trial is told in the same way."""
    assert (where, got, expected) in faults(HEDRICH, (old, new))


def test_two_arms_need_a_prior_each() -> None:
    """A posterior hazard ratio without a control prior, and an uncertain truth without one, are refused."""
    found = faults(POSTERIOR, ("control = { shape = 0.1, rate = 1 }", ""))
    assert ("rule.analysis_prior", "no control prior", "a prior per arm") in found
    found = faults(FLARE, ("control = { shape = 4, rate = 35 }", ""))
    assert ("truths.uncertain", "no control prior", "a prior per arm") in found
    found = faults(FLARE, ("control = { median = 6 } ", "#"))
    assert ("truths.expected", "no control time", "control, with treatment or hazard_ratio") in found


def test_priors_that_cannot_be_used_are_told_where_they_stand() -> None:
    """A prior whose hazards would be 0, and a summary that no exponential times have, are refused as the file's."""
    found = faults(HEDRICH, ("weight = 0.1 }", "weight = 0.001 }"))
    assert ("truths.discounted", "a prior worth 0.004 events", "at least 0.02 events") in found
    found = faults(HEDRICH, ("n = 4, median", "n = 10000, median"))
    expected = "a median and range that exponential times can have"
    assert ("truths.published.treatment.published", "2 to 10 with median 4 of 10000", expected) in found


def test_all_faults_are_told_at_once() -> None:
    """Two wrong hazards, a wrong share and an unknown key come together."""
    changes = (
        ("control = { median = 6 } ", "control = { median = 0 }"),
        ("share = 0.10", "share = 1"),
        ("alpha", "alfa"),
    )
    places = {where for where, _, _ in faults(FLARE, *changes)}
    assert {"truths.expected.control.median", "design.drop_out.share", "rule.alfa", "rule.alpha"} <= places


def test_what_is_said_for_people() -> None:
    """Layout, rule and truths in plain sentences."""
    flare, hedrich, posterior = (parse_any(text, "x.toml") for text in (FLARE, HEDRICH, POSTERIOR))
    assert flare.design.said("anakinra", "placebo") == (
        "28 on anakinra v 28 on placebo, time to flare in months (later is better), entering evenly over 18 months, "
        "the last followed for 6 months; lost at 0.00878 per patient and month."
    )
    assert flare.rule.said("anakinra", "placebo") == (
        "Success if the log-rank test finds anakinra better than placebo, one-sided p <= 0.025."
    )
    assert hedrich.rule.said("anakinra", "") == (
        "Success if P(median time on anakinra better than 7 | data) > 0.95, exponential times."
    )
    assert posterior.rule.said("anakinra", "placebo") == (
        "Success if P(hazard ratio of anakinra to placebo on the good side of 1 | data) > 0.975, Weibull times."
    )
    assert flare.truths["late-flares"].said("anakinra", "placebo") == (
        "the median time is 12.1 on anakinra v 6 on placebo (Weibull, shape 1.5), hazard ratio 0.35"
    )
    assert flare.truths["no-effect"].said("anakinra", "placebo") == "anakinra changes nothing: median time 6"
    assert hedrich.truths["published"].said("anakinra", "") == "the hazard is Gamma(4, 20) on anakinra"
