"""What ``anatrial examples`` prints: virtual trials in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.examples import ArmAtLook, Asked, Deciding, ExampleLook, ExampleTrial, ExampleTrials
from anatrial.domain.told_trials import ToldTrial, ToldTrials
from anatrial.report.machine import SCHEMA_VERSION, plain
from anatrial.report.numbers import beside, percent, rate
from anatrial.report.numbers import wrapped as wrapped_anywhere

FIRST_TOLD, LAST_TOLD = 2, 3  # looks of a trial that has many
KINDS = {
    "typical success": "A typical success",
    "early success": "An early success",
    "early futility": "An early stop for futility",
    "failure": "A failure where success would be right",
    "false success": "A false success",
    "conflict": "A conflict",
}
DECISIONS = {
    "success": "success",
    "futility": "stop for futility",
    "harm": "harm",
    "no-go": "no-go",
    "consider": "consider",
    "no success": "no success",
    "goes on": "the trial goes on",
}
SIGNS = {">": "above", "<": "below", ">=": "at least", "<=": "at most"}


def examples_text(result: ExampleTrials, names: ArmNames) -> str:
    """Every chosen trial, look by look; then what was not found."""
    return page(result, [_trial(k, trial, names) for k, trial in enumerate(result.trials, start=1)], KINDS)


def page(result: ExampleTrials | ToldTrials, trials: list[list[str]], kinds: dict[str, str]) -> str:
    """The told trials under their head; what was not found, by the words of its kind, and remarks below."""
    how = f"Virtual trials of seed {result.seed}: of each kind the first that fits, and none twice."
    blocks = [[*wrapped(result.title), *wrapped(result.success), how], *trials]
    blocks += [
        wrapped(f"{kinds[none.kind]}: not shown. {none_said(none.of, none.what, none.truth)}")
        for none in result.not_found
    ]
    blocks += [wrapped(note) for note in result.notes]
    foot = f"anatrial {result.tool_version} | scenario {result.scenario_digest[:4]}.. | seed {result.seed}"
    return "\n\n".join("\n".join(block) for block in [*blocks, [foot]])


def none_said(of: int, what: str, truth: str) -> str:
    """That no trial of a kind was found."""
    return f"None of {of:,} simulated trials of {truth} that {what} is left."


def heading(trial: ExampleTrial) -> str:
    """Number, truth and true rates of a trial."""
    rates = rate(round(trial.rate_t, 3))
    if trial.rate_c is not None:
        rates += f" v {rate(round(trial.rate_c, 3))}"
    return f"trial {trial.number} of {trial.truth} ({'rate' if trial.rate_c is None else 'rates'} {rates})"


def share_said(trial: ExampleTrial | ToldTrial) -> str:
    """How frequent such trials are, as the end of a sentence."""
    share = trial.share
    return f"{share.trials:,} of {share.of:,} simulated trials ({_percent(share.trials / share.of)}) {share.what}"


def _percent(part: float) -> str:
    return percent(round(part, 3 if part >= 0.001 else 5))


def _trial(number: int, trial: ExampleTrial, names: ArmNames) -> list[str]:
    lines = wrapped(f"{number}. {KINDS[trial.kind]}: {heading(trial)}")
    lines += wrapped(
        f"Chosen because {trial.why}. {share_said(trial)[0].upper()}{share_said(trial)[1:]}.", indent="   "
    )
    for look in _told(trial.looks):
        if isinstance(look, int):
            lines.append(f"   ... at {look} looks more the trial goes on ...")
        else:
            lines += [line for said in _look(look, names) for line in wrapped(said, indent="   ")]
    return lines


def _told(looks: tuple[ExampleLook, ...]) -> Iterator[ExampleLook | int]:
    """The looks to tell, and how many are left out between them."""
    left_out = len(looks) - FIRST_TOLD - LAST_TOLD
    if left_out < 2:
        yield from looks
        return
    yield from looks[:FIRST_TOLD]
    yield left_out
    yield from looks[-LAST_TOLD:]


def _look(look: ExampleLook, names: ArmNames) -> Iterator[str]:
    """The sentences of a look."""
    where = "At the end," if look.last else f"At look {look.number},"
    if look.control is None:
        interval = span_said(look.lower, look.upper)
        yield f"{where} {seen_said(look.treatment)} respond on {names.treatment} (95 % {interval})."
    else:
        arms = (
            f"{seen_said(look.treatment)} respond on {names.treatment} and {seen_said(look.control)} on {names.control}"
        )
        yield f"{where} {arms}: difference {look.effect:+.2f} (95 % {span_said(look.lower, look.upper)})."
    yield from believed_said(look, names)
    yield from asked_said(look.asked)
    deciding = f" {deciding_said(look, names)}" if look.deciding else ""
    yield f"Decision: {DECISIONS[look.decision]}.{deciding}"


def seen_said(arm: ArmAtLook) -> str:
    """Responders of an arm."""
    return f"{arm.x} of {arm.n} ({arm.x / arm.n:.2f})" if arm.n else "nobody"


def span_said(low: float, high: float) -> str:
    """An interval of rates."""
    return " to ".join(f"{end:.2f}".replace("-0.00", "0.00") for end in (low, high))


def believed_said(look: ExampleLook, names: ArmNames) -> Iterator[str]:
    """Posterior rates and what is left of history."""
    arms = ((look.treatment, names.treatment), (look.control, names.control))
    told = [
        f"{arm.believed.mean:.2f} ({span_said(arm.believed.lower, arm.believed.upper)}) on {name}"
        for arm, name in arms
        if arm is not None and arm.believed is not None
    ]
    history = "" if look.history is None else f"; history keeps a weight of {look.history:.2f}"
    if told:
        yield f"Posterior: {' and '.join(told)}{history}."


def asked_said(asked: tuple[Asked, ...]) -> Iterator[str]:
    """Every number that the rule computes with what it asks for; the same number once."""
    needs: dict[tuple[str, float], list[Asked]] = {}
    for one in asked:
        needs.setdefault((one.what, one.value), []).append(one)
    for wanted in needs.values():
        limits = " and ".join(f"{one.decides} asks {SIGNS[one.sign]} {_limit(one.threshold)}" for one in wanted)
        yield f"{number_said(wanted)}; {limits}."


def number_said(wanted: list[Asked]) -> str:
    """A number that the rule computes, with as many digits as every threshold needs."""
    what, value = wanted[0].what, wanted[0].value
    number = max((beside(value, one.threshold) for one in wanted), key=len)
    if float(number) == 0.0 < abs(value):
        number = f"{value:.2g}"
    return f"{what[0].upper()}{what[1:]} is {number}"


def _limit(threshold: float) -> str:
    return f"{threshold:.4g}" if abs(threshold) < 0.99 or abs(threshold) > 1 else f"{threshold:.12g}"


def deciding_said(look: ExampleLook, names: ArmNames) -> str:
    """Which treatment counts decide beside the control count."""
    n = look.treatment.n
    parts = [f"{_runs(one, n)} {'mean' if one.runs else 'means'} {one.decides}" for one in look.deciding]
    where = "" if look.control is None else f"Beside {look.control.x} on {names.control}, "
    said = f"{where}{'; '.join(parts)}."
    return said[0].upper() + said[1:]


def _runs(deciding: Deciding, n: int) -> str:
    """Counts of the treatment arm in words."""
    if not deciding.runs:
        return f"no count of {n}"
    return " or ".join(_run(first, last, n) for first, last in deciding.runs)


def _run(first: int, last: int, n: int) -> str:
    if first == last:
        return f"{first} of {n}"
    if last == n:
        return f"at least {first} of {n}"
    return f"at most {last} of {n}" if first == 0 else f"{first} to {last} of {n}"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines that never end between a number and its per cent sign."""
    kept = wrapped_anywhere(text.replace(" %", "\N{NO-BREAK SPACE}%"), indent=indent)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in kept]


def examples_content(result: ExampleTrials) -> dict[str, Any]:
    """The chosen trials as JSON content."""
    return {"format": "anatrial-examples", "version": SCHEMA_VERSION, **plain(result)}
