"""Laws of differences of rates against RBesT: rbest.json says how each value was made."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import cases, mixture, named

from anatrial.numerics.difference import Scale, probability_beyond, upper_tail

Case = dict[str, Any]
FILE = "rbest.json"
SCALES: dict[str, Scale] = {"log_odds": "log_odds", "log": "log_ratio"}


@pytest.mark.parametrize("case", cases(FILE, "difference_pdf"), ids=named)
def test_density(case: Case) -> None:
    """The density of a difference is RBesT's, wherever RBesT's has digits."""
    given, within = case["inputs"], case["tolerance"]
    one, two = mixture(given["mixture1"]), mixture(given["mixture2"])
    found = [one.difference_density(two, x) for x in given["x"]]
    assert found == pytest.approx(case["expected"]["pdf"], rel=within["rel"], abs=within["abs"])


@pytest.mark.parametrize("case", cases(FILE, "difference_quantile"), ids=named)
def test_quantiles(case: Case) -> None:
    """Quantiles of a difference are the roots of RBesT's distribution function."""
    given = case["inputs"]
    one, two = mixture(given["mixture1"]), mixture(given["mixture2"])
    found = [one.difference_quantile(two, p) for p in given["p"]]
    assert found == pytest.approx(case["expected"]["quantile"], abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("case", cases(FILE, "difference_upper_tail_on_scale"), ids=named)
def test_upper_tail_on_a_scale(case: Case) -> None:
    """P(g(rate 1) - g(rate 2) > t) on the log-odds and the log scale is RBesT's, alone and as a grid of one table."""
    given, within = case["inputs"], case["tolerance"]["abs"]
    one, two = mixture(given["mixture1"]).array, mixture(given["mixture2"]).array
    scale = SCALES[given["scale"]]
    found = [upper_tail(one, two, t, scale) for t in given["thresholds"]]
    assert found == pytest.approx(case["expected"]["upper_tail"], abs=within)
    grids = [float(probability_beyond(one, 0, two, 0, t, scale)[0, 0]) for t in given["thresholds"]]
    assert grids == pytest.approx(case["expected"]["upper_tail"], abs=within)
