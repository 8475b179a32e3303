"""What ``anatrial examples`` prints of trials that are not told look by look: visits, times, several endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anatrial.documents.trial_scenario import ArmNames
from anatrial.domain.told_trials import Judged, ToldTrial, ToldTrials
from anatrial.report.examples_text import (
    DECISIONS,
    KINDS,
    asked_said,
    believed_said,
    deciding_said,
    number_said,
    page,
    seen_said,
    share_said,
    span_said,
    wrapped,
)
from anatrial.report.machine import SCHEMA_VERSION, plain

HEADINGS = {
    **KINDS,
    "failure": "A failure",
    "many drop-outs": "Many drop-outs",
    "few randomised": "Few who respond to the run-in",
    "safety stop": "A stop for safety",
}


def told_text(result: ToldTrials, names: ArmNames) -> str:
    """Every chosen trial; then what was not found."""
    return page(result, [_trial(k, trial, names) for k, trial in enumerate(result.trials, start=1)], HEADINGS)


def told_content(result: ToldTrials) -> dict[str, Any]:
    """The chosen trials as JSON content."""
    return {"format": "anatrial-examples", "version": SCHEMA_VERSION, **plain(result)}


def told_heading(trial: ToldTrial) -> str:
    """Its kind, number and truth."""
    return f"{HEADINGS[trial.kind]}: trial {trial.number} of {trial.truth}"


def _trial(number: int, trial: ToldTrial, names: ArmNames) -> list[str]:
    lines = wrapped(f"{number}. {told_heading(trial)}")
    share = share_said(trial)
    lines += wrapped(f"Chosen because {trial.why}. {share[0].upper()}{share[1:]}.", indent="   ")
    return lines + [line for said in _sentences(trial, names) for line in wrapped(said, indent="   ")]


def _sentences(trial: ToldTrial, names: ArmNames) -> Iterator[str]:
    told = trial.told
    yield from told.data
    for one in told.judged:
        yield from _judged(one, names)
    if told.believed:
        each = (f"{one.what} is {one.median:.3g} ({one.lower:.3g} to {one.upper:.3g})" for one in told.believed)
        yield f"Posterior: {'; '.join(each)}."
    yield from asked_said(told.asked)
    deciding = [f" {deciding_said(one.look, names)}" for one in told.judged if one.look.deciding]
    yield f"Decision: {DECISIONS.get(told.decision, told.decision)}.{''.join(deciding)}"


def _judged(one: Judged, names: ArmNames) -> Iterator[str]:
    """Counts of the arms, the posterior, and what the rule computes."""
    look, where = one.look, f"{one.endpoint}: " if one.endpoint else "At the end, "
    told = f"{where}{seen_said(look.treatment)} {one.verb} on {names.treatment}"
    if look.control is None:
        yield f"{told} (95 % {span_said(look.lower, look.upper)})."
    else:
        difference = f"difference {look.effect:+.2f} (95 % {span_said(look.lower, look.upper)})"
        yield f"{told} and {seen_said(look.control)} on {names.control}: {difference}."
    yield from believed_said(look, names)
    if one.levels:
        yield " ".join([*(f"{number_said([asked])}." for asked in look.asked), one.levels])
    else:
        yield from asked_said(look.asked)
