"""Faults that were found in trials of several arms: each was a wrong number, or a file that was half checked."""

from __future__ import annotations

import numpy as np
import pytest
from tests.several_arms import fisher_p
from tests.tolerances import monte_carlo
from tests.trials_building import resolved_trial as resolved

from anatrial.domain.tally import SimulationSettings
from anatrial.engine.response_adaptive import Adaptive, outcomes, simulate
from anatrial.engine.simulation import simulated
from anatrial.errors import Fault, InputError
from anatrial.plan import response_adaptive, several_arms
from anatrial.plan.ports import SILENT
from anatrial.plan.trials import evaluate_trial
from anatrial.report.simulate_text import simulate_text
from anatrial.report.trial_text import trial_text
from anatrial.rng import stream

ALL_ARMS = """
[design]
kind = "several_arms"
control = 60
doses = [{ name = "a", n = 60 }, { name = "b", n = 60 }, { name = "c", n = 60 }]

[rule]
kind = "dunnett"
alpha = 0.025
statistic = "z_all_arms"
critical = "normal"

[truths.strong]
kind = "no_effect"
control = { from = 0.1, to = 0.4 }
strong = true
why = "a test"

[[targets]]
metric = "familywise_error"
truth = "strong"
at_most = 0.025
"""


def test_a_simulated_strong_error_tries_doses_that_shrink_the_variance() -> None:
    """Two doses without any responder shrink the variance of all arms: dose a at the control's 0.1 errs in 4.4 %."""
    used = resolved(ALL_ARMS)
    decisions = used.resolved.rule.decisions(used.resolved.design.sizes())
    counts = np.random.default_rng(3).binomial(60, [0.1, 0.1, 0.0, 0.0], size=(40_000, 4))
    alone = float(decisions.of(counts)[:, 0].mean())
    found = several_arms.findings(used, SimulationSettings(4_000, 1), SILENT)
    (error,) = found.characteristics[0].metrics
    assert error.estimate.value >= alone - monte_carlo(alone, 4_000)
    assert error.estimate.lower > 0.03
    assert found.notes[-1] == (
        "The familywise error is the largest found at up to 9 control rates, with doses that work at rate 0 or 1: "
        "elsewhere nothing is proven."
    )


def test_the_simulator_runs_where_a_simulated_strong_error_is_large() -> None:
    """``anatrial simulate`` tells the error of the worst assumption, not that of no dose working at all."""
    trial = several_arms.block(resolved(ALL_ARMS).resolved, "strong")
    (metric,) = simulated(trial, SimulationSettings(20_000, 5)).metrics()
    assert metric.estimate.value > 0.04


TWO = """
[design]
kind = "several_arms"
control = 12
doses = [{ name = "low", n = 10 }, { name = "high", n = 14 }]

[rule]
kind = "dunnett"
alpha = 0.1

[truths.n]
kind = "points"
rates = { control = 0.2, doses = { low = 0.2, high = 0.7 } }

[truths.one-works]
kind = "no_effect"
control = { from = 0.1, to = 0.5 }
effective = { high = 0.7 }
why = "a test"

[[targets]]
metric = "power_dose_2"
truth = "n"
at_least = 0.5
"""
ADAPTIVE = """
[design]
kind = "response_adaptive"
n = 30
doses = ["low", "high"]
burn_in = 4
block = 6

[rule]
kind = "posterior"
certainty = 0.9
early_certainty = 0.97
analysis_prior = { control = { a = 1, b = 1 }, doses = { low = { a = 1, b = 1 }, high = { a = 1, b = 1 } } }

[truths.one-works]
kind = "points"
rates = { control = 0.4, doses = { low = 0.4, high = 0.6 } }

[truths.no-effect]
kind = "no_effect"
rates = [0.02, 0.5]
why = "a test"

[[targets]]
metric = "familywise_error"
truth = "one-works"
at_most = 0.5
"""
BAD = {
    "works, yet no better": (
        TWO.replace("effective = { high = 0.7 }", "effective = { high = 0.45 }"),
        ("truths.one-works.effective", "high 0.45", "more than 0.5, the highest rate without effect"),
    ),
    "dose called as the control": (
        TWO.replace('"low"', '"placebo"').replace("low =", "placebo ="),
        ("design.doses 1, name", "'placebo'", "another name than that of the control"),
    ),
    "adaptive dose called as the control": (
        ADAPTIVE.replace('"low"', '"placebo"').replace("low =", "placebo ="),
        ("design.doses", "'placebo'", "another name than that of the control"),
    ),
    "no error there": (
        ADAPTIVE.replace("low = 0.4", "low = 0.5"),
        (
            "targets 1, truth",
            "'one-works', where every dose works",
            "a truth with a dose that is no better than the control",
            "ask for power",
        ),
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files_are_told_where_what_and_how_to_mend_it(name: str) -> None:
    """The message names the place, what was found, what is expected and how to mend it."""
    body, (where, *told) = BAD[name]
    with pytest.raises(InputError) as raised:
        resolved(body)
    assert Fault(f"made-up.toml: {where}", *told) in raised.value.faults


def test_no_column_hides_another_whatever_a_truth_is_called() -> None:
    """A truth called n has a key of its own beside the number of patients."""
    found = several_arms.findings(resolved(TWO), SimulationSettings(100, 1), SILENT)
    for table in found.tables:
        keys = [column.key for column in table.columns]
        assert len(set(keys)) == len(keys)


def test_people_read_the_names_of_doses() -> None:
    """The power of a dose is told by its name, in a run and by the simulator."""
    used = resolved(TWO)
    said = trial_text(evaluate_trial(used), used)
    flowing = " ".join(said.split())
    assert "PASS  power of high  " in said
    assert "power of high: " in flowing.lower()
    assert "dose 2" not in said
    from anatrial.plan.simulate import simulate as run

    assert "power of high" in simulate_text(run(used, SimulationSettings(100, 1)), used)


def test_a_dose_without_effect_beside_one_that_works_counts_its_errors() -> None:
    """Its successes are the familywise error of that truth; of a dose that works they are not."""
    plan = resolved(ADAPTIVE).resolved
    trial = Adaptive(plan.design, plan.rule, (0.4, 0.4, 0.6))
    tally = dict(simulate(trial, stream(1, "a test"), 2_000).sums)
    low = outcomes(trial, stream(1, "a test"), 2_000).success[:, 0]
    assert tally["familywise_error"].total == tally["power_dose_1"].total == low.sum()


def test_error_and_patients_without_effect_are_each_the_largest_of_the_stated_rates() -> None:
    """Where hardly anyone responds nothing is found early: most patients at 0.02, the largest error at 0.5."""
    found = response_adaptive.findings(resolved(ADAPTIVE), SimulationSettings(2_000, 3), SILENT)
    characteristics = next(one for one in found.characteristics if one.truth == "no-effect")
    assert characteristics.metric("familywise_error").at == 0.5
    assert characteristics.metric("expected_n").at == 0.02
    table = next(table for table in found.tables if table.name == "error_no_effect")
    patients = [cell.value for cell in table.column("expected_n")]  # type: ignore[union-attr]
    assert characteristics.metric("expected_n").estimate.value == max(patients)


def test_fisher_on_a_tie_with_alpha_succeeds_after_any_allocation() -> None:
    """3 of 3 v 0 of 7 has p = 1/120: at that alpha the dose succeeds, at a millionth less it does not."""
    from anatrial.engine.response_adaptive import fisher_succeeds

    n, x = np.array([[3, 7], [3, 7], [5, 5]]), np.array([[3, 0], [2, 0], [5, 0]])
    assert fisher_p(3, 3, 0, 7) * 120 == 1
    assert fisher_succeeds(n, x, 1 / 120).tolist() == [True, False, True]
    assert fisher_succeeds(n, x, 1 / 120 * (1 - 1e-6)).tolist() == [False, False, True]
    assert fisher_succeeds(n, x, 1e-12).tolist() == [False, False, False]


def test_a_dose_without_a_rate_is_told_though_a_target_asks_for_errors_there() -> None:
    """A truth that names another dose than the design, with a target on its familywise error: a fault, no crash."""
    text = ALL_ARMS.replace(
        "[truths.strong]",
        """[truths.planned]
kind = "points"
rates = { control = 0.1, doses = { a = 0.3, b = 0.1, d = 0.1 } }

[truths.strong]""",
    ).replace('truth = "strong"', 'truth = "planned"')
    with pytest.raises(InputError) as error:
        resolved(text)
    assert any("truths.planned.rates.doses" in fault.where for fault in error.value.faults)
