"""A path names a field of a file: what it may name, and the file with another value there."""

from __future__ import annotations

import copy
import tomllib
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anatrial.documents.base import Base
from anatrial.documents.paths import (
    ABSENT,
    FIXED,
    changed,
    path_faults,
    paths_of,
    said_setting,
    spot,
    steps,
)
from anatrial.documents.scenario import Scenario
from anatrial.documents.trials import form_of
from anatrial.errors import Fault, InputError
from anatrial.files.scenarios import read_base, scenario_paths
from anatrial.plan.axis_faults import faults_of_axes
from anatrial.plan.special_settings import apply

NAMES = sorted(scenario_paths())
FILE = """
version = 1
title = "A trial"
question = "?"
indication = "as"
endpoint = "asas20"
design = { kind = "sequential", looks = [{ treatment = 20, control = 20 }, { treatment = 40, control = 40 }] }
rule = { kind = "monitored", final = { kind = "fisher", alpha = 0.025 }, stops = [] }
targets = []

[truths.expected]
kind = "points"
rates = { treatment = 0.6, control = 0.25 }
"""


@cache
def base_of(name: str) -> Base:
    return read_base(name)[0]


def data() -> dict[str, Any]:
    return tomllib.loads(FILE)


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("rule.final.alpha", 0.05, lambda new: new["rule"]["final"]["alpha"]),
        ("design.looks.2.treatment", 50, lambda new: new["design"]["looks"][1]["treatment"]),
        ("design.looks[2].treatment", 50, lambda new: new["design"]["looks"][1]["treatment"]),
        ("truths.expected.rates", {"treatment": 0.7, "control": 0.2}, lambda new: new["truths"]["expected"]["rates"]),
        ("simulation.trials", 500, lambda new: new["simulation"]["trials"]),
        ("truths.expected.dropout.treatment", 0.1, lambda new: new["truths"]["expected"]["dropout"]["treatment"]),
        ("seed", 3, lambda new: new["seed"]),
    ],
)
def test_a_value_stands_at_its_path_and_nothing_else_moves(path: str, value: Any, found: Any) -> None:
    """The value is where the path says, written or not before; the old content is as it was, and shared elsewhere."""
    before = data()
    kept = copy.deepcopy(before)
    new = changed(before, path, value, Scenario)
    assert found(new) == value
    assert before == kept
    top = steps(path)[0]
    assert {k for k in before if new[k] is not before[k]} == ({top} & before.keys())


def test_a_default_table_keeps_its_other_fields() -> None:
    """One field of a table that the file leaves to its default changes; its neighbours keep the default, not none."""
    new = changed({**data(), "rule": {"kind": "self_adapting"}}, "rule.vague.b", 3.0, Scenario)
    assert new["rule"]["vague"] == {"a": 1.0, "b": 3.0}


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("desgin.looks", "did you mean 'design.looks'?"),
        ("truths.expectd.rates.control", "did you mean 'truths.expected.rates.control'?"),
        ("rule.finl.alpha", "did you mean 'rule.final.alpha'?"),
        ("design.looks.3.treatment", "design.looks has 2 members, counted from 1"),
        ("design.looks.0.treatment", "design.looks has 2 members, counted from 1"),
        ("design.looks.1000000.treatment", "design.looks has 2 members, counted from 1"),
        ("design.looks.\u0662.treatment", "design.looks has 2 members, counted from 1"),
        ("rule.final.alpha.more", "did you mean 'rule.final.alpha'?"),
        ("design.qqqqqq", "valid in design: kind, looks, pipeline"),
    ],
)
def test_a_path_that_the_file_cannot_have_is_told_with_the_nearest_one(path: str, fix: str) -> None:
    """One fault, with the nearest path of this very file, from ``path_faults`` and from ``changed`` alike."""
    (fault,) = path_faults(path, data(), Scenario)
    assert fault.fix == fix
    assert fault.got == repr(path)
    with pytest.raises(InputError) as error:
        changed(data(), path, 1, Scenario)
    assert error.value.faults == (fault,)


HOSTILE = ["", ".", "...", "a" * 5000, "a." * 99 + "a", "design..n", 'rule."kind"', "__class__", "truths.__init__.x",
           "\n", "rule\x00", "\u202erule", "design.looks.-1", "design.looks.1e6", "design.looks[", "design[1",
           "\U0001f9ea", "targets.1", "title", "version", "indication", "axes.1.path", "size.per_arm.from"]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_paths_are_input_errors(path: str) -> None:
    """Whatever stands where a path is due: an ``InputError`` with one short line for each of its parts."""
    (fault,) = path_faults(path, data(), Scenario)
    assert len(fault.got) <= 250
    assert "\n" not in fault.got + fault.fix
    with pytest.raises(InputError):
        changed(data(), path, 1, Scenario)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_set_to_its_own_value_changes_nothing(name: str) -> None:
    """Every single field of every shipped scenario, written or by default, set to what it is: the same digest."""
    base = base_of(name)
    form, new, count = form_of(base.data), base.data, 0
    for path in paths_of(base.data, form):
        at = spot(base.data, steps(path), form)
        above = spot(base.data, steps(path)[:-1], form)
        assert at is not None
        assert above is not None
        if ABSENT not in (at.value, above.value) and not isinstance(at.value, dict | list):
            new, count = changed(new, path, at.value, form), count + 1
    again = Base(base.name, base.where, new, base.indication, base.derived, base.priors_from)
    assert count > 10
    assert again.resolved().digest == base.resolved().digest


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_a_file_is_valid(name: str) -> None:
    """What hints may offer is no fault when it is used, and no path is offered twice or on a fixed key."""
    content = base_of(name).data
    found = list(paths_of(content, form_of(content)))
    assert len(set(found)) == len(found)
    assert not [path for path in found if path_faults(path, content, form_of(content))]
    assert not {path.split(".")[0] for path in found} & FIXED.keys()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mangled(draw: st.DrawFn, name: str) -> str:
    """A valid path, or one with steps cut, doubled, swapped or replaced."""
    content = base_of(name).data
    special = [
        "design.n",
        "allocation",
        "looks",
        "dropout",
        "drift",
        "definition",
        "test",
        "priors.placebo-map.without",
    ]
    path = draw(st.sampled_from([*paths_of(content, form_of(content)), *special]))
    way = path.split(".")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(way) - 1))
        way[at : at + 1] = draw(
            st.lists(st.sampled_from([*way, "1", "0", "99", "n", "prior", "__dict__", ""]), max_size=2)
        )
        way = way or ["n"]
    return ".".join(way)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_path_and_no_value_breaks_a_file(drawn: st.DataObject) -> None:
    """Any settings of any file: its content stays as it was, and what does not fit is an ``InputError``."""
    base = base_of(drawn.draw(st.sampled_from(["sjia-next-trial", "as-group-sequential", "sjia-anajis-switch"])))
    paths = drawn.draw(st.lists(mangled(base.name), min_size=1, max_size=3))
    before = copy.deepcopy(base.data)
    faults: tuple[Fault, ...] = ()
    try:
        apply(base, tuple((path, drawn.draw(PLAIN)) for path in paths))
    except InputError as error:
        faults = error.faults
    assert all(fault.where.startswith(f"{base.where}: ") for fault in faults)
    assert isinstance(faults_of_axes(base, read(base.name), paths), list)
    assert base.data == before


@cache
def read(name: str) -> Any:
    return read_base(name)[1].scenario


def test_settings_are_said_as_the_file_writes_them() -> None:
    """Paths and values in the words of the file, tables and lists too, long ones cut."""
    told = (("design.n", 20), ("rule.certainty", 0.98), ("a.b", {"prior": "x", "parts": [1, 2.5]}), ("c", True))
    assert (
        said_setting(told) == 'design.n = 20, rule.certainty = 0.98, a.b = { prior = "x", parts = [1, 2.5] }, c = true'
    )
    assert len(said_setting((("c", list(range(1000))),))) <= 90
