"""A check as JUnit XML, which continuous integration services read: one test case per target, prior, evidence file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from anatrial.domain.checked import Checked, Item
from anatrial.report.check_text import movement_said, why_said

ILLEGAL = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2), and carriage returns, which its readers change."""


def junit_bytes(checked: Checked) -> bytes:
    """The XML: FAIL and INCONCLUSIVE are failures of that type, errors are errors; a suite per scenario, with its time.

    Times are there where one worker computed the scenarios one after another.
    """
    root = ET.Element("testsuites", {"name": "anatrial check", **_counts(checked.items)})
    for one in checked.scenarios:
        moved = "\n".join(movement_said(one))
        suite = _suite(root, f"scenarios.{one.name}", one.items, moved)
        if one.seconds is not None:
            suite.set("time", f"{one.seconds:.3f}")
    for name, items in (("priors", checked.priors), ("evidence", checked.evidence), ("files", checked.unwritten)):
        if items:
            _suite(root, name, items)
    ET.indent(root)
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found + b"\n"


def _suite(root: ET.Element, name: str, items: Sequence[Item], moved: str = "") -> ET.Element:
    suite = ET.SubElement(root, "testsuite", {"name": legal(name), **_counts(items)})
    for item in items:
        # By its file: services drop cases of one class and name, and files in two folders may have one name.
        place = item.file.removesuffix(".toml").replace("/", ".") or name
        case = ET.SubElement(suite, "testcase", classname=legal(place), name=legal(item.name))
        if item.file:
            case.set("file", legal(item.file))
        if item.line is not None:
            case.set("line", str(item.line))
        if item.code:
            told = "error" if item.told == "ERROR" else "failure"
            wrong = ET.SubElement(case, told, type=item.told, message=legal(f"{item.told}: {why_said(item)}"))
            wrong.text = legal("\n".join(line for line in (item.why, moved if item.kind == "results" else "") if line))
    if moved:
        ET.SubElement(suite, "system-out").text = legal(moved)
    return suite


def _counts(items: Sequence[Item]) -> dict[str, str]:
    errors = sum(item.told == "ERROR" for item in items)
    failures = sum(bool(item.code) for item in items) - errors
    return {"tests": str(len(items)), "failures": str(failures), "errors": str(errors), "skipped": "0"}


def legal(text: str) -> str:
    """Text that XML can hold: other characters are written out by their number."""
    return ILLEGAL.sub(lambda found: found[0].encode("unicode_escape", "backslashreplace").decode("ascii"), text)
