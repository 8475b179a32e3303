"""A check as workflow commands of GitHub Actions, which put a remark beside a line of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from anatrial.domain.checked import Checked, Item
from anatrial.report.check_text import movement_said, visible, why_said

LEVELS = {"FAIL": "error", "ERROR": "error", "INCONCLUSIVE": "warning"}


def commands(checked: Checked) -> Iterator[str]:
    """A line per item that does not pass, and a notice per scenario whose inputs changed."""
    for one in checked.scenarios:
        moved = "\n".join(movement_said(one))
        for item in one.items:
            if item.code:
                yield _command(LEVELS[item.told], item, one.name, moved if item.kind == "results" else "")
        if one.movement is not None and one.movement.kind == "changed inputs":
            yield _command("notice", one.items[0]._replace(name="inputs changed", line=None), one.name, moved)
    for item in checked.others:
        if item.code:
            yield _command(LEVELS[item.told], item, item.kind, "")


def _command(level: str, item: Item, about: str, message: str) -> str:
    """The command with its properties.

    Source: "Workflow commands for GitHub Actions" and the runner's ``ActionCommand``: in properties ``%``, line ends,
    ``:`` and ``,`` are written out, in messages ``%`` and line ends.
    """
    line = "" if item.line is None else f",line={item.line}"
    title = f"{item.told if level != 'notice' else 'changed'}: {visible(about)}: {visible(item.name)}"
    said = message or item.why or why_said(item)
    return f"::{level} file={_property(item.file)}{line},title={_property(title)}::{_message(said)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
