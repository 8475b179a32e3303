"""Deriving a prior that PyMC samples: what is kept, what is refused, and what an interruption leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cli.project import PRIORS, Project

from anatrial.domain import sampled as limits
from anatrial.methods import sampling

RECIPE = """
[priors.sampled]
title = "Placebo, sampled"
method = "map"
engine = "nuts"
endpoint = "response"
outcomes = ["old-1"]
"""
COMMAND = ("prior", "derive", "made-up", "sampled")


def kept(project: Project) -> dict[str, bytes]:
    """Everything that is kept of derived priors."""
    folder = project.path / "priors" / "derived" / "made-up"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def interrupted(*_: object) -> Any:
    """Control-C while PyMC samples."""
    raise KeyboardInterrupt


def test_only_a_sound_fit_changes_what_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound fit keeps record and draws; a bad one ends with 4, an interrupted one with 130; torn draws are told."""
    (project.path / "priors" / "made-up.toml").write_text(PRIORS + RECIPE)
    sample, found = sampling.sample, list[sampling.SampledPosterior]()

    def once(*given: Any) -> sampling.SampledPosterior:
        found.extend([] if found else [sample(*given)])
        return found[0]

    monkeypatch.setattr(sampling, "sample", once)
    assert project.anatrial(*COMMAND).code == 0
    before = kept(project)
    record = json.loads(before["sampled.json"])["sampled"]
    assert (record["diagnostics"]["divergences"], record["sampler"]["nuts_sampler"]) == (0, "pymc")
    assert "sampled.nc" in before

    monkeypatch.setattr(limits, "ESS", 1e9)
    said = project.anatrial(*COMMAND)
    assert said.code == 4
    assert "made-up/sampled is refused, nothing was stored" in said.err
    assert kept(project) == before

    monkeypatch.setattr(sampling, "sample", interrupted)
    assert project.anatrial(*COMMAND).code == 130
    assert kept(project) == before

    for content in (b"", b"no NetCDF", b"\x89HDF\r\n\x1a\n" + bytes(200)):
        (project.path / "priors" / "derived" / "made-up" / "sampled.nc").write_bytes(content)
        said = project.anatrial("prior", "plot", "made-up", "sampled", "trace.png", "--what", "trace")
        assert said.code == 2
        assert "anatrial prior derive made-up sampled" in said.err
        assert not (project.path / "trace.png").exists()
