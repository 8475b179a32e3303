"""Several endpoints against every table in fractions, with textbook procedures on exact p-values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.tolerances import ROUNDING, monte_carlo
from tests.unit import several_endpoints_oracle as oracle

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.several_endpoints import SeveralEndpoints
from anatrial.engine import joint_counts
from anatrial.engine import several_endpoints as engine
from anatrial.engine.several_endpoints import Chances, Virtual
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher import Fisher
from anatrial.rules.several_endpoints import Bonferroni, CoPrimary, EndpointsRule, Hierarchical, Holm
from anatrial.truths.base import DropOut
from anatrial.truths.endpoint_cells import ArmCounts, Arms, CellCounts, PartRates
from anatrial.truths.several_endpoints import SeveralNoEffect, SeveralPoints, SeveralPriors

NAMES = ("easy", "hard", "hardest")
LEVELS = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))
BENCHMARKS = (Fraction(1, 5), Fraction(1, 10), Fraction(1, 20))
ALPHA = Fraction(3, 10)  # large, so that small trials decide
COMPONENTS = ("a", "b", "c")
COMPOSITES = ("a", "a-and-b", "all")


def one_arm(n: int, rule: Any, **more: Any) -> tuple[SeveralEndpoints, EndpointsRule]:
    """A nested single arm under a rule."""
    tests: dict[str, Any] = {
        name: ExactBinomial(kind="exact_binomial", alpha=float(ALPHA), null_rate=float(rate))
        for name, rate in zip(NAMES, BENCHMARKS, strict=True)
    }
    design = SeveralEndpoints(kind="several_endpoints", n=ArmSizes(treatment=n), structure="nested", endpoints=NAMES)
    return design, rule(kind=more.pop("kind"), tests=tests, **more)


def two_arms(n_t: int, n_c: int, rule: EndpointsRule, *, nested: bool) -> SeveralEndpoints:
    """A trial with the endpoints of a rule, as levels or as components and composites."""
    size = ArmSizes(treatment=n_t, control=n_c)
    if nested:
        names = tuple(rule.tests)
        return SeveralEndpoints(kind="several_endpoints", n=size, structure="nested", endpoints=names)
    return SeveralEndpoints(
        kind="several_endpoints",
        n=size,
        structure="components",
        endpoints=COMPOSITES,
        components=COMPONENTS,
        composites={"a-and-b": ("a", "b"), "all": COMPONENTS},
    )


def fisher(*names: str) -> dict[str, Any]:
    """Fisher's test at the level of these tests for every endpoint."""
    return {name: Fisher(kind="fisher", alpha=float(ALPHA)) for name in names}


def agrees(found: Chances, truth: dict[tuple[bool, ...], Fraction]) -> None:
    """The chance of every set of claims, and the metrics made of them, are those of the oracle."""
    for claims, chance in truth.items():
        there = (found.judged.claims == np.array(claims)).all(axis=-1)
        assert found.of(there) == pytest.approx(float(chance), rel=ROUNDING, abs=1e-15)
    assert sum(truth.values()) == 1
    metrics = {metric.name: metric.estimate.value for metric in found.metrics("power")}
    won = sum(sum(claims) * chance for claims, chance in truth.items())
    everything = sum(chance for claims, chance in truth.items() if all(claims))
    anything = sum(chance for claims, chance in truth.items() if any(claims))
    assert metrics["expected_endpoints"] == pytest.approx(float(won), rel=ROUNDING)
    assert metrics["power_all"] == pytest.approx(float(everything), rel=ROUNDING)
    assert metrics["power_any"] == pytest.approx(float(anything), rel=ROUNDING)
    for k, name in enumerate(found.judged.endpoints):
        each = sum(chance for claims, chance in truth.items() if claims[k])
        assert metrics[engine.metric_of("power", name)] == pytest.approx(float(each), rel=ROUNDING)


RULES = [
    (CoPrimary, {"kind": "co_primary"}, oracle.co_primary),
    (Bonferroni, {"kind": "bonferroni"}, oracle.bonferroni),
    (Holm, {"kind": "holm"}, oracle.holm),
    (Hierarchical, {"kind": "hierarchical", "order": ("hard", "easy", "hardest")}, oracle.hierarchical((1, 0, 2))),
]


def binomial_p(n: int) -> tuple[Any, Fraction]:
    """p-values of a single arm."""
    return (lambda k, x: oracle.binomial_p(x, n, BENCHMARKS[k])), ALPHA


def fisher_p(n_t: int, n_c: int) -> tuple[Any, Fraction]:
    """p-values of two arms."""
    return (lambda _, x_t, x_c: oracle.fisher_p(x_t, n_t, x_c, n_c)), ALPHA


@pytest.mark.parametrize(("rule", "more", "decide"), RULES)
def test_nested_single_arm_equals_every_table(rule: Any, more: dict[str, Any], decide: Any) -> None:
    """Three nested endpoints in one arm, with drop-out: each set of claims has its probability over all tables."""
    n, kept = 7, Fraction(13, 20)
    design, found = one_arm(n, rule, **more)
    truth = SeveralPoints(
        kind="points",
        rates=PartRates(treatment={"easy": 0.6, "hard": 0.4, "hardest": 0.1}),
        rates_among="completers",
        dropout=DropOut(treatment=0.35),
    )
    judge = engine.judged(design, found)
    shares = oracle.multinomial([Fraction(k, 10) for k in (4, 2, 3, 1)])
    chance = oracle.with_drop_out(shares, kept)
    agrees(
        engine.of_shares(design, judge, truth.arms(design.layout)),
        oracle.enumerated([(n, chance)], LEVELS, decide, binomial_p(n)),
    )


@pytest.mark.parametrize(("rule", "more", "decide"), RULES)
def test_nested_dirichlet_equals_every_table(rule: Any, more: dict[str, Any], decide: Any) -> None:
    """The same with Dirichlet shares: 5, 4 and 2 of 13 at half weight, one patient's worth of not knowing."""
    n = 6
    design, found = one_arm(n, rule, **more)
    counts = CellCounts(n=13, responders={"easy": 5, "hard": 4, "hardest": 2}, weight=0.5, prior_weight=1.0)
    truth = SeveralPriors(
        kind="dirichlet",
        counts=ArmCounts(treatment=counts),
        rates_among="completers",
        dropout=DropOut(treatment=0.35),
    )
    shapes = [Fraction(x, 2) + Fraction(1, 4) for x in (8, 1, 2, 2)]
    chance = oracle.with_drop_out(oracle.polya(shapes), Fraction(13, 20))
    agrees(
        engine.of_priors(design, engine.judged(design, found), truth),
        oracle.enumerated([(n, chance)], LEVELS, decide, binomial_p(n)),
    )


@pytest.mark.parametrize(("rule", "more", "decide"), RULES)
def test_nested_two_arms_equal_every_table(rule: Any, more: dict[str, Any], decide: Any) -> None:
    """Three nested endpoints in two arms of different size: claims by Fisher's p-values over all pairs of tables."""
    found = rule(tests=fisher(*NAMES), **more)
    design = two_arms(4, 3, found, nested=True)
    treatment, control = [Fraction(k, 10) for k in (2, 2, 3, 3)], [Fraction(k, 10) for k in (6, 2, 1, 1)]
    arms = Arms(np.array([float(p) for p in treatment]), np.array([float(p) for p in control]))
    chances = [(4, oracle.multinomial(treatment)), (3, oracle.multinomial(control))]
    agrees(
        engine.of_shares(design, engine.judged(design, found), arms),
        oracle.enumerated(chances, LEVELS, decide, fisher_p(4, 3)),
    )


REACHED = tuple((a, a & b, a & b & c) for a in (0, 1) for b in (0, 1) for c in (0, 1))


@pytest.mark.parametrize("decide", [oracle.holm, oracle.bonferroni])
def test_composites_equal_every_table(decide: Any) -> None:
    """A component and two composites of three dependent components: claims over all pairs of tables of eight cells."""
    rule: EndpointsRule = Bonferroni(kind="bonferroni", tests=fisher(*COMPOSITES))
    if decide is oracle.holm:
        rule = Holm(kind="holm", tests=fisher(*COMPOSITES))
    design = two_arms(3, 2, rule, nested=False)
    treatment = [Fraction(k, 20) for k in (1, 1, 1, 2, 2, 2, 4, 7)]
    control = [Fraction(k, 20) for k in (6, 3, 3, 2, 2, 1, 2, 1)]
    arms = Arms(np.array([float(p) for p in treatment]), np.array([float(p) for p in control]))
    chances = [(3, oracle.multinomial(treatment)), (2, oracle.multinomial(control))]
    agrees(
        engine.of_shares(design, engine.judged(design, rule), arms),
        oracle.enumerated(chances, REACHED, decide, fisher_p(3, 2)),
    )


def test_composites_with_dirichlet_shares_equal_every_table() -> None:
    """Uncertain shares of eight cells in each arm, with drop-out: claims over all pairs of tables."""
    rule = Holm(kind="holm", tests=fisher(*COMPOSITES))
    design = two_arms(3, 2, rule, nested=False)
    names = design.layout.cells
    counts = [dict(zip(names, row, strict=True)) for row in ((0, 1, 0, 2, 0, 1, 3, 5), (5, 1, 2, 0, 1, 0, 0, 1))]
    truth = SeveralPriors(
        kind="dirichlet",
        counts=ArmCounts(
            treatment=CellCounts(cells=counts[0], prior_weight=2.0),
            control=CellCounts(cells=counts[1], prior_weight=4.0),
        ),
        rates_among="completers",
        dropout=DropOut(treatment=0.25, control=0.5),
    )
    shapes_t = [Fraction(x) + Fraction(1, 4) for x in counts[0].values()]
    shapes_c = [Fraction(x) + Fraction(1, 2) for x in counts[1].values()]
    chances = [
        (3, oracle.with_drop_out(oracle.polya(shapes_t), Fraction(3, 4))),
        (2, oracle.with_drop_out(oracle.polya(shapes_c), Fraction(1, 2))),
    ]
    agrees(
        engine.of_priors(design, engine.judged(design, rule), truth),
        oracle.enumerated(chances, REACHED, oracle.holm, fisher_p(3, 2)),
    )


def test_familywise_error_by_hand() -> None:
    """One patient, two nested endpoints, success with a response; idle rates 1/4 and 1/8, both tests at 0.3.

    Holm tests the smaller p first at 0.15: p is 1/4 for easy and 1/8 for hard. A patient who reaches only the easy
    level (1/8) gives p = 1/4, 1: nothing. One who reaches the hard one (1/8) gives 1/4 and 1/8: hard at 0.15, then easy
    at 0.3. So an error of 1/8. Co-primary: both succeed with probability 1/8. In order: easy first, an error of 1/4.
    """
    tests: dict[str, Any] = {
        "easy": ExactBinomial(kind="exact_binomial", alpha=0.3, null_rate=0.25),
        "hard": ExactBinomial(kind="exact_binomial", alpha=0.3, null_rate=0.125),
    }
    design = SeveralEndpoints(
        kind="several_endpoints", n=ArmSizes(treatment=1), structure="nested", endpoints=("easy", "hard")
    )
    truth = SeveralNoEffect(
        kind="no_effect", rates={"easy": 0.25, "hard": 0.125}, effect={"easy": 0.75, "hard": 0.5}, why="by hand"
    )
    expected: list[tuple[EndpointsRule, list[float], float]] = [
        # all idle; only hard idle: then its 1/8 is claimed whenever it is reached. Bound: from the type I error alone.
        (Holm(kind="holm", tests=tests), [1 / 8, 1 / 8], 3 / 8 - 1 / 8),
        (CoPrimary(kind="co_primary", tests=tests), [1 / 8, 1 / 8], 1 / 4),
        (Hierarchical(kind="hierarchical", tests=tests, order=("easy", "hard")), [1 / 4, 1 / 8], 1 / 4),
        (Bonferroni(kind="bonferroni", tests=tests), [1 / 8, 1 / 8], 1 / 8),
    ]
    states = truth.states(design.layout, single=True)
    idle = engine.idle_by_state(design, states)
    assert [names for names, _ in states] == [("easy", "hard"), ("hard",)]  # an idle easy level caps the hard one
    for rule, errors, bound in expected:
        judge = engine.judged(design, rule)
        found = [engine.of_shares(design, judge, a).error(i) for (_, a), i in zip(states, idle, strict=True)]
        assert found == pytest.approx(errors, rel=ROUNDING)
        assert engine.proven_error(design, rule, states[0][1]) == pytest.approx(bound, rel=ROUNDING)


def test_bound_of_two_arms_covers_every_state_on_a_grid() -> None:
    """The proven familywise error is passed by no combination of idle and working levels, at any rates of a grid."""
    rule = Holm(kind="holm", tests=fisher("easy", "hard"))
    design = two_arms(6, 5, rule, nested=True)
    judge = engine.judged(design, rule)
    bound, worst = 0.0, 0.0
    for easy in np.linspace(0.1, 0.9, 9):
        for share in (0.2, 0.6, 1.0):
            truth = SeveralNoEffect(
                kind="no_effect",
                rates={"easy": float(easy), "hard": float(easy * share)},
                effect={"easy": float(easy + 0.09), "hard": float(easy * share + 0.08)},
                why="grid",
            )
            states = truth.states(design.layout, single=False)
            idle = engine.idle_by_state(design, states)
            bound = engine.proven_error(design, rule, states[0][1])
            worst = max(
                [worst, *(engine.of_shares(design, judge, s[1]).error(i) for s, i in zip(states, idle, strict=True))]
            )
    assert 0.5 * bound < worst <= bound <= float(ALPHA) + 1e-9


@pytest.mark.parametrize("uncertain", [False, True])
def test_simulated_equals_enumerated(uncertain: bool) -> None:
    """Virtual patients give every metric of the enumeration within four standard errors, under the same names."""
    rule = Holm(kind="holm", tests=fisher(*COMPOSITES))
    design = two_arms(12, 10, rule, nested=False)
    judge, layout = engine.judged(design, rule), design.layout
    trials = 40_000
    if uncertain:
        given = CellCounts(cells={"none": 2, "a": 3, "a + b + c": 5}, prior_weight=2.0)
        truth = SeveralPriors(
            kind="dirichlet",
            counts=ArmCounts(treatment=given, control=given.model_copy(update={"weight": 0.1})),
            rates_among="completers",
            dropout=DropOut(treatment=0.2, control=0.1),
        )
        exact = engine.of_priors(design, judge, truth).metrics("assurance")
        virtual = Virtual(judge, design.look, layout.reached, truth.shapes(layout), truth.kept())
    else:
        arms = Arms(np.array([2, 1, 1, 1, 2, 2, 4, 7]) / 20, np.array([6, 3, 3, 2, 2, 1, 2, 1]) / 20)
        exact = engine.of_shares(design, judge, arms).metrics("power")
        virtual = Virtual(judge, design.look, layout.reached, arms)
    found = engine.simulate(virtual, np.random.default_rng(5), trials).metrics()
    assert [metric.name for metric in found] == [metric.name for metric in exact]
    for simulated, true in zip(found, exact, strict=True):
        allowed = 3 if simulated.name == "expected_endpoints" else 1
        value = true.estimate.value / allowed
        assert simulated.estimate.value / allowed == pytest.approx(value, abs=monte_carlo(value, trials))


def test_the_work_limit_is_that_of_the_arrays() -> None:
    """Nested endpoints of hundreds of patients are summed; four endpoints of components only in small trials."""
    limit = joint_counts.MOST_WORK
    assert joint_counts.work((400, 400), 3, 1, nested=True) < limit
    assert joint_counts.work((30, 30), 4, 1, nested=False) < limit < joint_counts.work((80, 80), 4, 1, nested=False)
