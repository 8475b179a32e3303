"""What is said and drawn of a design search: every number as it stands, marks, limits, and a sweep from end to end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.figures import kept_figures

from anatrial.domain.pareto import AimOf, AskedOf, DesignSearch, Front, Placed, Spot, Unplaced
from anatrial.domain.results import Estimate, Outcome, exactly
from anatrial.engine.workers import Workers
from anatrial.files.sweeps import read_sweep
from anatrial.plan.asking import Asker, MemoryStore
from anatrial.plan.pareto import design_searches
from anatrial.plan.sweep import sweep
from anatrial.report import pareto_picture
from anatrial.report.numbers import WIDEST
from anatrial.report.pareto_text import search_content, search_text

AIMS = (
    AimOf("patients", None, ()),
    AimOf("power", "expected", ("power",)),
    AimOf("type_i_error", "no-effect", ("type1_max",)),
)
TARGETS = (
    AskedOf("power", "expected", "at_least", 0.8),
    AskedOf("type_i_error", "no-effect", "at_most", 0.025),
)


def design(patients: int, power: float, error: Estimate, *outcomes: Outcome, size: Any = 20) -> Placed:
    """A design of the front."""
    settings = (("design.n", size), ("rule.alpha", 0.025))
    return Placed(settings, patients, (exactly(float(patients)), exactly(power), error), outcomes or ("FAIL", "PASS"))


def search(members: Sequence[Placed], cheapest: Placed | None = None, **changes: Any) -> DesignSearch:
    """A design search with these on its front."""
    given: dict[str, Any] = {
        "aims": AIMS,
        "targets": TARGETS,
        "designs": len(members) + 3,
        "members": tuple(members),
        "holding": sum(member.holds for member in members),
        "cheapest": cheapest,
        "cheapest_is_member": cheapest is not None,
        "as_small": 0,
        "simulated": False,
        "beaten": (Spot(60, (60.0, 0.5, 0.02)), Spot(70, (70.0, 0.6, 0.02))),
        "unplaced": 0,
        "reasons": (),
    }
    labels = (("design.n", "patients on placebo"), ("rule.alpha", "rule.alpha"))
    return DesignSearch("it", "A search", labels, Front(**{**given, **changes}), "0")


PASSING: tuple[Outcome, Outcome] = ("PASS", "PASS")


def test_numbers_stand_on_their_side_of_the_target() -> None:
    """0.79996 never looks like 0.80, and a proven error counts at its upper bound."""
    text = search_text(search([design(40, 0.79996, Estimate(0.0249, 0.0249, 0.02501), "FAIL", "INCONCLUSIVE")]))
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["40"])
    assert row == ["40", "0.79996", "0.02501", "-", "?", "20", "0.025"]
    assert "None of the 4 designs meets all targets." in text


def test_the_cheapest_is_marked_and_told() -> None:
    """The row of the cheapest design has the star, its settings follow in words with how many are as small."""
    first, second = design(40, 0.7, exactly(0.02)), design(48, 0.85, exactly(0.02), *PASSING, size=24)
    text = search_text(search([first, second], second, as_small=2))
    starred = [line.split()[1] for line in text.splitlines() if line.split()[:1] == ["*"]]
    assert starred == ["48"]
    said = " ".join(text.split())
    assert "The cheapest (*) needs 48 patients: patients on placebo = 24, rule.alpha = 0.025. 2 more" in said
    beside = search_text(search([first], second, cheapest_is_member=False))
    assert "The cheapest (not on the front) needs 48 patients" in " ".join(beside.split())


def test_a_long_front_is_cut_and_says_so() -> None:
    """Those that meet all targets are shown first, at most 30; without any the ends are among those shown."""
    failing = [design(40 + k, 0.5 + k / 1000, exactly(0.02), size=k) for k in range(50)]
    holding = [design(100 + k, 0.9 + k / 1000, exactly(0.02), *PASSING, size=k) for k in range(5)]
    mixed = search_text(search([*failing, *holding], holding[0]))
    assert "50 more designs of the front that do not meet all targets are in the output of --json." in mixed
    assert [line.split()[0] for line in mixed.splitlines() if line.endswith(" 0.025")] == [
        "*",
        "101",
        "102",
        "103",
        "104",
    ]
    alone = search_text(search(failing))
    rows = [line.split()[0] for line in alone.splitlines() if line.endswith(" 0.025")]
    assert (len(rows), rows[0], rows[-1]) == (30, "40", "89")
    assert len(search_content(search(failing))["front"]) == 50


def test_wide_settings_stand_in_one_column() -> None:
    """However long the values of axes are, no line is longer than the page."""
    long = {"treatment": "a-prior-with-a-very-long-name-of-its-own", "control": "another-one-which-is-just-as-long"}
    found = search([design(40, 0.8, exactly(0.02), size=long)])
    labels = tuple((f"rule.axis_{k}", f"a label of axis number {k}") for k in range(6))
    wide = DesignSearch("it", "A search", (*found.labels, *labels), found.front, "0")
    assert max(map(len, search_text(wide).splitlines())) <= WIDEST


def test_designs_without_numbers_are_told() -> None:
    """How many have no place, and the reasons of the first three."""
    reasons = tuple(Unplaced((("design.n", k),), f"fault number {k}") for k in range(5))
    text = search_text(search([design(40, 0.8, exactly(0.02))], unplaced=7, reasons=reasons))
    assert "7 designs have no place" in text
    assert ("fault number 2" in text, "fault number 3" in text) == (True, False)
    assert "No design has the numbers" in search_text(search([], unplaced=7, reasons=reasons, beaten=()))


def test_a_sweep_from_end_to_end() -> None:
    """The front of a real sweep holds the numbers of its cells, and the JSON content the settings in the same order."""
    plan = read_sweep("sjia-design-search")
    axes = tuple(axis.model_copy(update={"values": axis.taken()[:2]}) for axis in plan.axes)
    narrow = replace(plan, axes=axes)
    run = sweep(narrow, Asker(MemoryStore(), "test", Workers()))
    (found,) = design_searches(run)
    results = {question.settings: result for question, result in run.results()}
    assert found.front.designs == len(results) == 16
    for member in found.front.members:
        truth = results[member.settings]
        assert member.patients == truth.patients
        assert member.values[1] == truth.of("expected").metric("power").estimate
        assert member.values[2] == truth.of("no-effect").metric("type1_max").estimate
    content = json.loads(json.dumps(search_content(found), allow_nan=False))
    assert [row["settings"]["design.n"] for row in content["front"]] == [
        dict(m.settings)["design.n"] for m in found.front.members
    ]


def drawn(monkeypatch: pytest.MonkeyPatch, found: DesignSearch) -> Any:
    """The figure of a design search, before it becomes a file."""
    figures = kept_figures(monkeypatch, pareto_picture)
    pareto_picture.search_picture(found, "png")
    return figures[0]


def test_the_picture_steps_along_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line never falls, passes the best designs, and every design of the front is a point, the cheapest named."""
    members = [
        design(40, 0.7, exactly(0.01)),
        design(48, 0.65, exactly(0.005)),
        design(60, 0.9, exactly(0.02), *PASSING),
    ]
    figure = drawn(monkeypatch, search(members, members[2]))
    axes = figure.axes[0]
    line = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert list(line.get_ydata()) == [0.7, 0.7, 0.9]
    beaten, points, rings = axes.collections
    assert beaten.get_offsets().tolist() == [[60, 0.5], [70, 0.6]]
    assert points.get_offsets().tolist() == [[40, 0.7], [48, 0.65], [60, 0.9]]
    assert points.get_array().tolist() == [0.01, 0.005, 0.02]
    assert rings.get_offsets().tolist() == [[60, 0.9]]
    words = [text.get_text().replace("\n", " ") for text in axes.texts]
    assert any("60 patients" in word and "rule.alpha = 0.025" in word for word in words)
    assert "target 0.80" in words


def test_without_a_type_i_error_the_rule_gives_the_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value of the first axis of the rule has its own points in the legend."""
    settings = [(("rule.alpha", alpha),) for alpha in (0.01, 0.02, 0.01)]
    members = [
        Placed(one, 40 + k, (exactly(40.0 + k), exactly(0.7 + k / 10)), PASSING) for k, one in enumerate(settings)
    ]
    found = search(members, members[0], aims=AIMS[:2], beaten=())
    words = [text.get_text() for text in drawn(monkeypatch, found).legends[0].get_texts()]
    assert {"rule.alpha 0.01 (2)", "rule.alpha 0.02 (1)"} <= set(words)


def test_values_of_a_long_path_keep_their_own_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the path of the rule is, designs with other values of it are other points, with the value named."""
    path = "rule.analysis_prior.robust_weight"
    members = [
        Placed(((path, weight),), 40 + k, (exactly(40.0 + k), exactly(0.7 + k / 10)), PASSING)
        for k, weight in enumerate((0.2, 0.5, 0.2))
    ]
    named = replace(search(members, members[0], aims=AIMS[:2], beaten=()), labels=((path, path),))
    figure = drawn(monkeypatch, named)
    words = {text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()}
    assert {f"{path} 0.2 (2)", f"{path} 0.5 (1)"} <= words


def test_the_picture_has_no_power_above_one_and_rings_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room for the label has no ticks beyond 1, and a ring beside the front is said to be the cheapest."""
    members = [design(40, 0.3, exactly(0.01)), design(60, 1.0, exactly(0.02))]
    figure = drawn(monkeypatch, search(members, design(70, 0.85, exactly(0.02), *PASSING), cheapest_is_member=False))
    assert max(figure.axes[0].get_yticks()) == pytest.approx(1.0)
    assert figure.axes[0].get_ylim()[1] > 1.1
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "meets all targets,\non the front, and the cheapest" in words
