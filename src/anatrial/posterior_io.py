"""Posterior draws as plain arrays, and the only contact with ArviZ: its objects, its diagnostics, its NetCDF files.

Python 3.11 gets ArviZ 0.2x, where draws are an ``InferenceData``; newer ones get ArviZ 1.x, where they are a
``DataTree``. Both are made of xarray's datasets and store them alike, so that this is all that differs.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anatrial.errors import ComputationError, Fault, InputError
from anatrial.numerics import FloatArray

Array = NDArray[Any]
VERSION = 1
UNSAMPLED = frozenset({"observed_data", "constant_data"})
"""Groups of ArviZ whose variables have no chains and draws."""
TAIL = (0.05, 0.95)  # said, because the default differs between the two generations


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws by group and variable.

    ``groups["posterior"]["tau"]`` has shape (chains, draws, ...), as in every group but ``observed_data`` and
    ``constant_data``, which have no chains. ``dims`` names what follows chain and draw per variable, ``coords`` the
    members of each such dimension; ``attrs`` says how the draws came about.
    """

    groups: Mapping[str, Mapping[str, Array]]
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attrs: Mapping[str, str | int | float] = field(default_factory=dict)

    def quantities(self, group: str = "posterior") -> dict[str, FloatArray]:
        """Every single number of a group by name, shape (chains, draws): ``mean``, ``tau[0]``, ``study_rate[x]``."""
        found = {}
        for name, values in self.groups[group].items():
            if name not in self.dims:
                found[name] = values
                continue
            (dim,) = self.dims[name]
            found |= {f"{name}[{label}]": values[..., i] for i, label in enumerate(self.coords[dim])}
        return found


class Diagnosis(NamedTuple):
    """The worst of every quantity: largest R-hat, smallest effective sizes; divergences of all chains; least BFMI."""

    r_hat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    draws: int


def diagnose(draws: Draws) -> Diagnosis:
    """How well the chains mixed, over all quantities of the posterior that vary (a fixed tau does not).

    Raises ``ComputationError`` where nothing varies or a chain stands still.

    Source: Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Anal. 16:667-718 (rank-normalised R-hat;
    bulk and 5 %/95 % tail sizes); Betancourt (2016), arXiv:1604.00695 (BFMI).
    """
    import arviz

    moving = [values for values in draws.quantities().values() if np.ptp(values) > 0]
    if not moving:
        raise ComputationError("the chains never moved: no quantity of the posterior varies")
    stats = draws.groups["sample_stats"]
    with np.errstate(all="ignore"):  # of a chain that stands still, told below
        found = Diagnosis(
            r_hat=max(float(arviz.rhat(values)) for values in moving),
            ess_bulk=min(float(arviz.ess(values, method="bulk")) for values in moving),
            ess_tail=min(float(arviz.ess(values, method="tail", prob=TAIL)) for values in moving),
            divergences=int(stats["diverging"].sum()),
            bfmi=float(np.min(arviz.bfmi(stats["energy"]))),
            draws=int(moving[0].size),
        )
    if not np.isfinite(found).all():
        raise ComputationError("a chain stands still, so that how well the chains mixed cannot be said")
    return found


def effective_size(values: FloatArray) -> float:
    """Number of independent draws whose mean would be as exact as that of these, shape (chains, draws)."""
    import arviz

    return float(arviz.ess(values, method="mean"))


def to_arviz(draws: Draws) -> Any:
    """The draws as what the installed ArviZ works with: ``InferenceData`` (0.2x) or ``DataTree`` (1.x)."""
    import arviz
    import xarray

    datasets = _datasets(draws)
    if arviz.__version__.startswith("0."):
        return arviz.InferenceData(attrs=_attrs(draws), **datasets)
    return xarray.DataTree.from_dict({"/": xarray.Dataset(attrs=_attrs(draws)), **datasets})


def from_arviz(tree: Any, *groups: str) -> Draws:
    """These groups of an object of the installed ArviZ."""
    return _draws({name: tree[name] for name in groups}, {})


def netcdf_bytes(draws: Draws) -> bytes:
    """The content of a NetCDF file that ArviZ of either generation opens; equal draws give equal bytes."""
    import xarray

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draws.nc"
        xarray.Dataset(attrs=_attrs(draws)).to_netcdf(path, mode="w", engine="h5netcdf")
        for name, dataset in _datasets(draws).items():
            stored = {variable: {"zlib": True, "fletcher32": True} for variable in dataset.data_vars}
            dataset.to_netcdf(path, mode="a", engine="h5netcdf", group=name, encoding=stored)
        return path.read_bytes()


def from_netcdf_bytes(content: bytes, where: str, fix: str) -> Draws:
    """The draws of a NetCDF file's content; ``where`` names the file in messages, ``fix`` says what makes it anew.

    Raises ``InputError`` for content that is damaged or holds something else.
    """
    import h5netcdf
    import xarray

    try:
        with h5netcdf.File(io.BytesIO(content), "r") as file:
            attrs, names = dict(file.attrs), list(file.groups)
        datasets = {}
        for name in names:
            with xarray.open_dataset(io.BytesIO(content), engine="h5netcdf", group=name) as dataset:
                datasets[name] = dataset.load()
        found = _draws(datasets, attrs)
    except Exception as error:  # noqa: BLE001 - damaged HDF5 fails in as many ways as it has parts
        got = f"a file that cannot be read ({type(error).__name__})"
        raise InputError(Fault(where, got, "stored posterior draws", fix)) from None
    if attrs.get("version") != VERSION or "posterior" not in found.groups:
        raise InputError(
            Fault(where, "a file of another program", f"draws that anatrial stored, version {VERSION}", fix)
        )
    return found


def _attrs(draws: Draws) -> dict[str, str | int | float]:
    return {"version": VERSION, **draws.attrs}


def _datasets(draws: Draws) -> dict[str, Any]:
    """One xarray dataset per group."""
    import xarray

    datasets = {}
    for group, variables in draws.groups.items():
        first = () if group in UNSAMPLED else ("chain", "draw")
        found = {name: ((*first, *draws.dims.get(name, ())), values) for name, values in variables.items()}
        coords = {dim: list(draws.coords[dim]) for name in variables for dim in draws.dims.get(name, ())}
        counted = {
            dim: np.arange(size) for _, values in found.values() for dim, size in zip(first, values.shape, strict=False)
        }
        datasets[group] = xarray.Dataset(found, coords={**counted, **coords})
    return datasets


def _draws(datasets: Mapping[str, Any], attrs: Mapping[str, Any]) -> Draws:
    """The reverse of ``_datasets``."""
    groups: dict[str, dict[str, Array]] = {}
    dims: dict[str, tuple[str, ...]] = {}
    coords: dict[str, tuple[str, ...]] = {}
    for group, dataset in datasets.items():
        groups[group] = {str(name): variable.to_numpy() for name, variable in dataset.data_vars.items()}
        for name, variable in dataset.data_vars.items():
            inner = tuple(str(dim) for dim in variable.dims if dim not in {"chain", "draw"})
            dims |= {str(name): inner} if inner else {}
            coords |= {dim: tuple(map(str, dataset.coords[dim].to_numpy())) for dim in inner}
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in attrs.items()}
    return Draws(groups, dims, coords, {name: value for name, value in plain.items() if name != "version"})
