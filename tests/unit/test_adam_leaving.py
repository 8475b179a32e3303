"""Files of virtual patients: who leaves, who has an event, and who never comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.adam_files import HOW, counts, per_trial, succeeds, tallied, written
from tests.tolerances import monte_carlo

from anatrial.files import read_scenario

ROOT = Path(__file__).parents[2] / "scenarios"


@pytest.mark.parametrize(("truth", "name"), [("as-observed", "power"), ("uncertain", "assurance")])
def test_who_drops_out_of_a_trial_of_several_endpoints_is_imputed(truth: str, name: str, tmp_path: Path) -> None:
    """35 % leave, and at every level they are imputed non-responders; Holm's test of the file gives the tally."""
    used = read_scenario(ROOT / "as-haibel.toml")
    table = written(used, truth, tmp_path / "a.parquet")
    left = table["DCSREAS"] == "DROP-OUT"
    np.testing.assert_array_equal(table["DTYPE"] == "NRI", left)
    assert set(table["AVAL"][left]) == {0.0}
    assert (np.bincount(np.unique(table["USUBJID"], return_inverse=True)[1], left) % 3 == 0).all()
    assert abs(left.mean() - 0.35) < monte_carlo(0.35, HOW.trials * 20)
    x = [per_trial(table, table["AVAL"], table["PARAMCD"] == code) for code in ("ASAS20", "ASAS40", "ASAS70")]
    p = np.array([stats.binom.sf(k - 1, 20, null) for k, null in zip(x, (0.25, 0.12, 0.05), strict=True)])
    ranked = np.sort(p, axis=0)
    claims = np.cumprod(ranked <= np.array([[0.05 / 3], [0.05 / 2], [0.05]]), axis=0).sum(axis=0)
    wins = {f"{name}_any": (claims > 0).sum(), f"{name}_all": (claims == 3).sum()}
    told = tallied(used, truth)
    assert {key: told[key] for key in wins} == wins


def test_nobody_leaves_where_nobody_drops_out(tmp_path: Path) -> None:
    """A drop-out of 0 imputes nobody."""
    table = written(read_scenario(ROOT / "as-haibel.toml"), "all-stay", tmp_path / "a.parquet")
    assert set(table["DTYPE"]) == set(table["DCSREAS"]) == {""}


def test_who_leaves_the_analysis_has_no_result(tmp_path: Path) -> None:
    """Drop-outs that are excluded have a missing value; Fisher's test of the others gives the tallied power."""
    used = read_scenario(ROOT / "as-completers-only.toml")
    table = written(used, "hoped", tmp_path / "a.parquet")
    left = table["DCSREAS"] == "DROP-OUT"
    np.testing.assert_array_equal(np.isnan(table["AVAL"]), left)
    np.testing.assert_array_equal(table["AVALC"] == "", left)
    np.testing.assert_array_equal(table["ANL01FL"] == "", left)
    assert set(table["DTYPE"]) == {""}
    assert abs(left.mean() - 0.35) < monte_carlo(0.35, len(left))
    arms = [counts(table, table["ANL01FL"] == "Y", arm) for arm in ("anakinra", "placebo")]
    assert succeeds(arms[0], arms[1], 0.025).sum() == tallied(used, "hoped")["power_random_n"]


def test_an_event_that_counts_as_no_response_is_an_imputation(tmp_path: Path) -> None:
    """Composite events are imputed non-responses; results after the others are as they were seen."""
    table = written(read_scenario(ROOT / "sjia-estimand.toml"), "expected", tmp_path / "a.parquet")
    rescued = table["ICEREAS"] == "rescue"
    np.testing.assert_array_equal(table["DTYPE"] == "NRI", rescued)
    assert set(table["AVAL"][rescued]) == {0.0}
    assert set(table["AVAL"][table["ICEREAS"] == "stopped"]) == {0.0, 1.0}
    for arm, share in (("anakinra", 0.1), ("placebo", 0.3)):
        here = table["TRT01P"] == arm
        assert abs(rescued[here].mean() - share) < monte_carlo(share, int(here.sum()))


def test_who_never_came_is_not_in_the_file(tmp_path: Path) -> None:
    """Nobody after the end of recruitment; Fisher's test of those who came, eight or more, gives the tallied power."""
    used = read_scenario(ROOT / "sjia-anastills-recruitment.toml")
    table, told = written(used, "expected", tmp_path / "a.parquet"), tallied(used, "expected")
    assert table["ENRLMON"].max() <= 36
    np.testing.assert_array_equal(table["RESMON"], table["ENRLMON"] + 0.5)
    assert set(table["ANL01FL"]) == {"Y"}
    came = per_trial(table, 1, table["ANL01FL"] == "Y")
    assert 0 < came.mean() < 20  # a third of a patient a month on average
    arms = [counts(table, table["ANL01FL"] == "Y", arm) for arm in ("anakinra", "placebo")]
    won = succeeds(arms[0], arms[1], 0.025) & (came >= 8)
    assert won.sum() == told["power_recruited"]
