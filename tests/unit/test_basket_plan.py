"""Basket scenarios from their files: what is refused, what is told, and that simulation agrees where both apply."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.building import HEAD, indication
from tests.tolerances import ROUNDING

from anatrial.documents.trial_scenario import ResolvedTrial, resolve_priors
from anatrial.documents.trials import parse_any
from anatrial.domain.prior import Prior, PriorRef
from anatrial.domain.results import OperatingCharacteristics
from anatrial.domain.tally import SimulationSettings
from anatrial.domain.trial import TrialEvaluation
from anatrial.engine.simulation import simulated
from anatrial.errors import Fault, InputError
from anatrial.plan.basket import block
from anatrial.plan.evaluate import evaluate

DESIGN = """
[design]
kind = "basket"
[design.baskets]
still = { n = 6, benchmark = 0.3 }
caps = { n = 5, benchmark = 0.4 }
schnitzler-s = { n = 6, benchmark = 0.3 }
"""
RULE = """
[rule]
kind = "shared"
analysis_prior = { a = 1, b = 1 }
familywise_alpha = 0.1
"""
TRUTHS = """
[truths.hoped]
kind = "points"
rates = { still = 0.8, caps = 0.8, schnitzler-s = 0.3 }
[truths.idle]
kind = "no_effect"
[truths.unsure]
kind = "design_prior"
[truths.unsure.rates]
still = { a = 3, b = 2 }
caps = { a = 3, b = 2 }
schnitzler-s = { a = 1, b = 1 }
"""
TARGETS = """
[[targets]]
metric = "power"
truth = "hoped"
at_least = 0.2
[[targets]]
metric = "familywise_error"
truth = "idle"
at_most = 0.1
[[targets]]
metric = "familywise_error_worst"
truth = "hoped"
at_most = 0.9
[[targets]]
metric = "expected_won"
truth = "unsure"
at_least = 0.5
"""
BODY = DESIGN + RULE + TRUTHS + TARGETS


def used(body: str) -> ResolvedTrial[Any]:
    """A resolved basket scenario that names no prior."""
    scenario = parse_any(HEAD + body, "made-up.toml")

    def no_names(use: str, ref: PriorRef) -> Prior:
        raise AssertionError(use, ref)

    plan, priors = resolve_priors(scenario, no_names)
    return ResolvedTrial("made-up", scenario, plan, priors, indication(), "nowhere")


def ran(body: str) -> TrialEvaluation:
    """One run."""
    found = evaluate(used(body))
    assert isinstance(found, TrialEvaluation)
    return found


def faults(body: str) -> list[Fault]:
    """What is wrong with a scenario."""
    with pytest.raises(InputError) as raised:
        used(body)
    return [fault._replace(where=fault.where.removeprefix("made-up.toml: ")) for fault in raised.value.faults]


def test_every_number_is_told_and_fits_together() -> None:
    """Chances to win add up to the baskets won, the calibrated error is kept, and extremes are those of the baskets."""
    found = ran(BODY)
    assert found.exact
    hoped, idle, unsure = (found.of(name) for name in ("hoped", "idle", "unsure"))

    def value(of: OperatingCharacteristics, name: str) -> float:
        return of.metric(name).estimate.value

    each = [value(hoped, name) for name in ("power_still", "power_caps", "type_i_error_schnitzler_s")]
    assert value(hoped, "expected_won") == pytest.approx(math.fsum(each), rel=ROUNDING)
    assert value(hoped, "power") == min(each[:2])
    assert value(hoped, "familywise_error") == pytest.approx(each[2], rel=ROUNDING)
    assert value(hoped, "type_i_error") == each[2]
    assert value(hoped, "familywise_error_worst") >= value(hoped, "familywise_error")
    assert value(idle, "familywise_error") <= 0.1
    assert value(idle, "all_right") == pytest.approx(1 - value(idle, "familywise_error"), rel=ROUNDING)
    assert value(unsure, "expected_truly_won") < value(unsure, "expected_won")
    assert [table.name for table in found.tables] == ["by_basket", "mixed", "sharing", "drift"]
    certainty, _, alone = found.tables[2].column("certainty")
    assert isinstance(certainty, float)
    assert f"certainty {certainty:g} is the least" in found.notes[0]
    assert alone is not None


def test_without_sharing_there_is_nothing_to_compare() -> None:
    """Independent baskets are not compared; their worst mixture is that of no effect, where all may win falsely."""
    found = ran(BODY.replace('"shared"', '"independent"'))
    assert [table.name for table in found.tables] == ["by_basket", "mixed", "drift"]
    idle, worst = found.of("idle").metric("familywise_error"), found.of("hoped").metric("familywise_error_worst")
    assert worst.estimate.value == pytest.approx(idle.estimate.value, rel=ROUNDING)


@pytest.mark.parametrize("truth", ["hoped", "idle", "unsure"])
def test_the_simulator_tallies_the_exact_names_and_numbers(truth: str) -> None:
    """Every simulated number of the block lies within its 99.9 % bounds of the enumerated one of the same name."""
    scenario = used(BODY)
    exact = ran(BODY).of(truth)
    for metric in simulated(block(scenario.resolved, truth), SimulationSettings(20_000, 3)).metrics():
        value = exact.metric(metric.name).estimate.value
        assert metric.estimate.lower <= value <= metric.estimate.upper


def test_too_many_tables_are_simulated() -> None:
    """Beyond two million tables every number carries its Monte Carlo error, and agrees with a product by hand."""
    names = [f"d{k}" for k in range(7)]
    body = "[simulation]\ntrials = 2000\n[design]\nkind = 'basket'\n[design.baskets]\n"
    body += "".join(f"{name} = {{ n = 8, benchmark = 0.5 }}\n" for name in names)
    body += '[rule]\nkind = "independent"\nanalysis_prior = { a = 1, b = 1 }\ncertainty = 0.9\n'
    body += (
        '[truths.idle]\nkind = "no_effect"\n[[targets]]\nmetric = "familywise_error"\ntruth = "idle"\nat_most = 0.9\n'
    )
    found = ran(body)
    assert not found.exact
    metric = found.of("idle").metric("familywise_error").estimate
    # P(p > 1/2 | x of 8) is a tail of nine coins: 0.910 at x = 6, 0.746 at x = 5. Six or more heads of eight: 37 / 256.
    assert metric.lower <= 1 - (1 - 37 / 256) ** 7 <= metric.upper
    assert metric.draws == 2000


ENUMERABLE = "at most 2,000,000 tables of counts: a trial that can be enumerated"
REFUSED = [
    (
        (TRUTHS, TRUTHS.replace("schnitzler-s = 0.3 }", "schnitzlers = 0.3 }")),
        [
            Fault("truths.hoped.rates", "'schnitzlers'", "a basket of this file", "did you mean 'schnitzler-s'?"),
            Fault("truths.hoped.rates", "nothing for schnitzler-s", "a rate for every basket"),
        ],
    ),
    (
        (RULE, RULE + "certainty = 0.9\n"),
        [Fault("rule", "both", "certainty or familywise_alpha")],
    ),
    (
        ("{ a = 1, b = 1 }\nfamilywise", "{ a = 0.05, b = 1 }\nfamilywise"),
        [Fault("rule.analysis_prior", "Beta(0.05, 1)", "shapes of at least 0.1")],
    ),
    (
        ("{ a = 1, b = 1 }\nf", "{ parts = [{ weight = 0.5, a = 1, b = 1 }, { weight = 0.5, a = 2, b = 2 }] }\nf"),
        [
            Fault(
                "rule.analysis_prior",
                "a mixture of 2 Betas",
                "one Beta: similarity compares two of them",
                "give a and b, or use the rule of kind independent",
            )
        ],
    ),
    (
        ("still = 0.8, caps = 0.8, schnitzler-s = 0.3", "still = 0.3, caps = 0.4, schnitzler-s = 0.3"),
        [Fault(f"targets {k}, truth", "'hoped'", "a truth in which a basket works") for k in (1, 3)],
    ),
    (
        ('metric = "power"', 'metric = "assurance"'),
        [Fault("targets 1, metric", "assurance of a points truth", "a truth of kind design_prior")],
    ),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED)
def test_what_does_not_fit_is_refused(change: tuple[str, str], expected: list[Fault]) -> None:
    """Unknown and missing baskets, two levels, priors that cannot be compared, and targets on nothing are told."""
    assert faults(BODY.replace(*change)) == expected


def test_what_needs_every_table_is_refused_beyond_the_limit() -> None:
    """A certainty that is to be found, and the worst mixture, need a trial that can be enumerated."""
    body = BODY.replace("n = 6", "n = 100")
    body = body.replace("caps = { n = 5", "more = { n = 3, benchmark = 0.5 }\ncaps = { n = 90")
    body = body.replace("caps = 0.8", "caps = 0.8, more = 0.9")
    body = body.replace("caps = { a", "more = { a = 1, b = 1 }\ncaps = { a")
    assert faults(body) == [
        Fault("rule.familywise_alpha", "0.1", ENUMERABLE, "state a certainty, or take fewer or smaller baskets"),
        Fault("targets 3, metric", "familywise_error_worst", ENUMERABLE, "ask for familywise_error"),
    ]


def test_a_certainty_that_nothing_alone_can_match_leaves_the_comparison_out() -> None:
    """A rule that never wins has no error; no certainty below 1 keeps that for baskets alone, and the run goes on."""
    design = DESIGN.replace("n = 6, benchmark = 0.3", "n = 40, benchmark = 0.01").replace("n = 5", "n = 40")
    rule = RULE.replace("familywise_alpha = 0.1", "certainty = 0.9999999999")
    found = ran(design + rule + TRUTHS + TARGETS)
    sharing = next(table for table in found.tables if table.name == "sharing")
    assert [row[0] for row in sharing.rows] == ["this rule", "no sharing, same certainty"]


def test_a_certainty_close_to_one_is_told_in_full() -> None:
    """An error of at most 1e-6 asks for more than four decimals, and the note does not round them to 1."""
    found = ran(BODY.replace("familywise_alpha = 0.1", "familywise_alpha = 1e-6"))
    certainty = next(table for table in found.tables if table.name == "sharing").rows[0][1]
    assert isinstance(certainty, float)
    assert certainty < 1
    assert any(note.startswith(f"certainty {certainty} is the least") for note in found.notes)
