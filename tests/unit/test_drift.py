"""Drift of controls: power, type I error and the weight of history where the control rate has moved for a reason."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, factorial, log
from pathlib import Path

import pytest
from tests.building import HEAD, resolved
from tests.tolerances import ROUNDING

from anatrial.documents.scenario import counts_trial, parse_scenario
from anatrial.domain.counts import Regions
from anatrial.domain.trial import Table
from anatrial.errors import InputError
from anatrial.files import read_scenario
from anatrial.files.indications import read_indication, shelf
from anatrial.plan.drift import NOW, SEEN, THEN, section
from anatrial.plan.looks import planned

ROOT = Path(__file__).parents[2]
BODY = """
[design]
kind = "fixed"
n = { treatment = 4, control = 4 }

[rule]
kind = "posterior"
certainty = 0.9

[rule.analysis_prior]
treatment = { a = 1, b = 1 }
control = { parts = [{ weight = 0.75, a = 3, b = 9 }, { weight = 0.25, a = 1, b = 1 }] }

[truths.expected]
kind = "points"
rates = { treatment = 0.75, control = 0.25 }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""
GRID = 'kind = "grid"\nrates = { treatment = [0.5, 0.75], control = [0.25] }'
STATED = """
[drift]
log_odds = 0.5
why = "a reason"
"""


def drift(body: str) -> tuple[Table, ...]:
    """The tables that a run tells of drift."""
    used = resolved(body)
    return section(used, planned(used)).tables


def beta(a: int, b: int) -> Fraction:
    """The beta function at whole numbers."""
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def kept(x: int) -> Fraction:
    """Weight of Beta(3, 9) against the uniform after x of 4, from prior weights 3/4 and 1/4 by Bayes' rule."""
    old, vague = Fraction(3, 4) * beta(3 + x, 13 - x) / beta(3, 9), Fraction(1, 4) * beta(1 + x, 5 - x)
    return old / (old + vague)


def binomial(x: int, n: int, rate: float) -> float:
    """P(x of n)."""
    return comb(n, x) * rate**x * (1 - rate) ** (n - x)


def test_the_default_shift_is_the_one_published() -> None:
    """Placebo ASAS20: 127 of 513 in the eight trials of the Baeten set, 47 % in MEASURE 4, as in the evidence file."""
    records = read_indication("as", shelf(ROOT)).records
    then = [records[f"hc-as-baeten-{k}"][1] for k in range(1, 9)]
    assert (sum(o.responders or 0 for o in then), sum(o.n or 0 for o in then)) == (127, 513)
    assert records["hc-as-measure4"][1].printed_percent == "47"
    assert (NOW, THEN) == (0.47, 127 / 513)
    assert pytest.approx(log(47 / 53 / (127 / 386)), rel=ROUNDING) == SEEN


def test_every_number_is_a_sum_over_tables() -> None:
    """Rates whose log odds moved from those of 3/12; power at 0.75, error at equal rates, mean weight, all by hand."""
    used = resolved(BODY)
    run = planned(used)
    assert isinstance(run, Regions)
    (table,) = section(used, run).tables
    wins = [(i, j) for i in range(5) for j in range(5) if (i, j) in run.success]
    assert wins
    assert table.column("shift") == ("-0.99", "-0.50", "none", "+0.50", "+0.99")
    for row, shift in enumerate((-SEEN, -SEEN / 2, 0.0, SEEN / 2, SEEN)):
        rate = 1 / (1 + 3 * exp(-shift))  # odds of 3/12 are 1/3
        assert table.column("control_rate")[row] == pytest.approx(rate, rel=ROUNDING)
        power = sum(binomial(i, 4, 0.75) * binomial(j, 4, rate) for i, j in wins)
        assert table.column("power")[row] == pytest.approx(power, rel=ROUNDING)
        error = sum(binomial(i, 4, rate) * binomial(j, 4, rate) for i, j in wins)
        assert table.column("type_i_error")[row] == pytest.approx(error, rel=ROUNDING)
        weight = sum(binomial(j, 4, rate) * float(kept(j)) for j in range(5))
        assert table.column("weight_kept")[row] == pytest.approx(weight, rel=ROUNDING)


def test_no_history_no_drift() -> None:
    """With uniform analysis priors nothing is borrowed, and nothing is said of drift."""
    plain = BODY.replace("parts = [{ weight = 0.75, a = 3, b = 9 }, { weight = 0.25, a = 1, b = 1 }]", "a = 1, b = 1")
    assert drift(plain) == ()
    assert drift(plain.replace("{ a = 1, b = 1 }\ncontrol", "{ a = 9, b = 3 }\ncontrol")) == ()


def test_a_stated_shift_replaces_the_published_one() -> None:
    """[drift] moves the historical rate by its own log odds, and says why."""
    (table,) = drift(BODY + STATED)
    assert table.column("shift") == ("-0.50", "-0.25", "none", "+0.25", "+0.50")
    assert table.note == "Shift: a reason; both directions, and half of it."


def test_a_stated_shift_without_history_moves_the_planned_rate() -> None:
    """Without borrowing [drift] starts at the planned control rate, and no weight of history is told."""
    fisher = BODY[: BODY.index("[rule]")] + '[rule]\nkind = "fisher"\nalpha = 0.05\n\n' + BODY[BODY.index("[truths") :]
    (table,) = drift(fisher + STATED)
    assert table.column("control_rate")[2] == pytest.approx(0.25, rel=ROUNDING)
    assert [column.key for column in table.columns] == ["shift", "control_rate", "power", "type_i_error"]


@pytest.mark.parametrize(
    ("name", "control"),
    [("sjia-next-trial", "placebo-discounted"), ("sjia-self-adapting", "placebo-discounted"), ("sjia-futility", "")],
)
def test_every_shipped_trial_that_borrows_shows_drift(name: str, control: str) -> None:
    """Wherever the control arm borrows, a run has the table without being asked; more drift upwards, less power."""
    used = counts_trial(read_scenario(ROOT / "scenarios" / f"{name}.toml"), "run")
    (table,) = section(used, planned(used)).tables
    assert control in table.title
    powers = [float(cell) for cell in table.column("power") if isinstance(cell, float)]
    assert len(powers) == 5
    assert powers == sorted(powers, reverse=True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("log_odds = 0.5", "log_odds = 0", "f.toml: drift\n  got       0\n  expected  a shift"),
        (
            "log_odds = 0.5",
            "log_odds = 9.0",
            "f.toml: drift.log_odds\n  got       9.0\n  expected  less than or equal to 5",
        ),
        ('why = "a reason"', "", "f.toml: drift.why\n  got       nothing\n  expected  'why'\n  fix       add why"),
    ],
)
def test_bad_shift(old: str, new: str, said: str) -> None:
    """A shift moves something, within reason, and says why."""
    with pytest.raises(InputError) as error:
        parse_scenario(HEAD + BODY + STATED.replace(old, new), "f.toml")
    assert said in str(error.value)


def single(rule: str) -> str:
    """A single arm of 4 under a rule."""
    arm = BODY[BODY.index("[truths") :].replace(", control = 0.25 }", " }")
    return f'[design]\nkind = "fixed"\nn = {{ treatment = 4 }}\n\n[rule]\n{rule}\n\n{arm}'


@pytest.mark.parametrize(
    ("rule", "start", "least"),
    [
        ('kind = "exact_binomial"\nalpha = 0.1\nnull_rate = 0.25', 0.25, 3),  # P(3 or 4 of 4 | 1/4) = 13/256
        (  # P(rate > 1/4 | 3 of 4) = P(at most 3 of 5 | 1/4) = 1008/1024, after 2 of 4 it is 918/1024
            'kind = "posterior"\ncertainty = 0.9\nbenchmark = 0.25\nanalysis_prior = { treatment = { a = 1, b = 1 } }',
            0.25,
            3,
        ),
    ],
)
def test_a_single_arm_is_compared_with_history(rule: str, start: float, least: int) -> None:
    """A typed rate to beat moves; the chance of success of an idle treatment is the tail of its binomial there."""
    (table,) = drift(single(rule))
    assert table.title == "If the rate without effect has drifted from the rate to beat, 0.25"
    for row, shift in enumerate((-SEEN, -SEEN / 2, 0.0, SEEN / 2, SEEN)):
        rate = 1 / (1 + (1 - start) / start * exp(-shift))
        assert table.column("rate_without_effect")[row] == pytest.approx(rate, rel=ROUNDING)
        tail = sum(binomial(x, 4, rate) for x in range(least, 5))
        assert table.column("success")[row] == pytest.approx(tail, rel=ROUNDING)


def test_an_uncertain_rate_to_beat_moves_from_its_mean() -> None:
    """The published plan in ankylosing spondylitis: 10 of 20 needed, so at the rates of 11/43 moved these tails."""
    used = counts_trial(read_scenario(ROOT / "scenarios" / "as-single-arm.toml"), "run")
    (table,) = section(used, planned(used)).tables
    assert table.title.endswith("from history (as/placebo-asas20), 0.26 on average")
    for row, shift in enumerate((-SEEN, -SEEN / 2, 0.0, SEEN / 2, SEEN)):
        rate = 1 / (1 + 32 / 11 * exp(-shift))
        tail = sum(binomial(x, 20, rate) for x in range(10, 21))
        assert table.column("success")[row] == pytest.approx(tail, rel=ROUNDING)


def test_a_single_arm_may_state_its_shift() -> None:
    """[drift] replaces the published shift there, too."""
    (table,) = drift(single('kind = "exact_binomial"\nalpha = 0.1\nnull_rate = 0.25') + STATED)
    assert table.column("shift") == ("-0.50", "-0.25", "none", "+0.25", "+0.50")
    assert table.note == "Shift: a reason; both directions, and half of it. A single arm cannot see it."


def test_a_single_arm_without_a_rate_to_beat() -> None:
    """Criteria with two edges have no rate that could move: nothing is told, and a stated shift is refused."""
    criteria = "".join(
        f'\n[[rule.criteria]]\ndirection = "greater"\nscale = "rate"\nthreshold = {threshold}\n'
        f"certainty = {certainty}\n"
        for threshold, certainty in ((0.25, 0.9), (0.5, 0.5))
    )
    body = single(f'kind = "criteria"\nanalysis_prior = {{ treatment = {{ a = 1, b = 1 }} }}\n{criteria}')
    assert drift(body) == ()
    with pytest.raises(InputError, match=r"^made-up: drift\n  got       a single arm without a rate to beat\n"):
        drift(body + STATED)


def test_a_rate_of_zero_cannot_shift() -> None:
    """A stated shift of a planned control rate of 0 is refused: it has no log odds."""
    fisher = BODY[: BODY.index("[rule]")] + '[rule]\nkind = "fisher"\nalpha = 0.05\n\n' + BODY[BODY.index("[truths") :]
    with pytest.raises(InputError, match=r"^made-up: drift\n  got       a control rate of 0\n"):
        drift(fisher.replace("control = 0.25", "control = 0.0") + STATED)


def test_nothing_is_drawn_where_only_rates_are_told() -> None:
    """Criteria without one edge, and no planned rates: the table has the rates alone, and no picture of nothing."""
    criteria = """
[[rule.criteria]]
direction = "greater"
threshold = 0
certainty = 0.9

[[rule.criteria]]
direction = "greater"
threshold = 0.1
certainty = 0.5
"""
    body = BODY.replace('kind = "posterior"\ncertainty = 0.9\n', f'kind = "criteria"\n{criteria}')
    body = body.replace('kind = "points"\nrates = { treatment = 0.75, control = 0.25 }', GRID)
    (table,) = drift(body)
    assert [column.key for column in table.columns] == ["shift", "control_rate"]
    assert table.figure is None
