"""Bounds of group-sequential tests by normal theory: integrals, spending, search, and what has no answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from tests.tolerances import ROUNDING, monte_carlo, printed

from anatrial.errors import ComputationError
from anatrial.numerics import FloatArray, spending
from anatrial.numerics.normal_bounds import Asked, Normal, bounds
from anatrial.numerics.normal_looks import exits
from anatrial.numerics.roots import root


def equal(looks: int) -> FloatArray:
    """Equally spaced fractions."""
    return np.arange(1, looks + 1) / looks


def none(looks: int) -> Asked:
    """No futility bounds."""
    return Asked(np.full(looks, -np.inf), np.full(looks, np.nan))


def scaled(shape: FloatArray) -> Asked:
    """Bounds of this shape."""
    return Asked(shape, np.full(len(shape), np.nan), scaled=True)


def given(*z: float) -> Asked:
    """Bounds as they are."""
    return Asked(np.array(z), np.full(len(z), np.nan))


def two_sided(shape: FloatArray) -> Normal:
    """The two-sided test at 5 % whose bounds have this shape."""
    t = equal(len(shape))
    return bounds(t, scaled(shape), none(len(t)), alpha=0.025, power=0.9, symmetric=True)


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (6, 2.453, 2.053)],
)
def test_constants_printed_by_jennison_and_turnbull(looks: int, pocock: float, obrien_fleming: float) -> None:
    """Two-sided constants at 5 % are those of tables 2.1 and 2.3 of Jennison & Turnbull (2000)."""
    assert two_sided(np.ones(looks)).upper[-1] == pytest.approx(pocock, abs=printed(3))
    assert two_sided(1 / np.sqrt(equal(looks))).upper[-1] == pytest.approx(obrien_fleming, abs=printed(3))


@pytest.mark.parametrize("drift", [-1.0, 0.0, 3.0])
@pytest.mark.parametrize("first", [0.02, 0.5, 0.999])
def test_two_looks_are_one_integral(first: float, drift: float) -> None:
    """The chance to pass at the second look is a single integral over the first statistic, however near the looks."""
    upper, lower = np.array([2.5, 1.9]), np.array([-0.3, 1.9])

    def second(z: float) -> float:
        mean = drift * (1 - first) + z * math.sqrt(first)
        return float(norm.pdf(z - drift * math.sqrt(first)) * norm.sf((1.9 - mean) / math.sqrt(1 - first)))

    found = exits(np.array([first, 1.0]), upper, lower, drift)
    assert found.above[0] == pytest.approx(norm.sf(2.5 - drift * math.sqrt(first)), rel=ROUNDING)
    assert found.below[0] == pytest.approx(norm.cdf(-0.3 - drift * math.sqrt(first)), rel=ROUNDING)
    expected = quad(second, -0.3, 2.5, epsabs=1e-14, epsrel=1e-13, limit=200, points=[1.9])[0]
    assert found.above[1] == pytest.approx(expected, abs=ROUNDING)


def test_stops_of_six_uneven_looks_sum_to_one_and_agree_with_simulation() -> None:
    """With equal last bounds every trial ends somewhere, and as often as simulated Brownian motions do."""
    t = np.array([0.1, 0.12, 0.4, 0.41, 0.8, 1.0])
    upper = np.array([3.0, np.inf, 2.4, 2.4, 2.2, 2.0])
    lower = np.array([-1.0, -1.0, -np.inf, 0.2, 0.8, 2.0])
    found = exits(t, upper, lower, 2.5)
    assert (found.above + found.below).sum() == pytest.approx(1, abs=ROUNDING)
    draws = 200_000
    steps = np.diff(t, prepend=0.0)
    normals = np.random.default_rng(11).standard_normal((draws, len(t)))
    z = np.cumsum(2.5 * steps + np.sqrt(steps) * normals, axis=1) / np.sqrt(t)
    over, under = z >= upper, z <= lower
    ends = np.argmax(over | under, axis=1)
    for look in range(len(t)):
        here = ends == look
        for exact, simulated in ((found.above[look], here & over[:, look]), (found.below[look], here & under[:, look])):
            assert simulated.mean() == pytest.approx(exact, abs=monte_carlo(float(exact), draws))


def test_bounds_that_leave_no_room_end_the_trial() -> None:
    """Where the lower bound is at the upper one nothing goes on, and later looks have probability 0."""
    found = exits(equal(3), np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]), 1.0)
    assert found.above[2] == found.below[2] == 0
    assert (found.above + found.below).sum() == pytest.approx(1, abs=ROUNDING)


@pytest.mark.parametrize("total", [0.025, 0.2])
def test_every_spending_function_ends_with_the_whole_error(total: float) -> None:
    """All error is spent at the end, none before the start, and more with every look."""
    t = np.linspace(0.001, 1, 200)
    functions = [
        spending.obrien_fleming(total, t),
        spending.pocock(total, t),
        *(spending.hwang_shih_decani(total, t, gamma) for gamma in (-4.0, 0.0, 1e-9, 1.0, 40.0)),
        *(spending.power_family(total, t, exponent) for exponent in (0.5, 1.0, 3.0)),
    ]
    for spent in functions:
        assert spent[-1] == pytest.approx(total, rel=ROUNDING)
        assert (np.diff(spent) >= 0).all()
        assert 0 <= spent[0] < 0.05 * total or spent is functions[6] or spent is functions[7]  # these two spend early
    assert functions[2] == pytest.approx(
        [total * (math.exp(4 * x) - 1) / (math.exp(4) - 1) for x in t.tolist()], rel=ROUNDING
    )
    assert functions[3] == pytest.approx(functions[4], rel=1e-8)


def test_binding_beta_spending_with_a_shape_holds_both_errors() -> None:
    """Futility that spends and binds, with bounds of a shape: the found bounds have the errors asked for."""
    t = equal(3)
    beta = spending.hwang_shih_decani(0.1, t, -2.0)
    asked = Asked(np.full(3, np.nan), beta)
    found = bounds(t, scaled(1 / np.sqrt(t)), asked, alpha=0.025, power=0.9, binding=True)
    assert exits(t, found.upper, found.lower, 0.0).above.sum() == pytest.approx(0.025, abs=1e-10)
    missed = exits(t, found.upper, found.lower, found.drift).below
    assert np.cumsum(missed).tolist() == pytest.approx(beta.tolist(), abs=1e-10)
    assert found.upper * np.sqrt(t) == pytest.approx(np.full(3, found.upper[-1]), rel=ROUNDING)


def test_a_look_too_early_to_spend_anything_has_no_bound() -> None:
    """Where the error to spend is below every float the look cannot reject, and the last bound is that of one look."""
    t = np.array([0.001, 1.0])
    found = bounds(t, Asked(np.full(2, np.nan), spending.obrien_fleming(0.025, t)), none(2), alpha=0.025, power=0.8)
    assert found.upper[0] == np.inf
    assert found.upper[1] == pytest.approx(norm.isf(0.025), abs=1e-9)
    assert found.inflation == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("fractions", [[0.5, 0.5, 1.0], [0.6, 0.4, 1.0], [0.0, 1.0], [0.5, 0.9]])
def test_fractions_must_rise_to_one(fractions: list[float]) -> None:
    """Looks that do not grow are an error with the fractions in it."""
    t = np.array(fractions)
    with pytest.raises(ValueError, match="must rise"):
        bounds(t, scaled(np.ones(len(t))), none(len(t)), alpha=0.025, power=0.8)


def test_what_has_no_bounds_is_told() -> None:
    """Bounds that cross, an error used up too early, an error out of reach and a power out of reach are errors."""
    t = equal(2)
    with pytest.raises(ComputationError, match=r"cross at look 1: futility at z 3, efficacy 2\.8"):
        bounds(t, given(2.8, 2.0), given(3.0, np.nan), alpha=0.025, power=0.8)
    last = Asked(np.array([1.5, np.nan]), np.full(2, 0.025))
    with pytest.raises(ComputationError, match=r"use up a type I error of 0\.06681, all of the 0\.025"):
        bounds(t, last, none(2), alpha=0.025, power=0.8)
    with pytest.raises(ComputationError, match="leave less than the type I error"):
        bounds(t, scaled(np.array([np.inf, 1.0])), given(2.2, np.nan), alpha=0.025, power=0.8, binding=True)
    with pytest.raises(ComputationError, match="no effect gives a power"):
        bounds(t, given(np.inf, 2.0), given(np.inf, np.nan), alpha=0.025, power=0.8)


def test_roots() -> None:
    """A zero is found to rounding, at an end too, and an interval without one is an error."""
    assert root(lambda x: x**3 - 2, 0.0, 5.0) == pytest.approx(2 ** (1 / 3), rel=ROUNDING)
    assert root(lambda x: math.atan(1e6 * (x - 0.3)), -50.0, 80.0) == pytest.approx(0.3, rel=ROUNDING)
    assert root(lambda x: x - 1.0, 1.0, 2.0) == pytest.approx(1.0, rel=ROUNDING)
    assert root(lambda x: -x, -1.0, 1.0) == pytest.approx(0.0, abs=ROUNDING)
    with pytest.raises(ComputationError, match="no zero between"):
        root(lambda x: x * x + 1, -1.0, 1.0)
    with pytest.raises(ComputationError, match="did not settle"):
        root(lambda x: x if abs(x) == 1 else math.nan, -1.0, 1.0)
