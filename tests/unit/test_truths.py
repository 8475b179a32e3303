"""Truths: drop-out, laws, and what each kind refuses."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from pydantic import ValidationError
from tests.building import drawn, null, points, resolved
from tests.tolerances import ROUNDING

from anatrial.domain.counts import Look
from anatrial.errors import InputError
from anatrial.numerics.binomial import binomial
from anatrial.truths.base import ArmRates, DropOut
from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid, RateLists
from anatrial.truths.points import Points

COMPLETERS = Points(
    kind="points",
    rates=ArmRates(treatment=0.385, control=0.2),
    rates_among="completers",
    dropout=DropOut(treatment=0.35, control=0.1),
)


def test_drop_out_counts_as_non_response() -> None:
    """5 of 13 completers with 35 % drop-out are 5 of 20 among the randomised."""
    truth = Points(
        kind="points",
        rates=ArmRates(treatment=5 / 13),
        rates_among="completers",
        dropout=DropOut(treatment=0.35),
    )
    assert truth.trial_rates()[0] == pytest.approx(0.25, rel=ROUNDING)


def test_drop_out_differs_per_arm() -> None:
    """Each arm's completer rate is multiplied by one minus its own drop-out."""
    assert COMPLETERS.trial_rates() == pytest.approx((0.385 * 0.65, 0.2 * 0.9), rel=ROUNDING)


def test_excluded_drop_outs_leave_the_rates() -> None:
    """Drop-outs who leave the analysis leave the completer rates as they are."""
    dropout = DropOut(treatment=0.35, control=0.1, counted="excluded")
    assert COMPLETERS.model_copy(update={"dropout": dropout}).trial_rates() == (0.385, 0.2)


def test_drop_out_acts_on_every_rate_of_a_grid() -> None:
    """A grid multiplies each of its completer rates."""
    grid = Grid(
        kind="grid",
        rates=RateLists(treatment=(0.4, 0.8), control=(0.1, 0.5)),
        rates_among="completers",
        dropout=DropOut(treatment=0.5, control=0.2),
    )
    treatment, control = grid.trial_rates()
    assert treatment == pytest.approx((0.2, 0.4), rel=ROUNDING)
    assert control == pytest.approx((0.08, 0.4), rel=ROUNDING)


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
def test_impossible_drop_out_is_refused(share: float) -> None:
    """Drop-out is at least 0 and below 1."""
    with pytest.raises(ValidationError):
        DropOut(treatment=share)


COMPLETED = 'kind = "points"\nrates = { treatment = 0.6, control = 0.2 }\nrates_among = "completers"'
TWO_ARMS = """
design = {{ kind = "fixed", n = {{ treatment = 10, control = 10 }} }}
rule = {{ kind = "fisher", alpha = 0.05 }}
targets = [{{ metric = "power", truth = "expected", at_least = 0.5 }}]
[truths.expected]
{0}
"""


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        (
            'kind = "points"\nrates = { treatment = 0.6, control = 0.2 }\ndropout = { treatment = 0.1, control = 0.1 }',
            "dropout",
        ),
        (COMPLETED, "dropout"),
        ('kind = "points"\nrates = { treatment = 0.6 }', "control rate"),
        (f"{COMPLETED}\ndropout = {{ treatment = 0.1 }}", "control drop-out"),
        ('kind = "design_prior"\ntreatment = { a = 1, b = 1 }', "control"),
        ('kind = "grid"\nrates = { treatment = [0.5] }', "control rate"),
        ('kind = "grid"\nrates = { treatment = [], control = [0.2] }', "treatment"),
    ],
)
def test_truths_that_contradict_themselves(truth: str, says: str) -> None:
    """Drop-out counted twice or not at all, and missing arms, are input errors that say what is wrong."""
    with pytest.raises(InputError, match=says):
        resolved(TWO_ARMS.format(truth))


def test_drop_out_of_nobody_is_allowed() -> None:
    """Completer rates with a drop-out of 0 are the trial's rates."""
    found = resolved(TWO_ARMS.format(COMPLETED + "\ndropout = { treatment = 0.0, control = 0.0 }")).resolved.truths[
        "expected"
    ]
    assert isinstance(found, Points)
    assert found.trial_rates() == (0.6, 0.2)


@pytest.mark.parametrize(
    "truth",
    [points(0.6, 0.25), points(0.0, 1.0), COMPLETERS, drawn([[1, 6, 4]], [[0.8, 8, 26], [0.2, 1, 1]])],
)
@pytest.mark.parametrize("look", [Look(1, 1), Look(24, 6), Look(500, 2000)])
def test_laws_sum_to_one(truth: Points | DesignPrior, look: Look) -> None:
    """Each arm's law has a probability for 0 to n responders, none below 0, and they sum to 1."""
    law = truth.law(look)
    for rows, n in zip(law, look, strict=True):
        assert rows.shape == (1, n + 1)
        assert rows.min() >= 0
        assert float(rows.sum()) == pytest.approx(1, abs=ROUNDING)


@pytest.mark.parametrize(
    "rate", [Fraction(0), Fraction(1, 100), Fraction(1, 3), Fraction(1, 2), Fraction(99, 100), Fraction(1)]
)
def test_binomial_law_in_fractions(rate: Fraction) -> None:
    """The law of known rates is binomial, count by count."""
    law = binomial(17, np.array([float(rate)]))[0]
    exact = [float(comb(17, x) * rate**x * (1 - rate) ** (17 - x)) for x in range(18)]
    assert law.tolist() == pytest.approx(exact, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("n", [100, 2000])
def test_binomial_law_of_large_trials(n: int) -> None:
    """At n = 2000 the logarithms of factorials still leave 12 digits: mean and variance are n p and n p q."""
    for rate in (1e-6, 0.1, 0.5, 0.999):
        law = binomial(n, np.array([rate]))[0]
        x = np.arange(n + 1)
        mean = float(law @ x)
        assert mean == pytest.approx(n * rate, rel=1e-11)
        assert float(law @ (x - mean) ** 2) == pytest.approx(n * rate * (1 - rate), rel=1e-9)


def test_a_grid_has_a_law_per_rate() -> None:
    """A grid gives one row per rate and arm, in the order of the file."""
    law = Grid(kind="grid", rates=RateLists(treatment=(0.4, 0.8, 0.4), control=(0.1,))).law(Look(3, 2))
    assert law.treatment.shape == (3, 4)
    assert law.control.shape == (1, 3)
    assert (law.treatment[0] == law.treatment[2]).all()
    assert law.treatment[1, 3] == pytest.approx(0.8**3, rel=ROUNDING)


@pytest.mark.parametrize("ends", [(0.3, 0.2), (-0.1, 0.2), (0.2, 1.2)])
def test_impossible_ranges_are_refused(ends: tuple[float, float]) -> None:
    """A range of control rates starts at or below its end, inside 0 to 1."""
    with pytest.raises(ValidationError):
        null(*ends)


def test_rates_of_integers_are_rates() -> None:
    """0 and 1, written without a point, are rates."""
    truth = TWO_ARMS.format('kind = "points"\nrates = { treatment = 1, control = 0 }')
    found = resolved(truth).resolved.truths["expected"]
    assert isinstance(found, Points)
    assert found.trial_rates() == (1.0, 0.0)
