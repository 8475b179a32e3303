"""Reading TOML into specs: nearest names, places as a person says them, and files made to break the reader."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from anatrial.errors import Fault, InputError
from anatrial.spec import MAX_BYTES, Count, Name, OpenRate, Rate, Spec, Versioned, digest, nearest, parse_toml, spoken


class Round(Spec):
    """A made-up shape."""

    kind: Literal["round"]
    radius: Annotated[float, Field(gt=0)]


class Square(Spec):
    """Another made-up shape."""

    kind: Literal["square"]
    side: Annotated[float, Field(gt=0)]
    corners: tuple[Rate, ...] = ()


class Box(Spec):
    """A table whose keys are not its field names."""

    lowest: Annotated[int, Field(alias="from")]
    highest: Annotated[int, Field(alias="to")]


class File(Versioned):
    """A made-up file format."""

    name: Name = "it"
    count: Count = 0
    rate: OpenRate = 0.5
    box: Box | None = None
    shapes: tuple[Annotated[Round | Square, Field(discriminator="kind")], ...] = ()
    named: dict[Name, Annotated[Round | Square, Field(discriminator="kind")]] = {}
    notes: tuple[str, ...] = ()


def faults(text: str, *, version: bool = True) -> list[Fault]:
    """What is wrong with a text; nothing where it is read."""
    try:
        parse_toml(("version = 1\n" if version else "") + text, File, "it.toml")
    except InputError as error:
        return list(error.faults)
    return []


def one(text: str) -> Fault:
    """The only thing wrong with a text."""
    (fault,) = faults(text)
    return fault


def test_a_plain_file_is_read() -> None:
    """A file without faults becomes its spec, comments, byte-order mark and Windows line ends included."""
    text = "\ufeff# a comment\r\nversion = 1\r\nname = 'box-1'\r\nshapes = [{ kind = 'round', radius = 2 }]\r\n"
    found = parse_toml(text, File, "it.toml")
    assert found == File(version=1, name="box-1", shapes=(Round(kind="round", radius=2.0),))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("targets", 1, "truth"), "targets 2, truth"),
        (("rule", "analysis_prior", "control"), "rule.analysis_prior.control"),
        (("shapes", 0), "shapes 1"),
        (("a", 0, 2, "b", "c"), "a 1 3, b.c"),
        ((), "the file"),
    ],
)
def test_spoken_paths(path: tuple[str | int, ...], said: str) -> None:
    """Places are said counting from 1."""
    assert spoken(path) == said


def test_nearest_names() -> None:
    """The hint is the most similar name, else all names, else that there are none."""
    assert nearest("anajs", ["anajis", "as-24-v-6"]) == "did you mean 'anajis'?"
    assert nearest("zzz", ["b", "a"]) == "valid: a, b"
    assert nearest("zzz", []) == "there are none"


def test_unknown_key_with_its_neighbour() -> None:
    """A misspelt key is named with the nearest key of its own table."""
    assert one("cuont = 3") == Fault("it.toml: cuont", "unknown key 'cuont'", "a known key", "did you mean 'count'?")
    found = one('shapes = [{ kind = "round", radius = 1 }, { kind = "square", side = 1, cornres = [] }]')
    assert (found.where, found.fix) == ("it.toml: shapes 2, cornres", "did you mean 'corners'?")


def test_keys_are_named_as_the_file_writes_them() -> None:
    """A table whose keys are "from" and "to" is never told of other names."""
    wrong = faults("box = { form = 1, to = 2 }")
    assert {f.where for f in wrong} == {"it.toml: box.from", "it.toml: box.form"}
    assert {f.fix for f in wrong} == {"add from", "did you mean 'from'?"}
    assert "lowest" not in str(wrong)
    assert one("box = { from = 1, to = 'x' }").where == "it.toml: box.to"
    assert faults("box = { lowest = 1, highest = 2 }")


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("rate = 1.0", "it.toml: rate", "1.0"),
        ("rate = 'x'", "it.toml: rate", '"x"'),
        ("count = 1.5", "it.toml: count", "1.5"),
        ("count = true", "it.toml: count", "true"),
        ("name = 'Box 1'", "it.toml: name", '"Box 1"'),
        ("shapes = [{ kind = 'square', side = 1, corners = [0.5, 2] }]", "it.toml: shapes 1, corners 2", "2"),
        ("shapes = [{ kind = 'round', radius = 0 }]", "it.toml: shapes 1, radius", "0"),
        ("named.a = { kind = 'round', radius = -1 }", "it.toml: named.a.radius", "-1"),
        ("rate = nan", "it.toml: rate", "nan"),
        ("rate = -inf", "it.toml: rate", "-inf"),
        ("rate = 1e999", "it.toml: rate", "inf"),
        ("notes = [1979-05-27]", "it.toml: notes 1", "1979-05-27"),
        ("notes = ['a', 07:32:00]", "it.toml: notes 2", "07:32:00"),
    ],
)
def test_wrong_values(text: str, where: str, got: str) -> None:
    """A wrong value is told with its place, without tags of unions, and as it was written."""
    found = one(text)
    assert (found.where, found.got) == (where, got)
    assert "Input should" not in found.expected


def test_unknown_kind_names_the_kinds() -> None:
    """A kind that does not exist, or none at all, is told with every kind there is."""
    found = one("shapes = [{ kind = 'ruond', radius = 1 }]")
    assert found.where == "it.toml: shapes 1"
    assert found.got == "'ruond'"
    assert found.expected == "one of round, square"
    assert found.fix == "did you mean 'round'?"
    assert one("shapes = [{ radius = 1 }]").expected == "one of round, square"


def test_every_fault_at_once() -> None:
    """Faults in several places come together."""
    found = faults("cuont = 3\nrate = 2\nshapes = [{ kind = 'round' }, { kind = 'x' }]")
    assert {f.where for f in found} == {
        "it.toml: cuont",
        "it.toml: rate",
        "it.toml: shapes 1, radius",
        "it.toml: shapes 2",
    }


def test_faults_of_every_layer_at_once() -> None:
    """A not-a-number does not hide a misspelt key beside it."""
    assert {f.where for f in faults("rate = nan\ncuont = 3")} == {"it.toml: rate", "it.toml: cuont"}


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "nothing"),
        ("version = 2", "2"),
        ("version = '1'", '"1"'),
        ("version = 1.0", "1.0"),
        ("version = true", "true"),
    ],
)
def test_other_versions_are_refused(text: str, got: str) -> None:
    """A format that is not version 1 is refused, never guessed at."""
    (found,) = faults(text, version=False)
    assert (found.where, found.got) == ("it.toml: version", got)


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "[a",
        "a = 1\na = 2",
        "\x00",
        "a = 'x",
        "= 1",
        "a.b = 1\na = 2",
        "a = 2026-13-45",
        "\ufffe",
        "count = 0x",
        "]" * 50,
    ],
)
def test_broken_toml_is_an_input_error(text: str) -> None:
    """Text that is no TOML is refused with the parser's words, not a traceback."""
    assert len(faults(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "count = " + "9" * 4_000,
        "count = " + "9" * 5_000,
        "count = -" + "9" * 4_000,
        "notes = " + "[" * 90 + "]" * 90,
        "notes = " + "[" * 250 + "]" * 250,
        "notes = " + "[" * 5_000 + "]" * 5_000,
        "box = " + "{ a = " * 90 + "1" + " }" * 90,
        "box = " + "{ a = " * 2_000 + "1" + " }" * 2_000,
        "count = '''\n" + "x\n" * 1_000 + "'''",
        "name = '\\u0000'",
        'name = "\\ud800"',
        "name = '" + "a" * 81 + "'",
    ],
)
def test_monstrous_values_are_input_errors(text: str) -> None:
    """Huge numbers and deep nesting end as input errors, whatever the parser makes of them."""
    found = faults(text)
    assert found
    assert all(len(str(f)) < 2_000 for f in found)


def test_large_texts_are_refused_unread() -> None:
    """More than a megabyte, counted in bytes and not in letters, is refused before it is parsed."""
    (found,) = faults("# " + "\u00e9" * (MAX_BYTES // 2))
    assert "bytes" in found.got


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 50_000 + " = 1",
        "[" + "a." * 50_000 + "a]",
        "box = { a" + ".a" * 50_000 + " = 1 }",
        "a" + " . a" * 2_000 + " = 1",
        "a" + ".a" * 2_000 + '.",".b = 1',
        '["]"' + ".a" * 2_000 + "]\nb = 1",
        '"=".a' + ".a" * 2_000 + ' . "=" = 1',
        "box = { x = 1, '{'.a" + ".a" * 2_000 + " = 1 }",
    ],
)
def test_deep_keys_are_refused_at_once(text: str) -> None:
    """A key of thousands of levels is refused, quotes around parts of it notwithstanding; a parser would never end."""
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    [
        'notes = ["see J. R. R. T. A. B. C. D. E. F. G. 2005 doi=3"]',
        "# a.b.c.d.e.f.g.h.i.j.k.l.m = 3",
        'notes = ["https://a.b.c/d.e.f.g/h.i.j.k.l.m.n?x=1"]',
        'notes = ["""\n[1.1.1.1.1.1.1.1.1.1.1.1 is no table]\n"""]',
        "notes = [\n  'p = 0.1',  # e.g. . . . . . . . . . . . . = x\n]",
    ],
)
def test_dots_in_text_are_no_deep_key(text: str) -> None:
    """Citations, addresses and comments may hold any number of dots before an equals sign."""
    assert faults(text) == []


def test_long_lines_are_read_quickly() -> None:
    """Lines of hundreds of thousands of letters end: time does not grow with the square of their length."""
    assert faults("notes = ['" + "x" * 200_000 + "']") == []
    assert faults("notes = " + "[" * 200_000 + "]" * 200_000)


def test_digest_ignores_the_order_of_keys() -> None:
    """Equal content has an equal digest in any order; another number, or text instead of a number, another one."""
    assert digest({"a": 1, "b": [0.1, "x"]}) == digest({"b": [0.1, "x"], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
    assert len(digest({})) == 64


def test_digest_refuses_not_a_number() -> None:
    """What is no number has no digest."""
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": float("nan")})


def test_specs_cannot_be_changed() -> None:
    """A spec is frozen: what was read is what is computed."""
    found = parse_toml("version = 1", File, "it.toml")
    with pytest.raises(ValueError, match="frozen"):
        found.count = 3  # type: ignore[misc]


def test_a_fault_reads_as_four_lines() -> None:
    """A fault says where, what was found, what would be right and how to mend it."""
    said = str(Fault("x.toml: design, look 2", "30", "at least 40", "give totals"))
    assert said.split("\n") == [
        "x.toml: design, look 2",
        "  got       30",
        "  expected  at least 40",
        "  fix       give totals",
    ]
    assert "fix" not in str(Fault("x", "a", "b"))
