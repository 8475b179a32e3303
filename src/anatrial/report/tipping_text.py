"""Tipping points in words, and the same as JSON content."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from anatrial.domain.results import Verdict
from anatrial.domain.tipping import Crossing, Held, TippedTarget, Tipping, Unanswered
from anatrial.report.machine import plain
from anatrial.report.numbers import wrapped
from anatrial.report.sweep_words import number
from anatrial.report.table_lines import shown_error

VERBS = {"PASS": "holds", "FAIL": "fails", "INCONCLUSIVE": "cannot be told"}
MOST_NAMED = 8
"""Numbers without an answer that are named for each reason; JSON has them all."""


def tipping_text(found: Sequence[Tipping]) -> str:
    """A block per number that moves: a line per target, and what the grid cannot show."""
    several = len({one.scenario for one in found}) > 1
    blocks = [_block(one, f"{one.scenario}: " if several else "") for one in found]
    return "\n\n".join("\n".join(lines) for lines in [*blocks, _foot(found)])


def tipping_content(found: Sequence[Tipping]) -> list[dict[str, Any]]:
    """Tipping points as JSON content: one object per scenario and number that moves."""
    return [{**plain(one), "step": one.step, "targets": [_target(one, t) for t in one.targets]} for one in found]


def place_said(value: float) -> str:
    """A place on the path, as it would be written into a file."""
    return f"{value:.9g}"


def sides_said(crossing: Crossing) -> tuple[str, str]:
    """The places on both sides of a crossing, with as many digits as it takes to tell them apart."""
    for digits in range(9, 18):
        one, other = (f"{held.at:.{digits}g}" for held in crossing[:2])
        if one != other:
            break
    return one, other


def value_said(verdict: Verdict) -> str:
    """The number a target asks about: with its error where it is simulated, as bounds where these cannot decide."""
    estimate, said = verdict.estimate, number(verdict.estimate.value, verdict.threshold)
    if estimate.mcse is not None:
        return f"{said} ± {shown_error(estimate.mcse, 'number')}"
    if verdict.outcome == "INCONCLUSIVE":
        return f"{estimate.lower:.9g} to {estimate.upper:.9g}"
    return said


def pinned(found: Tipping, crossing: Crossing) -> bool:
    """Whether the two sides of a crossing are as close as was asked for."""
    return abs(crossing.after.at - crossing.before.at) <= found.resolution * (1 + 1e-9)


def _block(found: Tipping, scenario: str) -> list[str]:
    path = "" if found.said == found.path else f" ({found.path})"
    ends = f"from {place_said(found.grid[0])} to {place_said(found.grid[-1])}"
    lines = wrapped(f"{scenario}{found.said}{path}, {ends} in {_steps(found)}")
    for target in found.targets:
        first, *more = wrapped(f"{target.said}: {'; '.join(_told(found, target))}", 96)
        lines += [f"  {first}", *(f"    {line}" for line in more)]
    return lines + [f"  {line}" for said in _missing(found.unanswered) for line in wrapped(said, 96)]


def _steps(found: Tipping) -> str:
    """How far apart the numbers are that were tried first."""
    steps = [abs(after - before) for before, after in pairwise(found.grid)]
    uneven = found.step - min(steps) > 1e-6 * found.step
    return f"steps of {'at most ' if uneven else ''}{place_said(found.step)}"


def _told(found: Tipping, target: TippedTarget) -> list[str]:
    """What becomes of one target, change after change."""
    if not target.answered:
        return ["no answer anywhere"]
    if not found.started:
        start = place_said(found.grid[0])
        return [f"no answer at {start}, so that nothing tells where it first differs from there", *_turns(target)]
    if not target.crossings:
        return [_never(found, target)]
    first, *further = target.crossings
    if first.unanswered:
        return _turns(target)
    down = found.grid[-1] < found.grid[0]
    way, on = ("down", " down") if down else ("up", "")
    before, after = _sides(first)
    said = f"{_verb(first.before)} {way} to {before}, {_verb(first.after)} from {after}{on}"
    sought = [first]
    if _verb(first.after) == "cannot be told" and further and not further[0].unanswered:
        then = further.pop(0)
        sought.append(then)
        said = said.removesuffix(on) if on else said
        before, after = _sides(then)
        until = "" if then.before.at == first.after.at else f" to {before}"
        said += f"{until}, {_verb(then.after)} from {after}{on}"
    if not all(pinned(found, one) for one in sought):
        said += " (closer than that the simulated numbers cannot tell)"
    return [said, *(_turn(one) for one in further)]


def _never(found: Tipping, target: TippedTarget) -> str:
    verdicts = sorted((held.verdict for held in target.answered), key=lambda verdict: verdict.estimate.value)
    low, high = value_said(verdicts[0]), value_said(verdicts[-1])
    ends = f"between {place_said(found.grid[0])} and {place_said(found.grid[-1])}"
    span = low if low == high else f"{low} to {high}"
    never, where = ("no flip seen", "wherever it is answered") if found.unanswered else ("never flips", "throughout")
    return f"{never} {ends}: {verdicts[0].outcome} {where} ({span})"


def _turns(target: TippedTarget) -> list[str]:
    return [_turn(one) for one in target.crossings] or [f"{target.answered[0].verdict.outcome} wherever it is answered"]


def _turn(crossing: Crossing) -> str:
    """A change of outcome as the pair of numbers around it."""
    outcomes = f"turns from {crossing.before.verdict.outcome} to {crossing.after.verdict.outcome}"
    said = f"{outcomes} between {' and '.join(_sides(crossing))}"
    if not crossing.unanswered:
        return said
    return f"{said}, nothing tells where: no answer at {_list(crossing.unanswered)}"


def _verb(held: Held) -> str:
    return VERBS[held.verdict.outcome]


def _sides(crossing: Crossing) -> tuple[str, str]:
    """Both sides of a crossing with what the target asks about."""
    before, after = sides_said(crossing)
    return f"{before} ({value_said(crossing.before.verdict)})", f"{after} ({value_said(crossing.after.verdict)})"


def _list(values: Sequence[float]) -> str:
    shown = ", ".join(place_said(value) for value in values[:MOST_NAMED])
    return shown if len(values) <= MOST_NAMED else f"{shown} and {len(values) - MOST_NAMED} more"


def _missing(unanswered: Sequence[Unanswered]) -> list[str]:
    """The numbers without an answer, reason by reason."""
    reasons = dict.fromkeys(one.why for one in unanswered)
    return [f"No answer at {_list([one.at for one in unanswered if one.why == why])}: {why}" for why in reasons]


def _foot(found: Sequence[Tipping]) -> list[str]:
    said = "In brackets: the number that the target asks about. A flip and back within one step is not seen."
    verdicts = (held.verdict for one in found for target in one.targets for held in target.answered)
    if any(verdict.estimate.mcse is not None for verdict in verdicts):
        said += " Simulated numbers stand with their Monte Carlo standard error (±)."
    return wrapped(said)


def _target(found: Tipping, target: TippedTarget) -> dict[str, Any]:
    first, further = target.crossings[:1], target.crossings[1:]
    return {
        "said": target.said,
        "start": target.answered[0].verdict.outcome if found.started and target.answered else None,
        "first": plain(first[0]) if first and found.started else None,
        "further": plain(further if found.started else target.crossings),
        "answered": plain(target.answered),
    }
