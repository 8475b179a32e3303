"""Confidence intervals against statsmodels, SciPy and RBesT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy.special import ndtri

from anatrial.numerics.intervals import clopper_pearson, newcombe_limits, wilson

PEERS = json.loads(Path(__file__).with_name("intervals.json").read_text(encoding="utf-8"))


def cases(source: str, function: str) -> list[Any]:
    found = [case for case in PEERS[source]["cases"] if case["function"] == function]
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", cases("frequentist", "proportion_confidence_intervals"))
def test_intervals_of_one_proportion_agree_with_statsmodels_and_scipy(case: dict[str, Any]) -> None:
    """Clopper-Pearson and Wilson limits are those of statsmodels and SciPy."""
    given, told, off = case["inputs"], case["expected"], case["tolerance"]["abs"]
    arguments = (given["events"], given["n"], given["level"])
    assert clopper_pearson(*arguments) == pytest.approx(tuple(told["clopper_pearson"]), abs=off, rel=0)
    assert wilson(*arguments) == pytest.approx(tuple(told["wilson"]), abs=off, rel=0)


@pytest.mark.parametrize("case", cases("frequentist", "difference_confidence_intervals"))
def test_newcombe_interval_of_a_difference_agrees_with_statsmodels(case: dict[str, Any]) -> None:
    """Newcombe's hybrid score limits are those of statsmodels."""
    given, told, off = case["inputs"], case["expected"], case["tolerance"]["abs"]
    z = -float(ndtri((1 - given["level"]) / 2))
    lower, upper = newcombe_limits(given["n_treatment"], given["n_control"], z)
    at = (given["events_treatment"], given["events_control"])
    assert (float(lower[at]), float(upper[at])) == pytest.approx(tuple(told["newcombe_hybrid_score"]), abs=off, rel=0)


@pytest.mark.parametrize("case", cases("rbest", "exact_binomial_ci"))
def test_exact_interval_agrees_with_rbest(case: dict[str, Any]) -> None:
    """Clopper-Pearson limits are those of RBesT's BinaryExactCI."""
    given, told, off = case["inputs"], case["expected"], case["tolerance"]["abs"]
    found = [clopper_pearson(x, n, 1 - given["alpha"]) for x, n in zip(given["successes"], given["n"], strict=True)]
    assert [low for low, _ in found] == pytest.approx(told["lower"], abs=off, rel=0)
    assert [high for _, high in found] == pytest.approx(told["upper"], abs=off, rel=0)


def test_every_kind_of_case_is_there() -> None:
    """The stored cases cover both groups of intervals and RBesT's: an empty list would pass in silence."""
    names = ("proportion_confidence_intervals", "difference_confidence_intervals")
    assert all(len(cases("frequentist", name)) == 8 for name in names)
    assert len(cases("rbest", "exact_binomial_ci")) == 1


@pytest.mark.parametrize("n", [1, 5, 24, 2000])
def test_intervals_end_exactly_at_nobody_and_everybody(n: int) -> None:
    """With no responders the lower limit is 0 itself, with all of them the upper limit is 1 itself."""
    for interval in (clopper_pearson, wilson):
        assert interval(0, n)[0] == 0.0
        assert interval(n, n)[1] == 1.0
        assert 0 < interval(0, n)[1] < 1
