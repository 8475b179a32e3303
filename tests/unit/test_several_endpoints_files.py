"""What a file says of several endpoints: dependence of components, bad input in its own words, and whole runs."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tolerances import ROUNDING

import anatrial
from anatrial.documents.several_endpoints import SeveralEndpointsScenario
from anatrial.documents.trials import examine_scenario, parse_any
from anatrial.domain.tally import SimulationSettings
from anatrial.engine.simulation import simulated
from anatrial.numerics import dependence
from anatrial.plan import several_endpoints as plan
from anatrial.plan.ports import SILENT
from anatrial.truths.endpoint_cells import CellCounts

SCENARIOS = Path(__file__).parents[2] / "scenarios"
RATES = np.array([0.7, 0.4, 0.25])


def test_independent_and_comonotone_shares_by_hand() -> None:
    """Independent: products of rates. As alike as can be: 0.25 meet all, 0.15 the first two, 0.3 only the first."""
    apart, alike = dependence.independent(RATES), dependence.comonotone(RATES)
    assert apart[1, 0, 1] == pytest.approx(0.7 * 0.6 * 0.25, rel=ROUNDING)
    assert {c: alike[c] for c in ((1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 0))} == pytest.approx(
        {(1, 1, 1): 0.25, (1, 1, 0): 0.15, (1, 0, 0): 0.3, (0, 0, 0): 0.3}, rel=1e-9
    )
    for shares in (apart, alike):
        assert dependence.margins(shares) == pytest.approx(RATES, rel=ROUNDING)
        assert shares.sum() == pytest.approx(1, rel=ROUNDING)


def test_two_components_with_an_odds_ratio_are_placketts_table() -> None:
    """Rates 0.5 and 0.5 with odds ratio 9: p / (0.5 - p) = 3, so 3/8 meet both."""
    assert dependence.associated(np.array([0.5, 0.5]), 9.0) == pytest.approx(np.array([[3, 1], [1, 3]]) / 8, rel=1e-12)


@pytest.mark.parametrize("odds_ratio", [0.2, 1.0, 5.0, 200.0])
def test_odds_ratios_hold_given_the_other_components(odds_ratio: float) -> None:
    """Margins are met, and every fourfold table of two components, the others held, has the stated odds ratio."""
    shares = dependence.associated(np.array([0.9, 0.5, 0.15, 0.3]), odds_ratio)
    assert dependence.margins(shares) == pytest.approx([0.9, 0.5, 0.15, 0.3], rel=1e-11)
    for i, j in ((0, 1), (0, 2), (2, 3)):
        table = np.moveaxis(shares, (i, j), (0, 1))
        assert table[1, 1] * table[0, 0] / (table[0, 1] * table[1, 0]) == pytest.approx(odds_ratio, rel=1e-8)


def test_correlation_holds_for_every_pair() -> None:
    """Every two components have the stated correlation, computed from the shares by its definition."""
    shares = dependence.correlated(RATES, 0.3)
    assert not dependence.infeasible(shares)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = np.moveaxis(shares, (i, j), (0, 1))[1, 1].sum()
        spread = np.sqrt(RATES[i] * (1 - RATES[i]) * RATES[j] * (1 - RATES[j]))
        assert (both - RATES[i] * RATES[j]) / spread == pytest.approx(0.3, rel=1e-12)
    assert dependence.infeasible(dependence.correlated(np.array([0.9, 0.1]), 0.5))  # at most 1/9


def test_published_counts_become_cells() -> None:
    """Haibel's 5, 4 and 2 of 13 are 8, 1, 2 and 2 patients by the last level reached, each with 1/4 of prior weight."""
    design = parse_any((SCENARIOS / "as-haibel.toml").read_text(), "as-haibel").design
    counts = CellCounts(n=13, responders={"asas20": 5, "asas40": 4, "asas70": 2}, prior_weight=1.0)
    assert counts.shapes(design.layout).tolist() == [8.25, 1.25, 2.25, 2.25]


NESTED = """
version = 1
title = "A trial for tests"
question = "Does it hold?"
indication = "as"
endpoint = "asas20"
design = { kind = "several_endpoints", n = { treatment = 20 }, structure = "nested", endpoints = ["asas20", "asas40"] }

[rule]
kind = "holm"

[rule.tests]
asas20 = { kind = "exact_binomial", alpha = 0.05, null_rate = 0.25 }
asas40 = { kind = "exact_binomial", alpha = 0.05, null_rate = 0.12 }

[truths.hoped]
kind = "points"
rates = { treatment = { asas20 = 0.6, asas40 = 0.4 } }

[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.5
"""
COMPONENTS = """
version = 1
title = "A trial for tests"
question = "Does it hold?"
indication = "sjia"
endpoint = "acr30"

[design]
kind = "several_endpoints"
n = { treatment = 10, control = 10 }
structure = "components"
components = ["acr30", "no-fever"]
endpoints = ["both", "acr30"]
composites = { both = ["acr30", "no-fever"] }

[rule]
kind = "co_primary"
tests = { both = { kind = "fisher", alpha = 0.025 }, acr30 = { kind = "fisher", alpha = 0.025 } }

[truths.hoped]
kind = "points"
dependence = "independent"
rates = { treatment = { acr30 = 0.9, no-fever = 0.9 }, control = { acr30 = 0.1, no-fever = 0.1 } }

[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.5
"""


IDLE = '[truths.idle]\nkind = "no_effect"\nwhy = "x"\nrates = { asas20 = 0.3, asas40 = 0.1 }\n[[targets]]'
OLD = """
[truths.old]
kind = "dirichlet"
counts.treatment = { n = 13, responders = { asas20 = 4, asas40 = 5 }, prior_weight = 1 }
[[targets]]"""
BAD = [
    (
        NESTED,
        'kind = "holm"',
        'kind = "any"',
        "rule",
        "kind = bonferroni, co_primary, hierarchical or holm, with a test per endpoint: several endpoints share one",
    ),
    (NESTED, "asas40 = 0.4 }", "asas40 = 0.7 }", "truths.hoped.rates.treatment.asas40", "at most that of asas20 (0.6)"),
    (NESTED, "asas40 = 0.4 }", "asas4 = 0.4 }", "truths.hoped.rates.treatment.asas4", "one of its endpoints"),
    (
        NESTED,
        "alpha = 0.05, null_rate = 0.12",
        "alpha = 0.025, null_rate = 0.12",
        "rule.tests.asas40",
        "the same level",
    ),
    (
        NESTED,
        'kind = "exact_binomial", alpha = 0.05, null_rate = 0.12',
        'kind = "fisher", alpha = 0.05',
        "rule.tests.asas40.kind",
        "a rule for one arm",
    ),
    (
        NESTED,
        'kind = "holm"',
        'kind = "hierarchical"\norder = ["asas20", "asas20"]',
        "rule.order",
        "each of asas20, asas40",
    ),
    (NESTED, "asas40 = { kind", "asas70 = { kind", "rule.tests.asas40", "a test for every endpoint"),
    (NESTED, "[[targets]]", IDLE, "truths.idle.rates", "rates at which a success is an error"),
    (NESTED, 'metric = "power"', 'metric = "familywise_error"', "targets 1, truth", "an endpoint without effect"),
    (NESTED, "[[targets]]", OLD, "truths.old.counts.treatment.responders.asas40", "at most that of asas20 (4)"),
    (
        COMPONENTS,
        '"independent"',
        "{ correlation = -0.5 }",
        "truths.hoped.rates.treatment",
        "no share of patients below 0",
    ),
    (COMPONENTS, 'dependence = "independent"\n', "", "truths.hoped.dependence", "independent, comonotone"),
    (COMPONENTS, '["acr30", "no-fever"] }', '["acr30", "no-feve"] }', "design.composites.both", "a component"),
    (
        COMPONENTS,
        "alpha = 0.025 } }",
        'alpha_two_sided = 0.05, two_sided_by = "doubled" } }',
        "rule.tests.acr30",
        "a one-sided rule",
    ),
    (COMPONENTS, ", control = { acr30 = 0.1, no-fever = 0.1 }", "", "truths.hoped.rates", "the control arm too"),
]


@pytest.mark.parametrize(("text", "old", "new", "where", "expected"), BAD)
def test_bad_input_is_told_in_its_own_words(text: str, old: str, new: str, where: str, expected: str) -> None:
    """Each mistake is found at its place, with what would be right."""
    assert old in text
    start, _, end = text.rpartition(old)
    _, faults = examine_scenario(start + new + end, "f.toml")
    found = {fault.where: fault.expected for fault in faults}
    assert expected in found.get(f"f.toml: {where}", ""), found


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    """Left-out patients have to be named."""
    shares = 'kind = "shares"\nshares = { treatment = { asas20 = 0.5, asas40 = 0.25 } }'
    old = 'kind = "points"\nrates = { treatment = { asas20 = 0.6, asas40 = 0.4 } }'
    _, faults = examine_scenario(NESTED.replace(old, shares), "f.toml")
    (fault,) = faults
    assert fault.where == "f.toml: truths.hoped.shares.treatment"
    assert (fault.got, fault.expected) == ("shares that sum to 0.75", "1")
    assert fault.fix == "give the share of those who reach nothing as none"


def settings(trials: int) -> SimulationSettings:
    return SimulationSettings(trials, 1)


@pytest.mark.parametrize("name", ["as-haibel", "as-hierarchy", "sjia-composite", "sjia-two-primaries"])
def test_scenarios_hold_and_their_simulation_agrees(name: str) -> None:
    """All targets hold, nothing is simulated, and virtual patients give every exact metric within 4 standard errors."""
    used: Any = anatrial.read_scenario(name)
    found: Any = anatrial.evaluate(used)
    assert found.exact
    assert {verdict.outcome for verdict in found.verdicts} == {"PASS"}
    for truth in used.resolved.truths:
        exact = {metric.name: metric.estimate.value for metric in found.of(truth).metrics}
        block = pickle.loads(pickle.dumps(plan.block(used.resolved, truth)))  # noqa: S301 - our own
        drawn = {metric.name: metric.estimate for metric in simulated(block, settings(4_000)).metrics()}
        assert drawn.keys() == exact.keys()
        for key, estimate in drawn.items():
            assert abs(estimate.value - exact[key]) <= 4 * (estimate.mcse or 0.0) + 0.0015, (truth, key)


def test_haibel_completers_and_drop_out_give_the_published_rates() -> None:
    """5, 4 and 2 of 13 completers with 7 of 20 leaving are 5, 4 and 2 of 20 by intention to treat."""
    found: Any = anatrial.evaluate(anatrial.read_scenario("as-haibel"))
    table = next(table for table in found.tables if table.name == "endpoints")
    observed = [row[1] for row in table.rows if str(row[0]).endswith("as-observed")]
    assert observed == pytest.approx([5 / 20, 4 / 20, 2 / 20], abs=1e-4)
    claimed = next(row for row in table.rows if row[0] == "asas70, as-observed")[3]
    ways, p = (1, 20, 190, 1140), Fraction(1, 10)  # ASAS70 needs 4 of 20 at every level of Holm's procedure
    fewer = sum((w * p**x * (1 - p) ** (20 - x) for x, w in enumerate(ways)), Fraction(0))
    assert claimed.value == pytest.approx(float(1 - fewer), abs=2e-4)


def test_too_many_results_are_simulated_and_say_so() -> None:
    """Four endpoints of components in 150 + 150 patients: every number carries its error, the bound is still proven."""
    text = COMPONENTS.replace("treatment = 10, control = 10", "treatment = 150, control = 150")
    text = text.replace('endpoints = ["both", "acr30"]', 'endpoints = ["both", "acr30", "no-fever", "more"]')
    text = text.replace('components = ["acr30", "no-fever"]', 'components = ["acr30", "no-fever", "esr"]')
    text = text.replace('"no-fever"] }', '"no-fever"], more = ["acr30", "esr"] }')
    text = text.replace("tests = { both", 'tests = { no-fever = { kind = "fisher", alpha = 0.025 }, both')
    text = text.replace("tests = {", 'tests = { more = { kind = "fisher", alpha = 0.025 },')
    text = text.replace("no-fever = 0.9 }", "no-fever = 0.9, esr = 0.9 }").replace(
        "no-fever = 0.1 }", "no-fever = 0.1, esr = 0.1 }"
    )
    text += '\n[truths.idle]\nkind = "no_effect"\nwhy = "x"\ndependence = "independent"\n'
    text += "rates = { acr30 = 0.5, no-fever = 0.5, esr = 0.5 }\n"
    scenario = parse_any(text, "f.toml")
    assert isinstance(scenario, SeveralEndpointsScenario)
    used: Any = anatrial.read_scenario("sjia-composite")
    used = type(used)("f", scenario, scenario, (), used.indication, "")
    found = plan.findings(used, settings(500), SILENT)
    assert not found.exact
    estimates = {c.truth: c.metrics[0].estimate for c in found.characteristics}
    assert all(estimate.draws == 500 for estimate in estimates.values())
    assert estimates["idle"].upper <= 0.025
    assert "too many results to sum" in found.notes[-1]
