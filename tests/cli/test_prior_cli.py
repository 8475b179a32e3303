"""``anatrial prior show``, ``compare`` and ``plot``: exit codes, JSON, every picture, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.cli.project import ENVIRONMENT, Project, refused
from tests.prior_building import BELIEF, chains, disease_text, record

import anatrial.files.indications
from anatrial.files import read_indication
from anatrial.files.indications import shelf
from anatrial.plan.derive import integrated
from anatrial.posterior_io import Draws


@pytest.fixture
def disease(project: Project) -> Project:
    """The project with the made-up disease and its recipes."""
    (project.path / "priors" / "made-up.toml").write_text(disease_text(more=BELIEF))
    return project


@pytest.fixture
def sampled(disease: Project) -> Project:
    """The same, with the prior ``map`` kept as if it had been sampled on another machine."""
    kept = integrated(read_indication("made-up", shelf()), "map").derived
    text = kept.model_copy(update={"sampled": record()}).sealed().text()
    (disease.path / "priors" / "derived" / "made-up" / "map.json").write_text(text)
    return disease


def test_show(disease: Project) -> None:
    """A prior is shown with its state; planned sizes are asked for by name."""
    shown = disease.anatrial("prior", "show", "made-up", "robust", "--n", "24", "--n", "12")
    assert (shown.code, shown.err) == (0, "")
    assert "made-up/robust  (pooled, not derived)" in shown.out
    assert "After this many responders of 24" in shown.out
    assert "After this many responders of 12" in shown.out
    assert "WARNING" in shown.out


def test_show_as_json(disease: Project) -> None:
    """Everything that is shown is in the JSON, at full precision."""
    shown = disease.anatrial("prior", "show", "made-up", "map", "--n", "24", "--json")
    content = json.loads(shown.out)
    assert content["planned"] == [24]
    assert content["predicted"][0]["n"] == 24
    assert {s["measure"] for s in content["strengths"]} == {"moment", "morita", "elir", "elir_log_odds"}
    assert len(content["synthesis"]["studies"]) == len(content["studies"]) == 3
    assert content["fit"]["divergence"] < 1e-3
    assert content["sampled"] is None


def test_show_tells_how_the_kept_copy_was_sampled(sampled: Project) -> None:
    """The record is read from the copy that is kept, if it is fresh; if not, the command that renews it is named."""
    fresh = sampled.anatrial("prior", "show", "made-up", "map")
    assert "made-up/map  (map, up to date)" in fresh.out
    assert "R-hat 1.002" in fresh.out
    content = json.loads(sampled.anatrial("prior", "show", "made-up", "map", "--json").out)
    assert content["sampled"]["diagnostics"]["ess_bulk"] == 2087.4
    path = sampled.path / "priors" / "made-up.toml"
    path.write_text(path.read_text().replace("responders = 10", "responders = 11"))
    stale = sampled.anatrial("prior", "show", "made-up", "map")
    assert "(map, stale)" in stale.out
    assert "R-hat" not in stale.out
    assert "anatrial prior derive made-up map" in stale.out


@pytest.mark.parametrize("n", ["0", "-1", "2001"])
def test_sizes_that_cannot_be_are_refused(disease: Project, n: str) -> None:
    """A planned size is 1 to 2,000, for every command that takes one."""
    words = ("--n", f"got       {n}", "1 to 2,000 patients")
    refused(disease.anatrial("prior", "show", "made-up", "pooled", "--n", n), *words)
    refused(disease.anatrial("prior", "compare", "made-up", "pooled", "--n", n), *words)
    refused(disease.anatrial("prior", "plot", "made-up", "pooled", "a.png", "--n", n), *words)


def test_compare(disease: Project) -> None:
    """One table, and a picture where one is asked for."""
    shown = disease.anatrial("prior", "compare", "made-up", "robust", "--n", "24", "--out", "c.png")
    assert (shown.code, shown.err) == (0, "wrote c.png\n")
    assert "map + 25 % Beta(1, 1)" in shown.out
    assert (disease.path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert "c.png" in disease.files()


def test_compare_as_json(disease: Project) -> None:
    """The rows at full precision."""
    shown = disease.anatrial("prior", "compare", "made-up", "pooled", "belief", "--json")
    content = json.loads(shown.out)
    assert (content["format"], content["version"], content["n"]) == ("anatrial-prior-compare", 1, 20)
    assert content["rows"][0]["mixture"] == [[1.0, 26.0, 70.0]]
    assert content["rows"][0]["summary"]["mean"] == 26 / 96


def test_compare_refuses_what_it_cannot_do(disease: Project) -> None:
    """Unknown names have the nearest one; a picture's ending is checked before anything is computed."""
    refused(disease.anatrial("prior", "compare", "made-up", "poled"), "did you mean 'pooled'?")
    refused(disease.anatrial("prior", "compare", "made-up", "pooled", "--out", "c.gif"), ".png, .svg or .pdf")
    assert "c.gif" not in disease.files()


PICTURES = [
    ("overview", "map", ()),
    ("overview", "belief", ("--n", "24")),
    ("forest", "map", ()),
    ("forest", "robust", ()),
    ("update", "robust", ("--result", "6/24")),
    ("heterogeneity", "common", ()),
    ("predictive", "pooled", ("--n", "24")),
    ("without", "map", ()),
]


@pytest.mark.parametrize(("what", "prior", "more"), PICTURES)
def test_every_picture(disease: Project, what: str, prior: str, more: tuple[str, ...]) -> None:
    """Each picture is written to the file that is named, and said."""
    shown = disease.anatrial("prior", "plot", "made-up", prior, "a.svg", "--what", what, *more)
    assert (shown.code, shown.err, shown.out) == (0, "wrote a.svg\n", "")
    assert (disease.path / "a.svg").read_bytes().startswith(b"<?xml")


def test_a_picture_as_json(disease: Project) -> None:
    """The file that was written is named."""
    shown = disease.anatrial("prior", "plot", "made-up", "pooled", "a.pdf", "--json")
    assert json.loads(shown.out) == {"written": "a.pdf"}


@pytest.mark.parametrize("what", ["trace", "rank"])
def test_pictures_of_chains(sampled: Project, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Where the draws are kept, their chains are drawn."""

    def kept(*_: object) -> Draws:
        return chains()

    monkeypatch.setattr(anatrial.files.indications, "read_draws", kept)
    shown = sampled.anatrial("prior", "plot", "made-up", "map", "a.png", "--what", what)
    assert (shown.code, shown.err) == (0, "wrote a.png\n")


@pytest.mark.parametrize("what", ["trace", "rank"])
def test_chains_that_are_not_there(sampled: Project, what: str) -> None:
    """Without draws on this machine the command that makes them is named; without PyMC, how to ask for it."""
    plot = ("prior", "plot", "made-up")
    refused(sampled.anatrial(*plot, "map", "a.png", "--what", what), "anatrial prior derive made-up map")
    assert sampled.anatrial("prior", "derive", "made-up", "pooled").code == 0
    refused(sampled.anatrial(*plot, "pooled", "a.png", "--what", what), 'engine = "nuts"')
    refused(sampled.anatrial(*plot, "common", "a.png", "--what", what), "anatrial prior derive made-up common")
    assert "a.png" not in sampled.files()


@pytest.mark.parametrize("result", ["6-24", "x/24", "30/24", "6/", "/24", "-1/5", "6/24/3", "6.5/24", ""])
def test_a_result_is_responders_over_patients(disease: Project, result: str) -> None:
    """Anything else is refused with the form that is expected."""
    shown = disease.anatrial("prior", "plot", "made-up", "pooled", "a.png", "--what", "update", "--result", result)
    refused(shown, "--result", repr(result), "responders/patients", "--what update --result 6/24")


def test_options_that_do_not_fit_are_refused(disease: Project) -> None:
    """An update needs a result, and nothing else takes one; sizes are for overview and predictive."""
    plot = ("prior", "plot", "made-up", "pooled", "a.png")
    refused(disease.anatrial(*plot, "--what", "update"), "--result", "nothing", "--result 6/24")
    refused(disease.anatrial(*plot, "--what", "update", "--result", "0/0"), "1 to 2,000 patients")
    refused(disease.anatrial(*plot, "--what", "forest", "--result", "6/24"), "--what update --result 6/24")
    refused(disease.anatrial(*plot, "--what", "forest", "--n", "24"), "--n", "24 with --what forest")
    assert disease.anatrial(*plot, "--what", "forrest").code == 2
    assert "a.png" not in disease.files()


def test_pictures_that_a_prior_does_not_have(disease: Project) -> None:
    """What is missing is named, with the picture that every prior has."""
    plot = ("prior", "plot", "made-up", "belief", "a.png", "--what")
    for what in ("forest", "heterogeneity", "without"):
        refused(disease.anatrial(*plot, what), "made-up/belief", "--what overview")


def test_showing_and_comparing_load_nothing_heavy(disease: Project) -> None:
    """Neither draws nor samples: matplotlib, PyMC and ArviZ stay unloaded."""
    code = (
        "import sys; from anatrial.cli import main\n"
        "for words in (['show', 'made-up', 'map'], ['compare', 'made-up', 'map']):\n"
        "    sys.argv = ['anatrial', 'prior', *words]\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "print([m for m in ('matplotlib', 'pymc', 'arviz', 'xarray', 'scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=disease.path, env=ENVIRONMENT
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
