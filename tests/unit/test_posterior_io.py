"""Draws as arrays, as ArviZ's objects and as NetCDF files, in whichever generation of ArviZ is installed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import pytest
import xarray
from scipy.stats import norm, rankdata
from tests.tolerances import ROUNDING, printed

from anatrial.errors import ComputationError, InputError
from anatrial.numerics import FloatArray
from anatrial.posterior_io import (
    Diagnosis,
    Draws,
    diagnose,
    effective_size,
    from_arviz,
    from_netcdf_bytes,
    netcdf_bytes,
    to_arviz,
)

arviz = pytest.importorskip("arviz")
FOLDER = Path(__file__).with_name("data")
WHERE, FIX = "draws of as/placebo", "derive it again: anatrial prior derive as placebo"
SHAPE = (2, 5)


def some() -> Draws:
    """Draws whose every number follows from its place."""
    at = np.arange(10.0).reshape(SHAPE)
    tau, rate = np.stack([at, at / 7], axis=-1), np.stack([at / 11, at / 13, at / 17], axis=-1)
    groups = {
        "posterior": {"mean": at / 3, "tau": tau, "study_rate": rate},
        "sample_stats": {"diverging": at > 8, "energy": at**2},
        "prior_predictive": {"responders": np.arange(15).reshape(1, 5, 3)},
        "observed_data": {"responders": np.array([4, 5, 6])},
    }
    dims = {"tau": ("stratum",), "study_rate": ("outcome",), "responders": ("outcome",)}
    coords = {"stratum": ("0", "1"), "outcome": ("davis-2003", "as-7", "réunion")}
    return Draws(groups, dims, coords, {"seed": 20, "target_accept": 0.95, "method": "map"})


def few() -> Draws:
    """The group that is in the stored files."""
    dims = {name: some().dims[name] for name in ("tau", "study_rate")}
    return Draws({"posterior": some().groups["posterior"]}, dims, some().coords, some().attrs)


def same(one: Draws, other: Draws) -> None:
    """Every array to the bit and of the same type, every label, every attribute."""
    assert {group: set(found) for group, found in one.groups.items()} == {g: set(f) for g, f in other.groups.items()}
    for group, variables in one.groups.items():
        for name, values in variables.items():
            assert values.dtype == other.groups[group][name].dtype
            assert np.array_equal(values, other.groups[group][name])
    assert (one.dims, one.coords, one.attrs) == (other.dims, other.coords, other.attrs)


def test_quantities_are_named_by_their_labels() -> None:
    """A vector becomes one quantity per label; a plain variable keeps its name."""
    found = some().quantities()
    assert list(found) == ["mean", "tau[0]", "tau[1]", *(f"study_rate[{name}]" for name in some().coords["outcome"])]
    assert found["tau[1]"].tolist() == (np.arange(10.0).reshape(SHAPE) / 7).tolist()
    assert list(some().quantities("prior_predictive"))[-1] == "responders[réunion]"


def test_draws_survive_a_netcdf_file() -> None:
    """What is read is what was written, to the bit; equal draws give equal bytes."""
    content = netcdf_bytes(some())
    same(from_netcdf_bytes(content, WHERE, FIX), some())
    assert netcdf_bytes(some()) == content


@pytest.mark.parametrize("name", ["arviz-0.23.nc", "arviz-1.3.nc"])
def test_files_of_either_arviz_are_read(name: str, tmp_path: Path) -> None:
    """Files that ArviZ 0.23 (PyMC 5) and 1.3 (PyMC 6) themselves wrote of such draws load here, and in this ArviZ."""
    content = (FOLDER / name).read_bytes()
    same(from_netcdf_bytes(content, WHERE, FIX), few())
    (tmp_path / name).write_bytes(content)
    same(opened(tmp_path / name), few())


def opened(path: Path) -> Draws:
    """A file as this ArviZ reads it."""
    tree = arviz.from_netcdf(path)
    try:
        found = from_arviz(tree, *(name for name in some().groups if hasattr(tree, name)))
        attrs = {name: value.item() if isinstance(value, np.generic) else value for name, value in tree.attrs.items()}
    finally:
        tree.close()
    assert attrs.pop("version") == 1
    return Draws(found.groups, found.dims, found.coords, attrs)


def test_arviz_reads_what_is_written_here(tmp_path: Path) -> None:
    """The installed ArviZ opens the file, finds every group, and summarises it."""
    (tmp_path / "draws.nc").write_bytes(netcdf_bytes(some()))
    same(opened(tmp_path / "draws.nc"), some())


def test_arviz_gets_its_own_kind_of_object() -> None:
    """``InferenceData`` in 0.2x, ``DataTree`` in 1.x, with names of chains, draws and labels."""
    tree = to_arviz(some())
    assert type(tree).__name__ == ("InferenceData" if arviz.__version__.startswith("0.") else "DataTree")
    assert tree.attrs["method"] == "map"
    assert tree["posterior"]["study_rate"].dims == ("chain", "draw", "outcome")
    assert float(tree["posterior"]["study_rate"].sel(outcome="as-7", chain=1, draw=4)) == 9 / 13
    assert len(arviz.summary(tree)) == 6
    same(from_arviz(tree, *some().groups), Draws(some().groups, some().dims, some().coords))


def foreign_hdf5() -> bytes:
    content = io.BytesIO()
    with h5netcdf.File(content, "w") as file:
        file.dimensions = {"time": 3}
        file.create_variable("temperature", ("time",), float, data=np.arange(3.0))
    return content.getvalue()


def foreign_posterior(tmp_path: Path) -> bytes:
    """A posterior that another program stored with ArviZ's layout."""
    path = tmp_path / "other.nc"
    xarray.Dataset({"mu": (("chain", "draw"), np.ones(SHAPE))}).to_netcdf(path, group="posterior", engine="h5netcdf")
    return path.read_bytes()


def without_posterior() -> bytes:
    groups = {name: found for name, found in some().groups.items() if name != "posterior"}
    return netcdf_bytes(Draws(groups, some().dims, some().coords, some().attrs))


def refused(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        from_netcdf_bytes(content, WHERE, FIX)
    (fault,) = caught.value.faults
    assert (fault.where, fault.fix) == (WHERE, FIX)
    assert "Traceback" not in str(fault)
    return fault.got


def test_damaged_content_is_refused_in_words() -> None:
    """Nothing, text, an earlier NetCDF, a cut file: each is an input error that names the file and the remedy."""
    whole = netcdf_bytes(some())
    contents = [b"", b"chain,draw\n1,2\n", b"CDF\x01" + bytes(64), whole[: len(whole) // 2], whole[:-2000], whole[100:]]
    assert all("cannot be read" in refused(content) for content in contents)


def test_content_of_others_is_refused_in_words(tmp_path: Path) -> None:
    """A file that is whole but holds something else, or was stored by another program, is not taken for draws."""
    for content in (foreign_hdf5(), foreign_posterior(tmp_path), without_posterior()):
        assert refused(content) == "a file of another program"


def test_a_changed_number_is_noticed() -> None:
    """One byte changed within the draws makes the file unreadable: stored numbers carry a checksum."""
    random = np.random.default_rng(1)
    values = random.normal(size=(2, 4000))
    content = bytearray(netcdf_bytes(Draws({"posterior": {"mean": values}}, attrs={"seed": 1})))
    for at in random.integers(len(content) // 3, 2 * len(content) // 3, 5):
        damaged = content.copy()
        damaged[at] ^= 0x10
        assert "cannot be read" in refused(bytes(damaged))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # h5netcdf closes what never opened
def test_any_single_damage_is_an_input_error_or_harmless() -> None:
    """No byte of a small file, when changed, ends in another exception."""
    whole = netcdf_bytes(Draws({"posterior": {"mean": np.ones(SHAPE)}}))
    for at in np.random.default_rng(2).integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        try:
            found = from_netcdf_bytes(bytes(damaged), WHERE, FIX)
        except InputError:
            continue
        assert all(values.shape == SHAPE for values in found.groups["posterior"].values())


def chains(seed: int, correlation: float = 0.0, shift: float = 0.0) -> FloatArray:
    """Four chains of 2,000 draws of an autoregression, standard normal each; the last is shifted."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(4, 2000))
    for i in range(1, 2000):
        values[:, i] = correlation * values[:, i - 1] + np.sqrt(1 - correlation**2) * values[:, i]
    values[3] += shift
    return values


def judged(*quantities: FloatArray, **stats: Any) -> Diagnosis:
    energy = np.random.default_rng(5).normal(size=(4, 2000))
    given = {"diverging": np.zeros((4, 2000), dtype=bool), "energy": energy}
    posterior = {f"x{i}": values for i, values in enumerate(quantities)}
    return diagnose(Draws({"posterior": posterior, "sample_stats": {**given, **stats}}))


def split_rank_r_hat(values: FloatArray) -> float:
    """Vehtari et al. (2021), equations 1-5 and 14: the larger of R-hat of normal scores and of folded ones."""

    def r_hat(x: FloatArray) -> float:
        halves = x.reshape(8, 1000)
        scores = norm.ppf((rankdata(halves).reshape(halves.shape) - 3 / 8) / (halves.size + 1 / 4))
        within = scores.var(axis=1, ddof=1).mean()
        between = 1000 * scores.mean(axis=1).var(ddof=1)
        return float(np.sqrt((999 / 1000 * within + between / 1000) / within))

    return max(r_hat(values), r_hat(np.abs(values - np.median(values))))


@pytest.mark.parametrize(("correlation", "shift"), [(0.0, 0.0), (0.9, 0.0), (0.3, 0.5)])
def test_r_hat_is_the_rank_normalised_one(correlation: float, shift: float) -> None:
    """R-hat of split chains equals the formulas of the paper, for chains that agree and for one that does not."""
    values = chains(1, correlation, shift)
    assert judged(values).r_hat == pytest.approx(split_rank_r_hat(values), rel=1e3 * ROUNDING)


@pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.5, 0.9])
def test_effective_sizes_are_those_of_an_autoregression(correlation: float) -> None:
    """Bulk sizes of 8,000 draws average 8000 (1 - r) / (1 + r) within 10 %, and so do those of the mean."""
    expected = 8000 * (1 - correlation) / (1 + correlation)
    drawn = [chains(seed, correlation) for seed in range(10)]
    assert np.mean([judged(values).ess_bulk for values in drawn]) == pytest.approx(expected, rel=0.1)
    assert np.mean([effective_size(values) for values in drawn]) == pytest.approx(expected, rel=0.1)


def test_the_tail_size_is_that_of_both_generations() -> None:
    """Printed by ArviZ 0.23.4 for these draws; 1.x has another default, hence the probabilities are said."""
    assert judged(chains(2, 0.9)).ess_tail == pytest.approx(912.63, abs=printed(2))


def test_the_worst_quantity_and_chain_speak_for_all() -> None:
    """R-hat is the largest, sizes are the smallest, divergences are counted, BFMI is that of the worst chain."""
    good, bad = chains(3), chains(4, 0.9)
    energy = np.random.default_rng(5).normal(size=(4, 2000))
    energy[2] = np.cumsum(energy[2])
    diverging = np.zeros((4, 2000), dtype=bool)
    diverging[1, 7] = diverging[3, :2] = True
    found = judged(good, bad, diverging=diverging, energy=energy)
    steps = energy[2, 1:] - energy[2, :-1]
    assert found.divergences == 3
    assert found.draws == 8000
    assert found.bfmi == pytest.approx((steps**2).mean() / energy[2].var(), rel=0.01)
    assert found.ess_bulk == pytest.approx(judged(bad).ess_bulk, rel=ROUNDING)
    assert found.r_hat == pytest.approx(max(judged(good).r_hat, judged(bad).r_hat), rel=ROUNDING)


def test_a_constant_is_left_out_but_not_alone() -> None:
    """A fixed tau has no R-hat and does not spoil that of the others; a posterior that never moves is an error."""
    found = judged(chains(3), np.full((4, 2000), 0.5))
    assert found.r_hat == judged(chains(3)).r_hat
    with pytest.raises(ComputationError, match="never moved"):
        judged(np.full((4, 2000), 0.5))


def passes(values: FloatArray) -> bool:
    try:
        return judged(values).r_hat <= 1.01
    except ComputationError:
        return False


def test_chains_that_stand_still_in_different_places_never_pass() -> None:
    """R-hat of four constants is huge, or not a number and then an error, as rounding has it."""
    assert passes(chains(3))
    assert not passes(np.tile(np.arange(4.0)[:, None], 2000))
    assert not passes(np.tile(np.array([0.0, 0.0, 1.0, 1.0])[:, None], 2000))
