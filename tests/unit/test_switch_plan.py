"""What a run tells of the switch of the shipped scenario: tables, metrics and remarks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.tolerances import ROUNDING, monte_carlo

from anatrial.documents.scenario import counts_trial
from anatrial.domain.results import Evaluation
from anatrial.domain.trial import Table
from anatrial.files import read_scenario
from anatrial.plan.evaluate import evaluate
from anatrial.report.run_text import run_text
from anatrial.rng import stream

FILE = Path(__file__).parents[2] / "scenarios" / "sjia-anajis-switch.toml"


@pytest.fixture(scope="module")
def result() -> Evaluation:
    """The shipped scenario, run once."""
    found = evaluate(read_scenario(FILE))
    assert isinstance(found, Evaluation)
    return found


def named(result: Evaluation, name: str) -> Table:
    """One of its tables."""
    return next(table for table in result.tables if table.name == name)


def test_expected_numbers_by_hand(result: Evaluation) -> None:
    """Known rates: 12 (0.1 + 0.9 * 0.82) switch, 10/12 of them respond, 17/24 of all on the drug stay to month 12."""
    switched = 12 * (Fraction(1, 10) + Fraction(9, 10) * Fraction(82, 100))
    stay = Fraction(17, 24)
    row = dict(zip((c.key for c in named(result, "switch").columns), named(result, "switch").rows[0], strict=True))
    assert row["switched"] == pytest.approx(float(switched), rel=ROUNDING)
    assert row["responders"] == pytest.approx(float(switched * Fraction(10, 12)), rel=ROUNDING)
    later = named(result, "delayed_start")
    assert later.column("on_drug")[:2] == pytest.approx([float(12 * stay), float(switched * stay)], rel=ROUNDING)
    early, delayed = 12 * Fraction(7, 10) * stay, switched * Fraction(10, 12) * stay
    assert later.column("responders")[:2] == pytest.approx([float(early), float(delayed)], rel=ROUNDING)
    stops = named(result, "stops")
    assert stops.column("cause") == ("adverse-event", "lack-of-efficacy", "flare", "any of these")
    each = (12 + switched) * Fraction(7, 24) / 3
    expected = [*([float(each)] * 3), float(3 * each)]
    assert stops.column("expected_stopped") == pytest.approx(expected, rel=ROUNDING)


def test_the_metrics_are_the_numbers_of_the_tables(result: Evaluation) -> None:
    """Targets are judged on what the tables show."""
    for row, truth in enumerate(("expected", "uncertain")):
        found, table = result.of(truth), named(result, "switch")
        assert found.metric("enough_switched").estimate.value == table.column("enough")[row]
        assert found.metric("expected_switched").estimate.value == table.column("switched")[row]
        assert found.metric("expected_switch_responders").estimate.value == table.column("responders")[row]
        late = named(result, "delayed_start").column("late_success")[2 * row]
        assert found.metric("late_success").estimate.value == late
    assert not result.of("no-effect").has("enough_switched")


def test_simulated_children_agree(result: Evaluation) -> None:
    """Child by child, under uncertain rates, enough switch and the rule succeeds again as often as the sums say."""
    rng, trials = stream(5, "a test of the switch"), 40_000
    rate_t, rate_c, again = (rng.beta(a, b, size=trials)[:, None] for a, b in ((9, 5), (2, 12), (10, 2)))
    stay = rng.beta(17, 7, size=trials)[:, None]
    early, placebo = rng.random((trials, 12)) < rate_t, rng.random((trials, 12)) < rate_c
    switched = placebo | (rng.random((trials, 12)) < 0.82)
    late_t = (early & (rng.random((trials, 12)) < stay)).sum(axis=1)
    late_c = (switched & (rng.random((trials, 12)) < again) & (rng.random((trials, 12)) < stay)).sum(axis=1)
    found = result.of("uncertain")
    for name, simulated in (
        ("enough_switched", switched.sum(axis=1) >= 8),
        ("late_success", result.regions.success.grid[late_t, late_c]),
    ):
        exact = found.metric(name).estimate.value
        assert float(simulated.mean()) == pytest.approx(exact, abs=monte_carlo(exact, trials))


def test_what_is_assumed_is_said(result: Evaluation) -> None:
    """Open label, independence of reasons to stop and response, and the uncertain shares are remarks of the run."""
    notes = " ".join(result.notes)
    assert "nothing is compared with placebo" in notes
    assert "reasons to stop act on responders and non-responders alike" in notes
    assert "Dirichlet(2.33, 2.33, 2.33, 17)" in notes
    used = counts_trial(read_scenario(FILE), "run")
    assert "Beta(10, 2): response to anakinra after the switch" in run_text(result, used)
