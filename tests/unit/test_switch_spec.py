"""What a file may say of a switch, and the shares that follow from it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from tests.building import HEAD
from tests.tolerances import ROUNDING

from anatrial.designs.switch import Durability
from anatrial.documents.scenario import parse_scenario
from anatrial.errors import InputError

FILE = """
[design]
kind = "fixed"
n = { treatment = 12, control = 12 }

[rule]
kind = "chi_square"
alpha_two_sided = 0.05

[truths.expected]
kind = "points"
rates = { treatment = 0.70, control = 0.10 }

[switch]
visit = "month 1"
offered_to = "everyone"
accepting = { responders = 1.0, non_responders = 0.8 }
continuing = { responders = 1.0, non_responders = 1.0 }
response = 0.9
response_visit = "month 2"
at_least = 8
why = "a test"

[switch.durability]
visit = "month 12"
counts = { event = 2, flare = 2 }
of = 22

[[targets]]
metric = "enough_switched"
truth = "expected"
at_least = 0.5
"""
COUNTS = "counts = { event = 2, flare = 2 }\nof = 22"


def durability(**given: Any) -> Durability:
    """Reasons to stop up to month 12."""
    return Durability.model_validate({"visit": "month 12", **given})


def test_monthly_shares_act_on_those_who_are_left() -> None:
    """The share of each cause after m months is the sum over months of share times still there, month by month."""
    event, flare, stays = Fraction(1, 20), Fraction(1, 10), Fraction(17, 20)
    left, stopped = Fraction(1), [Fraction(0), Fraction(0)]
    for _ in range(11):
        stopped = [stopped[0] + left * event, stopped[1] + left * flare]
        left *= stays
    found = durability(shares={"event": 0.05, "flare": 0.10}, months=11).period()
    assert found.causes == ("event", "flare")
    assert found.stopped == pytest.approx([float(p) for p in stopped], rel=ROUNDING)
    assert found.stayed == pytest.approx(float(left), rel=ROUNDING)


@pytest.mark.parametrize(
    ("given", "stopped", "stayed"),
    [
        ({"shares": {"event": 0.25, "flare": 0.5}}, [0.25, 0.5], 0.25),
        ({"shares": {"event": 0.0}, "months": 11}, [0.0], 1.0),
        ({"shares": {"event": 0.25, "flare": 0.75}, "months": 2}, [0.25, 0.75], 0.0),
        ({"counts": {"event": 2, "lack": 2, "flare": 2}, "of": 22}, [7 / 72, 7 / 72, 7 / 72], 17 / 24),
        ({"counts": {"event": 0}, "of": 1}, [1 / 3], 2 / 3),
    ],
)
def test_shares_of_the_whole_period(given: dict[str, Any], stopped: list[float], stayed: float) -> None:
    """Known shares stay; counts give the means of a Dirichlet: stopping is Beta(1 + 6, 1 + 16), split evenly."""
    found = durability(**given).period()
    assert found.stopped == pytest.approx(stopped, rel=ROUNDING)
    assert found.stayed == pytest.approx(stayed, abs=ROUNDING)


def test_naming_more_causes_does_not_make_more_patients_stop() -> None:
    """6 stops of 22 leave the same share on the drug whether they are told as one cause or as three."""
    one, three = durability(counts={"any": 6}, of=22), durability(counts={"a": 2, "b": 2, "c": 2}, of=22)
    assert one.period().stayed == pytest.approx(three.period().stayed, rel=ROUNDING)


def faults(old: str, new: str) -> str:
    """What is said of the file with a change."""
    assert old in FILE
    with pytest.raises(InputError) as error:
        parse_scenario(HEAD + FILE.replace(old, new), "f.toml")
    return str(error.value)


def test_the_file_itself_is_good() -> None:
    """The scenario that the other tests spoil can be read."""
    assert parse_scenario(HEAD + FILE, "f.toml").switch is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            COUNTS,
            "shares = { event = 0.6, flare = 0.6 }",
            "switch.durability\n  got       shares that add up to 1.2\n  expected  at most 1: nobody stops twice",
        ),
        (
            "of = 22",
            "of = 3",
            "f.toml: switch.durability\n  got       4 stops of 3\n  expected  no more stops than patients",
        ),
        (COUNTS, "", "got       neither\n  expected  shares, or counts with of"),
        ("of = 22", "", "got       counts alone\n  expected  counts with of, or shares"),
        ("of = 22", "of = 22\nmonths = 11", "got       counts with months\n"),
        (COUNTS, "shares = { event = 0.1 }\nof = 22", "got       of alone\n"),
        (
            "response = 0.9",
            "response = 1.9",
            "f.toml: switch.response\n  got       1.9\n  expected  less than or equal to 1",
        ),
        ("response = 0.9", "", "got       neither\n  expected  response, or response_prior"),
        ("response = 0.9", "response = 0.9\nresponse_prior = { a = 1, b = 1 }", "got       both\n"),
        (
            'offered_to = "everyone"',
            'offered_to = "non_responders"',
            "got       accepting with responders\n  expected  non_responders alone: only they are offered the drug",
        ),
        (
            "accepting = { responders = 1.0, non",
            "accepting = { non",
            "got       accepting without responders\n  expected  the share of responders who switch",
        ),
        (
            "continuing = { responders = 1.0, non",
            "continuing = { non",
            "got       continuing without responders\n",
        ),
        (
            'response_visit = "month 2"',
            'response_visit = "week 1"',
            "f.toml: switch.response_visit\n  got       'week 1'\n  expected  later than switch.visit ('month 1')",
        ),
        (
            'visit = "month 12"',
            'visit = "Month 0"',
            "switch.durability.visit\n  got       'Month 0'\n  expected  later than switch.response_visit ('month 2')",
        ),
        (
            "at_least = 8",
            "at_least = 13",
            "f.toml: switch.at_least\n  got       13\n  expected  at most the 12 control patients of the design",
        ),
        (
            'kind = "fixed"\nn = { treatment = 12, control = 12 }',
            'kind = "sequential"\nlooks = [{ treatment = 6, control = 6 }, { treatment = 12, control = 12 }]',
            (
                "f.toml: switch\n  got       a design with looks\n"
                "  expected  one analysis: after an early stop nobody knows who would have switched"
            ),
        ),
        (
            "n = { treatment = 12, control = 12 }",
            "n = { treatment = 12 }",
            "f.toml: switch\n  got       a trial with one arm\n  expected  a control arm whose patients can switch",
        ),
    ],
)
def test_bad_switch(old: str, new: str, said: str) -> None:
    """A switch that cannot be is refused with what is wrong and what would be right."""
    assert said in faults(old, new)


def test_visits_whose_words_tell_no_time() -> None:
    """A visit of another form is not compared, the others are; 8 weeks are less than 2 months, 9 weeks more."""
    body = FILE.replace('"month 2"', '"after the taper"')
    assert parse_scenario(HEAD + body, "f.toml").switch is not None
    with pytest.raises(InputError, match=r"'day 30'\n  expected  later than switch.visit \('month 1'\)"):
        parse_scenario(HEAD + body.replace('"month 12"', '"day 30"'), "f.toml")
    with pytest.raises(InputError, match=r"'week 8'\n  expected  later than switch.response_visit \('month 2'\)"):
        parse_scenario(HEAD + FILE.replace('"month 12"', '"week 8"'), "f.toml")
    assert parse_scenario(HEAD + FILE.replace('"month 12"', '"week 9"'), "f.toml").switch is not None


def test_a_target_that_only_a_switch_could_answer() -> None:
    """Without [switch] nothing tells whether enough patients switch."""
    body = FILE[: FILE.index("[switch]")] + FILE[FILE.index("[[targets]]") :]
    with pytest.raises(InputError, match=r"targets 1, metric\n  got       enough_switched\n  expected  a section"):
        parse_scenario(HEAD + body, "f.toml")
