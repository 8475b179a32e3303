"""Reports of a check hold whatever names and texts hold, and say one verdict."""

from __future__ import annotations

import html
import itertools
import json
import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from anatrial.cli import shared
from anatrial.domain import checked as codes
from anatrial.domain.checked import Change, Checked, CheckedScenario, Item, Moved, Movement, worst
from anatrial.domain.results import Estimate, Verdict, exactly
from anatrial.report.annotations import commands
from anatrial.report.check_markdown import check_markdown
from anatrial.report.check_text import MOST_SHOWN, check_content, check_text, moved_said
from anatrial.report.junit import junit_bytes
from anatrial.report.numbers import WIDEST

HOSTILE = [
    'a"b<c>',
    "x|y",
    "..",
    "two\nlines\r\n::error::three",
    "ünïcode ✓ \U0001f600",
    "]]><!-- & &amp; ",
    "\x00\x1b[31m\x7f\u202e\ufffe",
    "`code` *bold* _it_ [a](https://b) @team #1 \\|",
    "100 %, a:b,c=d",
    "\\xff",
]


def item(code: int = 0, name: str = "power at least 0.8 if expected", why: str = "") -> Item:
    """A target with its verdict, or without a number."""
    told = Item("target", name, code, why, "scenarios/it.toml", 31)
    if told.told == "ERROR":
        return told
    outcome = {"PASS": "PASS", "FAIL": "FAIL", "INCONCLUSIVE": "INCONCLUSIVE"}[told.told]
    found = Verdict(outcome, "power", "expected", exactly(0.79 if code else 0.81), "at_least", 0.8)  # type: ignore[arg-type]
    return told._replace(verdict=found)


def found(*scenarios: CheckedScenario, **more: object) -> Checked:
    """A check of these."""
    return replace(Checked(scenarios, (), (), quick=False, tool_version="0.1.0"), **more)  # type: ignore[arg-type]


def hostile(name: str) -> Checked:
    """A check in which everything that a file can name is this."""
    moved = Movement(
        "changed inputs", (Change(name, name, None),), (Moved(name, name, exactly(0.1), exactly(0.2)),), ()
    )
    wrong = Item("target", name, 2, f"{name}\n  got {name}", f"scenarios/{name}.toml", 7)
    one = CheckedScenario(name, (wrong, item(1, name)), seconds=0.25, movement=moved)
    fine = CheckedScenario(f"fine {name}", (item(0, name),), movement=Movement("unchanged"))
    prior = Item("prior", f"{name}/{name}", 2, f"stale; {name}", f"priors/{name}.toml")
    return found(one, fine, priors=(prior,), evidence=(Item("evidence", name, 1, name, name),), gone=(name,))


def test_the_worst_code_is_that_of_the_program() -> None:
    """The order of exit codes is the one that every command uses."""
    assert codes.WORST_FIRST == shared.WORST_FIRST
    for several in itertools.combinations(range(6), 3):
        assert worst(several) == next(code for code in (5, 4, 2, 1, 3, 0) if code in several)


@pytest.mark.parametrize("several", [c for n in (1, 2, 3) for c in itertools.combinations(range(6), n)])
def test_the_printed_verdict_is_the_exit_code_in_words(several: tuple[int, ...]) -> None:
    """Text, JSON and Markdown of one check say the same verdict and code, whatever its items are."""
    one = found(*(CheckedScenario(f"s{code}", (item(code),)) for code in several))
    told = {0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE"}.get(one.exit_code, "ERROR")
    assert check_text(one).endswith(f"| {told} (exit {one.exit_code})")
    content = check_content(one)
    assert (content["verdict"], content["exit_code"]) == (told, one.exit_code)
    assert check_markdown(one).startswith(f"## anatrial check: {told}\n")
    assert content["counts"] == {
        word: sum({0: "PASS", 1: "FAIL", 3: "INCONCLUSIVE"}.get(code, "ERROR") == word for code in several)
        for word in ("PASS", "FAIL", "INCONCLUSIVE", "ERROR")
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_is_valid_xml_whatever_it_holds(name: str) -> None:
    """A reader gets every name back, but for characters that XML has none for, which are written out."""
    root = ET.fromstring(junit_bytes(hostile(name)))  # noqa: S314 - made two lines above
    suites = root.findall("testsuite")
    seen = re.sub("[\x00-\x08\x0b-\x1f\ufffe\r]", lambda c: ascii(c[0])[1:-1], name)
    assert [suite.get("name") for suite in suites] == [
        f"scenarios.{seen}",
        f"scenarios.fine {seen}",
        "priors",
        "evidence",
    ]
    cases = suites[0].findall("testcase")
    assert [case.get("name") for case in cases] == [seen, seen]
    assert cases[0].get("line") == "7"
    error = cases[0].find("error")
    assert error is not None
    assert error.text == f"{seen}\n  got {seen}"
    assert [case.find("failure") is not None for case in cases] == [False, True]


def test_junit_counts_and_types() -> None:
    """FAIL and INCONCLUSIVE are failures of that type, the rest errors; counts agree with the cases; times stand."""
    one = CheckedScenario("it", (item(0), item(1), item(3), item(4, why="no answer")), seconds=1.25)
    root = ET.fromstring(junit_bytes(found(one)))  # noqa: S314 - made one line above
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "2", "1")
    types = [wrong.get("type") for case in root.iter("testcase") for wrong in case]
    assert types == ["FAIL", "INCONCLUSIVE", "ERROR"]
    assert [suite.get("time") for suite in root] == ["1.250"]


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_keeps_its_table_and_its_words(name: str) -> None:
    """Each row has as many cells as the head, no markup comes through, and the words are there once unescaped."""
    text = check_markdown(hostile(name))
    tables = [block for block in text.split("\n\n") if block.startswith("| scenario")]
    assert len(tables) == 2
    for row in tables[0].splitlines():
        assert row.count("|") == 6
    assert not re.search(r"<(?!/?(code|details|summary|br)>)", text)
    assert "@team" not in text
    assert "https://b" not in text
    assert "*bold*" not in text
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert f"<code>{printable}</code>" in html.unescape(text)


def test_markdown_folds_the_passes_away() -> None:
    """What fails or moved stands in the open, passes in <details>, and nothing is told twice."""
    good, bad = CheckedScenario("good", (item(0),)), CheckedScenario("bad", (item(1),))
    text = check_markdown(found(good, bad))
    before, after = text.split("<details>")
    assert ("<code>bad</code>" in before, "<code>good</code>" in before) == (True, False)
    assert ("<code>bad</code>" in after, "<code>good</code>" in after) == (False, True)
    assert "**FAIL**" in before


PART = re.compile(r"::(error|warning|notice) file=([^:,\r\n]*)(?:,line=(\d+))?,title=([^:,\r\n]*)::([^\r\n]*)")


def unescaped(text: str) -> str:
    """What the runner makes of a property."""
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("name", HOSTILE)
def test_annotations_are_one_command_each(name: str) -> None:
    """Each on a line of its own in the host's form, with the file as it is called; a name starts no other command."""
    lines = list(commands(hostile(name)))
    parts = [PART.fullmatch(line) for line in lines]
    assert all(parts), lines
    first = parts[0]
    assert first is not None
    assert unescaped(first[2]) == f"scenarios/{name}.toml"
    assert (first[1], first[3]) == ("error", "7")
    assert unescaped(first[5]) == f"{name}\n  got {name}"
    assert [part[1] for part in parts if part] == ["error", "error", "notice", "error", "error"]


def test_annotations_tell_three_verdicts_apart() -> None:
    """A pass says nothing, FAIL and ERROR are errors, INCONCLUSIVE is a warning."""
    one = found(CheckedScenario("it", (item(0), item(1), item(3), item(4, why="no answer"))))
    assert [line.split(" ", 1)[0] for line in commands(one)] == ["::error", "::warning", "::error"]


@pytest.mark.parametrize("name", HOSTILE)
def test_json_holds_every_name_as_it_is(name: str) -> None:
    """JSON gives back the very name, and stays strict JSON where a number is none."""
    one = hostile(name)
    odd = replace(one.scenarios[0], items=(item(1, name)._replace(verdict=undefined()),))
    text = json.dumps(check_content(replace(one, scenarios=(odd,))), allow_nan=False)
    content = json.loads(text)
    assert content["scenarios"][0]["name"] == name
    assert content["scenarios"][0]["movement"]["inputs"] == [{"path": name, "before": name, "now": None}]
    assert content["scenarios"][0]["items"][0]["estimate"]["value"] is None


def undefined() -> Verdict:
    """A verdict on a number that is none."""
    return Verdict("FAIL", "power", "t", Estimate(math.nan, math.nan, math.nan, math.nan, 0), "at_least", 0.8)


@pytest.mark.parametrize("name", HOSTILE)
def test_text_stays_on_its_lines(name: str) -> None:
    """No name moves the cursor, ends a line or starts one; the last line is the verdict."""
    text = check_text(hostile(name))
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("::") for line in text.split("\n"))
    assert text.split("\n")[-1] == "anatrial 0.1.0 | ERROR (exit 2)"


def test_text_is_short_where_all_is_well_and_tells_where_not() -> None:
    """A pass is a line with its numbers; a failure tells threshold, number and place."""
    good, bad = CheckedScenario("good", (item(0),)), CheckedScenario("bad", (item(1),))
    lines = check_text(found(good, bad)).split("\n")
    assert lines[0] == "PASS  good:  power 0.810"
    assert lines[1:3] == [
        "FAIL  bad (scenarios/it.toml)",
        "        FAIL  power at least 0.8 if expected: 0.790, line 31",
    ]


def test_many_changes_are_counted() -> None:
    """Only the first are told, and how many more there are; numbers of targets come first."""
    target = item(0)
    assert target.verdict is not None
    numbers = [Moved("t", f"m{k}", exactly(0.1), exactly(0.2)) for k in range(20)]
    asked = Moved("expected", "power", exactly(0.9), target.verdict.estimate)
    moved = Movement("changed inputs", tuple(Change(f"p{k}", k, k + 1) for k in range(9)), (*numbers, asked))
    text = check_text(found(CheckedScenario("it", (target,), movement=moved)))
    assert f"p0 0 -> 1; p1 1 -> 2; p2 2 -> 3; p3 3 -> 4; p4 4 -> 5; p5 5 -> 6; and {9 - MOST_SHOWN} more" in text
    assert "moved: expected.power 0.900 -> 0.810 (-0.09);" in text
    assert f"and {21 - MOST_SHOWN} more" in " ".join(text.split())
    assert max(map(len, text.split("\n"))) <= WIDEST


def test_a_moved_number_shows_enough_digits() -> None:
    """The two numbers differ as they are printed, and a simulated one tells its distance in standard errors."""
    assert moved_said(Moved("t", "x", exactly(0.5), exactly(0.5 + 1e-9))) == "t.x 0.500000000 -> 0.500000001 (+1e-09)"
    assert moved_said(Moved("t", "x", exactly(0.0), exactly(-1e-7))) == "t.x 0.0000000 -> -0.0000001 (-1e-07)"
    one = Estimate(0.50, 0.4, 0.6, 0.03, 300)
    said = moved_said(Moved("t", "x", one, one._replace(value=0.75, mcse=0.04)))  # errors 3, 4 and 5 of a hundred
    assert said == "t.x 0.500 -> 0.750 (+0.25, 5.0 standard errors)"
    assert moved_said(Moved("t", "x", exactly(0.5), one)).endswith("was exact and is simulated)")
    assert moved_said(Moved("t", "x", exactly(0.5), None)) == "t.x is gone"


def test_a_file_that_could_not_be_written_is_in_every_report() -> None:
    """One more error in JUnit (as many cases as it counts), Markdown and annotations, as in the exit code."""
    lost = Item("file", "the baseline", 2, "no space left", "b.json")
    one = found(CheckedScenario("it", (item(0),)), unwritten=(lost,))
    root = ET.fromstring(junit_bytes(one))  # noqa: S314 - made here
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    assert (len(list(root.iter("testcase"))), len(list(root.iter("error")))) == (2, 1)
    assert "no space left" in check_markdown(one)
    assert [line.split(",")[0] for line in commands(one)] == ["::error file=b.json"]


def test_no_two_cases_of_junit_are_taken_for_one() -> None:
    """Scenarios, and priors, of one name in two folders are two classes: services drop what has one class and name."""
    twice = [CheckedScenario("it", (item(0)._replace(file=f"{team}/scenarios/it.toml"),)) for team in ("a", "b")]
    priors = tuple(Item("prior", "x/p", 0, "", f"{team}/priors/x.toml") for team in ("a", "b"))
    root = ET.fromstring(junit_bytes(found(*twice, priors=priors)))  # noqa: S314 - made here
    classes = [case.get("classname") for case in root.iter("testcase")]
    assert classes == ["a.scenarios.it", "b.scenarios.it", "a.priors.x", "b.priors.x"]
