"""Scenarios with adaptive allocation: what a run tells, and why bad files are refused."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import pytest
from tests.building import points, posterior
from tests.tolerances import monte_carlo
from tests.trials_building import resolved_trial as resolved

from anatrial.domain.counts import Look
from anatrial.domain.tally import SimulationSettings
from anatrial.domain.trial import Findings
from anatrial.engine.course import paired
from anatrial.engine.simulation import simulated
from anatrial.errors import Fault, InputError
from anatrial.plan import response_adaptive
from anatrial.plan.ports import SILENT

DESIGN = """
[design]
kind = "response_adaptive"
n = 40
doses = ["anakinra"]
burn_in = 10
block = 5
"""
RULE = """
[rule]
kind = "posterior"
certainty = 0.95
analysis_prior = { control = { a = 1, b = 1 }, doses = { anakinra = { a = 1, b = 1 } } }
"""
TRUTHS = """
[truths.expected]
kind = "points"
rates = { control = 0.2, doses = { anakinra = 0.6 } }

[truths.no-effect]
kind = "no_effect"
rates = [0.2, 0.5]
why = "a test"

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.5
"""
FISHER = '[rule]\nkind = "fisher"\nalpha = 0.05\n'
THREE = DESIGN.replace('["anakinra"]', '["low", "high"]').replace("n = 40", "n = 45")


def findings(body: str, trials: int = 20_000) -> Findings:
    return response_adaptive.findings(resolved(body), SimulationSettings(trials, 3), SILENT)


def test_equal_arms_have_the_exact_power_of_a_trial_that_does_not_adapt() -> None:
    """The column of equal arms is the posterior rule with 20 + 20, whose power is summed exactly."""
    found = findings(DESIGN + RULE + TRUTHS)
    table = next(table for table in found.tables if table.name == "adaptive_expected")
    power = dict(zip(table.column("number"), table.column("equal"), strict=True))["power"]
    rule = posterior([[1, 1, 1]], [[1, 1, 1]], 0.95)
    exact = float(paired(rule.regions((Look(20, 20),))[0].success, points(0.6, 0.2).law(Look(20, 20)))[0])
    assert not isinstance(power, str | int | float | None)
    assert abs(power.value - exact) <= monte_carlo(exact, 20_000)


def test_a_run_tells_the_worst_stated_rate_and_everything_with_its_error() -> None:
    """The type I error is the largest of those at the stated rates; no number claims to be exact."""
    found = findings(DESIGN + RULE + TRUTHS, 2_000)
    assert not found.exact
    error = next(one for one in found.characteristics if one.truth == "no-effect").metric("type_i_error")
    table = next(table for table in found.tables if table.name == "error_no_effect")
    errors = {rate: cell.value for rate, cell in zip(table.column("rate"), table.column("error"), strict=True)}  # type: ignore[union-attr]
    assert error.estimate.value == max(errors.values()) == errors[error.at]
    assert all(m.estimate.mcse is not None for one in found.characteristics for m in one.metrics)


def test_quantiles_of_the_best_arm_rise_and_lie_between_burn_in_and_all() -> None:
    """Of 40 patients with 10 in each arm first, the best arm has 10 to 30."""
    table = next(t for t in findings(DESIGN + RULE + TRUTHS, 2_000).tables if t.name == "imbalance_expected")
    patients: list[Any] = list(table.column("patients"))
    assert patients == sorted(patients)
    assert 10 <= patients[0] <= patients[-1] <= 30


def test_the_block_travels_to_other_processes_and_repeats_itself() -> None:
    """It can be pickled, and equal seeds give equal tallies; a worker's answer is that of no worker."""
    plan = resolved(DESIGN + RULE + TRUTHS).resolved
    block = response_adaptive.block(plan, "no-effect")
    settings = SimulationSettings(500, 3)
    assert simulated(pickle.loads(pickle.dumps(block)), settings) == simulated(block, settings)  # noqa: S301


def test_fisher_and_two_doses_are_warned_about_and_called_familywise() -> None:
    """With two doses an error is familywise; Fisher's test comes with its warning."""
    truths = TRUTHS.replace("{ anakinra = 0.6 }", "{ low = 0.4, high = 0.6 }")
    found = findings(THREE + FISHER + truths, 500)
    assert found.notes[0].startswith(
        "Fisher's test reads the final table as if allocation had not followed the results"
    )
    assert found.characteristics[1].metric("familywise_error").estimate.value < Fraction(1, 2)


EARLY = RULE.replace("certainty = 0.95", "certainty = 0.95\nearly_certainty = 0.9")
BAD = {
    "block": (
        (DESIGN.replace("block = 5", "block = 6"), RULE, TRUTHS),
        ("design.block", "20 patients after the burn-in, in blocks of 6", "a block that divides them", "n = 38 or 44"),
    ),
    "burn-in": (
        (DESIGN.replace("burn_in = 10", "burn_in = 20"), RULE, TRUTHS),
        (
            "design.burn_in",
            "20 patients in each of 2 arms, 40 in all",
            "fewer than n (40), so that something is left to adapt",
        ),
    ),
    "memory": (
        (DESIGN.replace("n = 40", "n = 1000"), RULE, TRUTHS),
        (
            "design.n",
            "1000 patients, whose tables of posteriors take 4.5 GB",
            "at most 0.6 GB: 449 patients with these priors and this burn_in",
        ),
    ),
    "no dose": (
        (DESIGN.replace('["anakinra"]', "[]"), RULE, TRUTHS),
        ("design.doses", "[]", "at least 1 of them"),
    ),
    "share": (
        (DESIGN + "min_share = 0.6\n", RULE, TRUTHS),
        ("design.min_share", "0.6 for each of 2 arms", "at most 1/2"),
    ),
    "drop": (
        (DESIGN + "drop_below = 0.1\n", RULE, TRUTHS),
        ("design.drop_below", "0.1", "two doses: dropping the only one would end the trial", "remove it"),
    ),
    "unknown dose": (
        (DESIGN, RULE.replace("{ anakinra =", "{ anakindra ="), TRUTHS),
        ("rule.analysis_prior.doses", "'anakindra'", "a dose of the design", "did you mean 'anakinra'?"),
    ),
    "early": (
        (DESIGN, EARLY, TRUTHS),
        ("rule.early_certainty", "0.9", "at least the certainty at the end (0.95)"),
    ),
    "nothing works": (
        (DESIGN, RULE, TRUTHS.replace("0.6", "0.2")),
        (
            "truths.expected.rates",
            "no dose that works",
            "a dose that is better than the control",
            'use kind = "no_effect"',
        ),
    ),
    "fixed n": (
        (DESIGN, RULE, TRUTHS.replace('"power"', '"expected_n"')),
        ("targets 1, metric", "expected_n", "a rule with early_certainty: otherwise every patient is recruited"),
    ),
    "familywise of one dose": (
        (DESIGN, RULE, TRUTHS.replace('"power"\ntruth = "expected"', '"familywise_error"\ntruth = "no-effect"')),
        ("targets 1, metric", "familywise_error", "type_i_error: the design has 1 dose"),
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files_are_told_where_what_and_how_to_mend_it(name: str) -> None:
    """The message names the place, what was found, what is expected and how to mend it."""
    parts, (where, *told) = BAD[name]
    with pytest.raises(InputError) as raised:
        resolved("".join(parts))
    assert Fault(f"made-up.toml: {where}", *told) in raised.value.faults
