"""Designs side by side: whose number stands where, what is best, and what is not the same reality."""

from __future__ import annotations

import json
from functools import cache

import pytest
from tests.building import resolved
from tests.figures import kept_figures
from tests.tolerances import ROUNDING

from anatrial import evaluate, read_scenario
from anatrial.domain.compared_designs import Better, ComparedDesigns, ComparedRow, Mark
from anatrial.domain.results import Estimate, exactly
from anatrial.errors import InputError
from anatrial.plan.compare_designs import Evaluated, _arms, _patients, better, compare_designs, marks, refuse_number
from anatrial.report import compare_designs_picture
from anatrial.report.compare_designs_text import compared_content, compared_text
from anatrial.report.numbers import WIDEST


def trial(n: int, *, rate: float = 0.2, alpha: float = 0.025, lowest: float = 0.1, more: str = "") -> str:
    """A two-arm trial under Fisher's test."""
    return f"""
    design = {{ kind = "fixed", n = {{ treatment = {n}, control = {n} }} }}
    rule = {{ kind = "fisher", alpha = {alpha} }}
    truths.expected = {{ kind = "points", rates = {{ treatment = 0.7, control = {rate} }} }}
    truths.no-effect = {{ kind = "no_effect", control = {{ from = {lowest}, to = 0.3 }}, why = "test {n}" }}
    targets = [{{ metric = "power", truth = "expected", at_least = 0.8 }}]
    {more}
    """


@cache
def evaluated(name: str, body: str) -> Evaluated:
    """A trial with what a run tells of it."""
    used = resolved(body)
    return Evaluated(name, used, evaluate(used))


@cache
def shipped(name: str) -> Evaluated:
    """A shipped scenario with what a run tells of it."""
    used = read_scenario(name)
    return Evaluated(name, used, evaluate(used))


def row(found: ComparedDesigns, truth: str | None, metric: str) -> ComparedRow:
    """One row of a comparison."""
    return next(row for row in found.rows if (row.truth, row.metric) == (truth, metric))


def test_each_number_stands_in_the_column_of_its_design() -> None:
    """Values are those of the runs, by design; patients, arms, looks and verdicts are those of the files."""
    given = [evaluated("small", trial(10)), evaluated("large", trial(24)), evaluated("other", trial(16, alpha=0.05))]
    found = compare_designs(given)
    for metric, truth in (("power", "expected"), ("type1_max", "no-effect")):
        expected = [each.result.of(truth).metric(metric).estimate for each in given]
        assert list(row(found, truth, metric).values) == expected
    assert [design.name for design in found.designs] == ["small", "large", "other"]
    assert [design.patients for design in found.designs] == [20, 48, 32]
    assert found.designs[0].arms == (("anakinra", 10), ("placebo", 10))
    assert [design.looks for design in found.designs] == [1, 1, 1]
    assert [(design.passed, design.failed) for design in found.designs] == [(0, 1), (1, 0), (1, 0)]
    assert row(found, None, "patients").marks == ("best", None, None)
    assert row(found, "expected", "power").marks == (None, "best", None)
    assert row(found, "no-effect", "type1_max").better == "less"
    assert all(truth.same for truth in found.truths)


def test_at_which_rate_is_no_better_or_worse() -> None:
    """The rates of the worst type I errors are told and never marked."""
    found = compare_designs([evaluated("a", trial(10)), evaluated("b", trial(24))])
    places = row(found, "no-effect", "type1_max_at")
    expected = [
        each.result.of("no-effect").metric("type1_max").at
        for each in (evaluated("a", trial(10)), evaluated("b", trial(24)))
    ]
    assert [value and value.value for value in places.values] == expected
    assert (places.better, places.marks) == (None, (None, None))


EXACT = [exactly(0.80), exactly(0.85), exactly(0.85 + 1e-14), None]


@pytest.mark.parametrize(
    ("values", "side", "expected"),
    [
        (EXACT, "more", (None, "best", "best", None)),
        (EXACT, "less", ("best", None, None, None)),
        (EXACT, None, (None,) * 4),
        ([exactly(0.03), None], "less", (None, None)),
        ([exactly(-0.01), exactly(0.03), exactly(0.01)], "near_zero", ("best", None, "best")),
        ([Estimate(0.040, 0.040, 0.046), Estimate(0.041, 0.041, 0.041)], "less", ("best", "best")),
        ([Estimate(0.040, 0.040, 0.0405), Estimate(0.041, 0.041, 0.041)], "less", ("best", None)),
        # 0.02 apart with errors of 0.01 and 0.005: 2 combined errors are 0.0224
        ([Estimate(0.80, 0.7, 0.9, 0.01, 9), Estimate(0.82, 0.7, 0.9, 0.005, 9)], "more", ("not_told_apart",) * 2),
        ([Estimate(0.79, 0.7, 0.9, 0.01, 9), Estimate(0.82, 0.7, 0.9, 0.005, 9)], "more", (None, "best")),
        ([Estimate(0.80, 0.7, 0.9, 0.01, 9), exactly(0.81)], "more", ("not_told_apart",) * 2),
        ([exactly(0.80), Estimate(0.80, 0.7, 0.9, 0.0, 9)], "more", ("best", "best")),
    ],
)
def test_marks(values: list[Estimate | None], side: Better | None, expected: tuple[Mark | None, ...]) -> None:
    """Ties are all marked; bounds that overlap tie; simulated numbers within two combined errors are not told apart."""
    assert marks(values, side) == expected


@pytest.mark.parametrize(
    ("metric", "idle", "expected"),
    [
        *((name, False, "more") for name in ("power", "power_all", "assurance", "true_success", "power_recruited")),
        *((name, False, "less") for name in ("expected_n", "type1_at", "familywise_error", "type_i_error_caps")),
        *((name, True, "less") for name in ("type1_max", "type_i_error", "expected_n", "familywise_error_worst")),
        *((name, True, None) for name in ("power", "power_any", "late_success")),
        *((name, False, "near_zero") for name in ("observed_bias", "expected_bias_of_log_hazard_ratio")),
        *((name, False, None) for name in ("effect_is_true", "expected_responders", "harm", "power_highest")),
        *((name, False, None) for name in ("observed_newcombe_coverage", "expected_events", "safety_stop")),
    ],
)
def test_what_is_better(metric: str, idle: bool, expected: Better | None) -> None:
    """More power and fewer errors; where the treatment does nothing, its success is no merit."""
    assert better(metric, idle=idle) == expected


def test_success_of_an_idle_treatment_is_not_marked() -> None:
    """Under rates without effect power has no best; its error has."""
    idle = 'truths.idle = { kind = "points", rates = { treatment = 0.2, control = 0.2 } }'
    found = compare_designs([evaluated("a", trial(10, more=idle)), evaluated("b", trial(24, more=idle))])
    assert row(found, "idle", "power").better is None
    assert row(found, "idle", "type1_at").better == "less"
    assert row(found, "idle", "power").values == row(found, "idle", "type1_at").values


def test_other_realities_stand_aside() -> None:
    """A name with other rates in one design is flagged there, and the best is sought among the others."""
    given = [evaluated("odd", trial(40, rate=0.1)), evaluated("a", trial(10)), evaluated("b", trial(24))]
    found = compare_designs(given)
    expected, no_effect = found.truths
    assert (expected.realities, expected.same, no_effect.same) == ((1, 0, 0), False, True)
    assert row(found, "expected", "power").marks == ("other", None, "best")
    text = compared_text(found)
    assert "expected: rates 0.7 v 0.2" in text
    assert "NOTE  expected means something else in some designs (!): rates 0.7 v 0.1 (odd)" in text


def test_what_is_the_same_reality() -> None:
    """Reasons do not matter, ranges and margins do; rates count after drop-out."""
    lost = "dropout = { treatment = 0.2, control = 0.5 }"
    written = "rates = { treatment = 0.7, control = 0.2 } }"
    completers = f'rates = {{ treatment = 0.875, control = 0.4 }}, rates_among = "completers", {lost} }}'
    by_completers = evaluated("b", trial(24).replace(written, completers))
    assert compare_designs([evaluated("a", trial(10)), by_completers]).truths[0].realities == (0, 0)
    range_ = compare_designs([evaluated("a", trial(10)), evaluated("b", trial(24, lowest=0.2))])
    assert [truth.same for truth in range_.truths] == [True, False]
    score = trial(24).replace('kind = "fisher", alpha = 0.025', 'kind = "score", alpha = 0.025, margin = -0.1')
    margin = compare_designs([evaluated("a", trial(10)), evaluated("b", score)])
    assert [truth.same for truth in margin.truths] == [True, False]
    assert "margin -0.1" in " ".join(compared_text(margin).split())


def test_what_one_design_has_alone() -> None:
    """Truths and numbers of one design only stand under its name and in no row."""
    more = 'truths.worse = { kind = "points", rates = { treatment = 0.5, control = 0.2 } }'
    found = compare_designs([evaluated("a", trial(10)), evaluated("b", trial(24, more=more))])
    power = evaluated("b", trial(24, more=more)).result.of("worse").metric("power").estimate
    assert (1, "worse", "power", power) in found.alone
    assert {one.design for one in found.alone} == {1}
    assert {found_row.truth for found_row in found.rows} == {None, "expected", "no-effect"}
    assert "Only b has\n  worse: power" in compared_text(found)


def test_numbers_that_differ_look_different() -> None:
    """A best number never prints like one that is not best."""
    one, two = evaluated("a", trial(24)), evaluated("b", trial(24, alpha=0.0250001))
    given = compare_designs([one, two])
    alike = row(given, "expected", "power")
    assert alike.marks == ("best", "best")
    for values, told in (
        ((0.84412, 0.84417), ["0.8441", "0.8442"]),
        ((0.8441213, 0.8441219), ["0.844121", "0.844122"]),
    ):
        near = tuple(map(exactly, values))
        closer = ComparedRow("expected", "power", "more", near, marks(near, "more"))
        changed = ComparedDesigns(given.designs, given.truths, (closer,), (), simulated=False, tool_version="0")
        line = next(line for line in compared_text(changed).splitlines() if line.startswith("  power"))
        assert line.split() == ["power", *told, "*"]


KINDS = {
    "as-visits": None,
    "as-simon": (("anakinra", 41),),
    "sjia-two-doses": (("low", 24), ("high", 24), ("placebo", 24)),
    "sjia-two-primaries": None,
    "sjia-hedrich": None,
}


def test_every_kind_of_trial_has_its_column() -> None:
    """Trials of five kinds stand side by side, each with its patients; JSON holds every row."""
    given = [shipped(name) for name in KINDS]
    found = compare_designs(given)
    for design, arms in zip(found.designs, KINDS.values(), strict=True):
        assert arms is None or design.arms == arms
        assert sum(n for _, n in design.arms) in {0, design.patients}
        assert design.patients > 0
    text = compared_text(found)
    assert max(map(len, text.splitlines())) <= WIDEST
    assert "±" in text
    content = json.loads(json.dumps(compared_content(found), allow_nan=False))
    assert (content["format"], content["version"], len(content["designs"])) == ("anatrial-compare", 1, 5)
    assert all(len(told["values"]) == len(told["marks"]) == 5 for told in content["rows"])
    basket = read_scenario("il1-basket")
    assert _patients(basket) == sum(n for _, n in _arms(basket)) == sum(basket.resolved.design.sizes)
    for name, patients in (("sjia-response-adaptive", 48), ("sjia-withdrawal", 48)):
        assert (_patients(read_scenario(name)), _arms(read_scenario(name))) == (patients, ())


def test_eight_designs_wrap_into_blocks() -> None:
    """However long their names are, no line is longer than the page, and each column is printed once."""
    given = [evaluated(f"a-design-{k}-with-{'a-very-' * k}long-name", trial(10 + k)) for k in range(8)]
    text = compared_text(compare_designs(given))
    assert max(map(len, text.splitlines())) <= WIDEST
    sizes = [line.split()[1:] for line in text.splitlines() if line.startswith("  patients ") and "per" not in line]
    assert len(sizes) > 1
    assert [size for block in sizes for size in block if size != "*"] == [str(20 + 2 * k) for k in range(8)]


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (["a"], ["1 scenario"]),
        ([str(k) for k in range(9)], ["9 scenarios"]),
        (["a", "b", "a"], ["'a' again, after place 1"]),
    ],
)
def test_how_many_can_be_compared(names: list[str], got: list[str]) -> None:
    """Two to eight, each once."""
    with pytest.raises(InputError) as refused:
        refuse_number(names)
    assert [fault.got for fault in refused.value.faults] == got


def test_the_picture_has_every_number_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panel for patients, power and type I error, with each design's number in its place."""
    figures = kept_figures(monkeypatch, compare_designs_picture)
    found = compare_designs(
        [evaluated("a", trial(10)), evaluated("odd", trial(24, rate=0.1)), evaluated("b", trial(24))]
    )
    compare_designs_picture.compared_picture(found, "png")
    panels = [axes for axes in figures[0].axes if axes.get_visible()]
    titles = [axes.get_title(loc="left").splitlines()[0] for axes in panels]
    assert titles == ["patients", "power", "type I error, worst of the range"]
    powers = [float(line.get_xdata()[0]) for line in panels[1].lines]
    expected = [value.value for value in row(found, "expected", "power").values if value is not None]
    assert powers == pytest.approx(expected, abs=ROUNDING)
    assert [line.get_marker() for line in panels[1].lines] == ["o", "x", "o"]


def test_patients_of_a_trial_with_looks_are_told_as_patients() -> None:
    """The median and the ninth decile of the patients are whole numbers with names, and no heading claims most designs
    where two differ."""
    text = compared_text(compare_designs([shipped("as-simon"), shipped("aosd-fleming")]))
    medians = [line.split()[4:] for line in text.splitlines() if "median of the patients" in line]
    assert medians[0] == ["41", "15", "*"]
    assert "median n" not in text
    assert "! under other assumptions than the heading tells" in text
    assert "most designs" not in text
