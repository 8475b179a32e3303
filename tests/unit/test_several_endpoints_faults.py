"""Faults once found in trials with several endpoints: odd but legal rates, priors and effects."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.building import HEAD, indication
from tests.tolerances import ROUNDING, monte_carlo

from anatrial.documents.trial_scenario import ResolvedTrial
from anatrial.documents.trials import examine_scenario, parse_any
from anatrial.domain.results import Estimate
from anatrial.domain.tally import SimulationSettings
from anatrial.engine import several_endpoints as engine
from anatrial.engine.several_endpoints import worst_of
from anatrial.engine.simulation import simulated
from anatrial.numerics import dependence
from anatrial.plan import several_endpoints as plan
from anatrial.plan.ports import SILENT

ONE_ARM = """
[design]
kind = "several_endpoints"
n = { treatment = 3 }
structure = "components"
components = ["pain", "fever"]
endpoints = ["pain", "fever"]
[rule]
kind = "holm"
[rule.tests]
pain = { kind = "exact_binomial", alpha = 0.05, null_rate = 0.5 }
fever = { kind = "exact_binomial", alpha = 0.05, null_rate = 0.2 }
"""
NO_EFFECT = """
[truths.idle]
kind = "no_effect"
why = "a test"
rates = { pain = 0.1, fever = 0.1 }
effect = { pain = 0.9, fever = 0.9 }
dependence = "independent"
[[targets]]
metric = "familywise_error"
truth = "idle"
at_most = 0.05
"""
UNKNOWN = """
[truths.unknown]
kind = "dirichlet"
counts.treatment = { cells = {}, prior_weight = 0.000001 }
[[targets]]
metric = "assurance"
truth = "unknown"
at_least = 0.5
"""


def used(body: str) -> ResolvedTrial[Any]:
    """A scenario that names no prior."""
    scenario = parse_any(HEAD + body, "made-up.toml")
    return ResolvedTrial("made-up", scenario, scenario, (), indication(), "nowhere")


def faults(body: str) -> list[tuple[str, str, str]]:
    """Where, got and expected of each fault."""
    return [(f.where.removeprefix("f.toml: "), f.got, f.expected) for f in examine_scenario(HEAD + body, "f.toml")[1]]


@pytest.mark.parametrize(("odds_ratio", "rates"), [(1e4, (0.5,) * 3), (1e4, (0.1, 0.1, 0.1, 0.9)), (1e-4, (0.5,) * 4)])
def test_strong_dependence_has_its_law(odds_ratio: float, rates: tuple[float, ...]) -> None:
    """The strongest odds ratios that a file may state meet their margins, and hold in a fourfold table."""
    shares = dependence.associated(np.array(rates), odds_ratio)
    assert dependence.margins(shares) == pytest.approx(rates, abs=ROUNDING)
    table = shares.reshape(2, 2, -1)[:, :, 0]
    assert table[1, 1] * table[0, 0] / (table[0, 1] * table[1, 0]) == pytest.approx(odds_ratio, rel=1e-9)


def test_components_that_all_or_none_meet_leave_the_others_their_odds_ratio() -> None:
    """Rates 0 and 1 stand aside: rates 0.5 and 0.5 with odds ratio 9 are Plackett's table beside them."""
    shares = dependence.associated(np.array([0.5, 1.0, 0.5, 0.0]), 9.0)
    assert shares[:, 1, :, 0] == pytest.approx(np.array([[3, 1], [1, 3]]) / 8, rel=1e-12)
    assert shares.sum() == pytest.approx(1, rel=ROUNDING)


def test_a_correlation_must_be_possible_wherever_the_effect_is_missing() -> None:
    """0.6 fits rates 0.1 and 0.1, and 0.9 and 0.9, but of 0.9 and 0.1 the correlation is at most 1/9."""
    found = faults(ONE_ARM + NO_EFFECT.replace('"independent"', "{ correlation = 0.6 }"))
    expected = "a correlation that leaves no share of patients below 0 at these rates"
    assert found == [
        ("truths.idle.effect", f"correlation 0.6 where {part} has no effect", expected) for part in ("fever", "pain")
    ]


def test_an_effect_lies_above_the_rate_to_beat() -> None:
    """0.4 is more than 0.1, but pain at 0.4 does not beat 0.5: the row of an idle fever would count it as working."""
    expected = "rates at which a success is no error: above the benchmark, or beyond the margin"
    found = faults(ONE_ARM + NO_EFFECT.replace("pain = 0.9", "pain = 0.4"))
    assert found == [("truths.idle.effect", "pain at 0.4", expected)]


def test_an_error_never_passes_its_proven_bound() -> None:
    """Rounding of an exact error lifts the bound; draws above the bound are chance, and the bound holds."""
    assert worst_of((Estimate(0.2, 0.2, 0.2),), 0.2 - 1e-16) == (0.2, 0.2, 0.2, None, None)
    assert worst_of((Estimate(0.03, 0.02, 0.04, 0.001, 9),), 0.025) == (0.025, 0.02, 0.025, 0.001, 9)


def test_a_test_that_never_succeeds_has_chance_zero() -> None:
    """3 of 3 at a rate to beat of 0.5 is p = 1/8: pain alone has chance 0, not one below it."""
    body = ONE_ARM + NO_EFFECT.replace('kind = "no_effect"\nwhy = "a test"\nrates', 'kind = "points"\nrates.treatment')
    body = body.replace("effect = { pain = 0.9, fever = 0.9 }\n", "").replace("familywise_error", "power")
    for rate in np.linspace(0, 1, 21):
        trial = used(body.replace("pain = 0.1", f"pain = {rate:.2f}")).resolved
        chances = engine.of_shares(
            trial.design, engine.judged(trial.design, trial.rule), trial.truths["idle"].arms(trial.design.layout)
        )
        assert chances.alone[0] == 0.0
        assert chances.alone[1] == pytest.approx(1e-3, rel=1e-11)


def test_knowing_next_to_nothing_is_a_toss_between_the_cells() -> None:
    """A Dirichlet law of nearly no weight has all patients in one of four cells: 2 of them are 3 of 3 without fever."""
    trial = used(ONE_ARM + UNKNOWN)
    exact = plan.findings(trial, SimulationSettings(1, 1), SILENT).characteristics[0]
    assert exact.metric("assurance").estimate.value == pytest.approx(float(Fraction(1, 2)), abs=1e-5)
    drawn = simulated(plan.block(trial.resolved, "unknown"), SimulationSettings(4_000, 1)).metrics()
    assert drawn[0].estimate.value == pytest.approx(0.5, abs=monte_carlo(0.5, 4_000))


def test_a_prior_of_no_weight_is_refused() -> None:
    """A weight too small for a number is told, and nothing is computed from it."""
    found = faults(ONE_ARM + UNKNOWN.replace("0.000001", "1e-300"))
    where = "truths.unknown.counts.treatment.prior_weight"
    assert found == [(where, "1e-300", "greater than or equal to 0.000001")]
