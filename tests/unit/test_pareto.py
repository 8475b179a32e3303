"""Design search: what aims mean, what stays, what is cheapest, and Simon's published designs on the front."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb
from typing import Any

import pytest
from tests.building import cases, named

from anatrial import read_scenario
from anatrial.documents.sweeps import Axis, Pareto
from anatrial.domain.cells import CellResult, Settings
from anatrial.domain.pareto import AimOf, Front, Placed
from anatrial.domain.results import Estimate, Metric, OperatingCharacteristics, Outcome, Verdict, exactly
from anatrial.errors import InputError
from anatrial.plan.pareto import Cell, aims_of, judged, pareto

PATIENTS = AimOf("patients", None, ())
POWER = AimOf("power", "hoped", ("power",))
ERROR = AimOf("type_i_error", "none", ("type1_max", "type_i_error"))
EXPECTED = AimOf("expected_n", "none", ("expected_n",))


def cell(name: str, patients: int, power: Estimate | float, *outcomes: Outcome, error: Estimate | float = 0.0) -> Cell:
    """A design by its numbers."""
    given = [exactly(value) if isinstance(value, float) else value for value in (power, error)]
    truths = (
        OperatingCharacteristics("hoped", "points", (Metric("power", given[0]),)),
        OperatingCharacteristics("none", "no_effect", (Metric("type1_max", given[1]),)),
    )
    verdicts = tuple(Verdict(outcome, "power", "hoped", given[0], "at_least", 0.8) for outcome in outcomes)
    return Cell((("design.n", name),), CellResult(truths, patients), verdicts)


def names(found: Front) -> list[str]:
    """The designs of the front in their order."""
    return [member.settings[0][1] for member in found.members]


def name(found: Placed | None) -> str | None:
    """A design by its name."""
    return None if found is None else str(found.settings[0][1])


def test_the_front_by_hand() -> None:
    """Of six designs the two that have more patients and no more power go; the rest stand by patients."""
    given = [cell("f", 60, 0.9), cell("a", 20, 0.5), cell("b", 40, 0.8), cell("c", 40, 0.7), cell("d", 50, 0.8)]
    found = pareto([*given, cell("e", 30, 0.6)], (PATIENTS, POWER))
    assert names(found) == ["a", "e", "b", "f"]
    assert found.designs == 6
    assert [(spot.patients, spot.values) for spot in found.beaten] == [(40, (40, 0.7)), (50, (50, 0.8))]
    assert [found.members[0].values, found.members[0].patients] == [(exactly(20.0), exactly(0.5)), 20]


def test_an_aim_more_keeps_more() -> None:
    """A design that needs more patients stays if it has less type I error."""
    given = [cell("a", 20, 0.8, error=0.05), cell("b", 30, 0.8, error=0.02), cell("c", 40, 0.8, error=0.05)]
    assert names(pareto(given, (PATIENTS, POWER))) == ["a"]
    assert names(pareto(given, (PATIENTS, POWER, ERROR))) == ["a", "b"]


def test_the_cheapest_that_meets_all_targets() -> None:
    """INCONCLUSIVE does not meet a target; among equally small ones the aims decide in their order."""
    given = [
        cell("small", 20, 0.7, "PASS", "FAIL"),
        cell("open", 24, 0.75, "PASS", "INCONCLUSIVE"),
        cell("worse", 30, 0.80, "PASS", "PASS"),
        cell("best", 30, 0.82, "PASS", "PASS"),
        cell("large", 40, 0.90, "PASS", "PASS"),
    ]
    found = pareto(given, (PATIENTS, POWER))
    assert (name(found.cheapest), found.cheapest_is_member, found.as_small, found.holding) == ("best", True, 1, 3)
    assert [member.holds for member in found.members] == [False, False, True, True]
    nothing = pareto(given[:2], (PATIENTS, POWER))
    assert (nothing.cheapest, nothing.holding, nothing.as_small) == (None, 0, 0)


def test_the_cheapest_need_not_be_on_the_front() -> None:
    """A design that is beaten in the aims may be the only small one that meets a target on something else."""
    found = pareto([cell("a", 20, 0.9, "FAIL"), cell("b", 20, 0.8, "PASS")], (PATIENTS, POWER))
    assert (names(found), name(found.cheapest), found.cheapest_is_member) == (["a"], "b", False)


def test_proven_numbers_count_at_their_worse_bound_and_as_far_as_proven() -> None:
    """Bounds that overlap are no difference; bounds that do not overlap are one."""
    wide, below = Estimate(0.040, 0.040, 0.046), Estimate(0.041, 0.041, 0.0415)
    apart = Estimate(0.030, 0.030, 0.035)
    overlapping = [cell("wide", 20, 0.8, error=wide), cell("below", 20, 0.8, error=below)]
    assert names(pareto(overlapping, (PATIENTS, ERROR))) == ["below", "wide"]
    assert names(pareto([*overlapping, cell("apart", 20, 0.8, error=apart)], (PATIENTS, ERROR))) == ["apart"]


def test_simulated_numbers_count_as_found_with_their_error() -> None:
    """Two powers 1.5 combined errors apart are no difference, at 5 they are; their numbers come back whole."""

    def made(power: float) -> Estimate:
        return Estimate(power, power - 0.04, power + 0.04, 0.01, 2000)

    given = [cell("a", 20, made(0.80)), cell("b", 20, made(0.82))]
    found = pareto(given, (PATIENTS, POWER))
    assert (names(found), found.simulated) == (["b", "a"], True)
    assert found.members[0].values[1] == made(0.82)
    assert names(pareto([*given, cell("c", 20, made(0.89))], (PATIENTS, POWER))) == ["c"]


def test_failed_cells_are_counted_and_told() -> None:
    """What has no numbers is no design; the first reasons are kept, all are counted."""
    failed = [Cell((("rule.alpha", k),), CellResult(failure=f"fault {k}"), ()) for k in range(12)]
    bare = Cell((), CellResult((OperatingCharacteristics("hoped", "points", ()),), 20), ())
    found = pareto([*failed, bare, cell("a", 20, 0.8)], (PATIENTS, POWER))
    assert (found.designs, found.unplaced, len(found.reasons)) == (1, 13, 10)
    assert found.reasons[0].why == "fault 0"
    assert pareto([bare], (POWER,)).reasons[0].why == "no power under hoped"
    assert pareto([], (PATIENTS, POWER)).members == ()


def test_a_cell_without_the_number_of_a_target_has_failed() -> None:
    """A target that cannot be evaluated is told, and the design has no place: it never passes."""
    scenario = read_scenario("as-simon").scenario
    truths = tuple(OperatingCharacteristics(name, "points", ()) for name in scenario.truths)
    failed = judged(scenario, (("looks", 1),), CellResult(truths, 41))
    assert failed.result.failure == "a target asks for power, which it does not have"
    assert pareto([failed], (PATIENTS,)).unplaced == 1


def test_one_analysis_expects_all_patients() -> None:
    """Where a trial cannot stop early, the expected number of patients is the number of patients."""
    found = pareto([cell("a", 24, 0.8)], (EXPECTED,))
    assert found.members[0].values == (exactly(24.0),)


def test_what_aims_mean() -> None:
    """First points truth, first truth without effect, first design prior, in the order of the aims."""
    asked = Pareto(aims=("assurance", "expected_n", "type_i_error", "power", "patients"))
    found = aims_of(read_scenario("as-simon").scenario, asked, (), "it")
    assert [aim.truth for aim in found] == ["uncertain", "hoped", "no-effect", "hoped", None]
    visits = aims_of(read_scenario("as-visits").scenario, Pareto(aims=("power", "type_i_error")), (), "it")
    assert [aim.truth for aim in visits] == ["expected", "no-effect"]


def test_missing_truths_and_changed_realities_are_refused() -> None:
    """Every fault at once: an aim without a truth, an aim twice, and an axis along which the truth changes."""
    scenario = read_scenario("sjia-two-primaries").scenario
    axes = (Axis(path="design.n", values=(1,)), Axis(path="truths.expected.rates.control", values=(0.1,)))
    lost = scenario.model_copy(update={"truths": {}, "targets": ()})
    with pytest.raises(InputError) as refused:
        aims_of(lost, Pareto(aims=("patients", "assurance", "type_i_error", "patients")), axes, "it.toml")
    assert [(fault.where, fault.got) for fault in refused.value.faults] == [
        ("it.toml: pareto.aims 2", "'assurance'"),
        ("it.toml: pareto.aims 3", "'type_i_error'"),
        ("it.toml: pareto.aims 4", "'patients' again"),
        ("it.toml: axes 2, path", "'truths.expected.rates.control'"),
    ]


def two_stage(limit: int, null: Fraction, hoped: Fraction) -> Iterator[tuple[Settings, int, float, float, float]]:
    """Every design r1/n1, r/n up to ``limit`` patients, exactly: n, power, type I error, expected n at null."""

    def law(n: int, p: Fraction) -> list[float]:
        return [float(comb(n, x) * p**x * (1 - p) ** (n - x)) for x in range(n + 1)]

    laws = {(n, p): law(n, p) for n in range(limit + 1) for p in (null, hoped)}
    for n1 in range(1, limit):
        for n in range(n1 + 1, limit + 1):
            for r1 in range(n1):
                going = {p: sum(laws[n1, p][r1 + 1 :]) for p in (null, hoped)}
                for r in range(r1, n):
                    wins = {
                        p: sum(
                            laws[n1, p][x] * sum(laws[n - n1, p][max(r + 1 - x, 0) :]) for x in range(r1 + 1, n1 + 1)
                        )
                        for p in (null, hoped)
                    }
                    yield (("r", (r1, n1, r, n)),), n, wins[hoped], wins[null], n1 + going[null] * (n - n1)


SIMON = [
    case
    for case in cases("two_stage.json", "simon_two_stage")
    if max(row[3] for row in case["expected"]["admissible_r1_n1_r_n"]) <= 17
]


@pytest.mark.parametrize("case", SIMON, ids=named)
def test_simons_published_designs_are_on_the_front(case: dict[str, Any]) -> None:
    """Optimal, minimax and admissible designs: on the front of all, and of patients against expected patients alone."""
    asked, expected = case["inputs"], case["expected"]
    null, hoped = (Fraction(str(asked[key])) for key in ("null_rate", "alternative_rate"))
    limit = max(row[3] for row in expected["admissible_r1_n1_r_n"]) + 1
    designs = []
    for settings, n, power, error, expected_n in two_stage(limit, null, hoped):
        holds = power >= 1 - asked["beta"] and error <= asked["alpha"]
        truths = (
            OperatingCharacteristics("hoped", "points", (Metric("power", exactly(power)),)),
            OperatingCharacteristics(
                "none", "no_effect", (Metric("type1_max", exactly(error)), Metric("expected_n", exactly(expected_n)))
            ),
        )
        verdict = Verdict("PASS" if holds else "FAIL", "power", "hoped", exactly(power), "at_least", 0.0)
        designs.append(Cell(settings, CellResult(truths, n), (verdict,)))
    found = pareto(designs, (PATIENTS, EXPECTED, POWER, ERROR))
    published = [tuple(expected[which][key] for key in ("r1", "n1", "r", "n")) for which in ("optimal", "minimax")]
    published += map(tuple, expected["admissible_r1_n1_r_n"])
    assert set(published) <= {member.settings[0][1] for member in found.members if member.holds}
    assert found.cheapest is not None
    assert found.cheapest.settings[0][1] == published[1]
    feasible = pareto([one for one in designs if one.verdicts[0].outcome == "PASS"], (PATIENTS, EXPECTED))
    stays = [member.settings[0][1] for member in feasible.members]
    assert set(published) <= set(stays)
    assert (stays[0], stays[-1]) == (published[1], published[0])
