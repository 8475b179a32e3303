"""All tests side by side: each number from sums over tables in whole numbers, and what is compared with what."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any, get_args

import pytest
from tests.building import cases, named, resolved
from tests.figures import kept_figures
from tests.tolerances import ROUNDING, printed

from anatrial import Evaluation, compare_tests, evaluate, read_scenario
from anatrial.documents.scenario import ResolvedScenario, counts_trial
from anatrial.domain.counts import Region
from anatrial.domain.test_menu import ComparedTest, ComparedTests
from anatrial.errors import InputError
from anatrial.plan.compare_tests import menu, written
from anatrial.report import tests_picture, tests_text
from anatrial.rules.base import SidedTest
from anatrial.rules.final import FinalRule

TRUTHS = """
truths.expected = { kind = "points", rates = { treatment = 0.7, control = 0.2 } }
truths.no-effect = { kind = "no_effect", control = { from = 0.1, to = 0.3 }, why = "a test" }
targets = [{ metric = "type_i_error", truth = "no-effect", at_most = 0.05 }]
"""
UNIFORM = "{ treatment = { a = 1, b = 1 }, control = { a = 1, b = 1 } }"
FLAT = f"{{ kind = 'posterior', certainty = 0.95, analysis_prior = {UNIFORM}"


def used(n_t: int, n_c: int, rule: str, truths: str = TRUTHS) -> ResolvedScenario:
    """A two-arm trial under a rule."""
    design = f'design = {{ kind = "fixed", n = {{ treatment = {n_t}, control = {n_c} }} }}'
    return resolved(f"{design}\nrule = {rule}\n{truths}")


def by_name(found: ComparedTests) -> dict[str, ComparedTest]:
    """The tests by their words."""
    return {test.name: test for test in found.tests}


def chance(region: Region, rate_t: Fraction, rate_c: Fraction) -> Fraction:
    """P(region), counted table by table."""
    n_t, n_c = region.look
    return sum(
        (
            comb(n_t, x_t) * rate_t**x_t * (1 - rate_t) ** (n_t - x_t) * comb(n_c, x_c) * rate_c**x_c
            * (1 - rate_c) ** (n_c - x_c)
            for x_c, first, last in region.runs
            for x_t in range(first, last + 1)
        ),
        Fraction(0),
    )  # fmt: skip


def test_anajis_side_by_side() -> None:
    """12 v 12 at 0.7 v 0.1, two-sided 5 %: Boschloo and pooled z have 0.8954 at size 0.0449, Fisher what a run says."""
    found = by_name(compare_tests(read_scenario("anajis")))
    for name in ("boschloo (doubled)", "boschloo (no_more_likely)", "z_pooled (absolute)", "z_pooled (doubled)"):
        decision = found[name].decision
        assert decision.chances[0].success == pytest.approx(0.8954, abs=printed(4))
        assert decision.type_i_errors[0].estimate.upper == pytest.approx(0.0449, abs=printed(4))
    run = evaluate(read_scenario("anajis"))
    assert isinstance(run, Evaluation)
    own = found["fisher (no_more_likely)"]
    assert own.own
    assert (own.decision.success, own.decision.harm) == (run.regions.success, run.regions.harm)
    assert own.decision.chances[0].success == run.of("expected").metric("power").estimate.value
    assert own.decision.type_i_errors[0].estimate == run.of("no-effect").metric("type1_max_everywhere").estimate


NAMES = {
    "fisher": ("fisher", "fisher (no_more_likely)"),
    "fisher_doubled": ("", "fisher (doubled)"),
    "fisher_midp": ("fisher_midp", "fisher_midp (doubled)"),
    "boschloo": ("boschloo", "boschloo (no_more_likely)"),
    "boschloo_doubled": ("", "boschloo (doubled)"),
    "barnard_z_pooled": ("z_pooled", "z_pooled (absolute)"),
    "barnard_z_unpooled": ("z_unpooled", "z_unpooled (absolute)"),
    "chi2_uncorrected": ("chi_square", "chi_square"),
    "chi2_yates": ("chi_square (continuity)", "chi_square (continuity)"),
}
"""The reference's tests: their words here, one-sided and two-sided."""
PEERS = [c for c in cases("frequentist.json", "two_arm_exact_power") if max(c["inputs"]["n_treatment"], 24) == 24]


@pytest.mark.parametrize("case", PEERS, ids=named)
def test_every_row_is_the_peers(case: dict[str, Any]) -> None:
    """P(rejects) at every pair of rates, the number of tables and the largest type I error are the peer's."""
    given, expected, within = case["inputs"], case["expected"], case["tolerance"]
    both = given["alternative"] == "two-sided"
    pairs = given["rate_pairs_treatment_control"]
    rates = [
        f'truths.at-{k} = {{ kind = "points", rates = {{ treatment = {t}, control = {c} }} }}'
        for k, (t, c) in enumerate(pairs)
    ]
    rule = f"{{ kind = 'fisher', {'alpha_two_sided' if both else 'alpha'} = {given['alpha']} }}"
    targets = 'targets = [{ metric = "power", truth = "at-0", at_least = 0 }]'
    found = compare_tests(used(given["n_treatment"], given["n_control"], rule, "\n".join([*rates, targets])))
    decision = by_name(found)[NAMES[given["test"]][both]].decision
    powers = [c.success + c.harm for c in decision.chances]
    assert powers == pytest.approx(expected["power"], abs=within["abs"])
    assert decision.success.tables + decision.harm.tables == expected["number_of_rejected_tables"]
    size = decision.type_i_errors[0].estimate
    assert size.value == pytest.approx(expected["type1_max"], abs=within["type1_max"])


@pytest.mark.parametrize(("n_t", "n_c"), [(8, 8), (9, 4), (5, 10)])
@pytest.mark.parametrize("alpha", ["alpha = 0.05", "alpha_two_sided = 0.1"])
def test_sizes_powers_and_promises_against_whole_numbers(n_t: int, n_c: int, alpha: str) -> None:
    """Power is the sum over tables, no rate passes the proven size, and a promised level is held at every rate."""
    found = compare_tests(used(n_t, n_c, f"{{ kind = 'fisher', {alpha} }}"))
    for test in found.tests:
        regions, (everywhere, stated) = test.decision, test.decision.type_i_errors
        power = chance(regions.success, Fraction(7, 10), Fraction(2, 10))
        assert test.decision.chances[0].success == pytest.approx(float(power), rel=1e-11)
        errors = {
            k: float(chance(regions.success, Fraction(k, 40), Fraction(k, 40)))
            + float(chance(regions.harm, Fraction(k, 40), Fraction(k, 40)))
            for k in range(41)
        }
        assert max(errors.values()) <= everywhere.estimate.upper + ROUNDING
        assert max(errors[k] for k in range(4, 13)) <= stated.estimate.upper + ROUNDING
        at_worst = Fraction(everywhere.at)
        exact = chance(regions.success, at_worst, at_worst) + chance(regions.harm, at_worst, at_worst)
        assert everywhere.estimate.value == pytest.approx(float(exact), rel=1e-10)
        if test.promises_level:
            assert everywhere.outcome == "PASS"
            assert max(errors.values()) <= found.level
        assert (everywhere.outcome == "FAIL") == (float(exact) > found.level)


def test_the_menu_is_the_union_of_rules() -> None:
    """Every two-arm test that a scenario can name is compared, two-sided in each of its kinds, and no other."""
    families = {family for family in get_args(FinalRule) if issubclass(family, SidedTest)}
    for two_sided in (False, True):
        rules, _ = menu(0.05, two_sided=two_sided)
        assert families <= {type(rule) for rule in rules}
        assert len({written(rule) for rule in rules}) == len(rules)
        assert all(rule.two_sided == two_sided for rule in rules)
    assert {written(rule) for rule in menu(0.05, two_sided=True)[0]} == {
        *("boschloo (doubled)", "boschloo (no_more_likely)", "chi_square", "chi_square (continuity)"),
        *("fisher (doubled)", "fisher (no_more_likely)", "fisher_midp (doubled)", "fisher_midp (no_more_likely)"),
        *("z_pooled (absolute)", "z_pooled (doubled)", "z_unpooled (absolute)", "z_unpooled (doubled)"),
    }
    assert [written(rule) for rule in menu(0.05, two_sided=False, margin=-0.1)[0]] == ["score"]


def test_tests_that_decide_alike_share_a_letter() -> None:
    """At margin 0 the score test is the pooled z test; each other letter stands for other tables."""
    found = compare_tests(used(12, 12, "{ kind = 'fisher', alpha = 0.025 }"))
    tests = by_name(found)
    assert tests["score"].decision is tests["z_pooled"].decision
    regions = [(d.success, d.harm) for d in found.decisions]
    assert len(set(regions)) == len(regions)
    assert [d.letter for d in found.decisions] == list("ABCDEFGHIJ")[: len(regions)]


def test_a_rule_that_is_no_test_stands_first_at_the_level_of_its_target() -> None:
    """The level is the strictest upper bound on type I error, one-sided; the rule's own numbers are those of a run."""
    truths = TRUTHS.replace(
        "at_most = 0.05 }", "at_most = 0.05 },{ metric = 'type_i_error', truth = 'no-effect', at_most = 0.04 }"
    )
    prior = "{ kind = 'design_prior', treatment = { a = 6, b = 4 }, control = { a = 2, b = 8 } }"
    grid = "{ kind = 'grid', rates = { treatment = [0.5, 0.7], control = [0.1, 0.2] } }"
    scenario = used(12, 12, FLAT + "}", f"{truths}\ntruths.uncertain = {prior}\ntruths.rates = {grid}")
    found, run = compare_tests(scenario), evaluate(scenario)
    own = found.tests[0]
    assert (own.name, own.own, own.promises_level, found.own) == ("posterior", True, False, own)
    assert (found.level, found.two_sided) == (0.04, False)
    assert [test.own for test in found.tests[1:]] == [False] * (len(found.tests) - 1)
    expected = {
        "expected": run.of("expected").metric("power"),
        "uncertain": run.of("uncertain").metric("assurance"),
        "rates": run.of("rates").metric("power"),
    }
    for chances in own.decision.chances:
        assert chances.success == pytest.approx(expected[chances.truth].estimate.value, rel=ROUNDING)


def test_with_a_margin_only_the_score_test_is_comparable() -> None:
    """Both rules are judged on the edge of the null, where the treatment rate is the control rate plus the margin."""
    found = compare_tests(used(14, 10, FLAT + ", margin = -0.2 }", TRUTHS.replace("from = 0.1", "from = 0.2")))
    assert [test.name for test in found.tests] == ["posterior", "score"]
    assert {left.name for left in found.left_out} == {
        *("boschloo", "chi_square", "fisher", "fisher_midp", "z_pooled", "z_unpooled")
    }
    margin = Fraction(-1, 5)
    for test in found.tests:
        overall = test.decision.type_i_errors[0]
        success = test.decision.success
        edge = [float(chance(success, Fraction(k, 50) + margin, Fraction(k, 50))) for k in range(10, 51)]
        assert max(edge) <= overall.estimate.upper + ROUNDING
        at = Fraction(overall.at)
        assert overall.estimate.value == pytest.approx(float(chance(success, at + margin, at)), rel=1e-9)
    assert found.tests[1].decision.type_i_errors[0].outcome == "PASS"


@pytest.mark.parametrize(
    ("rule", "truths", "got"),
    [
        (FLAT + "}", TRUTHS.replace("at_most", "at_least"), "no upper bound on the type I error"),
        (FLAT + "}", TRUTHS.replace("at_most = 0.05", "at_most = 0.6"), "type I error at most 0.6"),
    ],
)
def test_a_rule_that_is_no_test_needs_a_level(rule: str, truths: str, got: str) -> None:
    """Without a level that a test could have there is nothing to compare."""
    with pytest.raises(InputError) as refused:
        compare_tests(used(12, 12, rule, truths))
    assert refused.value.faults[0].got == got


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("as-single-arm", "a single arm"),
        ("as-equivalence", "kind 'criteria'"),
        ("as-group-sequential", "several looks"),
    ],
)
def test_other_trials_are_refused(name: str, got: str) -> None:
    """One arm, several looks, and rules that do not ask for more on treatment are no case for these tests."""
    with pytest.raises(InputError) as refused:
        compare_tests(read_scenario(name))
    assert [fault.got for fault in refused.value.faults] == [got]


def test_the_text_shows_holes_and_fits_the_page() -> None:
    """46 v 11, Fisher by tables no more likely: 14/46 v 0/11 rejects, 15/46 does not, 16/46 does; and it says so."""
    scenario = used(46, 11, "{ kind = 'fisher', alpha_two_sided = 0.05 }")
    found = compare_tests(scenario)
    text = tests_text.comparison_text(found, scenario)
    assert "14,16-46" in text
    assert "not 15" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "fisher (no_more_likely) *" in text
    assert "NOTE  not compared: score" in text
    own = found.own.decision.success
    assert [(x, 0) in own for x in (13, 14, 15, 16)] == [False, True, False, True]


def test_the_text_flags_what_breaks_the_level() -> None:
    """A test whose type I error passes the level is named, the others are not."""
    scenario = counts_trial(read_scenario("anajis"), "tests")
    found = compare_tests(scenario)
    text = tests_text.comparison_text(found, scenario)
    rows = {line[:29].strip(): line for line in text.split("\n\n")[1].splitlines()[1:]}
    for test in found.tests:
        row = rows[test.name + (" *" if test.own else "")]
        assert ("BROKEN" in row) == (test.decision.type_i_errors[0].estimate.value > 0.05)
    assert "some rate under chi_square:" in " ".join(text.split())


def test_a_long_table_is_cut_and_says_so() -> None:
    """Beyond 30 control patients the page shows a few control counts, and the JSON content has them all."""
    scenario = used(40, 40, "{ kind = 'fisher', alpha = 0.025 }")
    found = compare_tests(scenario)
    text = tests_text.comparison_text(found, scenario)
    assert "All other control counts are in the output of --json." in text
    content = tests_text.comparison_content(found)
    own = next(test for test in content["tests"] if test["own"])
    decision = next(d for d in content["decisions"] if d["letter"] == own["decision"])
    assert decision["success"] == [list(run) for run in found.own.decision.success.runs]
    assert (content["format"], content["version"]) == ("anatrial-tests", 1)


def drawn(monkeypatch: pytest.MonkeyPatch, scenario: ResolvedScenario) -> Any:
    """The figure of a comparison, before it becomes a file."""
    figures = kept_figures(monkeypatch, tests_picture)
    tests_picture.comparison_picture(compare_tests(scenario), scenario, "png")
    return figures[0]


def test_the_picture_has_a_line_per_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each decision has one line left and right, named with all its tests; the level and the hole are marked."""
    scenario = used(46, 11, "{ kind = 'fisher', alpha_two_sided = 0.05 }")
    figure, found = drawn(monkeypatch, scenario), compare_tests(scenario)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(words) == len(found.decisions)
    assert all(any(test.name in " ".join(word.split()) for word in words) for test in found.tests)
    left, right = figure.axes
    crosses = [line for line in left.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[0]]
    curves = [line for line in right.lines if len(line.get_xdata()) > 100]
    assert [list(line.get_ydata()) for line in curves] == [list(d.curve.values) for d in found.decisions]
    assert "level 0.05" in [text.get_text() for text in right.texts]
    assert "x: a hole" in left.get_title(loc="left")


def test_the_picture_draws_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single decision is drawn where it is: the least success minus the control responders."""
    scenario = used(12, 12, "{ kind = 'score', alpha = 0.025, margin = -0.1 }")
    left = drawn(monkeypatch, scenario).axes[0]
    heights = compare_tests(scenario).own.decision.success.staircase
    assert heights is not None
    expected = {x_c: first - x_c for x_c, first in enumerate(heights) if first is not None}
    x, y = left.lines[0].get_xdata(), left.lines[0].get_ydata()
    assert {int(a + 0.5): b for a, b in zip(x[::2], y[::2], strict=True)} == expected


def test_the_picture_cuts_what_would_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A type I error near 1, as after much borrowing, does not squash the tests that hold the level; it says so."""
    right = drawn(monkeypatch, counts_trial(read_scenario("as-24-v-6"), "tests")).axes[1]
    assert right.get_ylim() == pytest.approx((0.0, 0.2))
    assert "cut at 4 times the level" in right.get_title(loc="left")
