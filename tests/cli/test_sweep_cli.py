"""``anatrial sweep``: what it writes and prints, and what it refuses before anything is computed."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest
from tests.cli.project import Project, refused

AXES = """
[[axes]]
path = "design.n"
label = "patients per arm"
values = [10, 12]

[[axes]]
path = "truths.expected.rates.control"
range = { from = 0.2, to = 0.3, points = 3 }
"""
LAST = "[size]"


def swept(project: Project, text: str = AXES, name: str = "it") -> str:
    return project.scenario((LAST, f"{text}\n{LAST}"), name=name)


def test_a_sweep_prints_writes_and_remembers(project: Project) -> None:
    """Numbers on stdout, three files, and a second run that computes nothing and prints the same."""
    path = swept(project)
    said = project.anatrial("sweep", path, "--out", "out", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["counts"] == {"cells": 6, "finished": 6, "computed": 6, "failed": 0}
    assert {"out/sweep.parquet", "out/sweep.csv", "out/sweep.json", ".anatrial/cells.sqlite"} <= project.files()
    with (project.path / "out" / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(project.path / "out" / "sweep.parquet").to_pylist()
    assert [(r["cell"], r["metric"], float(r["value"])) for r in rows] == [
        (str(r["cell"]), r["metric"], r["value"]) for r in table
    ]
    again = json.loads(project.anatrial("sweep", path, "--json").out)
    assert again["counts"]["computed"] == 0
    assert again["scenarios"] == told["scenarios"]


def test_a_sweep_of_several_scenarios(project: Project) -> None:
    """A file that names scenarios, by path beside it, sweeps each with the same axes."""
    project.scenario(name="one")
    project.scenario(("certainty = ", "certainty = 0.9 #"), name="two")
    file = project.path / "scenarios" / "both.sweep"
    head = 'version = 1\ntitle = "Both"\nscenarios = ["one.toml", "two.toml"]\n'
    file.write_text(head + AXES)
    said = project.anatrial("sweep", str(file), "--json")
    assert said.code == 0, said.err
    assert [one["name"] for one in json.loads(said.out)["scenarios"]] == ["one", "two"]
    file.write_text(head.replace("two.toml", "tow.toml") + AXES)
    refused(project.anatrial("sweep", str(file)), "scenarios 2", "tow.toml")
    file.write_text(head.replace("two.toml", "one.toml") + AXES)
    refused(project.anatrial("sweep", str(file)), "'one' twice")


def test_a_file_without_questions_is_refused(project: Project) -> None:
    """Nothing to change: the message shows what to add, and no store is made."""
    refused(project.anatrial("sweep", project.scenario()), "axes", "nothing", "[[axes]]")
    assert not [name for name in project.files() if name.startswith(".anatrial")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("design.n", "desgin.n", ["desgin.n", "did you mean 'design.n'"]),
        ("truths.expected.rates.control", "truths.expectd.rates.control", ["truths.expected.rates.control"]),
        ("values = [10, 12]", "values = [10, 12.5]", ["design.n", "12.5"]),
        ("values = [10, 12]", "values = []", ["axes 1, values", "at least 1"]),
        ("values = [10, 12]", "values = [10, 1000000]", ["1000000", "design.n"]),
        ("values = [10, 12]\n", "", ["axes 1", "neither", "values, or range"]),
        ("points = 3", "points = 1", ["axes 2, range.points"]),
        ("to = 0.3", "to = 0.1", ["0.2 to 0.1", "start is below its end"]),
        ("points = 3", "step = 0", ["axes 2, range.step"]),
        ("points = 3", "step = 1e-9", ["more than 100,000 values", "at most 100,000"]),
        ("to = 0.3", "to = 1" + "0" * 400, ["axes 2, range.to", "a number from -1,000,000,000 to 1,000,000,000"]),
        ("to = 0.3", 'to = "0.3"', ["axes 2, range.to", '"0.3"', "a number from"]),
        ("values = [10, 12]", "values = [10, 12, 10]", ["axes 1", "10 twice", "each value once"]),
        ("values = [10, 12]", "values = [0.0, -0.0]", ["axes 1", "-0.0 twice"]),
        ('path = "design.n"', 'path = "targets.1.at_least"', ["targets.1.at_least"]),
        ('path = "design.n"', 'path = "truths.expected.rates.control"', ["twice"]),
    ],
)
def test_axes_that_do_not_do_are_refused(project: Project, old: str, new: str, words: list[str]) -> None:
    """Each fault names its place, what it got, and the nearest valid path; nothing is computed."""
    refused(project.anatrial("sweep", swept(project, AXES.replace(old, new, 1))), *words)
    assert not [name for name in project.files() if name.startswith(".anatrial")]


def test_too_many_cells_are_refused_at_once(project: Project) -> None:
    """A hundred million cells: told before anything is computed, with the limit."""
    many = "range = { from = 0.1, to = 0.9, points = 10000 }"
    text = "".join(f'[[axes]]\npath = "truths.{name}.control"\n{many}\n' for name in ("expected.rates", "uncertain"))
    text = text.replace("truths.uncertain.control", "rule.certainty")
    refused(project.anatrial("sweep", swept(project, text)), "100,000,000 cells", "at most 1,000,000")


def test_many_wrong_values_are_counted(project: Project) -> None:
    """The first three are told in full, the others by their number."""
    said = project.anatrial("sweep", swept(project, AXES.replace("[10, 12]", "[1.5, 2.5, 3.5, 4.5, 5.5]", 1)))
    refused(said, "2 more values that do not stand")
    assert said.err.count("got") == 4


def test_a_cluster_has_its_own_workers(project: Project) -> None:
    """``--workers`` beside ``--dask`` would be ignored: it is refused."""
    refused(project.anatrial("sweep", swept(project), "--workers", "2", "--dask", "tcp://127.0.0.1:1"), "--workers")


def test_a_map_has_two_axes(project: Project) -> None:
    """One axis is no map."""
    text = '[sweep]\nlayout = "map"\n' + AXES.partition('[[axes]]\npath = "truths')[0]
    refused(project.anatrial("sweep", swept(project, text)), "1 axes", "two axes")


@pytest.mark.parametrize(
    "text",
    [
        "[[axes]]\npath = " + '"' + "a." * 5000 + '"\nvalues = [1]',
        "[[axes]]\npath = " + '"' + "x" * 900_000 + '"\nvalues = [1]',
        "[[axes]]\npath = 'design.n'\nvalues = " + "[" * 2000 + "]" * 2000,
        "[[axes]]\npath = 'design.n'\nvalues = [" + "{ a = " * 300 + "1" + " }" * 300 + "]",
        "[[axes]]\n" + ".".join("abcdefghijklmnop") + " = 1",
        "[[axes]]\npath = 'design.n'\nvalues = ['" + "y" * 900_000 + "']",
        "[[axes]]\npath = 'design.__class__'\nvalues = [1]",
        "[[axes]]\npath = 'design.n'\nvalues = [nan, inf]",
        "[[axes]]\npath = 'design.n'\nvalues = [1979-05-27]",
        "[[axes]]\npath = '../../etc'\nvalues = [1]",
        '[[axes]]\npath = "a\\u0000b"\nvalues = [1]',
    ],
    ids=["deep path", "huge path", "nested arrays", "nested tables", "deep key", "huge text", "dunder", "nan", "date",
         "path separators", "nul"],
)  # fmt: skip
def test_hostile_axes_are_refused_in_words(project: Project, text: str) -> None:
    """Whatever stands there: exit code 2, a message of bounded length, no traceback, nothing computed."""
    said = project.anatrial("sweep", swept(project, text))
    refused(said)
    assert len(said.err) < 5000
    assert not [name for name in project.files() if name.startswith(".anatrial")]


@pytest.mark.parametrize("name", ['a"b', "a<b>&c", "a|b", "a'b; DROP TABLE cells", "ü💊", "a b", "%s{}$x$", "-x"])
def test_odd_scenario_names_come_through(project: Project, name: str) -> None:
    """Quotes, markup and statements in a file's name change nothing: the same name in rows, JSON and store."""
    path = swept(project, name=name)
    said = project.anatrial("sweep", path, "--out", "out", "--json", "--plot", "it.png")
    assert said.code == 0, said.err
    assert json.loads(said.out)["scenarios"][0]["name"] == name
    assert set(pq.read_table(project.path / "out" / "sweep.parquet")["scenario"].to_pylist()) == {name}
    assert name in project.anatrial("store", "info").out
    assert project.anatrial("store", "prune", "--scenario", name).code == 0
    assert name not in project.anatrial("store", "info").out


def test_a_read_only_place_for_results_loses_nothing(project: Project) -> None:
    """Results that cannot be written are told; the cells are kept, and the next run writes them."""
    path = swept(project)
    (project.path / "file").write_text("in the way")
    refused(project.anatrial("sweep", path, "--out", "file"), "file")
    again = json.loads(project.anatrial("sweep", path, "--json", "--out", "out").out)
    assert again["counts"]["computed"] == 0
