"""Sequential trials with stops for safety: against trials drawn patient by patient, and through the whole program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tolerances import monte_carlo

from anatrial import evaluate, read_scenario
from anatrial.documents.scenario import ResolvedScenario
from anatrial.domain.counts import Look
from anatrial.domain.results import Evaluation
from anatrial.errors import InputError
from anatrial.truths.points import Points

ROOT = Path(__file__).parents[2] / "scenarios"
TRIALS = 20_000


def evaluated(name: str | Path) -> tuple[ResolvedScenario, Evaluation]:
    """A scenario of a counts trial and its evaluation."""
    used = read_scenario(name)
    result = evaluate(used)
    assert isinstance(used, ResolvedScenario)
    assert isinstance(result, Evaluation)
    return used, result


@pytest.mark.parametrize(
    ("name", "truth"), [("sjia-safety", "expected"), ("sjia-safety", "harmful"), ("as-safety", "dangerous")]
)
def test_drawn_trials_agree_with_the_exact_numbers(name: str, truth: str) -> None:
    """Success without a stop for safety, stops, and patients, of trials drawn patient by patient."""
    used, result = evaluated(ROOT / f"{name}.toml")
    plan, found = used.resolved, result.of(truth)
    looks, safety, rates = plan.design.looks(), plan.safety, plan.truths[truth]
    assert safety is not None
    assert isinstance(rates, Points)
    rng = np.random.default_rng(7)
    last = looks[-1]
    responds = [
        np.cumsum(rng.random((TRIALS, n)) < rate, axis=1) for n, rate in zip(last, rates.trial_rates(), strict=True)
    ]
    stop_at = np.full(TRIALS, 10**6)
    for event in safety.events:
        events = np.cumsum(rng.random((TRIALS, last.n_t)) < safety.rates[truth][event.name].treatment, axis=1)
        for patients, least in event.bounds(looks):
            stop_at = np.minimum(stop_at, np.where(events[:, patients - 1] >= least, patients, 10**6))
    ended, won, patients_used = np.zeros(TRIALS, bool), np.zeros(TRIALS, bool), np.zeros(TRIALS)
    stopped = np.zeros(TRIALS, bool)
    before = Look(0, 0)
    for look, regions in zip(looks, plan.rule.regions(looks), strict=True):
        safe_stop = ~ended & (stop_at <= look.n_t)
        share = (stop_at - before.n_t) / (look.n_t - before.n_t)
        total = stop_at + before.n_c + share * (look.n_c - before.n_c)
        patients_used = np.where(safe_stop, total, patients_used)
        stopped |= safe_stop
        ended |= safe_stop
        x_t, x_c = (x[:, n - 1] if n else np.zeros(TRIALS, int) for x, n in zip(responds, look, strict=True))
        success, decided = regions.success.grid[x_t, x_c], regions.success.grid | regions.harm.grid
        if regions.futility is not None:
            decided = decided | regions.futility.grid
        ends = ~ended & (decided[x_t, x_c] | (look == last))
        won |= ends & success
        patients_used = np.where(ends, sum(look), patients_used)
        ended |= ends
        before = look
    for metric, drawn in (("safe_success", won), ("safety_stop", stopped)):
        exact = found.metric(metric).estimate.value
        assert drawn.mean() == pytest.approx(exact, abs=monte_carlo(exact, TRIALS))
    error = patients_used.std() / TRIALS**0.5
    exact = found.metric("expected_n_with_safety").estimate.value
    assert patients_used.mean() == pytest.approx(exact, abs=4 * error)


def test_the_tables_say_boundary_rates_and_events(tmp_path: Path) -> None:
    """The run tells efficacy and safety together, each boundary in steps, and whether an event is seen."""
    del tmp_path
    _, result = evaluated(ROOT / "sjia-safety.toml")
    names = [table.name for table in result.tables]
    assert names[:4] == ["safety", "safety_macrophage_activation", "safety_bacterial_infection", "events_seen"]
    infections = result.tables[2]
    assert infections.column("patients") == ("3-10", "11-20", "21-30")
    assert infections.column("events") == (3, 4, 5)
    assert result.tables[3].column("patients") == (59, 8, 32, 8238, 69, 69, 69)


def test_measured_endpoints_stand_in_a_table() -> None:
    """One row per secondary endpoint, the difference to find with the sign that is expected."""
    _, result = evaluated(ROOT / "as-safety.toml")
    table = next(found for found in result.tables if found.name == "secondary")
    assert [len(table.rows), *table.column("n_t")] == [2, 42, 40]
    assert all(isinstance(cell, float) and cell < 0 for cell in table.column("detectable"))


def test_a_named_prior_that_always_stops_is_refused(tmp_path: Path) -> None:
    """What a boundary does under a prior that is looked up is told once the prior is known."""
    old = "prior = { mean = 0.10, effective_n = 2 }"
    text = (ROOT / "sjia-safety.toml").read_text()
    assert old in text
    file = tmp_path / "trial.toml"
    file.write_text(text.replace(old, 'prior = { prior = "anakinra-first-line-complete-response" }'))
    with pytest.raises(InputError) as found:
        evaluated(file)
    assert [str(fault) for fault in found.value.faults] == [
        (
            "trial: safety.events 1, stop\n"
            "  got       0 of 1 stops the trial (P(rate > 0.15 | data) > 0.9)\n"
            "  expected  a boundary that asks for events\n"
            "  fix       a higher certainty or limit, or another prior"
        )
    ]
