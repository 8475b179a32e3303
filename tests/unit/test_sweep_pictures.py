"""Pictures of sweeps: what stands in them, taken from the figure before it becomes a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from tests.figures import kept_figures
from tests.swept_cells import ERROR, POWER, TEST, WEIGHT, N, by_weight, frame, swept

from anatrial.domain.sweeps import Layout, Swept, SweptAxis
from anatrial.errors import InputError
from anatrial.report import sweep_picture
from anatrial.report.canvas import BLUE, VERMILION

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that the pictures of a test are made of."""
    return kept_figures(monkeypatch, sweep_picture)


def panels(figure: Any) -> list[Any]:
    """The panels, without their colour bars."""
    return [axes for axes in figure.axes if axes.get_title(loc="left")]


def said(axes: Any) -> list[str]:
    """The words beside the bars of a panel."""
    return [text.get_text() for text in axes.texts]


def key(figure: Any) -> list[str]:
    """The words of the legend below."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_a_tornado_has_a_bar_per_axis_that_turns_colour_at_the_target(drawn: list[Any]) -> None:
    """Bars reach from the lowest to the highest number, vermilion up to 0.8, blue from there; their ends are named."""
    found = swept(frame((N, WEIGHT), "one_at_a_time", own=(30, 0.25)), by_weight)
    sweep_picture.sweep_picture(found, "png")
    power, error = panels(drawn[0])
    assert power.get_title(loc="left") == POWER.said
    bars = [(patch.get_x(), patch.get_x() + patch.get_width(), patch.get_facecolor()[:3]) for patch in power.patches]
    colours = {name: pytest.approx(to_rgb(name)) for name in (BLUE, VERMILION)}
    assert bars[0] == (pytest.approx(0.225), pytest.approx(0.8), colours[VERMILION])
    assert bars[1] == (pytest.approx(0.8), pytest.approx(0.975), colours[BLUE])
    assert bars[2][:2] == (pytest.approx(0.65), pytest.approx(0.75))
    assert said(power) == ["10", "40", "1", "0"]
    assert [label.get_text() for label in error.get_yticklabels()] == ["weight"]  # patients do not move it
    assert {text.get_text() for text in power.get_legend().get_texts()} == {"target 0.8", "as written 0.725"}


def test_a_map_draws_the_number_of_every_cell(drawn: list[Any]) -> None:
    """The first axis goes across, the second up, at their distances; failed cells are left out and crossed."""

    def numbers(name: str, changed: dict[str, Any]) -> tuple[float, float] | str:
        return "failed" if changed == {"design.n": 20, "rule.weight": 1.0} else by_weight(name, changed)

    sweep_picture.sweep_picture(swept(frame((N, WEIGHT), "map", own=(30, 0.25)), numbers), "png")
    axes = panels(drawn[0])[0]
    mesh = axes.collections[0]
    values = np.ma.filled(mesh.get_array(), np.nan).reshape(3, 4)
    expected = [[n / 40 - w / 10 for n in N.values] for w in WEIGHT.values]
    expected[2][1] = np.nan
    assert values == pytest.approx(np.array(expected), nan_ok=True)
    corners = mesh.get_coordinates()
    assert corners[0, :, 0].tolist() == [5, 15, 25, 35, 45]
    assert corners[:, 0, 1].tolist() == [-0.125, 0.125, 0.625, 1.375]
    crosses = next(one for one in axes.collections if type(one).__name__ == "PathCollection")
    assert crosses.get_offsets().tolist() == [[20, 1]]
    assert key(drawn[0]) == ["target", "target not met", "failed", "as the file has it"]


def test_cells_that_miss_the_target_are_hatched_in_runs(drawn: list[Any]) -> None:
    """Power misses 0.8 below 40 patients whatever the weight: one stretch per row, from the edge to 35."""
    sweep_picture.sweep_picture(swept(frame((N, WEIGHT), "map"), by_weight), "png")
    power = panels(drawn[0])[0]
    (hatched,) = [one for one in power.collections if one.get_hatch()]
    boxes = [path.get_extents() for path in hatched.get_paths()]
    assert [(box.x0, box.x1) for box in boxes] == [(5, 35)] * 3


def test_names_stand_along_an_axis_of_words(drawn: list[Any]) -> None:
    """Values that are no numbers are set side by side under their names."""
    found = swept(frame((TEST, N), "map"), by_weight)
    sweep_picture.sweep_picture(found, "png")
    ticks = [label.get_text() for label in panels(drawn[0])[0].get_xticklabels()]
    assert ticks == ["fisher, alpha 0.05", "boschloo, alpha..."]


def test_curves_show_two_errors_to_either_side(drawn: list[Any]) -> None:
    """One axis of numbers: a line through every cell, its band four errors wide in all, the target across."""
    sweep_picture.sweep_picture(swept(frame((N,), "grid"), by_weight, 0.01), "png")
    power = panels(drawn[0])[0]
    line = power.lines[0]
    assert line.get_xdata().tolist() == list(N.values)
    assert line.get_ydata().tolist() == pytest.approx([n / 40 - 0.025 for n in N.values])
    band = power.collections[0].get_paths()[0].vertices
    at_ten = sorted({round(y, 9) for x, y in band.tolist() if x == 10})
    assert at_ten == [0.205, 0.245]
    assert power.lines[-1].get_ydata() == [0.8, 0.8]
    assert key(drawn[0]) == ["± 2 Monte Carlo standard errors"]


def test_a_second_axis_and_scenarios_become_lines_with_names(drawn: list[Any]) -> None:
    """Two scenarios and three weights make six named lines, along the axis with the most numbers."""
    found = swept(frame((WEIGHT, N), "grid", names=("a", "b")), by_weight)
    sweep_picture.sweep_picture(found, "png")
    assert key(drawn[0]) == [f"{name}, {weight}" for name in "ab" for weight in ("0", "0.25", "1")]
    assert drawn[0].legends[0].get_title().get_text() == "weight"
    assert panels(drawn[0])[-1].get_xlabel() == "patients"


def test_lines_that_lie_on_each_other_are_dashed(drawn: list[Any]) -> None:
    """A line that would hide another one is dashed, so that both are seen."""
    sweep_picture.sweep_picture(swept(frame((N,), "grid", names=("a", "b")), by_weight), "png")
    assert [line.get_linestyle() for line in panels(drawn[0])[0].lines[:2]] == ["-", "--"]


def test_an_axis_of_words_has_points_with_bars(drawn: list[Any]) -> None:
    """Without numbers along the axis nothing is joined up; a failed cell has no point."""
    found = swept(frame((TEST,), "grid"), lambda _, c: "no" if c["rule"]["kind"] == "fisher" else (0.9, 0.01), 0.01)
    sweep_picture.sweep_picture(found, "png")
    power = panels(drawn[0])[0]
    assert power.lines[0].get_xdata().tolist() == [1.0]
    assert power.lines[0].get_linestyle() == "None"
    assert [label.get_text() for label in power.get_xticklabels()] == ["fisher, alpha 0.05", "boschloo, alpha 0.05"]


def large(layout: Layout, many: int) -> Swept:
    """A sweep of two long axes whose cells are all alike, without asking each."""
    a, b = (SweptAxis(name, name, tuple(range(many))) for name in "ab")
    found = Swept(frame((a, b), layout, targets=(ERROR,)))
    found.scenario[:] = 0
    found.at[:] = np.indices((many, many)).reshape(2, -1).T
    found.numbers[:, 0, :3] = (found.at[:, :1] + 1) / many / 10
    found.outcomes[:, 0] = found.numbers[:, 0, 0] > ERROR.threshold
    return found


def test_a_map_of_too_many_cells_is_thinned_and_says_so(drawn: list[Any]) -> None:
    """At most 40,000 cells are drawn, the last of each axis among them, and what is left out is told."""
    picture = sweep_picture.sweep_picture(large("map", 301), "png")
    mesh = panels(drawn[0])[0].collections[0]
    assert mesh.get_array().size == 151**2 <= 40_000
    assert mesh.get_array().max() == pytest.approx(0.1)
    assert picture.remarks == ("drawn: 151 of 301 values of a and 151 of 301 values of b; more would not be seen",)


def test_curves_that_cannot_be_told_apart_are_thinned(drawn: list[Any]) -> None:
    """Eighteen lines have a look of their own; of more, the remark says how many are drawn."""
    picture = sweep_picture.sweep_picture(large("grid", 30), "png")
    assert picture.remarks == ("drawn: 18 of 30 curves; more could not be told apart",)
    assert len(panels(drawn[0])[0].lines) == 18 + 1
    assert key(drawn[0])[0] == "0"
    assert key(drawn[0])[-1] == "29"


def test_many_scenarios_are_drawn_in_part() -> None:
    """A tornado of more scenarios than fit on a page draws the first ones and says so."""
    found = swept(frame((N,), "one_at_a_time", names=[f"s{k}" for k in range(9)]), by_weight)
    assert sweep_picture.sweep_picture(found, "png").remarks == ("drawn: the first 3 of 9 scenarios",)


@pytest.mark.parametrize(
    ("axes", "targets", "got"),
    [
        ((N, WEIGHT, TEST), (POWER,), "a grid of 3 axes"),
        ((N,), (), "no targets"),
        ((), (POWER,), "a sweep without axes"),
    ],
)
def test_what_no_picture_can_show_is_refused(axes: tuple[SweptAxis, ...], targets: Any, got: str) -> None:
    """A grid of three axes, a sweep that asks nothing or changes nothing: the fault says what could be drawn."""
    found = swept(frame(axes, "grid", targets=targets), lambda *_: (0.5,) * len(targets))
    with pytest.raises(InputError, match=got):
        sweep_picture.sweep_picture(found, "png")


@pytest.mark.parametrize("fmt", sorted(SIGNATURES))
@pytest.mark.parametrize("layout", ["map", "one_at_a_time", "grid"])
def test_every_picture_is_written_the_same_twice(layout: Layout, fmt: str) -> None:
    """PNG, SVG and PDF of each kind carry no clock and no random name."""
    found = swept(frame((N, WEIGHT), layout, own=(30, 0.25)), by_weight)
    first, second = (sweep_picture.sweep_picture(found, fmt).content for _ in range(2))
    assert first.startswith(SIGNATURES[fmt])
    assert first == second


def test_a_sweep_that_failed_everywhere_still_has_its_axis(drawn: list[Any]) -> None:
    """No number: the panel spans the values of the axis, from 10 to 40 patients."""
    sweep_picture.sweep_picture(swept(frame((N,), "grid"), lambda *_: "by test"), "png")
    for panel in panels(drawn[0]):
        low, high = panel.get_xlim()
        assert 5 < low <= 10
        assert 40 <= high < 45


def test_long_values_beside_bars_stay_inside_the_panel(drawn: list[Any]) -> None:
    """Values of 24 letters at both ends of the widest bar do not lie over the names of the axes."""
    axis = SweptAxis("rule", "test", ("a test with a long name", "one whose name is longer"))
    numbers = {"a test with a long name": (0.2, 0.01), "one whose name is longer": (0.9, 0.2)}
    found = swept(frame((axis,), "one_at_a_time"), lambda _, one: numbers.get(one.get("rule", ""), (0.5, 0.04)))
    sweep_picture.sweep_picture(found, "png")
    drawn[0].canvas.draw()
    for panel in panels(drawn[0]):
        inside = panel.get_window_extent()
        ends = [text.get_window_extent() for text in panel.texts]
        assert len(ends) == 2
        assert all(inside.x0 <= end.x0 and end.x1 <= inside.x1 for end in ends)
