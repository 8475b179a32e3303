"""Indication files and their derived priors: which ``priors`` folder holds, reading, freshness, writing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anatrial.documents.derived import Derived, parse_derived
from anatrial.documents.indication import Indication, parse_indication
from anatrial.domain.prior import ListedPrior, State
from anatrial.errors import Fault, InputError
from anatrial.files.texts import read_bytes, read_text, write_bytes
from anatrial.spec import nearest

if TYPE_CHECKING:
    from anatrial.plan.derive import Derivation
    from anatrial.posterior_io import Draws


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of priors; ``shipped`` is the copy that came with the program, which nobody writes to."""

    path: Path
    shipped: bool

    @property
    def said(self) -> str:
        """The folder as it is printed."""
        return "shipped with anatrial" if self.shipped else str(self.path)

    def where(self, name: str) -> str:
        """How a file of the folder is named in messages."""
        return f"priors/{name}.toml (shipped)" if self.shipped else str(self.path / f"{name}.toml")


def shipped(folder: str) -> Path:
    """The folder of this name that came with the program: inside the package, or beside it in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "shipped" / folder
    return inside if inside.is_dir() else package.parents[1] / folder


def nearest_folder(start: Path, folder: str) -> Path | None:
    """The folder of this name in ``start`` or its nearest parent that has one."""
    try:
        start = start.resolve()
    except OSError:
        return None
    return next((p / folder for p in (start, *start.parents) if (p / folder).is_dir()), None)


def shelf(start: Path | None = None) -> Shelf:
    """The priors that hold for files in ``start`` (default: the working directory)."""
    found = nearest_folder(start or Path.cwd(), "priors")
    home = shipped("priors")
    if found is None or found == home.resolve():
        return Shelf(home, shipped=home.parent.name == "shipped" or found is None)
    return Shelf(found, shipped=False)


def indication_names(place: Shelf) -> tuple[str, ...]:
    """Indications of a folder, sorted."""
    return tuple(sorted(p.stem for p in place.path.glob("*.toml")))


def read_indication(name: str, place: Shelf | None = None) -> Indication:
    """The indication of this name in a folder of priors (default: that of the working directory).

    Raises ``InputError`` with the nearest valid name if there is none.
    """
    place = place or shelf()
    names = indication_names(place)
    if name not in names:
        raise InputError(
            Fault("indication", repr(name), f"an indication in priors ({place.said})", nearest(name, names))
        )
    found = _parsed(name, place)
    if not found.borrows_from:
        return found
    others = {}
    for other in found.borrows_from:
        if other not in names:
            got = f"{place.where(name)}: baskets"
            raise InputError(Fault(got, repr(other), f"an indication in priors ({place.said})", nearest(other, names)))
        others[other] = _parsed(other, place)
    return found.beside(others, place.where(name))


def _parsed(name: str, place: Shelf) -> Indication:
    where = place.where(name)
    found = parse_indication(read_text(place.path / f"{name}.toml", where), where)
    if found.indication != name:
        raise InputError(Fault(f"{where}: indication", repr(found.indication), f"{name!r}, the name of the file"))
    return found


def derived_path(place: Shelf, indication: str, prior: str) -> Path:
    """Where a derived prior is kept."""
    return place.path / "derived" / indication / f"{prior}.json"


def read_derived(place: Shelf, indication: Indication, prior: str) -> Derived:
    """The derived prior, if it is there and still matches its recipe; ``InputError`` with the command to mend it."""
    if prior not in indication.priors:
        got = nearest(prior, indication.priors)
        raise InputError(Fault(f"prior of {indication.indication}", repr(prior), "a prior of this indication", got))
    path = derived_path(place, indication.indication, prior)
    name = f"{indication.indication}/{prior}"
    fix = f"anatrial prior derive {indication.indication} {prior}"
    if not path.is_file():
        raise InputError(Fault(f"prior {name}", "not derived yet", "a derived prior", fix))
    found = parse_derived(read_text(path, f"prior {name}"), indication.indication, prior)
    if found.origin.input_digest != indication.input_digest(prior):
        raise InputError(
            Fault(f"prior {name}", "stale: its recipe or evidence changed since it was derived", "a fresh prior", fix)
        )
    return found


def state(place: Shelf, indication: Indication, prior: str) -> State:
    """Whether the derived prior that is kept still matches its recipe."""
    return _kept(place, indication, prior)[0]


def _kept(place: Shelf, indication: Indication, prior: str) -> tuple[State, Derived | None]:
    path = derived_path(place, indication.indication, prior)
    if prior not in indication.priors or not path.is_file():
        return "not derived", None
    try:
        found = parse_derived(read_text(path), indication.indication, prior)
    except InputError:
        return "damaged", None
    fresh = found.origin.input_digest == indication.input_digest(prior)
    return ("up to date", found) if fresh else ("stale", None)


def listed(place: Shelf) -> tuple[ListedPrior, ...]:
    """Every prior of every indication of a folder."""
    rows = []
    for name in indication_names(place):
        indication = read_indication(name, place)
        for prior, recipe in indication.priors.items():
            now, found = _kept(place, indication, prior)
            form = found.value().mixture.said() if found else "-"
            rows.append(ListedPrior(f"{name}/{prior}", recipe.title, recipe.endpoint, now, form))
    return tuple(rows)


def writable(place: Shelf) -> None:
    """``InputError`` for the shipped copy, before anything is computed that could not be kept."""
    if place.shipped:
        fix = "make a folder named priors with your own indication file and run there"
        raise InputError(Fault("priors", "the copy shipped with anatrial", "a priors folder of your own", fix))


def write_derivation(place: Shelf, found: Derivation) -> Path:
    """Keep a derived prior, and its draws beside it where it was sampled; draws of an older one are removed."""
    writable(place)
    path = derived_path(place, found.derived.indication, found.derived.prior)
    draws = path.with_suffix(".nc")
    if found.sampled is not None:
        write_bytes(draws, found.netcdf())
    write_bytes(path, found.derived.text().encode())
    if found.sampled is None:
        draws.unlink(missing_ok=True)
    return path


def read_draws(place: Shelf, indication: Indication, prior: str) -> Draws:
    """The draws that were kept when the prior was derived; ``InputError`` with the command that makes them."""
    from anatrial.posterior_io import from_netcdf_bytes

    kept = read_derived(place, indication, prior)
    where, fix = f"draws of {kept.name}", f"anatrial prior derive {indication.indication} {prior}"
    path = derived_path(place, indication.indication, prior).with_suffix(".nc")
    if kept.sampled is None:
        fix = 'add engine = "nuts" to its recipe (methods map and beta_binomial) and derive it'
        raise InputError(Fault(where, "a recipe that is not sampled", "a recipe that PyMC samples", fix))
    if not path.is_file():
        raise InputError(Fault(where, "no draws on this machine", "the draws, made again from their seed", fix))
    draws = from_netcdf_bytes(read_bytes(path, where), where, fix)
    if draws.attrs.get("input_digest") != kept.origin.input_digest:
        raise InputError(Fault(where, "draws of another recipe", "the draws of this prior", fix))
    return draws
