"""History that has moved, in trials of other kinds: what an idle treatment achieves then, or at least the rate."""

from __future__ import annotations

from math import comb, exp
from pathlib import Path

import pytest
from tests.tolerances import ROUNDING

from anatrial.documents.trials import parse_any
from anatrial.domain.trial import Table, TrialEvaluation
from anatrial.files import read_scenario
from anatrial.plan.drift import SEEN
from anatrial.plan.evaluate import evaluate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STEPS = (-SEEN, -SEEN / 2, 0.0, SEEN / 2, SEEN)


def told(name: str) -> TrialEvaluation:
    """What a run tells of a shipped scenario."""
    found = evaluate(read_scenario(SCENARIOS / f"{name}.toml"))
    assert isinstance(found, TrialEvaluation)
    return found


def drift(found: TrialEvaluation) -> Table:
    """The table of drift."""
    return next(table for table in found.tables if table.name == "drift")


def shifted(rate: float, step: float) -> float:
    """The rate whose log odds moved by a step."""
    return 1 / (1 + (1 - rate) / rate * exp(-step))


def remarks(found: TrialEvaluation) -> list[str]:
    """The notes on drift."""
    return [note for note in found.notes if note.startswith("history may have drifted: ")]


def tail(least: int, n: int, rate: float) -> float:
    """P(at least so many of n)."""
    return sum(comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(least, n + 1))


def values(table: Table, key: str) -> list[float]:
    """The numbers of a column."""
    return [cell[0] if isinstance(cell, tuple) else float(cell or 0) for cell in table.column(key)]


def test_a_cohort_with_visits() -> None:
    """With the same rate at every visit and nobody leaving, success is a binomial tail: 36 of 58 at the rate 1/2."""
    assert tail(36, 58, 0.5) <= 0.05 < tail(35, 58, 0.5)
    rates = [shifted(0.5, step) for step in STEPS]
    table = drift(told("sjia-valencia"))
    assert values(table, "rate_1") == pytest.approx(rates, rel=ROUNDING)
    assert values(table, "power") == pytest.approx([tail(36, 58, rate) for rate in rates], rel=1e-9)


def test_nested_endpoints() -> None:
    """Holm claims something where one level of three passes a third of alpha; summed here over all 20 patients."""
    nulls = (0.25, 0.12, 0.05)
    least = [next(k for k in range(21) if tail(k, 20, null) <= 0.05 / 3) for null in nulls]
    expected = []
    for step in STEPS:
        r20, r40, r70 = (shifted(null, step) for null in nulls)
        missed = 0.0
        for x70 in range(least[2]):
            for x40 in range(x70, least[1]):
                for x20 in range(x40, least[0]):
                    ways = comb(20, x70) * comb(20 - x70, x40 - x70) * comb(20 - x40, x20 - x40)
                    shares = r70**x70 * (r40 - r70) ** (x40 - x70) * (r20 - r40) ** (x20 - x40)
                    missed += ways * shares * (1 - r20) ** (20 - x20)
        expected.append(1 - missed)
    table = drift(told("as-haibel"))
    assert [column.label for column in table.columns[1:]] == ["asas20", "asas40", "asas70", "any claim"]
    assert values(table, "power_any") == pytest.approx(expected, rel=1e-9)


def test_baskets_move_together() -> None:
    """Where no basket works the chance that any wins is the familywise error; it rises with the rates to beat."""
    found = told("il1-basket")
    table = drift(found)
    wins = values(table, "any_won")
    assert wins[2] == pytest.approx(found.of("nothing").metric("familywise_error").estimate.value, rel=ROUNDING)
    assert wins == sorted(wins)
    assert values(table, "rate_1") == pytest.approx([shifted(0.4, step) for step in STEPS], rel=ROUNDING)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sjia-two-doses", "sjia/placebo-discounted stands for 0.24."),  # Beta(8, 26): 8/34
        ("sjia-withdrawal", "0.5 Beta(1.75, 6) + 0.5 Beta(8.75, 5.75) stands for 0.41."),  # half 7/31, half 35/58
        ("sjia-hedrich", "the rate to beat of response by 7 days stands for 0.50."),
    ],
)
def test_what_is_not_in_a_table_is_said(name: str, words: str) -> None:
    """A control prior that holds history, and a rate to beat in a trial that is simulated, are named with the shift."""
    (note,) = remarks(told(name))
    assert words in note


def test_the_moved_rates_of_a_remark() -> None:
    """8/34 with log odds moved by those of 25 % to 47 %, by hand: 0.45, and 0.10 the other way."""
    assert (round(shifted(8 / 34, SEEN), 2), round(shifted(8 / 34, -SEEN), 2)) == (0.45, 0.10)
    (note,) = remarks(told("sjia-two-doses"))
    assert "it is 0.45 now, or 0.10 the other way" in note


def test_nothing_borrowed_nothing_said() -> None:
    """Two arms under Fisher's test and known rates: neither table nor remark."""
    found = told("as-visits")
    assert remarks(found) == []
    assert "drift" not in {table.name for table in found.tables}


def test_what_is_compared_in_two_arms_is_no_rate_to_beat() -> None:
    """Only a single arm has rates to beat; a lasting response has no idle truth told by rates alone."""
    text = (SCENARIOS / "sjia-valencia.toml").read_text()
    lasting = parse_any(text.replace('kind = "at_visit"\nvisit = 12', 'kind = "sustained"\nfrom = 6'), "f")
    assert lasting.rates_to_beat() == {"response": 0.5}
    assert lasting.without_effect_at({"response": 0.5}) is None
    assert parse_any((SCENARIOS / "as-visits.toml").read_text(), "f").rates_to_beat() == {}
    assert parse_any((SCENARIOS / "sjia-composite.toml").read_text(), "f").rates_to_beat() == {}
