"""Power of t tests against printed numbers, mpmath and an integral over both variances; and what a file may not say."""

from __future__ import annotations

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from scipy.special import nctdtr, ndtr, roots_genlaguerre, stdtrit
from scipy.stats import nct
from tests.tolerances import QUADRATURE, ROUNDING, printed

from anatrial.designs.fixed import ArmSizes
from anatrial.designs.secondary import Secondary, Spreads
from anatrial.errors import Fault
from anatrial.numerics.noncentral_t import Arms, detectable, patients_for, power


def test_power_of_two_arms_is_what_r_prints() -> None:
    """power.t.test(n = 20, delta = 1, sd = 1) in R's own example prints power = 0.8689528 (one rejecting tail)."""
    found = power(Arms(20, 1.0, 20, 1.0), 1.0, tail=0.025, both=False)
    assert found == pytest.approx(0.8689528, abs=printed(7))


def test_power_of_two_arms_is_what_statsmodels_prints() -> None:
    """TTestIndPower().power(0.5, 64, 0.05) and TTestPower().power(0.5, 34, 0.05), statsmodels 0.15.0."""
    two = power(Arms(64, 2.0, 64, 2.0), 1.0, tail=0.025, both=True)
    one = power(Arms(34, 2.0), 1.0, tail=0.025, both=True)
    assert two == pytest.approx(0.8014595579, abs=printed(10))
    assert one == pytest.approx(0.8077775013, abs=printed(10))


@pytest.mark.parametrize(("n", "shift"), [(2, 0.0), (2, 3.0), (7, 2.5), (60, -1.0), (900, 2.0)])
def test_one_arm_agrees_with_an_integral_in_mpmath(n: int, shift: float) -> None:
    """P(|T| > c) is the mean of two normal tails over the law of the estimated spread."""
    df = n - 1
    bound = mpmath.mpf(-float(stdtrit(df, 0.025)))

    def tails(u: mpmath.mpf) -> mpmath.mpf:
        s = mpmath.sqrt(u / df)
        density = (
            u ** (mpmath.mpf(df) / 2 - 1) * mpmath.exp(-u / 2) / (2 ** (mpmath.mpf(df) / 2) * mpmath.gamma(df / 2))
        )
        return (mpmath.ncdf(shift - bound * s) + mpmath.ncdf(-shift - bound * s)) * density

    spread = float(np.sqrt(2 * df))
    edges = sorted({0.0, *(max(df + k * spread, 0.0) for k in (-6, -3, -1, 0, 1, 3, 6, 12))})
    edges = [0.0, 1e-6, 1e-3, 0.05, *[e for e in edges if e > 0.05], df + 40 * spread] if df < 5 else edges
    expected = float(mpmath.quad(tails, edges))
    found = power(Arms(n, 1.0), shift / float(np.sqrt(n)), tail=0.025, both=True)
    assert found == pytest.approx(expected, abs=QUADRATURE)


@pytest.mark.parametrize(("n_t", "n_c"), [(8, 12), (20, 20), (200, 90)])
def test_welch_agrees_with_an_integral_over_both_variances(n_t: int, n_c: int) -> None:
    """Power of Welch's test is the mean of the normal tails over two independent estimated variances."""
    sd_t, sd_c, difference = 3.0, 9.0, 6.0
    (at_t, w_t), (at_c, w_c) = (roots_genlaguerre(90, (n - 1) / 2 - 1) for n in (n_t, n_c))
    part_t = 2 * at_t[:, None] / (n_t - 1) * sd_t**2 / n_t
    part_c = 2 * at_c[None, :] / (n_c - 1) * sd_c**2 / n_c
    df = (part_t + part_c) ** 2 / (part_t**2 / (n_t - 1) + part_c**2 / (n_c - 1))
    error = np.sqrt(sd_t**2 / n_t + sd_c**2 / n_c)
    bound = -stdtrit(df, 0.025) * np.sqrt(part_t + part_c) / error
    shift = difference / error
    both = ndtr(shift - bound) + ndtr(-shift - bound)
    expected = float((w_t @ both @ w_c) / (w_t.sum() * w_c.sum()))
    found = power(Arms(n_t, sd_t, n_c, sd_c), difference, tail=0.025, both=True, welch=True)
    assert found == pytest.approx(expected, abs=QUADRATURE)


def test_without_a_difference_the_pooled_test_keeps_its_level() -> None:
    """At difference 0 both tails of an exact test have 0.05 together."""
    assert power(Arms(5, 2.0, 9, 2.0), 0.0, tail=0.025, both=True) == pytest.approx(0.05, abs=ROUNDING)


@pytest.mark.parametrize(("effect", "n"), [(0.2, 394), (0.5, 64), (0.8, 26), (1.2, 12)])
def test_patients_per_arm_are_those_of_printed_tables(effect: float, n: int) -> None:
    """Cohen's effects at 80 % power, two-sided 5 %: numbers that G*Power and R's power.t.test print, rounded up."""
    assert patients_for((3.0, 3.0), 3.0 * effect, tail=0.025, both=True) == n


@pytest.mark.parametrize("spreads", [(12.0, 20.0), (2.0, None)])
def test_one_patient_fewer_is_too_few(spreads: tuple[float, float | None]) -> None:
    """The number asked for has 80 % power, the next smaller one less; nobody is asked for more than a million."""
    found = patients_for(spreads, 1.5, tail=0.01, both=False, welch=spreads[1] is not None)
    assert found is not None

    def chance(n: int) -> float:
        if spreads[1] is None:
            return float(nct(n - 1, 1.5 / spreads[0] * n**0.5).sf(float(-stdtrit(n - 1, 0.01))))
        arms = Arms(n, spreads[0], n, spreads[1])
        return power(arms, 1.5, tail=0.01, both=False, welch=True)

    assert chance(found - 1) < 0.8 <= chance(found)
    assert patients_for(spreads, 1e-6, tail=0.01, both=False, welch=spreads[1] is not None) is None


@pytest.mark.parametrize(("n", "tail"), [(2, 0.025), (12, 0.025), (40, 0.005), (300, 0.05)])
def test_the_detectable_difference_is_found_with_the_stated_power(n: int, tail: float) -> None:
    """At it, scipy's noncentral t puts 80 % beyond the bound."""
    found = detectable(Arms(n, 3.0, n, 3.0), tail=tail, both=False)
    df, shift = 2.0 * n - 2, found / (3.0 * float(np.sqrt(2 / n)))
    assert float(nctdtr(df, -shift, float(stdtrit(df, tail)))) == pytest.approx(0.8, abs=QUADRATURE)


def test_the_detectable_difference_of_welch_is_found_with_that_power() -> None:
    """Welch's power at the difference that was found is the chance that was asked for."""
    arms = Arms(10, 2.0, 15, 5.0)
    found = detectable(arms, tail=0.025, both=True, welch=True, chance=0.9)
    assert power(arms, found, tail=0.025, both=True, welch=True) == pytest.approx(0.9, abs=ROUNDING)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (Arms(50, 1.0, 2, 30.0), 0.0990353442),
        (Arms(2, 1.0, 2, 1e9), 0.0973631175),
        (Arms(2000, 1.0, 2, 3.0), 0.1009468823),
        (Arms(400, 1.0, 3, 30.0), 0.1487125063),
    ],
)
def test_welch_of_very_unequal_arms_is_a_sum_over_both_estimated_variances(arms: Arms, expected: float) -> None:
    """Digits of a sum over 4000 x 4000 points in the logarithms of both variances, at 1.5 standard errors."""
    found = power(arms, 1.5 * arms.error, tail=0.025, both=True, welch=True)
    assert found == pytest.approx(expected, abs=printed(10))


def endpoint(**changes: object) -> Secondary:
    """A secondary endpoint of a trial with two arms."""
    plain: dict[str, object] = {
        "name": "CRP",
        "unit": "mg/l",
        "n": ArmSizes(treatment=20, control=18),
        "sd": 10.0,
        "difference": -5.0,
        "alpha": 0.025,
    }
    return Secondary.model_validate(plain | changes)


def test_what_does_not_fit_the_trial_is_named() -> None:
    """More patients than the trial has, a single patient, an arm that there is not, and a spread too many."""
    two, one = ArmSizes(treatment=20, control=10), ArmSizes(treatment=20)
    spreads = Spreads(treatment=1.0, control=2.0)
    assert list(endpoint().faults(1, two)) == [
        Fault("secondary 1, n, control", "18", "at most the 10 patients of the trial")
    ]
    lone = endpoint(n=ArmSizes(treatment=1, control=10))
    expected = "at least 2 patients, or nothing is known of the spread"
    assert list(lone.faults(2, two)) == [Fault("secondary 2, n, treatment", "1", expected)]
    expected = "patients of every arm, and of no other"
    assert list(endpoint().faults(1, one)) == [Fault("secondary 1, n", "control patients in a single arm", expected)]
    spread = endpoint(n=ArmSizes(treatment=20), sd=None, sd_per_arm=spreads)
    told = Fault("secondary 1, sd_per_arm", "a spread per arm", "sd: the trial has a single arm")
    assert list(spread.faults(1, one)) == [told]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha_two_sided": 0.05}, "both | alpha (one-sided) or alpha_two_sided"),
        ({"sd": None}, "neither | sd, the same in both arms, or sd_per_arm"),
        ({"difference": 0.0}, "an expected difference of 0 | a difference to find"),
        ({"alpha": 0.5}, "a chance of 0.5 in each rejecting tail | at least 1e-06 and below 0.5"),
        ({"alpha": None, "alpha_two_sided": 1e-9}, "a chance of 5e-10 in each rejecting tail | at least 1e-06"),
    ],
)
def test_an_endpoint_says_each_thing_once(changes: dict[str, object], message: str) -> None:
    """One alpha, one way to give the spread, and a difference to find."""
    with pytest.raises(ValueError, match="Value error") as told:
        endpoint(**changes)
    assert message in str(told.value)


def test_the_test_is_said_in_words() -> None:
    """Which t test, and its level."""
    spreads = Spreads(treatment=1.0, control=2.0)
    assert endpoint().test == "pooled t, one-sided 0.025"
    assert endpoint(sd=None, sd_per_arm=spreads, alpha=None, alpha_two_sided=0.05).test == "Welch, two-sided 0.05"
    assert endpoint(n=ArmSizes(treatment=9)).test == "paired t, one-sided 0.025"
