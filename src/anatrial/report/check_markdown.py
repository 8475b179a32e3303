"""A check as Markdown, for the summary of a pull request."""

from __future__ import annotations

import html
import re

from anatrial.domain.checked import Checked, CheckedScenario, Item
from anatrial.report.check_text import found_said, moved, movement_said, summary, visible, why_said

MARKUP = re.compile(r"[\\`*_\[\]|~@#]|:(?=//)")
"""What Markdown or its host could read as more than text; HTML's own characters are written out first."""
HEAD = ["| scenario | target | found | verdict | against the baseline |", "|---|---|---|---|---|"]
MOST = 400
"""Letters of a cell at most."""


def check_markdown(checked: Checked) -> str:
    """A heading with the verdict, a table of all that does not pass or has moved, and the passes folded away."""
    shown = [one for one in checked.scenarios if one.code or moved(one)]
    passing = [one for one in checked.scenarios if one not in shown]
    counted, *notes, _ = summary(checked)
    blocks = [f"## anatrial check: {checked.told}", text(counted), *map(text, notes)]
    if shown:
        blocks.append("\n".join([*HEAD, *(row for one in shown for row in _rows(one))]))
    if wrong := [item for item in checked.others if item.code]:
        rows = [f"| {item.kind} {code(item.name)} | {code(why_said(item))} | {_verdict(item)} |" for item in wrong]
        blocks.append("\n".join(["| prior, evidence or file | found | verdict |", "|---|---|---|", *rows]))
    if passing:
        said = f"{len(passing)} scenarios pass" if len(passing) != 1 else "1 scenario passes"
        rows = [*HEAD, *(row for one in passing for row in _rows(one))]
        blocks.append(f"<details><summary>{said}</summary>\n\n" + "\n".join(rows) + "\n\n</details>")
    return "\n\n".join([*blocks, text(f"anatrial {checked.tool_version}, exit code {checked.exit_code}")]) + "\n"


def _rows(one: CheckedScenario) -> list[str]:
    """A row per target; the first tells what moved."""
    told = [code(line) for line in movement_said(one)] or [one.movement.kind if one.movement else ""]
    heads = [(code(one.name), "<br>".join(told))]
    rows = []
    for item in (item for item in one.items if item.kind != "results" or item.code):
        found = text(found_said(item.verdict)) if item.verdict is not None else code(why_said(item))
        name, beside = heads.pop() if heads else ("", "")
        rows.append(f"| {name} | {text(item.name)} | {found} | {_verdict(item)} | {beside} |")
    return rows


def _verdict(item: Item) -> str:
    return f"**{item.told}**" if item.code else item.told


def text(words: str) -> str:
    """Text that stays text: no markup, no links, no table borders."""
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", html.escape(visible(words), quote=False))


def code(words: str) -> str:
    """Words of a file as code, not endless: hosts make no links and call nobody there."""
    return f"<code>{text(words if len(words) <= MOST else words[: MOST - 3] + '...')}</code>"
