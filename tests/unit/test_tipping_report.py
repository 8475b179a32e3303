"""What is said and drawn of tipping points, from values made by hand."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from tests.figures import kept_figures

from anatrial.domain.results import Bound, Estimate, Verdict, exactly, judged
from anatrial.domain.tipping import Crossing, Held, TippedTarget, Tipping, Unanswered
from anatrial.errors import InputError
from anatrial.report import tipping_picture as pictures
from anatrial.report.machine import json_bytes
from anatrial.report.numbers import WIDEST
from anatrial.report.tipping_picture import tipping_picture
from anatrial.report.tipping_text import tipping_content, tipping_text


def held(at: float, value: float | Estimate, threshold: float = 0.8, bound: Bound = "at_least") -> Held:
    """A target at one number."""
    estimate = value if isinstance(value, Estimate) else exactly(value)
    return Held(at, Verdict(judged(estimate, bound, threshold), "power", "expected", estimate, bound, threshold))


def simulated(value: float) -> Estimate:
    """A simulated number with an error of 0.004."""
    return Estimate(value, value - 0.0132, value + 0.0132, 0.004, 10_000)


def target(*answered: Held, missing: tuple[float, ...] = ()) -> TippedTarget:
    """A target that was answered so; crossings are where neighbours differ."""
    crossings = tuple(
        Crossing(one, other, tuple(at for at in missing if min(one.at, other.at) < at < max(one.at, other.at)))
        for one, other in pairwise(answered)
        if one.verdict.outcome != other.verdict.outcome
    )
    return TippedTarget("power at least 0.8 if expected", answered, crossings)


def tipped(*targets: TippedTarget, grid: tuple[float, ...] = (0, 0.5, 1), missing: tuple[float, ...] = ()) -> Tipping:
    """A number that moves along a grid, pinned down to 0.001."""
    unanswered = tuple(Unanswered(at, "it does not settle") for at in missing)
    return Tipping("made-up", "drift", "Drift of the control rate", grid, 0.001, targets, unanswered)


FLIPS = target(held(0, 0.9), held(0.12, 0.8000004), held(0.121, 0.7998), held(0.5, 0.7), held(1, 0.85))
UNSURE = target(*(held(at, simulated(value)) for at, value in ((0, 0.9), (0.2, 0.82), (0.25, 0.81), (1, 0.7))))
NEVER = target(held(0, 0.81), held(0.5, 0.95), held(1, 0.9))


def said(*found: Tipping) -> str:
    """The text on one line."""
    return " ".join(tipping_text(found).split())


def test_the_last_number_that_holds_and_the_first_that_does_not_are_told_with_their_values() -> None:
    """Values have as many digits as it takes to stand on their side; a later flip is told as the pair around it."""
    text = said(tipped(FLIPS))
    assert "Drift of the control rate (drift), from 0 to 1 in steps of 0.5" in text
    assert "power at least 0.8 if expected: holds up to 0.12 (0.8000004), fails from 0.121 (0.7998);" in text
    assert "turns from FAIL to PASS between 0.5 (0.700) and 1 (0.850)" in text
    assert "A flip and back within one step is not seen." in text


def test_what_cannot_be_told_stands_between_what_holds_and_what_fails() -> None:
    """PASS, INCONCLUSIVE, FAIL are told in one go, with Monte Carlo errors and why the gaps are wide."""
    text = said(tipped(UNSURE))
    assert "holds up to 0.2 (0.820 ± 0.004), cannot be told from 0.25 (0.810 ± 0.004), fails from 1" in text
    longer = target(*UNSURE.answered[:3], held(0.5, simulated(0.79)), UNSURE.answered[3])
    assert "cannot be told from 0.25 (0.810 ± 0.004) to 0.5 (0.790 ± 0.004), fails from 1" in said(tipped(longer))
    assert "closer than that the simulated numbers cannot tell" in text
    assert "Monte Carlo standard error" in text
    assert "Monte Carlo" not in said(tipped(FLIPS))


def test_a_path_down_is_told_downwards() -> None:
    """From 1 down to 0 a target holds down to a number and fails from the next one down."""
    down = target(held(1, 0.9), held(0.4, 0.81), held(0.399, 0.79), held(0, 0.5))
    assert "holds down to 0.4 (0.810), fails from 0.399 (0.790) down" in said(tipped(down, grid=(1, 0.5, 0)))


def test_a_target_that_never_flips_says_between_which_numbers() -> None:
    """The ends of the path, the outcome, and the lowest and the highest value."""
    assert "never flips between 0 and 1: PASS throughout (0.810 to 0.950)" in said(tipped(NEVER))
    assert "no flip seen between 0 and 1: PASS wherever it is answered" in said(tipped(NEVER, missing=(0.7,)))


def test_no_crossing_beside_a_missing_answer_is_claimed() -> None:
    """The pair around the gap is told as a turn with the number that has no answer, and why; never "holds up to"."""
    gap = target(held(0, 0.9), held(1, 0.7), missing=(0.5,))
    text = said(tipped(gap, missing=(0.5,)))
    assert "turns from PASS to FAIL between 0 (0.900) and 1 (0.700), nothing tells where: no answer at 0.5" in text
    assert "No answer at 0.5: it does not settle" in text
    assert "holds up to" not in text


def test_without_an_answer_at_the_start_there_is_nothing_to_differ_from() -> None:
    """That is told first; in JSON the start has no outcome and there is no first crossing, only further ones."""
    late = target(held(0.5, 0.9), held(1, 0.7))
    found = tipped(late, missing=(0,))
    assert "no answer at 0, so that nothing tells where it first differs from there; turns from PASS" in said(found)
    (content,) = tipping_content([found])
    assert (content["targets"][0]["start"], content["targets"][0]["first"]) == (None, None)
    assert len(content["targets"][0]["further"]) == 1


def test_many_missing_answers_are_counted() -> None:
    """Eight are named, the others counted; a target without any answer says so."""
    grid = tuple(range(12))
    assert "No answer at 0, 1, 2, 3, 4, 5, 6, 7 and 4 more" in said(tipped(target(), grid=grid, missing=grid))
    assert "no answer anywhere" in said(tipped(target(), grid=grid, missing=grid))


def test_scenarios_are_named_where_there_are_several_and_lines_fit() -> None:
    """No line is wider than a table may be, however long names are."""
    other = Tipping("other", "a." * 60 + "b", "Drift", (0, 7, 12), 1, (FLIPS, UNSURE), ())
    text = tipping_text([tipped(FLIPS), other])
    assert "made-up: Drift" in text
    assert "other: Drift" in text
    assert "in steps of at most 7" in text
    assert max(len(line) for line in text.splitlines() if "a.a." not in line) <= WIDEST


def test_json_content_has_the_first_crossing_the_others_and_every_answer() -> None:
    """Numbers at full precision, and nothing that JSON cannot hold."""
    (content,) = json.loads(json_bytes(tipping_content([tipped(FLIPS)])))
    (told,) = content["targets"]
    assert (content["path"], content["step"], content["resolution"]) == ("drift", 0.5, 0.001)
    assert told["start"] == "PASS"
    assert (told["first"]["before"]["at"], told["first"]["after"]["at"]) == (0.12, 0.121)
    assert told["first"]["before"]["verdict"]["estimate"]["value"] == 0.8000004
    assert [one["after"]["at"] for one in told["further"]] == [1]
    assert [one["at"] for one in told["answered"]] == [0, 0.12, 0.121, 0.5, 1]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were drawn."""
    return kept_figures(monkeypatch, pictures)


def words(axes: Any) -> str:
    """All that is written in a panel."""
    return "\n".join([axes.get_title(loc="left"), axes.get_xlabel(), *(text.get_text() for text in axes.texts)])


def test_each_number_and_target_has_a_panel_with_its_threshold_and_first_flip(drawn: list[Any]) -> None:
    """Two numbers of two targets: four panels; the first flip is written where it is, a path down goes to the right."""
    down = tipped(NEVER, target(held(1, 0.9), held(0, 0.7)), grid=(1, 0.5, 0))
    tipping_picture("A trial", [tipped(FLIPS, UNSURE), down], "png")
    one, two, three, four = drawn[0].axes
    assert "holds up to 0.12" in words(one)
    assert "at least 0.80" in words(one)
    assert "holds up to 0.2" in words(two)
    assert "never flips: PASS" in words(three)
    assert "holds down to 1" in words(four)
    assert four.get_xlim()[0] > four.get_xlim()[1]
    key = drawn[0].get_supxlabel()
    assert all(said in key for said in ("the target fails", "first flips", "grey band", "99.9 %"))
    assert "no answer" not in key


def test_a_number_without_an_answer_breaks_the_line_and_is_marked(drawn: list[Any]) -> None:
    """No line leads over it, no flip is drawn beside it, and the key says what the mark means."""
    gap = target(held(0, 0.9), held(1, 0.7), missing=(0.5,))
    tipping_picture("A trial", [tipped(gap, missing=(0.5,))], "png")
    (axes,) = drawn[0].axes
    marks, line = axes.lines[0], axes.lines[1]
    assert list(marks.get_xdata()) == [0.5]
    assert any(value != value for value in line.get_ydata())  # noqa: PLR0124 - not a number
    assert "holds" not in words(axes)
    assert "x: no answer" in drawn[0].get_supxlabel()


@pytest.mark.parametrize(("targets", "panels"), [(1, 1), (3, 3), (4, 4), (7, 9)])
def test_rows_are_filled_evenly(drawn: list[Any], targets: int, panels: int) -> None:
    """Four targets stand two by two, seven three by three with two places left empty."""
    tipping_picture("A trial", [tipped(*[NEVER] * targets)], "png")
    assert len(drawn[0].axes) == panels


def test_more_panels_than_fit_are_refused() -> None:
    """61 targets at one number are one too many, and the way out is told."""
    with pytest.raises(InputError, match="61 panels") as error:
        tipping_picture("A trial", [tipped(*[NEVER] * 61)], "png")
    assert "--json" in str(error.value)


def test_a_picture_is_a_picture() -> None:
    """The same values give the same bytes."""
    first = tipping_picture("A trial", [tipped(FLIPS)], "svg")
    assert first.startswith(b"<?xml")
    assert tipping_picture("A trial", [tipped(FLIPS)], "svg") == first


def test_both_sides_of_a_crossing_never_look_alike() -> None:
    """A resolution finer than nine digits shows as many digits as tell the last number that holds from the next."""
    fine = target(held(0.979758154381, 0.81), held(0.979758154382, 0.79), held(0.979758154383, 0.82))
    text = said(tipped(fine, grid=(0.979758154381, 0.979758154383)))
    assert "holds up to 0.979758154381 (0.810), fails from 0.979758154382 (0.790)" in text
    assert "between 0.979758154382 (0.790) and 0.979758154383 (0.820)" in text
