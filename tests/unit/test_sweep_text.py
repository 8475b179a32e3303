"""What a sweep tells in words and as JSON, against numbers worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.swept_cells import ERROR, POWER, TEST, WEIGHT, N, by_weight, cells, frame, swept

from anatrial.domain import sweeps
from anatrial.domain.sweeps import Frame, Swept, SweptAxis, SweptScenario
from anatrial.report.sweep_json import MOST_CELLS, sweep_content
from anatrial.report.sweep_text import sweep_text
from anatrial.report.sweep_words import value_said, values_said


def tornado(error: float | None = None) -> Swept:
    """Power from 10 / 40 to 40 / 40 along n and over a tenth along the weight; the file has 30 and 0.25."""
    return swept(frame((N, WEIGHT), "one_at_a_time", own=(30, 0.25)), by_weight, error)


def test_a_tornado_names_the_ends_of_each_axis() -> None:
    """Lowest and highest number of each axis with the values where they occur, widest first; turned verdicts said."""
    lines = sweep_text(tornado(), 7).splitlines()
    power = lines.index("power at least 0.8 if expected: 0.725 - as the file is written")
    rows = [" ".join(line.split()) for line in lines[power + 2 : power + 4]]
    assert rows == ["patients 0.225 - 10 0.975 + 40 30 0.750 turns", "weight 0.650 - 1 0.750 - 0 0.25 0.100"]
    error = lines.index("type I error at most 0.05 if no-effect: 0.045 + as the file is written")
    rows = [" ".join(line.split()) for line in lines[error + 2 : error + 4]]
    assert rows == ["weight 0.040 + 0 0.060 - 1 0.25 0.020 turns", "Not moved by patients."]
    assert "8 cells: 7 computed, 1 known before or the same as another, 0 failed." in lines
    assert "Both targets hold in 1 of 8 cells." in lines  # n = 40: 0.975 and 0.045


def test_reaches_count_the_files_own_value() -> None:
    """Where the file's own number lies outside of all others of an axis, it is the end of the bar."""

    def numbers(_: str, changed: dict[str, Any]) -> tuple[float, float]:
        return (0.9 if changed else 0.5), 0.01

    found = swept(frame((N,), "one_at_a_time"), numbers)
    (reach,) = sweeps.reaches(found, 0, 0)
    assert reach.lowest.cell == 0
    assert reach.outcomes == ("PASS", "FAIL")
    assert reach.spread == pytest.approx(0.4)
    assert "as written" in sweep_text(found, 5)


def test_simulated_numbers_carry_their_error() -> None:
    """A tornado shows ± beside each number, a map one sentence for all; a number too close to tell is marked ?."""
    text = sweep_text(tornado(error=0.02), 8)
    assert "0.975 ± 0.02 +" in text
    assert "0.725 ± 0.02 ?" in text  # 0.8 lies within 4 errors
    made = swept(frame((N, WEIGHT), "map"), by_weight, 0.02)
    assert "One Monte Carlo standard error is at most 0.02." in sweep_text(made, 12)


def test_a_map_is_a_matrix_with_its_verdicts() -> None:
    """The first axis goes down, the second across; each number stands with its mark."""
    lines = sweep_text(swept(frame((N, WEIGHT), "map"), by_weight), 12).splitlines()
    start = lines.index("power at least 0.8 if expected; down: patients; across: weight")
    assert [line.split() for line in lines[start + 1 : start + 6]] == [
        ["0", "0.25", "1"],
        ["10", "0.250", "-", "0.225", "-", "0.150", "-"],
        ["20", "0.500", "-", "0.475", "-", "0.400", "-"],
        ["30", "0.750", "-", "0.725", "-", "0.650", "-"],
        ["40", "1.000", "+", "0.975", "+", "0.900", "+"],
    ]


def test_a_large_map_says_what_it_leaves_out() -> None:
    """At most 12 rows and 11 columns are shown, the first and the last among them."""
    across, down = (SweptAxis(name, name, tuple(range(many))) for name, many in (("across", 30), ("down", 50)))

    def numbers(_: str, changed: dict[str, Any]) -> tuple[float, float]:
        return changed["down"] / 100, changed["across"] / 1000

    text = sweep_text(swept(frame((down, across), "map"), numbers), 1500)
    assert "Shown: 11 of 50 values down and 11 of 30 values across." in text
    head = next(line for line in text.splitlines() if line.split()[:2] == ["0", "3"])
    assert head.split() == ["0", "3", "6", "9", "12", "15", "18", "21", "24", "27", "29"]


def test_one_axis_is_a_table_of_every_target() -> None:
    """A row per value; tables of the file are shown in short, a failed cell as such, and its reason below."""

    def numbers(_: str, changed: dict[str, Any]) -> tuple[float, float] | str:
        return "no such test" if changed["rule"]["kind"] == "boschloo" else (0.85, 0.03)

    lines = sweep_text(swept(frame((TEST,), "grid"), numbers), 2).splitlines()
    assert ["fisher,", "alpha", "0.05", "0.850", "+", "0.030", "+"] in [line.split() for line in lines]
    assert ["boschloo,", "alpha", "0.05", "failed", "failed"] in [line.split() for line in lines]
    assert lines[-3:] == ["Failed cells (1):", "  no such test", "    cell 1: test boschloo, alpha 0.05"]


def test_a_grid_names_its_best_and_worst_cells() -> None:
    """Of many cells the ten best and the ten worst stand there, as each target asks: most power, least error."""
    many = SweptAxis("design.n", "patients", tuple(range(1, 41)))
    found = swept(frame((many, WEIGHT), "grid"), by_weight)
    assert found.frame.cells == 120
    best = sweeps.ranked(found, 0, 0)[:2]
    assert [dict(found.settings(int(cell))) for cell in best] == [
        {"design.n": 40, "rule.weight": 0.0},
        {"design.n": 39, "rule.weight": 0.0},  # 0.975 twice: the earlier cell first
    ]
    assert {dict(found.settings(int(cell)))["rule.weight"] for cell in sweeps.ranked(found, 0, 1)[:40]} == {0.0}
    lines = sweep_text(found, 120).splitlines()
    start = lines.index("power at least 0.8 if expected: the best 10 of 120 cells")
    assert lines[start + 2].split() == ["117", "40", "0", "1.000", "+"]
    assert lines[start + 12] == "and the worst 10"
    assert lines[start + 23].split() == ["2", "1", "1", "-0.075", "-"]
    assert "Both targets hold in 17 of 120 cells." in lines  # weight 0: 32-40; weight 0.25: 33-40; weight 1: 0.06


def test_failures_are_the_first_ten_in_any_order() -> None:
    """Cells may come in any order: the ten of lowest number are kept, and all are counted."""
    many = SweptAxis("design.n", "patients", tuple(range(30)))
    made = frame((many,), "grid")
    found = Swept(made)
    for cell, verdicts in reversed(list(cells(made, lambda _name, _changed: "failed"))):
        found.put(cell, verdicts)
    assert [one.number for one in found.failures] == list(range(10))
    assert found.failed == found.finished == 30
    assert "Failed cells (30, the first 10):" in sweep_text(found, 30)


def test_a_value_counts_with_its_type_and_tables_by_content() -> None:
    """1, 1.0 and true are three values of an axis; a table is found whatever the order of its keys."""
    axis = SweptAxis("a", "a", (1, 1.0, True, {"x": 1, "y": [2]}))
    places = sweeps.Places((axis,))
    asked = (1, 1.0, True, {"y": [2], "x": 1})
    assert [places.of((("a", value),)) for value in asked] == [[0], [1], [2], [3]]
    assert places.of(()) == [sweeps.OWN]
    with pytest.raises(KeyError):
        places.of((("a", 2),))


def test_no_line_is_too_long_and_no_text_too_long() -> None:
    """With long names, six targets, twenty axes and several scenarios every line has at most 110 letters."""
    long = "a name of an axis that says far more than anybody wants to read in a table of numbers"
    values = tuple(f"a value that is rather long as well, number {k}" for k in range(30))
    axes = [SweptAxis(f"truths.a-truth-with-a-long-name.rates.{k}", f"{long} {k}", values) for k in range(20)]
    targets = (POWER, ERROR) * 3
    pairs = [axis._replace(values=values[:2]) for axis in axes[:6]]
    chosen_of = {"map": [axes[:2]], "one_at_a_time": [axes], "grid": [axes[:1], axes[:2], pairs]}
    for layout, chosen in ((layout, chosen) for layout, several in chosen_of.items() for chosen in several):
        made = frame(chosen, layout, names=("a-trial", "b-trial", "c-trial"), targets=targets)  # type: ignore[arg-type]
        steps = {value: k for k, value in enumerate(values)}

        def numbers(_: str, changed: dict[str, Any], steps: dict[str, int] = steps) -> tuple[float, ...]:
            return (sum(steps[value] for value in changed.values()) / 60,) * 6

        lines = sweep_text(swept(made, numbers, 0.01), made.cells).splitlines()
        assert max(map(len, lines)) <= 110
        assert len(lines) <= 85  # settings of six long names take nine lines
        assert any(line.startswith("Not shown here: ") for line in lines)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (24, "24"),
        (0.1 + 0.2, "0.3"),
        (True, "true"),
        ({"treatment": 24, "control": 12}, "24 + 12"),
        ({"treatment": 0.6, "control": 0.25}, "0.6 v 0.25"),
        ({"from": 0.1, "to": 0.35}, "0.1 to 0.35"),
        ({"kind": "fisher", "alpha": 0.05}, "fisher, alpha 0.05"),
        ({"prior": "placebo-map", "robust_weight": 0.2}, "prior placebo-map, robust_weight 0.2"),
        ([1, {"a": 2}], "[1; a 2]"),
        (None, "as written"),
    ],
)
def test_values_are_said_in_short(value: Any, said: str) -> None:
    """Numbers lose the noise of their last bits; tables are told as a planner would."""
    assert value_said(value) == said


def test_values_of_an_axis_are_counted_where_they_are_many() -> None:
    """A few are listed; of many numbers the ends, of many names the first and the last."""
    assert values_said(N) == "10, 20, 30, 40"
    assert values_said(SweptAxis("a", "a", tuple(range(2000)))) == "0 to 1999 (2,000 values)"
    assert values_said(SweptAxis("a", "a", tuple("abcdefgh"))) == "a, ..., h (8 values)"


def test_json_tells_extremes_counts_and_cells() -> None:
    """Counts add up; the lowest and highest cells are those of the numbers; each cell has its settings."""
    content = sweep_content(tornado(), 7, "cells.parquet")
    json.dumps(content, allow_nan=False)
    assert content["counts"] == {"cells": 8, "finished": 8, "computed": 7, "failed": 0}
    (scenario,) = content["scenarios"]
    assert scenario["as_written"] == {"design.n": 30, "rule.weight": 0.25}
    assert scenario["all_targets_hold"] == 1
    power = scenario["targets"][0]
    assert power["outcomes"] == {"PASS": 1, "FAIL": 7, "INCONCLUSIVE": 0}
    assert power["lowest"]["settings"] == {"design.n": 10}
    assert power["highest"]["estimate"] == {"value": 0.975, "lower": 0.975, "upper": 0.975, "mcse": None}
    assert [axis["path"] for axis in power["axes"]] == ["design.n", "rule.weight"]
    assert [cell["cell"] for cell in content["cells"]] == list(range(8))
    assert content["cells"][0]["settings"] == {}
    assert content["rows"] == "cells.parquet"


def test_json_of_many_cells_points_to_the_rows() -> None:
    """Beyond a thousand cells only extremes and failures are told, and where the rows are."""
    many = SweptAxis("design.n", "patients", tuple(range(MOST_CELLS + 1)))
    found = swept(frame((many,), "grid"), lambda _, changed: (0.5, 0.01) if changed["design.n"] else "no patients")
    content = sweep_content(found, 3, "cells.parquet")
    assert content["cells"] is None
    assert content["failures"] == [
        {"cell": 0, "scenario": "a-trial", "settings": {"design.n": 0}, "why": "no patients"}
    ]


def test_an_unfinished_cell_is_no_cell() -> None:
    """Of a sweep that was broken off only the finished cells count."""
    made = frame((N,), "grid")
    found = Swept(made)
    for cell, verdicts in list(cells(made, by_weight))[:3]:
        found.put(cell, verdicts)
    assert found.finished == 3
    assert found.told(0, 0).tolist() == [0, 1, 2]
    assert len(sweep_content(found, 3)["cells"]) == 3
    assert sweeps.lattice(found, 0, (0,)).tolist() == [0, 1, 2, -1]


def test_scenarios_with_other_targets_stand_side_by_side() -> None:
    """A scenario with fewer targets than another is judged by its own."""
    short = SweptScenario("short", "Short", (ERROR,), (None,))
    whole = SweptScenario("whole", "Whole", (POWER, ERROR), (None,))
    made = Frame("Two", "grid", (N,), (short, whole), 8)
    found = swept(made, lambda name, changed: (0.04,) if name == "short" else by_weight(name, changed))
    assert (found.holding(0), found.holding(1)) == (4, 1)
    text = sweep_text(found, 8)
    assert "The target holds in 4 of 4 cells." in text
    assert "Both targets hold in 1 of 4 cells." in text
