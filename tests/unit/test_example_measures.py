"""What a rule computes at a look of an example trial, and what it decides: every number by another path."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from tests.example_trials import looks
from tests.tolerances import QUADRATURE, ROUNDING

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.counts import Look
from anatrial.numerics import IntArray
from anatrial.plan.example_measures import asked
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher_midp import FisherMidp


def test_a_group_sequential_trial_is_decided_by_its_z() -> None:
    """The pooled z is that of the formula, and the trial ends at the first look where it meets a bound."""
    for look in looks("as-group-sequential"):
        assert look.control is not None
        (x_t, n_t, _), (x_c, n_c, _) = look.treatment, look.control
        share = (x_t + x_c) / (n_t + n_c)
        z = (x_t / n_t - x_c / n_c) / math.sqrt(share * (1 - share) * (1 / n_t + 1 / n_c))
        assert all(asked.value == pytest.approx(z, abs=ROUNDING) for asked in look.asked)
        bounds = {asked.decides: asked.threshold for asked in look.asked}
        decided = "no success" if look.last else "goes on"
        if z <= bounds.get("futility", -math.inf):
            decided = "futility"
        if z >= bounds["success"]:
            decided = "success"
        assert look.decision == decided


def test_a_posterior_watched_after_every_five_patients() -> None:
    """One arm: the probability is a Beta tail, and 0.995, 0.30 and at the end 0.98 decide."""
    for look in looks("as-monitored"):
        p = float(stats.beta.sf(0.25, 1 + look.treatment.x, 1 + look.treatment.n - look.treatment.x))
        assert [asked.value for asked in look.asked] == pytest.approx([p] * len(look.asked), abs=ROUNDING)
        early = "success" if p > 0.995 else "futility" if p < 0.3 else "goes on"
        assert look.decision == (("success" if p > 0.98 else "no success") if look.last else early)


def test_a_predictive_probability() -> None:
    """At the first stage: the beta-binomial chance of the final counts whose Beta tail passes 0.95."""
    final = [x for x in range(31) if stats.beta.sf(0.5, 1 + x, 31 - x) > 0.95]
    for look in (look for look in looks("sjia-first-line-two-stage") if not look.last):
        x, n = look.treatment[:2]
        value = sum(stats.betabinom.pmf(total - x, 30 - n, 1 + x, 1 + n - x) for total in final)
        (asked,) = look.asked
        assert asked.value == pytest.approx(value, abs=ROUNDING)
        assert look.decision == ("futility" if value < 0.1 else "goes on")


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("anajis", lambda table: stats.fisher_exact(table)[1]),
        ("as-completers-only", lambda table: stats.fisher_exact(table, "greater")[1]),
        ("anajis-chi-square", lambda table: stats.chi2_contingency(table, correction=False)[1]),
    ],
)
def test_p_values_are_those_of_scipy(name: str, oracle: Callable[[IntArray], float]) -> None:
    """The p-value of every told trial is scipy's, and it decides."""
    for look in looks(name):
        assert look.control is not None
        (x_t, n_t, _), (x_c, n_c, _) = look.treatment, look.control
        (asked,) = look.asked
        assert asked.value == pytest.approx(oracle(np.array([[x_t, x_c], [n_t - x_t, n_c - x_c]])), abs=QUADRATURE)
        better = x_t * n_c > x_c * n_t
        assert (look.decision == "success") == (asked.value <= asked.threshold and better)


def signed_square(x_t: int, n_t: int, x_c: int, n_c: int, *, pooled: bool) -> float:
    """The square of z with its sign, in fractions until the end, so that ties are ties."""
    p, q, s = Fraction(x_t, n_t), Fraction(x_c, n_c), Fraction(x_t + x_c, n_t + n_c)
    variance = p * (1 - p) / n_t + q * (1 - q) / n_c
    if pooled:
        variance = s * (1 - s) * (Fraction(1, n_t) + Fraction(1, n_c))
    if p == q:
        return 0.0
    return float((p - q) * abs(p - q) / variance) if variance else math.copysign(math.inf, p - q)


@pytest.mark.parametrize(
    ("name", "pooled", "two_sided"), [("sjia-z-pooled", True, False), ("hs-z-unpooled", False, True)]
)
def test_unconditional_p_values_are_the_largest_size(name: str, pooled: bool, two_sided: bool) -> None:
    """The p-value is the largest size, over a fine grid of common rates, of all tables with a z as large."""
    rates = np.linspace(0, 1, 8001)[:, None]
    laws = {n: np.asarray(stats.binom.pmf(np.arange(n + 1), n, rates)) for n in (12, 20, 24)}
    for look in looks(name):
        assert look.control is not None
        (x_t, n_t, _), (x_c, n_c, _) = look.treatment, look.control
        sign = abs if two_sided else float
        seen = sign(signed_square(x_t, n_t, x_c, n_c, pooled=pooled))
        size = np.zeros(len(rates))
        for i in range(n_t + 1):
            extreme = [k for k in range(n_c + 1) if sign(signed_square(i, n_t, k, n_c, pooled=pooled)) >= seen]
            if extreme:
                size += laws[n_t][:, i] * laws[n_c][:, extreme].sum(axis=1)
        (asked,) = look.asked
        assert asked.value == pytest.approx(size.max(), abs=1e-6)  # what the grid may miss of a smooth maximum
        assert (look.decision == "success") == (asked.value <= 0.05 and x_t * n_c > x_c * n_t)


def test_boschloos_p_value() -> None:
    """The doubled p-value of every told trial is scipy's, which searches its rate to 1e-6."""
    for look in looks("anajis-boschloo"):
        assert look.control is not None
        x_t, x_c = look.treatment.x, look.control.x
        found = stats.boschloo_exact([[x_t, x_c], [12 - x_t, 12 - x_c]], "two-sided", n=256).pvalue
        assert look.asked[0].value == pytest.approx(found, abs=1e-6)


def test_go_and_no_go() -> None:
    """Each probability is an integral over the control rate: go where the first two hold, no-go where the last does."""
    for look in looks("as-go-no-go"):
        assert look.control is not None
        (x_t, n_t, _), (x_c, n_c, _) = look.treatment, look.control
        control, treatment = stats.beta(1 + x_c, 1 + n_c - x_c), stats.beta(1 + x_t, 1 + n_t - x_t)

        def beyond(margin: float, control: Any = control, treatment: Any = treatment) -> float:
            return float(quad(lambda r: control.pdf(r) * treatment.sf(r + margin), 0, 1, epsabs=1e-11)[0])

        expected = [beyond(0.0), beyond(0.1), 1 - beyond(0.2)]
        assert [asked.value for asked in look.asked] == pytest.approx(expected, abs=QUADRATURE)
        assert [asked.decides for asked in look.asked] == ["success", "success", "no-go"]
        assert [asked.threshold for asked in look.asked] == [0.95, 0.7, 0.8]
        go, no_go = expected[0] > 0.95 and expected[1] > 0.7, expected[2] > 0.8
        assert look.decision == ("no-go" if no_go else "success" if go else "consider")


def test_an_exact_binomial_and_a_mid_p() -> None:
    """One arm: the binomial tail. Two arms: the hypergeometric tail less half of the observed table."""
    names = ArmNames()
    (found,) = asked(ExactBinomial(kind="exact_binomial", alpha=0.05, null_rate=0.3), (Look(20, 0),), 0, (10, 0), names)
    assert found.value == pytest.approx(stats.binomtest(10, 20, 0.3, "greater").pvalue, abs=ROUNDING)
    (found,) = asked(FisherMidp(kind="fisher_midp", alpha=0.05), (Look(12, 10),), 0, (8, 3), names)
    law = stats.hypergeom(22, 11, 12)
    assert found.value == pytest.approx(law.sf(7) - 0.5 * law.pmf(8), abs=ROUNDING)
    assert (found.what, found.sign, found.threshold) == ("the one-sided p-value", "<=", 0.05)


@pytest.mark.parametrize("name", ["gout-non-inferiority", "as-equivalence-joint", "as-dual-criterion", "as-single-arm"])
def test_the_numbers_told_decide(name: str) -> None:
    """A finished trial succeeds where every number that success asks for is beyond its threshold."""
    for look in looks(name):
        passed = [one.value <= one.threshold if one.sign == "<=" else one.value > one.threshold for one in look.asked]
        assert passed
        assert (look.decision == "success") == all(passed)
