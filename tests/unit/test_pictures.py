"""Pictures: what stands in them, taken from the figure before it becomes a file."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import resolved
from tests.figures import kept_figures

import anatrial
from anatrial.documents.scenario import ResolvedScenario
from anatrial.files.indications import shelf
from anatrial.plan.inspect import inspect
from anatrial.report import pictures

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture
def used() -> ResolvedScenario:
    """A small trial with a promise and a range of sizes."""
    return resolved("""
    design = { kind = "fixed", n = { treatment = 12, control = 12 } }
    rule = { kind = "fisher", alpha = 0.025 }
    size = { per_arm = { from = 8, to = 40 } }
    targets = [
      { metric = "power", truth = "expected", at_least = 0.8 },
      { metric = "type_i_error", truth = "no-effect", at_most = 0.025 },
    ]
    truths.expected = { kind = "points", rates = { treatment = 0.7, control = 0.1 } }
    truths.no-effect = { kind = "no_effect", control = { from = 0.1, to = 0.3 }, why = "a test" }
    """)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that the pictures of a test are made of."""
    return kept_figures(monkeypatch, pictures)


def said(figure: Any) -> str:
    """All words of a figure: titles, axes, legends."""
    words = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    words += [figure.get_suptitle()]
    for axes in figure.axes:
        words += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        words += [text.get_text() for text in axes.texts]
        if axes.get_legend() is not None:
            words += [text.get_text() for text in axes.get_legend().get_texts()]
    return "\n".join(words)


def test_a_run_shows_its_plan_its_worst_and_its_targets(used: ResolvedScenario, drawn: list[Any]) -> None:
    """Power at the plan, the worst type I error with its range, and every target are named with their numbers."""
    result = anatrial.evaluate(used)
    pictures.run_picture(result, used, "png")
    power = result.of("expected").metric("power").estimate.value
    worst = result.of("no-effect").metric("type1_max").estimate.value
    words = said(drawn[0])
    assert f"power if anakinra 0.70: {power:.3f} at the plan (0.10)" in words
    assert f"type I error: at worst {worst:.3f}, at 0.30 (shaded: no-effect)" in words
    assert "target 0.8" in words
    assert "target 0.025" in words


def test_a_size_search_shows_each_target_in_words(used: ResolvedScenario, drawn: list[Any]) -> None:
    """Each panel is titled with its target and its answer, and the joint answer stands above them."""
    result = anatrial.size(used)
    pictures.size_picture(result, used, "png")
    words = said(drawn[0])
    joint, first, second = result.answers
    assert f"all targets jointly: first {joint.first_n}, safe {joint.safe_n}" in words
    assert f"power at least 0.8 if expected: first {first.first_n}, safe {first.safe_n}" in words
    assert f"type I error at most 0.025 if no-effect: first {second.first_n}, safe {second.safe_n}" in words


def test_a_prior_shows_the_studies_behind_it(drawn: list[Any]) -> None:
    """Every contribution is named with its count and weight beside the density."""
    found = inspect(anatrial.read_indication("sjia", shelf()), "placebo-discounted", "up to date")
    pictures.prior_picture(found, "png")
    words = said(drawn[0])
    assert "ANAJIS: 6 of 12, weight 0.25" in words
    assert "0.8 Beta(8, 26) + 0.2 Beta(1, 1)" in words


@pytest.mark.parametrize("fmt", sorted(SIGNATURES))
def test_every_format_is_written_the_same_twice(used: ResolvedScenario, fmt: str) -> None:
    """PNG, SVG and PDF carry no clock and no random name."""
    result = anatrial.evaluate(used)
    first, second = (pictures.run_picture(result, used, fmt) for _ in range(2))
    assert first.startswith(SIGNATURES[fmt])
    assert first == second


def test_targets_that_lie_close_share_a_label() -> None:
    """Labels of thresholds that would overlap are one; others stand apart."""
    assert pictures._neighbours([0.05, 0.051, 0.8]) == [[0.05, 0.051], [0.8]]
    assert pictures._neighbours([]) == []
