"""A file whose control rates have drifted."""

from __future__ import annotations

from typing import Any

from anatrial.documents.special_paths import number, truths_of, wrong
from anatrial.errors import Fault, InputError
from anatrial.plan.drift import moved
from anatrial.plan.rule_setting import rule_of
from anatrial.spec import shown

LARGEST_SHIFT = 5.0


def with_drift(data: dict[str, Any], shift: Any) -> dict[str, Any]:
    """The file whose control rates have log odds larger by ``shift``: of points, grid and no_effect truths.

    Treatment rates stay, but rates that are equal stay equal, since there the treatment does what control does. With a
    single arm the range of rates without effect moves, and points at the rate to beat. Rates of 0 and 1 stay.
    """
    if not number(shift) or not abs(shift) <= LARGEST_SHIFT:
        raise wrong(shown(shift), f"a shift of the log odds from {-LARGEST_SHIFT:g} to {LARGEST_SHIFT:g}")
    if shift == 0:
        return data
    if faults := drift_faults(data):
        raise InputError(*faults)
    return {**data, "truths": {**data["truths"], **_moved_truths(data, shift)}}


def drift_faults(data: dict[str, Any]) -> list[Fault]:
    """Why no control rate of a file can drift."""
    if any(new != data["truths"][name] for name, new in _moved_truths(data, 1.0).items()):
        return []
    expected = "a points, grid or no_effect truth with a control rate above 0 and below 1"
    return [Fault("truths", "no rate that can drift", expected)]


def _moved_truths(data: dict[str, Any], shift: float) -> dict[str, Any]:
    to_beat = rule_of(data).fixed_benchmark
    return {name: _drifted(truth, shift, to_beat) for name, truth in truths_of(data)}


def _drifted(truth: dict[str, Any], shift: float, to_beat: float | None) -> dict[str, Any]:
    match truth:
        case {"kind": "no_effect", "control": {"from": lowest, "to": highest}}:
            return {**truth, "control": {"from": _shifted(lowest, shift), "to": _shifted(highest, shift)}}
        case {"kind": "points" | "grid" as kind, "rates": {"control": control} as rates}:
            now = {**rates, "control": _shifted(control, shift)}
            if kind == "points" and rates.get("treatment") == control:
                now["treatment"] = now["control"]
            return {**truth, "rates": now}
        case {"kind": "points", "rates": {"treatment": treatment} as rates} if treatment == to_beat:
            return {**truth, "rates": {**rates, "treatment": _shifted(treatment, shift)}}
        case _:
            return truth


def _shifted(rate: Any, shift: float) -> Any:
    """The moved rate, or rates; what is no rate inside (0, 1) stays."""
    if isinstance(rate, list):
        return [_shifted(each, shift) for each in rate]
    return moved(rate, shift) if number(rate) and 0 < rate < 1 else rate
