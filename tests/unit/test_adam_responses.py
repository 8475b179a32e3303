"""Files of virtual patients of trials with several doses, adaptive allocation and baskets give the same tallies."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import betainc
from tests.adam_files import HOW, counts, per_trial, succeeds, tallied, written
from tests.trials_building import resolved_trial

from anatrial.files import read_scenario

ROOT = Path(__file__).parents[2] / "scenarios"

DOSES = """
[design]
kind = "several_arms"
control = 15
doses = [{ name = "low", n = 14 }, { name = "high", n = 12 }]

[rule]
kind = "hierarchical"
order = ["high", "low"]
test = { kind = "fisher", alpha = 0.05 }

[truths.expected]
kind = "points"
rates = { control = 0.2, doses = { low = 0.5, high = 0.7 } }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""

EARLY = """
[design]
kind = "response_adaptive"
n = 40
doses = ["low", "high"]
burn_in = 5
block = 5
drop_below = 0.1

[rule]
kind = "posterior"
certainty = 0.9
early_certainty = 0.97
analysis_prior = { control = { a = 1, b = 1 }, doses = { low = { a = 1, b = 1 }, high = { a = 1, b = 1 } } }

[truths.expected]
kind = "points"
rates = { control = 0.2, doses = { low = 0.4, high = 0.7 } }

[[targets]]
metric = "power"
truth = "expected"
at_least = 0.1
"""


def test_several_doses_from_the_file(tmp_path: Path) -> None:
    """The high dose first, then the low one: Fisher's tests of the file's patients give the tally, dose by dose."""
    used = resolved_trial(DOSES)
    table, told = written(used, "expected", tmp_path / "a.parquet"), tallied(used, "expected")
    everyone = np.ones(len(table["AVAL"]), dtype=bool)
    control, low, high = (counts(table, everyone, arm) for arm in ("placebo", "anakinra low", "anakinra high"))
    assert [arm[0][0] for arm in (control, low, high)] == [15, 14, 12]
    won = succeeds(high, control, 0.05)
    assert won.sum() == told["power_dose_2"] == told["power"]
    assert (won & succeeds(low, control, 0.05)).sum() == told["power_dose_1"]
    place = [table["AVAL"][table["TRT01PN"] == 2].reshape(-1, 12)[:, k].mean() for k in range(12)]
    assert min(place) > 0.5  # who responds does not depend on the place in the arm: 0.70, 0.04 standard error


def test_adaptive_doses_from_the_file(tmp_path: Path) -> None:
    """Fisher's test of every dose that was not dropped; patients and responders per arm as tallied."""
    used = read_scenario(ROOT / "ra-adaptive-doses.toml")
    table, told = written(used, "published", tmp_path / "a.parquet"), tallied(used, "published")
    everyone, alpha = np.ones(len(table["AVAL"]), dtype=bool), 0.0125
    control, *doses = (counts(table, everyone, arm) for arm in ("placebo", "anakinra low", "anakinra high"))
    for number, (arm, dose) in enumerate(zip(("anakinra low", "anakinra high"), doses, strict=True), start=1):
        dropped = per_trial(table, 1, (table["TRT01P"] == arm) & (table["SIMDROP"] == "Y")) > 0
        assert dropped.sum() == told[f"dropped_dose_{number}"]
        assert (succeeds(dose, control, alpha) & ~dropped).sum() == told[f"power_dose_{number}"]
        assert dose[0].sum() == told[f"expected_n_dose_{number}"]
    assert table["AVAL"].sum() == told["expected_responders"]
    burn_in = table["SIMBLOCK"] == 0
    assert set(per_trial(table, 1, burn_in)) == {60}
    assert set(per_trial(table, 1, table["SIMBLOCK"] == 3)) == {30}


@cache
def better(n_t: int, x_t: int, n_c: int, x_c: int) -> float:
    """P(treatment rate > control rate) under uniform priors: a polynomial, which 60 nodes integrate exactly."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    at = (1 + nodes) / 2
    density = stats.beta.pdf(at, 1 + x_t, 1 + n_t - x_t)
    return float(weights @ (density * betainc(1 + x_c, 1 + n_c - x_c, at)) / 2)


def test_an_early_end_from_the_file(tmp_path: Path) -> None:
    """After an early end nobody has a row; the higher certainty decides there, the lower one at the end."""
    used = resolved_trial(EARLY)
    table, told = written(used, "expected", tmp_path / "a.parquet"), tallied(used, "expected")
    everyone = np.ones(len(table["AVAL"]), dtype=bool)
    n = per_trial(table, 1, everyone)
    assert n.sum() == told["expected_n"] < 40 * HOW.trials
    control = counts(table, everyone, "placebo")
    some = np.zeros(HOW.trials, dtype=bool)
    for arm in ("anakinra low", "anakinra high"):
        dropped = per_trial(table, 1, (table["TRT01P"] == arm) & (table["SIMDROP"] == "Y")) > 0
        columns = zip(*counts(table, everyone, arm), *control, strict=True)
        chance = np.array([better(*map(int, row)) for row in columns])
        some |= (chance > np.where(n < 40, 0.97, 0.9)) & ~dropped
    assert some.sum() == told["power"]


@pytest.mark.parametrize("truth", ["all-work", "nothing"])
def test_baskets_from_the_file(truth: str, tmp_path: Path) -> None:
    """The Beta posterior of each disease in the file wins as often as tallied; false wins are told by SIMWORKS."""
    used = read_scenario(ROOT / "il1-basket-alone.toml")
    table, told = written(used, truth, tmp_path / "a.parquet"), tallied(used, truth)
    wins, works = [], []
    for disease, arm in used.resolved.design.baskets.items():
        here = table["COHORT"] == disease
        x = per_trial(table, table["AVAL"], here)
        wins.append(1 - betainc(1 + x, 1 + arm.n - x, 0.4) > 0.98)
        works.append(per_trial(table, table["SIMWORKS"] == "Y", here) == arm.n)
        name = f"{'power' if truth == 'all-work' else 'type_i_error'}_{disease}"
        assert wins[-1].sum() == told[name]
    assert np.any(wins, axis=0).sum() == told["any_won"]
    assert np.any(np.array(wins) & ~np.array(works), axis=0).sum() == told["familywise_error"]
