"""Scenarios of several doses: exact agrees with simulated, large ones are simulated, and bad files are told why."""

from __future__ import annotations

import pytest
from tests.tolerances import ROUNDING, monte_carlo
from tests.trials_building import resolved_trial as resolved

from anatrial.domain.tally import SimulationSettings
from anatrial.engine.simulation import simulated
from anatrial.errors import Fault, InputError
from anatrial.plan import several_arms
from anatrial.plan.ports import SILENT

DESIGN = """
[design]
kind = "several_arms"
control = 12
doses = [{ name = "low", n = 10 }, { name = "high", n = 14 }]
"""
TRUTHS = """
[truths.expected]
kind = "points"
rates = { control = 0.2, doses = { low = 0.2, high = 0.7 } }

[truths.uncertain]
kind = "design_prior"
control = { a = 2, b = 6 }
doses = { low = { a = 3, b = 4 }, high = { a = 4, b = 3 } }

[truths.no-effect]
kind = "no_effect"
control = { from = 0.1, to = 0.5 }
why = "a test"

[truths.strong]
kind = "no_effect"
control = { from = 0.1, to = 0.5 }
strong = true
why = "a test"

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.5
"""
RULES = {
    "dunnett": '[rule]\nkind = "dunnett"\nalpha = 0.1\n',
    "all-arms": '[rule]\nkind = "dunnett"\nalpha = 0.1\nstatistic = "z_all_arms"\ncritical = "normal"\n',
    "closed": '[rule]\nkind = "closed_testing"\ntest = { kind = "z_pooled", alpha = 0.1 }\ntogether = "dunnett"\n',
    "pooled": '[rule]\nkind = "closed_testing"\ntest = { kind = "chi_square", alpha = 0.1 }\ntogether = "pooled"\n',
    "order": '[rule]\nkind = "hierarchical"\norder = ["high", "low"]\ntest = { kind = "fisher_midp", alpha = 0.1 }\n',
    "posterior": """
[rule]
kind = "posterior"
certainty = 0.9
margin = 0.05
analysis_prior = { control = { a = 1, b = 1 }, doses = { low = { a = 1, b = 1 }, high = { a = 2, b = 2 } } }
""",
}
DRAWS = 50_000


@pytest.mark.parametrize("rule", list(RULES))
def test_simulated_trials_tally_what_is_summed(rule: str) -> None:
    """Every number of every truth lies within four standard errors of the simulated one, at the worst rate too."""
    used = resolved(DESIGN + RULES[rule] + TRUTHS)
    found = several_arms.findings(used, SimulationSettings(100, 1), SILENT)
    assert found.exact
    for truth in used.resolved.truths:
        exact = next(one for one in found.characteristics if one.truth == truth)
        drawn = simulated(several_arms.block(used.resolved, truth), SimulationSettings(DRAWS, 5))
        metrics = {metric.name: metric.estimate for metric in drawn.metrics()}
        assert set(metrics) == {metric.name for metric in exact.metrics}
        for name, estimate in metrics.items():
            wanted = exact.metric(name).estimate.value
            assert abs(estimate.value - wanted) <= monte_carlo(wanted, DRAWS), (truth, name)


def test_the_dunnett_rule_holds_its_level_strongly() -> None:
    """The exact critical value keeps the error at most alpha whichever doses work."""
    found = several_arms.findings(resolved(DESIGN + RULES["dunnett"] + TRUTHS), SimulationSettings(100, 1), SILENT)
    error = {one.truth: one for one in found.characteristics}["strong"].metric("familywise_error").estimate
    assert error.value <= error.upper <= 0.1


def test_stepping_down_finds_as_often_some_dose_and_more_often_each() -> None:
    """Closed testing by Dunnett's normal critical values is the step-down form of his test: never less power."""
    rules = (
        '[rule]\nkind = "dunnett"\nalpha = 0.1\ncritical = "normal"\n',
        '[rule]\nkind = "closed_testing"\ntest = { kind = "chi_square", alpha = 0.1 }\ntogether = "dunnett"\n',
    )
    runs = (several_arms.findings(resolved(DESIGN + r + TRUTHS), SimulationSettings(100, 1), SILENT) for r in rules)
    single, closed = (
        {m.name: m.estimate.value for m in found.characteristics[0].metrics if m.name.startswith("power")}
        for found in runs
    )
    assert closed["power"] == pytest.approx(single["power"], abs=ROUNDING)
    assert all(closed[f"power_dose_{d}"] > single[f"power_dose_{d}"] for d in (1, 2))


def test_what_cannot_be_summed_is_simulated_and_says_so() -> None:
    """Three doses with the variance of all arms do not factor: numbers carry their error, and the run says why."""
    design = DESIGN.replace("doses = [", 'doses = [{ name = "least", n = 9 }, ')
    truths = TRUTHS.replace("low = 0.2", "least = 0.2, low = 0.2").replace(
        "low = { a", "least = { a = 1, b = 1 }, low = { a"
    )
    found = several_arms.findings(resolved(design + RULES["all-arms"] + truths), SimulationSettings(2_000, 1), SILENT)
    assert not found.exact
    assert "Too many patients or doses for exact sums with this rule: simulated." in found.notes
    assert all(metric.estimate.draws == 2_000 for one in found.characteristics for metric in one.metrics)


BAD = {
    "one dose": (
        (DESIGN.replace(', { name = "high", n = 14 }', ""), RULES["dunnett"], TRUTHS),
        ("design.doses", '[{"name": "low", "n": 10}]', "at least 2 of them"),
    ),
    "same name": (
        (DESIGN.replace('"high"', '"low"'), RULES["dunnett"], TRUTHS),
        ("design.doses 2, name", "'low'", "a name that no other dose has"),
    ),
    "unknown dose": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace("low = 0.2, high", "lou = 0.2, high")),
        ("truths.expected.rates.doses", "'lou'", "a dose of the design", "did you mean 'low'?"),
    ),
    "dose without a rate": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace("low = 0.2, high", "high")),
        ("truths.expected.rates.doses", "nothing for low", "every dose of the design (low, high)"),
    ),
    "order with a stranger": (
        (DESIGN, RULES["order"].replace('"low"', '"middle"'), TRUTHS),
        ("rule.order", "'middle'", "a dose of the design", "valid: high, low"),
    ),
    "two-sided test": (
        (DESIGN, RULES["closed"].replace("alpha =", "alpha_two_sided ="), TRUTHS),
        ("rule.test.alpha_two_sided", "0.1", "alpha, one-sided", "alpha = 0.05"),
    ),
    "exact with the variance of all arms": (
        (DESIGN, RULES["all-arms"].replace('"normal"', '"exact"'), TRUTHS),
        (
            "rule.critical",
            "'exact' with the variance of all arms",
            'critical = "normal", or a statistic of one dose and the control (z, fisher)',
        ),
    ),
    "every dose works": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace("strong = true", "effective = { low = 0.5, high = 0.5 }")),
        ("truths.strong.effective", "every dose", "at least one dose without effect", "leave one out"),
    ),
    "strong and stated": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace("strong = true", "strong = true\neffective = { low = 0.5 }")),
        (
            "truths.strong.strong",
            "strong, and rates of doses that work",
            "one of them",
            "strong = true takes the worst rates of all doses",
        ),
    ),
    "margin beyond 1": (
        (DESIGN, RULES["posterior"].replace("0.05", "0.6"), TRUTHS),
        (
            "truths.no-effect.control",
            "0.7 to 1.1 for doses without effect (control rate + margin 0.6)",
            "rates from 0 to 1",
        ),
    ),
    "third dose of two": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace('metric = "power"', 'metric = "power_dose_3"')),
        ("targets 1, metric", "power_dose_3", "one of the 2 doses of the design"),
    ),
    "no error there": (
        (DESIGN, RULES["dunnett"], TRUTHS.replace("low = 0.2", "low = 0.3").replace('"power"', '"familywise_error"')),
        (
            "targets 1, truth",
            "'expected', where every dose works",
            "a truth with a dose that is no better than the control",
            "ask for power",
        ),
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files_are_told_where_what_and_how_to_mend_it(name: str) -> None:
    """The message names the place, what was found, what is expected and how to mend it."""
    parts, (where, *told) = BAD[name]
    with pytest.raises(InputError) as raised:
        resolved("".join(parts))
    assert Fault(f"made-up.toml: {where}", *told) in raised.value.faults
