"""Paths that name no single field: patients, allocation, looks, drop-out, drift, robust weights, definition, test."""

from __future__ import annotations

import copy
from functools import cache
from math import log
from typing import Any

import pytest
from tests.tolerances import ROUNDING

from anatrial.documents.base import Base
from anatrial.domain.counts import Look
from anatrial.domain.trial import Table
from anatrial.errors import InputError
from anatrial.files.scenarios import read_base
from anatrial.plan.compare_tests import compare_tests
from anatrial.plan.evaluate import evaluate
from anatrial.plan.special_settings import apply, faults_of_axes
from anatrial.plan.variants import variant
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.exact_binomial import ExactBinomial


@cache
def base_of(name: str) -> Base:
    return read_base(name)[0]


def data_of(name: str, *settings: tuple[str, Any]) -> dict[str, Any]:
    """The content of a shipped scenario with settings applied; the scenario itself must stay as it was."""
    base = base_of(name)
    before = copy.deepcopy(base.data)
    found = apply(base, settings).data
    assert base.data == before
    return found


def sized(name: str, **design: Any) -> Base:
    """A shipped scenario with another design."""
    base = base_of(name)
    data = {**base.data, "design": design}
    return Base(base.name, base.where, data, base.indication, base.derived, base.priors_from)


def fault(base: Base, *settings: tuple[str, Any]) -> tuple[str, str, str, str]:
    with pytest.raises(InputError) as error:
        apply(base, settings)
    (found,) = error.value.faults
    return found


def test_n_keeps_the_allocation_of_the_file() -> None:
    """24 : 6 with 7 control patients is 28 : 7; one arm has n patients."""
    assert data_of("as-24-v-6", ("design.n", 7))["design"]["n"] == {"treatment": 28, "control": 7}
    assert data_of("sjia-next-trial", ("design.n", 30))["design"]["n"] == {"treatment": 30, "control": 30}
    assert data_of("as-single-arm", ("design.n", 31))["design"]["n"] == {"treatment": 31}
    assert data_of("sjia-next-trial", ("design.n", {"treatment": 9, "control": 4}))["design"]["n"]["control"] == 4


def test_n_keeps_the_shares_of_the_looks() -> None:
    """Looks at 20, 35 and 50 of 50 lie at 24.4, 42.7 and 61 of 61, rounded to whole patients."""
    looks = data_of("as-group-sequential", ("design.n", 61))["design"]["looks"]
    assert looks == [{"treatment": k, "control": k} for k in (24, 43, 61)]


def test_n_of_another_kind_of_trial_is_its_own() -> None:
    """A table n of any kind of trial keeps its ratio; a number n is a plain field."""
    before = base_of("as-visits").data["design"]
    after = data_of("as-visits", ("design.n", 17))["design"]
    assert after["n"]["control"] == 17
    assert after["n"]["treatment"] * before["n"]["control"] == 17 * before["n"]["treatment"]
    assert {**after, "n": before["n"]} == before
    assert data_of("ra-adaptive-doses", ("design.n", 60))["design"]["n"] == 60


@pytest.mark.parametrize(
    ("n", "got", "fix"),
    [
        (7, "7 control patients at 30 : 20", "take 6 or 8"),
        (1, "1 control patients at 30 : 20", "take 2"),
        (2.5, "2.5", ""),
        (0, "0", ""),
        (True, "true", ""),
        (2001, "2001", ""),
        (1500, "2250 treatment patients", ""),
        ("many", '"many"', ""),
    ],
)
def test_n_that_gives_no_whole_patients_is_refused(n: Any, got: str, fix: str) -> None:
    """3 : 2 needs an even control arm; sizes beyond what is enumerated and what is no number are told as given."""
    base = sized("sjia-next-trial", kind="fixed", n={"treatment": 30, "control": 20})
    found = fault(base, ("design.n", n))
    assert found[0].startswith("sjia-next-trial: design.n = ")
    assert found[1] == got
    assert found[3] == fix


@pytest.mark.parametrize(
    ("ratio", "n"),
    [(1, (24, 24)), (2, (32, 16)), (0.5, (16, 32)), (3.0, (36, 12)), ({"treatment": 3, "control": 5}, (18, 30))],
)
def test_allocation_keeps_the_total(ratio: Any, n: tuple[int, int]) -> None:
    """48 patients at 2 : 1 are 32 + 16, at 3 : 5 they are 18 + 30."""
    found = data_of("sjia-next-trial", ("allocation", ratio))["design"]["n"]
    assert (found["treatment"], found["control"]) == n


def test_allocation_follows_n_and_moves_every_look() -> None:
    """30 + 30 at 2 : 1 are 40 + 20, whichever axis comes first; looks at 20, 35, 50 of 50 + 50 at 3 : 1 too."""
    for order in (1, -1):
        settings = (("design.n", 30), ("allocation", 2))[::order]
        assert data_of("sjia-next-trial", *settings)["design"]["n"] == {"treatment": 40, "control": 20}
    looks = data_of("as-group-sequential", ("allocation", 3))["design"]["looks"]
    assert looks == [{"treatment": t, "control": c} for t, c in ((30, 10), (53, 18), (75, 25))]


def test_allocation_that_splits_a_patient_names_totals_that_work() -> None:
    """48 patients do not divide 3 : 2; 45 and 50 do."""
    found = fault(base_of("sjia-next-trial"), ("allocation", 1.5))
    assert found[1:] == ("48 patients at 3 : 2", "a total that is a multiple of 5", "plan 45 or 50 patients in all")


@pytest.mark.parametrize(
    "value", [0, -1, 21, "2:1", True, {"treatment": 1}, float("inf"), {"treatment": 0, "control": 1}]
)
def test_allocation_must_be_a_ratio(value: Any) -> None:
    """Zero, negative, more than 20 to 1, or one side only is refused."""
    assert fault(base_of("sjia-next-trial"), ("allocation", value))[2].startswith("a number above 0 and at most 20")


def test_looks_are_equally_spaced() -> None:
    """Five looks at 50 + 50 are at 10, 20, ...; three are at 16.7, 33.3 and 50, rounded."""
    five = data_of("as-group-sequential", ("looks", 5))["design"]
    assert [look["treatment"] for look in five["looks"]] == [10, 20, 30, 40, 50]
    three = data_of("as-group-sequential", ("looks", 3))["design"]
    assert [look["control"] for look in three["looks"]] == [17, 33, 50]
    assert three["pipeline"] == base_of("as-group-sequential").data["design"]["pipeline"]


def test_one_look_is_a_fixed_design_with_the_same_decision() -> None:
    """Of monitored the final rule is left; a group-sequential or exact test spends all of alpha at the one look."""
    monitored = data_of("sjia-futility", ("looks", 1))
    assert monitored["design"] == {"kind": "fixed", "n": {"treatment": 24, "control": 24}}
    assert monitored["rule"] == base_of("sjia-futility").data["rule"]["final"]
    for name, form in (("as-group-sequential", ChiSquare), ("sjia-first-line-looks", ExactBinomial)):
        rule = variant(base_of(name), ()).resolved.rule
        look = variant(base_of(name), ()).resolved.design.looks()[-1]
        once = form.model_validate(data_of(name, ("looks", 1))["rule"])
        (by_looks,), (by_end,) = rule.regions((look,)), once.regions((look,))
        assert by_end.success == by_looks.success
        assert by_end.success.runs


@pytest.mark.parametrize("count", [0, 7, 2.0, "two", True, 10**9])
def test_looks_must_be_a_number_that_the_trial_can_have(count: Any) -> None:
    """Two arms have one to six looks."""
    assert fault(base_of("as-group-sequential"), ("looks", count))[2] == "a whole number of looks from 1 to 6"


def test_rules_without_one_analysis_say_so() -> None:
    """Fleming's procedure has no form with one look, and six looks at four patients would repeat themselves."""
    assert "fleming" in fault(base_of("aosd-fleming"), ("looks", 1))[2]
    short = sized("as-group-sequential", kind="sequential", looks=[{"treatment": 2, "control": 2}] * 2)
    assert fault(short, ("looks", 5))[3] == "take fewer looks"


def test_drop_out_is_that_of_every_arm_and_truth() -> None:
    """One number reaches both truths of completers; what is among the randomised refuses it with the reason."""
    truths = data_of("as-single-arm", ("dropout", 0.2))["truths"]
    assert [truths[name]["dropout"] for name in ("hoped", "as-observed")] == [{"treatment": 0.2}] * 2
    two = data_of("as-completers-only", ("dropout", 0.1))["truths"]["hoped"]["dropout"]
    assert (two["treatment"], two["control"]) == (0.1, 0.1)
    assert two["counted"] == base_of("as-completers-only").data["truths"]["hoped"]["dropout"]["counted"]
    found = fault(base_of("sjia-next-trial"), ("dropout", 0.1))
    assert found[0] == "sjia-next-trial: dropout = 0.1: truths.expected.dropout"
    assert found[1] == "rates among the randomised, which already count who drops out"
    assert fault(base_of("as-single-arm"), ("dropout", 1.0))[2] == "a share from 0 to below 1"


def test_drift_moves_the_odds_of_control_rates() -> None:
    """Three times the odds of 1/4 are 1/2, of 1/10 they are 1/4, of 7/20 they are 21/34; treatment stays."""
    truths = data_of("sjia-next-trial", ("drift", log(3)))["truths"]
    assert truths["expected"]["rates"] == {"treatment": 0.60, "control": pytest.approx(0.5, rel=ROUNDING)}
    assert truths["no-effect"]["control"]["from"] == pytest.approx(0.25, rel=ROUNDING)
    assert truths["no-effect"]["control"]["to"] == pytest.approx(21 / 34, rel=ROUNDING)
    assert truths["uncertain"] == base_of("sjia-next-trial").data["truths"]["uncertain"]
    grid = data_of("as-24-v-6", ("drift", log(3)))["truths"]["rates"]["rates"]
    assert grid["control"] == pytest.approx([9 / 26, 1 / 2, 21 / 34], rel=ROUNDING)


def test_drift_leaves_equal_rates_equal_and_moves_the_rate_to_beat() -> None:
    """An idle treatment does what control does; in a single arm, what the rate to beat would have been."""
    idle = data_of("as-group-sequential", ("drift", 0.5))["truths"]["idle"]["rates"]
    assert idle["treatment"] == idle["control"] > 0.25
    single = data_of("as-simon", ("drift", -0.5))["truths"]
    assert single["as-placebo"]["rates"]["treatment"] == single["no-effect"]["control"]["to"] < 0.25
    assert single["hoped"] == base_of("as-simon").data["truths"]["hoped"]


def test_no_drift_is_the_file_itself() -> None:
    """A shift of 0 leaves every digit, and rates of 0 and 1, whose odds do not move, stay under any shift."""
    assert data_of("sjia-next-trial", ("drift", 0)) == base_of("sjia-next-trial").data
    assert data_of("anajis", ("drift", 1.0))["truths"]["no-effect"]["control"] == {"from": 0.0, "to": 1.0}
    assert fault(base_of("sjia-next-trial"), ("drift", 6))[2] == "a shift of the log odds from -5 to 5"


def test_robust_weight_reaches_every_named_prior_of_a_table() -> None:
    """Named priors get the weight; those written out stay, and a table without names refuses it."""
    new = data_of(
        "sjia-next-trial", ("rule.analysis_prior.robust_weight", 0.5), ("truths.uncertain.robust_weight", 0.1)
    )
    assert new["rule"]["analysis_prior"]["control"] == {"prior": "placebo-discounted", "robust_weight": 0.5}
    assert new["rule"]["analysis_prior"]["treatment"] == {"a": 1, "b": 1}
    assert new["truths"]["uncertain"]["control"]["robust_weight"] == 0.1
    final = data_of("sjia-futility", ("rule.final.analysis_prior.robust_weight", 0.3))["rule"]["final"][
        "analysis_prior"
    ]
    assert final["control"]["robust_weight"] == 0.3
    assert fault(base_of("sjia-next-trial"), ("truths.expected.robust_weight", 0.5))[1] == "no prior by name"
    assert fault(base_of("sjia-next-trial"), ("truths.uncertain.robust_weight", 1.5))[2] == "a weight from 0 to 1"


def test_a_prior_by_name_keeps_the_robust_weight_that_is_written() -> None:
    """The name is a plain field; the weight that stands beside it is of the file."""
    settings = (("rule.analysis_prior.control.prior", "placebo-map"), ("rule.analysis_prior.robust_weight", 0.5))
    control = data_of("sjia-next-trial", *settings)["rule"]["analysis_prior"]["control"]
    assert control == {"prior": "placebo-map", "robust_weight": 0.5}


@pytest.mark.parametrize("endpoint", ["modified-acr30", "acr30-no-fever", "acr30"])
def test_definition_gives_the_power_of_the_table_of_definitions(endpoint: str) -> None:
    """The planned truth with the rates of a definition has the power that the run prints in that definition's row."""
    base = base_of("sjia-anajis-switch")
    tables = [t for t in evaluate(variant(base, ())).tables if isinstance(t, Table) and t.name == "definitions"]
    rows = {str(row[0]).removesuffix(" (this trial's)"): row[-2] for row in tables[0].rows}
    found = evaluate(variant(base, (("definition", endpoint),))).of("expected").metric("power").estimate.value
    assert found == pytest.approx(rows[endpoint], rel=ROUNDING)


def test_definition_is_one_of_the_file() -> None:
    """7 of 12 on placebo by acr30; what is no definition is told with the nearest one."""
    rates = data_of("sjia-anajis-switch", ("definition", "acr30"))["truths"]["expected"]["rates"]
    assert rates == {"treatment": pytest.approx(11 / 12), "control": pytest.approx(7 / 12)}
    assert fault(base_of("sjia-anajis-switch"), ("definition", "acr31"))[3] == "did you mean 'acr30'?"
    with pytest.raises(InputError, match=r"\[\[definitions\]\] to choose from"):
        apply(base_of("anajis"), (("definition", "acr30"),))


@pytest.mark.parametrize("name", ["anajis", "sjia-next-trial", "gout-non-inferiority"])
def test_every_test_of_the_menu_decides_as_anatrial_tests_says(name: str) -> None:
    """The rule of each name rejects the very tables of that row, at the rule's own level; its own name is idle."""
    base = base_of(name)
    for row in compare_tests(variant(base, ())).tests:
        resolved = variant(base, (("test", row.name),)).resolved
        (regions,) = resolved.rule.regions(resolved.design.looks())
        assert (regions.success, regions.harm) == (row.decision.success, row.decision.harm)
        if row.own:
            assert data_of(name, ("test", row.name)) == base.data
    assert fault(base, ("test", "fischer"))[2] == "a test of anatrial tests"
    assert fault(base, ("test", ["fisher"]))[1] == '["fisher"]'


def test_a_test_takes_the_level_of_another_axis() -> None:
    """Plain fields come first: Fisher's test at the alpha of the other axis, not of the file."""
    rule = data_of("anajis", ("test", "fisher_midp (doubled)"), ("rule.alpha_two_sided", 0.11))["rule"]
    assert (rule["kind"], rule["alpha_two_sided"]) == ("fisher_midp", 0.11)


@pytest.mark.parametrize(
    ("name", "path", "got"),
    [
        ("as-simon", "allocation", "a single arm"),
        ("as-simon", "test", "responders"),
        ("anajis", "looks", "'fisher'"),
        ("anajis", "definition", "none"),
        ("sjia-next-trial", "dropout", "rates among the randomised, which already count who drops out"),
        ("il1-basket", "drift", "'basket'"),
        ("il1-basket", "design.n", "a design of another form"),
        ("anajis", "truths.expected.robust_weight", "no prior by name in truths.expected"),
    ],
)
def test_a_special_path_that_does_not_apply_is_told_once_per_axis(name: str, path: str, got: str) -> None:
    """Before any cell is computed, with the reason."""
    found = faults_of_axes(base_of(name), variant(base_of(name), ()).scenario, [path])
    assert [one.got for one in found] == [got]
    assert found[0].where.startswith(f'{name}: path "{path}"')


@pytest.mark.parametrize(
    ("name", "paths", "clashes"),
    [
        ("sjia-next-trial", ["design.n", "design.n.control"], 1),
        ("sjia-next-trial", ["rule", "rule.certainty"], 1),
        ("sjia-next-trial", ["rule.certainty", "rule.certainty"], 1),
        ("as-group-sequential", ["design.looks.1.control", "design.looks[1].control"], 1),
        ("as-group-sequential", ["looks", "design.looks.1.control"], 1),
        ("as-single-arm", ["dropout", "truths.hoped.dropout.treatment"], 1),
        ("sjia-anajis-switch", ["definition", "truths.expected.rates.control"], 1),
        ("sjia-next-trial", ["rule.analysis_prior.robust_weight", "rule.analysis_prior.control.robust_weight"], 1),
        ("sjia-next-trial", ["rule.analysis_prior.robust_weight", "rule.analysis_prior.control.prior"], 0),
        ("sjia-next-trial", ["rule.analysis_prior.robust_weight", "rule.analysis_prior"], 0),
        ("sjia-next-trial", ["design.n", "allocation", "drift", "test", "rule.certainty"], 0),
        ("as-group-sequential", ["design.n", "looks", "allocation", "drift"], 0),
    ],
)
def test_two_axes_for_one_place_are_a_fault(name: str, paths: list[str], clashes: int) -> None:
    """One of them would do nothing; settings that build on each other are none."""
    base = base_of(name)
    assert len(faults_of_axes(base, variant(base, ()).scenario, paths)) == clashes
    if clashes:
        with pytest.raises(InputError):
            apply(base, tuple((path, 1) for path in paths))


def test_look_totals_are_whole_patients() -> None:
    """Whatever the looks, the trial that is decided has the totals that were set."""
    used = variant(base_of("as-group-sequential"), (("looks", 4), ("design.n", 40)))
    assert used.resolved.design.looks() == tuple(Look(k, k) for k in (10, 20, 30, 40))
