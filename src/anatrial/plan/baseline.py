"""A baseline: what scenarios were made of and what came out, and what has moved since."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from anatrial import __version__
from anatrial.documents.trial_scenario import QUESTIONS, ResolvedTrial
from anatrial.domain.cells import CellResult
from anatrial.domain.checked import Baseline, Change, Checked, Entry, Moved, Movement
from anatrial.domain.results import Estimate, Verdict
from anatrial.errors import Fault, InputError
from anatrial.spec import Spec, Text, spoken

EXACT = 1e-10
"""How far exact numbers may be from each other, of numbers above 1 relatively: sums round to 1e-12."""
SIGMAS = 4.0
"""Combined Monte Carlo standard errors: passed by chance once in 16,000."""
MISSED = 100
"""Trials in which something happened that a run of a tenth as many may miss: by chance once in 22,000 (exp(-10))."""
IDLE = {*QUESTIONS, "version", "size"}
"""Keys of a scenario that move no number of its run."""
TEXT = typing.get_args(Text)[1]
SAME_INPUT = 1e-12
"""Relative: an input that was computed, as a shape from a mean, may round differently on another machine."""


def entry(used: ResolvedTrial[Any], result: CellResult, verdicts: Sequence[tuple[str, Verdict]]) -> Entry:
    """What a baseline keeps of a scenario and its numbers; ``verdicts``: targets in words with theirs."""
    results = {found.truth: {m.name: m.estimate for m in found.metrics} for found in result.characteristics}
    places = {
        found.truth: {m.name: m.at for m in found.metrics if m.at is not None and m.estimate.mcse is not None}
        for found in result.characteristics
    }
    rates = {truth: found for truth, found in places.items() if found}
    return Entry(__version__, inputs(used), results, {said: found.outcome for said, found in verdicts}, rates)


def inputs(used: ResolvedTrial[Any]) -> dict[str, Any]:
    """Everything that a scenario is made of, by its path: numbers and choices, thresholds of targets included.

    Words that only people read are left out, and so are defaults: a default that a later version of the program
    changes or adds is no change of the file. History is told apart from the robust part of a prior, as rules do.
    """
    found = {path: value for path, value in _leaves(used.resolved, ()) if path[0] not in IDLE}
    for use, prior in used.priors:
        if prior.informative.parts != prior.mixture.parts:
            parts = [(k, part) for k, part in enumerate(prior.informative.parts)]
            found |= {(use, "history", k, name): x for k, part in parts for name, x in part._asdict().items()}
    return {spoken(path): value for path, value in found.items()}


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Plain values with their paths."""
    if isinstance(value, Spec):
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if not _wordy(field) and not _by_default(field, inner):
                yield from _leaves(inner, (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, (tuple, list)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _by_default(field: FieldInfo, value: Any) -> bool:
    return not field.is_required() and bool(value == field.get_default(call_default_factory=True))


def _wordy(field: FieldInfo) -> bool:
    """Whether a field holds text for people, or several texts."""
    inner = (getattr(part, "__metadata__", ()) for part in typing.get_args(field.annotation))
    return any(TEXT in found for found in (field.metadata, *inner))


# ---- what has moved ----


def movement(before: Entry | None, now: Entry) -> Movement:
    """A scenario beside its baseline.

    With other inputs, numbers may move. With the same inputs they may not: exact ones by no more than 1e-10 or the gap
    to their proven bounds, simulated ones by no more than four combined Monte Carlo standard errors.
    """
    if before is None:
        return Movement("new")
    changed = _changes(before.inputs, now.inputs)
    moved = tuple(_moved(before, now))
    verdicts = tuple(one for one in _changes(before.verdicts, now.verdicts) if one.before and one.now)
    if any(not _threshold(one.path) for one in changed):
        return Movement("changed inputs", changed, moved, verdicts)
    if any(one.before is not None for one in moved):  # a number that is new breaks no promise
        return Movement("changed results", changed, moved, verdicts)
    return Movement("changed inputs" if changed else "unchanged", changed, moved, verdicts)


def _threshold(path: str) -> bool:
    """Whether an input only says how a number is judged, and moves none."""
    return path.startswith("targets ") and path.endswith((", at_least", ", at_most"))


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    paths = sorted(before.keys() | now.keys())
    found = [Change(path, before.get(path), now.get(path)) for path in paths]
    return tuple(one for one in found if not _same_input(one.before, one.now))


def _same_input(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return type(one) is type(other) and bool(one == other)
    return isinstance(other, int | float) and math.isclose(one, other, rel_tol=SAME_INPUT, abs_tol=0.0)


def _moved(before: Entry, now: Entry) -> Iterator[Moved]:
    """Numbers that are others, new or gone, in the order of the scenario; those gone last."""
    truths = [*now.results, *(truth for truth in before.results if truth not in now.results)]
    for truth in truths:
        old, new = before.results.get(truth, {}), now.results.get(truth, {})
        for metric in [*new, *(name for name in old if name not in new)]:
            one = Moved(truth, metric, old.get(metric), new.get(metric))
            if one.before is None or one.now is None or not _agree(one.before, one.now, (before, now), (truth, metric)):
                yield one


def _agree(old: Estimate, new: Estimate, entries: tuple[Entry, Entry], key: tuple[str, str]) -> bool:
    """Whether two numbers agree, or another number of trials found another rate the worst: then they are not of one."""
    rates = [entry.rates.get(key[0], {}).get(key[1]) for entry in entries]
    elsewhere = None not in rates and rates[0] != rates[1] and old.draws != new.draws
    return elsewhere or same(old, new)


def same(before: Estimate, now: Estimate) -> bool:
    """Whether two numbers for the same input agree; a number that is no longer exact, or is now, does not."""
    if (before.mcse is None) != (now.mcse is None):
        return False
    if before.value == now.value:
        return True
    apart = abs(before.value - now.value)
    if math.isnan(apart):  # defined in no trial
        rare = before.mcse is not None and max(before.draws or 0, now.draws or 0) <= MISSED
        return rare or (math.isnan(before.value) and math.isnan(now.value))
    return math.isfinite(apart) and apart <= tolerance(before, now)


def tolerance(before: Estimate, now: Estimate) -> float:
    """How far two numbers of the same kind may be from each other."""
    rounding = EXACT * max(1.0, abs(before.value), abs(now.value))
    if before.mcse is None or now.mcse is None:
        return max(rounding, *(one.upper - one.lower for one in (before, now)))
    return max(rounding, SIGMAS * _combined(before, now))


def _combined(one: Estimate, other: Estimate) -> float:
    """Standard error of the difference of two simulated means.

    The larger of two: each with its own variance, and both with that of all draws together. Without the second, a few
    draws in which a rare event never occurred would claim to have no error.
    """
    n, m = one.draws or 0, other.draws or 0
    apart = math.hypot(one.mcse or 0.0, other.mcse or 0.0)
    if not n or not m:
        return apart
    variance = (n * n * (one.mcse or 0.0) ** 2 + m * m * (other.mcse or 0.0) ** 2) / (n + m)
    return max(apart, math.sqrt(variance * (1 / n + 1 / m)))


# ---- keeping ----


def updated(before: Baseline, checked: Checked) -> Baseline:
    """The baseline with every scenario that was checked, without those that are gone.

    ``InputError`` where a scenario has no numbers: half a baseline would tell less than the one before.
    """
    lacking = [one.name for one in checked.scenarios if one.entry is None]
    if lacking:
        fix = "mend what is told of it; the baseline is as it was"
        raise InputError(Fault("--update-baseline", f"no numbers of {', '.join(lacking)}", "numbers of all", fix))
    fresh = {one.name: one.entry for one in checked.scenarios if one.entry is not None}
    return {name: found for name, found in {**before, **fresh}.items() if name not in checked.gone}
