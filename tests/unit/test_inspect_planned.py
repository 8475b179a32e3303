"""A prior beside planned patients: predictions, surprises, weights after results, other robust parts, by fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import comb, fsum

import pytest
from tests.prior_building import beta_binomial, prior
from tests.tolerances import ROUNDING

from anatrial.domain.mixture import BetaMixture
from anatrial.errors import ComputationError, InputError
from anatrial.numerics import information
from anatrial.plan.planned import beside, checked_size, predicted, strengths, update

TINY = Fraction(25, 1000)
SHAPES = [(1, 1, 39), (1, 1, 40), (8, 26, 24), (26, 8, 24), (8, 26, 3), (2, 2, 10), (100, 300, 50)]


def surprises(chances: Sequence[Fraction]) -> tuple[int | None, int | None]:
    """The largest count with so few, and the smallest with so many, less likely than 0.025."""
    few = [x for x in range(len(chances)) if sum(chances[: x + 1]) < TINY]
    many = [x for x in range(len(chances)) if sum(chances[x:]) < TINY]
    return max(few, default=None), min(many, default=None)


@pytest.mark.parametrize(("a", "b", "n"), SHAPES)
def test_surprising_counts(a: int, b: int, n: int) -> None:
    """Counts surprise where they and all beyond them have less than 0.025; exactly 0.025 (uniform, 39) is not less."""
    found = predicted(BetaMixture.beta(a, b), n)
    exact = beta_binomial(a, b, n)
    assert (found.surprising_low, found.surprising_high) == surprises(exact)
    assert found.probabilities == pytest.approx([float(p) for p in exact], rel=ROUNDING)
    assert found.mean == pytest.approx(n * a / (a + b), rel=ROUNDING)
    assert found.median == next(x for x in range(n + 1) if sum(exact[: x + 1]) >= Fraction(1, 2))


def test_nothing_surprises_a_vague_prior() -> None:
    """Of 3 patients no count is below 0.025 under the uniform."""
    found = predicted(BetaMixture.beta(1, 1), 3)
    assert (found.surprising_low, found.surprising_high) == (None, None)


def kept(n: int, x: int, weight: Fraction, part: tuple[int, int]) -> Fraction:
    """Weight of Beta(8, 26) beside a robust part of this weight and these shapes, after x of n."""
    history = (1 - weight) * beta_binomial(8, 26, n)[x]
    return history / (history + weight * beta_binomial(*part, n)[x])


def test_weight_of_history_after_each_result() -> None:
    """What is left of history follows from how well each part predicted the result."""
    found = beside(prior([(1, 8, 26)], (0.2, 1, 1)), 24)
    assert [r.x for r in found.results] == [0, 3, 7, 10, 14, 17, 21, 24]
    for r in found.results:
        history = kept(24, r.x, Fraction(1, 5), (1, 1))
        assert r.history == pytest.approx(float(history), rel=ROUNDING)
        assert r.weights == pytest.approx([float(history), float(1 - history)], rel=ROUNDING, abs=1e-15)
        mean = history * Fraction(8 + r.x, 58) + (1 - history) * Fraction(1 + r.x, 26)
        assert r.mean == pytest.approx(float(mean), rel=ROUNDING)
        assert r.lower < r.mean < r.upper


def test_without_a_robust_part_each_part_has_its_weight() -> None:
    """No part is called history where none says that history may not apply."""
    found = beside(prior([(0.5, 8, 26), (0.5, 2, 2)]), 10)
    assert found.robust is None
    for r in found.results:
        one, two = beta_binomial(8, 26, 10)[r.x], beta_binomial(2, 2, 10)[r.x]
        assert r.history is None
        assert r.weights == pytest.approx([float(one / (one + two)), float(two / (one + two))], rel=ROUNDING)


def test_few_patients_give_each_count_once() -> None:
    """Of 3 patients there are four results, not eight."""
    assert [r.x for r in beside(prior([(1, 8, 26)]), 3).results] == [0, 1, 2, 3]


def moments(parts: Sequence[tuple[Fraction, Fraction, Fraction]]) -> Fraction:
    """Moment effective n of weighted Betas."""
    mean = sum(w * a / (a + b) for w, a, b in parts)
    square = sum(w * a * (a + 1) / ((a + b) * (a + b + 1)) for w, a, b in parts)
    return Fraction(mean * (1 - mean)) / (square - mean**2) - 1


def test_other_robust_parts_against_fractions() -> None:
    """Each variation is the prior with that part: its strength, and history's weight after two results of 24."""
    found = beside(prior([(1, 8, 26)], (0.2, 1, 1)), 24).robust
    assert found is not None
    history = beta_binomial(8, 26, 24)
    assert found.surprising == surprises(history)[1] == 12
    assert found.expected == next(x for x in range(25) if sum(history[: x + 1]) >= Fraction(1, 2)) == 5
    whole = {"this recipe": (20, 1), "half the weight": (10, 1), "twice the weight": (40, 1), "twice the size": (20, 2)}
    rows = {row.what: row for row in found.rows}
    assert len(rows) == 6
    for what, (percent, shape) in whole.items():
        weight, row = Fraction(percent, 100), next(r for r in found.rows if r.what == what)
        assert row.part == pytest.approx((float(weight), shape, shape), rel=ROUNDING)
        assert row.history_expected == pytest.approx(float(kept(24, 5, weight, (shape, shape))), rel=ROUNDING)
        left = kept(24, 12, weight, (shape, shape))
        assert row.history_surprising == pytest.approx(float(left), rel=ROUNDING)
        mean = left * Fraction(20, 58) + (1 - left) * Fraction(12 + shape, 24 + 2 * shape)
        assert row.mean_surprising == pytest.approx(float(mean), rel=ROUNDING)
        parts = [(1 - weight, Fraction(8), Fraction(26)), (weight, Fraction(shape), Fraction(shape))]
        assert row.effective_n == pytest.approx(float(moments(parts)), rel=1e-11)
        assert row.elir is not None
    half, centred = rows["half the size"], rows["centred on history"]
    assert half.part == (0.2, 0.5, 0.5)
    assert centred.part == pytest.approx((0.2, 2 * 8 / 34, 2 * 26 / 34), rel=ROUNDING)
    assert half.elir is None  # shapes below 1


def test_a_heavy_robust_part_is_not_doubled() -> None:
    """Twice the weight stops at 0.9, and is left out where the weight is there already."""
    whats = {w: beside(prior([(1, 8, 26)], (w, 1, 1)), 10).robust for w in (0.6, 0.9)}
    assert whats[0.6] is not None
    assert whats[0.9] is not None
    assert next(r.part for r in whats[0.6].rows if r.what == "twice the weight") == (0.9, 1, 1)
    assert [r.what for r in whats[0.9].rows if r.what == "twice the weight"] == []


def test_where_nothing_above_surprises_the_first_count_below_is_taken() -> None:
    """History at 0.9 is surprised by few responders of 5, never by many; of one patient nothing surprises it."""
    few = beside(prior([(1, 36, 4)], (0.2, 1, 1)), 5).robust
    assert few is not None
    assert few.surprising == surprises(beta_binomial(36, 4, 5))[0]
    none = beside(prior([(1, 2, 2)], (0.2, 1, 1)), 1).robust
    assert none is not None
    assert none.surprising is None
    assert {(r.history_surprising, r.mean_surprising) for r in none.rows} == {(None, None)}


def test_a_part_that_cannot_be_made_has_its_reason() -> None:
    """A part centred on a rate near 0 would need a shape below 0.001."""
    found = beside(prior([(1, 0.004, 10)], (0.2, 1, 1)), 10).robust
    assert found is not None
    row = next(r for r in found.rows if r.what == "centred on history")
    assert row.part is None
    assert row.effective_n is None
    assert "shapes of at least 0.001 are needed" in row.why_not


def test_strengths_and_their_ratios() -> None:
    """One Beta is worth a + b by moment and ELIR; what does not exist has its reason and no ratio."""
    found = {s.measure: s for s in strengths(BetaMixture.beta(11, 32))}
    assert [found[m].value for m in ("moment", "elir", "elir_log_odds")] == pytest.approx([43.0] * 3, rel=ROUNDING)
    ratios = dict(beside(prior([(1, 11, 32)]), 24).ratios)
    assert ratios["moment"] == pytest.approx(43 / 24, rel=ROUNDING)
    vague = {s.measure: s for s in strengths(BetaMixture.beta(0.5, 0.5))}
    assert vague["elir"].value is None
    assert "a shape below 1 (0.5)" in vague["elir"].why_not
    assert dict(beside(prior([(1, 0.5, 0.5)]), 24).ratios)["elir"] is None


def test_an_integral_that_does_not_settle_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure that cannot be computed leaves the others standing."""

    def never(_: object) -> float:
        raise ComputationError("did not settle")

    monkeypatch.setattr(information, "elir", never)
    found = {s.measure: s for s in strengths(BetaMixture.beta(11, 32))}
    assert found["elir"][1:] == (None, "did not settle")
    assert found["moment"].value == 43


def test_an_update() -> None:
    """Prior, likelihood and posterior are densities; the likelihood is the binomial one with area 1."""
    found = update(prior([(1, 8, 26)], (0.2, 1, 1)), 12, 24)
    for rate, height in found.likelihood[::50]:
        assert height == pytest.approx(25 * comb(24, 12) * rate**12 * (1 - rate) ** 12, rel=1e-10)
    for curve in (found.prior, found.likelihood, found.posterior):
        area = fsum(0.5 * (y0 + y1) * (x1 - x0) for (x0, y0), (x1, y1) in pairwise(curve))
        assert area == pytest.approx(1, abs=0.005)  # curves end 1/400 before 0 and 1
    left = kept(24, 12, Fraction(1, 5), (1, 1))
    assert found.history == pytest.approx((0.8, float(left)), rel=ROUNDING)
    assert found.after.mean == pytest.approx(float(left * Fraction(20, 58) + (1 - left) / 2), rel=ROUNDING)
    assert update(prior([(1, 8, 26)]), 12, 24).history is None


@pytest.mark.parametrize("n", [0, -3, 2001])
def test_sizes_that_cannot_be_enumerated(n: int) -> None:
    """A number of patients is 1 to 2,000."""
    with pytest.raises(InputError, match="1 to 2,000 patients"):
        checked_size(n)
    with pytest.raises(InputError):
        update(prior([(1, 8, 26)]), 0, n)
