"""What ``anatrial check`` prints, and the words that its reports for machines share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from anatrial.domain.checked import Change, Checked, CheckedScenario, Item, Moved, Movement
from anatrial.domain.results import Estimate, Verdict
from anatrial.report.numbers import beside, hanging, wrapped
from anatrial.report.trial_text import metric_said

MOST_SHOWN = 6
"""Changes of inputs, and moved numbers, that are told of one scenario; ``--json`` tells all."""
LOOSE = 2e-6
"""A proven bound that is told beside its number."""


def check_text(checked: Checked) -> str:
    """What does not pass or has moved in full, all else on a line each, and one line that says how it ended."""
    lines: list[str] = []
    for one in checked.scenarios:
        lines += _scenario(one)
    lines += _rest("priors", checked.priors, _fresh(checked))
    lines += _rest("evidence files", checked.evidence, "published numbers agree")
    lines += _rest("files", checked.unwritten, "")
    return "\n".join([*lines, "", *(line for said in summary(checked) for line in wrapped(said))])


def summary(checked: Checked) -> list[str]:
    """How much was checked and how it ended; the verdict is the exit code in words."""
    targets, compared = (sum(item.kind == kind for item in checked.items) for kind in ("target", "results"))
    counts = ", ".join(f"{number} {told}" for told, number in checked.counted().items() if number)
    parts = {"scenario": checked.scenarios, "prior": checked.priors, "evidence file": checked.evidence}
    scenarios, *others = (several(len(found), what) for what, found in parts.items())
    others += [several(compared, "comparison")] if compared else []
    said = [f"{', '.join([scenarios, several(targets, 'target'), *others])}: {counts}"]
    kinds = [one.movement.kind for one in checked.scenarios if one.movement is not None]
    if kinds or checked.gone:
        beside_it = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
        gone = [listed("gone: ", [visible(name) for name in checked.gone], ", ")] if checked.gone else []
        said.append(f"Against the baseline: {', '.join([*beside_it, *gone])}")
    if checked.quick:
        said.append("Quick: priors were not derived again.")
    return [*said, f"anatrial {checked.tool_version} | {checked.told} (exit {checked.exit_code})"]


def moved(one: CheckedScenario) -> bool:
    """Whether inputs or results are others than those of the baseline."""
    return one.movement is not None and one.movement.kind in {"changed inputs", "changed results"}


def several(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _fresh(checked: Checked) -> str:
    return "up to date" if checked.quick else "up to date, and derived again the same"


def _rest(what: str, items: Sequence[Item], fine: str) -> list[str]:
    """Priors or evidence files: those that do not pass, and how many do."""
    lines: list[str] = []
    for item in items:
        if item.code:
            lines += [f"{item.told.ljust(5)} {visible(item.name)} ({visible(item.file)})", *_why(item, "        ")]
    passed = sum(not item.code for item in items)
    return [*lines, *([f"PASS  {passed} {what if passed != 1 else what[:-1]}: {fine}"] if passed else [])]


def _scenario(one: CheckedScenario) -> list[str]:
    """One line where everything passes and nothing moved, else all that is known."""
    told = Item("scenario", "", one.code).told
    if not one.code and not moved(one):
        new = "new, " if one.movement is not None and one.movement.kind == "new" else ""
        found = ", ".join(_short(item.verdict) for item in one.items if item.verdict is not None)
        return hanging([(f"PASS  {visible(one.name)}:", new + found)])
    lines = [f"{told.ljust(5)} {visible(one.name)} ({visible(one.items[0].file)})"]
    for item in one.items:
        if item.kind != "results":
            lines += _item(item)
    return [*lines, *(line for said in movement_said(one) for line in wrapped(visible(said), indent="        "))]


def _item(item: Item) -> list[str]:
    found = f": {found_said(item.verdict)}" if item.verdict is not None else ""
    line = f", line {item.line}" if item.line is not None and item.code else ""
    return [f"        {item.told}  {visible(item.name)}{found}{line}", *_why(item, " " * 10)]


def _why(item: Item, indent: str) -> list[str]:
    """The reasons line by line, as they are indented."""
    return [f"{indent}{visible(line)}" for line in item.why.split("\n") if line]


def _short(verdict: Verdict | None) -> str:
    assert verdict is not None
    return f"{metric_said(verdict.metric)} {beside(verdict.estimate.value, verdict.threshold)}"


# ---- words ----


def found_said(verdict: Verdict) -> str:
    """The number that a target asks about, with its proven or simulated bounds."""
    found = verdict.estimate
    value = beside(found.value, verdict.threshold)
    if found.mcse is not None:
        bounds = "-".join(beside(bound, verdict.threshold) for bound in (found.lower, found.upper))
        return f"{value} ({bounds} at 99.9 %, {found.draws:,} trials)"
    return f"{value} (proven below {found.upper:.6f})" if found.upper - found.lower > LOOSE else value


def why_said(item: Item) -> str:
    """Why something does not pass, in one line: the verdict's number, or what is wrong."""
    return found_said(item.verdict) if item.verdict is not None else " ".join(item.why.split())


def movement_said(one: CheckedScenario) -> list[str]:
    """What changed in the file, which verdicts are others, and what moved by how much; nothing where nothing did."""
    found = one.movement
    if found is None or found.kind == "unchanged":
        return []
    if found.kind == "new":
        return ["new"]
    said = [listed(f"{found.kind}: " if found.inputs else "", [change_said(change) for change in found.inputs])]
    said.append(listed("verdicts: ", [f"{c.path}: {_value(c.before)} -> {_value(c.now)}" for c in found.verdicts]))
    head = "changed results, the inputs are the same: " if found.kind == "changed results" else "moved: "
    said.append(listed(head, [moved_said(number) for number in _first_asked(one, found)]))
    return [line for line in said if line]


def _first_asked(one: CheckedScenario, found: Movement) -> list[Moved]:
    """Numbers that moved, those first that targets ask about."""
    asked = {(item.verdict.truth, item.verdict.estimate) for item in one.items if item.verdict is not None}
    return sorted(found.numbers, key=lambda number: (number.truth, number.now) not in asked)


def listed(head: str, parts: list[str], between: str = "; ") -> str:
    """The first of several parts after a heading, and how many more there are; nothing without any."""
    more = [f"and {len(parts) - MOST_SHOWN} more"] if len(parts) > MOST_SHOWN else []
    return head + between.join([*parts[:MOST_SHOWN], *more]) if parts else ""


def change_said(change: Change) -> str:
    """An input as it was and as it is."""
    return f"{change.path} {_value(change.before)} -> {_value(change.now)}"


def _value(value: Any) -> str:
    if value is None:
        return "none or the default"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def moved_said(number: Moved) -> str:
    """A number as it was and as it is, with enough digits to tell them apart."""
    name = f"{number.truth}.{number.metric}"
    if number.before is None or number.now is None:
        return f"{name} is {'gone' if number.now is None else f'new: {_digits(number.now.value, 3)}'}"
    before, now = number.before, number.now
    apart = (d for d in range(3, 13) if float(_digits(before.value, d)) != float(_digits(now.value, d)))
    digits = next(apart, 15)
    simulated = before.mcse is not None and now.mcse is not None
    error = f", {_sigmas(before, now)}" if simulated else _switch(before, now)
    shown = f"{_digits(before.value, digits)} -> {_digits(now.value, digits)}"
    return f"{name} {shown} ({now.value - before.value:+.2g}{error})"


def _switch(before: Estimate, now: Estimate) -> str:
    if (before.mcse is None) == (now.mcse is None):
        return ""
    return ", was exact and is simulated" if before.mcse is None else ", was simulated and is exact"


def _sigmas(before: Estimate, now: Estimate) -> str:
    error = math.hypot(before.mcse or 0.0, now.mcse or 0.0)
    return f"{abs(now.value - before.value) / error:.1f} standard errors" if error else "no error"


def _digits(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if digits < 15 else repr(value)


def visible(text: str) -> str:
    """Text on one line: what cannot be printed (line ends, controls, marks that turn the direction) is written out."""
    return "".join(_seen(text))


def _seen(text: str) -> Iterator[str]:
    for char in text:
        yield char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")


# ---- for machines ----


def check_content(checked: Checked) -> dict[str, Any]:
    """A check as JSON content, at full precision; it holds no time, so that equal input gives equal bytes."""
    return {
        "format": "anatrial-check",
        "version": 1,
        "tool_version": checked.tool_version,
        "verdict": checked.told,
        "exit_code": checked.exit_code,
        "quick": checked.quick,
        "counts": checked.counted(),
        "scenarios": [_scenario_content(one) for one in checked.scenarios],
        "priors": [_item_content(item) for item in checked.priors],
        "evidence": [_item_content(item) for item in checked.evidence],
        "gone": list(checked.gone),
        "unwritten": [_item_content(item) for item in checked.unwritten],
    }


def _scenario_content(one: CheckedScenario) -> dict[str, Any]:
    items = [_item_content(item) for item in one.items]
    return {
        "name": one.name,
        "items": items,
        "movement": None if one.movement is None else _moved_content(one.movement),
    }


def _item_content(item: Item) -> dict[str, Any]:
    content = {"kind": item.kind, "name": item.name, "verdict": item.told, "exit_code": item.code, "why": item.why}
    content |= {"file": item.file, "line": item.line}
    if item.verdict is not None:
        found = item.verdict
        content |= {"metric": found.metric, "truth": found.truth, "bound": found.bound, "threshold": found.threshold}
        content |= {"estimate": _estimate(found.estimate), "at": found.at}
    return content


def _moved_content(found: Movement) -> dict[str, Any]:
    numbers = [
        {"truth": one.truth, "metric": one.metric, "before": _estimate(one.before), "now": _estimate(one.now)}
        for one in found.numbers
    ]
    inputs, verdicts = ([change._asdict() for change in changes] for changes in (found.inputs, found.verdicts))
    return {"kind": found.kind, "inputs": inputs, "numbers": numbers, "verdicts": verdicts}


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    """An estimate with its bounds and error; numbers that are none become null."""
    if found is None:
        return None
    pairs = found._asdict().items()
    return {key: None if isinstance(x, float) and not math.isfinite(x) else x for key, x in pairs}
